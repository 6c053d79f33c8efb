"""What the ledger says was begun on a disk: which filesystems were finished, and of which host it speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.core.jsonable import to_json
from opskit.core.ledger import Ledger
from opskit.disk.model import BlockDevice, DiskPlace, Signature
from opskit.disk.see import facts

PLACE = DiskPlace("vdb", "/dev/vdb", "serial:a", 2**31, 512, 2**20, 2**30, "gpt", "t", 1, "p", "n")
DISK = BlockDevice("vdb", "/dev/vdb", "disk", "8:16", 2**31, serial="a")
CHANGE = {"action": "", "target": "", "before": "", "after": "", "commands": [], "reversible": False}
HERE = "0123abcd"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "machine_id", lambda: HERE)


def begin(ledger: Ledger, run: str, host: str = HERE) -> None:
    more = {"host": host} if host else {}
    ledger.append("begin", run, title="t", command=["opskit"], user="root", pid=1, **more)


def step(ledger: Ledger, run: str, number: int, kind: str, *outcomes: str, **fields: Any) -> None:
    """A step, how it ended and how it was taken back, as far as that is told."""
    values = {"place": to_json(PLACE), **fields}
    ledger.append("step", run, number=number, kind=kind, fields=values, change=CHANGE, record={})
    for entry, outcome in zip(("stepped", "undone"), outcomes):
        ledger.append(entry, run, number=number, outcome=outcome, record={}, commands=[], error="")


def done(ledger: Ledger) -> list[bool]:
    return [made.mkfs_done for made in facts.read_made(ledger.state_dir, [DISK], [])]


@pytest.mark.parametrize(
    ("outcomes", "finished"),
    [((), False), (("done",), True), (("failed",), False), (("done", "kept"), True), (("failed", "kept"), False)],
)
def test_a_filesystem_that_was_finished_stays_finished(tmp_path: Path, outcomes: Any, finished: bool) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1, "disk.create-partition", "done", "kept")
    step(ledger, "a", 2, "disk.make-filesystem", *outcomes, uuid="u")
    assert done(ledger) == [False, finished]


@pytest.mark.parametrize(("uuid", "finished"), [("u", True), ("v", False)])
@pytest.mark.parametrize("outcomes", [(), ("failed", "undone"), ("done",)])
def test_a_later_mount_of_it_says_that_it_was_finished(
    tmp_path: Path, uuid: str, outcomes: Any, finished: bool
) -> None:
    """opskit was killed right after mkfs; the next run found the filesystem whole and went on to mount it."""
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1, "disk.make-filesystem", uuid="u")
    begin(ledger, "b")
    step(ledger, "b", 1, "disk.mount", *outcomes, uuid=uuid)
    assert done(ledger) == [finished]


@pytest.mark.parametrize(
    ("uuid", "outcomes", "fresh"),
    [("u", ("done",), False), ("u", ("failed", "undone"), True), ("u", (), True), ("v", ("done",), True)],
)
def test_a_filesystem_is_fresh_until_a_run_has_mounted_it(
    tmp_path: Path, uuid: str, outcomes: Any, fresh: bool
) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1, "disk.create-partition", "done")
    step(ledger, "a", 2, "disk.make-filesystem", "done", uuid="u")
    step(ledger, "a", 3, "disk.mount", "failed", "undone", uuid="u")
    begin(ledger, "b")
    step(ledger, "b", 1, "disk.mount", *outcomes, uuid=uuid)
    assert [made.never_mounted for made in facts.read_made(ledger.state_dir, [DISK], [])] == [False, fresh]


@pytest.mark.parametrize(("host", "counts"), [(HERE, True), ("another", False), ("", True)])
def test_only_what_this_host_began_counts(tmp_path: Path, host: str, counts: bool) -> None:
    """A state directory that was copied with a disk image tells of disks that are not this host's."""
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a", host)
    step(ledger, "a", 1, "disk.make-filesystem", "done", uuid="u")
    assert done(ledger) == [True] * counts


def test_what_a_mkfs_that_failed_has_left_is_known(tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1, "disk.make-filesystem", uuid="u")
    assert facts.read_made(ledger.state_dir, [DISK], [])[0].left == ""
    ledger.append("stepped", "a", number=1, outcome="failed", record={"left": "5e11"}, commands=[], error="")
    assert facts.read_made(ledger.state_dir, [DISK], [])[0].left == "5e11"


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({"serial": "a"}, True),
        ({"serial": "b"}, False),
        ({"partition_uuid": "P"}, True),
        ({"partition_name": "n"}, True),
        ({"signatures": (Signature("ext4", "filesystem", "u"),)}, True),
        ({"signatures": (Signature("ext4", "filesystem", "v"),)}, False),
        ({}, False),
    ],
)
def test_what_was_made_is_found_by_all_that_shows_on_a_device(tmp_path: Path, more: Any, counts: bool) -> None:
    ledger = Ledger(str(tmp_path))
    begin(ledger, "a")
    step(ledger, "a", 1, "disk.make-filesystem", uuid="u")
    device = BlockDevice("vdc", "/dev/vdc", "disk", "8:32", 2**31, **more)
    assert len(facts.read_made(ledger.state_dir, [device], [])) == counts


def test_a_ledger_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").mkdir()
    unseen: list[str] = []
    assert facts.read_made(str(tmp_path), [DISK], unseen) == ()
    assert [str(tmp_path) in text for text in unseen] == [True]
