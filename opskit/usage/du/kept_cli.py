"""`opskit du` with --save, --keep and --diff: what has to be right before the scan, and what is done with it."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Callable, Optional

from opskit.core.errors import Failed, UsageFault
from opskit.core.text import shown
from opskit.core.units import ceiling_text, now
from opskit.session import Session
from opskit.usage.du.changes import compare
from opskit.usage.du.model import Request, Scan
from opskit.usage.du.saved import COMPARED, Saved
from opskit.usage.du.see import kept
from opskit.usage.du.show import Listing, draw_scan, scan_json
from opskit.usage.du.show_changes import changes_json, draw_changes


@dataclass(frozen=True)
class Keeping:
    """What was asked for. save: a file, or "". diff: what names an old scan, or "". has_…: it was typed."""

    save: str
    keep: bool
    diff: str
    has_paths: bool
    has_depth: bool

    def given(self, request: Request) -> Mapping[str, Any]:
        """The part of a request that was on the command line and that an old scan must agree with."""
        default = Request(())
        found = {name: getattr(request, name) for name in COMPARED}
        found = {name: value for name, value in found.items() if value != getattr(default, name)}
        if self.has_depth:
            found["depth"] = request.depth
        if self.has_paths:
            found["roots"] = request.roots
        return found


def with_saved(
    session: Session,
    request: Request,
    listing: Listing,
    keeping: Keeping,
    count: Callable[[Session, Request], Scan],
    end: Callable[[Scan], None],
) -> None:
    """Count, answer with the scan or with what changed, keep it; then end as without all this.

    Raises UsageFault and Failed before anything is counted, where possible.
    """
    request, old = _prepare(session, request, keeping)
    found = count(session, request)
    new = Saved(now(), socket.gethostname(), request, found)
    result: dict[str, Any]
    if old and not found.partial:
        changes = compare(old, new, inodes=listing.inodes)
        result = changes_json(changes, old, new, listing)
        draw: Callable[[], None] = lambda: draw_changes(session.screen, changes, old, listing)  # noqa: E731
    else:
        result = scan_json(found, listing)
        draw = lambda: draw_scan(session.screen, found, listing)  # noqa: E731
    run = session.run if keeping.keep else ""
    size, failed = (0, None) if found.partial else _keep(new, keeping, session.state_dir, run)
    result["saved"] = {"path": keeping.save or None, "run": run or None, "bytes": size} if size else None
    session.screen.answer(result, draw)
    if found.partial:
        session.screen.note("half a scan is not kept, and not compared with anything")
    if failed:  # what fills the disk is known all the same: a full one is no reason to lose a long scan
        raise failed
    if size:
        name = run or shown(shlex.quote(keeping.save))
        session.screen.note(f"kept: {name} ({ceiling_text(size)}); what changes from now on: opskit du --diff {name}")
    end(found)


def _prepare(session: Session, request: Request, keeping: Keeping) -> tuple[Request, Optional[Saved]]:
    """What to count, and the old scan; paths are absolute, as they mean the same from anywhere."""
    for option, value in (("--by", request.by), ("--older-than", request.older_than), ("--files", request.files)):
        if value:
            why = "a saved scan holds directories, and with --all the files in them"
            raise UsageFault(f"opskit du {option}", why, todo=f"leave {option} out")
    try:
        request = replace(request, roots=tuple(os.path.abspath(root) for root in request.roots))
    except FileNotFoundError as error:
        raise Failed("opskit du", "the working directory is gone", todo="name the paths from / on") from error
    old = None
    try:
        if keeping.diff:
            old = kept.find(keeping.diff, session.state_dir, request.roots if keeping.has_paths else ())
            known = kept.comparable(old.request, keeping.given(request))
            request = replace(known, engine=request.engine, workers=request.workers)
    except OSError as error:
        raise Failed(
            str(error.filename or keeping.diff), f"no saved scan can be read there ({error.strerror})"
        ) from error
    try:
        if keeping.save:
            kept.check_target(keeping.save)
        if keeping.keep:
            kept.open_folder(session.state_dir)
    except OSError as error:
        raise _failed(error) from error
    return request, old


def _keep(new: Saved, keeping: Keeping, state_dir: str, run: str) -> tuple[int, Optional[Failed]]:
    """Write it where it was asked for: the bytes of one of them, 0 for none; and why it could not be written."""
    # The engine and the workers are of no matter to what was found.
    plain = replace(new, request=replace(new.request, engine="", workers=0, now=0.0))
    size = 0
    try:
        if keeping.save:
            size = kept.save(keeping.save, plain)
        if keeping.keep:
            size = kept.keep(state_dir, run, plain)
    except OSError as error:
        return 0, _failed(error)
    return size, None


def _failed(error: OSError) -> Failed:
    todo = "name another file, or another --state-dir"
    return Failed(str(error.filename or "opskit du"), f"the scan cannot be kept ({error.strerror})", todo=todo)
