"""A place that cannot be written: full, read-only, immutable. Refused or taken back, and nothing half-written."""

from __future__ import annotations

import pytest

from vm.conftest import Count
from vm.guest import (
    LEDGER,
    TARGET,
    Gate,
    answer,
    at_gate,
    blank,
    ledger,
    mount,
    mounted,
    read,
    untouched,
)
from vmlab.machine import Machine

STATE = "/var/lib/opskit"
MOUNT = ("disk", "mount", "/dev/vdb", TARGET, "--yes")
# Takes every block of a filesystem that root can have, but for as many as are asked for.
FILL = """
import os, sys
folder, spare = sys.argv[1], int(sys.argv[2])
for number in range(spare):
    with open(f"{folder}/spare{number}", "wb") as file:
        file.write(b"x" * 4096)
os.sync()
file = os.open(f"{folder}/fill", os.O_WRONLY | os.O_CREAT)
at, size = 0, 1 << 30
while size >= 4096:
    try:
        os.posix_fallocate(file, at, size)
        at += size
    except OSError:
        size //= 2
os.fsync(file)
for number in range(spare):
    os.unlink(f"{folder}/spare{number}")
os.sync()
"""


def fill(vm: Machine, folder: str, spare: int = 0) -> None:
    vm.run("python3", "-", folder, str(spare), stdin=FILL)


def own_state(vm: Machine) -> None:
    """/var/lib/opskit is a small filesystem of its own."""
    vm.run("mkdir", "-p", STATE)
    vm.run("mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", STATE)


def as_before(vm: Machine, fstab: str) -> None:
    """Nothing is half-written."""
    untouched(vm, fstab)
    if vm.run("test", "-e", LEDGER, check=False).returncode == 0:
        ledger(vm)


def in_service(vm: Machine, fstab: str) -> None:
    """The second run goes on."""
    mount(vm)
    assert mounted(vm)
    assert read(vm, "/etc/fstab").startswith(fstab)
    assert len(read(vm, "/etc/fstab").splitlines()) == len(fstab.splitlines()) + 1


def failed_step(vm: Machine) -> str:
    """The kind of the step that failed in the last run."""
    entries = ledger(vm)
    run = entries[-1]["run"]
    kinds = {e["number"]: e["kind"] for e in entries if e["run"] == run and e["entry"] == "step"}
    (number,) = [e["number"] for e in entries if e["run"] == run and e["entry"] == "stepped" and e["outcome"] != "done"]
    return str(kinds[number])


def test_the_root_filesystem_is_full(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    vm.run("journalctl", "--relinquish-var")
    fill(vm, "/")
    count("faults injected")
    # What ext4 keeps for itself is free to statvfs(2) and to nobody.
    outcome = answer(vm, *MOUNT)
    assert outcome["status"] == 5
    assert "fstab-no-space" in [f["id"] for f in outcome["findings"]]
    assert outcome["error"]["state"] == "Nothing was changed."
    count("refusals")
    as_before(vm, fstab)
    assert blank(vm)
    vm.run("rm", "/fill")
    in_service(vm, fstab)


@pytest.mark.parametrize(("spare", "kind"), [(0, "disk.backup-fstab"), (1, "disk.add-fstab-entry")])
def test_the_root_filesystem_is_full_once_the_filesystem_is_made(
    vm: Machine, count: Count, spare: int, kind: str
) -> None:
    fstab = read(vm, "/etc/fstab")
    vm.run("journalctl", "--relinquish-var")
    own_state(vm)
    answer = at_gate(vm, Gate(vm, "mkfs.ext4", after=True), *MOUNT, fault=lambda: fill(vm, "/", spare))
    count("faults injected")
    assert answer["status"] == 9  # the filesystem is kept
    assert failed_step(vm) == kind
    assert "No space left on device" in answer["error"]["why"]
    assert "make-filesystem partition 1 of /dev/vdb" in answer["error"]["state"]
    as_before(vm, fstab)
    assert ledger(vm)[-1]["outcome"] == "take-back-failed"
    vm.run("rm", "/fill")
    in_service(vm, fstab)


READ_ONLY = (
    ("fstab-read-only", "mount --bind /etc /etc; mount -o remount,bind,ro /etc", "umount /etc"),
    ("fstab-immutable", "chattr +i /etc/fstab", "chattr -i /etc/fstab"),
    ("fstab-immutable", "chattr +i /etc", "chattr -i /etc"),
    ("fstab-immutable", "chattr +a /etc/fstab", "chattr -a /etc/fstab"),
)


def test_an_fstab_that_cannot_be_written_is_refused_and_the_remedy_helps(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    for finding, close, undo in READ_ONLY:
        vm.run("sh", "-euc", close)
        count("faults injected")
        outcome = answer(vm, *MOUNT)
        assert outcome["status"] == 5
        assert [f["id"] for f in outcome["findings"]] == [finding]
        count("refusals")
        as_before(vm, fstab)
        vm.run("sh", "-euc", outcome["findings"][0]["remedy"])
        assert answer(vm, *MOUNT, "--dry-run")["status"] == 0
        vm.run("sh", "-euc", undo)
    assert vm.run("test", "-e", LEDGER, check=False).returncode == 1


def test_a_root_filesystem_that_is_read_only_is_refused(vm: Machine, count: Count) -> None:
    vm.run("journalctl", "--relinquish-var")
    vm.run("mount", "-o", "remount,ro", "/")
    count("faults injected")
    fstab = read(vm, "/etc/fstab")
    outcome = answer(vm, *MOUNT)
    assert outcome["status"] == 5
    # The mount point cannot be made either.
    assert [f["id"] for f in outcome["findings"]] == ["mount-point-cannot-be-made", "fstab-read-only"]
    count("refusals")
    as_before(vm, fstab)
    vm.run("sh", "-euc", outcome["findings"][0]["remedy"])
    in_service(vm, fstab)


@pytest.mark.parametrize("number", [0, 1], ids=[READ_ONLY[0][0], READ_ONLY[1][0]])
def test_an_fstab_that_cannot_be_written_once_the_filesystem_is_made(vm: Machine, count: Count, number: int) -> None:
    fstab = read(vm, "/etc/fstab")
    _, close, undo = READ_ONLY[number]
    answer = at_gate(vm, Gate(vm, "mkfs.ext4", after=True), *MOUNT, fault=lambda: vm.run("sh", "-euc", close))
    count("faults injected")
    assert answer["status"] == 9
    assert failed_step(vm) == ("disk.backup-fstab", "disk.add-fstab-entry")[number]
    as_before(vm, fstab)
    vm.run("sh", "-euc", undo)
    in_service(vm, fstab)


def test_the_state_directory_is_full(vm: Machine, count: Count) -> None:
    fstab = read(vm, "/etc/fstab")
    own_state(vm)
    fill(vm, STATE)
    count("faults injected")
    outcome = answer(vm, *MOUNT)
    assert outcome["status"] == 1
    assert outcome["error"]["what"] == LEDGER
    assert outcome["error"]["state"] == "Nothing was changed."
    as_before(vm, fstab)
    assert blank(vm)

    vm.run("rm", f"{STATE}/fill")
    outcome = at_gate(vm, Gate(vm, "mkfs.ext4", after=True), *MOUNT, fault=lambda: fill(vm, STATE))
    count("faults injected")
    assert outcome["status"] == 9
    assert outcome["error"]["what"] == LEDGER
    as_before(vm, fstab)
    outcomes = [run["outcome"] for run in answer(vm, "history")["result"]["runs"]]
    assert outcomes in (["unfinished"], ["take-back-failed"])  # as there is room for a last line or not
    vm.run("rm", f"{STATE}/fill")
    in_service(vm, fstab)
