"""The command `opskit du`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NoReturn

from opskit.commands import PlainCommand, new_app
from opskit.core.errors import Failed, Missing, OpskitError, UsageFault
from opskit.options import reads
from opskit.session import Session
from opskit.usage.du.cli import options as of
from opskit.usage.du.cli.count import count, end, fault, hint
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.show import ScanListing, draw_scan, scan_json

if TYPE_CHECKING:
    from opskit.core.runner import Runner

app = new_app("", single=True)

TOP_ON_A_TERMINAL = 40


class DuCommand(PlainCommand):
    """Knows the options of GNU du that opskit has by another word."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "-b": "opskit du --apparent --bytes",
        **dict.fromkeys(("-k", "-m", "-B", "--block-size", "--si"), "opskit du --bytes has exact sizes"),
        "--human-readable": "leave it out: sizes are human-readable, and exact with --bytes",
    }


@reads(app, "du", example="opskit du -x / --top 20", command=DuCommand, careful=["paths"])
def du(
    session: Session,
    paths: of.Paths = None,
    depth: of.Depth = None,
    summarize: of.Summarize = False,
    top: of.Top = None,
    min_size: of.MinSize = 0,
    files: of.Files = False,
    all_: of.All = False,
    dereference: of.Dereference = False,
    dereference_args: of.DereferenceArgs = False,
    apparent: of.Apparent = False,
    inodes: of.Inodes = False,
    one_file_system: of.OneFileSystem = False,
    exclude: of.Exclude = None,
    exclude_from: of.ExcludeFrom = None,
    older_than: of.OlderThan = None,
    by: of.By = "",
    count_links: of.CountLinks = False,
    bytes_: of.Bytes = False,
    total: of.Total = False,
    modified: of.Modified = False,
    null: of.Null = False,
    save: of.Save = "",
    keep: of.Keep = False,
    diff: of.Diff = "",
    browse: of.Browse = False,
    dry_run: of.DryRun = False,
    engine: of.Engine = "",
    workers: of.Workers = None,
) -> None:
    """Show what fills a disk: directories with all that is in them, the largest first.

    The sizes are those of GNU du, to the byte: allocated blocks, a file with several links once. They are
    human-readable without -h, which is this help. What cannot be read is named, and the exit status is then 1.
    """
    import time  # noqa: PLC0415

    if summarize and (depth or all_):
        _refuse_both("-s", f"--depth {depth}" if depth else "--all")
    if dereference and dereference_args:
        _refuse_both("-L", "-D")
    now = time.time()
    limit = top or (TOP_ON_A_TERMINAL if sys.stdout.isatty() and not session.screen.json else 0)
    request = ScanRequest(
        roots=tuple(os.fsencode(path) for path in paths or ["."]),
        depth=0 if summarize else of.DEPTH if depth is None else depth,
        apparent=apparent,
        directory_sizes=not apparent or _counts_directories(session.runner),
        one_file_system=one_file_system,
        count_links=count_links,
        exclude=(*map(os.fsencode, exclude or ()), *_patterns(exclude_from or ())),
        older_than=None if older_than is None else now - older_than,
        by=by,
        now=now,
        all=all_,
        time=modified,
        files=(limit or TOP_ON_A_TERMINAL) if files else 0,
        engine=engine,
        workers=workers or 0,
        follow="all" if dereference else "roots" if dereference_args else "",
    )
    if browse or dry_run:
        _browse(session, request, paths or ["."], browse=browse, dry_run=dry_run, others=(save, keep, diff, null))
        return
    listing = ScanListing(limit, min_size, inodes=inodes, exact=bytes_, null=null, total=total, time=modified)
    if save or keep or diff:
        from opskit.usage.du.cli.saved import Keeping, with_saved  # noqa: PLC0415 - most do without

        keeping = Keeping(save, keep, diff, has_paths=bool(paths), has_depth=summarize or depth is not None)
        with_saved(session, request, listing, keeping)
        return
    scan = count(session, request)
    hint(session, request, scan)
    session.screen.answer(scan_json(scan, listing), lambda: draw_scan(session.screen, scan, listing), error=fault(scan))
    end(scan)


def _refuse_both(option: str, other: str) -> NoReturn:
    raise UsageFault("opskit du", f"{option} and {other} do not go together", todo="leave one of them out")


def _browse(
    session: Session,
    request: ScanRequest,
    paths: Sequence[str],
    *,
    browse: bool,
    dry_run: bool,
    others: Sequence[object],
) -> None:
    """Hand over to the browser what it can show. others: the values of options that do not go with it."""
    if not browse:
        raise UsageFault("opskit du --dry-run", "du changes nothing but with --browse", todo="leave it out")
    given = (session.screen.json, request.by, request.older_than is not None, request.files, request.follow, *others)
    follow = "--dereference" if request.follow == "all" else "--dereference-args"  # what is deleted is never a link's
    names = ("--json", "--by", "--older-than", "--files", follow, "--save", "--keep", "--diff", "--null")
    for name in (name for name, value in zip(names, given) if value):
        raise UsageFault(f"opskit du {name}", "it does not go with --browse", todo="leave one of them out")
    if len(paths) > 1:
        raise UsageFault("opskit du --browse", "it shows one PATH", todo="name the directory that they are in")
    try:
        from opskit.usage.du.browse.cli import browse as show_browser  # noqa: PLC0415 - most do without
    except ModuleNotFoundError as error:
        if error.name not in {"curses", "_curses"}:
            raise
        raise Missing("opskit du --browse", "this Python has no curses", todo="opskit du --all") from None
    show_browser(session, request, paths[0], dry_run=dry_run)


def _patterns(files: Sequence[str]) -> Iterator[bytes]:
    """The globs in some files. Raises Failed."""
    from opskit.usage.du.see.patterns import read_patterns  # noqa: PLC0415 - most do without

    for name in files:
        try:
            yield from read_patterns(name)
        except OSError as error:  # noqa: PERF203 - hardly anybody names two
            raise Failed(name, f"it cannot be read ({error.strerror})") from error


def _counts_directories(runner: Runner) -> bool:
    """Whether this host's du adds up the sizes of directories, too: it did before coreutils 9.2 (its NEWS)."""
    from opskit.core.command import Command  # noqa: PLC0415

    try:
        stdout = runner.run(Command(("du", "--version"), mutates=False)).stdout
    except OpskitError:
        return False
    version = re.search(r" (\d+)\.(\d+)", stdout)
    return version is not None and (int(version[1]), int(version[2])) < (9, 2)
