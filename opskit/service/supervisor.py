"""The state of a program of supervisord: what that answers, held against /proc; and its configuration file. Pure."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from opskit.service.model import (
    FAILED,
    PROGRAM,
    RUNNING,
    SILENT,
    STARTING,
    STOPPED,
    UNKNOWN,
    Claim,
    Process,
    Program,
    ServiceFacts,
    Supervisor,
    Verdict,
)
from opskit.service.scripts import roots_of, workers_below

# Which state of several programs is told of all: first what nobody may start anything beside.
_ORDER = (UNKNOWN, SILENT, STARTING, FAILED, STOPPED, RUNNING)
# Of the processes of one program.
MOST = 1000
# Of the name of a process: a number in front of what stands for something makes it as wide as that.
LONGEST = 200
_WIDE = re.compile(r"%(?:\([^)]*\))?[^a-zA-Z%]*\d{3}")
# Sections that have a command (supervisor/options.py).
_KINDS = ("program", "fcgi-program", "eventlistener")
_TRUE = {"true", "on", "yes", "1"}
_FALSE = {"false", "off", "no", "0"}
_MISSING = re.compile(r"(?:can't find command|command at|no permission to run command) '(.*)'")


class Setting(NamedTuple):
    """A value of the configuration. where: its file and line."""

    value: str
    where: str


class Section(NamedTuple):
    """A section of the configuration. where: its file and line."""

    where: str
    settings: dict[str, Setting]


Sections = dict[str, Section]


def sections_in(path: str, text: str) -> Sections:
    """The sections of a file, as the configparser of supervisord reads it."""
    sections: Sections = {}
    settings: Optional[dict[str, Setting]] = None
    key, indent = "", 0
    for number, raw in enumerate(text.split("\n"), start=1):
        # A comment begins a line, or is behind a space.
        line = re.split(r"(?:^|\s)[;#]", raw, maxsplit=1)[0]
        bare = line.strip()
        if not bare:
            continue
        depth = len(line) - len(line.lstrip())
        if depth > indent and settings is not None and key:
            settings[key] = Setting(f"{settings[key].value}\n{bare}", settings[key].where)
        elif match := re.match(r"\[(.+)\]", bare):
            settings = sections.setdefault(match[1], Section(f"{path}:{number}", {})).settings
            key, indent = "", depth
        elif settings is not None and (match := re.match(r"(.*?)\s*[=:]\s*(.*)", bare)):
            key, indent = match[1].lower(), depth
            settings[key] = Setting(match[2], f"{path}:{number}")
    return sections


def merged(files: Iterable[Sections]) -> Sections:
    """The sections of the file and of those that it includes: a later value is the one that counts."""
    result: Sections = {}
    for sections in files:
        for name, section in sections.items():
            before = result.setdefault(name, Section(section.where, {}))
            before.settings.update(section.settings)
    return result


def setting(sections: Sections, section: str, key: str, default: str = "") -> str:
    """The value of a setting."""
    found = sections[section].settings.get(key) if section in sections else None
    return found.value if found else default


def expanded(text: str, here: str, environment: Mapping[str, str]) -> str:
    """The text with %(here)s and %(ENV_X)s in their places; others stay."""
    values = {"here": here, **{f"ENV_{name}": value for name, value in environment.items()}}
    return re.sub(r"%\((\w+)\)s", lambda match: values.get(match[1], match[0]), text)


def named_programs(name: str, answers: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of supervisord's answer that a name stands for: group:name, all of a group, or a name in a group."""
    group = name.removesuffix(":*")
    wanted = (
        lambda each: name == f"{each['group']}:{each['name']}",
        lambda each: each["group"] == group,
        lambda each: each["name"] == name,
    )
    return next((found for like in wanted if (found := [each for each in answers if like(each)])), [])


def program_of(answer: Mapping[str, Any], sections: Sections, log: Sequence[str], *, early: bool = False) -> Program:
    """A program, by supervisord's answer and its configuration.

    log: the last lines of supervisord's own
    early: whether it is older than 4.0
    """
    group, name = str(answer["group"]), str(answer["name"])
    return Program(
        group=group,
        name=name,
        state=str(answer.get("statename", "")),
        pid=int(answer.get("pid", 0)),
        exit_status=int(answer.get("exitstatus", 0)),
        error=str(answer.get("spawnerr", "")),
        started=float(answer.get("start", 0)),
        ended=_last_end(name, log),
        logs=tuple(str(path) for key in ("stderr_logfile", "stdout_logfile") if (path := answer.get(key))),
        **_configured(section_of(group, name, sections), sections, early=early),
    )


def configured_programs(name: str, sections: Sections, log: Sequence[str]) -> list[Program]:
    """What of the name is in the configuration, where supervisord does not say."""
    group, _, inner = name.removesuffix(":*").partition(":")
    programs = []
    for member in _members(group, sections) or [group]:
        section = section_of(group, member, sections)
        keys = ("stderr_logfile", "stdout_logfile")
        logs = tuple(path for key in keys if (path := setting(sections, section, key)).startswith("/"))
        for each in _processes(group, member, section, sections) if section else ():
            configured = _configured(section, sections)
            programs.append(Program(group, each, ended=_last_end(each, log), logs=logs, **configured))
    return [each for each in programs if not inner or each.name == inner]


def _processes(group: str, program: str, section: str, sections: Sections) -> list[str]:
    """The names of the processes of a program."""
    template = setting(sections, section, "process_name", "%(program_name)s")
    if len(template) > LONGEST or _WIDE.search(template):
        return [program]
    count, start = (
        setting(sections, section, key, default) for key, default in (("numprocs", "1"), ("numprocs_start", "0"))
    )
    try:
        numbers = range(int(start), int(start) + min(int(count), MOST))
        return [template % {"program_name": program, "group_name": group, "process_num": each} for each in numbers]
    except (ValueError, KeyError, TypeError):
        return [program]


def _members(group: str, sections: Sections) -> list[str]:
    return [part.strip() for part in setting(sections, f"group:{group}", "programs").split(",") if part.strip()]


def section_of(group: str, name: str, sections: Sections) -> str:
    """The section that a process comes from; "" for not known. With numprocs its name is NAME_00, or any other."""
    members = _members(group, sections) or [group]
    fits = [each for each in members if name == each or name.startswith(f"{each}_")] or members[:1]
    best = max(fits, key=len)
    return next((full for kind in _KINDS if (full := f"{kind}:{best}") in sections), "")


def _configured(section: str, sections: Sections, *, early: bool = False) -> dict[str, Any]:
    """What the section of a program says of it. early: before 4.0, when exit status 2 was no failure by default."""
    if not section:
        return {}
    where = sections[section].where
    settings = sections[section].settings
    restarts = settings.get("autorestart", Setting("unexpected", where))
    retries = settings.get("startretries", Setting("3", where))
    value = restarts.value.lower()
    statuses = settings.get("exitcodes", Setting("0,2" if early else "0", "")).value.split(",")
    return {
        "command": _words(settings.get("command", Setting("", "")).value),
        "restarts": "true" if value in _TRUE else "false" if value in _FALSE else value,
        "where": restarts.where,
        "retries": int(retries.value) if retries.value.isdigit() else 3,
        "where_retries": retries.where,
        "expected": tuple(int(each) for each in statuses if each.strip().isdigit()),
    }


def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ()


def _last_end(name: str, log: Sequence[str]) -> str:
    """How a process ended last, by the lines of supervisord's own log; "" for not known."""
    pattern = re.compile(rf"(?:exited|stopped): {re.escape(name)} \((exit status \d+|terminated by \S+)[ ;)]")
    return next((match[1].rstrip(";)") for line in reversed(log) if (match := pattern.search(line))), "")


def brought_back(program: Program) -> bool:
    """Whether supervisord starts it again by itself now."""
    if program.state == "BACKOFF":
        return True
    unexpected = program.restarts == "unexpected" and program.exit_status not in program.expected
    return program.state == "EXITED" and (program.restarts == "true" or unexpected)


def who_restarts(program: Program) -> str:
    """The setting that brings it back, with its place: the line to change."""
    if program.state == "BACKOFF" or (program.state == "STARTING" and program.restarts == "false"):
        return f"startretries={program.retries} ({program.where_retries}) starts it again: startretries=0 there"
    return f"autorestart={program.restarts} ({program.where}) brings it back: autorestart=false there"


def cannot_spawn(program: Program) -> str:
    """The command that supervisord could not start, "" where that is not why."""
    match = _MISSING.search(program.error)
    return match[1] if match else ""


def control_line(facts: ServiceFacts, supervisor: Supervisor, verb: str, program: str) -> str:
    """What a person types to have something done with a program.

    As its own user where others than root can change its configuration: supervisorctl runs code that this names.
    """
    container = facts.container
    inside = (container.engine, "exec", container.name) if container else ()
    before = ("runuser", "-u", supervisor.user, "--") if supervisor.user else ()
    return shlex.join((*inside, *before, supervisor.control, "-c", supervisor.config, verb, program))


def ended_text(program: Program) -> str:
    """How it ended, "" where nobody knows."""
    if program.ended:
        return program.ended.replace("terminated by", "killed by")
    if program.exit_status < 0:
        return "killed by a signal"
    exited = program.state == "EXITED" or (program.state == "STOPPED" and program.started)
    return f"exit status {program.exit_status}" if exited else ""


def judge_program(facts: ServiceFacts, supervisor: Supervisor) -> Verdict:
    """The verdict on a program, or on all of a group."""
    numbers = {each.inner or each.pid: each for each in facts.processes}
    states = [_state(program, supervisor, facts.processes, numbers) for program in supervisor.programs]
    state = min((each[0] for each in states), key=_ORDER.index)
    why = next(each[1] for each in states if each[0] == state)
    if len(states) > 1:
        running = sum(each[0] == RUNNING for each in states)
        worst = next(program for program, each in zip(supervisor.programs, states) if each[0] == state)
        rest = "" if state == RUNNING else f"; {worst.full}: {why}"
        why = f"{running} of {len(states)} programs run{rest}"
    main = tuple(each[2] for each in states if each[2])
    workers = workers_below(facts.processes, main)
    tops = {each.pid for each in (*main, *workers)}
    judged = next(program for program, each in zip(supervisor.programs, states) if each[0] == state)
    return Verdict(
        facts.name,
        PROGRAM,
        state,
        why,
        main=main,
        workers=workers,
        zombies=tuple(each for each in facts.processes if each.zombie and each.parent in tops),
        since=min((each.started for each in main), default=0.0),
        memory=sum(each.rss for each in (*main, *workers)) or None,
        ended=ended_text(judged) if state != RUNNING else "",
        claims=tuple(_claims(supervisor, numbers)),
    )


def _state(
    program: Program, supervisor: Supervisor, processes: Sequence[Process], numbers: Mapping[int, Process]
) -> tuple[str, str, Optional[Process]]:
    """Its state, why, and its process."""
    if not supervisor.pid or supervisor.why:
        return _state_by_proc(program, supervisor, processes)
    process = numbers.get(program.pid) if program.pid else None
    if program.state == "RUNNING":
        return _running(program, supervisor, process)
    return (*_not_running(program), process)


def _running(
    program: Program, supervisor: Supervisor, process: Optional[Process]
) -> tuple[str, str, Optional[Process]]:
    if process is None or process.zombie:
        return UNKNOWN, f"supervisord names pid {program.pid}, and /proc shows it as ended", None
    if process.parent != supervisor.pid:
        return UNKNOWN, f"supervisord names {process.text}, and that is no child of it", None
    if process.state in {"T", "t"}:
        return SILENT, f"{process.text} is stopped by a signal: it lives, and does nothing", process
    return RUNNING, f"{process.text} lives", process


def _not_running(program: Program) -> tuple[str, str]:
    ended = ended_text(program)
    if program.state == "STARTING":
        return STARTING, "supervisord has started it, and waits for its startsecs"
    if brought_back(program):
        how = program.error if cannot_spawn(program) else f"it ended ({ended or program.error})"
        return STARTING, f"{how}, and supervisord is about to start it again"
    if program.state == "STOPPING":
        return STOPPED, "supervisord is stopping it"
    if program.state == "EXITED":
        fails = program.exit_status not in program.expected
        return (FAILED if fails else STOPPED), f"it has ended: {ended}"
    if program.state == "FATAL":
        why = "; ".join(part for part in (program.error, ended) if part)
        return FAILED, f"supervisord could not start it: {why}"
    if program.state == "STOPPED":
        return STOPPED, f"supervisord has it stopped{f'; it ended last with {ended}' if ended else ''}"
    return UNKNOWN, f"supervisord says {program.state}"


def _state_by_proc(
    program: Program, supervisor: Supervisor, processes: Sequence[Process]
) -> tuple[str, str, Optional[Process]]:
    """The same where supervisord does not say it: by the names in the environment, or by the command."""
    alive = [each for each in processes if not each.zombie and each.pid in program.marked]
    # Who may not read an environment goes by the command.
    alive = alive or [each for each in processes if not each.zombie and runs_command(each, program.command)]
    # Below one that lives only its own children are it.
    mine = [each for each in roots_of(alive) if not supervisor.pid or each.parent == supervisor.pid]
    process = mine[0] if mine else None
    if supervisor.pid:
        why = f"supervisord does not answer: {supervisor.why}"
        return (RUNNING, f"{process.text} lives; {why}", process) if process else (UNKNOWN, why, None)
    if process:
        return RUNNING, f"{process.text} lives, and supervisord, which started it, does not run", process
    return STOPPED, "supervisord, which starts it, does not run", None


def runs_command(process: Process, command: Sequence[str]) -> bool:
    """Whether a process runs a command: by its last words, for of a script the first ones are its interpreter's."""
    if not command or any("%(" in word for word in command):
        return False
    words = process.words[-len(command) :]
    return tuple(words[1:]) == tuple(command[1:]) and bool(words) and _same(words[0], command[0])


def _same(word: str, program: str) -> bool:
    return word == program or os.path.basename(word) == program


def _claims(supervisor: Supervisor, numbers: Mapping[int, Process]) -> Iterator[Claim]:
    if not supervisor.pid:
        yield Claim(supervisor.config, "its supervisord does not run")
    elif supervisor.why:
        yield Claim(f"supervisord (pid {supervisor.pid})", supervisor.why)
    for program in supervisor.programs:
        if not supervisor.pid or supervisor.why:
            continue
        parts = (program.state, f"pid {program.pid}" if program.pid else "", program.error)
        yield Claim(f"supervisord of {program.full}", " ".join(part for part in parts if part))
        if program.pid:
            process = numbers.get(program.pid)
            says = f"state {process.state}, {process.name}" if process else "no such process"
            yield Claim(f"/proc/{process.pid if process else program.pid}", says)
