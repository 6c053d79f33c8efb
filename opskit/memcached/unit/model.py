"""A systemd unit of memcached, as a decision needs it. Plain data."""

from __future__ import annotations

import os
from dataclasses import field

from opskit.core.record import dataclass
from opskit.memcached.line.sources import Unit
from opskit.memcached.model import Host, Program

UNIT = "memcached.service"
PLACE = "/etc/systemd/system"
DROP_IN = PLACE + "/{unit}.d/opskit.conf"
TEMPLATE = PLACE + "/memcached@.service"
# Where the settings of an instance go, on the EL family and on Debian.
SETTINGS_PLACES = ("/etc/sysconfig", "/etc/default")


@dataclass(frozen=True)
class UnitFacts:
    """A unit of this host, and what the line meets there.

    files: the texts of its files by path, in systemd's order; empty where there is none
    texts: of its settings files that are there, by path
    systemd: whether systemd runs this host
    active: whether the unit runs
    failed: whether it has failed, and was not started since
    enabled: its UnitFileState: enabled, disabled, static, masked …; "" for a unit that is not there
    distribution: the path and text of memcached.service, of which an instance is made; empty where there is none
    settings_place: where a settings file of an instance goes
    """

    program: Program
    host: Host
    files: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    systemd: bool = True
    active: bool = False
    enabled: str = ""
    distribution: tuple[str, ...] = ()
    settings_place: str = SETTINGS_PLACES[0]
    failed: bool = False


@dataclass(frozen=True)
class UnitDesign:
    """What a unit shall be.

    files: the texts of its files by path, in systemd's order
    texts: of its settings files, by path
    unit: what comes of the files
    writes: those of the files and settings that are to be written, in order
    replaced: what no longer counts: files of settings
    """

    files: dict[str, str]
    texts: dict[str, str]
    unit: Unit
    writes: tuple[str, ...]
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActiveUnit:
    """A unit that is to be stopped.

    memcached: whether that is its main process
    enabled: its UnitFileState, as that of UnitFacts
    """

    active: bool
    memcached: bool = True
    enabled: str = ""


def drop_in_order(path: str) -> tuple[bool, bytes]:
    """Sorts the files of a unit as systemd reads them: its own first, then drop-ins by their names."""
    return path.endswith(".conf"), os.fsencode(os.path.basename(path)) if path.endswith(".conf") else b""
