"""Who needs what is to be deleted beside processes: system, mounts, packages, systemd, fstab, swap, loop devices."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence

from opskit.core import procfs
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed, Missing
from opskit.core.mountinfo import MountLine, mount_of, unescape
from opskit.core.reach import check_answers, doubtful_mount
from opskit.core.runner import Runner
from opskit.core.systemd import parse_assignments
from opskit.core.unit_files import UNIT_PATHS
from opskit.usage.du.delete.model import Hindrance
from opskit.usage.du.delete.see.uses import Uses, kernel_uses
from opskit.usage.mounts import layers, within

# Nothing in these is deleted by size: each file there is a package's, the kernel's or the configuration.
SYSTEM = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys", "/usr"),
    *("/var/lib/dpkg", "/var/lib/rpm", "/var/lib/systemd"),
)
# What is in these can be deleted, but not they themselves.
FRAMES = (
    *("/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/cache", "/var/lib"),  # noqa: S108
    *("/var/log", "/var/mail", "/var/opt", "/var/spool", "/var/tmp"),  # noqa: S108
)
OPEN_PLACES = ("/usr/local", "/usr/src")
RPM_FOLDERS = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
# The keys of units whose values name what must be there; all that begin with Exec, too.
UNIT_KEYS = frozenset(
    {"EnvironmentFile", "LoadCredential", "PIDFile", "RootDirectory", "RootImage", "BindPaths", "BindReadOnlyPaths"}
    | {"What", "Where", "WorkingDirectory", "RequiresMountsFor"}
)
_GHOST = 1 << 6  # RPMFILE_GHOST: a file that a package only knows of, such as a log
# One line for each file: its package, its flags, its path.
_RPM = ("rpm", "-qa", "--qf", r"[%{=NAME} %{FILEFLAGS} %{FILENAMES}\n]")


def needs_of(targets: Sequence[str], runner: Runner, state_dir: str, uses: Uses) -> Iterator[Hindrance]:
    """What stands against deleting these, beside what is in them. targets: from / on, without links above the names."""
    for target in targets:
        yield from _system(target, os.path.realpath(state_dir))
        yield from _mounts(target, uses)
        yield from _held_by_kernel(target)
        yield from _named("delete-fstab", target, _fstab())
        yield from (
            Hindrance("delete-in-use", path, f"{use.process}, which {use.how}")
            for path, use in uses.mapped.items()
            if within(path, target)
        )
    for target, folder, unit in _in_units(targets):
        yield Hindrance("delete-unit", target, f"{unit} ({folder})")
    yield from _packages(targets, runner)


def _system(target: str, state_dir: str) -> Iterator[Hindrance]:
    kind = "delete-system"
    inside = next((place for place in (*SYSTEM, state_dir) if within(target, place)), "")
    if inside and not any(within(target, place) and target != place for place in OPEN_PLACES):
        own = "opskit's own records" if inside == state_dir else inside
        yield Hindrance(kind, target, f"is part of the system ({own})")
        return
    frame = next((place for place in (*FRAMES, *SYSTEM, state_dir) if within(place, target)), "")
    if frame:
        yield Hindrance(kind, target, f"is part of the system{'' if frame == target else f': {frame} is in it'}")
    for line in procfs.text("/etc/passwd").splitlines():
        fields = line.split(":")
        home = fields[5].rstrip("/") if len(fields) > 6 else ""
        if home and within(home, target) and not frame:
            has = "is" if home == target else f"has {home} in it,"
            yield Hindrance(kind, target, f"{has} the home directory of {fields[0]}")


def _mounts(target: str, uses: Uses) -> Iterator[Hindrance]:
    """Mount points in it, what of it is mounted elsewhere, and layers of overlays: in every mount namespace."""
    namespaces = list(uses.namespaces.values())
    own = namespaces[0][1]
    on = mount_of(os.path.dirname(target), own)
    place = _place(target, on) if on else ("", target)
    for pid, lines in namespaces:
        where = "" if lines is own else f" (as pid {pid} sees it)"
        by_number = {line.number: line for line in lines}
        for line in lines:
            above = by_number.get(line.parent)
            if above and _in(_place(line.target, above), place):
                yield Hindrance("delete-mount-point", target, f"has a mount point in it: {line.target}{where}")
            elif _in((line.device, line.root), place):
                yield Hindrance("delete-mount-point", target, f"is mounted at {line.target}{where}")
            elif line.fstype == "overlay" and any(
                within(layer, target) or within(target, layer) for layer in _layers(line)
            ):
                yield Hindrance("delete-mount-point", target, f"is part of the overlay on {line.target}{where}")


def _place(path: str, mount: MountLine) -> tuple[str, str]:
    """Where a path on a mount is: the device, and the path within its filesystem."""
    rest = path[len(mount.target.rstrip("/")) :]
    return mount.device, mount.root.rstrip("/") + rest or "/"


def _in(place: tuple[str, str], other: tuple[str, str]) -> bool:
    return place[0] == other[0] and within(place[1], other[1])


def _layers(line: MountLine) -> list[str]:
    upper, lowers = layers(line)
    work = next((word[8:] for word in line.options.split(",") if word.startswith("workdir=")), "")
    work = os.path.join(os.path.dirname(os.path.dirname(upper)), unescape(work)) if work else ""
    named = [layer for layer in (upper, work, *lowers) if layer.startswith("/")]
    return [layer if doubtful_mount(layer) else os.path.realpath(layer) for layer in named]


def _held_by_kernel(target: str) -> Iterator[Hindrance]:
    for path, use in kernel_uses():
        if within(path, target):
            yield Hindrance("delete-in-use", path, f"{use.process}, which {use.how}", use.ended_by)
    for line in procfs.text("/proc/net/unix").split("\n"):
        path = line[line.find(" /") + 1 :] if " /" in line else ""
        if path and within(path, target):
            yield Hindrance("delete-in-use", path, "the process that this socket is of")


def _fstab() -> Iterator[tuple[str, str]]:
    """What /etc/fstab names: paths, and where."""
    for number, line in enumerate(procfs.text("/etc/fstab").split("\n"), 1):
        fields = line.split()
        if fields and not fields[0].startswith("#"):
            yield from ((unescape(path), f"/etc/fstab, line {number}") for path in fields[:2])


def _named(kind: str, target: str, named: Iterable[tuple[str, str]]) -> Iterator[Hindrance]:
    return (Hindrance(kind, target, where) for path, where in named if path != "/" and within(path, target))


def _in_units(targets: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """The targets that units of systemd name or are in: target, what is named, and the unit's file."""
    read: set[str] = set()
    for folder in UNIT_PATHS:
        for path in sorted(_unit_files(folder)):
            real = os.path.realpath(path)
            if real in read or not os.path.isfile(real):
                continue
            read.add(real)
            text = procfs.text(real)
            if not any(target in text for target in targets):
                continue
            for assignment in parse_assignments(text):
                if assignment.name in UNIT_KEYS or assignment.name.startswith("Exec"):
                    words = [word.strip("\"'").lstrip("@-:+!|") for word in re.split(r"[\s:]+", assignment.value)]
                    yield from ((t, word, path) for t in targets for word in words if within(word, t))


def _unit_files(folder: str) -> Iterator[str]:
    """The units in a folder, and their drop-ins. Raises Failed where one is on a mount that does not answer."""
    folders, ending = [folder], "."
    for _ in range(2):
        check_answers(folders)
        paths = [os.path.join(each, name) for each in folders if os.path.isdir(each) for name in os.listdir(each)]
        named = [path for path in paths if ending in os.path.basename(path)[1:]]
        check_answers(named)
        yield from named
        folders, ending = [path for path in named if path.endswith(".d")], ".conf"


def _packages(targets: Sequence[str], runner: Runner) -> Iterator[Hindrance]:
    """The targets that a package of rpm or dpkg has files in, or is."""
    kind = "delete-packaged"
    if any(glob.glob(f"{folder}/*") for folder in RPM_FOLDERS):
        try:
            stdout = runner.run(Command(_RPM, mutates=False)).stdout
        except Missing:
            stdout = ""
        except (CommandFailed, Failed) as error:
            why = f"rpm does not tell whose it is ({error.why})"
            todo = "this must work first: rpm -qa"
            yield from (Hindrance("delete-unreadable", target, why, todo) for target in targets)
            return
        for target in targets:
            if target in stdout:
                owner = _owner(stdout, target)
                yield from [Hindrance(kind, target, f"the package {owner}")] if owner else []
    pattern = "|".join(re.escape(target) for target in targets)
    owned = re.compile(rf"^({pattern})(?:/.*)?$".encode("utf-8", "surrogateescape"), re.MULTILINE)
    for path in sorted(glob.glob("/var/lib/dpkg/info/*.list")) if targets else ():
        for target in dict.fromkeys(owned.findall(os.fsencode(procfs.text(path)))):
            package = os.path.basename(path).removesuffix(".list")
            yield Hindrance(kind, os.fsdecode(target), f"the package {package}")


def _owner(stdout: str, target: str) -> str:
    """The package that has this, or a file in it; "" for none. stdout: of _RPM."""
    for line in stdout.split("\n"):
        if target in line:
            name, flags, path = line.split(" ", 2)
            if within(path, target) and not int(flags) & _GHOST:
                return name
    return ""
