"""Check fstab against the facts of the host: findings with what to type. Pure.

What each rule stands on: fstab(5), mount(8), systemd.mount(5), systemd-fstab-generator(8), swapon(8).
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator

from opskit.core.finding import Finding, follow_up, left_over
from opskit.core.text import MASK, masked
from opskit.disk.fstab.form import evidence_of, file_form, form, write_line
from opskit.disk.fstab.options import misspelt
from opskit.disk.fstab.sources import (
    by_uuid,
    crypttab_line,
    devices_of,
    exact_source,
    fits_type,
    is_system,
    missing,
    names_a_device,
    not_in_force,
    opened_by_hand,
    shared_uuid_is_normal,
    unstable,
    waits_at_boot,
    what_and_where,
)
from opskit.disk.fstab.text import (
    FstabEntry,
    entries,
    entry_line,
    lacks_newline,
    plain_target,
    split_lines,
)
from opskit.disk.model import SYSTEM_TARGETS, BlockDevice, HostFacts, Mount
from opskit.disk.naming import name_of_device
from opskit.disk.network.share import TYPES

# Mounts that nobody writes into fstab: images, media and memory.
NOT_FOR_FSTAB_KINDS = frozenset({"rom", "ram", "zram"})
NOT_FOR_FSTAB_TYPES = frozenset({"squashfs", "iso9660", "udf", "erofs"})
NOFAIL = "defaults,nofail"


def check(facts: HostFacts) -> tuple[Finding, ...]:
    """Every finding about facts.fstab, by line, then about the file, then about mounts without an entry."""
    all_entries = entries(facts.fstab.text)
    findings = list(file_form(facts))
    findings += [finding for entry in all_entries for finding in _entry(facts, entry)]
    findings += _duplicates(facts, all_entries)
    findings += _without_entry(facts, all_entries)
    if lacks_newline(facts.fstab.text):
        number = len(split_lines(facts.fstab.text))
        title = f"the last line ({number}) has no newline: a line added with >> would join it"
        remedy = f"echo >> {shlex.quote(facts.fstab.path)}"
        findings.append(Finding("no-last-newline", "info", title, f"{facts.fstab.path}:{number}", remedy))
    findings += [left_over(path) for path in facts.fstab.leftovers]
    return tuple(findings)


def _entry(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    yield from form(facts, entry)
    if entry.ignored:
        return
    yield from _password(facts, entry)
    devices = devices_of(facts, entry)
    yield from _source(facts, entry, devices)
    yield from _options(facts, entry, devices)
    yield from _target(facts, entry)
    yield from _in_use(facts, entry, devices)


def _password(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    """A password among the options of an SMB share: every user can read fstab."""
    options = entry.options
    if entry.fstype in {"cifs", "smb3"} and (masked(options) != options or f"={MASK}" in options):  # saved facts
        title = f"line {entry.number} holds the password of {entry.source}, and every user can read it"
        remedy = "write user and password into a file of root's with mode 0600, and credentials=FILE in their place"
        yield Finding("password-in-options", "warning", title, evidence_of(facts, entry), remedy)


def _source(facts: HostFacts, entry: FstabEntry, devices: tuple[BlockDevice, ...]) -> Iterator[Finding]:
    if not names_a_device(entry):
        return
    if not devices:
        if entry in missing(facts):
            yield _unknown(facts, entry)
        return
    evidence = evidence_of(facts, entry)
    if len(devices) > 1 and not any(shared_uuid_is_normal(d) for d in devices):
        names = " and ".join(d.path for d in devices)
        title = f"{entry.source} is on {names}: it is left to chance which of them is mounted"
        remedy = "detach the copy, or give it its own UUID (xfs_admin -U generate, tune2fs -U random)"
        if entry.source.startswith("LABEL="):
            remedy = "give one of them another label (e2label, xfs_admin -L), or name it by its UUID: blkid"
        yield Finding("ambiguous-source", "critical", title, evidence, remedy)
        return
    device = devices[0]
    exact = exact_source(entry.source, device)
    if exact != entry.source:
        title = f"{entry.source} is in other letters than {exact} of {device.path}: neither mount nor the boot finds it"
        yield Finding("uuid-case", "error", title, evidence, write_line(entry, source=exact))
    if unstable(entry.source):
        uuid = by_uuid(device)
        title = f"{entry.source} can be another disk after a reboot"
        unknown = f"blkid {shlex.quote(entry.source)} shows its UUID: write that instead"
        remedy = write_line(entry, source=uuid) if uuid else unknown
        yield Finding("device-name", "warning", title, evidence, remedy)
    yield from _nofail(facts, entry, device)
    yield from _crypttab(facts, entry, device)
    yield from _fstype(facts, entry, device)


def _unknown(facts: HostFacts, entry: FstabEntry) -> Finding:
    what = "swap area" if entry.is_swap else "device"
    title = f"{what_and_where(entry)}: there is no such {what} on this host"
    severity = "warning"
    remedy = f"attach it, or remove line {entry.number}"
    if waits_at_boot(facts, entry):
        severity = "error"
        title += "; without nofail the next boot stops in emergency mode"
    if waits_at_boot(facts, entry) and plain_target(entry.target) != "/":
        remedy += f"; to boot without it {write_line(entry, options=_with_nofail(entry))}"
    if facts.unseen and not facts.root:
        severity = "warning"
        title += " (without root this is not certain)"
        remedy = f"run this as root; if it says the same: {remedy}"
    return Finding("unknown-source", severity, title, evidence_of(facts, entry), remedy)


def _with_nofail(entry: FstabEntry) -> str:
    options = [o for o in entry.option_list if o not in {"fail", "nofail"}] or ["defaults"]
    return ",".join([*options, "nofail"])


def _nofail(facts: HostFacts, entry: FstabEntry, device: BlockDevice) -> Iterator[Finding]:
    if not waits_at_boot(facts, entry) or is_system(facts, device):
        return
    title = f"{entry.target} is on the data disk {device.path} without nofail: if the disk is absent, the boot stops"
    remedy = write_line(entry, options=_with_nofail(entry))
    yield Finding("missing-nofail", "warning", title, evidence_of(facts, entry), remedy)


def _crypttab(facts: HostFacts, entry: FstabEntry, device: BlockDevice) -> Iterator[Finding]:
    """The device lies on an encrypted volume that somebody opened by hand: at the next boot nothing opens it."""
    if "noauto" in entry.option_list:
        return
    severity = "error" if waits_at_boot(facts, entry) else "warning"
    for volume, luks in opened_by_hand(facts, device):
        what = entry.target if entry.has_target else entry.source
        title = f"{what} needs {name_of_device(volume)}, and {facts.crypttab.path} does not name it: nothing opens it"
        title += f" at boot; {'the boot stops without it' if severity == 'error' else 'it will be absent'}"
        remedy = f"add to {facts.crypttab.path}: {crypttab_line(volume, luks)}"
        yield Finding("not-in-crypttab", severity, title, evidence_of(facts, entry), remedy)


def _fstype(facts: HostFacts, entry: FstabEntry, device: BlockDevice) -> Iterator[Finding]:
    signature = device.signatures[0] if len(device.signatures) == 1 else None
    if signature is None or signature.usage not in {"filesystem", "other"} or entry.fstype == "none":
        return
    if fits_type(entry, signature.type):
        return
    title = f"line {entry.number} says {entry.fstype}, but {device.path} holds {signature.type}"
    remedy = f"write {signature.type} in place of {entry.fstype} in line {entry.number}"
    yield Finding("wrong-fstype", "error", title, evidence_of(facts, entry), remedy)


def _options(facts: HostFacts, entry: FstabEntry, devices: tuple[BlockDevice, ...]) -> Iterator[Finding]:
    """Options that are misspelt, and which the filesystem therefore refuses."""
    signatures = devices[0].signatures if devices else ()
    fstype = signatures[0].type if entry.fstype == "auto" and signatures else entry.fstype
    slips = misspelt(entry, fstype)
    if not slips:
        return
    words = " and ".join(f"{option} (for {meant}?)" for option, meant in slips)
    comes_of_it = "the boot stops" if waits_at_boot(facts, entry) else "it is not mounted"
    if plain_target(entry.target) == "/":
        comes_of_it = "/ stays as the boot mounted it first, often read-only"
    title = f"line {entry.number} has {words}: {fstype} refuses options that it does not know, and {comes_of_it}"
    right = dict(slips)
    options = ",".join(right.get(option, option) for option in entry.option_list)
    yield Finding("misspelt-option", "warning", title, evidence_of(facts, entry), write_line(entry, options=options))


def _target(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    if entry.is_swap:
        return
    evidence = evidence_of(facts, entry)
    if not entry.has_target:
        title = f"line {entry.number} has no mount point but {entry.target}: nothing mounts it, at boot or later"
        yield Finding(
            "relative-mount-point", "error", title, evidence, "write the directory to mount it on, such as /data"
        )
        return
    if not entry.target.startswith("/"):
        title = f"the mount point {entry.target} is relative"
        yield Finding("relative-mount-point", "error", title, evidence, f"write it from the root on: /{entry.target}")
        return
    fact = facts.path(entry.target)
    if fact is None:
        return
    if fact.unanswered and not _below_automount(facts, entry.target):
        title = f"the mount point {entry.target} could not be looked at: {fact.unanswered}"
        remedy = "see to its server; until it answers, every program that looks there waits"
        yield Finding("silent-mount", "warning", title, evidence, remedy)
    elif fact.kind == "absent" and not makes_mount_point(entry):
        title = f"the mount point {entry.target} does not exist"
        yield Finding("absent-mount-point", "warning", title, evidence, f"mkdir -p {shlex.quote(entry.target)}")
    elif fact.kind in {"file", "block", "character", "other"} and not {"bind", "rbind"} & set(entry.option_list):
        title = f"the mount point {entry.target} is not a directory"
        yield Finding("mount-point-not-directory", "error", title, evidence, f"ls -l {shlex.quote(entry.target)}")


def makes_mount_point(entry: FstabEntry) -> bool:
    """Whether mount makes the directory (mount(8), X-mount.mkdir, in older releases x-mount.mkdir)."""
    return any(option.partition("=")[0].lower() == "x-mount.mkdir" for option in entry.option_list)


def _below_automount(facts: HostFacts, target: str) -> bool:
    return any(m.fstype == "autofs" and f"{target}/".startswith(f"{m.target}/") for m in facts.mounts)


def _in_use(facts: HostFacts, entry: FstabEntry, devices: tuple[BlockDevice, ...]) -> Iterator[Finding]:
    """Whether the entry is in force now."""
    if "noauto" in entry.option_list:
        return
    evidence = evidence_of(facts, entry)
    if entry.is_swap:
        yield from _swap_file(facts, entry) if entry.is_swap_file else _swap_device(facts, entry, devices)
        return
    if not entry.target.startswith("/") or any(o.startswith("x-systemd.automount") for o in entry.option_list):
        return
    here = mounts_at(facts, entry.target)
    remedy = f"mount {shlex.quote(entry.target)}"
    if not here:
        if devices or not names_a_device(entry):  # an unknown source has its own finding
            title = f"nothing is mounted on {entry.target}"
            if entry.fstype in TYPES:  # mount would wait for a server that is gone; opskit asks it first
                remedy = follow_up("disk", "mount", entry.source, entry.target)
            yield Finding("not-mounted", "warning", title, evidence, remedy)
        return
    other = facts.device_of(here[-1])
    if other is not None and devices and other not in devices:
        title = f"{other.path} is mounted on {entry.target}, but line {entry.number} says {entry.source}"
        remount = f"umount {shlex.quote(entry.target)}; {remedy}"
        if plain_target(entry.target) in SYSTEM_TARGETS:
            remount = f"correct line {entry.number}: {write_line(entry, source=by_uuid(other) or other.path)}"
        yield Finding("other-device-mounted", "error", title, evidence, remount)
    elif other is not None and not {"bind", "rbind"} & set(entry.option_list):
        yield from _in_force(facts, entry, here[-1], other)


def _swap_device(facts: HostFacts, entry: FstabEntry, devices: tuple[BlockDevice, ...]) -> Iterator[Finding]:
    fits = any(fits_type(entry, s.type) for d in devices for s in d.signatures)  # else that is the finding
    if fits and not any(d.swap for d in devices):
        title, remedy = f"{entry.source} is not in use as swap", f"swapon {shlex.quote(devices[0].path)}"
        yield Finding("swap-not-active", "warning", title, evidence_of(facts, entry), remedy)


def _swap_file(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    """Whether the swap file of an entry is there and in use."""
    fact = facts.path(entry.source)
    if fact is None or fact.unanswered or {entry.source, fact.real} & facts.swap_files.keys():
        return
    evidence, name = evidence_of(facts, entry), shlex.quote(entry.source)
    if fact.kind in {"absent", "below-a-file"}:
        title = f"the swap file {entry.source} does not exist"
        remedy = f"{follow_up('disk', 'swap', 'SIZE', entry.source)} makes it; or remove line {entry.number}"
        yield Finding("absent-swap-file", "warning", title, evidence, remedy)
    elif fact.kind in {"file", "symlink"}:
        yield Finding("swap-not-active", "warning", f"{entry.source} is not in use as swap", evidence, f"swapon {name}")


def _in_force(facts: HostFacts, entry: FstabEntry, mount: Mount, device: BlockDevice) -> Iterator[Finding]:
    """Whether it is mounted with the options of the entry, as far as the kernel shows them."""
    absent = not_in_force(mount, entry.options)
    remount = f"mount -o remount {shlex.quote(entry.target)}"
    if absent:
        title = f"{entry.target} is mounted without {','.join(absent)}, which line {entry.number} has"
        yield Finding("mounted-otherwise", "warning", title, evidence_of(facts, entry), remount)
    elif mount.read_only and "ro" not in entry.option_list and not device.read_only and device.kind != "rom":
        title = f"{entry.target} is mounted read-only, and line {entry.number} does not say ro"
        remedy = f"dmesg may say why (an error of the filesystem); then {remount.replace('remount', 'remount,rw')}"
        yield Finding("mounted-otherwise", "warning", title, evidence_of(facts, entry), remedy)


def mounts_at(facts: HostFacts, target: str) -> tuple[Mount, ...]:
    """What is mounted on a mount point, also by way of a symlink; the last one covers the others."""
    fact = facts.path(target)
    names = {plain_target(target), fact.real if fact else target}
    return tuple(m for m in facts.mounts if m.target in names)


def _duplicates(facts: HostFacts, all_entries: tuple[FstabEntry, ...]) -> Iterator[Finding]:
    """The same mount point, or the same device, in more than one entry."""
    good = [e for e in all_entries if not e.ignored]
    targets = Counter(plain_target(e.target) for e in good if e.has_target)
    for target, count in targets.items():
        if count > 1:
            same = [e for e in good if e.has_target and plain_target(e.target) == target]
            numbers = ", ".join(str(e.number) for e in same)
            title = f"the mount point {target} is in lines {numbers}: systemd takes the first one only at boot, and"
            title += " `mount -a` mounts one over the other"
            remedy = f"remove all but one of the lines {numbers}"
            yield Finding("duplicate-mount-point", "error", title, evidence_of(facts, same[-1]), remedy)
    by_device: dict[str, list[FstabEntry]] = {}
    for entry in good:
        devices = devices_of(facts, entry) if names_a_device(entry) else ()
        if devices and not any(shared_uuid_is_normal(d) for d in devices):
            by_device.setdefault(devices[0].path, []).append(entry)
    for path, same in by_device.items():
        if len(same) > 1:
            numbers = ", ".join(str(e.number) for e in same)
            title = f"{path} is in lines {numbers}"
            remedy = f"remove all but one of the lines {numbers}; for a second place use a bind mount"
            yield Finding("duplicate-source", "warning", title, evidence_of(facts, same[-1]), remedy)


def _without_entry(facts: HostFacts, all_entries: tuple[FstabEntry, ...]) -> Iterator[Finding]:
    """Block devices that are mounted and will not be after a reboot."""
    named = {d.name for entry in all_entries for d in devices_of(facts, entry)}
    targets = {plain_target(e.target) for e in all_entries}
    for device in facts.devices:
        here = [m for m in facts.mounts if m.device == device.number]
        if not here or device.name in named or device.kind in NOT_FOR_FSTAB_KINDS:
            continue
        mount = here[0]
        if mount.fstype in NOT_FOR_FSTAB_TYPES or any(m.target in targets for m in here):
            continue
        system = is_system(facts, device)  # the kernel or a generator may mount that without an entry
        severity, options, after = (
            ("info", "defaults", "") if system else ("warning", NOFAIL, ": a reboot will not mount it again")
        )
        line = entry_line(by_uuid(device) or device.path, mount.target, mount.fstype, options)
        title = f"{device.path} is mounted on {mount.target} and has no fstab entry{after}"
        evidence = f"{mount.source} on {mount.target}"
        yield Finding("mount-without-entry", severity, title, evidence, f"add the line: {line}")
