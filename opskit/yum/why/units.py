"""systemd's units that run the package manager by themselves, as `systemctl show` has them. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Callable

from opskit.core.units import INFINITY, SECOND, systemd_span
from opskit.yum.why.cron import names
from opskit.yum.why.model import AGENT, CLOUD_INIT, SERVICE, TIMER, Autorun

# unit → what it is, and what it runs
UNITS = {
    "dnf-makecache.timer": (TIMER, "dnf makecache --timer"),
    "dnf5-makecache.timer": (TIMER, "dnf5 makecache --timer"),
    "dnf-automatic.timer": (TIMER, "dnf-automatic"),
    "dnf-automatic-notifyonly.timer": (TIMER, "dnf-automatic --no-installupdates --no-downloadupdates"),
    "dnf-automatic-download.timer": (TIMER, "dnf-automatic --downloadupdates"),
    "dnf-automatic-install.timer": (TIMER, "dnf-automatic --installupdates"),
    "dnf5-automatic.timer": (TIMER, "dnf5 automatic"),
    "insights-client.timer": (TIMER, "insights-client"),
    "rpm-ostreed-automatic.timer": (TIMER, "rpm-ostree upgrade"),
    "packagekit.service": (SERVICE, "PackageKit, started over D-Bus by desktops and Cockpit"),
    "yum-cron.service": (SERVICE, "yum-cron, by the files in /etc/cron.daily and cron.hourly"),
    "puppet.service": (AGENT, "puppet agent: installs what its catalogue names"),
    "chef-client.service": (AGENT, "chef-client"),
    "salt-minion.service": (AGENT, "salt-minion"),
    "amazon-ssm-agent.service": (AGENT, "AWS Systems Manager: patch runs"),
    "google-osconfig-agent.service": (AGENT, "Google OS Config: patch runs"),
    "walinuxagent.service": (AGENT, "Azure agent: extensions, patch runs"),
    "cloud-final.service": (CLOUD_INIT, "cloud-init: packages and package_upgrade, at the first boot"),
}
# The timer of a hold (plan.py), which brings everything back.
_HOLD = re.compile(r"opskit-yum-hold-.*\.timer")
# `systemctl show` of ExecStart: { path=/usr/bin/dnf ; argv[]=/usr/bin/dnf -y update ; ignore_errors=no ; ... }
_ARGV = re.compile(r"^ExecStart=\{.*? argv\[\]=(.*?) ; ignore_errors=", re.MULTILINE)


def parse_units(text: str, boot: float, counts: Callable[[str], bool] = names) -> tuple[Autorun, ...]:
    """The units of `systemctl show` that are loaded: the known ones, and timers of a service whose command counts.

    boot: when the monotonic clock began.
    """
    blocks = _blocks(text)
    autoruns = []
    for name, properties in blocks.items():
        runs = blocks.get(properties.get("Unit", ""), {}).get("ExecStart", "") if name.endswith(".timer") else ""
        if properties.get("LoadState") not in {"loaded", "masked"} or not (name in UNITS or (runs and counts(runs))):
            continue
        kind, command = UNITS.get(name, (TIMER, runs))
        state = "masked" if properties["LoadState"] == "masked" else properties.get("ActiveState", "")
        first = _next(properties, boot)
        when = "" if first else _when(kind, state, properties.get("UnitFileState", ""))
        in_etc = properties.get("FragmentPath", "").startswith("/etc/")
        autoruns.append(Autorun(name, kind, command, state, first, when, in_etc))
    return tuple(autoruns)


def held_until(text: str, boot: float) -> float:
    """When the last hold ends that is in force, by the timers that bring back what it holds; 0 without one."""
    ends = [
        _next(properties, boot)
        for name, properties in _blocks(text).items()
        if _HOLD.fullmatch(name) and properties.get("ActiveState") == "active"
    ]
    return max(ends, default=0.0)


def _blocks(text: str) -> dict[str, dict[str, str]]:
    """The properties of each unit, by its name."""
    blocks: dict[str, dict[str, str]] = {}
    for block in text.strip().split("\n\n"):
        properties = dict(line.partition("=")[::2] for line in block.split("\n"))
        properties["ExecStart"] = "; ".join(_ARGV.findall(block))
        blocks.setdefault(properties.get("Id", ""), properties)
    return blocks


def _next(properties: dict[str, str], boot: float) -> float:
    """When a timer elapses next, in seconds since 1970; 0 where it does not."""
    span = _seconds(properties.get("NextElapseUSecMonotonic", ""))
    moments = (_moment(properties.get("NextElapseUSecRealtime", "")), boot + span if span else 0.0)
    return min([moment for moment in moments if moment] or [0.0])


def _when(kind: str, state: str, enabled: str) -> str:
    if state == "masked":
        return "never: masked"
    if kind == CLOUD_INIT:
        return "at the first boot of an instance"
    if kind == TIMER:
        return "never: not active" + (", but enabled: at the next boot" if enabled == "enabled" else "")
    if kind == SERVICE:
        return "on demand"
    return "when it decides" if state == "active" else "never: not active"


def _moment(text: str) -> float:
    """`Sat 2026-11-21 17:00:00 UTC` in seconds since 1970; 0 for none."""
    match = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
    if not match:
        return 0.0
    return datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def _seconds(text: str) -> float:
    """A span as systemd prints it (`1h 2min 3.5s`) in seconds; 0 for none and for `infinity`."""
    span = systemd_span(text)
    return span[0] / SECOND if span and span[0] < INFINITY else 0.0
