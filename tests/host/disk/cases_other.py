"""Bad input: the mount point, the options, missing programs, and fstab."""

from __future__ import annotations

from pathlib import Path

import pytest

from host.disk.cases import MISSING, REFUSED, USAGE, Case, case, each
from host.hosts import Host
from host.tools import GIB, run

# The mount point


@case
def mount_point_not_empty(host: Host) -> Case:
    Path(host.target).mkdir(parents=True)
    Path(host.target, "file").touch()
    return Case(host.new_disk().path, REFUSED, "mount-point-not-empty")


@case
def mount_point_is_a_file(host: Host) -> Case:
    target = host.folder / "file"
    target.touch()
    return Case(host.new_disk().path, REFUSED, "mount-point-no-directory", target=str(target))


@case
def mount_point_below_a_file(host: Host) -> Case:
    (host.folder / "file").touch()
    return Case(host.new_disk().path, REFUSED, "mount-point-no-directory", target=str(host.folder / "file" / "data"))


@case
def mount_point_is_a_symlink(host: Host) -> Case:
    (host.folder / "real").mkdir()
    (host.folder / "link").symlink_to("real")
    real = str(host.folder / "real")
    return Case(host.new_disk().path, REFUSED, "symlink-mount-point", target=str(host.folder / "link"), words=(real,))


@case
def mount_point_below_a_symlink(host: Host) -> Case:
    (host.folder / "real").mkdir()
    (host.folder / "link").symlink_to("real")
    return Case(host.new_disk().path, REFUSED, "symlink-mount-point", target=str(host.folder / "link" / "data"))


@case
def mount_point_is_a_dangling_symlink(host: Host) -> Case:
    (host.folder / "link").symlink_to("nowhere")
    return Case(host.new_disk().path, REFUSED, "symlink-mount-point", target=str(host.folder / "link"))


@case
def mount_point_relative(host: Host) -> Case:
    return Case(host.new_disk().path, USAGE, "relative-mount-point", target="data")


@case
def mount_point_with_dots(host: Host) -> Case:
    return Case(host.new_disk().path, USAGE, "dotdot-mount-point", target=f"{host.target}/../other")


@case
def mount_point_in_use(host: Host) -> Case:
    Path(host.target).mkdir(parents=True)
    host.put_over(Path(host.target))
    return Case(host.new_disk().path, REFUSED, "mount-point-in-use")


def mount_point_of_the_system(host: Host, target: str) -> Case:
    return Case(host.new_disk().path, REFUSED, "forbidden-mount-point", target=target)


each("mount_point_of_the_system", mount_point_of_the_system, "/", "/etc", "/proc/1", "/dev/shm/x", "//", "/./etc")


# What is asked for


def bad_option(host: Host, text: str) -> Case:
    name, *options = text.split("|")
    disk = host.new_disk(GIB)
    return Case(disk.path, USAGE, name, tuple(options))


each(
    "option",
    bad_option,
    "label-too-long|--label|seventeen bytes!!",
    "label-too-long|--label|ünïcödé-söme",
    "label-too-long|--label|thirteen-byte|--fstype|xfs",
    "unknown-filesystem|--fstype|btrfs",
    "unknown-table|--table|bsd",
    "reserved-out-of-range|--reserved|51",
    "not-for-xfs|--reserved|1|--fstype|xfs",
    "bad-mount-options|--mount-options|noatime, nodev",
    "wipe-names-another|--wipe|/dev/sdz",
)


@case
def mkfs_missing(host: Host) -> Case:
    # A device file is no program: nothing else is changed, and for this namespace only.
    namespace = host.namespace('mount --bind /dev/null "$(readlink -f "$(command -v mkfs.xfs)")"')
    words = ("mkfs.xfs", "xfsprogs")
    return Case(host.new_disk(GIB).path, MISSING, "missing-tool", ("--fstype", "xfs"), inside=namespace, words=words)


@case
def nothing_that_can_write_a_table(host: Host) -> Case:
    lines = [f'mount --bind /dev/null "$(readlink -f "$(command -v {tool})")"' for tool in ("sfdisk", "parted")]
    return Case(
        host.new_disk().path, MISSING, "missing-tool", inside=host.namespace("\n".join(lines)), words=("parted",)
    )


# fstab


@case
def fstab_absent(host: Host) -> Case:
    host.fstab.unlink()
    return Case(host.new_disk().path, REFUSED, "fstab-absent")


@case
def etc_fstab_counts_on_it(host: Host) -> Case:
    """Another file is worked on, and the disk is still one of /etc/fstab's."""
    disk = host.new_disk()
    table = host.folder / "etc-fstab"
    table.write_text(f"{disk.path}p1 /srv ext4 nofail 0 2\n")
    namespace = host.namespace(f"mount --bind {table} /etc/fstab")
    words = ("/etc/fstab line 1", f"{disk.path}p1")
    return Case(disk.path, REFUSED, "named-in-fstab", inside=namespace, words=words, wipe=True)


@case
def etc_fstab_is_no_file(host: Host) -> Case:
    namespace = host.namespace("mount --bind /dev/null /etc/fstab")
    return Case(host.new_disk().path, REFUSED, "table-unreadable", inside=namespace, words=("/etc/fstab",), wipe=True)


@case
def fstab_is_a_directory(host: Host) -> Case:
    host.fstab.unlink()
    host.fstab.mkdir()
    return Case(host.new_disk().path, REFUSED, "table-unreadable", wipe=True)


@case
def fstab_with_a_nul(host: Host) -> Case:
    host.fstab.write_bytes(b"a\0b\n")
    return Case(host.new_disk().path, REFUSED, "table-unreadable", wipe=True)


@case
def fstab_on_a_read_only_filesystem(host: Host) -> Case:
    etc = host.fstab.parent
    host.put_over(etc, "--bind", str(etc))
    run("mount", "-o", "remount,bind,ro", str(etc))
    return Case(host.new_disk().path, REFUSED, "fstab-read-only")


@case
def fstab_that_is_a_mount_itself(host: Host) -> Case:
    """Only a rename replaces it in one piece, and nothing can be renamed over a mount."""
    source = host.folder / "fstab-source"
    source.write_bytes(host.fstab.read_bytes())
    host.put_over(host.fstab, "--bind", str(source))
    return Case(host.new_disk().path, REFUSED, "fstab-is-a-mount")


def fstab_attribute(host: Host, flag: str) -> Case:
    run("chattr", f"+{flag}", str(host.fstab))
    host.after.append(lambda: run("chattr", f"-{flag}", str(host.fstab)))
    return Case(host.new_disk().path, REFUSED, "fstab-immutable", words=("chattr",))


each("fstab_attribute", fstab_attribute, "i", "a")


def attribute_of_the_directory(host: Host, flag: str) -> Case:
    run("chattr", f"+{flag}", str(host.fstab.parent))
    host.after.append(lambda: run("chattr", f"-{flag}", str(host.fstab.parent)))
    return Case(host.new_disk().path, REFUSED, "fstab-immutable", words=("directory",))


each("attribute_of_the_directory_of_fstab", attribute_of_the_directory, "i", "a")


@case
def fstab_on_a_full_filesystem(host: Host) -> Case:
    text = host.fstab.read_bytes()
    host.put_over(host.fstab.parent, "-t", "tmpfs", "-o", "size=64k", "none")
    host.fstab.write_bytes(text)
    filler = host.fstab.parent / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 128 * 1024)
    return Case(host.new_disk().path, REFUSED, "fstab-no-space")
