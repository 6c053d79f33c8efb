"""A lab from outside: made, its hosts, commands on them, its inventory."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from fleetlab import disks
from fleetlab.layer import LabError, layer

SCRIPTS = Path(__file__).resolve().parents[1]
# An xfs wants 300.
MEGABYTES = 512
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Host:
    """A host as it is now.

    pid: of its first process; 0 while it is down
    disk, image: its loop device and the file behind it; "" for none
    upper: what it has written, by the name it has in the keeper's mount namespace
    """

    name: str
    port: int
    pid: int
    disk: str
    image: str
    upper: str


class Lab:
    """The lab in a folder."""

    def __init__(self, folder: Path, keeper: Optional[subprocess.Popen[str]] = None) -> None:
        self.folder = folder
        self._keeper = keeper

    @classmethod
    def up(cls, folder: Path, number: int, megabytes: int = MEGABYTES, *, orphan: bool = False) -> Lab:
        """Make so many hosts, each with a blank disk (0: none). Raises LabError.

        folder: a new one; its path is short, for the path of a UNIX socket holds 107 bytes
        orphan: it goes on when this process ends
        """
        layer()
        folder.mkdir(mode=0o700)
        for name in ("disks", "state"):
            (folder / name).mkdir()
        words = [str(folder), str(number), str(megabytes), *([] if orphan else ["--until-eof"])]
        with (folder / "keeper.log").open("w") as log:
            keeper = subprocess.Popen(
                [sys.executable, "-m", "fleetlab.keeper", *words],
                stdin=subprocess.DEVNULL if orphan else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd="/",
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(SCRIPTS), "PATH": PATH},
            )
        made = cls(folder, keeper)
        assert keeper.stdout
        if keeper.stdout.readline() != "up\n":
            why = (folder / "keeper.log").read_text()
            made.down()
            raise LabError(f"no lab: {why}")
        return made

    @property
    def hosts(self) -> dict[str, Host]:
        """The hosts, by their names. Raises LabError when there is no lab."""
        return {name: Host(name, **values) for name, values in self._told()["hosts"].items()}

    def _told(self) -> Any:
        try:
            return json.loads((self.folder / "lab.json").read_text())
        except FileNotFoundError:
            raise LabError(f"there is no lab in {self.folder}: scripts/fleet-lab up 20") from None

    def boot(self, name: str) -> None:
        """Boot a host that is down: its files and its disk are as it left them."""
        self._ask({"do": "boot", "host": name})

    def kill(self, name: str) -> None:
        """Kill a host: its first process, and with it all others."""
        self._ask({"do": "kill", "host": name})

    def plug(self, name: str, image: str) -> None:
        """Give a host another disk, this image, in place of the one it has; "": take that away."""
        self._ask({"do": "plug", "host": name, "disk": image})

    def blank(self, name: str, megabytes: int = MEGABYTES) -> str:
        """The path of a new image, all zeros, in this lab's folder."""
        path = self.folder / "disks" / f"{name}.img"
        with path.open("xb") as file:
            file.truncate(megabytes << 20)
        return str(path)

    def _ask(self, what: dict[str, str]) -> None:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.folder / "control"))
            with control.makefile("rw") as stream:
                stream.write(json.dumps(what) + "\n")
                stream.flush()
                answer = json.loads(stream.readline() or "{}")
        if "error" in answer:
            raise LabError(str(answer["error"]))

    def inside(self, name: str) -> list[str]:
        """What runs a command in a host, by no network."""
        pid = self.hosts[name].pid
        if not pid:
            raise LabError(f"{name} is down")
        return ["nsenter", "--mount", "--uts", "--pid", f"--target={pid}", "--"]

    def run(self, name: str, *argv: str, check: bool = True, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in a host. Raises LabError when it fails.

        text: what it reads on stdin
        """
        words = [*self.inside(name), *argv]
        done = subprocess.run(
            words, input=text, capture_output=True, text=True, check=False, env={"PATH": PATH, "HOME": "/home/root"}
        )
        if check and done.returncode:
            raise LabError(f"{name}: {shlex.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    @property
    def ssh_options(self) -> list[str]:
        """The options of ssh: nothing of this user's is read, and a host's key must be the one it was made with."""
        options = (
            "StrictHostKeyChecking=yes",
            "GlobalKnownHostsFile=/dev/null",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
        )
        known = ("-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}")
        return ["-F", "none", *(word for option in options for word in ("-o", option)), *known]

    def ssh(self, name: str, user: str = "root") -> list[str]:
        """The words that run a command in a host over ssh, before the command."""
        port = str(self.hosts[name].port)
        return [
            "ssh",
            *self.ssh_options,
            "-o",
            "BatchMode=yes",
            "-i",
            str(self.folder / "key"),
            "-p",
            port,
            f"{user}@127.0.0.1",
        ]

    def inventory(self, variables: Optional[Mapping[str, Mapping[str, object]]] = None) -> Path:
        """Write Ansible's inventory of the hosts, anew.

        variables: of a host, more than where it is
        """
        shared = {
            "ansible_host": "127.0.0.1",
            "ansible_ssh_private_key_file": str(self.folder / "key"),
            "ansible_ssh_common_args": shlex.join(self.ssh_options),
        }
        hosts = {
            name: {"ansible_port": host.port, **(variables or {}).get(name, {})} for name, host in self.hosts.items()
        }
        # JSON is YAML, by which Ansible reads it.
        path = self.folder / "inventory.yml"
        path.write_text(json.dumps({"all": {"vars": shared, "children": {"lab": {"hosts": hosts}}}}, indent=1) + "\n")
        return path

    def down(self) -> None:
        """End the hosts and their keeper, let go of their disks, remove the folder. What is gone is no error."""
        if self._keeper:
            for stream in (self._keeper.stdin, self._keeper.stdout):
                if stream:
                    stream.close()
            if not self._keeper.stdin:
                self._keeper.terminate()
            self._keeper.wait()
        else:
            # A keeper that was killed does not answer: its hosts are gone, their disks are not.
            with contextlib.suppress(OSError):
                self._ask({"do": "down"})
        disks.release_all(disks.attached(self.folder))
        if self.folder.exists():
            shutil.rmtree(self.folder)
