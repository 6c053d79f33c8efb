"""A real journald in a mount namespace: what is sent to it there it keeps in a /var/log that nobody else sees."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from host.hosts import Namespace
from host.tools import ENVIRONMENT, run, until

PROGRAM = "/lib/systemd/systemd-journald"
ID = Path("/etc/machine-id")
# As on a host whose /var is there already; the kernel's and the audit's messages are the machine's.
SETUP = """
mkdir -p /run/systemd /var/log
for place in /run/systemd /var/log /etc/systemd; do mount -t tmpfs none $place; done
mkdir -p /run/systemd/journal /var/log/journal/$(cat /etc/machine-id)
touch /run/systemd/journal/flushed
printf '[Journal]\\nStorage=persistent\\nReadKMsg=no\\nAudit=no\\n' > /etc/systemd/journald.conf
"""


def missing() -> str:
    """Why there can be none; "" where one can."""
    for path in (PROGRAM, str(ID)):
        if not Path(path).exists():
            return f"there is no {path}"
    return ""


class Journald:
    """In this namespace, which gets SETUP; `directory` is where it writes."""

    def __init__(self, inside: Namespace) -> None:
        self.inside = inside
        self.directory = f"/var/log/journal/{ID.read_text().strip()}"
        run(*inside.prefix, "sh", "-euc", SETUP)

    def start(self) -> None:
        """Wait for its socket, too."""
        self.process = subprocess.Popen(
            [*self.inside.prefix, PROGRAM], env=ENVIRONMENT, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: self.sends("MESSAGE=begin", "PRIORITY=6") or self.process.poll() is not None)
        if self.process.poll() is not None:
            pytest.skip("journald does not run here")

    def sends(self, *fields: str) -> bool:
        """Send an entry of these fields. False: it takes none yet."""
        done = run(*self.inside.prefix, "logger", "--journald", input="\n".join(fields), stdin=None, check=False)
        return done.returncode == 0

    def journalctl(self, *words: str) -> str:
        """What journalctl says of it."""
        return run(*self.inside.prefix, "journalctl", "-D", self.directory, *words, check=False).stdout

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()
