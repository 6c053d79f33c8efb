"""A systemd unit of memcached, as a decision needs it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from opskit.memcached.line.sources import Unit
from opskit.memcached.model import Host, Program

DROP_IN = "/etc/systemd/system/{unit}.d/opskit.conf"


@dataclass(frozen=True)
class UnitFacts:
    """A unit of this host, and what the line meets there.

    unit: what its files say, None where there is none
    texts: of its settings files, by path
    systemd: whether systemd runs this host
    active: whether the unit runs
    """

    program: Program
    host: Host
    unit: Optional[Unit]
    texts: dict[str, str]
    systemd: bool
    active: bool


@dataclass(frozen=True)
class ActiveUnit:
    """A unit that is to be stopped. memcached: whether that is among its processes."""

    active: bool
    memcached: bool = True
