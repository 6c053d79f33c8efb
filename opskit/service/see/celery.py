"""The workers of Celery, asked as their own user, in their own place, with their own environment.

To ask is to import the app: that is code of whoever runs the workers, and never run as another user. Their environment
can hold secrets: it is handed over on standard input, not in arguments that everybody sees.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import Optional, Union

from opskit.core import procfs
from opskit.core.command import Command
from opskit.core.errors import Missing, OpskitError
from opskit.core.runner import Runner
from opskit.service.celery import NOT_STARTED, ON, PING_SECONDS, ping_of, program_of, workers_of
from opskit.service.model import CeleryPing, Container, Process, Verdict
from opskit.service.see.containers import ANY_STATUS
from opskit.service.see.processes import PROC, user_of

# An app takes some seconds to be imported, and a broker that is gone its own time limits.
SECONDS = 40.0
# For Python 2.7, too, which old workers have. Its own name, and then it becomes celery.
_WRAPPER = f"""
import json, os, sys
given = json.load(sys.stdin)
os.environ.clear(); os.environ.update(given["environment"])
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.stderr.write("{ON}" + os.uname()[1] + "\\n"); sys.stderr.flush()
try:
    os.chdir(given["folder"])
    os.execvp(given["argv"][0], given["argv"])
except OSError:
    sys.stderr.write("%s in %s: %s\\n" % (given["argv"][0], given["folder"], sys.exc_info()[1].strerror))
    sys.exit({NOT_STARTED})
"""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def ask_celery(runner: Runner, app: str, verdict: Verdict, container: Optional[Container]) -> CeleryPing:
    """Which of the service's workers answer."""
    workers = workers_of(verdict)
    if not workers:
        return CeleryPing(app, why="none of its processes is a worker of Celery", asked=False)
    command = _command(app, workers[0], container)
    if isinstance(command, str):
        return CeleryPing(app, why=command, asked=False)
    try:
        result = runner.run(command)
    except Missing as error:
        return CeleryPing(app, why=str(error), asked=False)
    except OpskitError as error:  # no answer in time
        return ping_of(app, workers, 1, "", f"{ON}{os.uname().nodename}\n{error.why}")
    return ping_of(app, workers, result.status, result.stdout, result.stderr)


def _command(app: str, worker: Process, container: Optional[Container]) -> Union[Command, str]:
    """The command that asks; or why there is none."""
    user = user_of(worker.pid)
    if user is None:
        return "whose the worker is cannot be told"
    if os.geteuid() not in {0, user[0]}:
        return f"as root, or as {procfs.user_name(user[0])}"
    if not worker.exe.startswith("/"):
        return f"its program may not be looked at: {PROC}/{worker.pid}/exe"
    celery = program_of(worker.words) if not worker.words[0].startswith("[") else ()
    given = {
        "argv": [*(celery or ("celery",)), "-A", app, "inspect", "ping", "--json", "--timeout", str(PING_SECONDS)],
        "folder": procfs.link(PROC, str(worker.pid), "cwd") or "/",
        "environment": {
            name: value for name, value in procfs.environment(PROC, worker.pid).items() if _VARIABLE.fullmatch(name)
        },
    }
    now = procfs.read_stat(PROC, worker.pid)
    if now is None or now.start != worker.start_ticks:
        return "the worker has just ended"
    start = (worker.exe.removesuffix(" (deleted)"), "-E", "-s", "-S", "-c", _WRAPPER)
    argv = (*_as_user(worker.pid, user, container), *start)
    return Command(argv, mutates=False, input=json.dumps(given), timeout=SECONDS, accept=ANY_STATUS)


def _as_user(pid: int, user: tuple[int, int], container: Optional[Container]) -> tuple[str, ...]:
    """What runs a program as the user of a process; in its container by the numbers that this one has there."""
    if container:
        inner = [
            _inner(number, procfs.text(PROC, str(pid), f"{kind}_map")) for kind, number in zip(("uid", "gid"), user)
        ]
        return (container.engine, "exec", "--interactive", "--user", f"{inner[0]}:{inner[1]}", container.id)
    if os.geteuid() == user[0]:
        return ()
    return ("setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--init-groups", "--")


def _inner(number: int, mapping: str) -> int:
    """The number of a user or group in a namespace, by its uid_map or gid_map (user_namespaces(7))."""
    rows: Sequence[list[str]] = [line.split() for line in mapping.splitlines()]
    for inside, outside, count in (map(int, row) for row in rows if len(row) == 3):
        if outside <= number < outside + count:
            return inside + number - outside
    return number
