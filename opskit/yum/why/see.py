"""What runs the package manager on this host by itself: systemd's units, cron, cloud-init. Reads only."""

from __future__ import annotations

import functools
import glob
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Callable

from opskit.core.command import Command
from opskit.core.errors import OpskitError
from opskit.core.runner import Runner
from opskit.yum.why.cron import CronLine, mentions, names, next_run, parse

TIMER, SERVICE, CRON, CLOUD_INIT, AGENT = "timer", "service", "cron", "cloud-init", "agent"
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
_SHOWN = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,NextElapseUSecRealtime,NextElapseUSecMonotonic"
_RUNS = "Unit,ExecStart"
# `systemctl show` of ExecStart: { path=/usr/bin/dnf ; argv[]=/usr/bin/dnf -y update ; ignore_errors=no ; ... }
_ARGV = re.compile(r"^ExecStart=\{.*? argv\[\]=(.*?) ; ignore_errors=", re.MULTILINE)
_SPAN = {
    "y": 31557600.0, "month": 2629800.0, "w": 604800.0, "d": 86400.0, "h": 3600.0, "min": 60.0, "s": 1.0,
    "ms": 1e-3, "us": 1e-6,
}  # fmt: skip
# Scripts are looked into where a host keeps its own: a network mount that does not answer would hold us for ever.
_PATHS = re.compile(r"(?<![\w.])/(?:usr|etc|opt|root|s?bin|var)/[\w./+-]+")
_CRON_FOLDERS = ("hourly", "daily", "weekly", "monthly")


@dataclass(frozen=True)
class Autorun:
    """Something that runs the package manager by itself.

    kind: timer, service, cron, cloud-init or agent. state: of a unit, as systemd calls it (active, inactive, masked,
    enabled where systemd does not run). next: seconds since 1970, 0 where nobody knows. when: in words. in_etc: the
    file of the unit is in /etc, which goes over a mask of /run (systemd.unit(5)).
    """

    name: str
    kind: str
    command: str
    state: str = ""
    next: float = 0.0
    when: str = ""
    in_etc: bool = False


@dataclass(frozen=True)
class Autoruns:
    """All that was found. systemd: whether it runs this host. unread: crontabs and folders closed to this user.

    silent: why systemd did not say what it would run.
    """

    systemd: bool
    found: tuple[Autorun, ...] = ()
    unread: tuple[str, ...] = ()
    silent: str = ""


def see_autoruns(runner: Runner, root: str = "/") -> Autoruns:
    """What may run the package manager here, by its units, the crontabs and cloud-init's configuration."""
    systemd = os.path.isdir(os.path.join(root, "run/systemd/system"))
    units, silent = _units(runner) if systemd else (_enabled(root), "")
    return Autoruns(systemd, (*units, *_crontabs(root), *_cron_folders(root)), tuple(_unread(root)), silent)


def _units(runner: Runner) -> tuple[tuple[Autorun, ...], str]:
    # In UTC systemctl's times need no guess at a zone.
    # A pattern leaves out what is inactive, as the service of a timer mostly is, unless --all is given.
    argv = ("env", "TZ=UTC", "systemctl", "show", "--all", f"--property={_SHOWN},{_RUNS}")
    try:
        said = runner.run(Command((*argv, *UNITS, "*.timer", "*.service"), mutates=False, timeout=20)).stdout
    except OpskitError as error:
        return (), f"systemctl: {error.why}"
    return parse_units(said, time.time() - time.monotonic(), _counts), ""


def parse_units(text: str, boot: float, counts: Callable[[str], bool] = names) -> tuple[Autorun, ...]:
    """The units of `systemctl show` that are loaded: the known ones, and timers of a service whose command counts.

    boot: when the monotonic clock began.
    """
    blocks: dict[str, dict[str, str]] = {}
    for block in text.strip().split("\n\n"):
        said = dict(line.partition("=")[::2] for line in block.split("\n"))
        said["ExecStart"] = "; ".join(_ARGV.findall(block))
        blocks.setdefault(said.get("Id", ""), said)
    found = []
    for name, said in blocks.items():
        runs = blocks.get(said.get("Unit", ""), {}).get("ExecStart", "") if name.endswith(".timer") else ""
        if said.get("LoadState") not in {"loaded", "masked"} or not (name in UNITS or (runs and counts(runs))):
            continue
        kind, command = UNITS.get(name, (TIMER, runs))
        state = "masked" if said["LoadState"] == "masked" else said.get("ActiveState", "")
        moments = [_moment(said.get("NextElapseUSecRealtime", ""))]
        span = parse_span(said.get("NextElapseUSecMonotonic", ""))
        moments.append(boot + span if span else 0.0)
        coming = min([one for one in moments if one] or [0.0])
        when = "" if coming else _when(kind, state, said.get("UnitFileState", ""))
        in_etc = said.get("FragmentPath", "").startswith("/etc/")
        found.append(Autorun(name, kind, command, state, coming, when, in_etc))
    return tuple(found)


def _when(kind: str, state: str, enabled: str) -> str:
    if state == "masked":
        return "never: masked"
    if kind == CLOUD_INIT:
        return "at the first boot of an instance"
    if kind == TIMER:
        return "never: not active" + (", but enabled: at the next boot" if enabled == "enabled" else "")
    if kind == SERVICE:
        return "when it is asked"
    return "when it decides" if state == "active" else "never: not active"


def _moment(text: str) -> float:
    """`Sat 2026-11-21 17:00:00 UTC` in seconds since 1970; 0 for none."""
    found = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", text)
    if not found:
        return 0.0
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp()


def parse_span(text: str) -> float:
    """`1h 2min 3.5s` in seconds, as systemd writes a span; 0 for none and for `infinity`."""
    parts = re.findall(r"([\d.]+)(y|month|w|d|h|min|s|ms|us)(?![a-z])", text)
    return sum(float(number) * _SPAN[unit] for number, unit in parts)


def _enabled(root: str) -> tuple[Autorun, ...]:
    """Without systemd running: what would run, by its links."""
    wanted = {os.path.basename(path) for path in glob.glob(os.path.join(root, "etc/systemd/system/*.wants/*"))}
    return tuple(
        Autorun(name, kind, command, "enabled", 0.0, "never: systemd does not run here")
        for name, (kind, command) in UNITS.items()
        if name in wanted
    )


def _crontabs(root: str) -> Iterator[Autorun]:
    now = datetime.now().astimezone()
    for path, line in _lines(root, functools.partial(_counts, root=root)):
        coming = next_run(line.when, now)
        yield Autorun(path, CRON, line.command, "", coming.timestamp() if coming else 0.0, line.when)


def _lines(root: str, counts: Callable[[str], bool]) -> Iterator[tuple[str, CronLine]]:
    """The lines of every crontab whose command counts, with the path of the crontab."""
    places = [(os.path.join(root, "etc/crontab"), True)]
    places += [(path, True) for path in sorted(glob.glob(os.path.join(root, "etc/cron.d/*")))]
    for pattern in ("var/spool/cron/*", "var/spool/cron/crontabs/*"):
        places += [(path, False) for path in sorted(glob.glob(os.path.join(root, pattern)))]
    for path, with_user in places:
        for line in parse(_text(path), with_user=with_user, counts=counts):
            yield path, line


def _counts(command: str, root: str = "") -> bool:
    """Whether a command line names a package manager, or a script that runs one."""
    return names(command) or any(_is_script(root + path) for path in _PATHS.findall(command))


def _is_script(path: str) -> bool:
    """Whether this is a script that runs a package manager."""
    text = _text(path)
    return text.startswith("#!") and mentions(text)


def _cron_folders(root: str) -> Iterator[Autorun]:
    now = datetime.now().astimezone()
    for folder in _CRON_FOLDERS:
        # Where anacron is, it runs them, and when is its own affair.
        whole = re.compile(rf"^(?!.*anacron).*\brun-parts\b.*/etc/cron\.{folder}\b")
        coming = [next_run(line.when, now) for _, line in _lines(root, lambda text: whole.match(text) is not None)]  # noqa: B023
        moment = min((one.timestamp() for one in coming if one), default=0.0)
        for path in sorted(glob.glob(os.path.join(root, f"etc/cron.{folder}/*"))):
            if os.access(path, os.X_OK) and mentions(_text(path)):
                yield Autorun(path, CRON, path, "", moment, f"{folder}, by cron or anacron")


def _unread(root: str) -> Iterator[str]:
    """On EL the crontabs of users are root's alone; where hardening guides are followed, so are those in /etc."""
    folders = ("etc/cron.d", *(f"etc/cron.{folder}" for folder in _CRON_FOLDERS), "var/spool/cron")
    within = (*(f"{folder}/*" for folder in folders), "var/spool/cron/crontabs/*")
    for pattern in ("etc/crontab", *folders, *within):
        for path in sorted(glob.glob(os.path.join(root, pattern))):
            if not os.access(path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK):
                yield path


def _text(path: str) -> str:
    try:
        if not os.path.isfile(path):
            return ""
        with open(path, "rb") as file:
            return os.fsdecode(file.read(1_000_000))
    except OSError:
        return ""
