"""`opskit undo` of today takes back what 0.1.0 did to a disk, by the ledger that 0.1.0 wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.tools import FSTAB, MIB, Disk, run
from ledgers import Sample, sample

OLD = "0.1.0"
# The UUIDs are those of that run, and two filesystems with one beside each other are refused.
pytestmark = pytest.mark.xdist_group("recorded uuids")


def partition(disk: Disk, place: dict[str, Any]) -> None:
    """The partition that the run of the sample made.

    By another program, as all here: no code of opskit has to agree with itself.
    """
    size = f"start={place['start'] // 512}, size={place['size'] // 512}"
    script = (
        f"label: {place['table']}\nlabel-id: {place['table_uuid']}\nunit: sectors\n\n"
        f'{size}, uuid={place["partition_uuid"]}, name="{place["partition_name"]}"\n'
    )
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", disk.path, input=script, stdin=None)
    run("partx", "-u", disk.path)


def as_it_was_left(host: Host, disk: Disk, mounted: Sample) -> str:
    """The disk as that run left it: partition, filesystem, entry, mount point, mount. Returns the entry."""
    partition(disk, mounted.fields("disk.mount")["place"])
    run("mkfs.ext4", "-q", "-U", mounted.fields("disk.make-filesystem")["uuid"], disk.partitions[0])
    Path(host.target).mkdir(parents=True)
    run("mount", disk.partitions[0], host.target)
    line = str(mounted.fields("disk.add-fstab-entry")["line"]).replace("/sample/", f"{host.folder}/")
    host.fstab.with_name(Path(mounted.fields("disk.backup-fstab")["backup"]).name).write_text(FSTAB)
    host.fstab.write_text(f"{FSTAB}{line}\n")
    return line


def here(host: Host, disk: Disk, old: Sample) -> Sample:
    """The run, of this disk and its partition."""
    name = sample(OLD, "disk.mount").fields("disk.mount")["place"]["disk"]
    old = old.replace({"/sample/": f"{host.folder}/", name: disk.name})
    numbers = {entry["record"]["number"] for entry in old.entries if "number" in entry.get("record", {})}
    now = [Path(f"/sys/class/block/{Path(path).name}/dev").read_text().strip() for path in disk.partitions]
    return old.replace({f'"{number}"': f'"{now[0]}"' for number in numbers})


def test_a_mount_of_then(host: Host) -> None:
    disk = host.new_disk(256 * MIB)
    old = sample(OLD, "disk.mount")
    as_it_was_left(host, disk, old)
    here(host, disk, old).put(host.state)
    uuid = disk.value("UUID", disk.partitions[0])
    answer = host.run("undo", "last", "--yes").well()
    assert "is not destroyed" in answer.out + answer.err, "the filesystem does"
    assert (host.fstab.read_text(), host.mounted(), Path(host.target).parent.exists()) == (FSTAB, None, False)
    assert (host.backups(), disk.value("UUID", disk.partitions[0])) == ([], uuid)


def test_a_mount_of_then_that_was_cut_off_before_its_filesystem(host: Host) -> None:
    disk = host.new_disk(256 * MIB)
    blank = disk.digest()
    old = sample(OLD, "disk.mount")
    partition(disk, old.fields("disk.mount")["place"])
    begun = zip(old.lines, old.entries)
    cut = Sample(tuple(line for line, entry in begun if entry.get("number", 0) <= 1 and entry["entry"] != "end"))
    here(host, disk, cut).put(host.state)
    answer = host.run("undo", "last", "--yes").well()
    assert (disk.partitions, disk.digest()) == ([], blank), answer


def test_an_unmount_of_then(host: Host) -> None:
    disk = host.new_disk(256 * MIB)
    old = sample(OLD, "disk.umount")
    line = as_it_was_left(host, disk, sample(OLD, "disk.mount"))
    run("umount", host.target)
    for path in host.fstab.parent.glob("fstab.opskit-*"):
        path.unlink()
    table = host.fstab.read_text()
    host.fstab.with_name(Path(old.fields("disk.backup-fstab")["backup"]).name).write_text(table)
    host.fstab.write_text(FSTAB)
    before = old.fields("disk.remove-fstab-entry")["sha256_before"]
    now = hashlib.sha256(table.encode()).hexdigest()
    here(host, disk, old).replace({before: now}).put(host.state)
    answer = host.run("undo", "last", "--yes").well()
    mounted = host.mounted()
    assert mounted, answer
    assert (mounted.source, host.fstab.read_text()) == (disk.partitions[0], f"{FSTAB}{line}\n")
    assert host.backups() == []
