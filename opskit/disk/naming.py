"""What a device is called for a person, and what its next step is: RAID, encryption and LVM as what they are. Pure."""

from __future__ import annotations

import shlex

from opskit.core.finding import follow_up
from opskit.disk.lvm.model import MEMBER
from opskit.disk.model import BlockDevice, HostFacts

_MAPPER = "/dev/mapper/"


def is_lvm(device: BlockDevice) -> bool:
    """Whether the device mapper has this device of LVM."""
    return device.kind == "dm" and device.holder_of.startswith("LVM ")


def name_of_device(device: BlockDevice) -> str:
    """The name of a device that lasts: of the device mapper's the one that was given, where /dev/dm-0 is a number."""
    named = (link for link in device.links if link.startswith(_MAPPER)) if device.kind == "dm" else ()
    return next(iter(named), device.path)


def name_in_list(facts: HostFacts, device: BlockDevice) -> str:
    """The name of a device for a list: a logical volume's own."""
    inside = facts.volume_of(device)
    return (inside[1].path if inside else "") or name_of_device(device)


def is_inner(facts: HostFacts, device: BlockDevice) -> bool:
    """Whether the device is a part of a logical volume (of a mirror, a thin pool, a snapshot) that nobody names."""
    return bool(facts.volume_groups) and is_lvm(device) and facts.volume_of(device) is None


def member_text(facts: HostFacts, device: BlockDevice, kind: str) -> str:
    """What a device that is part of something larger is, and the next step where it is not in use.

    kind: libblkid's name of its signature.
    """
    name = shlex.quote(name_of_device(device))
    if kind == "crypto_LUKS":
        return f"a LUKS encrypted volume that is not opened: cryptsetup open {name} NAME"
    if kind == "linux_raid_member":
        return "a member of a RAID array that is not assembled: mdadm --assemble --scan"
    inside = facts.physical_on(device)
    if kind != MEMBER or not facts.volume_groups:
        return kind
    if inside is None:
        return "an LVM physical volume that LVM does not report: lvmdevices"
    group = inside[0]
    if not group.name:
        return "an LVM physical volume in no volume group: vgextend"
    return f"an LVM physical volume of {group.name}, on which no volume is active"


def grows_with(facts: HostFacts, device: BlockDevice) -> str:
    """The line that makes what is on this device, or is this device, larger; what opskit grows comes with it."""
    name = name_of_device(device)
    kinds = {signature.type for signature in device.signatures}
    holder = next((each for each in map(facts.device, device.holders) if each), None)
    if MEMBER in kinds:
        inside = facts.physical_on(device)
        paths = [volume.path for volume in inside[0].volumes] if inside else []
        names = " or ".join(follow_up("disk", "grow", path) for path in paths[:3])
        return names or f"pvresize {shlex.quote(name)}; then grow the logical volume"
    if "crypto_LUKS" in kinds:
        opened = name_of_device(holder) if holder else ""
        if not opened:
            return f"cryptsetup open {shlex.quote(name)} NAME; then cryptsetup resize NAME"
        return f"cryptsetup resize {shlex.quote(opened)}; then {follow_up('disk', 'grow', opened)}"
    if "linux_raid_member" in kinds:
        array = holder.path if holder else "/dev/mdN"
        return f"mdadm --grow {array} --size=max, once each member is larger; then {follow_up('disk', 'grow', array)}"
    if device.kind == "md":
        return f"mdadm --grow {device.path} --size=max, once each member is larger; then the same command again"
    if device.holder_of.startswith("encrypted"):
        return f"cryptsetup resize {shlex.quote(name)}, once what is below it is larger; then the same command again"
    if device.holder_of.startswith("multipath"):
        return f"multipathd resize map {shlex.quote(name.removeprefix(_MAPPER))}; then the same command again"
    return "grow it with its own tools; then the same command again"
