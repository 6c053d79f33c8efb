"""What runs the package manager on this host by itself: systemd's units, cron, cloud-init. Reads only."""

from __future__ import annotations

import functools
import glob
import os
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Callable

from opskit.core.command import Command, Runner
from opskit.core.errors import OpskitError
from opskit.core.files import read_bytes
from opskit.core.systemd import is_booted
from opskit.yum.why.cron import CronLine, mentions, names, next_run, parse
from opskit.yum.why.model import CRON, Autorun, Autoruns
from opskit.yum.why.units import UNITS, held_until, parse_units

_SHOWN = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,NextElapseUSecRealtime,NextElapseUSecMonotonic"
_RUNS = "Unit,ExecStart"
# Scripts are looked into where a host keeps its own: a network mount that does not answer would block us forever.
_PATHS = re.compile(r"(?<![\w.])/(?:usr|etc|opt|root|s?bin|var)/[\w./+-]+")
_CRON_FOLDERS = ("hourly", "daily", "weekly", "monthly")


def see_autoruns(runner: Runner, root: str = "/") -> Autoruns:
    """What may run the package manager here, by its units, the crontabs and cloud-init's configuration."""
    systemd = is_booted(root)
    units, held, silent = _units(runner) if systemd else (_enabled(root), 0.0, "")
    return Autoruns(systemd, (*units, *_crontabs(root), *_cron_folders(root)), tuple(_unread(root)), silent, held)


def _units(runner: Runner) -> tuple[tuple[Autorun, ...], float, str]:
    """What it runs, until when a hold is in force (0: none is), and why systemd did not answer ("": it did)."""
    # In UTC systemctl's times need no guess at a zone.
    # A pattern leaves out what is inactive, as the service of a timer mostly is, unless --all is given.
    argv = ("env", "TZ=UTC", "systemctl", "show", "--all", f"--property={_SHOWN},{_RUNS}")
    try:
        stdout = runner.run(Command((*argv, *UNITS, "*.timer", "*.service"), mutates=False, timeout=20)).stdout
    except OpskitError as error:
        return (), 0.0, f"systemctl: {error.why}"
    boot = time.time() - time.monotonic()
    return parse_units(stdout, boot, _counts), held_until(stdout, boot), ""


def _enabled(root: str) -> tuple[Autorun, ...]:
    """Without systemd running: what would run, by its links."""
    linked = {os.path.basename(path) for path in glob.glob(os.path.join(root, "etc/systemd/system/*.wants/*"))}
    return tuple(
        Autorun(name, kind, command, "enabled", 0.0, "never: systemd does not run here")
        for name, (kind, command) in UNITS.items()
        if name in linked
    )


def _crontabs(root: str) -> Iterator[Autorun]:
    now = datetime.now().astimezone()
    for path, line in _lines(root, functools.partial(_counts, root=root)):
        moment = next_run(line.when, now)
        yield Autorun(path, CRON, line.command, "", moment.timestamp() if moment else 0.0, line.when)


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
        runs = [next_run(line.when, now) for _, line in _lines(root, lambda text: whole.match(text) is not None)]  # noqa: B023
        first = min((run.timestamp() for run in runs if run), default=0.0)
        for path in sorted(glob.glob(os.path.join(root, f"etc/cron.{folder}/*"))):
            if os.access(path, os.X_OK) and mentions(_text(path)):
                yield Autorun(path, CRON, path, "", first, f"{folder}, by cron or anacron")


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
        return os.fsdecode(read_bytes(path))
    except OSError:
        return ""
