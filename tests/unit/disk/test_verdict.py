"""The verdict's order: what matters more is told first. Single verdicts are in tests/golden/disk/verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from opskit.disk.model import BUSY, DATA, UNREADABLE, ZERO, BlockDevice, FileFact, HostFacts, Mount, Signature
from opskit.disk.verdict import verdict

NO_FILE = FileFact("/etc/x", "/etc/x", exists=False)
DISK = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 1 << 30, contents=ZERO)
PARTITION = BlockDevice("vdb1", "/dev/vdb1", "partition", "252:17", 1 << 29, disk="vdb", partition_number=1)


def judged(disk: BlockDevice, *others: BlockDevice) -> tuple[str, str]:
    return verdict(HostFacts(1, "", "", root=True, devices=(disk, *others), fstab=NO_FILE, crypttab=NO_FILE), disk)


# Each has all that stands behind it as well.
ORDER: list[tuple[str, dict[str, Any]]] = [
    ("system", {"system": ("/",)}),
    ("in use", {"mounts": (Mount("252:16", "/x", "", "xfs", "rw"),)}),
    ("in use", {"exclusive": BUSY}),
    ("has data", {"ambivalent": True}),
    ("has data", {"signatures": (Signature("xfs", "filesystem"),)}),
    ("has data", {"table_backup_only": True}),
    ("has data", {"table": "gpt"}),
    ("unknown", {"contents": UNREADABLE}),
    ("ready", {}),
]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_what_matters_more_comes_first(first: int) -> None:
    fields: dict[str, Any] = {}
    for _, more in reversed(ORDER[first:]):
        fields.update(more)
    assert judged(replace(DISK, **fields))[0] == ORDER[first][0]


def test_every_reason_of_a_system_disk_is_told_once() -> None:
    partition = replace(PARTITION, system=("/boot",))
    two = replace(PARTITION, name="vdb2", system=("/", "/boot"))
    assert judged(replace(DISK, system=("/boot", "/")), partition, two) == ("system", "/boot, /")


def test_a_disk_is_judged_with_its_partitions() -> None:
    used = replace(PARTITION, mounts=(Mount("252:17", "/x", "", "xfs", "rw"),))
    assert judged(replace(DISK, table="gpt", contents=DATA), used) == ("in use", "/dev/vdb1 is mounted on /x")


def test_only_its_own_partitions() -> None:
    other = replace(PARTITION, name="vdc1", path="/dev/vdc1", disk="vdc", system=("/",))
    assert judged(DISK, other) == ("ready", "blank")


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "table, but the kernel shows no partition in it"),
        (1, "table with 1 partition"),
        (2, "table with 2 partitions"),
    ],
)
def test_partitions_are_counted(count: int, words: str) -> None:
    parts = [replace(PARTITION, name=f"vdb{n}", partition_number=n) for n in range(1, count + 1)]
    assert judged(replace(DISK, table="dos", contents=DATA), *parts) == ("has data", f"dos {words}")
