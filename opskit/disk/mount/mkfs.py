"""mkfs for each filesystem: its arguments and its limits. Never a force flag: what it refuses stays refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason
from opskit.core.record import dataclass
from opskit.core.units import MIB, TIB, size_text

FILESYSTEMS = ("ext4", "ext3", "xfs")
DEFAULT_FILESYSTEM = "ext4"
# Bytes of a label: e2fsprogs cuts a longer one with exit 0, xfsprogs refuses it.
LABEL_LIMIT = {"ext3": 16, "ext4": 16, "xfs": 12}
# mkfs.xfs since 5.19 wants 300 MB; an ext filesystem smaller than 8 MiB has no journal.
SIZE_LIMIT = {"ext3": 8 * MIB, "ext4": 8 * MIB, "xfs": 300 * MIB}
# mke2fs gives ext3 no feature 64bit, so it counts 2^32 - 1 blocks of 4 KiB at most; it refuses 16 TiB to the byte.
SIZE_END = {"ext3": 16 * TIB}


@dataclass(frozen=True)
class MkfsOptions:
    """What a person may choose; None leaves a choice to mkfs.

    reserved: percent of the blocks kept for root.
    """

    fstype: str = DEFAULT_FILESYSTEM
    label: str = ""
    reserved: Optional[int] = None
    discard: bool = True
    lazy_init: Optional[bool] = None

    @property
    def program(self) -> str:
        """The program that makes it."""
        return f"mkfs.{self.fstype}"


def mkfs_argv(options: MkfsOptions, uuid: str, path: str) -> tuple[str, ...]:
    """The command that makes the filesystem with this UUID (mke2fs(8), mkfs.xfs(8))."""
    argv = [options.program, "-q"]
    if options.fstype == "xfs":
        argv += ["-m", f"uuid={uuid}"]
        argv += [] if options.discard else ["-K"]
    else:
        argv += ["-U", uuid]
        argv += [] if options.reserved is None else ["-m", str(options.reserved)]
        extended = [] if options.discard else ["nodiscard"]
        if options.lazy_init is not None:
            extended += [f"lazy_itable_init={int(options.lazy_init)}", f"lazy_journal_init={int(options.lazy_init)}"]
        argv += ["-E", ",".join(extended)] if extended else []
    argv += ["-L", options.label] if options.label else []
    return (*argv, path)


def option_reasons(options: MkfsOptions) -> Iterator[Reason]:
    """What was asked for that this filesystem does not have."""
    usage = ExitCode.USAGE
    if options.fstype not in FILESYSTEMS:
        title = f"--fstype {options.fstype}: opskit makes {', '.join(FILESYSTEMS)}"
        yield Reason("unknown-filesystem", title, "choose one of these", exit_code=usage)
        return
    limit = LABEL_LIMIT[options.fstype]
    size = len(options.label.encode("utf-8", "surrogateescape"))
    if size > limit:
        title = f"the label {options.label!r} has {size} bytes, but {options.fstype} keeps {limit}"
        yield Reason("label-too-long", title, f"at most {limit} bytes", exit_code=usage)
    if options.fstype == "xfs":
        for name, value in (("--reserved", options.reserved), ("--lazy-init", options.lazy_init)):
            if value is not None:
                yield Reason(
                    "not-for-xfs",
                    f"{name} is for ext3 and ext4; xfs does not have it",
                    "leave it out",
                    exit_code=usage,
                )
    if options.reserved is not None and not 0 <= options.reserved <= 50:
        title = f"--reserved {options.reserved}: mke2fs takes 0 to 50 percent"
        yield Reason("reserved-out-of-range", title, "0 to 50", exit_code=usage)


def size_reasons(options: MkfsOptions, size: int) -> Iterator[Reason]:
    """A place too small, or too large, for the filesystem.

    size: bytes.
    """
    least = SIZE_LIMIT.get(options.fstype, 0)
    if size < least:
        title = f"{size_text(max(size, 0))} is too small for {options.fstype}, which needs {size_text(least)}"
        yield Reason("too-small", title, "a larger disk")
    end = SIZE_END.get(options.fstype)
    if end is not None and size >= end:
        title = f"{size_text(size)} is too large for {options.fstype}, which ends before {size_text(end)}"
        yield Reason("too-large", title, "--fstype ext4 or --fstype xfs")
