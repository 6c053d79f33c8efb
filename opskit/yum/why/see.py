"""What runs the package manager on this host by itself: systemd's units, cron, cloud-init. Reads only."""

from __future__ import annotations

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
from opskit.core.mountinfo import read_mountinfo
from opskit.core.reach import matching, silence_at
from opskit.core.systemd import is_booted
from opskit.yum.why.cron import CronLine, mentions, names, next_run, parse
from opskit.yum.why.model import CRON, Autorun, Autoruns
from opskit.yum.why.units import UNITS, held_until, parse_units

_SHOWN = "Id,LoadState,ActiveState,UnitFileState,FragmentPath,NextElapseUSecRealtime,NextElapseUSecMonotonic"
_RUNS = "Unit,ExecStart"
# Scripts are looked into where a host keeps its own.
_PATHS = re.compile(r"(?<![\w.])/(?:usr|etc|opt|root|s?bin|var)/[\w./+-]+")
_CRON_FOLDERS = ("hourly", "daily", "weekly", "monthly")


def see_autoruns(runner: Runner, root: str = "/") -> Autoruns:
    """What may run the package manager here, by its units, the crontabs and cloud-init's configuration."""
    systemd, files = is_booted(root), _Files(root)
    units, held, silent = _units(runner, files) if systemd else (_enabled(files), 0.0, "")
    entries = (*units, *_crontabs(files), *_cron_folders(files))
    unread = tuple(_unread(files))
    return Autoruns(systemd, entries, unread, silent, held, tuple(files.unanswered.values()))


class _Files:
    """The files below a root (the host's /), without those on mounts that do not answer.

    unanswered: a sentence about each of those that was looked for, by its path.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.mounts = read_mountinfo()
        self.unanswered: dict[str, str] = {}

    def answers(self, path: str) -> bool:
        """Whether a look at this path holds nobody up."""
        if why := silence_at(path, self.mounts):
            self.unanswered[path] = f"{path}: {why}"
        return not why

    def text(self, path: str) -> str:
        """The text of the file at this path; "" where there is none that can be read."""
        try:
            return os.fsdecode(read_bytes(path)) if self.answers(path) else ""
        except OSError:
            return ""

    def matching(self, pattern: str) -> list[str]:
        """The paths below root that a pattern of glob(7) matches."""
        pattern = os.path.join(glob.escape(self.root), pattern)
        return matching(pattern) if self.answers(pattern.partition("/*")[0]) else []

    def counts(self, command: str) -> bool:
        """Whether a command line names a package manager, or a script that runs one."""
        root = "" if self.root == "/" else self.root
        return names(command) or any(self._is_script(root + path) for path in _PATHS.findall(command))

    def _is_script(self, path: str) -> bool:
        """Whether this is a script that runs a package manager."""
        text = self.text(path)
        return text.startswith("#!") and mentions(text)


def _units(runner: Runner, files: _Files) -> tuple[tuple[Autorun, ...], float, str]:
    """What it runs, until when a hold is in force (0: none is), and why systemd did not answer ("": it did)."""
    # In UTC systemctl's times need no guess at a zone.
    # A pattern leaves out what is inactive, as the service of a timer mostly is, unless --all is given.
    argv = ("env", "TZ=UTC", "systemctl", "show", "--all", f"--property={_SHOWN},{_RUNS}")
    try:
        stdout = runner.run(Command((*argv, *UNITS, "*.timer", "*.service"), mutates=False, timeout=20)).stdout
    except OpskitError as error:
        return (), 0.0, f"systemctl: {error.why}"
    boot = time.time() - time.monotonic()
    return parse_units(stdout, boot, files.counts), held_until(stdout, boot), ""


def _enabled(files: _Files) -> tuple[Autorun, ...]:
    """Without systemd running: what would run, by its links."""
    linked = {os.path.basename(path) for path in files.matching("etc/systemd/system/*.wants/*")}
    return tuple(
        Autorun(name, kind, command, "enabled", 0.0, "never: systemd does not run here")
        for name, (kind, command) in UNITS.items()
        if name in linked
    )


def _crontabs(files: _Files) -> Iterator[Autorun]:
    now = datetime.now().astimezone()
    for path, line in _lines(files, files.counts):
        moment = next_run(line.when, now)
        yield Autorun(path, CRON, line.command, "", moment.timestamp() if moment else 0.0, line.when)


def _lines(files: _Files, counts: Callable[[str], bool]) -> Iterator[tuple[str, CronLine]]:
    """The lines of every crontab whose command counts, with the path of the crontab."""
    places = [(os.path.join(files.root, "etc/crontab"), True)]
    places += [(path, True) for path in files.matching("etc/cron.d/*")]
    for pattern in ("var/spool/cron/*", "var/spool/cron/crontabs/*"):
        places += [(path, False) for path in files.matching(pattern)]
    for path, with_user in places:
        for line in parse(files.text(path), with_user=with_user, counts=counts):
            yield path, line


def _cron_folders(files: _Files) -> Iterator[Autorun]:
    now = datetime.now().astimezone()
    for folder in _CRON_FOLDERS:
        # Where anacron is, it runs them, and when is its own affair.
        whole = re.compile(rf"^(?!.*anacron).*\brun-parts\b.*/etc/cron\.{folder}\b")
        runs = [next_run(line.when, now) for _, line in _lines(files, lambda text: whole.match(text) is not None)]  # noqa: B023
        first = min((run.timestamp() for run in runs if run), default=0.0)
        for path in files.matching(f"etc/cron.{folder}/*"):
            if files.answers(path) and os.access(path, os.X_OK) and mentions(files.text(path)):
                yield Autorun(path, CRON, path, "", first, f"{folder}, by cron or anacron")


def _unread(files: _Files) -> Iterator[str]:
    """On EL the crontabs of users are root's alone; where hardening guides are followed, so are those in /etc."""
    folders = ("etc/cron.d", *(f"etc/cron.{folder}" for folder in _CRON_FOLDERS), "var/spool/cron")
    within = (*(f"{folder}/*" for folder in folders), "var/spool/cron/crontabs/*")
    for pattern in ("etc/crontab", *folders, *within):
        for path in filter(files.answers, files.matching(pattern)):
            if not os.access(path, os.R_OK | os.X_OK if os.path.isdir(path) else os.R_OK):
                yield path
