"""Decide: the files of a systemd unit, written so that it runs the line that was asked for, now and at boot."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.memcached.instance.plan import guard, judged_reasons, notes, wanted
from opskit.memcached.instance.request import StartRequest, build
from opskit.memcached.line.edit import is_memcached
from opskit.memcached.line.lint import judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import release_text
from opskit.memcached.line.sources import DEBIAN_WRAPPER, unit_of, unit_words
from opskit.memcached.unit.design import designed
from opskit.memcached.unit.model import PLACE, TEMPLATE, UNIT, ActiveUnit, UnitDesign, UnitFacts
from opskit.memcached.unit.steps import EnableUnit, StartUnit, StopUnit, WriteSettings, WriteTemplate

# The states of a unit file (systemctl(1), is-enabled) that `systemctl enable` makes "enabled".
CAN_BE_ENABLED = ("disabled", "linked")


def decide_unit(facts: UnitFacts, request: StartRequest, run: str) -> Decision:
    """The plan: files, the unit started, and enabled; or every reason against it. run: names the backups."""
    release, name = facts.program.release, request.unit
    title = f"start {name} with memcached {release_text(release)}"
    reasons = tuple(_reasons(facts, name))
    if reasons:
        return Refusal(title, reasons)
    line = build(request, release, root=True, users=facts.host.users)
    judgement = judge(parse(line, release), facts.host)
    reasons = (*guard(judgement, request), *judged_reasons(judgement))
    if reasons:
        return Refusal(title, reasons)
    design = designed(facts, name, line)
    if isinstance(design, Reason):
        return Refusal(title, (design,))
    steps: list[Step] = list(_writes(facts, design, name, run))
    result = {"line": [facts.program.path, *line], "unit": name}
    if steps:
        result["settings_file"] = design.writes[-1]
    if steps or not facts.active:
        steps.append(StartUnit(name, facts.active, wanted(judgement), facts.failed))
    if request.enable and _can_be_enabled(facts):
        steps.append(EnableUnit(name))
    more = (*notes(judgement, request), *_notes(facts, request, design, steps)) if steps else ()
    basis = (facts.program.path, release_text(release), name)
    return Plan(title, tuple(steps), basis if steps else (), notes=more, result=result)


def _can_be_enabled(facts: UnitFacts) -> bool:
    """Whether `systemctl enable` does it: a unit without a file, as one of a SysV script, has no state."""
    return facts.enabled in CAN_BE_ENABLED or not facts.files


def _reasons(facts: UnitFacts, name: str) -> Iterator[Reason]:
    """Why there is no unit that could be used."""
    if not facts.systemd:
        remedy = "without --unit it is started as a daemon"
        yield Reason("no-unit", f"{name}: systemd does not run this host", remedy, exit_code=ExitCode.MISSING)
    elif not facts.files and not facts.distribution:
        what = f"there is no {UNIT} to make it from" if name.startswith("memcached@") else "there is no such unit"
        remedy = "--unit memcached@NAME makes one" if what.endswith("unit") else "without --unit it is a daemon"
        yield Reason("no-unit", f"{name}: {what}", remedy, exit_code=ExitCode.MISSING)
    elif facts.enabled.startswith("masked"):
        yield Reason("unit-masked", f"{name} is masked: systemd does not start it", f"systemctl unmask {name}")
    elif facts.files:
        words = unit_words(unit_of(name, list(facts.files.values())), facts.texts)
        if words and not (is_memcached(words[0]) or words[0].endswith(DEBIAN_WRAPPER)):
            yield Reason("not-memcached", f"{name} runs {words[0]}, not memcached", "--unit memcached@NAME makes one")


def _writes(facts: UnitFacts, design: UnitDesign, name: str, run: str) -> Iterator[Step]:
    """A step for each file that is not as it shall be."""
    there = {**facts.files, **facts.texts}
    for path in design.writes:
        text, before = {**design.files, **design.texts}[path], there.get(path)
        if text == before:
            continue
        old, backup = () if before is None else (before,), f"{path}.opskit-{run}"
        reload = path.startswith(f"{PLACE}/")
        if path == TEMPLATE:
            yield WriteTemplate(path, text, old, backup, name, reload=True, settings=design.writes[-1])
        else:
            yield WriteSettings(path, text, old, backup, name, reload=reload, active=facts.active)


def _notes(facts: UnitFacts, request: StartRequest, design: UnitDesign, steps: list[Step]) -> Iterator[Finding]:
    """What a person should know of the unit."""
    name = request.unit
    for path in design.replaced:
        title = f"{path} does not count any more: the drop-in has the whole line"
        yield Finding("settings-replaced", "info", title, design.writes[-1], "an undo of this run brings it back")
    if facts.active and any(isinstance(step, StartUnit) for step in steps):
        yield Finding("cache-lost", "warning", f"{name} runs, and starts anew: what it holds now is gone")
    if facts.enabled != "enabled" and not any(isinstance(step, EnableUnit) for step in steps):
        can = _can_be_enabled(facts)
        evidence = "--no-enable" if can else f"its unit file is {facts.enabled or 'none of systemd'}"
        title = f"{name} does not start when the host boots"
        yield Finding("gone-after-reboot", "info", title, evidence, f"systemctl enable {name}" if can else "")


def decide_stop_unit(unit: str, facts: ActiveUnit) -> Decision:
    """The plan that stops the unit, or why not."""
    title = f"stop {unit}"
    if facts.active and not facts.memcached:
        return Refusal(title, (Reason("not-memcached", f"{unit} runs, and its main process is not memcached"),))
    notes = _back_at_boot(unit) if facts.enabled == "enabled" else ()
    return Plan(title, (StopUnit(unit),) if facts.active else (), basis=(unit,), notes=notes, result={"unit": unit})


def _back_at_boot(unit: str) -> tuple[Finding, ...]:
    """That a unit which is stopped is started all the same when the host boots."""
    title = f"{unit} is enabled: it starts again when the host boots"
    return (Finding("back-at-boot", "info", title, "its unit file is enabled", f"systemctl disable {unit}"),)
