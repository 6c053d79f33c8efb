"""Decide what `opskit disk swap` does: a new swap file, a device as swap, or swap taken out of use. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.finding import Finding, follow_up
from opskit.core.plan import Decision, Plan, Reason, Refusal, Step
from opskit.core.units import MIB, size_text
from opskit.disk import guard
from opskit.disk.fstab.plan import add_entry_steps, back_at_boot, fstab_reasons, gone_after_reboot, remove_entry_steps
from opskit.disk.fstab.text import FstabEntry, entries, entry_line
from opskit.disk.model import ZERO, BlockDevice, SwapArea, named_by
from opskit.disk.script_checks import blank_checks, disk_checks, filesystem_checks, partition_checks
from opskit.disk.swap.model import DRAFT_MARK, SwapFacts, SwapFile, SwapRequest
from opskit.disk.swap.steps import FALLOCATE, ZEROS, MakeSwapDevice, MakeSwapFile, SwapOff, SwapOn

# A swap area has at least ten pages (mkswap(8)).
LEAST = MIB
# Whether what fallocate sets aside is good for swap, from which kernel on (swapon(8); for xfs Linux 4.18); None: never.
_FALLOCATE: dict[str, Optional[tuple[int, int]]] = {
    "ext4": (0, 0),
    "xfs": (4, 18),
    "btrfs": None,
    "ext3": None,
    "ext2": None,
}
# Linux 5.0 brought swap files to btrfs.
_BTRFS = (5, 0)


def decide_file(facts: SwapFacts, request: SwapRequest, run: str, uuid: str) -> Decision:
    """The plan for a swap file of this size, an empty one when it is in use, or every reason against it.

    run: names the draft, and the backup of fstab
    uuid: of a new swap area
    """
    path, size = request.path, request.size
    title = f"{size_text(size)} of swap in {path}"
    area, file = facts.area(path), facts.file or SwapFile(path)
    reasons = list(_size_reasons(request)) or list(_file_reasons(facts, request, area, file))
    listed = _entries(facts, path)
    if request.use_fstab and not listed:
        reasons += fstab_reasons(facts.host)
    if reasons:
        return Refusal(title, tuple(reasons))
    steps: list[Step] = []
    if not file.exists:
        known = _FALLOCATE[file.fstype]
        method = FALLOCATE if known is not None and facts.kernel >= known else ZEROS
        draft = f"{path}{DRAFT_MARK}{run}"
        steps.append(MakeSwapFile(path, size, method, draft, file.fstype == "btrfs", facts.selinux, uuid))
    if request.use_fstab and not listed:
        steps += add_entry_steps(facts.host, entry_line(path, "none", "swap", "defaults"), run)
    if area is None:
        steps.append(SwapOn(path, size))
    result = {"path": path, "size": size, "uuid": file.uuid or uuid, "entry": bool(listed) or request.use_fstab}
    notes = (*_hints(facts), *(_draft_left(path) for path in file.drafts), *_lasts(facts, path, bool(result["entry"])))
    return Plan(title, tuple(steps), (path, f"{size} bytes", file.mount_point), notes=notes, result=result)


def _lasts(facts: SwapFacts, path: str, entry: bool) -> tuple[Finding, ...]:
    return () if entry else (gone_after_reboot(facts.host.fstab, f"the swap {path}"),)


def _draft_left(path: str) -> Finding:
    run = path.rpartition(DRAFT_MARK)[2]
    title = f"{path} is what a run has left that was killed as it made a swap file"
    return Finding("swap-draft-left", "warning", title, remedy=follow_up("undo", run))


def _size_reasons(request: SwapRequest) -> Iterator[Reason]:
    if request.size < LEAST or request.size % MIB:
        least = f"at least {size_text(LEAST)}, in whole MiB"
        title = f"{request.size} bytes is no size of a swap file"
        yield Reason("swap-size", title, least, exit_code=ExitCode.USAGE)


def _file_reasons(facts: SwapFacts, request: SwapRequest, area: Optional[SwapArea], file: SwapFile) -> Iterator[Reason]:
    path = shlex.quote(file.path)
    off = f"{follow_up('disk', 'swap', '--off', file.path)} && rm {path}"  # not of swap in use
    fact = facts.host.path(file.path)
    if fact and fact.kind == "block":
        title = f"{file.path} is a device, which is swap as a whole: SIZE is for a file"
        yield Reason("file-exists", title, follow_up("disk", "swap", file.path), exit_code=ExitCode.USAGE)
        return
    if file.exists and file.size != request.size and (area or file.usable):
        title = f"{file.path} has {size_text(file.size)}, not {size_text(request.size)}"
        yield Reason("swap-of-another-size", title, f"name another file, or make it anew: {off}")
    elif file.exists and not (area or file.usable):
        title = f"{file.path} is there already, and is no swap file of root's alone without holes"
        yield Reason("file-exists", title, f"name another file; ls -ls {path} shows this one")
    elif facts.unusable and not area:
        yield _unusable(facts, file.path, f"name another file, or make it anew: {off}")
    if not area or (request.use_fstab and not _entries(facts, file.path)):
        yield from _path_reasons(facts, file)
    if not (area or file.exists):
        yield from _place_reasons(facts, request, file)


def _unusable(facts: SwapFacts, path: str, remedy: str) -> Reason:
    return Reason("swap-unusable", f"the kernel would not take the swap area in {path}: {facts.unusable}", remedy)


def _path_reasons(facts: SwapFacts, file: SwapFile) -> Iterator[Reason]:
    """What lets the path lead to another file one day: fstab would have that used at boot."""
    fact = facts.host.path(file.path)
    if fact and fact.symlink_in:
        title = f"{file.path} goes through the symlink {fact.symlink_in}"
        yield Reason("symlink-in-path", title, f"name the real path: {fact.real}")
    elif not file.directory:
        title = f"the directory of {file.path} is not there, or does not answer"
        yield Reason("no-such-directory", title, "name a file in a directory that exists", exit_code=ExitCode.USAGE)
    if fact and fact.weak:
        title = f"others can put another file in the place of {file.path}: {fact.weak}"
        yield Reason("replaceable", title, "name a file in a directory that only root can write to, such as /swapfile")


def _place_reasons(facts: SwapFacts, request: SwapRequest, file: SwapFile) -> Iterator[Reason]:
    """What forbids a new file at this place."""
    if not file.directory:
        return
    if file.fstype not in _FALLOCATE or (file.fstype == "btrfs" and facts.kernel < _BTRFS):
        title = f"{file.path} is on {file.fstype or 'an unknown filesystem'}, which takes no swap file here"
        yield Reason("no-swap-there", title, f"name a file on one of {', '.join(_FALLOCATE)}")
    elif file.profiles and "single" not in file.profiles:
        kept = ", ".join(file.profiles)
        title = f"{file.path} is on a btrfs that keeps its data as {kept}: the kernel takes a swap file on single only"
        yield Reason("no-swap-there", title, "name a file on another filesystem, or a device")
    if file.read_only:
        yield Reason("read-only", f"{file.mount_point} is mounted read-only", "name a file on another filesystem")
    elif file.unmakable:
        title = f"{file.path} cannot be made: {file.unmakable}"
        yield Reason("no-room-for-swap", title, f"df -i {shlex.quote(file.mount_point)}; or name another filesystem")
    elif request.size + request.leave_free > file.room:
        room, size, least = size_text(file.room), size_text(request.size), size_text(request.leave_free)
        title = f"{room} are free on {file.mount_point}: {size} of swap would leave less than {least}"
        remedy = f"a smaller size, or another filesystem; {follow_up('du', file.mount_point)} shows what fills it"
        if file.drafts:
            remedy = f"{_draft_left(file.drafts[0]).remedy} removes {file.drafts[0]}, which a killed run has left"
        yield Reason("no-room-for-swap", title, remedy)
    for tool in ("mkswap", "swapon", *(("chattr",) if file.fstype == "btrfs" else ())):
        yield from guard.missing_tool(facts.host, tool)


def decide_device(facts: SwapFacts, request: SwapRequest, run: str, uuid: str) -> Decision:
    """The plan for a device: one that is swap already is used as it is, a blank one gets a swap area."""
    host = facts.host
    title = f"use {request.path} as swap"
    reasons = list(guard.not_a_device(host, request.path))
    device = host.named(request.path)
    if reasons or device is None:
        fact = host.path(request.path)
        absent = fact is not None and fact.kind == "absent" and guard.is_no_place(host, request.path)
        if absent or (fact and fact.kind == "file" and not request.path.startswith("/dev/")):
            remedy = f"a file is named behind its size: {follow_up('disk', 'swap', '2G', request.path)}"
            reasons = [Reason(each.id, each.title, remedy, exit_code=each.exit_code) for each in reasons]
        return Refusal(title, tuple(reasons))
    area = facts.area(device.path)
    there = next((s for s in device.signatures if s.type == "swap"), None) if not device.ambivalent else None
    reasons = [] if area else list(_device_reasons(facts, device, is_swap=there is not None))
    listed = _entries(facts, device.path, device)
    if request.use_fstab and not listed:
        reasons += fstab_reasons(host)
    if reasons:
        return Refusal(title, tuple(reasons))
    name = there.uuid if there else uuid
    steps: list[Step] = [] if there or area else [MakeSwapDevice(device.path, uuid)]
    if request.use_fstab and not listed:
        steps += add_entry_steps(host, entry_line(f"UUID={name}", "none", "swap", "defaults"), run)
    if area is None:
        steps.append(SwapOn(device.path, device.size))
    checks = (*disk_checks(host.disk_of(device)), *partition_checks(host, device))
    path = shlex.quote(device.path)
    checks += filesystem_checks(path, device) if there else blank_checks(path, device)
    basis = (*host.disk_of(device).basis, *device.contents_basis)
    result = {"path": device.path, "size": device.size, "uuid": name, "entry": bool(listed) or request.use_fstab}
    hold = "" if there or area else device.path
    notes = (*_hints(facts), *_lasts(facts, device.path, bool(result["entry"])))
    return Plan(title, tuple(steps), basis, hold, checks, notes=notes, result=result)


def _device_reasons(facts: SwapFacts, device: BlockDevice, *, is_swap: bool) -> Iterator[Reason]:
    """The guards of a mount; and only what is blank, or swap, becomes swap."""
    host = facts.host
    yield from guard.size_and_mode(device, read_only_is_fine=False)
    system = tuple(guard.system(host, device))
    yield from system
    if system:
        return
    yield from guard.in_use(host, device)
    yield from guard.members(host, device)
    yield from guard.unknown_signatures(host, device)
    for tool in ("mkswap", "swapon"):
        yield from guard.missing_tool(host, tool)
    if is_swap:
        if facts.unusable:
            path = shlex.quote(device.path)
            yield _unusable(facts, device.path, f"mkswap {path} makes it anew; then run the same command again")
        return
    if device.kind not in {*guard.FORMATTABLE, "partition"}:
        title = f"{device.path} is of kind {device.kind}, not a raw disk or a partition"
        yield Reason("not-a-disk", title, f"mkswap {device.path} by hand, and run this again")
        return
    yield from guard.named_in_tables(host, device)
    yield from guard.unread(host, device)
    blank = device.contents == ZERO and not (device.signatures or device.ambivalent or device.table)
    if not blank or host.partitions(device) or device.table_backup_only:
        title = f"{device.path} is not blank: it holds {_contents(device)}"
        remedy = f"{follow_up('disk', 'show', device.path)}; wipefs {device.path} erases it by hand, if nobody needs it"
        yield Reason("has-data", title, remedy)


def _contents(device: BlockDevice) -> str:
    kinds = [s.type for s in device.signatures] + ([f"a {device.table} table"] if device.table else [])
    return " and ".join(kinds) or "data"


def decide_off(facts: SwapFacts, request: SwapRequest, run: str) -> Decision:
    """The plan that takes swap out of use and out of fstab, an empty one where it is in neither, or why not."""
    device = facts.host.named(request.path) if facts.file is None else None
    path = device.path if device else request.path
    title = f"take the swap {request.path} out of use"
    area = facts.area(path)
    listed = tuple(
        e
        for e in entries(facts.host.fstab.text)
        if e.is_swap and (named_by(e.source, device) if device else e.source == path)
    )
    reasons = list(_off_reasons(facts, area, device)) if area else []
    is_swap = device is not None or (facts.file is not None and bool(facts.file.uuid))
    if not (area or listed or is_swap):
        why, remedy = f"{request.path}: there is no such swap", "cat /proc/swaps shows what is in use"
        reasons.append(Reason("no-such-swap", why, remedy, exit_code=ExitCode.USAGE))
    if listed and request.use_fstab:
        reasons += fstab_reasons(facts.host)
    if reasons:
        return Refusal(title, tuple(reasons))
    steps: list[Step] = [SwapOff(path, area.size)] if area else []
    if listed and request.use_fstab:
        steps += remove_entry_steps(facts.host, listed, run)
    notes = () if request.use_fstab else back_at_boot(facts.host.fstab, listed)
    if facts.file and facts.file.uuid:  # never of what is no swap: the remedy is a line to paste
        text = f"{path} is kept, with {size_text(facts.file.size)}"
        notes = (*notes, Finding("swap-file-kept", "info", text, remedy=f"rm {shlex.quote(path)}"))
    return Plan(title, tuple(steps), (path,), notes=notes, result={"path": path})


def _off_reasons(facts: SwapFacts, area: SwapArea, device: Optional[BlockDevice]) -> Iterator[Reason]:
    if area.is_zram:
        yield Reason(
            "zram", f"{area.path} is compressed memory, and its own service's", "systemctl list-units '*zram*'"
        )
    named = [word.partition("=")[2] for word in facts.resume if word.startswith("resume=")]
    by_file = any(word.startswith("resume_offset=") for word in facts.resume)
    if any(named_by(name, device) for name in named) if device else (named and by_file):
        title = f"the kernel's command line has {' '.join(facts.resume)}: the host hibernates into this swap"
        yield Reason("resume", title, "take resume= out of the boot loader's configuration first")
    if area.used > facts.available:
        title = f"{size_text(area.used)} are in {area.path}, and {size_text(facts.available)} of memory are available"
        remedy = "stop what needs the memory first (free -h; ps aux --sort -rss), or add other swap"
        yield Reason("swap-in-need", title, remedy, exit_code=ExitCode.BUSY)


def _entries(facts: SwapFacts, path: str, device: Optional[BlockDevice] = None) -> tuple[FstabEntry, ...]:
    """The entries of this swap file, or of a device by any of its names."""
    swaps = (entry for entry in entries(facts.host.fstab.text) if entry.is_swap)
    return tuple(e for e in swaps if (named_by(e.source, device) if device else e.source == path))


def _hints(facts: SwapFacts) -> tuple[Finding, ...]:
    """Swap that lies in memory already."""
    zram = [area.path for area in facts.areas if area.is_zram]
    return (Finding("zram", "info", f"{', '.join(zram)} is in use, too, and is left alone"),) if zram else ()
