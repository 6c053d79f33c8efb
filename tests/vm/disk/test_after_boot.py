"""The power is cut while logical volumes grow: after the boot the same command finishes, and the swap is on again."""

from __future__ import annotations

import pytest

from tiers import more
from vm.conftest import Count
from vm.disk.test_lvm import EXTENT, GIB, MIB, filesystem, plan, size
from vm.guest import FSTAB, answer, booted_again, failed_units, killed, opskit, read, settled
from vmlab.machine import Machine

STEPS = ("grow-partition", "resize-physical-volume", "extend-volume", "grow-filesystem")
GUARDED = "/guarded"
SETUP = f"""
printf 'label: gpt\\nstart=2048, type=lvm\\n' | sfdisk -q /dev/vdb
udevadm wait --timeout=600 /dev/vdb1
vgcreate -q cl /dev/vdb1
lvcreate -qy -n root -L 700M cl
lvcreate -qy -n var -L 400M cl
mkfs.ext4 -q /dev/cl/root
mkfs.xfs -q /dev/cl/var
truncate -s 64M /image
mkfs.ext4 -q /image
mkdir {GUARDED}
cat >> {FSTAB} << END
/dev/mapper/cl-root /srv/root ext4 defaults,nofail 0 2
/dev/mapper/cl-var /srv/var xfs defaults,nofail 0 0
/image {GUARDED} ext4 noauto,loop,x-systemd.automount 0 0
END
for name in root var; do
  mkdir "/srv/$name"
  mount "/srv/$name"
  for n in 1 2 3; do head -c $((n * 1000000)) /dev/urandom > "/srv/$name/file $n"; done
done
cd /srv && sha256sum */file* > /root/hashes
sync
"""
# The volumes as they are before: one is grown, and the other stays as it is.
BEFORE = {"root": 700 * MIB, "var": 400 * MIB}
CASES = [(name, step) for step in range(1, len(STEPS) + 1) for name in BEFORE]


@pytest.mark.parametrize(("name", "step"), [case if case == ("var", 3) else more(*case) for case in CASES])
def test_volumes_and_swap_after_a_cut(vm: Machine, name: str, step: int, count: Count) -> None:
    vm.run("sh", "-euc", SETUP)
    opskit(vm, "disk", "swap", "64M", "/swapfile", "--yes")
    other = "var" if name == "root" else "root"
    vm.enlarge("vdb", 3 * GIB)
    assert plan(vm, f"/srv/{name}") == list(STEPS)
    killed(vm, step, "disk", "grow", f"/srv/{name}", "--yes")
    vm.cut()
    count("faults injected")
    vm.start()

    assert settled(vm) == "running"
    assert failed_units(vm) == ""
    booted_again(vm)
    assert plan(vm, f"/srv/{name}") == list(STEPS[step:])
    done = answer(vm, "disk", "grow", f"/srv/{name}", "--yes")
    assert (done["status"], done["result"]["volume_group"]) == (0, "cl")
    assert size(vm, name) == BEFORE[name] + GIB
    assert filesystem(vm, f"/srv/{name}") > BEFORE[name] + 0.9 * GIB
    assert plan(vm, f"/srv/{name}") == []
    assert size(vm, other) == BEFORE[other]
    assert size(vm, name) % EXTENT == 0
    vm.run("sh", "-euc", "cd /srv && sha256sum --quiet --check /root/hashes")
    count("cuts survived", outcome="grown by the same command")

    # The swap file is on, and what an automount guards is mounted by whoever looks into it first, not by the boot.
    swap = answer(vm, "disk", "list")["result"]["swap"]
    assert [area["path"] for area in swap] == ["/swapfile"]
    assert "/swapfile none swap " in read(vm, FSTAB)
    check = answer(vm, "disk", "fstab", "check")
    assert (check["status"], check["findings"]) == (0, [])
    guarded = [line for line in read(vm, "/proc/self/mountinfo").splitlines() if f" {GUARDED} " in line]
    assert [" - autofs " in line for line in guarded] == [True]
    vm.run("test", "-d", f"{GUARDED}/lost+found")
