"""What a run that was killed inside a write has left: named by history and fstab check, removed by the next write."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from host.hosts import Host
from host.tools import FSTAB, Disk

SIGKILLED = -9


def test_a_temporary_file_is_named_and_removed(host: Host, disk: Disk) -> None:
    assert host.mount(disk, OPSKIT_TEST_KILL="step:4").code == SIGKILLED  # right before fstab is written
    temporary = Path(host.fstab.parent, ".fstab.opskit-abc12_45")
    temporary.write_text(FSTAB)
    foreign = Path(host.fstab.parent, ".fstab.opskit-of-ann")
    foreign.write_text("no name of a temporary file\n")
    held = Path(host.fstab.parent, ".fstab.opskit-abc12_46")
    with held.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # an opskit that writes just now
        os.set_inheritable(other.fileno(), False)
        checked = host.on_disk("fstab check", "--json")
        listed = host.run("history", "--json").well()
        for answer in (checked, listed):
            left = [finding for finding in answer.json["findings"] if finding["id"] == "left-over"]
            assert [finding["title"] for finding in left] == [f"{temporary} is left of a write that was killed"], answer
        assert str(temporary) in host.run("history").err
        host.mount(disk).well()
        assert (temporary.exists(), foreign.exists(), held.exists()) == (False, True, True)
        assert "left-over" not in host.on_disk("fstab check", "--json").ids


def test_what_a_killed_scan_has_left(host: Host) -> None:
    words = ("du", "--keep", str(host.fstab.parent))
    host.run(*words).well()
    temporary = host.state / "scans" / ".20261128T180000Z-abc123.json.gz.opskit-abc12345"
    temporary.write_bytes(b"half")
    listed = host.run("history", "--json").well().json["findings"]
    assert [finding["title"] for finding in listed] == [f"{temporary} is left of a write that was killed"]
    host.run(*words).well()
    assert not temporary.exists()


def test_what_a_killed_backup_has_left(host: Host, disk: Disk) -> None:
    """The backup of each run has a name of its own: the next run writes to another one."""
    assert host.mount(disk, OPSKIT_TEST_KILL="step:3").code == SIGKILLED
    temporary = Path(host.fstab.parent, f".fstab.opskit-{host.ledger()[0]['run']}.opskit-abc12_45")
    temporary.write_text(FSTAB)
    foreign = Path(host.fstab.parent, ".fstab.opskit-of-ann.opskit-abc12_45")
    foreign.write_text("no copy of a run\n")
    for answer in (host.on_disk("fstab check", "--json"), host.run("history", "--json").well()):
        left = [finding["title"] for finding in answer.json["findings"] if finding["id"] == "left-over"]
        assert left == [f"{temporary} is left of a write that was killed"], answer
    host.mount(disk).well()
    assert (temporary.exists(), foreign.exists()) == (False, True)
