"""The mounted filesystems with their figures: mountinfo(5 in proc(5)) and statvfs(3), seen as GNU df sees them.

A mount whose server can be gone (network, FUSE) is asked by a forked child within a time limit; a disk of this host
is asked directly. An automount point is never asked: that would mount it.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any, Callable, NamedTuple

from opskit.core.child import Answer, ask
from opskit.core.errors import Failed
from opskit.core.kernel import device_number
from opskit.core.mountinfo import DUMMY, MountLine, is_remote, may_hang, mount_of, mounts_here
from opskit.usage.df.model import Filesystem, FilesystemFigures
from opskit.usage.df.see.beneath import beneath

# df says nothing of a mount point that is gone, or that this user may not look at.
NOT_OURS_TO_SEE = (errno.EACCES, errno.ENOENT)


class Types(NamedTuple):
    """Which types of filesystems are wanted. only: these, () for any; without: but not these."""

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def wants(self, fstype: str) -> bool:
        """Whether this one is."""
        return (not self.only or fstype in self.only) and fstype not in self.without


ANY = Types()


def see(
    paths: Sequence[str] = (), *, everything: bool = False, seconds: float = 5, types: Types = ANY
) -> tuple[Filesystem, ...]:
    """The filesystems that df lists; or the one that each path is on, or that is on the block device it names.

    everything: pseudo filesystems and further mounts of the same filesystem too
    types: without paths, only filesystems of these; the others are not even looked at
    seconds: how long to wait for network and FUSE mounts, all of them together

    Raises Failed for a path that is not there, Missing as mounts_here().
    """
    if not paths:
        return _all(mounts_here(), everything=everything, seconds=seconds, types=types)
    filesystems, failures = see_paths(paths, seconds)
    for failure in failures:
        raise failure
    return filesystems


def see_paths(paths: Sequence[str], seconds: float) -> tuple[tuple[Filesystem, ...], tuple[Failed, ...]]:
    """The filesystems of those paths that are there, and what is wrong with the others."""
    lines = mounts_here()
    filesystems, failures = [], []
    for path, answer in zip(paths, _look_at(paths, lines, seconds)):
        try:
            filesystems.append(_of_path(path, lines, answer))
        except Failed as error:  # noqa: PERF203 - each may fail
            failures.append(error)
    return tuple(filesystems), tuple(failures)


def _all(lines: Sequence[MountLine], *, everything: bool, seconds: float, types: Types) -> tuple[Filesystem, ...]:
    wanted = [line for line in lines if line.target.startswith("/") and (everything or line.fstype not in DUMMY)]
    wanted = [line for line in wanted if types.wants(line.fstype)]
    answers = _probe_all(wanted, seconds)
    devices = {line.number: a.value[0] if a.value else line.device for line, a in zip(wanted, answers)}
    answer_of = {line.number: a for line, a in zip(wanted, answers)}
    kept, nearest = without_duplicates(wanted, devices, {n for n, answer in answer_of.items() if answer.value})
    filesystems = []
    for line in wanted if everything else kept:
        answer, device = answer_of[line.number], devices[line.number]
        if everything and answer.value and nearest[device].source != line.source and not is_remote(line):
            answer = Answer(why="another filesystem is mounted over it")
        filesystem = _filesystem(line, device, answer, lines)
        gone = answer.error in NOT_OURS_TO_SEE
        empty = filesystem.figures is not None and filesystem.figures.blocks == 0
        if everything or not (gone or empty):
            filesystems.append(filesystem)
    return tuple(filesystems)


def without_duplicates(
    lines: Sequence[MountLine], devices: Mapping[int, str], answered: set[int]
) -> tuple[list[MountLine], dict[str, MountLine]]:
    """The mounts less those of a device that is there already, as df chooses; and the one it chose for each device.

    A source with a slash wins over one without, then the mount point nearer to the root (unless less of the
    filesystem is mounted there), then what is mounted over another. Remote ones with different sources all stay.

    devices: by the mount's number
    answered: the numbers of the mounts that could be looked at; the others all stay
    """
    kept: list[MountLine] = []
    last: dict[str, int] = {}
    for line in lines:
        device = devices[line.number]
        if line.number in answered and device in last:
            before = kept[last[device]]
            if not (is_remote(line) and is_remote(before) and line.source != before.source):
                if _wins(line, before):
                    kept[last[device]] = line
                continue
        last[device] = len(kept)
        kept.append(line)
    return kept, {device: kept[place] for device, place in last.items()}


def _wins(line: MountLine, before: MountLine) -> bool:
    """Whether df lists this mount of a device and not the one it saw before (filter_mount_list in its df.c)."""
    if "/" in line.source and "/" not in before.source:
        return True
    # df measures names in bytes.
    nearer = len(os.fsencode(line.target)) < len(os.fsencode(before.target))
    if nearer and len(os.fsencode(line.root)) <= len(os.fsencode(before.root)):
        return True
    return line.source != before.source and line.target == before.target


def probe(path: str) -> list[Any]:
    """The device number of what is at a path, and its figures. Raises OSError; may wait for ever."""
    status, figures = os.stat(path), os.statvfs(path)
    available = figures.f_bavail - (1 << 64 if figures.f_bavail >= 1 << 63 else 0)
    size = figures.f_frsize or figures.f_bsize
    numbers = [size, figures.f_blocks, figures.f_bfree, available, figures.f_files, figures.f_ffree]
    return [device_number(status.st_dev), numbers]


def _here(question: Callable[[], Any]) -> Answer:
    try:
        return Answer(question())
    except OSError as error:
        return Answer(error=error.errno or 0, why=error.strerror or str(error))


def _probe_all(lines: Sequence[MountLine], seconds: float) -> list[Answer]:
    """probe() of each, those that may hang in children, all at once."""
    answer_of: dict[int, Answer] = {}
    others = []
    for line in lines:
        if line.fstype == "autofs":
            answer_of[line.number] = Answer(why="an automount point: a look at it would mount it")
        elif may_hang(line, lines):
            others.append(line)
        else:
            answer_of[line.number] = _here(functools.partial(probe, line.target))
    answers = ask([functools.partial(probe, line.target) for line in others], seconds)
    answer_of.update({line.number: answer for line, answer in zip(others, answers)})
    return [answer_of[line.number] for line in lines]


def _filesystem(line: MountLine, device: str, answer: Answer, lines: Sequence[MountLine]) -> Filesystem:
    readonly = "ro" in line.options.split(",")
    figures = FilesystemFigures(*answer.value[1]) if answer.value else None
    answered = answer.came and answer.error in {0, *NOT_OURS_TO_SEE}
    disk = beneath(line, lines).mount.device
    return Filesystem(
        line.source, line.fstype, line.target, device, readonly, is_remote(line), figures, answered, answer.why, disk
    )


def _look_at(paths: Sequence[str], lines: Sequence[MountLine], seconds: float) -> list[Answer]:
    """look() at each path; in children if any mount here may hang, for a path can lead through links."""
    questions = [functools.partial(look, path, lines) for path in paths]
    if any(may_hang(line, lines) for line in lines):
        return ask(questions, seconds)
    return [_here(question) for question in questions]


def look(path: str, lines: Sequence[MountLine]) -> list[Any]:
    """The number of the mount that a path is on (-1: none found), with what probe() says. Raises OSError."""
    real = os.path.realpath(path)
    if stat.S_ISBLK(os.stat(path).st_mode):
        mounted = [m for m in lines if m.source.startswith("/") and os.path.realpath(m.source) == real]
        mounted = [m for m in mounted if _uppermost(m, lines)]
        if mounted:
            best = min(mounted, key=lambda m: len(os.fsencode(m.target)))
            return [best.number, *probe(best.target)]
    device, figures = probe(path)
    line = mount_of(real, lines)
    if line is None or _device_at(line.target) != device:
        same = [m for m in lines if m.device == device and _device_at(m.target) == device]
        line = same[-1] if same else None
    return [line.number if line else -1, device, figures]


def _uppermost(line: MountLine, lines: Sequence[MountLine]) -> bool:
    return [m for m in lines if m.target == line.target][-1].source == line.source


def _device_at(path: str) -> str:
    try:
        number = os.stat(path).st_dev
    except OSError:
        return ""
    return device_number(number)


def _of_path(path: str, lines: Sequence[MountLine], answer: Answer) -> Filesystem:
    if answer.error:
        raise Failed(f"df {path}", answer.why)
    number = answer.value[0] if answer.value else -1
    line = next((m for m in lines if m.number == number), None) or mount_of(os.path.abspath(path), lines)
    if line is None:
        raise Failed(f"df {path}", "no mount in /proc/self/mountinfo is the one it is on")
    if not answer.came:
        return _filesystem(line, line.device, answer, lines)
    _, device, figures = answer.value
    return _filesystem(line, device, Answer([device, figures]), lines)
