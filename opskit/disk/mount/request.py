"""What `opskit disk mount` was asked for, and what of it cannot be. Pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from typing import Optional
from uuid import UUID, uuid5

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Reason
from opskit.core.record import dataclass
from opskit.disk.fstab.boot import unit_name
from opskit.disk.model import HostFacts, is_tag
from opskit.disk.mount.mkfs import DEFAULT_FILESYSTEM, MkfsOptions, option_reasons

TABLES = ("gpt", "dos")
# The namespace of the UUIDs that are made here, chosen once at random, and what each is made for.
_OURS = UUID("b57e7ede-367f-43f2-81fd-68e23d871b69")
_NEW = ("filesystem", "partition", "table")


@dataclass(frozen=True)
class NewIds:
    """What is chosen before, so that the plan can show it: UUIDs in lower case, and the run's id."""

    run: str
    filesystem: str
    partition: str
    table: str

    @classmethod
    def of(cls, run: str) -> NewIds:
        """Those that follow from the run's id: whoever carries out a plan later gets the same ones (RFC 9562, 5.5)."""
        filesystem, partition, table = (str(uuid5(_OURS, f"{run} {what}")) for what in _NEW)
        return cls(run, filesystem, partition, table)


@dataclass(frozen=True)
class MountRequest:
    """What `opskit disk mount` was asked for. "" and None: not asked for, the default holds.

    entry_options: those of the entry that is there, by which it is mounted where no others are asked for.
    """

    device: str
    target: str = "/mnt"
    fstype: str = ""
    label: str = ""
    table: str = "gpt"
    whole_disk: bool = False
    mount_options: str = ""
    use_fstab: bool = True
    reserved: Optional[int] = None
    discard: bool = True
    lazy_init: Optional[bool] = None
    wipe: str = ""
    entry_options: str = ""

    @property
    def options(self) -> str:
        """The options to mount with."""
        return self.mount_options or self.entry_options

    @property
    def read_only(self) -> bool:
        """Whether it is to be mounted read-only."""
        return "ro" in self.options.split(",")

    @property
    def mkfs(self) -> MkfsOptions:
        """What is asked of mkfs."""
        return MkfsOptions(self.fstype or DEFAULT_FILESYSTEM, self.label, self.reserved, self.discard, self.lazy_init)


def request_reasons(request: MountRequest) -> Iterator[Reason]:
    """What was asked for that cannot be."""
    usage = ExitCode.USAGE
    yield from option_reasons(request.mkfs)
    if request.table not in TABLES:
        yield Reason("unknown-table", f"--table {request.table}: opskit writes gpt and dos", "gpt", exit_code=usage)
    if request.wipe and is_tag(request.device):
        title = f"--wipe wants the path of the device, and {request.device} is none"
        remedy = f"name the device by its path, twice; {follow_up('disk', 'list')} shows the paths"
        yield Reason("wipe-names-another", title, remedy, exit_code=usage)
    elif request.wipe and request.wipe != request.device:
        title = f"--wipe names {request.wipe}, but the device is {request.device}"
        remedy = f"to destroy what is on it, repeat its name: --wipe {shlex.quote(request.device)}"
        yield Reason("wipe-names-another", title, remedy, exit_code=usage)
    yield from option_form_reasons(request.mount_options)


# By these mount(8) does something else than mount the filesystem of this device (libmount, optmap.c): what is then
# mounted is of a loop device, another directory, or nothing new.
_OTHER_MOUNTS = ("bind", "rbind", "move", "remount", "loop", "offset", "sizelimit")


def option_form_reasons(options: str) -> Iterator[Reason]:
    """Mount options that cannot stand in fstab as they are."""
    other = [option for option in options.split(",") if option.partition("=")[0] in _OTHER_MOUNTS]
    if other:
        title = f"--mount-options {options}: with {other[0]} mount(8) mounts something else than this device"
        yield Reason("bad-mount-options", title, f"leave {','.join(other)} out", exit_code=ExitCode.USAGE)
    empty = bool(options) and not all(options.split(","))
    if empty or any(char in options for char in " \t\r\n"):
        title = f"--mount-options {options!r}: options are joined by one comma each, without blanks"
        yield Reason("bad-mount-options", title, "noatime,nodev", exit_code=ExitCode.USAGE)


def fstab_options(requested: str) -> str:
    """The options of the fstab entry: a data disk that is missing must not stop the boot.

    How long it is waited for stays systemd's own 90 s: nofail holds no boot up, and a shorter time loses the disk on a
    slow host (one came after 30.5 s).
    """
    options = requested.split(",") if requested else ["defaults"]
    if "nofail" not in options:
        options.append("nofail")
    return ",".join(options)


# Places that are the kernel's, or that nothing may be put over.
FORBIDDEN = ("/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot")


def target_reasons(target: str) -> Iterator[Reason]:
    """What can be said of the name alone."""
    remedy = "name an absolute path, such as /data"
    usage = ExitCode.USAGE
    if not target.startswith("/"):
        yield Reason(
            "relative-mount-point", f"the mount point {target!r} is not an absolute path", remedy, exit_code=usage
        )
    elif ".." in target.split("/"):
        yield Reason("dotdot-mount-point", f"the mount point {target} has `..` in it", remedy, exit_code=usage)
    elif target == "/":
        yield Reason("forbidden-mount-point", "/ is the root of the system", remedy)
    elif any(target == place or target.startswith(place + "/") for place in FORBIDDEN):
        yield Reason("forbidden-mount-point", f"{target} belongs to the system", remedy)
    elif "\0" in target or len(os.fsencode(target)) > 4000 or _has_long_name(target):
        yield Reason(
            "bad-mount-point", "the mount point's name is too long or has a NUL in it", remedy, exit_code=usage
        )


def _has_long_name(path: str) -> bool:
    """Whether a name in it is longer than any filesystem takes (NAME_MAX)."""
    return any(len(os.fsencode(name)) > 255 for name in path.split("/"))


def mount_point_reasons(facts: HostFacts, target: str) -> Iterator[Reason]:
    """What is at the mount point that must not be covered. An absent one is made; nothing known is no reason."""
    fact = facts.path(target)
    if fact is None:
        return
    remedy = "name another mount point, or empty this one first"
    if fact.symlink_in:
        title = f"the mount point {target} goes through the symlink {fact.symlink_in}"
        yield Reason("symlink-mount-point", title, f"name the real path: {fact.real}")
    elif fact.mounted and is_automount(facts, fact.real):
        unit = shlex.quote(unit_name(fact.real, ".automount"))
        title = f"{target} is an automount point: systemd mounts the filesystem of its entry when somebody opens it"
        yield Reason("automount", title, f"name another mount point; or systemctl stop {unit}, then run this again")
    elif fact.mounted:
        other = facts.mount_on(fact.real)
        source = other.source if other else "something"
        yield Reason(
            "mount-point-in-use",
            f"{source} is already mounted on {target}",
            f"findmnt {shlex.quote(target)}",
        )
    elif fact.unanswered:
        title = f"nobody can tell what is at the mount point {target}: {fact.unanswered}"
        yield Reason("silent-mount", title, "name another mount point, or see to the server of this one")
    elif fact.kind not in {"absent", "directory"}:
        what = "below a file" if fact.kind == "below-a-file" else f"a {fact.kind}"
        yield Reason("mount-point-no-directory", f"the mount point {target} is {what}, not a directory", remedy)
    elif fact.kind == "directory" and not fact.empty:
        title = f"the directory {target} is not empty: its files would be hidden"
        yield Reason("mount-point-not-empty", title, remedy)
    elif fact.unmakable:
        title = f"the mount point {target} cannot be made: {fact.unmakable}"
        above = facts.mounted_at(fact.real)
        at = shlex.quote(above)
        read_only = any(m.target == above and "ro" in m.options.split(",") for m in facts.mounts)
        remedy = f"mount -o remount,rw {at}" if read_only else f"make room: df {at}; df -i {at}"
        yield Reason("mount-point-cannot-be-made", title, remedy)


def is_automount(facts: HostFacts, target: str) -> bool:
    """Whether an automount point waits there: what is uppermost is of autofs."""
    mount = facts.mount_on(target)
    return mount is not None and mount.fstype == "autofs"


def replaceable(facts: HostFacts, target: str) -> Iterator[Finding]:
    """Others than root can put another directory in the place of the mount point."""
    fact = facts.path(target)
    if fact and fact.weak:
        title = f"others can put another directory in the place of {target}, also while it is mounted: {fact.weak}"
        remedy = "let that directory be root's, with mode 0755; or name another mount point"
        yield Finding("mount-point-replaceable", "warning", title, remedy=remedy)


def unknown_path(facts: HostFacts, target: str) -> Iterator[Finding]:
    """Saved facts that do not say what is at the mount point."""
    if facts.path(target) is None:
        text = f"the facts do not say what is at {target}: it is assumed to be absent"
        yield Finding("mount-point-not-in-facts", "warning", text, remedy=follow_up("disk", "facts", target))
