"""The process that has the hosts of a lab as its children: they end with it, whatever ends it.

usage: python -m fleetlab.keeper FOLDER NUMBER MEGABYTES [--until-eof]

It has made FOLDER/lab.json, and "up" is on stdout, once all hosts are up. On the socket FOLDER/control it takes a line
of JSON, and answers with one, {} or {"error": why}: {"do": "boot" | "kill" | "plug" | "down", "host": …, "disk": …}.
--until-eof: it ends with what it reads from stdin: with the process that started it.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import uuid
from pathlib import Path
from typing import Any, Optional

from fleetlab import disks, users
from fleetlab.inside import CLONE_NEWNS, CLONE_NEWPID, MS_PRIVATE, MS_REC, Place, call, live, mount, shown
from fleetlab.layer import LabError, layer

# What this machine has of opskit's, and no new host.
HIDDEN = ("var/lib/opskit", "etc/opskit")
FSTAB = "# /etc/fstab of a host of the fleet lab\n"


class Host:
    """One host: its folder, its port, and its first process while it is up."""

    def __init__(self, place: Place, machine: Path, megabytes: int) -> None:
        self.place = place
        self.pid = 0
        # Without a socket of it, the port may be another's by the next boot: this one has it, and never listens.
        self.reserved = socket.socket()
        self.reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reserved.bind(("127.0.0.1", 0))
        self.port: int = self.reserved.getsockname()[1]
        self.disk = ""
        self.image = ""
        self.taken_away: list[str] = []  # and still in use when it was
        if megabytes:
            image = machine / "disks" / f"{place.name}.img"
            with image.open("xb") as file:
                file.truncate(megabytes << 20)
            self.plug(str(image))

    def plug(self, image: str) -> None:
        """Another disk in place of the one it has, or none."""
        if self.disk and not disks.release(self.disk):
            self.taken_away.append(self.disk)
        self.disk, self.image = disks.attach(Path(image)) if image else "", image
        if self.pid:
            disks.show(Path("/proc", str(self.pid), "root"), self.disk)

    def begin(self) -> int:
        """Begin to boot it. Returns a pipe on which it says what went wrong; it ends when the host is up."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        gone, go = os.pipe()
        said, ready = os.pipe()
        # A child is the first of a new PID namespace; the next one is to be of another.
        call("unshare", CLONE_NEWPID)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(go)
            live(self.place, self.disk, listener, gone, ready)
        own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        call("setns", own, CLONE_NEWPID)
        os.close(own)
        os.write(go, b"\n")
        for descriptor in (gone, go, ready):
            os.close(descriptor)
        listener.close()
        return said

    def kill(self) -> None:
        """End it, as a power cut does, but that what it wrote to its files is there."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def told(self) -> dict[str, Any]:
        """What lab.json says of it."""
        upper = str(self.place.own / "upper")
        return {"port": self.port, "pid": self.pid, "disk": self.disk, "image": self.image, "upper": upper}


class Keeper:
    """The hosts of a lab in a folder."""

    def __init__(self, folder: Path, number: int, megabytes: int) -> None:
        self.folder = folder
        self.asked_last: object = None
        call("unshare", CLONE_NEWNS)
        mount("none", Path("/"), "", MS_REC | MS_PRIVATE)
        state = folder / "state"
        mount("fleet-lab", state, "tmpfs", 0, "mode=700")
        # Not below / any more: an overlay does not take a folder twice.
        shutil.copytree(layer(), state / "layer", symlinks=True)
        disks.write_programs(state / "layer")
        # The one Python of all hosts, whatever this machine has under that name.
        python = state / "layer/usr/bin/python3"
        python.symlink_to(os.path.realpath(sys.executable))
        key = users.make_key(folder / "key", "fleet-lab")
        known = []
        self.hosts: dict[str, Host] = {}
        for name in (f"host{index + 1:02d}" for index in range(number)):
            own = state / name
            for part in ("upper", "work", "root"):
                (own / part).mkdir(parents=True, mode=0o755)
                (own / part).chmod(0o755)
            host = Host(Place(name, own, state / "layer", shown()), folder, megabytes)
            public = users.make_key(own / "key", name)
            known.append(f"[127.0.0.1]:{host.port} {public}")
            _write_files(own, name, key)
            self.hosts[name] = host
        (folder / "known_hosts").write_text("\n".join(known) + "\n")

    def boot(self, *names: str) -> None:
        """Boot these hosts, all at once. Raises LabError."""
        pipes = {name: self.hosts[name].begin() for name in names if not self.hosts[name].pid}
        said = ""
        for descriptor in pipes.values():
            with open(descriptor) as pipe:
                said = said or pipe.read()
        if said:
            raise LabError(said)

    def tell(self) -> None:
        """Write lab.json."""
        told = {"keeper": os.getpid(), "hosts": {name: host.told() for name, host in self.hosts.items()}}
        fresh = self.folder / "lab.json.new"
        fresh.write_text(json.dumps(told, indent=1))
        fresh.rename(self.folder / "lab.json")

    def do(self, asked: dict[str, Any]) -> None:
        """What was asked for on the socket, but the end."""
        host = self.hosts[asked["host"]]
        if asked["do"] == "boot":
            self.boot(asked["host"])
        elif asked["do"] == "kill":
            host.kill()
        elif asked["do"] == "plug":
            host.plug(asked["disk"])
        else:
            raise LabError(f"{asked['do']}: what is that?")
        self.tell()

    def close(self) -> None:
        """End all hosts, and let go of their disks."""
        for host in self.hosts.values():
            host.kill()
        disks.release_all(disk for host in self.hosts.values() for disk in (host.disk, *host.taken_away) if disk)


def _write_files(own: Path, name: str, key: str) -> None:
    """The files in which a host differs from this machine."""
    upper = own / "upper"
    for folder in ("etc/ssh", "usr/local/bin", "var/log", "home"):
        (upper / folder).mkdir(parents=True)
    users.write_accounts(upper / "etc")
    for user, number in (("root", 0), *((user, number) for user, (number, _) in users.USERS.items())):
        (upper / "home" / user).mkdir(mode=0o700)
        os.chown(upper / "home" / user, number, number)
    texts = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {name}\n",
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
        "etc/fstab": FSTAB,
        "etc/ssh/fleet_lab_config": users.SSHD_CONFIG,
        "etc/ssh/fleet_lab_authorized_keys": key,
    }
    for path, text in texts.items():
        (upper / path).write_text(text)
    shutil.copy(own / "key", upper / "etc/ssh/fleet_lab_host_key")
    (upper / "etc/ssh/fleet_lab_host_key").chmod(0o600)
    for path in HIDDEN:
        (upper / path).parent.mkdir(parents=True, exist_ok=True)
        os.mknod(upper / path, 0o020000, 0)  # overlayfs: a file that is not there
    opskit = Path(sys.executable).with_name("opskit")
    if opskit.exists():
        (upper / "usr/local/bin/opskit").symlink_to(opskit)


def serve(keeper: Keeper, control: socket.socket, until: Optional[int]) -> None:
    """Do what is asked for, until the end is."""
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    if until is not None:
        selector.register(until, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not control:
                return
            connection, _ = control.accept()
            stream = connection.makefile("rw")
            asked = json.loads(stream.readline())
            if asked["do"] == "down":
                # It stays open: who asked sees the end of this process by its own.
                keeper.asked_last = stream, connection
                return
            answer = {}
            try:
                keeper.do(asked)
            except (LabError, OSError, KeyError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            with connection, stream:
                stream.write(json.dumps(answer) + "\n")


def main() -> int:
    """Have the hosts, until the end."""
    folder, number, megabytes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit(0))
    keeper = None
    try:
        keeper = Keeper(folder, number, megabytes)
        keeper.boot(*keeper.hosts)
        control = socket.socket(socket.AF_UNIX)
        control.bind(str(folder / "control"))
        control.listen(8)
        keeper.tell()
        print("up", flush=True)
        serve(keeper, control, 0 if "--until-eof" in sys.argv else None)
    except (LabError, OSError) as error:
        print(f"the lab: {error}", file=sys.stderr)
        return 1
    finally:
        if keeper:
            keeper.close()
        else:
            disks.release_all(disks.attached(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
