"""What is refused changes nothing: disk, fstab and state directory are as before. One case for each bad input."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import pytest

from . import signatures
from .tools import FSTAB, GIB, MIB, OPSKIT, Answer, Disk, Host, Namespace, mounts, run

USAGE, REFUSED, MISSING, BUSY = 2, 5, 6, 7


@dataclass
class Case:
    """What is asked for, and what must come of it. words: what the message has to name."""

    device: str
    code: int
    id: str
    options: tuple[str, ...] = ()
    target: str = ""
    words: tuple[str, ...] = ()
    inside: Optional[Namespace] = None
    wipe: bool = False  # --wipe must not get past it either


CASES: dict[str, Callable[[Host], Case]] = {}


def case(function: Callable[[Host], Case]) -> Callable[[Host], Case]:
    CASES[function.__name__] = function
    return function


def each(name: str, function: Callable[[Host, str], Case], *values: str) -> None:
    for value in values:
        CASES[f"{name}-{value}"] = lambda host, value=value: function(host, value)  # type: ignore[misc]


def snapshot(host: Host) -> tuple[object, ...]:
    fstab = host.table() if host.fstab.is_file() else None
    state = sorted((path.name, path.read_bytes()) for path in host.state.iterdir()) if host.state.exists() else None
    return [disk.digest() for disk in host.disks if disk.image.is_file()], fstab, host.backups(), state


# What the device is


@case
def no_such_device(_host: Host) -> Case:
    return Case("/dev/nonesuch", USAGE, "no-such-device", words=("/dev/nonesuch",))


@case
def character_device(_host: Host) -> Case:
    return Case("/dev/zero", USAGE, "not-a-block-device", words=("character device",))


@case
def plain_file(host: Host) -> Case:
    return Case(str(host.new_disk().image), USAGE, "not-a-block-device", words=("a file",))


@case
def directory(host: Host) -> Case:
    return Case(str(host.folder), USAGE, "not-a-block-device", words=("a directory",))


@case
def empty_loop_device(host: Host) -> Case:
    return Case(host.new_disk(0).path, REFUSED, "no-size")


@case
def partition_where_a_disk_is_meant(host: Host) -> Case:
    disk = host.new_disk()
    return Case(disk.make_partition(), USAGE, "partition", words=(disk.path,))


@case
def disk_where_a_partition_is_meant(host: Host) -> Case:
    disk = host.new_disk()
    disk.make_partition("gpt", "size=20MiB", "size=20MiB")
    for partition in disk.partitions:
        run("mkfs.ext4", "-q", partition)
    return Case(disk.path, REFUSED, "several-partitions", words=tuple(disk.partitions))


# Who uses it


@case
def mounted(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    other = host.folder / "other"
    other.mkdir()
    run("mount", "-o", "ro", disk.path, str(other))
    return Case(disk.path, REFUSED, "mounted", words=(str(other),), wipe=True)


@case
def partition_mounted(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkfs.ext4", "-q", partition)
    other = host.folder / "other"
    other.mkdir()
    run("mount", "-o", "ro", partition, str(other))
    return Case(disk.path, REFUSED, "mounted", words=(partition, str(other)), wipe=True)


@case
def mounted_in_another_namespace_only(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    other = host.folder / "other"
    other.mkdir()
    namespace = host.namespace(f"mount -o ro {disk.path} {other}")
    assert host.mounted(str(other)) is None
    return Case(disk.path, REFUSED, "mounted", words=(f"namespace of pid {namespace.process.pid}",), wipe=True)


@case
def swap_in_use(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkswap", partition)
    done = run("swapon", partition, check=False)
    if done.returncode:
        pytest.skip(f"swapon is not allowed here: {done.stderr.strip()}")
    return Case(disk.path, REFUSED, "system-disk", words=("swap",), wipe=True)


@case
def loop_device_over_it(host: Host) -> Case:
    disk = host.new_disk()
    over = host.attach(Path(disk.path))
    return Case(disk.path, REFUSED, "held", words=(over.path,), wipe=True)


@case
def held_open_for_oneself_alone(host: Host) -> Case:
    disk = host.new_disk()
    descriptor = os.open(disk.path, os.O_RDONLY | os.O_EXCL)
    host.after.append(lambda: os.close(descriptor))
    return Case(disk.path, REFUSED, "held-exclusively", wipe=True)


def member(host: Host, kind: str) -> Case:
    disk = host.new_disk()
    getattr(signatures, kind)(disk)
    assert disk.type_of(), "this is no signature"
    return Case(disk.path, REFUSED, "member", wipe=True)


each("member", member, "lvm_pv", "luks", "md_member", "zfs_member")


@case
def member_on_a_partition(host: Host) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    signatures.lvm_pv(Disk(disk.image, partition))
    return Case(disk.path, REFUSED, "member", words=(partition,), wipe=True)


@case
def named_in_fstab_by_path(host: Host) -> Case:
    disk = host.new_disk()
    with host.fstab.open("a") as file:
        file.write(f"{disk.path}p1 /somewhere ext4 defaults 0 0\n")
    return Case(disk.path, REFUSED, "named-in-fstab", words=("/somewhere",), wipe=True)


@case
def filesystem_with_an_entry_for_another_mount_point(host: Host) -> Case:
    disk = host.new_disk()
    run("mkfs.ext4", "-q", disk.path)
    with host.fstab.open("a") as file:
        file.write(f"UUID={disk.value('UUID')} /somewhere ext4 defaults 0 0\n")
    return Case(disk.path, REFUSED, "filesystem-in-fstab", words=("/somewhere",))


@case
def mount_point_with_an_entry_for_another_filesystem(host: Host) -> Case:
    with host.fstab.open("a") as file:
        file.write(f"UUID=1234-5678 {host.target} ext4 defaults 0 0\n")
    return Case(host.new_disk().path, REFUSED, "mount-point-in-fstab")


# What is on it


@case
def read_only_disk(host: Host) -> Case:
    disk = host.new_disk()
    disk.take_down()
    return Case(host.attach(disk.image, "-r").path, REFUSED, "read-only", wipe=True)


@case
def unreadable_sectors(host: Host) -> Case:
    disk = host.new_disk()
    # Behind the end of its file a loop device gives EIO, as a failing disk does.
    os.truncate(disk.image, 40 * MIB)
    return Case(disk.path, REFUSED, "unreadable", wipe=True)


@case
def two_signatures(host: Host) -> Case:
    disk = host.new_disk(GIB)
    signatures.ext_in_xfs(disk)
    return Case(disk.path, REFUSED, "ambivalent", words=("xfs", "ext4"))


@case
def only_a_backup_gpt(host: Host) -> Case:
    disk = host.new_disk()
    signatures.backup_gpt_only(disk)
    return Case(disk.path, REFUSED, "backup-gpt")


@case
def ext_with_a_dead_superblock(host: Host) -> Case:
    disk = host.new_disk(256 * MIB)
    run("mkfs.ext4", "-q", "-b", "4096", disk.path)
    disk.write(b"\0" * 1024, 1024)
    assert not disk.type_of()
    return Case(disk.path, REFUSED, "damaged-superblock", words=("e2fsck",))


@case
def xfs_with_a_dead_superblock(host: Host) -> Case:
    disk = host.new_disk(GIB)
    run("mkfs.xfs", "-q", disk.path)
    disk.write(b"\0" * 512, 0)
    assert not disk.type_of()
    return Case(disk.path, REFUSED, "unknown-data")


@case
def unknown_data_in_the_middle(host: Host) -> Case:
    disk = host.new_disk()
    disk.write(os.urandom(2 * MIB), 30 * MIB)
    return Case(disk.path, REFUSED, "unknown-data")


@case
def unknown_data_in_the_last_sector(host: Host) -> Case:
    disk = host.new_disk()
    disk.write(b"x", 64 * MIB - 1)
    return Case(disk.path, REFUSED, "unknown-data")


@case
def swap_area(host: Host) -> Case:
    disk = host.new_disk()
    run("mkswap", disk.path)
    return Case(disk.path, REFUSED, "has-data", words=("swap",))


@case
def empty_partition(host: Host) -> Case:
    disk = host.new_disk()
    disk.make_partition()
    return Case(disk.path, REFUSED, "has-partition")


@case
def empty_table(host: Host) -> Case:
    disk = host.new_disk()
    run("sfdisk", "-q", disk.path, input="label: gpt\n", stdin=None)
    return Case(disk.path, REFUSED, "has-table")


@case
def two_disks_with_one_uuid(host: Host) -> Case:
    disk, other = host.new_disk(), host.new_disk()
    for each_disk in (disk, other):
        run("mkfs.ext4", "-q", "-U", "5b6f4f4e-4e1d-4b69-9d0e-27a0b1b2c3d4", each_disk.path)
    return Case(disk.path, REFUSED, "duplicate-uuid", words=(other.path,))


def other_than_it_holds(host: Host, option: str) -> Case:
    disk = host.new_disk()
    partition = disk.make_partition()
    run("mkfs.ext4", "-q", "-L", "old", partition)
    options = {"fstype": ("--fstype", "xfs"), "label": ("--label", "new"), "place": ("--whole-disk",)}[option]
    return Case(disk.path, REFUSED, {"fstype": "other-filesystem"}.get(option, f"other-{option}"), options)


each("other_than_it_holds", other_than_it_holds, "fstype", "label", "place")


@case
def too_small_for_xfs(host: Host) -> Case:
    return Case(host.new_disk().path, REFUSED, "too-small", ("--fstype", "xfs"))


@case
def too_small_for_anything(host: Host) -> Case:
    return Case(host.new_disk(MIB).path, REFUSED, "too-small")


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
def fstab_is_a_directory(host: Host) -> Case:
    host.fstab.unlink()
    host.fstab.mkdir()
    return Case(host.new_disk().path, REFUSED, "fstab-unreadable")


@case
def fstab_with_a_nul(host: Host) -> Case:
    host.fstab.write_bytes(b"a\0b\n")
    return Case(host.new_disk().path, REFUSED, "fstab-unreadable")


@case
def fstab_on_a_read_only_filesystem(host: Host) -> Case:
    etc = host.fstab.parent
    host.put_over(etc, "--bind", str(etc))
    run("mount", "-o", "remount,bind,ro", str(etc))
    return Case(host.new_disk().path, REFUSED, "fstab-read-only")


def fstab_attribute(host: Host, flag: str) -> Case:
    run("chattr", f"+{flag}", str(host.fstab))
    host.after.append(lambda: run("chattr", f"-{flag}", str(host.fstab)))
    return Case(host.new_disk().path, REFUSED, "fstab-immutable", words=("chattr",))


each("fstab_attribute", fstab_attribute, "i", "a")


@case
def fstab_on_a_full_filesystem(host: Host) -> Case:
    text = host.fstab.read_bytes()
    host.put_over(host.fstab.parent, "-t", "tmpfs", "-o", "size=64k", "none")
    host.fstab.write_bytes(text)
    filler = host.fstab.parent / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"x" * 128 * 1024)
    return Case(host.new_disk().path, REFUSED, "fstab-no-space")


# The tests


@pytest.mark.parametrize("name", list(CASES))
def test_bad_input_is_refused_and_nothing_is_changed(host: Host, name: str) -> None:
    found = CASES[name](host)
    arguments = (found.device, found.target or host.target, *found.options)
    before = snapshot(host)
    for wipe in [(), ("--wipe", found.device)] if found.wipe else [()]:
        answer = host.on_disk("mount", *arguments, *wipe, "--yes", "--json", inside=found.inside)
        assert snapshot(host) == before
        assert answer.code == found.code, answer
        envelope = answer.json
        assert (envelope["ok"], envelope["error"]["exit_code"]) == (False, found.code)
        assert found.id in answer.ids, envelope
        text = "".join(finding["title"] + finding["remedy"] for finding in envelope["findings"])
        assert all(word in text for word in found.words), text
    dry = host.on_disk("mount", *arguments, "--dry-run", inside=found.inside)
    assert dry.code == found.code
    assert dry.err.startswith("opskit: ")
    assert dry.out == ""
    assert snapshot(host) == before


def root_disk() -> str:
    """The disk that / is on."""
    number = next(mount.number for mount in reversed(mounts()) if mount.target == "/")
    folder = Path(f"/sys/dev/block/{number}")
    if not folder.exists():
        pytest.skip("/ is on no block device here")
    folder = folder.resolve()
    return f"/dev/{(folder.parent if (folder / 'partition').exists() else folder).name}"


FLAGS = (
    ("--fstype", "ext4"),
    ("--fstype", "xfs"),
    ("--label", "data"),
    ("--table", "gpt"),
    ("--table", "dos"),
    ("--whole-disk",),
    ("--mount-options", "ro"),
    ("--no-fstab",),
    ("--reserved", "0"),
    ("--no-discard",),
    ("--lazy-init",),
    ("--no-lazy-init",),
    ("--yes",),
    ("--quiet",),
)


@pytest.mark.parametrize("flags", [(), *FLAGS, ("--whole-disk", "--no-fstab", "--yes", "--no-discard")], ids=" ".join)
def test_the_root_disk_is_refused_with_every_flag_there_is(host: Host, flags: tuple[str, ...]) -> None:
    disk, before = root_disk(), snapshot(host)
    for wipe in ((), ("--wipe", disk)):
        # A dry run decides as a real run does: should the guard ever fail, this test must not be what finds out.
        answer = host.on_disk("mount", disk, host.target, *flags, *wipe, "--dry-run", "--json")
        assert (answer.code, answer.ids) == (REFUSED, ["system-disk"]), answer
    assert snapshot(host) == before


@pytest.mark.parametrize("verb", ["umount", "umount /"])
def test_the_root_filesystem_is_not_unmounted(host: Host, verb: str) -> None:
    what = "/" if verb.endswith("/") else root_disk()
    answer = host.on_disk("umount", what, "--dry-run", "--json")
    assert (answer.code, answer.ids[0]) == (REFUSED, "system-disk")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "new": 2}']
)
def test_facts_that_are_none_or_of_another_version(host: Host, text: str) -> None:
    facts = host.folder / "facts.json"
    facts.write_text(text)
    answer = host.on_disk("mount", "/dev/vdb", host.target, "--facts", str(facts), "--json")
    assert (answer.code, answer.json["error"]["what"]) == (USAGE, str(facts))
    assert not host.state.exists()


def test_facts_that_are_absent(host: Host) -> None:
    answer = host.on_disk("mount", "/dev/vdb", host.target, "--facts", str(host.folder / "none.json"), "--json")
    assert answer.code == USAGE


def test_facts_saved_here_give_the_same_plan_without_the_disk(host: Host, disk: Disk) -> None:
    saved = host.on_disk("facts", host.target).well().out
    facts = host.folder / "facts.json"
    facts.write_text(saved)
    live = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json").well().json["result"]
    disk.take_down()
    later = host.on_disk("mount", disk.path, host.target, "--facts", str(facts), "--json").well().json["result"]
    actions = [[change["action"], change["target"], change["before"]] for change in live["changes"]]
    assert [[change["action"], change["target"], change["before"]] for change in later["changes"]] == actions
    assert later["basis"] == live["basis"]
    assert not host.state.exists()


def as_nobody(host: Host, *arguments: str) -> Answer:
    """opskit as a user without any privilege, on an fstab that anybody may read."""
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    tried = run(*nobody, *OPSKIT, "--version", check=False, cwd="/")
    if tried.returncode:
        pytest.skip(f"nobody cannot run opskit here: {tried.stderr.strip()[-200:]}")
    place = Path("/run") if os.access("/run", os.W_OK) else Path("/tmp")
    fstab = place / f"opskit-test-{os.getpid()}-fstab"
    fstab.write_text(FSTAB)
    fstab.chmod(0o644)
    host.after.append(fstab.unlink)
    done = run(*nobody, *OPSKIT, *arguments, "--fstab", str(fstab), check=False, cwd="/")
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("verb", ["mount DEVICE /data", "umount DEVICE", "grow DEVICE"])
def test_not_root(host: Host, disk: Disk, verb: str) -> None:
    before = snapshot(host)
    words = [disk.path if word == "DEVICE" else word for word in verb.split()]
    answer = as_nobody(host, "disk", *words, "--yes")
    assert answer.code == MISSING
    assert f"sudo opskit disk {' '.join(words)} --yes" in answer.err
    assert snapshot(host) == before


def test_what_can_be_shown_without_root_is_shown(host: Host, disk: Disk) -> None:
    answer = as_nobody(host, "disk", "list", "--json").well()
    assert disk.path in [row["path"] for row in answer.json["result"]["devices"]]
    assert answer.json["result"]["unseen"]


def test_the_lock_is_held_by_another_opskit(host: Host, disk: Disk) -> None:
    host.state.mkdir(mode=0o700)
    with (host.state / "lock").open("w+") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = disk.digest(), host.table(), host.backups(), host.ledger()
        for timeout in ("0", "0.2"):
            answer = host.mount(disk, "--json", "--lock-timeout", timeout)
            assert answer.code == BUSY
            assert f"pid {os.getpid()} holds {host.state}/lock" in answer.json["error"]["why"]
        assert (disk.digest(), host.table(), host.backups(), host.ledger()) == before
        host.on_disk("mount", disk.path, host.target, "--dry-run").well()
    host.mount(disk).well()


@pytest.mark.slow  # it waits ten seconds for udev's lock
def test_the_lock_of_the_disk_is_held(host: Host, disk: Disk) -> None:
    before = disk.digest(), host.table(), host.backups()
    descriptor = os.open(disk.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        answer = host.mount(disk, "--json")
    finally:
        os.close(descriptor)
    assert answer.code == BUSY
    assert disk.path in answer.json["error"]["what"]
    assert (disk.digest(), host.table(), host.backups(), host.ledger()) == (*before, [])
