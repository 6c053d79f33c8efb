"""The command `opskit df`."""

from __future__ import annotations

import functools
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import typer

from opskit.commands import PlainCommand, new_app
from opskit.core.caller import sudo_line
from opskit.core.errors import ExitCode, Failed, Interrupted, UsageFault
from opskit.core.text import counted, shown
from opskit.options import reads
from opskit.session import Session
from opskit.ui.errors import note_findings
from opskit.usage.df.cli import options as of
from opskit.usage.df.findings import find
from opskit.usage.df.model import total
from opskit.usage.df.see.filesystems import ANY, Types, see, see_paths
from opskit.usage.df.show.filesystems import FIELDS, OF_INODES, draw_fields, draw_filesystems, filesystem_json

if TYPE_CHECKING:
    from opskit.usage.du.model import Scan

app = new_app("", single=True)


def fields_of(text: str) -> tuple[str, ...]:
    """The fields that --output names, "" for none. Raises UsageFault."""
    fields = tuple(text.split(",")) if text else ()
    for field in fields:
        if field not in FIELDS:
            raise UsageFault("--output", f"{field!r} is none of {', '.join(FIELDS)}")
    return fields


class Table(NamedTuple):
    """What is listed, and how. fields: of --output, () for the usual columns; total: with the sums; warn: percent."""

    types: Types
    fields: tuple[str, ...]
    everything: bool
    total: bool
    exact: bool
    warn: int


class DfCommand(PlainCommand):
    """Knows the options of GNU df that opskit has by another word, and --output without a value."""

    bare = (frozenset({"--output"}), ",".join(FIELDS), re.compile(f"(?:{'|'.join(FIELDS)})(?:,.*)?"))
    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("-k", "-m", "-B", "--block-size", "--si", "-H"), "opskit df --bytes has exact sizes"),
        **dict.fromkeys(("-l", "--local"), "opskit df -x nfs4 -x cifs leaves these out"),
        **dict.fromkeys(("-P", "--portability"), "leave it out: through a pipe each filesystem is one line"),
        "--human-readable": "leave it out: sizes are human-readable, and exact with --bytes",
    }


@reads(app, "df", example="opskit df /var", command=DfCommand, careful=["mount_points"])
def df(
    session: Session,
    mount_points: of.MountPoints = None,
    everything: of.Everything = False,
    only: of.Only = None,
    without: of.Without = None,
    inodes: of.Inodes = False,
    total_: of.Total = False,
    output: of.Output = "",
    print_type: of.PrintType = False,  # noqa: ARG001 - the type is always there
    exact: of.Exact = False,
    warn: of.Warn = 85,
    deleted: of.Deleted = False,
    why: of.Why = False,
    check: of.Check = False,
    timeout: of.Timeout = 5.0,
) -> None:
    """Show the filesystems: type, size, used, available, inodes, with the figures of df.

    --deleted lists files that are deleted but still open, --why adds up what fills one filesystem; neither changes
    anything. A network or FUSE mount that does not answer is named and holds nothing up.
    """
    if why and deleted:
        raise UsageFault("opskit df", "--why and --deleted do not go together", todo="run one after the other")
    if why:
        _why(session, mount_points or (), exact=exact, seconds=timeout)
    elif deleted:
        _deleted(session, mount_points or (), exact=exact, seconds=timeout)
    else:
        types = Types(tuple(only or ()), tuple(without or ()))
        fields = fields_of(output) or (OF_INODES if inodes else ())
        table = Table(types, fields, everything=everything, total=total_, exact=exact, warn=warn)
        _list(session, mount_points or (), table, check=check, seconds=timeout)


def _list(session: Session, paths: Sequence[str], table: Table, *, check: bool, seconds: float) -> None:
    """The filesystems with their figures, and findings."""
    failures: tuple[Failed, ...] = ()
    if paths:
        filesystems, failures = see_paths(paths, seconds)
        filesystems = tuple(filesystem for filesystem in filesystems if table.types.wants(filesystem.fstype))
    else:
        filesystems = see(everything=table.everything, seconds=seconds, types=table.types)
    if not (filesystems or failures) and table.types != ANY:
        raise Failed("df", "no filesystem is of these types", todo="opskit df --all has every type")
    findings = find(filesystems, table.warn)
    sums = [total(filesystems)] if table.total else []

    def draw() -> None:
        if filesystems and table.fields:
            draw_fields(session.screen, [*filesystems, *sums], table.fields, table.warn, exact=table.exact)
        elif filesystems:
            draw_filesystems(session.screen, [*filesystems, *sums], table.warn, exact=table.exact)
        note_findings(session.screen, findings)

    unreadable = [{"path": failure.what.removeprefix("df "), "why": failure.why} for failure in failures]
    listed = [filesystem_json(filesystem) for filesystem in filesystems]
    result = {"filesystems": listed, "total": filesystem_json(sums[0]) if sums else None, "unreadable": unreadable}
    session.screen.answer(result, draw, findings=findings, error=failures[0] if failures else None)
    for failure in failures:
        print(f"opskit: {shown(failure.what)}: {failure.why}", file=sys.stderr)
    if failures:
        raise typer.Exit(ExitCode.FAILED)
    if check and findings:
        raise typer.Exit(ExitCode.FINDINGS)


def _deleted(session: Session, paths: Sequence[str], *, exact: bool, seconds: float) -> None:
    """Files that are deleted but still open; with paths only those on the filesystems of these."""
    from opskit.usage.df.see.deleted import see_deleted  # noqa: PLC0415 - the figures alone do without
    from opskit.usage.df.show.deleted import deleted_json, draw_deleted  # noqa: PLC0415

    deleted = see_deleted()
    if paths:
        deleted = deleted.on({filesystem.disk for filesystem in see(paths, seconds=seconds)})
    session.screen.answer(deleted_json(deleted), lambda: draw_deleted(session.screen, deleted, exact=exact))
    if deleted.unseen:
        _note_unseen(session, deleted.unseen)


def _note_unseen(session: Session, count: int) -> None:
    processes = counted(count, "process", "processes")
    if os.geteuid() == 0:  # another user namespace, or a security module
        session.screen.note(f"not seen: the files of {processes} that even root may not look at")
        return
    line = sudo_line()
    session.screen.note(f"not seen: files of {processes} of other users, and mapped ones; all of them: {line}")


def _why(session: Session, paths: Sequence[str], *, exact: bool, seconds: float) -> None:
    """What the used space of one filesystem is made of."""
    from opskit.usage.df.see.why import see_why  # noqa: PLC0415
    from opskit.usage.df.show.why import draw_why, why_json  # noqa: PLC0415 - the figures alone do without
    from opskit.usage.df.why import explain  # noqa: PLC0415

    if len(paths) != 1:
        raise UsageFault("df --why", "it explains one filesystem: name its mount point", todo="opskit df --why /")
    why = explain(see_why(paths[0], functools.partial(_count, session), seconds))
    session.screen.answer(why_json(why), lambda: draw_why(session.screen, why, exact=exact))
    if why.missing and os.geteuid() != 0:
        session.screen.note(f"root sees more: {sudo_line()}")


def _count(session: Session, paths: Sequence[str], depth: int = 0) -> Scan:
    """What is below some paths, as `du -x` counts it. Ctrl-C ends it all: half a count explains nothing."""
    from opskit.usage.du.model import ScanRequest  # noqa: PLC0415 - the figures alone do without
    from opskit.usage.du.see.scan import scan  # noqa: PLC0415
    from opskit.usage.du.show import progress  # noqa: PLC0415

    request = ScanRequest(roots=tuple(map(os.fsencode, paths)), depth=depth, one_file_system=True)
    with progress(session.screen, 512) as tick:
        result = scan(request, tick)
    if result.partial:
        raise Interrupted(signal.SIGINT, state="Nothing was changed.")
    return result
