"""The control node of a fleet: opskit and Ansible with a home, a configuration and a state of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Optional

import pytest

from fleetlab.lab import Lab
from host.hosts import Terminal
from host.tools import OPSKIT, Answer

SECONDS = 1200


class Control:
    """opskit fleet over the hosts of a lab."""

    def __init__(self, lab: Lab) -> None:
        if not Path(sys.executable).with_name("ansible-playbook").exists():
            pytest.skip("no ansible-core for this Python")
        self.lab = lab
        # Short: an ssh that waits for the next task has a UNIX socket in its home.
        self.folder = folder = lab.folder / "home"
        folder.mkdir()
        # Empty, and named: no configuration of this user or host is read.
        (folder / "ansible.cfg").touch()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "OPSKIT_CONFIG": os.environ["OPSKIT_CONFIG"],
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
        }

    @property
    def runs(self) -> Path:
        """Where the states of its runs are."""
        return self.folder / "state" / "opskit" / "fleet"

    def inventory(self, variables: Optional[Mapping[str, Mapping[str, object]]] = None) -> str:
        """The inventory of all hosts; variables are more of one."""
        return str(self.lab.inventory(variables))

    def start(self, *words: str, under: Iterable[str] = ()) -> subprocess.Popen[str]:
        """`opskit fleet …`, under another program."""
        return subprocess.Popen(
            [*under, *OPSKIT, "fleet", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd="/",
        )

    def run(self, *words: str) -> Answer:
        """`opskit fleet …`, to its end."""
        return ended(self.start(*words))

    def terminal(self, *words: str) -> Terminal:
        """The same on a terminal."""
        return Terminal([*OPSKIT, "fleet", *words], {**self.environment, "TERM": "xterm"}, controls=True)

    def start_of_its_own(self, *words: str) -> subprocess.Popen[str]:
        """The same on a machine of its own, as it were: what is killed with it is all that it started."""
        return self.start(*words, under=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"))


def ended(process: subprocess.Popen[str]) -> Answer:
    """How it ended."""
    out, err = process.communicate(timeout=SECONDS)
    return Answer(process.returncode, out, err)
