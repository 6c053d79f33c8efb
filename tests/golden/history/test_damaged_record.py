"""A ledger whose lines are sound and say something else than the step put there: its undo says so, and is no fault."""

from __future__ import annotations

import dataclasses
import json
import random
import typing
from typing import Any

import pytest

from golden.history.test_yesterday import PINS, UNRECORDED, step_kinds
from ledgers import samples
from opskit.areas import load_step
from opskit.core.child import SILENT
from opskit.core.command import Command, Result
from opskit.core.errors import Failed
from opskit.core.ledger import StepRecord
from opskit.history.model import StepLeft
from opskit.history.see import left_of
from tiers import Agree, ranges
from unit.core.test_ledger_damage import mutated

# Where a look at what a step left asks in a child.
ASKING = ("disk.network.see.server", "disk.network.steps", "service.see.facts")


@pytest.fixture(autouse=True)
def nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ASKING:
        monkeypatch.setattr(f"opskit.{name}.ask", lambda questions, _seconds: [SILENT] * len(questions))


class Mute:
    """A runner without a host."""

    def run(self, command: Command) -> Result:
        raise Failed(command.argv[0], "there is no host")


def plain(hint: Any) -> Any:
    """A value of this type, as the ledger has it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"):
        return {name: plain(inner) for name, inner in typing.get_type_hints(hint).items()}
    if origin is typing.Union:
        return plain(arguments[0])
    if origin is tuple:
        return [plain(arguments[0])] if arguments[-1] is Ellipsis else [plain(each) for each in arguments]
    if origin is dict:
        return {}
    return {str: "/nonexistent/x", int: 1, bool: True, float: 1.0}.get(hint)


def entries() -> dict[str, list[StepRecord]]:
    """Records of every kind: of recorded ledgers, and made up where none has one."""
    kinds = step_kinds()
    records: dict[str, list[StepRecord]] = {}
    for release, area in {(release, pin["ledger"]) for release, pin in PINS}:
        for run in samples(release, area):
            for step in run.steps():
                record = StepRecord(1, step["kind"], step["fields"], {}, step["record"], "done")
                records.setdefault(step["kind"], []).append(record)
    for kind in UNRECORDED:
        hints = typing.get_type_hints(kinds[kind])
        fields = {field.name: plain(hints[field.name]) for field in dataclasses.fields(kinds[kind])}
        record = {"inode": 1, "deleted": 1, "made": ["/nonexistent"], "text": "x"}
        records[kind] = [StepRecord(1, kind, fields, {}, record, "done")]
    records.pop("history.undo", None)
    assert set(records) == set(kinds)
    return records


@pytest.mark.parametrize("seeds", ranges(100, 200, 4000, 100))
def test_a_changed_record_is_no_fault(seeds: range, agree: Agree) -> None:
    records = entries()
    for seed in seeds:
        chance = random.Random(seed)
        kind = sorted(records)[seed % len(records)]
        record = chance.choice(records[kind])
        changed = json.loads(json.dumps({"fields": record.fields, "record": record.record}))
        part = "record" if changed["record"] and chance.random() < 0.6 else "fields"
        changed[part] = mutated(changed[part], chance)
        left = left_of(Mute(), dataclasses.replace(record, **changed), load_step)  # type: ignore[arg-type]
        assert isinstance(left, StepLeft)
    agree("fields and records of steps changed: no fault in their undo", len(seeds), len(seeds))
