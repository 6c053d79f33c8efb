"""The steps around a mount: make the mount point, mount, unmount."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Optional, Union

from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import Busy, CannotUndo, CommandFailed, Failed
from opskit.core.files import sync_directory
from opskit.core.finding import follow_up
from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.disk.layout import UNNAMED, device_path, name_of, shell_line
from opskit.disk.model import BlockDevice, DiskPlace, Mount, describe, ending
from opskit.disk.mount.steps.tried import FAILING, run_on_disk
from opskit.disk.see import probe, udev
from opskit.disk.see.busy import users_of
from opskit.disk.see.mounts import mounted_at, own_mounts, targets_of
from opskit.disk.see.paths import holds_something, in_the_way
from opskit.disk.see.sysfs import device_at, read_device
from opskit.disk.selinux import restorecon

# Seconds to wait until udev knows what was made.
SETTLE_SECONDS = 30
MOUNT_SECONDS = 120.0
# mount(8): EBUSY and the like are 32, "mount failure".
MOUNT_FAILURE = 32


@dataclass(frozen=True)
class MakeMountPoint(Step):
    """Make the directory, and those above it that are missing.

    relabel: whether restorecon is on the host. The context of what is under a mount counts at boot: systemd has to be
        allowed to mount there.
    """

    kind: ClassVar[str] = "disk.make-mount-point"
    path: str
    relabel: bool = False

    @property
    def change(self) -> Change:
        label = (restorecon(self.path).as_shell(),) if self.relabel else ()
        commands = (f"mkdir -p {shlex.quote(self.path)}", *label)
        return Change("make-mount-point", self.path, "absent", "an empty directory", commands, True)

    def remember(self, runner: Runner) -> Record:
        """The directories that will be made, deepest first."""
        return {"made": missing_directories(self.path)}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Returns those that were made: whoever was faster keeps theirs after an undo."""
        made = make_directories(record["made"])
        if self.relabel:
            runner.run(restorecon(self.path))
        return {"made": made}

    def verify(self, runner: Runner, record: Record) -> None:
        if not os.path.isdir(self.path):
            raise Failed(self.path, "it is not a directory")

    def undo_change(self, record: Record) -> Union[Change, str]:
        if not record["made"]:
            return f"{self.path} was there before"
        commands = tuple(f"rmdir {shlex.quote(path)}" for path in record["made"])
        return Change("remove-mount-point", self.path, "an empty directory", "absent", commands, True)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The directories that are there. Raises CannotUndo where one is in use."""
        made = [path for path in record["made"] if os.path.lexists(path)]
        if made and (mounted_at(made[0]) or holds_something(made[0])):
            why = f"{made[0]} is kept ({'it is mounted on' if mounted_at(made[0]) else 'it is not empty'})"
            raise CannotUndo(why, keeps_earlier=False, todo=f"ls -la {shlex.quote(made[0])}")
        return super().left(runner, {"made": made}) if made else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove what was made, as long as it is empty."""
        for path in record["made"]:
            try:
                os.rmdir(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise CannotUndo(f"{path} is kept ({error.strerror})", keeps_earlier=False) from None
            sync_directory(os.path.dirname(path))


def missing_directories(path: str) -> list[str]:
    """What of a path is missing, the deepest first."""
    missing = []
    while not os.path.lexists(path):
        missing.append(path)
        path = os.path.dirname(path)
    return missing


def make_directories(paths: Sequence[str], mode: int = 0o755) -> list[str]:
    """Make directories, the deepest first in the list; whoever made one in the meantime has done it for us.

    Returns those that were made, the deepest first.
    """
    made: list[str] = []
    for path in reversed(paths):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
            made.insert(0, path)
        sync_directory(os.path.dirname(path))
    return made


def is_same(runner: Runner, mount: Mount, uuid: str, record: Record) -> bool:
    """Whether what is mounted is the filesystem with this UUID; one without a UUID is known by its device number.

    After a reboot a device number can be another disk's: the superblock itself is asked.
    """
    if not uuid:
        return bool(mount.device == record["number"])
    device = read_device(os.path.basename(os.path.realpath(f"/sys/dev/block/{mount.device}")))
    filesystem = probe.with_signatures(device, runner).filesystem if device.number else None
    return filesystem is not None and filesystem.uuid == uuid


def check_same(runner: Runner, mount: Mount, uuid: str, record: Record) -> None:
    """Raise CannotUndo when what is mounted is not the filesystem of the step."""
    if not is_same(runner, mount, uuid, record):
        why = f"something else is mounted on {mount.target} now ({mount.source})"
        raise CannotUndo(why, todo=f"findmnt {shlex.quote(mount.target)}; unmount it first if it is not needed there")


def systemd_unit(runner: Runner, target: str) -> str:
    """The name of systemd's unit for a mount point (systemd-escape(1))."""
    argv = ("systemd-escape", "--path", "--suffix=mount", target)
    return runner.run(Command(argv, mutates=False)).stdout.strip()


@dataclass(frozen=True)
class MountFilesystem(Step):
    """Mount a filesystem.

    systemd: it runs here and has a unit for this mount point (an entry of its fstab).
    relabel: run restorecon on its root directory, which has no context yet: it was made without one.
    """

    kind: ClassVar[str] = "disk.mount"
    place: DiskPlace
    target: str
    fstype: str
    uuid: str
    options: str
    systemd: bool = False
    relabel: bool = False

    @property
    def change(self) -> Change:
        lines = []
        if self.systemd:
            lines.append(f"udevadm settle --timeout={SETTLE_SECONDS}")
            unit = f'"$(systemd-escape --path --suffix=mount {shlex.quote(self.target)})"'
            lines.append(f"systemctl reset-failed {unit} || true")
        lines.append(shell_line(self._command(UNNAMED), self.place))
        if self.relabel:
            lines.append(restorecon(self.target).as_shell())
        after = f"{self.fstype} of {name_of(self.place)}"
        return Change("mount", self.target, "not mounted", after, tuple(lines), reversible=True)

    def _command(self, path: str) -> Command:
        options = ("-o", self.options) if self.options else ()
        return Command(("mount", "-t", self.fstype, *options, path, self.target), mutates=True, timeout=MOUNT_SECONDS)

    def remember(self, runner: Runner) -> Record:
        """Raises Failed when the mount point is no longer what it was."""
        device = device_at(self.place)
        self._is_to_be_mounted(device.number)
        return {"device": device.path, "number": device.number, "mounted": targets_of(device.number)}

    def _is_to_be_mounted(self, number: str) -> bool:
        """Whether ours (major:minor) is not mounted there yet. Raises Failed when something else is there.

        systemd before 242 mounts what is in its fstab by itself when the device shows up (its issue 11263).
        """
        mount = mounted_at(self.target)
        if mount is not None and mount.device == number:
            return False
        why = in_the_way(self.target, mount)
        if why:
            raise Failed(self.target, why, todo="run the same command again and read the new plan")
        return True

    def apply(self, runner: Runner, record: Record) -> Record:
        """Mount, once udev knows the filesystem: systemd unmounts what belongs to a device it does not know yet."""
        if udev.is_running():
            udev.wait_for_filesystem(record["number"], self.uuid, SETTLE_SECONDS)
            # Exit 1: events are still under way after the time limit, which need not be ours.
            runner.run(Command(("udevadm", "settle", f"--timeout={SETTLE_SECONDS}"), mutates=False, accept=(0, 1)))
        if self.systemd:
            unit = systemd_unit(runner, self.target)
            # A unit that failed before would be stopped again at once. Exit 1: it is not loaded, which is as good.
            runner.run(Command(("systemctl", "reset-failed", unit), mutates=True, accept=(0, 1, 5)))
        if self._is_to_be_mounted(record["number"]):  # udev may have been waited for
            with self._noting_strays(record):
                device, options = record["device"], self.options
                run_on_disk(runner, self._command(device), device, fstype=self.fstype, options=options)
        if self.relabel:
            runner.run(restorecon(self.target))
        return {}

    @contextlib.contextmanager
    def _noting_strays(self, record: Record) -> Iterator[None]:
        """Where the device came to when this fails: whoever may rename a directory of the path can lead mount astray.

        An error then has it in its record, and so the undo unmounts it there.
        """
        try:
            yield
        except Failed as error:
            before = (self.target, *record.get("mounted", ()))
            strays = [path for path in targets_of(record["number"]) if path not in before]
            if strays:
                error.record["strays"] = strays
                error.why += f"; it came to {', '.join(strays)}: somebody replaced a directory in the path"
                error.todo = f"namei -l {shlex.quote(self.target)} shows who may"
            raise

    def verify(self, runner: Runner, record: Record) -> None:
        """The kernel shows our device there, writable unless asked otherwise; systemd agrees."""
        with self._noting_strays(record):
            self._check_mount(record)
        if self.systemd:
            unit = systemd_unit(runner, self.target)
            active = runner.run(Command(("systemctl", "is-active", "--quiet", unit), mutates=False, accept=(0, 3)))
            if active.status != 0 or mounted_at(self.target) is None:
                raise Failed(self.target, "systemd does not keep it mounted", todo=f"systemctl status {unit}")

    def _check_mount(self, record: Record) -> None:
        mount = mounted_at(self.target)
        if mount is None or mount.device != record["number"]:
            raise Failed(self.target, f"{record['device']} is not mounted there", todo="dmesg | tail")
        wants_read_only = "ro" in self.options.split(",")
        if os.statvfs(self.target).f_flag & os.ST_RDONLY and not wants_read_only:
            why = "the kernel mounted it read-only: the device cannot be written, or the filesystem has errors"
            raise Failed(
                self.target, why, todo="dmesg | tail says which; --mount-options ro, if that is what it is for"
            )
        if not wants_read_only:
            check_writable(self.target)

    def undo_change(self, record: Record) -> Union[Change, str]:
        before, lines = f"{self.fstype} of {record['device']}", shell_lines((umount(self.target),))
        return Change("umount", self.target, before, "not mounted", lines, reversible=True)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The mount, by whatever name its device has now. Raises CannotUndo when something else is mounted there."""
        mount = mounted_at(self.target)
        if mount is None:
            return super().left(runner, record) if self._strays(runner, record) else None
        check_same(runner, mount, self.uuid, record)
        return super().left(runner, {**record, "device": mount.source})

    def _strays(self, runner: Runner, record: Record) -> list[str]:
        """Where else the device came to, and still is."""
        strays = ((stray, mounted_at(stray)) for stray in record.get("strays", ()))
        return [stray for stray, mount in strays if mount and is_same(runner, mount, self.uuid, record)]

    def undo(self, runner: Runner, record: Record) -> None:
        """Unmount, if it is still our device that is mounted there. Raises Busy when somebody uses it."""
        for stray in self._strays(runner, record):
            unmount(runner, stray)
        if mounted_at(self.target) and self.left(runner, record):
            unmount(runner, self.target)


def check_writable(target: str) -> None:
    """Write to the filesystem mounted there, through its journal and to the disk. Raises Failed.

    The root directory gets the times it has: nothing of it changes but when that was. A mount alone may write nothing.
    """
    try:
        descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            status = os.stat(descriptor)
            os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        todo = FAILING if error.errno == errno.EIO else "dmesg | tail may say why"
        raise Failed(target, f"it cannot be written ({error.strerror})", todo=todo) from error


def umount(target: str) -> Command:
    """The command that unmounts what is on a mount point; never lazily (umount(8))."""
    return Command(("umount", target), mutates=True, timeout=MOUNT_SECONDS)


def unmount(runner: Runner, target: str) -> None:
    """Run umount. Raises Busy with the processes that use the filesystem."""
    mount = mounted_at(target)
    try:
        runner.run(umount(target))
    except CommandFailed as error:
        if mount is None or error.result.status != MOUNT_FAILURE or mounted_at(target) is None:
            raise
        # It is mounted still, and so must its entry in fstab stay; what the kernel has against it umount alone tells.
        using = users_of(mount) or ()
        users = "; ".join(map(describe, using))
        held = f"{error.why}; a mount below it, a loop device, a swap file or an NFS export on it may hold it"
        why = f"in use by {users}" if users else held
        raise Busy(target, why, todo=ending(using)) from error


@dataclass(frozen=True)
class UnmountFilesystem(Step):
    """Unmount a filesystem; taking it back mounts it again as it was."""

    kind: ClassVar[str] = "disk.umount"
    target: str
    device: str  # kernel name
    fstype: str
    options: str
    uuid: str = ""

    @property
    def change(self) -> Change:
        before, lines = f"{self.fstype} of {device_path(self.device)}", shell_lines((umount(self.target),))
        return Change("umount", self.target, before, "not mounted", lines, reversible=True)

    def remember(self, runner: Runner) -> Record:
        device = read_device(self.device)
        return {"device": device.path, "number": device.number}

    def apply(self, runner: Runner, record: Record) -> Record:
        """Unmount. Returns whether the directory had files of its own below, which taking it back may hide again."""
        unmount(runner, self.target)
        return {"hid": holds_something(self.target)}

    def verify(self, runner: Runner, record: Record) -> None:
        mount = mounted_at(self.target)
        if mount is not None and mount.device == record["number"]:
            raise Failed(self.target, "it is still mounted (it was mounted more than once)", todo="umount it again")

    def undo_change(self, record: Record) -> Union[Change, str]:
        after, lines = f"{self.fstype} of {record['device']}", shell_lines(self.undo_commands(record))
        return Change("mount", self.target, "not mounted", after, lines, reversible=True)

    def undo_commands(self, record: Record) -> tuple[Command, ...]:
        argv = ("mount", "-t", self.fstype, "-o", self.options, record["device"], self.target)
        return (Command(argv, mutates=True, timeout=MOUNT_SECONDS),)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The mount that is missing, of the device that has the filesystem now; the mount point is made if need be.

        Raises CannotUndo when something is in its way, or no device has the filesystem.
        """
        mount = mounted_at(self.target)
        if mount is not None:
            check_same(runner, mount, self.uuid, record)
            return None
        why = in_the_way(self.target, None)
        if why and (os.path.realpath(self.target) != self.target or record.get("hid") is False):
            raise CannotUndo(f"{self.target}: {why}", todo=f"ls -la {shlex.quote(self.target)}")
        device = self._device(runner, record)
        elsewhere = [mount.target for mount in own_mounts() if mount.device == device.number]
        if elsewhere:
            why = f"{device.path} is mounted on {elsewhere[0]} now"
            raise CannotUndo(why, todo=f"umount {shlex.quote(elsewhere[0])}, if it is not needed there")
        change = self.undo_change({**record, "device": device.path})
        if isinstance(change, Change) and not os.path.lexists(self.target):
            change = replace(change, commands=(f"mkdir -p {shlex.quote(self.target)}", *change.commands))
        return change if isinstance(change, Change) else None

    def _device(self, runner: Runner, record: Record) -> BlockDevice:
        """The device that has the filesystem: by its name of then, else by the UUID. Raises CannotUndo."""
        device = read_device(self.device)
        # After a reboot another disk can have its name and number.
        if device.number == record["number"] and probe.has_filesystem(device, self.uuid, runner):
            return device
        devices = probe.with_uuid(self.uuid, runner) if self.uuid else ()
        if len(devices) != 1:
            many = f"several devices have it: {', '.join(device.path for device in devices)}"
            why = many if devices else "no device of this host has it"
            what = f"the filesystem with UUID {self.uuid}" if self.uuid else f"the filesystem of {record['device']}"
            raise CannotUndo(f"{what}: {why}", todo=f"{follow_up('disk', 'list')} shows the block devices")
        return devices[0]

    def undo(self, runner: Runner, record: Record) -> None:
        """Mount it again, unless it is mounted. Raises CannotUndo as left does."""
        if not self.left(runner, record):
            return
        make_directories(missing_directories(self.target))
        (command,) = self.undo_commands({**record, "device": self._device(runner, record).path})
        run_on_disk(runner, command, command.argv[-2], fstype=self.fstype, options=self.options)


STEPS: tuple[type[Step], ...] = (MakeMountPoint, MountFilesystem, UnmountFilesystem)
