"""See: what every command here asks of the host: its systemd, whether journald runs, the time."""

from __future__ import annotations

import os
import time

from opskit.core.command import Command
from opskit.core.errors import Failed, UsageFault
from opskit.core.runner import Runner
from opskit.journal.releases import Version, parse_version


def running_version(runner: Runner) -> Version:
    """The systemd whose journalctl is on this host. Raises Missing without one, Failed when it does not say."""
    stdout = runner.run(Command(("journalctl", "--version"), mutates=False)).stdout
    try:
        return parse_version(stdout.splitlines()[0])
    except (UsageFault, IndexError) as error:
        raise Failed("journalctl --version", f"it says {stdout[:80]!r}", todo="name it: --systemd-version") from error


def journald_runs(namespace: str = "") -> bool:
    """Whether there is a journald for this namespace, or one that begins when something is logged to it."""
    return os.path.exists(f"/run/systemd/journal{'.' if namespace else ''}{namespace}/socket")


def now_microseconds() -> int:
    """The clock that journalctl looks at."""
    return time.time_ns() // 1000
