"""The runs that the lines of the ledger tell of, and what damaged lines leave unknown of them.

A run's own numbers tell which of its lines are missing. What it had planned, in its first line, tells which steps a
missing line may have been of: those are steps of outcome `lost`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Annotated, Any

from opskit.core.jsonable import MomentOrNone, Shape
from opskit.core.ledger_lines import Line
from opskit.core.record import dataclass

StepOutcome = Annotated[str, Shape(words=("done", "failed", "undone", "kept", "unfinished", "lost"))]
RunOutcome = Annotated[str, Shape(words=("done", "taken-back", "take-back-failed", "failed", "unfinished", "finished"))]
LOST_CHANGE = {
    "action": "a step that the ledger has lost",
    "target": "",
    "before": "",
    "after": "",
    "commands": [],
    "reversible": False,
}


@dataclass(frozen=True)
class Damage:
    """What is wrong with a line of the ledger.

    run: the run that it belongs to, "" when that cannot be told
    what: what is wrong
    line: its number in the file, from 1 on; 0 for lines that are missing
    offset: its first byte in the file; -1 for lines that are missing
    """

    run: str
    what: str
    line: int = 0
    offset: int = -1


@dataclass(frozen=True)
class StepRecord:
    """One step of a run as the ledger has it. outcome: done, failed, undone, kept, unfinished or lost.

    Of a step that is lost the ledger has no more than what was planned, and it cannot be taken back.
    """

    number: int
    kind: str
    fields: dict[str, Any]
    change: dict[str, Any]
    record: dict[str, Any]
    outcome: StepOutcome
    began: MomentOrNone = ""
    ended: MomentOrNone = ""
    error: str = ""
    commands: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Run:
    """One run. outcome: done, taken-back, take-back-failed, failed (one that undoes another) or unfinished.

    by: the later run that took it back, or finished it; history/outcome.py finds out, "" in what the ledger gives
    plan: the token of the plan that it carries out (core/plan.py, PlanToken); "" in a ledger of opskit 0.1.0
    extra: what else its first line has, by keys that this opskit does not know
    damage: its lines that are broken or missing
    """

    id: str
    began: MomentOrNone
    ended: MomentOrNone
    user: str
    pid: int
    title: str
    command: tuple[str, ...]
    undoes: str
    outcome: RunOutcome
    error: str = ""
    hold: str = ""
    host: str = ""
    plan: str = ""
    by: str = ""
    steps: tuple[StepRecord, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    damage: tuple[Damage, ...] = ()

    @property
    def lost(self) -> tuple[StepRecord, ...]:
        """The steps that were perhaps carried out, and of which the ledger knows nothing else."""
        return tuple(step for step in self.steps if step.outcome == "lost")


_BEGIN_KEYS = {
    "schema", "entry", "run", "time", "line", "sum", "torn",
    "title", "command", "host", "user", "pid", "fingerprint", "plan", "changes", "undoes", "hold",
}  # fmt: skip


@dataclass
class _Draft:
    """The lines of one run, as they are read."""

    id: str
    lines: list[Line] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)  # the offsets of its broken lines

    def take(self, line: Line) -> None:
        self.lines.append(line)

    def breaks(self, line: Line, what: str) -> None:
        self.broken.append(line.offset)
        self.damage.append(Damage(self.id, what, offset=line.offset))

    def run(self) -> Run:
        """The run; what is wrong with its lines is in its damage."""
        lines = self._sound_lines()
        begin = next((line for line in lines if _kind(line) == "begin"), None)
        values = begin.entry if begin is not None and begin.entry else {}
        end: dict[str, Any] = next((line.entry for line in lines if line.entry and _kind(line) == "end"), {})
        steps = self._steps(lines, values.get("changes", []), end.get("outcome", ""))
        if begin is None and not self.broken and not any(line.number for line in lines):
            self.damage.append(Damage(self.id, "the first line of the run is missing"))
        undone = [step.fields.get("run") for step in steps if step.kind == "history.undo"]
        return Run(
            id=self.id,
            began=values.get("time", str(lines[0].entry["time"]) if lines and lines[0].entry else ""),
            ended=end.get("time", ""),
            user=values.get("user", ""),
            pid=values.get("pid", 0),
            title=values.get("title", "a run whose first line the ledger has lost"),
            command=tuple(values.get("command", ())),
            undoes=values.get("undoes", str(undone[0]) if undone else ""),
            outcome=end.get("outcome", "unfinished"),
            error=end.get("error", ""),
            hold=values.get("hold", ""),
            host=values.get("host", ""),
            plan=values.get("plan", ""),
            steps=steps,
            extra={key: value for key, value in values.items() if key not in _BEGIN_KEYS},
            damage=tuple(self.damage),
        )

    def _sound_lines(self) -> list[Line]:
        """The lines to go by, in order: each number once, and none without a number where others have one."""
        numbered = any(line.number for line in self.lines)
        lines: dict[int, Line] = {}
        for position, line in enumerate(self.lines):
            if numbered and not line.number:
                self.breaks(line, "it has no checksum, as the other lines of its run have")
                continue
            key = line.number or position
            if key in lines:
                again = "the same again as" if line.entry == lines[key].entry else "another one than"
                what = f"it is line {line.number} of its run, {again} a line before it"
                self.damage.append(Damage(self.id, what, offset=line.offset))
            lines.setdefault(key, line)
        if numbered:
            missing = sorted(set(range(1, max(lines) + 1)) - set(lines))
            if len(missing) > len(self.broken):
                names = ", ".join(map(str, missing[:10])) + (" …" if missing[10:] else "")
                self.damage.append(Damage(self.id, f"of the {max(lines)} lines of the run these are missing: {names}"))
        return [lines[key] for key in sorted(lines)]

    def _steps(self, lines: list[Line], planned: list[dict[str, Any]], ended: str) -> tuple[StepRecord, ...]:
        steps: dict[int, dict[str, Any]] = {}
        orphans: dict[int, str] = {}  # the outcome of a step whose first line is not there
        for line in lines:
            entry = line.entry or {}
            if _kind(line) == "step":
                if entry["number"] in steps:
                    what = f"step {entry['number']} begins a second time"
                    self.damage.append(Damage(self.id, what, offset=line.offset))
                steps.setdefault(entry["number"], {"began": entry["time"], **entry})
            elif _kind(line) in {"stepped", "undone"}:
                if entry["number"] in steps:
                    _end_step(steps[entry["number"]], entry)
                else:
                    orphans[entry["number"]] = entry["outcome"]
        known = max([0, *steps, *orphans])
        last = known + self._unknown_after(lines, known, ended)
        last = max(known, min(last, len(planned)), len(planned) if ended == "done" else 0)
        for number in sorted(set(range(1, last + 1)) - set(steps)):
            change = {**LOST_CHANGE, **(planned[number - 1] if number <= len(planned) else {})}
            outcome = "undone" if orphans.get(number) == "undone" else "lost"
            values = {"kind": "", "fields": {}, "record": {}, "change": {**change, "reversible": False}}
            steps[number] = {"number": number, "outcome": outcome, **values}
            if not (self.broken or any("missing" in damage.what for damage in self.damage)):
                self.damage.append(Damage(self.id, f"the lines of step {number} are missing"))
        return tuple(_step_record(steps[number]) for number in sorted(steps))

    def _unknown_after(self, lines: list[Line], known: int, ended: str) -> int:
        """How many steps may have begun after the last that is known of: no more than lines are missing there."""
        of_it = [line for line in lines if line.entry and line.entry.get("number", 0) == known]
        begun = of_it[0] if of_it else None
        if any(line.number for line in lines):
            numbers = {line.number for line in lines}
            missing = len(set(range(begun.number if begun else 1, max(numbers))) - numbers)
            missing += sum(offset > lines[-1].offset for offset in self.broken)
        else:
            missing = sum(offset > (begun.offset if begun else -1) for offset in self.broken)
        if ended == "taken-back" or "undone" in map(
            _kind, lines
        ):  # each step that had begun has a line for its undo, too
            return missing // 2
        return missing - (known > 0 and "stepped" not in map(_kind, of_it))


def _kind(line: Line) -> str:
    return str(line.entry["entry"]) if line.entry else ""


def _end_step(step: dict[str, Any], entry: dict[str, Any]) -> None:
    step["ended"] = entry["time"]
    # A step that was done and could not be taken back is still done.
    if not (entry["entry"] == "undone" and entry["outcome"] == "kept" and step.get("outcome") == "done"):
        step["outcome"] = entry["outcome"]
    step["error"] = entry.get("error", "")
    step["record"] = {**step["record"], **entry.get("record", {})}
    step["commands"] = step.get("commands", []) + entry.get("commands", [])


def _step_record(step: dict[str, Any]) -> StepRecord:
    names = StepRecord.__dataclass_fields__
    values = {"outcome": "unfinished", **{key: value for key, value in step.items() if key in names}}
    values["commands"] = tuple(values.get("commands", ()))
    return StepRecord(**values)


def build_runs(lines: Iterable[Line]) -> tuple[list[Run], list[Damage]]:
    """The runs by when they began, and what is wrong with lines of none of them. lines: in the order of the file."""
    drafts: dict[str, _Draft] = {}
    strays: list[Damage] = []
    for line, run in _with_runs(list(lines)):
        if not run:
            strays.append(Damage("", line.why, offset=line.offset))
            continue
        draft = drafts.setdefault(run, _Draft(run))
        if line.entry is None:
            draft.breaks(line, line.why)
        else:
            draft.take(line)
    return [draft.run() for draft in drafts.values() if draft.lines], strays


def _with_runs(lines: list[Line]) -> Iterator[tuple[Line, str]]:
    """Each line with the run that it belongs to, "" for none that can be told; without those that a crash cut."""
    known = {line.run for line in lines if line.entry}
    ended, before = True, ""
    for position, line in enumerate(lines):
        after = lines[position + 1] if position + 1 < len(lines) else None
        if line.entry:
            before, ended = line.run, line.entry["entry"] == "end"
            yield line, line.run
        elif not _is_torn(line, after, ended=ended):
            if line.run in known:
                yield line, line.run
            elif after is not None and after.entry and after.entry["entry"] != "begin":
                yield line, after.run  # also when its first line is the broken one
            else:
                yield line, "" if ended else before


def _is_torn(line: Line, after: Line | None, *, ended: bool) -> bool:
    """Whether a crash cut this line off: nothing had begun on its account, and nothing is lost with it."""
    if not line.is_cut:
        return False
    if after is None:
        return not line.whole
    if after.entry is None:
        return False
    if after.number:
        return after.entry.get("torn") is True
    # As opskit 0.1.0 left it: the run that crashed has no end, and the next one begins.
    return not ended and after.entry["entry"] == "begin" and not line.raw.endswith(b"}")
