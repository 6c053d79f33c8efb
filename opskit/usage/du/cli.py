"""The command `opskit du`."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Callable, ClassVar, NamedTuple, Optional

import typer

from opskit.core.errors import Failed, Interrupted, Missing, OpskitError, UsageFault
from opskit.core.finding import follow_up
from opskit.core.text import shown
from opskit.options import PlainCommand, new_app, one_of, reads, size_of, span_of
from opskit.session import Session
from opskit.usage.du.model import KEPT, MOST_WORKERS, Scan, ScanRequest
from opskit.usage.du.show import ScanListing, changes_json, draw_changes, draw_scan, progress, scan_json

if TYPE_CHECKING:
    from opskit.core.runner import Runner
    from opskit.usage.du.saved import SavedScan

app = new_app("", single=True)

DEPTH = 2
NAMED = 4
TOP_ON_A_TERMINAL = 40


class Keeping(NamedTuple):
    """What is to be done with scans that are kept.

    save: a file to keep this scan in, or ""
    keep: keep it in the state directory
    diff: what names an old scan, or ""
    has_paths, has_depth: whether paths, and a depth, are on the command line
    """

    save: str
    keep: bool
    diff: str
    has_paths: bool
    has_depth: bool

    def given(self, request: ScanRequest) -> Mapping[str, Any]:
        """The part of a request that is on the command line and that an old scan must agree with."""
        from opskit.usage.du.saved import COMPARED  # noqa: PLC0415 - most do without

        default = ScanRequest(())
        options = {name: getattr(request, name) for name in COMPARED}
        options = {name: value for name, value in options.items() if value != getattr(default, name)}
        if self.has_depth:
            options["depth"] = request.depth
        if self.has_paths:
            options["roots"] = request.roots
        return options


Paths = Annotated[
    Optional[list[str]], typer.Argument(metavar="[PATH]...", help="Where to look.  [default: .]", show_default=False)
]


class DuCommand(PlainCommand):
    """Knows the options of GNU du that opskit has by another word."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "-b": "opskit du --apparent --bytes",
        **dict.fromkeys(("-k", "-m", "-B", "--block-size", "--si"), "opskit du --bytes has exact sizes"),
        **dict.fromkeys(
            ("-L", "--dereference", "-D", "-H", "--dereference-args"),
            "opskit follows no link: name what it leads to, or the link with a / at its end",
        ),
        "--human-readable": "leave it out: sizes are human-readable, and exact with --bytes",
    }


@reads(app, "du", example="opskit du -x / --top 20", command=DuCommand, careful=["paths"])
def du(
    session: Session,
    paths: Paths = None,
    depth: Annotated[
        Optional[int],
        typer.Option(
            "--depth", "-d", "--max-depth", metavar="N", min=0, help=f"Directories this deep.  [default: {DEPTH}]"
        ),
    ] = None,
    summarize: Annotated[bool, typer.Option("--summarize", "-s", help="Only each PATH: a depth of 0.")] = False,
    top: Annotated[
        Optional[int],
        typer.Option("--top", metavar="N", min=1, help="Only the largest N.  [default: 40; all through a pipe]"),
    ] = None,
    min_size: Annotated[
        int,
        typer.Option(
            "--min-size",
            "--threshold",
            "-t",
            metavar="SIZE",
            parser=size_of("--min-size"),
            help="Only from this size: 10M, 1.5G.",
        ),
    ] = 0,
    files: Annotated[bool, typer.Option("--files", help="The largest files too, at any depth.")] = False,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Every file down to the depth too.")] = False,
    apparent: Annotated[
        bool, typer.Option("--apparent", "--apparent-size", help="Sizes of the contents, not of the blocks.")
    ] = False,
    inodes: Annotated[bool, typer.Option("--inodes", help="Count entries instead of bytes.")] = False,
    one_file_system: Annotated[
        bool, typer.Option("--one-file-system", "-x", help="Stay on the filesystem of each PATH.")
    ] = False,
    exclude: Annotated[
        Optional[list[str]], typer.Option("--exclude", metavar="GLOB", help="Leave out what matches, as du does.")
    ] = None,
    exclude_from: Annotated[
        Optional[list[str]],
        typer.Option("--exclude-from", "-X", metavar="FILE", help="The same, a glob on each line; - is stdin."),
    ] = None,
    older_than: Annotated[
        Optional[float],
        typer.Option(
            metavar="SPAN",
            parser=span_of("--older-than", numbers=False),
            help="Only files not modified for so long: 30d, 12h, 1y.",
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="WHAT", parser=one_of("--by", "ext", "age", "user"), help="Sums by ext, age or user."
        ),
    ] = "",
    count_links: Annotated[
        bool, typer.Option("--count-links", "-l", help="Count a file once for each of its links.")
    ] = False,
    bytes_: Annotated[bool, typer.Option("--bytes", help="Exact sizes in bytes.")] = False,
    total: Annotated[bool, typer.Option("--total", "-c", help="A line with the total.")] = False,
    modified: Annotated[bool, typer.Option("--time", help="When something in it was last modified.")] = False,
    null: Annotated[bool, typer.Option("--null", "-0", help="End each line with NUL, names as they are.")] = False,
    save: Annotated[
        str,
        typer.Option(
            "--save", metavar="FILE", help="Keep this scan in FILE, for --diff; as ncdu's export in FILE.ncdu."
        ),
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help=f"Keep it in the state directory, as one of the last {KEPT}.")
    ] = False,
    diff: Annotated[
        str, typer.Option("--diff", metavar="FILE", help="What changed since a FILE, a kept RUN, or the last.")
    ] = "",
    browse: Annotated[
        bool,
        typer.Option(
            "--browse",
            help="Walk in it on the whole screen, and delete; also in a saved FILE, ncdu's, a kept RUN or the last.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="With --browse: d shows the plan and deletes nothing.")
    ] = False,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="NAME",
            parser=one_of("--engine", "statx", "stat"),
            help="How to read: statx or stat.  [default: the fastest]",
        ),
    ] = "",
    workers: Annotated[
        Optional[int],
        typer.Option("--workers", metavar="N", min=1, max=MOST_WORKERS, help="So many processes, from the start."),
    ] = None,
) -> None:
    """Show what fills a disk: directories with all that is in them, the largest first.

    The sizes are those of GNU du, to the byte: allocated blocks, a file with several links once. They are
    human-readable without -h, which is this help. What cannot be read is named, and the exit status is then 1.
    """
    import time  # noqa: PLC0415

    if summarize and (depth or all_):
        other = f"--depth {depth}" if depth else "--all"
        raise UsageFault("opskit du", f"-s and {other} do not go together", todo="leave one of them out")
    now = time.time()
    limit = top or (TOP_ON_A_TERMINAL if sys.stdout.isatty() and not session.screen.json else 0)
    request = ScanRequest(
        roots=tuple(os.fsencode(path) for path in paths or ["."]),
        depth=0 if summarize else DEPTH if depth is None else depth,
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
    )
    if browse or dry_run:
        _browse(session, request, paths or ["."], browse=browse, dry_run=dry_run, others=(save, keep, diff, null))
        return
    listing = ScanListing(limit, min_size, inodes=inodes, exact=bytes_, null=null, total=total, time=modified)
    if save or keep or diff:
        keeping = Keeping(save, keep, diff, has_paths=bool(paths), has_depth=summarize or depth is not None)
        _with_saved(session, request, listing, keeping)
        return
    scan = _count(session, request)
    _hint(session, request, scan)
    session.screen.answer(
        scan_json(scan, listing), lambda: draw_scan(session.screen, scan, listing), error=_fault(scan)
    )
    _end(scan)


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
    given = (session.screen.json, request.by, request.older_than is not None, request.files, *others)
    names = ("--json", "--by", "--older-than", "--files", "--save", "--keep", "--diff", "--null")
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


def _count(session: Session, request: ScanRequest) -> Scan:
    """Count, with progress on a terminal."""
    from opskit.usage.du.see.scan import scan  # noqa: PLC0415

    with progress(session.screen, 1 if request.apparent else 512) as tick:
        try:
            return scan(request, tick)
        except OSError as error:
            raise Failed("opskit du", str(error), todo="leave --engine out: the best one is taken") from error


def _hint(session: Session, request: ScanRequest, scan: Scan) -> None:
    """Name what was counted and is on no disk: below / these are /proc, /sys and network mounts."""
    mounts = () if request.one_file_system else scan.on_no_disk
    if mounts:
        names = ", ".join(f"{shown(target)} ({shown(fstype)})" for target, fstype in mounts[:NAMED])
        more = f" and {len(mounts) - NAMED} more" if len(mounts) > NAMED else ""
        session.screen.note(f"counted too, and on no disk: {names}{more}; -x leaves them out")


def _fault(scan: Scan) -> Optional[OpskitError]:
    """Why the scan is not all that was asked for, None when it is."""
    if scan.partial:
        return Interrupted(signal.SIGINT, state="This is what was counted by then.")
    if scan.unreadable:
        return Failed("opskit du", f"{len(scan.unreadable)} could not be read; the rest is right")
    return None


def _end(scan: Scan) -> None:
    """Name what is missing. Exits with 130 when the scan was interrupted, 1 when something could not be read."""
    for entry in scan.unreadable:
        print(f"opskit du: {shown(entry.path)}: {entry.why}", file=sys.stderr)
    if scan.unreadable:
        print(f"opskit du: {len(scan.unreadable)} could not be read; the rest is right", file=sys.stderr)
    if scan.partial:
        print("opskit du: interrupted: this is what was counted by then", file=sys.stderr)
    if fault := _fault(scan):
        raise SystemExit(fault.exit_code)


def _with_saved(session: Session, request: ScanRequest, listing: ScanListing, keeping: Keeping) -> None:
    """Count, answer with the scan or with what changed, and keep the scan.

    Raises UsageFault and Failed before anything is counted, where possible.
    """
    import shlex  # noqa: PLC0415 - most do without a saved scan
    import socket  # noqa: PLC0415

    from opskit.core.units import ceiling_text, now  # noqa: PLC0415
    from opskit.usage.du.changes import compare  # noqa: PLC0415
    from opskit.usage.du.ncdu import ALL_DEPTHS, SUFFIX, shallow  # noqa: PLC0415
    from opskit.usage.du.saved import SavedScan  # noqa: PLC0415

    request, old = _prepare(session, request, keeping)
    # ncdu wants every file; what is shown, kept and compared stays what was asked for.
    wanted = replace(request, depth=ALL_DEPTHS, all=True) if keeping.save.endswith(SUFFIX) else request
    whole = SavedScan(now(), socket.gethostname(), wanted, _count(session, wanted))
    new = whole if wanted is request else shallow(whole, request.depth, files=request.all)
    scan = new.scan
    result: dict[str, Any]
    if old and not scan.partial:
        changes = compare(old, new, inodes=listing.inodes)
        result = changes_json(changes, old, new, listing)
        draw: Callable[[], None] = lambda: draw_changes(session.screen, changes, old, listing)  # noqa: E731
    else:
        result = scan_json(scan, listing)
        draw = lambda: draw_scan(session.screen, scan, listing)  # noqa: E731
    run = session.run if keeping.keep else ""
    size, failure = (0, None) if scan.partial else _keep(whole, new, keeping, session.state_dir, run)
    result["saved"] = {"path": keeping.save or None, "run": run or None, "bytes": size} if size else None
    session.screen.answer(result, draw, error=failure or _fault(scan))
    if scan.partial:
        session.screen.note("an interrupted scan is neither kept nor compared")
    if failure:  # what fills the disk is known all the same: a full one is no reason to lose a long scan
        if session.screen.json:  # it is in the one envelope
            raise SystemExit(failure.exit_code)
        raise failure
    if size:
        line = shown(follow_up("du", "--diff", run or keeping.save))
        name = run or shown(shlex.quote(keeping.save))
        session.screen.note(f"kept: {name} ({ceiling_text(size)}); what changes from now on: {line}")
    _end(scan)


def _prepare(session: Session, request: ScanRequest, keeping: Keeping) -> tuple[ScanRequest, Optional[SavedScan]]:
    """The request, and the old scan. Paths become absolute: they mean the same from anywhere."""
    from opskit.usage.du.changes import comparable  # noqa: PLC0415
    from opskit.usage.du.ncdu import SUFFIX  # noqa: PLC0415
    from opskit.usage.du.see import kept  # noqa: PLC0415
    from opskit.usage.du.steps import open_folder  # noqa: PLC0415

    for option, value in (
        ("--by", request.by),
        ("--older-than", request.older_than),
        ("--files", request.files),
        ("--time", request.time),
    ):
        if value:
            why = "a saved scan holds directories only, and with --all the files in them"
            raise UsageFault(f"opskit du {option}", why, todo=f"leave {option} out")
    try:
        request = replace(request, roots=tuple(os.path.abspath(root) for root in request.roots))
    except FileNotFoundError as error:
        raise Failed("opskit du", "the working directory is gone", todo="name the paths from / on") from error
    old = None
    if keeping.diff:
        old = _find(session, request, keeping)
        comparable_request = comparable(old.request, keeping.given(request))
        request = replace(comparable_request, engine=request.engine, workers=request.workers)
    if keeping.save.endswith(SUFFIX) and len(request.roots) > 1:
        raise UsageFault(
            "opskit du --save", "ncdu's format has one root", todo=f"name one PATH, or a file without {SUFFIX}"
        )
    try:
        if keeping.save:
            kept.check_target(keeping.save)
        if keeping.keep:
            open_folder(session.state_dir)
    except OSError as error:
        raise _failed(error) from error
    return request, old


def _find(session: Session, request: ScanRequest, keeping: Keeping) -> SavedScan:
    """The old scan. Raises UsageFault, Failed."""
    from opskit.usage.du.ncdu import ALL_DEPTHS, shallow  # noqa: PLC0415
    from opskit.usage.du.see import kept  # noqa: PLC0415

    roots = request.roots if keeping.has_paths else ()
    try:
        old = kept.find(keeping.diff, session.state_dir, roots, apparent=request.apparent)
    except OSError as error:
        what = str(error.filename or keeping.diff)
        raise Failed(what, f"the saved scan cannot be read ({error.strerror})") from error
    if old.request.depth == ALL_DEPTHS:  # ncdu's has every file, and does not tell what was left out
        old = shallow(old, request.depth, files=request.all)
        left_out = {name: getattr(request, name) for name in ("one_file_system", "exclude")}
        old = replace(old, request=replace(old.request, **left_out))
    return old


def _keep(whole: SavedScan, new: SavedScan, keeping: Keeping, state_dir: str, run: str) -> tuple[int, Optional[Failed]]:
    """Write the scan to its file and to the state directory: its bytes, 0 for none; and why it could not be written.

    whole: what goes into the file
    new: what is kept
    """
    from opskit.usage.du import steps  # noqa: PLC0415

    # The engine and the workers make no difference to the result.
    plain = replace(new, request=replace(new.request, engine="", workers=0, now=0.0))
    size = 0
    try:
        if keeping.save:
            size = steps.save(keeping.save, plain if whole is new else whole)
        if keeping.keep:
            size = steps.keep(state_dir, run, plain)
    except OSError as error:
        return 0, _failed(error)
    return size, None


def _failed(error: OSError) -> Failed:
    todo = "name another file, or another --state-dir"
    return Failed(str(error.filename or "opskit du"), f"the scan cannot be kept ({error.strerror})", todo=todo)


def _counts_directories(runner: Runner) -> bool:
    """Whether this host's du adds up the sizes of directories, too: it did before coreutils 9.2 (its NEWS)."""
    from opskit.core.command import Command  # noqa: PLC0415

    try:
        stdout = runner.run(Command(("du", "--version"), mutates=False)).stdout
    except OpskitError:
        return False
    version = re.search(r" (\d+)\.(\d+)", stdout)
    return version is not None and (int(version[1]), int(version[2])) < (9, 2)
