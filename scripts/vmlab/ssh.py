"""The way into the guest: ssh on a port of loopback, with the image's key, one connection for all commands."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Optional

from vmlab.image import Image, LabError

SSH_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "HostKeyAlias": "opskit-vm",
    "IdentitiesOnly": "yes",
    "ControlMaster": "auto",
    "ControlPersist": "yes",
    "LogLevel": "ERROR",
}
# What hangs is ended; a busy machine is no reason to fail.
PATIENCE = 1700.0  # seconds


class Ssh:
    """Runs commands in the guest. starts: how often it was started; a connection does not outlive that."""

    def __init__(self, directory: Path, image: Image) -> None:
        self.directory = directory
        self.image = image
        self.port = 0
        self.starts = 0

    def ssh(self, *command: str, user: str = "root", terminal: bool = False) -> list[str]:
        """The ssh command line that runs a command in the guest; without one, a login."""
        control = self.directory / f"ssh-{self.starts}-{user}"
        options = {**SSH_OPTIONS, "ControlPath": str(control), "UserKnownHostsFile": str(self.image.known_hosts)}
        argv = ["ssh", "-F", "none", "-i", str(self.image.key), "-p", str(self.port)]
        argv += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        argv += ["-tt"] if terminal else []
        return [*argv, f"{user}@127.0.0.1", *([shlex.join(command)] if command else [])]

    def run(
        self,
        *command: str,
        user: str = "root",
        check: bool = True,
        timeout: float = PATIENCE,
        stdin: Optional[str] = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the guest. Raises LabError with what it said when it fails (unless check is off)."""
        done = subprocess.run(
            self.ssh(*command, user=user),
            check=False,
            input=stdin or "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
        )
        if check and done.returncode != 0:
            raise LabError(f"{shlex.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start_command(self, *command: str, terminal: bool = False) -> subprocess.Popen[str]:
        """Start a command in the guest and do not wait for it; its output is one pipe."""
        return subprocess.Popen(
            self.ssh(*command, terminal=terminal),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def close_ssh(self) -> None:
        """End the connections; the next command opens one of its own."""
        for control in self.directory.glob("ssh-*"):
            argv = ["ssh", "-F", "none", "-o", f"ControlPath={control}", "-O", "exit", "opskit-vm"]
            subprocess.run(argv, check=False, capture_output=True, stdin=subprocess.DEVNULL)
            control.unlink(missing_ok=True)
