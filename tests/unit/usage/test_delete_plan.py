"""What is decided on a deletion: how much it frees, and what is refused."""

from __future__ import annotations

import pytest

from opskit.core.plan import Decision, Plan, Refusal
from opskit.usage.du.delete.model import DeleteFacts, DeleteTarget, Hindrance, LinkedFile, OpenedFile
from opskit.usage.du.delete.plan import REASONS, decide, freed_by
from opskit.usage.findings import FINDINGS


def target(path: str = "/data/old", size: int = 4096, **more: object) -> DeleteTarget:
    return DeleteTarget(path, True, 1, 2, 5, size, **more)  # type: ignore[arg-type]


def plan(*targets: DeleteTarget, unseen: int = 0) -> Plan:
    decision: Decision = decide(DeleteFacts(targets, (), unseen), "")
    assert isinstance(decision, Plan)
    return decision


def notes(decided: Plan) -> list[str]:
    return [note.id for note in decided.notes]


def test_one_target_is_one_change_that_cannot_be_taken_back() -> None:
    decided = plan(target())
    assert [(c.action, c.target, c.after, c.reversible) for c in decided.changes] == [
        ("delete", "/data/old", "gone; frees 4.0K", False)
    ]
    assert (decided.title, notes(decided), decided.result["frees_bytes"]) == ("delete /data/old", [], 4096)


@pytest.mark.parametrize(("names", "freed", "noted"), [(1, 100, True), (2, 100, True), (3, 1100, False)])
def test_a_file_with_several_names_is_freed_with_the_last(names: int, freed: int, noted: bool) -> None:
    decided = plan(target(size=100, linked=(LinkedFile(1, 9, 3, names, 1000),)))
    assert (decided.result["frees_bytes"], "delete-linked" in notes(decided)) == (freed, noted)


def test_names_in_several_targets_count_together() -> None:
    both = [target(f"/d/{n}", 0, linked=(LinkedFile(1, 9, 3, n, 1000),)) for n in (1, 2)]
    assert [freed_by([each], open_too=False) for each in both] == [0, 0]
    decided = plan(*both)
    assert decided.result["frees_bytes"] == 1000
    assert "delete-linked" not in notes(decided)
    assert decided.title == "delete /d/1 and 1 more"


def test_what_is_read_is_free_when_it_is_closed() -> None:
    opened = (OpenedFile("/d/x", 1, 7, 3000, "tail (pid 5)"), OpenedFile("/d/x", 1, 7, 3000, "less (pid 6)"))
    decided = plan(target(size=4096, opened=opened))
    assert decided.result["frees_bytes"] == 1096
    assert decided.notes[0].title == "3.0K more is free only when tail (pid 5), less (pid 6) closes what it reads"
    kept = target(size=0, linked=(LinkedFile(1, 7, 2, 1, 3000),), opened=opened[:1])
    assert plan(kept).result["frees_bytes"] == 0  # its other name keeps it anyway
    assert freed_by([kept], open_too=True) == 0


def test_shared_blocks_and_unseen_processes_are_said() -> None:
    assert notes(plan(target(fstype="btrfs"), unseen=2)) == ["delete-shared", "delete-unseen"]
    assert notes(plan(target(fstype="xfs"))) == []


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_each_hindrance_is_a_refusal_with_a_remedy(kind: str) -> None:
    decision = decide(DeleteFacts((target(),), (Hindrance(kind, "/data/o'ld", "somebody"),)), "")
    assert isinstance(decision, Refusal)
    (reason,) = decision.reasons
    assert (reason.id, reason.exit_code) == (kind, 5)
    assert "/data/o'ld" in reason.title
    assert "{" not in reason.title + reason.remedy
    assert reason.remedy


def test_of_many_the_first_are_named() -> None:
    many = tuple(Hindrance("delete-in-use", f"/d/{n}", "x") for n in range(9))
    decision = decide(DeleteFacts((target(),), (*many, Hindrance("delete-system", "/d", "is")), 0), "")
    assert isinstance(decision, Refusal)
    assert [reason.id for reason in decision.reasons] == ["delete-in-use"] * 3 + ["delete-system"]
    assert decision.reasons[2].title.endswith("(and 6 more)")


def test_the_fingerprint_is_of_what_is_deleted() -> None:
    """Not of how much it frees; of which directory it is, and of how many entries it has."""
    assert plan(target()).fingerprint == plan(target(size=9)).fingerprint
    others = [DeleteTarget("/data/old", True, 1, 3, 5, 4096), DeleteTarget("/data/old", True, 1, 2, 6, 4096)]
    assert len({plan(other).fingerprint for other in (*others, target())}) == 3


def test_every_reason_is_registered() -> None:
    assert set(REASONS) <= {kind.id for kind in FINDINGS}
