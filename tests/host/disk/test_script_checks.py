"""Every kind of script, on a host where one single property is another: it stops, and nothing was changed.

Each property is put back, and in the end the same script does what it is for: so it was that property that stopped it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable
from uuid import uuid4

import pytest

from host.disk.test_shell_plan import script, sh
from host.hosts import Host
from host.tools import GIB, MIB, Disk, mounts, run, until

# Sectors: the partition leaves room before and behind it.
START = 4096
SIZES = {"ext4": 16 * 2048, "xfs": 320 * 2048}


@dataclass
class Scene:
    """A disk of a host, with what is on it, and the script for it."""

    host: Host
    disk: Disk
    fstype: str = "ext4"
    text: str = ""
    # One of its own: tests beside this one have disks, too.
    uuid: str = field(default_factory=lambda: str(uuid4()))

    @property
    def other_uuid(self) -> str:
        """One that differs in a digit."""
        return self.uuid[:-1] + ("0" if self.uuid[-1] == "1" else "1")

    @property
    def device(self) -> str:
        """Where the filesystem is: on the partition if there is one."""
        return (*self.disk.partitions, self.disk.path)[0]

    def mkfs(self, fstype: str) -> None:
        if fstype == "xfs":
            run("mkfs.xfs", "-q", "-f", "-m", f"uuid={self.uuid}", self.device)
        else:
            run(f"mkfs.{fstype}", "-q", "-F", "-U", self.uuid, self.device)

    def partition(self, start: int = START, more: int = 0) -> None:
        """The one partition of the disk, as it is or in another way; the kernel knows it too."""
        self.disk.forget_partitions()
        self.disk.make_partition("gpt", f"start={start},size={SIZES[self.fstype] + more},uuid={self.uuid}")

    @contextlib.contextmanager
    def unmounted(self) -> Iterator[None]:
        """While this lasts it is not mounted, if it was."""
        mounted = self.host.mounted()
        if mounted:
            run("umount", self.host.target)
        yield
        if mounted:
            run("mount", "-t", self.fstype, self.device, self.host.target)

    def state(self) -> tuple[object, ...]:
        """All that a script could change. What is mounted writes by itself, so that only the table is compared."""
        here = self.host.folder / "mnt"
        seen = sorted(str(path) for path in here.rglob("*")) if here.exists() else []
        content = str(self.disk.table()) if self.disk.partitions and self.host.mounted() else self.disk.digest()
        return content, self.host.table(), self.host.backups(), seen, [m for m in mounts() if "loop" in m.source]


Other = contextlib.AbstractContextManager[None]


@contextlib.contextmanager
def fstab(scene: Scene) -> Iterator[None]:
    before = scene.host.fstab.read_bytes()
    scene.host.fstab.write_bytes(before + b"# edited\n")
    yield
    scene.host.fstab.write_bytes(before)


@contextlib.contextmanager
def name_of_the_backup(scene: Scene) -> Iterator[None]:
    """Somebody has a file by the name that the backup would get."""
    (name,) = set(re.findall(r"fstab\.opskit-\d{8}T\d{6}Z-[0-9a-f]{6}", scene.text.partition("trap - EXIT")[2]))
    path = scene.host.fstab.with_name(name)
    path.write_text("precious")
    yield
    assert path.read_text() == "precious"
    path.unlink()


@contextlib.contextmanager
def backup(scene: Scene) -> Iterator[None]:
    """The file that is put in place of fstab."""
    path = scene.host.folder / "saved"
    before = path.read_bytes()
    path.write_bytes(before + b"/dev/x / ext4\n")
    yield
    path.write_bytes(before)


@contextlib.contextmanager
def size_of_the_disk(scene: Scene) -> Iterator[None]:
    before = scene.disk.image.stat().st_size
    scene.disk.resize(before + 8 * MIB)
    yield
    scene.disk.resize(before)


@contextlib.contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    run("blockdev", "--setro", scene.disk.path)
    yield
    run("blockdev", "--setrw", scene.disk.path)


@contextlib.contextmanager
def a_byte(scene: Scene) -> Iterator[None]:
    """What was blank is not."""
    scene.disk.write(b"x", 4096)
    yield
    scene.disk.write(b"\0", 4096)


@contextlib.contextmanager
def uuid_of_the_filesystem(scene: Scene) -> Iterator[None]:
    def give(uuid: str) -> None:
        with scene.unmounted():
            if scene.fstype != "xfs":  # tune2fs changes only what was checked since it was mounted
                run("e2fsck", "-fp", scene.device, check=False)
            run("xfs_admin" if scene.fstype == "xfs" else "tune2fs", "-U", uuid, scene.device)

    give(scene.other_uuid)
    yield
    give(scene.uuid)


@contextlib.contextmanager
def type_of_the_filesystem(scene: Scene) -> Iterator[None]:
    scene.mkfs("ext3")
    yield
    scene.mkfs(scene.fstype)


@contextlib.contextmanager
def partition_uuid(scene: Scene) -> Iterator[None]:
    def give(uuid: str) -> None:
        run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--part-uuid", scene.disk.path, "1", uuid)

    give(scene.other_uuid)
    yield
    give(scene.uuid)


@contextlib.contextmanager
def size_of_the_partition(scene: Scene) -> Iterator[None]:
    with scene.unmounted():
        scene.partition(more=2048)
    yield
    with scene.unmounted():
        scene.partition()


@contextlib.contextmanager
def start_of_the_partition(scene: Scene) -> Iterator[None]:
    """The same filesystem a MiB further on: what the script of a grow did to it once was the loss of it."""

    def move(start: int) -> None:
        with scene.unmounted():
            content = scene.host.folder / "content"
            run("dd", f"if={scene.device}", f"of={content}", "bs=1M", "conv=sparse", "status=none")
            scene.partition(start=start)
            run("blkdiscard", scene.device)
            run("dd", f"if={content}", f"of={scene.device}", "bs=1M", "conv=sparse,fsync,notrunc", "status=none")
            content.unlink()

    move(START + 2048)
    yield
    move(START)


@contextlib.contextmanager
def a_partition_behind(scene: Scene) -> Iterator[None]:
    line = {"input": f"start={START + SIZES[scene.fstype] + 4096},size=8192\n", "stdin": None}
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--append", scene.disk.path, **line)
    run("partx", "-u", scene.disk.path)
    yield
    run("partx", "-d", "--nr", "2", scene.disk.path)
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--delete", scene.disk.path, "2")


@contextlib.contextmanager
def not_mounted(scene: Scene) -> Iterator[None]:
    with scene.unmounted():
        yield


@contextlib.contextmanager
def mounted_over(scene: Scene) -> Iterator[None]:
    """Something else is mounted there by now."""
    run("mount", "-t", "tmpfs", "none", scene.host.target)
    yield
    run("umount", scene.host.target)


@contextlib.contextmanager
def mount_point(scene: Scene) -> Iterator[None]:
    """A directory by now, and something in it: a file."""
    target = Path(scene.host.target)
    target.mkdir(parents=True)
    (target / "file").touch()
    yield
    (target / "file").unlink()
    target.rmdir()
    target.parent.rmdir()


@contextlib.contextmanager
def an_empty_filesystem_there(scene: Scene) -> Iterator[None]:
    target = Path(scene.host.target)
    target.mkdir(parents=True)
    with mounted_over(scene):
        yield
    target.rmdir()
    target.parent.rmdir()


def mount_blank(host: Host) -> Scene:
    scene = Scene(host, host.new_disk())
    scene.text = script(host, "mount", scene.disk.path, host.target)
    return scene


def mount_wipe(host: Host) -> Scene:
    scene = Scene(host, host.new_disk())
    scene.mkfs("ext4")
    scene.text = script(host, "mount", scene.disk.path, host.target, "--wipe", scene.disk.path)
    return scene


def mount_existing(host: Host) -> Scene:
    scene = Scene(host, host.new_disk())
    scene.partition()
    scene.mkfs("ext4")
    scene.text = script(host, "mount", scene.device, host.target)
    return scene


def _in_service(host: Host, fstype: str = "ext4") -> Scene:
    scene = Scene(host, host.new_disk(GIB if fstype == "xfs" else 64 * MIB), fstype)
    scene.partition()
    scene.mkfs(fstype)
    host.on_disk("mount", scene.device, host.target, "--yes").well()
    return scene


def umount(host: Host) -> Scene:
    scene = _in_service(host)
    scene.text = script(host, "umount", host.target)
    return scene


def umount_without_fstab(host: Host) -> Scene:
    scene = _in_service(host)
    scene.text = script(host, "umount", host.target, "--no-fstab")
    return scene


def grow(host: Host) -> Scene:
    scene = _in_service(host, "xfs")  # it grows on any kernel
    scene.text = script(host, "grow", host.target)
    return scene


def fstab_backup(host: Host) -> Scene:
    return Scene(host, host.new_disk(), text=script(host, "fstab backup"))


def fstab_restore(host: Host) -> Scene:
    saved = host.folder / "saved"
    lines = host.fstab.read_text().splitlines(keepends=True)
    saved.write_text("".join(lines[:3] + lines[4:]))  # the fourth is no entry
    return Scene(host, host.new_disk(), text=script(host, "fstab restore", str(saved)))


DISK = (size_of_the_disk, read_only)
PARTITION = (partition_uuid, size_of_the_partition, start_of_the_partition)
IN_SERVICE = (*DISK, *PARTITION, a_partition_behind, uuid_of_the_filesystem, not_mounted, mounted_over)
FILE = (fstab, name_of_the_backup)
NOT_IN_SERVICE = (*FILE, *DISK, mount_point, an_empty_filesystem_there)
KINDS: dict[Callable[[Host], Scene], tuple[Callable[[Scene], Other], ...]] = {
    mount_blank: (*NOT_IN_SERVICE, a_byte),
    mount_wipe: (*NOT_IN_SERVICE, uuid_of_the_filesystem, type_of_the_filesystem),
    mount_existing: (*NOT_IN_SERVICE, *PARTITION, uuid_of_the_filesystem, type_of_the_filesystem),
    umount: (*FILE, *IN_SERVICE),
    umount_without_fstab: IN_SERVICE,
    grow: IN_SERVICE,
    fstab_backup: FILE,
    fstab_restore: (*FILE, backup),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_script_stops_where_one_property_is_another(host: Host, kind: Callable[[Host], Scene]) -> None:
    scene = kind(host)
    for other in KINDS[kind]:
        with other(scene):
            before = scene.state()
            answer = sh(scene.text, code=1)
            assert "nothing was changed" in answer.err, (other.__name__, answer)
            assert scene.state() == before, other.__name__
    before = scene.state()
    sh(scene.text)
    assert scene.state() != before


ON_A_DISK = [mount_blank, mount_wipe, mount_existing, umount, grow]


@pytest.mark.parametrize("kind", ON_A_DISK, ids=lambda kind: kind.__name__)
def test_a_script_stops_where_the_disk_was_taken_out_and_put_back(host: Host, kind: Callable[[Host], Scene]) -> None:
    """The same image by the same name, as far as anybody can see: only the kernel's count of disks tells."""
    scene = kind(host)
    disk = scene.disk
    if not Path(f"/sys/block/{disk.name}/diskseq").exists():
        pytest.skip("this kernel does not count disks (diskseq, Linux 5.15)")
    with scene.unmounted():
        disk.forget_partitions()
        run("losetup", "-d", disk.path)
        until(lambda: not disk.attached())
        run("losetup", disk.path, str(disk.image))
        run("partx", "-a", disk.path, check=False)
    before = scene.state()
    sh(scene.text, code=1)
    assert scene.state() == before
