"""Decide: the settings of a systemd unit, written so that it runs the line that was asked for."""

from __future__ import annotations

from opskit.core.errors import ExitCode
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.memcached.instance.plan import guard, judged_reasons, notes, wanted
from opskit.memcached.instance.request import StartRequest, build
from opskit.memcached.line.lint import judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import release_text
from opskit.memcached.line.sources import SYSCONFIG, Unit
from opskit.memcached.model import Program
from opskit.memcached.unit.model import DROP_IN, ActiveUnit, UnitFacts
from opskit.memcached.unit.steps import StartUnit, StopUnit, WriteSettings

# Which variable of the EL family's sysconfig file stands for which option.
VARIABLES = {"p": "PORT", "u": "USER", "c": "MAXCONN", "m": "CACHESIZE"}
DEFAULTS = {"c": "1024", "m": "64"}


def decide_unit(facts: UnitFacts, request: StartRequest, run: str) -> Decision:
    """The plan: settings, then the unit started; or every reason against it. run: names the backup."""
    release = facts.program.release
    title = f"start {request.unit} with memcached {release_text(release)}"
    if facts.unit is None or not facts.systemd:
        why = "there is no such unit" if facts.unit is None else "systemd does not run this host"
        remedy = "without --unit it is started as a daemon"
        return Refusal(title, (Reason("no-unit", f"{request.unit}: {why}", remedy, exit_code=ExitCode.MISSING),))
    line = build(request, release, root=True, users=facts.host.users)
    judgement = judge(parse(line, release), facts.host)
    reasons = (*guard(judgement, request), *judged_reasons(judgement))
    if reasons:
        return Refusal(title, reasons)
    result = {"line": [facts.program.path, *line], "unit": request.unit}
    path, text = settings(facts, request, line)
    before = facts.texts.get(path)
    if text == before and facts.active:
        return Plan(title, result=result)
    target = wanted(judgement)
    write = WriteSettings(
        path,
        text,
        () if before is None else (before,),
        f"{path}.opskit-{run}",
        request.unit,
        reload=path != SYSCONFIG,
        active=facts.active,
    )
    begin = StartUnit(request.unit, facts.active, target)
    steps = (begin,) if text == before else (write, begin)
    basis = (facts.program.path, release_text(release), request.unit)
    return Plan(title, steps, basis, notes=notes(judgement, request), result={**result, "settings_file": path})


def settings(facts: UnitFacts, request: StartRequest, line: list[str]) -> tuple[str, str]:
    """The file to write and its text: the EL family's sysconfig file where the unit goes by it, else a drop-in."""
    drop_in = DROP_IN.format(unit=request.unit)
    unit = facts.unit or Unit()
    uses = any(path.lstrip("-") == SYSCONFIG for path in unit.files)
    if uses and "$OPTIONS" in unit.start and drop_in not in facts.texts:
        return SYSCONFIG, sysconfig(facts.texts.get(SYSCONFIG, ""), line, facts.program)
    words = " ".join(unit_quoted(word) for word in (facts.program.path, *line))
    # The line has no -d: a unit of Type=forking would wait for its first process to end.
    kind = "Type=simple\n" if unit.kind == "forking" else ""
    return drop_in, f"# Written by opskit memcached start --unit\n[Service]\n{kind}ExecStart=\nExecStart={words}\n"


def sysconfig(text: str, line: list[str], program: Program) -> str:
    """The file with the variables that the line asks for; its other lines stay as they are."""
    options = parse(line, program.release).options
    values = {VARIABLES[letter]: default for letter, default in DEFAULTS.items()}
    rest = []
    for option in options:
        if option.letter in VARIABLES:
            values[VARIABLES[option.letter]] = option.value or ""
        else:
            rest += [f"-{option.letter}"] if option.value is None else [f"-{option.letter}", word_quoted(option.value)]
    values["OPTIONS"] = " ".join(rest)
    lines = []
    for old in text.splitlines():
        name = old.partition("=")[0].strip()
        if name in values:
            lines.append(f"{name}={_quoted(values.pop(name))}")
        else:
            lines.append(old)
    lines += [f"{name}={_quoted(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """A value of an EnvironmentFile (systemd.exec(5))."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unit_quoted(word: str) -> str:
    """A word of a command line in a unit (systemd.service(5)): % and $ doubled, quoted where it has to be."""
    return word_quoted(word.replace("%", "%%").replace("$", "$$"))


def word_quoted(word: str) -> str:
    """A word of a variable that a unit takes apart: nothing in it is put in a second time."""
    if not word or any(char in " \t\n\"'\\;" for char in word):
        escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return word


def decide_stop_unit(unit: str, facts: ActiveUnit) -> Decision:
    """The plan that stops the unit, or why not."""
    title = f"stop {unit}"
    if facts.active and not facts.memcached:
        return Refusal(title, (Reason("not-memcached", f"{unit} runs, and no process of it is memcached"),))
    return Plan(title, (StopUnit(unit),) if facts.active else (), basis=(unit,), result={"unit": unit})
