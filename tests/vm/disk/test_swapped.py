"""The disk is swapped for another one of the same name while opskit waits for the answer to its question."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from vm.conftest import Count
from vm.guest import FSTAB, TARGET, answer, appeared, mounted, read, until
from vmlab.machine import Machine
from vmlab.ssh import PATIENCE

REFUSED = 5
CHUNK = 1 << 16


@pytest.mark.parametrize("filesystem", [False, True], ids=["blank", "with-a-filesystem"])
def test_a_disk_swapped_between_plan_and_doing(vm: Machine, count: Count, *, filesystem: bool) -> None:
    fstab = read(vm, FSTAB)
    old = Path(vm.disks["vdb"].path)
    asking = vm.start_command("opskit", "disk", "mount", "/dev/vdb", TARGET, terminal=True)
    plan = until(asking, "[y/N]")
    assert "create-partition" in plan

    vm.detach("vdb")
    new = Path(vm.add("vdb", serial="OTHER").path)
    if filesystem:
        subprocess.run(["mkfs.ext4", "-q", str(new)], check=True)
    before = data(old), data(new)
    vm.attach("vdb")
    appeared(vm, "OTHER")
    assert vm.run("readlink", "-f", "/dev/disk/by-id/virtio-OTHER").stdout.strip() == "/dev/vdb"
    count("faults injected")

    errors, _ = asking.communicate("y\n", timeout=PATIENCE)
    assert asking.returncode == REFUSED, errors
    errors = " ".join(errors.split())  # the terminal's lines are folded
    assert "no longer as it was when the plan was made" in errors
    assert "Nothing was changed" in errors
    count("refusals")
    vm.run("sync")
    assert (data(old), data(new)) == before
    assert bool(before[1]) == filesystem
    assert read(vm, FSTAB) == fstab
    assert mounted(vm) is None
    assert answer(vm, "history")["result"]["runs"] == []


def data(path: Path) -> dict[int, str]:
    """A hash of each chunk of a sparse file that is not all zeros, by where it begins."""
    listed = {}
    with open(path, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        at = 0
        while at < end:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # ENXIO: nothing but a hole follows
                break
            at -= at % CHUNK
            file.seek(at)
            chunk = file.read(CHUNK)
            if any(chunk):
                listed[at] = hashlib.sha256(chunk).hexdigest()
            at += CHUNK
    return listed
