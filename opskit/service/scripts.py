"""The state of a service of an init script: what the script says, held against its pid files and /proc. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Optional

from opskit.service.model import (
    DEAD_LOCK_FILE,
    DEAD_PID_FILE,
    RUNNING,
    SCRIPT,
    SILENT,
    STARTING,
    STOPPED,
    UNKNOWN,
    Claim,
    PidFile,
    Process,
    Script,
    ServiceFacts,
    Verdict,
)

# Of the Linux Standard Base, "Init Script Actions".
LSB = {
    0: "running",
    1: "dead, and its pid file is there",
    2: "dead, and its lock file is there",
    3: "not running",
    4: "not known",
}
# A pid file is written behind the start of its process; by whole seconds on some filesystems.
LATER = 2.0
MOST_NAMED = 4
# What an init script is told when the service is to run at its end.
STARTS = frozenset({"start", "restart", "condrestart", "try-restart", "force-reload"})
INTERPRETERS = re.compile(r"(?:python|perl|ruby|node|java|php|sh|bash|dash|ash|busybox|env)[\d.]*")
# What a pid file comes to.
OWN, GONE, ZOMBIE, REUSED, OTHER, EMPTY, HIDDEN = "own", "gone", "zombie", "reused", "other", "empty", "hidden"


def is_program(process: Process, names: Sequence[str]) -> bool:
    """Whether a process is one of these programs: by its name, its program, or the script that it interprets."""
    words = [os.path.basename(word) for word in process.words[:1]]
    if words and (INTERPRETERS.fullmatch(words[0]) or process.words[0].startswith("-")):
        words += [os.path.basename(word) for word in process.words[1:5] if not word.startswith("-")][:1]
    # setproctitle, as celery uses it: `[celeryd: celery@host:MainProcess]`
    titles = [match[1] for word in process.words[:1] if (match := re.match(r"\[?([\w.-]+):", word))]
    seen = {process.name, *words, *titles, os.path.basename(process.exe.removesuffix(" (deleted)"))}
    # The kernel keeps 15 characters of a name.
    return any(name in seen or (len(name) > 15 and process.name == name[:15]) for name in names if name)


def verb_of(process: Process, path: str) -> str:
    """What a process runs an init script itself for; "" for any other process."""
    for word, verb in zip(process.words[:4], process.words[1:]):
        if word.endswith(f"/init.d/{os.path.basename(path)}"):
            return verb
    return ""


def pid_file_state(pid_file: PidFile, name: str, programs: Sequence[str]) -> str:
    """What a pid file comes to.

    A process whose name is the service's is the service, whatever the clocks say: they may have been set in between.

    name: of the service
    programs: the names of the program that its script starts
    """
    process = pid_file.process
    if pid_file.hidden:
        return HIDDEN
    if not pid_file.pid:
        return EMPTY
    if process is None:
        return GONE
    if process.zombie:
        return ZOMBIE
    if is_program(process, (name, *programs)):
        return OWN
    if process.pid == 1:  # of the host: a pid of a container, in a file that the host has, too
        return OTHER
    if process.started > pid_file.written + LATER:
        return REUSED
    return OTHER if programs else OWN


def judge_script(facts: ServiceFacts, script: Script) -> Verdict:
    """The verdict on a service of an init script."""
    files = [(each, pid_file_state(each, facts.name, script.programs)) for each in script.pid_files]
    own = [file.process for file, state in files if state == OWN and file.process]
    names = (facts.name, *script.programs)
    strays = [each for each in facts.processes if not each.zombie and is_program(each, names)]
    # The script has the name of its service, and can hang, or be at work for somebody else just now. Of one that says
    # that it runs, it may be a loop of its own.
    verbs = {each.pid: verb_of(each, script.path) for each in strays} if script.status == 3 else {}
    main = roots_of(own or [each for each in strays if not verbs.get(each.pid)])
    workers = workers_below(facts.processes, main)
    state, why = _state(script, files, bool(own), main)
    starts = [each for each in strays if verbs.get(each.pid) in STARTS]
    if not main and starts:
        state, why = STARTING, f"{roots_of(starts)[0].text} is {script.path} {verbs[roots_of(starts)[0].pid]}, at work"
    claims = (
        Claim(f"{script.path} status", _script_text(script)),
        *(Claim(file.path, _file_text(file, state)) for file, state in files),
        *([Claim(script.lock, "the lock file is there")] if script.lock else []),
    )
    zombies = [file.process for file, state in files if state == ZOMBIE and file.process]
    tops = {each.pid for each in main}
    zombies += [
        each
        for each in facts.processes
        if each.zombie and each not in zombies and (is_program(each, names) or each.parent in tops)
    ]
    return Verdict(
        facts.name,
        SCRIPT,
        state,
        why,
        main=tuple(main),
        workers=workers,
        since=min((each.started for each in main), default=0.0),
        memory=sum(each.rss for each in (*main, *workers)) if main else None,
        zombies=tuple(zombies),
        claims=claims,
        lies=_lies(script.status, state),
    )


def is_left(facts: ServiceFacts) -> bool:
    """Whether systemd has a unit as active of which nothing runs, by the init script itself or by its pid file.

    Not by what is not there alone: network of EL7 sets addresses, and leaves a lock file and no process.
    """
    script = facts.script
    if not (facts.unit and facts.unit.active == "active" and facts.unit.source and script):
        return False
    states = [pid_file_state(each, facts.name, script.programs) for each in script.pid_files]
    return script.status in {1, 2, 3} or bool({GONE, ZOMBIE, REUSED} & set(states))


def _state(script: Script, files: list[tuple[PidFile, str]], known: bool, main: Sequence[Process]) -> tuple[str, str]:
    """The state, and why; /proc has the last word, and the script where /proc shows nothing.

    known: whether a pid file names the main processes
    """
    if main:
        return _living(script, main, "" if known or not files else ", and no pid file names it")
    left = [(file, state) for file, state in files if state in {GONE, ZOMBIE, REUSED, OTHER, EMPTY}]
    if any(state == HIDDEN for _, state in files):
        return UNKNOWN, "its pid file, or the process that it names, may not be looked at by this user"
    if left:
        return DEAD_PID_FILE, f"{left[0][0].path}: {_file_text(*left[0])}"
    if script.lock:
        return DEAD_LOCK_FILE, f"nothing of it runs, and {script.lock} is there"
    if script.status == 0:
        if script.programs:
            return STOPPED, f"no process is {' or '.join(script.programs)}, and no pid file is there"
        return UNKNOWN, "its script says that it runs, and no pid file or process of its name confirms it"
    if script.status in {1, 2, 3}:
        return STOPPED, f"its script exits with {script.status} ({LSB[script.status]}), and no process is there"
    return UNKNOWN, script.why or f"its script exits with {script.status}, and no process of its name is there"


def _living(script: Script, main: Sequence[Process], how: str) -> tuple[str, str]:
    if all(each.state in {"T", "t"} for each in main):
        return SILENT, f"{main[0].text} is stopped by a signal: it lives, and does nothing"
    if script.why and script.status is None and script.asked:
        return SILENT, f"{main[0].text} lives, but {script.why}"
    return RUNNING, f"{alive_text(main)}{how}{'' if script.asked else f'; {script.why}'}"


def alive_text(processes: Sequence[Process]) -> str:
    """That these live, a few of them by name."""
    named = ", ".join(each.text for each in processes[:MOST_NAMED])
    more = f" and {len(processes) - MOST_NAMED} more" if len(processes) > MOST_NAMED else ""
    return f"{named}{more} {'lives' if len(processes) == 1 else 'live'}"


def _lies(status: Optional[int], state: str) -> bool:
    """Whether the script says another thing than is so."""
    if status == 0:
        return state in {STOPPED, DEAD_PID_FILE, DEAD_LOCK_FILE}
    return status in {1, 2, 3} and state in {RUNNING, SILENT}


def _script_text(script: Script) -> str:
    if script.status is None:
        return script.why
    meaning = LSB.get(script.status, "no answer of the Linux Standard Base")
    return f"exit status {script.status}: {meaning}{f' ({script.says})' if script.says else ''}"


def _file_text(file: PidFile, state: str) -> str:
    texts = {
        HIDDEN: "this user may not look at it",
        EMPTY: "it holds no pid",
        GONE: f"pid {file.pid} is gone",
    }
    if file.process is None or state in texts:
        return texts.get(state, "")
    return {
        OWN: f"{file.process.text} lives",
        ZOMBIE: f"{file.process.text} is a zombie: it has ended, and its parent does not take its exit status",
        REUSED: f"{file.process.text} has the pid now: it started after the file was written",
        OTHER: f"{file.process.text} is another program",
    }[state]


def roots_of(processes: Sequence[Process]) -> list[Process]:
    """Those whose parent is none of them."""
    pids = {each.pid for each in processes}
    return [each for each in processes if each.parent not in pids]


def workers_below(processes: Sequence[Process], main: Sequence[Process]) -> tuple[Process, ...]:
    """The living descendants of these, by pid."""
    children: dict[int, list[Process]] = {}
    for each in processes:
        children.setdefault(each.parent, []).append(each)
    below: dict[int, Process] = {}
    heads = [each.pid for each in main]
    while heads:
        # A pid that was used again while they were read could make a circle.
        new = [child for child in children.get(heads.pop(), ()) if child.pid not in below]
        below.update((child.pid, child) for child in new)
        heads += [child.pid for child in new]
    tops = {each.pid for each in main}
    return tuple(below[pid] for pid in sorted(below) if pid not in tops and not below[pid].zombie)
