"""`opskit df --why` where quotas are counted: their own blocks are in the sum, and a limit of a project is a disk."""

from __future__ import annotations

import subprocess
from typing import Any

from vm.guest import TARGET, answer
from vmlab.machine import Machine

DISK, PART = "/dev/vdb", "/srv"
MIB = 1 << 20


def test_the_sum_is_right_where_quotas_are_counted(vm: Machine) -> None:
    ext4 = "mkfs.ext4 -q -O quota,project -E quotatype=usrquota:grpquota:prjquota", "usrquota,grpquota,prjquota"
    for make, options in ext4, ("mkfs.xfs -q -f", "uquota,gquota,pquota"):
        shell(vm, f"{make} {DISK} && mkdir -p {TARGET} && mount -o {options} {DISK} {TARGET}")
        fill = f"head -c {16 * MIB} /dev/zero > {TARGET}/large && chown 1234:5678 {TARGET}/large && sync -f {TARGET}"
        shell(vm, fill)
        parts = why(vm, TARGET)
        assert 16 * MIB <= parts["files"] < 17 * MIB
        shell(vm, f"umount {TARGET}")


def test_what_a_project_may_use_is_a_disk_of_its_own(vm: Machine) -> None:
    """As the layers of containers have it on xfs: size and use are those of the project, wherever it is mounted."""
    shell(vm, f"mkfs.xfs -q -f {DISK} && mkdir -p {TARGET} {PART} && mount -o pquota {DISK} {TARGET}")
    shell(vm, f"mkdir {TARGET}/part && head -c {40 * MIB} /dev/zero > {TARGET}/other")
    limit = f"xfs_quota -x -c 'project -s -p {TARGET}/part 42' -c 'limit -p bhard=100m 42' {TARGET}"
    shell(vm, f"{limit} && head -c {20 * MIB} /dev/zero > {TARGET}/part/large && sync -f {TARGET}")
    shell(vm, f"mount --bind {TARGET}/part {PART}")
    parts = why(vm, PART)
    assert 20 * MIB <= parts["files"] < 21 * MIB
    assert parts["own"] == 0
    parts = why(vm, TARGET)  # the whole of it
    assert 60 * MIB <= parts["files"] < 61 * MIB


def shell(vm: Machine, line: str) -> subprocess.CompletedProcess[str]:
    return vm.run("sh", "-c", line)


def why(vm: Machine, path: str) -> dict[str, int]:
    """The parts, which add up to what GNU df says; at most 1 % of it is unexplained."""
    result: dict[str, Any] = answer(vm, "df", "--why", path)["result"]
    parts = {part["id"]: part["bytes"] for part in result["parts"]}
    used = int(vm.run("df", "-B1", "--output=used", path).stdout.split()[-1])
    print(path, used, result["parts"])
    assert sum(parts.values()) == used
    assert abs(parts["unexplained"]) <= used // 100, parts
    return parts
