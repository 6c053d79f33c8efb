"""`opskit du --save`, `--keep` and `--diff`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from opskit.core.errors import Failed, UsageFault
from opskit.core.finding import follow_up
from opskit.core.text import shown
from opskit.session import Session
from opskit.usage.du.cli.count import count, end, fault
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.show import ScanListing, changes_json, draw_changes, draw_scan, scan_json

if TYPE_CHECKING:
    from opskit.usage.du.saved import SavedScan


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


def with_saved(session: Session, request: ScanRequest, listing: ScanListing, keeping: Keeping) -> None:
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
    whole = SavedScan(now(), socket.gethostname(), wanted, count(session, wanted))
    new = whole if wanted is request else shallow(whole, request.depth, files=request.all)
    scan = new.scan
    answer: Mapping[str, Any]
    if old and not scan.partial:
        changes = compare(old, new, inodes=listing.inodes)
        answer = changes_json(changes, old, new, listing)
        draw: Callable[[], None] = lambda: draw_changes(session.screen, changes, old, listing)  # noqa: E731
    else:
        answer = scan_json(scan, listing)
        draw = lambda: draw_scan(session.screen, scan, listing)  # noqa: E731
    run = session.run if keeping.keep else ""
    size, failure = (0, None) if scan.partial else _keep(whole, new, keeping, session.state_dir, run)
    saved = {"path": keeping.save or None, "run": run or None, "bytes": size} if size else None
    result = {**answer, "saved": saved}
    session.screen.answer(result, draw, error=failure or fault(scan))
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
    end(scan)


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
