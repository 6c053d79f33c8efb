"""The drop-in by which systemd starts a unit again when it fails: `service ensure --restart-policy`. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from opskit.core.plan import Reason
from opskit.service.model import ServiceFacts

# Restart= of a unit, and policies of a container, by which nobody brings it back.
NEVER = {"", "no"}
_HEAD = "# Written by opskit service ensure --restart-policy; opskit undo takes it back.\n"
# Five starts in five minutes: what passes is survived, and what does not pass is no endless loop.
_LIMIT = "StartLimitBurst=5\n"
_RESTART = "[Service]\nRestart=on-failure\nRestartSec=5s\n"


def drop_in_of(unit: str) -> str:
    """Its path."""
    return f"/etc/systemd/system/{unit}.d/50-opskit-restart.conf"


def policy_text(release: int) -> str:
    """Its text.

    release: of systemd; 0 before 231. The start limit went to [Unit] in 230, and later ones take the old form, too
    """
    if not release:
        return f"{_HEAD}{_RESTART}StartLimitInterval=300\n{_LIMIT}"
    return f"{_HEAD}[Unit]\nStartLimitIntervalSec=300\n{_LIMIT}{_RESTART}"


def has_policy(facts: ServiceFacts) -> bool:
    """Whether systemd starts it again already."""
    return facts.unit is not None and facts.unit.restart not in NEVER


def policy_reasons(facts: ServiceFacts) -> Iterator[Reason]:
    """Why it cannot have the drop-in."""
    unit = facts.unit
    if not unit:
        title = f"{facts.name} is no unit of systemd: only those have Restart="
        remedy = f"opskit service why {shlex.quote(facts.name)} says what would keep it running"
        yield Reason("no-policy", title, remedy)
    elif unit.source:
        title = f"{unit.name} is made from {unit.source}: systemd does not see what that starts end"
        yield Reason("no-policy", title, "a unit of its own, with ExecStart= in the foreground")
    elif unit.type == "oneshot":
        title = f"{unit.name} is a oneshot unit: it ends when its work is done"
        yield Reason("no-policy", title, "a timer, where it is to be done again")
