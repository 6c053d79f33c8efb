"""What a vacuum is decided to do: pure decisions on made-up facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from opskit.core.plan import Plan, Refusal
from opskit.journal.files.model import ACTIVE, ARCHIVED, Header, JournalDirectory, JournalFile, ParsedName, Scope
from opskit.journal.releases import Version
from opskit.journal.vacuum.model import CopyPlace, VacuumFacts, VacuumLimits, VacuumRequest
from opskit.journal.vacuum.plan import decide_vacuum
from opskit.journal.vacuum.steps import CopyJournals, RotateJournal, VacuumJournal

DAY = 86_400_000_000
NOW = 20_000 * DAY
OWN = "0123456789abcdef" * 2
ID = "ab" * 16


def archived(days: int, number: int = 1, **more: Any) -> JournalFile:
    at = NOW - days * DAY
    header = Header(state="archived", entries=10, head=at, tail=at + DAY)
    name = f"system@{ID}-{number:016x}-{at:016x}.journal"
    made = JournalFile(name, ParsedName(ARCHIVED, ID, number, at), 8192, 4096, inode=number, header=header)
    return made._replace(**more)


def active(days: int, state: str = "online") -> JournalFile:
    header = Header(state=state, seqnum_id=ID, head_seqnum=900, entries=5, head=NOW - days * DAY, tail=NOW)
    return JournalFile("system.journal", ParsedName(ACTIVE), 8192, 8192, inode=99, header=header)


def facts(*files: JournalFile, newer: dict[str, int | None] | None = None, **more: Any) -> VacuumFacts:
    directory = JournalDirectory(f"/var/log/journal/{OWN}", OWN, "", tuple(files))
    made = VacuumFacts((directory,), OWN, journald=True, newer=newer or {})
    return replace(made, **more)


def request(span: int | None = 2 * DAY, **more: Any) -> VacuumRequest:
    made = VacuumRequest(Scope(), Version(252, "252-32.el9"), VacuumLimits(span), NOW, "2d")
    return replace(made, **more)


def plan(seen: VacuumFacts, wanted: VacuumRequest) -> Plan:
    decision = decide_vacuum(seen, wanted)
    assert isinstance(decision, Plan), decision
    return decision


def ids(decision: Plan) -> set[str]:
    return {note.id for note in decision.notes}


def test_the_journals_of_other_namespaces_are_named() -> None:
    seen = facts(archived(5, 1), namespaces=("app",))
    (note,) = (note for note in plan(seen, request()).notes if note.id == "other-namespaces")
    assert note.title == "this leaves out the journals of the namespace app"
    for scope in (Scope(namespace="*"), Scope(directory="/d")):
        assert "other-namespaces" not in ids(plan(seen, request(scope=scope)))


def test_a_script_stops_once_the_file_is_old_enough_at_which_a_vacuum_stops() -> None:
    """And not because of an older one behind that, which was to stay: it would have stopped at once."""
    decided = plan(facts(archived(5, 1), archived(1, 2), archived(4, 3)), request())
    assert "old-files-stay" in ids(decided)
    assert f'[ "$(date +%s)" -lt {(NOW + DAY) // 1_000_000} ]' in decided.as_shell()


def test_where_a_vacuum_does_not_look_no_file_is_one_at_which_it_stops() -> None:
    """As in what `-D` of systemd 239 names: by an old file there a script would stop at once."""
    (below,) = facts(archived(5, 1), archived(1, 2)).directories
    ignored = JournalDirectory("/j", files=(archived(9, 3), archived(8, 4)), passed_over=True)
    wanted = request(scope=Scope(directory="/j"), version=Version(239))
    decided = plan(facts(directories=(ignored, replace(below, path=f"/j/{OWN}"))), wanted)
    assert f'[ "$(date +%s)" -lt {(NOW + DAY) // 1_000_000} ]' in decided.as_shell()
    assert "old-files-stay" not in ids(decided)
    survives = [(row["path"], row["reason"]) for row in decided.result["survives"]]
    assert survives == [(ignored.path_of(file), "this journalctl ignores its directory") for file in ignored.files]


def test_old_files_go_and_the_others_stay() -> None:
    decided = plan(facts(archived(5, 1), archived(1, 2), active(9)), request())
    (step,) = decided.steps
    assert isinstance(step, VacuumJournal)
    assert [file["path"].rpartition("/")[2] for file in decided.result["deletes"]] == [archived(5, 1).name]
    assert decided.result["survives"][0]["reason"] == "active"
    (stays,) = (note for note in decided.notes if note.id == "active-keep-old")
    assert stays.remedy.startswith("--rotate archives them first")
    assert step.change.commands == ("journalctl --vacuum-time=2d",)
    assert not step.change.reversible


def test_newer_entries_are_counted_and_told() -> None:
    archive = archived(3)
    path = f"/var/log/journal/{OWN}/{archive.name}"
    across = archive._replace(header=archive.header._replace(tail=NOW))
    decided = plan(facts(across, newer={path: 7}), request())
    assert decided.result["newer_entries_lost"] == 7
    assert "newer-entries-lost" in ids(decided)
    unknown = plan(facts(across, newer={path: None}), request())
    assert "newer-entries-unknown" in ids(unknown)
    # All of them, where the file is old by its mtime alone.
    young = archive._replace(mtime=1, header=archive.header._replace(head=NOW - DAY, tail=NOW))
    assert plan(facts(young), request()).result["newer_entries_lost"] == 10


def test_rotation_first_and_then_the_active_one_goes_too() -> None:
    decided = plan(facts(active(9)), request(rotate=True))
    rotate, vacuum = decided.steps
    assert isinstance(rotate, RotateJournal)
    assert isinstance(vacuum, VacuumJournal)
    name = f"/var/log/journal/{OWN}/system@{ID}-{900:016x}-{NOW - 9 * DAY:016x}.journal"
    assert rotate.makes == vacuum.deletes == (name,)
    assert decided.result["survives"] == []
    # journald of 239 leaves alone what it has not open; nobody rotates another machine's journal.
    of_user = active(9, "offline")._replace(name="user-1000.journal")
    assert plan(facts(of_user), request(rotate=True, version=Version(239))).steps == ()
    # journald has opened it by itself for that since 246.
    assert plan(facts(of_user), request(rotate=True, version=Version(245))).steps == ()
    assert len(plan(facts(of_user), request(rotate=True, version=Version(246))).steps) == 2
    # The system's file is open also when it was synced, and is offline then.
    assert plan(facts(active(9, "offline")), request(rotate=True, version=Version(239))).steps[0].makes == (name,)  # type: ignore[attr-defined]
    for name in ("user-x.journal", "user-01.journal", "user-.journal", "remote-1.journal"):
        assert plan(facts(active(9)._replace(name=name)), request(rotate=True)).steps == ()
    other = replace(facts(active(9)), machine_id="f" * 32)
    assert plan(other, request(rotate=True)).steps == ()


def test_what_is_written_to_may_grow_while_the_plan_is_read() -> None:
    place = CopyPlace("/copy", "absent", 1 << 30)
    wanted = request(rotate=True, keep_copy="/copy")
    first = plan(facts(archived(5), active(9), place=place), wanted)
    grown = facts(archived(5), active(9)._replace(size=1 << 24, allocated=1 << 24), place=place)
    assert plan(grown, wanted).fingerprint == first.fingerprint
    assert plan(facts(archived(5, size=16384), active(9), place=place), wanted).fingerprint != first.fingerprint
    # A new file gets its last block when the kernel writes it back.
    assert plan(facts(archived(5, allocated=8192), active(9), place=place), wanted).fingerprint == first.fingerprint


def test_copies_come_before_a_rotation_by_which_journald_may_delete() -> None:
    place = CopyPlace("/copy", "absent", 1 << 30)
    wanted = request(rotate=True, keep_copy="/copy")
    decided = plan(facts(archived(5), active(9), place=place), wanted)
    assert [type(step) for step in decided.steps] == [CopyJournals, RotateJournal, CopyJournals, VacuumJournal]
    there, made = (decided.steps[number].files for number in (0, 2))  # type: ignore[attr-defined]
    assert [step.path for step in there] == [f"/var/log/journal/{OWN}/{archived(5).name}"]
    assert tuple(step.path for step in made) == decided.steps[1].makes  # type: ignore[attr-defined]
    copies = (*there, *made)
    assert decided.steps[3].copies == copies  # type: ignore[attr-defined]
    assert [step.copy for step in copies] == [f"/copy/{OWN}/{step.path.rpartition('/')[2]}" for step in copies]
    assert decided.steps[3].change.reversible
    alone = plan(facts(archived(5), place=place), wanted)
    assert [type(step) for step in alone.steps] == [CopyJournals, RotateJournal, VacuumJournal]


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (CopyPlace("/copy", "other", 1 << 30), "no-copy-directory"),
        (CopyPlace(f"/var/log/journal/{OWN}/x", "absent", 1 << 30), "copy-among-journals"),
        (CopyPlace("/copy", "directory", 1 << 30, weak="/copy (owner 99, mode 0755)"), "copy-directory-open"),
        (CopyPlace("/copy", "directory", 100), "no-space-for-copies"),
        (CopyPlace("/copy", "directory", 1 << 30, (f"/copy/{OWN}/{archived(5).name}",)), "copy-exists"),
    ],
)
def test_no_copies_no_vacuum(place: CopyPlace, reason: str) -> None:
    refused = decide_vacuum(facts(archived(5), place=place), request(keep_copy="/copy"))
    assert isinstance(refused, Refusal)
    assert refused.reasons[0].id == reason


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"version": Version(219), "limits": VacuumLimits(files=3)}, "no-vacuum-files"),
        ({"version": Version(219), "scope": Scope(root="/x")}, "no-root"),
        ({"version": Version(239), "scope": Scope(namespace="x")}, "no-namespaces"),
        ({"rotate": True, "scope": Scope(directory="/x")}, "rotate-elsewhere"),
        ({"rotate": True, "scope": Scope(namespace="*")}, "rotate-several"),
        ({"rotate": True, "scope": Scope(namespace="+x")}, "rotate-several"),
    ],
)
def test_what_this_journalctl_cannot_do(options: dict[str, Any], reason: str) -> None:
    refused = decide_vacuum(facts(archived(5)), request(**options))
    assert isinstance(refused, Refusal)
    assert reason in [reason.id for reason in refused.reasons]
    assert refused.exit_code == 2


def test_219_is_shown_a_span_that_it_knows() -> None:
    wanted = request(30 * DAY, span_text="1M", version=Version(219))
    assert plan(facts(archived(50)), wanted).changes[0].commands == (f"journalctl --vacuum-time={30 * DAY}us",)


def test_nothing_is_rotated_where_no_journald_runs() -> None:
    refused = decide_vacuum(replace(facts(archived(5)), journald=False), request(rotate=True))
    assert isinstance(refused, Refusal)
    assert (refused.reasons[0].id, refused.exit_code) == ("no-journald", 5)


def test_what_cannot_be_deleted_or_would_be_twice_is_refused() -> None:
    seen = facts(archived(5))
    (directory,) = seen.directories
    for changed, reason in (
        ((replace(directory, read_only=True, denied=True),), "read-only"),
        ((replace(directory, denied=True),), "not-writable"),
        ((replace(directory, identity="1:2"), replace(directory, path="/b", identity="1:2")), "same-directory"),
    ):
        refused = decide_vacuum(replace(seen, directories=changed), request())
        assert isinstance(refused, Refusal)
        assert refused.reasons[0].id == reason


def test_no_limit_and_no_journals() -> None:
    assert "no-limit" in ids(plan(facts(archived(5)), request(0)))
    empty = plan(facts(), request())
    assert "no-journals" in ids(empty)
    assert "there are no journal files on this host" in [note.title for note in empty.notes]


def test_old_files_behind_a_young_one_are_named() -> None:
    decided = plan(facts(archived(1, 1), archived(5, 2)), request())
    assert decided.steps == ()
    assert decided.result["survives"][0]["reason"].startswith("behind system@")
    (note,) = (note for note in decided.notes if note.id == "old-files-stay")
    assert note.title.startswith("1 old file is kept, because")


def test_another_set_of_files_is_another_plan() -> None:
    first = plan(facts(archived(5, 1)), request())
    assert first.fingerprint == plan(facts(archived(5, 1), archived(1, 2)), request()).fingerprint
    assert first.fingerprint != plan(facts(archived(5, 1), archived(6, 0)), request()).fingerprint
    assert first.fingerprint != plan(facts(archived(5, 1, inode=77)), request()).fingerprint


def test_active_files_that_take_more_than_the_size_are_told_of() -> None:
    limits = VacuumLimits(size=8191)
    decision = plan(facts(active(1)), request(limits=limits))
    (note,) = [note for note in decision.notes if note.id == "active-keep-size"]
    assert note.remedy.startswith("--rotate")
    assert "active-keep-size" not in ids(plan(facts(active(1)), request(limits=VacuumLimits(size=8192))))
