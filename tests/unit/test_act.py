"""The road of a command that changes the host, where another opskit is on it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.act import Chore, act
from opskit.core.config import Config
from opskit.core.errors import Busy, Refused, UsageFault
from opskit.core.lock import host_lock
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.session import Session
from opskit.ui.screen import Screen

HELD = Refusal("mount", (Reason("held-exclusively", "somebody holds it"),))
MOUNTED = Plan("mount")


def session(state: Path, *, dry_run: bool = False) -> Session:
    screen = Screen("opskit disk mount", quiet=True)
    return Session(screen, str(state), Config(), dry_run=dry_run, changes=True)


def chore(*decisions: Decision) -> Chore[Decision]:
    """What is seen at each look is what is decided."""
    looks = iter(decisions)
    return Chore(lambda _runner: next(looks), lambda seen: seen)


def locked_before(state: Path) -> None:
    with host_lock(str(state), 0):
        pass


def test_a_refusal_while_another_opskit_works_is_no_refusal_yet(tmp_path: Path) -> None:
    with host_lock(str(tmp_path), 0), pytest.raises(Busy, match="another opskit"):
        act(session(tmp_path), chore(HELD))


def test_a_refusal_is_decided_again_once_the_other_is_done(tmp_path: Path) -> None:
    locked_before(tmp_path)
    assert act(session(tmp_path), chore(HELD, MOUNTED)).run is None


def test_a_refusal_that_stays_one(tmp_path: Path) -> None:
    locked_before(tmp_path)
    with pytest.raises(Refused, match="somebody holds it"):
        act(session(tmp_path), chore(HELD, HELD))


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_refusal_writes_nothing_where_no_lock_was_ever_taken(tmp_path: Path, dry_run: bool) -> None:
    with pytest.raises(Refused):
        act(session(tmp_path / "state", dry_run=dry_run), chore(HELD))
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_waits_for_nobody(tmp_path: Path) -> None:
    with host_lock(str(tmp_path), 0), pytest.raises(Refused):
        act(session(tmp_path, dry_run=True), chore(HELD))


def test_saved_facts_that_a_command_cannot_load_are_refused(tmp_path: Path) -> None:
    """Else the plan for this host would pass for one of the host that the facts are of."""
    far = session(tmp_path, dry_run=True)
    far.facts = "host.json"
    with pytest.raises(UsageFault, match="saved facts"):
        act(far, chore(MOUNTED))
