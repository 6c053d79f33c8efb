"""The command `opskit disk swap`."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.command import Runner
from opskit.core.errors import UsageFault
from opskit.core.finding import follow_up
from opskit.core.plan import Decision
from opskit.core.reach import check_answers
from opskit.core.units import GIB, parse_size, size_text
from opskit.disk.cli import Fstab, NoFstab
from opskit.disk.mount.request import NewIds
from opskit.disk.see.facts import FSTAB
from opskit.disk.swap.model import SwapFacts, SwapRequest
from opskit.disk.swap.plan import decide_device, decide_file, decide_off
from opskit.disk.swap.see import see_swap
from opskit.disk.verdict import with_silence
from opskit.options import changes, size_of
from opskit.session import Session

app = new_app("", single=True)
DEFAULT = "/swapfile"


@changes(app, "swap", facts=False, example="opskit disk swap 2G")
def swap(
    session: Session,
    what: Annotated[
        str,
        typer.Argument(metavar="[SIZE|DEVICE]", help="The size of a new swap file, or a device.", show_default=False),
    ] = "",
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The swap file.")] = DEFAULT,
    off: Annotated[bool, typer.Option("--off", help="Take the file (or device) out of use and out of fstab.")] = False,
    leave_free: Annotated[
        int,
        typer.Option(
            metavar="SIZE", parser=size_of("--leave-free"), help="What stays free beside a new file.", show_default="1G"
        ),
    ] = GIB,
    no_fstab: NoFstab = False,
    fstab: Fstab = FSTAB,
) -> None:
    """Give the host swap: a file of this size, or a blank device; made, in fstab, and in use.

    The file is root's alone from its first byte, and without holes, as each filesystem needs it (ext2 to ext4, xfs,
    btrfs). A device that is swap already is used as it is, one that holds anything else is refused. --off takes swap
    out of use and out of fstab, and is refused where memory would not hold what is in it, or where the host hibernates
    into it; the file is kept. Swappiness (sysctl vm.swappiness) is left as it is, and so is zram.
    """
    _check_words(what, file, off=off)
    if what.startswith("/"):  # a size could not be on a mount that does not answer
        check_answers([what])
    session.need_root(mounts=True)
    is_device = what.startswith("UUID=") or (what.startswith("/") and not off) or _is_device(what)
    if not what and not off:
        raise UsageFault("opskit disk swap", "it needs a size or a device", todo="such as 2G")
    if off and what and not what.startswith(("/", "UUID=")):
        raise UsageFault("--off", f"{what!r} is no file and no device", todo="name what /proc/swaps shows")
    path = _path(what) if is_device or (off and what) else _path(file)
    size = 0 if is_device or off else parse_size("SIZE", what)
    request = SwapRequest(path, size, leave_free, use_fstab=not no_fstab)

    def read(runner: Runner) -> SwapFacts:
        return see_swap(runner, path, device=is_device, fstab=fstab)

    def decide(facts: SwapFacts, run: str) -> Decision:
        if off:
            decision = decide_off(facts, request, run)
        else:
            choose = decide_device if is_device else decide_file
            decision = choose(facts, request, run, NewIds.of(run).filesystem)
        return with_silence(decision, facts.host)

    outcome = act(session, Chore(read, decide, root=True))
    place = outcome.plan.result["path"]
    if off:
        tell(session, outcome, f"out of use: {place}", f"{place} is not in use as swap")
    else:
        text = f"{size_text(outcome.plan.result['size'])} of swap in {place}"
        tell(session, outcome, f"in use: {text}", f"{text} is in use already")


def _check_words(what: str, file: str, *, off: bool) -> None:
    """Raise UsageFault where a word would count for nothing, or the two stand the wrong way round."""
    is_path = what.startswith(("/", "UUID="))
    if not is_path or file == DEFAULT:
        return
    if off:
        raise UsageFault("opskit disk swap --off", "it takes one file or device", todo="name what /proc/swaps shows")
    if what.startswith(("/dev/", "UUID=")):
        why = f"a device is used as a whole, and {file!r} would count for nothing"
        raise UsageFault("opskit disk swap", why, todo=follow_up("disk", "swap", what))
    todo = follow_up("disk", "swap", *(("2G", what) if file.startswith("/") else (file, what)))
    raise UsageFault("opskit disk swap", "the size comes before the file", todo=todo)


def _is_device(what: str) -> bool:
    return what.startswith("/dev/") and not os.path.isfile(what)


def _path(what: str) -> str:
    """A path as the kernel will name it; of a UUID the link that udev makes."""
    if what.startswith("UUID="):
        return f"/dev/disk/by-uuid/{what[len('UUID=') :]}"
    if not what.startswith("/"):
        raise UsageFault("FILE", f"{what!r} is not an absolute path", todo="such as /swapfile")
    return "/" + os.path.normpath(what).lstrip("/")
