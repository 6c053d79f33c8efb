"""Which workers of Celery answer, of those that run: `opskit service status --celery`. Pure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from opskit.service.model import (
    DEAD_PID_FILE,
    RUNNING,
    SILENT,
    UNKNOWN,
    CeleryPing,
    CeleryWorker,
    Claim,
    Process,
    ServiceFacts,
    Verdict,
)
from opskit.service.scripts import GONE, REUSED, ZOMBIE, pid_file_state, roots_of

# An app as -A takes it (celery/bin/base.py): a module, and what in it is the app.
_APP = re.compile(r"[A-Za-z_][\w.]*(?::[A-Za-z_][\w.]*)?", re.ASCII)
# What setproctitle makes of a worker: `[celeryd: celery@host:MainProcess] -active- (worker -A app)`.
_TITLE = re.compile(r"\[celeryd: (\S+@\S+):MainProcess\]")
# What runs Celery, by the name of its file: python3.11, platform-python3.6, pypy3.
_PYTHON = re.compile("python|pypy")
# `celery inspect` where nobody answered (EX_UNAVAILABLE).
_NOBODY = 69
PING_SECONDS = 3
# What see/celery.py starts says on stderr where it is; and it ends so where celery cannot be started there.
ON, NOT_STARTED = "opskit: on ", 127


def is_app(text: str) -> bool:
    """Whether this can be an app of Celery."""
    return bool(_APP.fullmatch(text))


def is_worker(process: Process) -> bool:
    """Whether a process is a worker of Celery, or a child of its pool.

    What only starts one and waits for it has the same words: tini, sudo, runuser, a shell. It runs no Python.
    """
    program = os.path.basename(process.exe.removesuffix(" (deleted)"))
    if process.zombie or (program and not _PYTHON.search(program)):
        return False
    return bool(process.words) and (
        bool(_TITLE.match(process.words[0])) or ("worker" in process.words and bool(program_of(process.words)))
    )


def program_of(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a worker that start celery: `celery`, `python -m celery`, `manage.py celery`; () for none."""
    end = next((number for number, word in enumerate(words) if os.path.basename(word) in {"celery", "celeryd"}), -1)
    return tuple(words[: end + 1])


def workers_of(verdict: Verdict) -> list[Process]:
    """The main processes of its workers."""
    return roots_of([each for each in (*verdict.main, *verdict.workers) if is_worker(each)])


def node_name(process: Process, host: str) -> str:
    """The name of a worker, as Celery makes it (celery/utils/nodenames.py). host: what gethostname(2) says there."""
    if process.words and (match := _TITLE.match(process.words[0])):
        return match[1]
    words = [*process.words, ""]
    given = ""
    for word, following in zip(words, words[1:]):
        if word in {"-n", "--hostname"}:
            given = following
        elif word.startswith("--hostname=") or (word.startswith("-n") and len(word) > 2):
            given = word.partition("=")[2] if word.startswith("--") else word[2:]
    name, at, place = given.partition("@")
    # Without an @ it is the host.
    full = f"{(name if at else '') or 'celery'}@{(place if at else given) or host}"
    short, _, domain = host.partition(".")
    return full.replace("%h", host).replace("%n", short).replace("%d", domain)


def ping_of(app: str, workers: Iterable[Process], status: int, stdout: str, stderr: str) -> CeleryPing:
    """What `celery inspect ping --json` says. stderr: has a line with ON and the name of the host that it ran on."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(ON)]
    why = told[-1] if told else f"exit status {status}"
    host = next((line[len(ON) :].strip() for line in lines if line.startswith(ON)), "")
    if not host or status == NOT_STARTED:
        return CeleryPing(app, why=f"celery was not started: {why}", asked=False)
    answered = _replies(stdout)
    nodes = tuple(CeleryWorker(each, name, name in answered) for each in workers if (name := node_name(each, host)))
    others = tuple(sorted(answered - {node.name for node in nodes}))
    why = "" if status == 0 else "nobody replied" if status == _NOBODY else why
    return CeleryPing(app, nodes, others, why)


def _replies(stdout: str) -> set[str]:
    """The names of those that replied; an app can print anything when it is imported."""
    for line in reversed(stdout.splitlines()):
        try:
            replies = json.loads(line)
        except ValueError:
            continue
        if isinstance(replies, dict):
            return {name for name, reply in replies.items() if isinstance(reply, dict) and reply.get("ok") == "pong"}
    return set()


def judge_celery(facts: ServiceFacts, verdict: Verdict, ping: CeleryPing) -> Verdict:
    """The verdict on a service that runs, by what its workers answered."""
    if not ping.asked:
        return replace(verdict, state=UNKNOWN, why=f"{verdict.why}; its workers were not asked: {ping.why}")
    silent = [node.name for node in ping.nodes if not node.answers]
    total = len(ping.nodes)
    answer = f"{total - len(silent)} of {total} workers of {ping.app} answer"
    claims = (*verdict.claims, Claim(f"celery -A {ping.app} inspect ping", ping.why or answer))
    dead = _dead_files(facts)
    if silent:
        why = f"{answer}: {', '.join(silent)} {'does' if len(silent) == 1 else 'do'} not"
        why += f" ({ping.why})" if ping.why else ""
        return replace(verdict, state=SILENT, why=why, claims=claims)
    if dead:
        return replace(
            verdict, state=DEAD_PID_FILE, why=f"{answer}, and {dead[0]} is of one that is dead", claims=claims
        )
    return replace(verdict, state=RUNNING, why=f"{verdict.why}; {answer}", claims=claims)


def _dead_files(facts: ServiceFacts) -> list[str]:
    """The pid files of workers that are dead: each worker has one."""
    script = facts.script
    if not script:
        return []
    states = ((file.path, pid_file_state(file, facts.name, script.programs)) for file in script.pid_files)
    return [path for path, state in states if state in {GONE, REUSED, ZOMBIE}]
