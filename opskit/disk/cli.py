"""The commands of `opskit disk`. Each sees, decides and acts through opskit/act.py; the words are here."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Callable, Optional

import typer

from opskit.areas import Entry
from opskit.commands import LazyGroup, new_app
from opskit.core.command import Runner
from opskit.core.errors import ExitCode, Refused, UsageFault
from opskit.core.jsonable import to_json
from opskit.core.reach import check_answers
from opskit.core.units import size_text
from opskit.disk.fstab.text import to_save
from opskit.disk.grow.request import volume_size
from opskit.disk.model import HostFacts, Mount, is_share, is_tag
from opskit.disk.see.facts import FSTAB, load, see
from opskit.disk.see.mounts import mounted_at
from opskit.disk.show import draw_device, draw_list, list_json, show_json
from opskit.options import changes, offered, reads
from opskit.session import Session

if TYPE_CHECKING:
    from opskit.core.plan import Decision, Outcome


class DiskGroup(LazyGroup):
    """The commands here, and those of fstab and swap."""

    entries = {  # noqa: RUF012
        "fstab": Entry("opskit.disk.fstab.cli", "Look after fstab: check, show, backup, restore."),
        "swap": Entry("opskit.disk.swap.cli", "Give the host swap: a file or a device; --off.", single=True),
    }


app = new_app(
    "Example: opskit disk mount /dev/vdb /data --dry-run\n\nPut data disks into service, safely.", group=DiskGroup
)

Device = Annotated[
    str, typer.Argument(metavar="DEVICE", help="Such as /dev/vdb, or UUID=…, LABEL=…", show_default=False)
]
DeviceOrShare = Annotated[
    str,
    typer.Argument(
        metavar="DEVICE",
        help="Such as /dev/vdb, or UUID=…, LABEL=…; or a share: HOST:/EXPORT, //HOST/SHARE.",
        show_default=False,
    ),
]
DeviceOrMountPoint = Annotated[
    str, typer.Argument(metavar="DEVICE|MOUNTPOINT", help="Where it is.", show_default=False)
]
# The options of mount that a share has not.
FOR_DISKS = ("--label", "--table", "--whole-disk", "--wipe", "--reserved", "--no-discard", "--lazy-init")
Fstab = Annotated[str, typer.Option("--fstab", metavar="FILE", help="Another file than /etc/fstab.")]
NoFstab = Annotated[bool, typer.Option("--no-fstab", help="Leave fstab alone.")]


@reads(app, "list", example="opskit disk list")
def list_(
    session: Session,
    every: Annotated[bool, typer.Option("--all", help="Loop devices, RAM disks and floppies as well.")] = False,
    fstab: Fstab = FSTAB,
) -> None:
    """List the block devices, with a verdict: system, in use, has data, or ready (blank)."""
    facts = see(session.runner, fstab=fstab, blank=True, groups=True)
    session.screen.answer(list_json(facts), lambda: draw_list(session.screen, facts, every=every))


@reads(app, "show", example="opskit disk show /dev/vdb")
def show(session: Session, device: Device, fstab: Fstab = FSTAB) -> None:
    """Show everything about one block device."""
    facts = see(session.runner, fstab=fstab, devices=[device], state_dir=session.state_dir, groups=True)
    device_json = show_json(facts, device)
    session.screen.answer(device_json, lambda: draw_device(session.screen, device_json))


@reads(app, "facts", example="opskit disk facts > host.json")
def facts_(
    session: Session,
    mount_points: Annotated[
        Optional[list[str]], typer.Argument(metavar="[MOUNTPOINT]...", help="Mount points to look at as well as /mnt.")
    ] = None,
    fstab: Fstab = FSTAB,
) -> None:
    """Save what decisions need, for a dry run anywhere: opskit disk mount … --facts host.json."""
    paths = ["/mnt", *(mount_points or ())]
    facts = to_save(see(session.runner, fstab=fstab, state_dir=session.state_dir, deep=True, paths=paths))
    session.screen.answer(facts, lambda: session.screen.line(json.dumps(to_json(facts), indent=1)))


@changes(app, "mount", example="opskit disk mount /dev/vdb /data")
def mount(
    session: Session,
    device: DeviceOrShare,
    mount_point: Annotated[str, typer.Argument(metavar="[MOUNTPOINT]", help="Where to mount it.")] = "/mnt",
    fstype: Annotated[
        str,
        typer.Option(
            metavar="TYPE",
            parser=offered("--fstype", "ext4", "ext3", "xfs", "nfs4", "nfs", "cifs"),
            help="ext4, ext3 or xfs; of a share nfs4, nfs or cifs.  [default: ext4, or what the server has]",
        ),
    ] = "",
    label: Annotated[str, typer.Option(metavar="LABEL", help="A label for the new filesystem.")] = "",
    table: Annotated[
        str,
        typer.Option(
            metavar="TABLE",
            parser=offered("--table", "gpt", "dos"),
            help="The partition table: gpt or dos; always gpt over 2 TiB.",
        ),
    ] = "gpt",
    whole_disk: Annotated[
        bool, typer.Option("--whole-disk", help="No partition: the filesystem on the disk itself.")
    ] = False,
    mount_options: Annotated[str, typer.Option(metavar="OPTIONS", help="Mount options, such as noatime,nodev.")] = "",
    no_fstab: NoFstab = False,
    reserved: Annotated[
        Optional[int], typer.Option(metavar="PERCENT", help="Blocks kept for root (ext3, ext4).")
    ] = None,
    no_discard: Annotated[
        bool, typer.Option("--no-discard", help="Do not discard the blocks of a new filesystem.")
    ] = False,
    lazy_init: Annotated[Optional[bool], typer.Option(help="Whether ext3 and ext4 write their tables later.")] = None,
    wipe: Annotated[str, typer.Option(metavar="DEVICE", help="Destroy what is on it: repeat the device's name.")] = "",
    user: Annotated[str, typer.Option(metavar="NAME", help="Who mounts an SMB share.")] = "",
    domain: Annotated[str, typer.Option(metavar="NAME", help="The domain of that user.")] = "",
    password_file: Annotated[
        str, typer.Option(metavar="FILE", help="Holds his password; without it you are asked.")
    ] = "",
    fstab: Fstab = FSTAB,
) -> None:
    """Put a disk, or a share of the network, into service: filesystem, fstab entry, mount; checked.

    A disk that already holds a filesystem is mounted as it is. A disk with other data is refused, unless --wipe
    names it; no option gets past a system disk, one in use, or a member of LVM, RAID or multipath.

    Of a share (HOST:/EXPORT of NFS, //HOST/SHARE of SMB) the server is asked first, with a time limit. The password of
    an SMB share goes into a file of root's alone below /etc/smbcredentials, which the entry in fstab names.
    """
    from opskit.act import tell  # noqa: PLC0415
    from opskit.disk.mount.plan import decide_mount  # noqa: PLC0415
    from opskit.disk.mount.request import MountRequest, NewIds  # noqa: PLC0415

    target, login = _plain(mount_point), {"user": user, "domain": domain, "password_file": password_file}
    if is_share(device):
        given = (label, table != "gpt", whole_disk, wipe, reserved is not None, no_discard, lazy_init is not None)
        others = tuple(name for name, value in zip(FOR_DISKS, given) if value)
        asked = {"fstype": fstype, "mount_options": mount_options, **login}
        _mount_share(session, device, target, fstab, others, asked, use_fstab=not no_fstab)
        return
    _refuse_for_disks(device, login)
    request = MountRequest(
        device=device,
        target=target,
        fstype=fstype,
        label=label,
        table=table,
        whole_disk=whole_disk,
        mount_options=mount_options,
        use_fstab=not no_fstab,
        reserved=reserved,
        discard=not no_discard,
        lazy_init=lazy_init,
        wipe=wipe,
    )

    def read(runner: Runner) -> HostFacts:
        return see(runner, fstab=fstab, state_dir=session.state_dir, devices=[device], paths=[target], claim=True)

    outcome = _act(session, read, lambda facts, run: decide_mount(facts, request, NewIds.of(run)))
    if outcome.run:  # only now the kernel has given the partition its name
        outcome = _with_device(outcome, mounted_at(request.target))
    result = outcome.plan.result
    where = f"{result['device']} ({result['fstype']}, UUID {result['uuid']}) on {result['mount_point']}"
    tell(session, outcome, f"in service: {where}", f"{where} is in service already")


def _with_device(outcome: Outcome, mounted: Optional[Mount]) -> Outcome:
    device = mounted.source if mounted else ""
    return replace(outcome, plan=replace(outcome.plan, result={**outcome.plan.result, "device": device}))


def _mount_share(
    session: Session,
    name: str,
    target: str,
    fstab: str,
    others: tuple[str, ...],
    asked: dict[str, str],
    *,
    use_fstab: bool,
) -> None:
    """Mount a share. others: the names of options that are for disks alone; asked: fields of ShareRequest."""
    from opskit.disk.network.cli import mount_share  # noqa: PLC0415 - a disk does without
    from opskit.disk.network.request import ShareRequest  # noqa: PLC0415
    from opskit.disk.network.share import name_reasons, parse  # noqa: PLC0415

    share = parse(name)
    if share is None:
        raise Refused(f"put {name} into service", list(name_reasons(name)), exit_code=ExitCode.USAGE)
    mount_share(session, ShareRequest(share, target, use_fstab=use_fstab, others=others, **asked), fstab)


def _refuse_for_disks(device: str, login: dict[str, str]) -> None:
    """Raise UsageFault for options that are for SMB shares alone."""
    for name in (name for name, value in login.items() if value):
        option = f"--{name.replace('_', '-')}"
        raise UsageFault(option, f"this is for a share, and {device} is none", todo="//HOST/SHARE names one")


@changes(app, "umount", example="opskit disk umount /data")
def umount(session: Session, what: DeviceOrMountPoint, no_fstab: NoFstab = False, fstab: Fstab = FSTAB) -> None:
    """Take a disk or a share out of service: unmount it, take its entry out of fstab, leave the data."""
    from opskit.act import tell  # noqa: PLC0415
    from opskit.disk.mount.umount_plan import UmountRequest, decide_umount  # noqa: PLC0415
    from opskit.disk.network.umount_plan import decide_umount_share, share_in_service  # noqa: PLC0415

    request = UmountRequest(_absolute(what), use_fstab=not no_fstab)

    def read(runner: Runner) -> HostFacts:
        return see(runner, fstab=fstab, users=_place_of(request.what))

    def decide(facts: HostFacts, run: str) -> Decision:
        share = share_in_service(facts, request.what)
        return decide_umount_share(facts, request, share, run) if share else decide_umount(facts, request, run)

    outcome = _act(session, read, decide)
    tell(session, outcome, f"out of service: {what}; the data is as it was", f"{what} is not in service")


@changes(app, "grow", example="opskit disk grow /data")
def grow(
    session: Session,
    what: DeviceOrMountPoint,
    size: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            parser=volume_size,
            help="Of a logical volume: 50G, +20G, or 100% for all free extents.  [default: what its disks gained]",
        ),
    ] = "",
    add: Annotated[str, typer.Option(metavar="DEVICE", help="A blank disk to take into the volume group first.")] = "",
    fstab: Fstab = FSTAB,
) -> None:
    """Grow partition and filesystem to the end of a disk that was made larger, while it is mounted.

    Of a logical volume: the partition, the physical volume, the volume and the filesystem.
    """
    from opskit.act import tell  # noqa: PLC0415
    from opskit.disk.grow.plan import decide_grow  # noqa: PLC0415
    from opskit.disk.grow.request import GrowRequest  # noqa: PLC0415
    from opskit.disk.grow.steps import GrowFilesystem  # noqa: PLC0415

    what = _absolute(what)
    request = GrowRequest(what, size, _absolute(add) if add else "")

    def read(runner: Runner) -> HostFacts:
        devices = [_device_of(what), *filter(None, [request.add])]
        return see(runner, fstab=fstab, state_dir=session.state_dir, devices=devices, groups=True, claim=True)

    outcome = _act(session, read, lambda facts, _run: decide_grow(facts, request))
    after = next((step.after for step in outcome.plan.steps if isinstance(step, GrowFilesystem)), 0)
    to_size = f" to {size_text(after)}" if after else ""
    group = outcome.plan.result.get("volume_group")
    limited = any(note.id == "dos-limit" for note in outcome.plan.notes)
    fills = "all that its dos table can use" if limited else "its disk already"
    nothing = f"{what} has what its disks have" if group else f"{what} fills {fills}"
    tell(session, outcome, f"grown: {what}{to_size}", nothing)


def _plain(path: str) -> str:
    """A path without what makes no difference (doubled and last slashes)."""
    if not path.startswith("/") or ".." in path.split("/"):
        return path
    return "/" + os.path.normpath(path).lstrip("/")  # normpath keeps two slashes at the beginning


def _absolute(what: str) -> str:
    """The path of a device or a mount point from the root on.

    What the device has (UUID=…) stays as it is.

    To the kernel `..` is what is above the directory that a symlink leads to; taken off by name it would be another.
    """
    if is_tag(what) or is_share(what):
        return what
    return os.path.realpath(what) if ".." in what.split("/") else os.path.abspath(what)


def _place_of(what: str) -> str:
    """Where a share is mounted, or a mount point or device itself. Raises Failed where its server does not answer."""
    from opskit.disk.network.share import parse  # noqa: PLC0415

    share = parse(what) if is_share(what) else None
    if share is None:
        return what
    from opskit.disk.network.cli import target_of  # noqa: PLC0415

    target = target_of(share)
    check_answers([target] if target else [])
    return target


def _device_of(what: str) -> str:
    """The device to look at closely: the one named, or the one mounted there."""
    mounted = None if is_tag(what) else mounted_at(os.path.realpath(what))
    return mounted.source if mounted and mounted.source.startswith("/dev/") else what


def _act(
    session: Session, read: Callable[[Runner], HostFacts], decide: Callable[[HostFacts, str], Decision]
) -> Outcome:
    """Act on this host; or, with --facts, decide on saved facts."""
    from opskit.act import Chore, act  # noqa: PLC0415 - list and show do without
    from opskit.disk.verdict import with_silence  # noqa: PLC0415

    if not session.facts:
        session.need_root(mounts=True)  # also to see: without it nobody can tell a blank disk
    chore = Chore(read, lambda facts, run: with_silence(decide(facts, run), facts), load=load, root=True)
    return act(session, chore)
