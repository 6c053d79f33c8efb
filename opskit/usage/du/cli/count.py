"""Counting for a command: with progress, and what is to be said of what is missing."""

from __future__ import annotations

import signal
import sys
from typing import Optional

from opskit.core.errors import Failed, Interrupted, OpskitError
from opskit.core.text import shown
from opskit.session import Session
from opskit.usage.du.model import Scan, ScanRequest
from opskit.usage.du.show import progress

NAMED = 4


def count(session: Session, request: ScanRequest) -> Scan:
    """Count, with progress on a terminal."""
    from opskit.usage.du.see.scan import scan  # noqa: PLC0415

    with progress(session.screen, 1 if request.apparent else 512) as tick:
        try:
            return scan(request, tick)
        except OSError as error:
            raise Failed("opskit du", str(error), todo="leave --engine out: the best one is taken") from error


def hint(session: Session, request: ScanRequest, scan: Scan) -> None:
    """Name what was counted and is on no disk: below / these are /proc, /sys and network mounts."""
    mounts = () if request.one_file_system else scan.on_no_disk
    if mounts:
        names = ", ".join(f"{shown(target)} ({shown(fstype)})" for target, fstype in mounts[:NAMED])
        more = f" and {len(mounts) - NAMED} more" if len(mounts) > NAMED else ""
        session.screen.note(f"counted too, and on no disk: {names}{more}; -x leaves them out")


def fault(scan: Scan) -> Optional[OpskitError]:
    """Why the scan is not all that was asked for, None when it is."""
    if scan.partial:
        return Interrupted(signal.SIGINT, state="This is what was counted by then.")
    if scan.unreadable:
        return Failed("opskit du", f"{len(scan.unreadable)} could not be read; the rest is right")
    return None


def end(scan: Scan) -> None:
    """Name what is missing. Exits with 130 when the scan was interrupted, 1 when something could not be read."""
    for entry in scan.unreadable:
        print(f"opskit du: {shown(entry.path)}: {entry.why}", file=sys.stderr)
    if scan.unreadable:
        print(f"opskit du: {len(scan.unreadable)} could not be read; the rest is right", file=sys.stderr)
    if scan.partial:
        print("opskit du: interrupted: this is what was counted by then", file=sys.stderr)
    if missing := fault(scan):
        raise SystemExit(missing.exit_code)
