"""Wait until no lock is held any more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from opskit.yum.facts import look
from opskit.yum.model import Place
from opskit.yum.state import TAKEN, ZOMBIE, Verdict, judge
from opskit.yum.watch import LOOK_SECONDS, Watch


@dataclass(frozen=True)
class Waited:
    """How it ended. left: what still blocks: nothing when all is free. wakeups: how often something was looked at."""

    left: tuple[Verdict, ...]
    seconds: float
    wakeups: int


def wait(
    where: tuple[Place, ...],
    root: str,
    timeout: float,
    tell: Callable[[Sequence[Verdict], float], None],
    tick: float,
) -> Waited:
    """Return as soon as no lock blocks, or nothing will change by itself, or after timeout seconds.

    tell is called with what blocks and the seconds waited, each time something was looked at, and every tick seconds.
    """
    began = time.monotonic()
    wakeups = 0
    collecting = False
    blocking = _blocking(where, root)
    while True:
        watch, watched = Watch(blocking), blocking
        try:
            # What changed before the watch stood is seen now; what changes from here on wakes it up.
            if blocking:
                blocking = _blocking(where, root)
            waited = time.monotonic() - began
            if not blocking or waited >= timeout:
                return Waited(tuple(blocking), waited, wakeups)
            if _held(blocking) != _held(watched):
                continue  # others have them by now, who are to be watched
            longest = timeout - waited
            if not any(one.state in TAKEN for one in blocking):
                if collecting or not any(one.state == ZOMBIE for one in blocking):
                    return Waited(tuple(blocking), waited, wakeups)
                # Killed just now: its parent has a moment to collect it, then the tool takes the file over.
                collecting, longest = True, min(longest, LOOK_SECONDS)
            _sleep(watch, longest, tick, lambda: tell(blocking, time.monotonic() - began))  # noqa: B023
            wakeups += 1
        finally:
            watch.close()


def _sleep(watch: Watch, seconds: float, tick: float, tell: Callable[[], None]) -> None:
    """Until something happens. A tick is only for who watches: nothing is looked at."""
    end = time.monotonic() + min(seconds, watch.longest)
    tell()
    while (left := end - time.monotonic()) > 0 and not watch.wait(min(left, tick)):
        if left > tick:
            tell()


def _blocking(where: tuple[Place, ...], root: str) -> list[Verdict]:
    return [one for one in judge(look(where, root)) if one.blocks]


def _held(blocking: Sequence[Verdict]) -> set[tuple[str, int, int, bool]]:
    """Which files, and by whom: what a watch is made of."""
    return {
        (one.lock.place.path, one.lock.inode, one.holder.pid if one.holder else 0, one.state == ZOMBIE)
        for one in blocking
    }
