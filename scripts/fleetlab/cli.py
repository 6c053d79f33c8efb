"""scripts/fleet-lab: a lab by hand."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from fleetlab.lab import MEGABYTES, Lab
from fleetlab.layer import LabError, missing
from fleetlab.users import PASSWORD, USERS

FOLDER = Path(os.environ.get("OPSKIT_FLEET_LAB") or f"/tmp/opskit-fleet-{os.getuid()}")
HELP = f"""Many small hosts on this machine, for a fleet to be tried on. Each has an sshd on a port of 127.0.0.1,
mounts, processes, a name and files of its own over those of this machine, the opskit of this checkout, and a disk of
{MEGABYTES} MB that it sees as /dev/vdb and as /dev/disk/by-id/virtio-data.

  scripts/fleet-lab up N [--disk MB]         make them: host01, host02 …; says where their inventory is
  scripts/fleet-lab exec HOST [COMMAND…]     run a command in one, by no network; without one, a shell
  scripts/fleet-lab ssh HOST [COMMAND…]      the same over ssh; USER@HOST for another than root:
                                             ops (has sudo), asked (sudo asks for {PASSWORD}), guest (has none)
  scripts/fleet-lab kill HOST                kill all its processes; it is dead until it boots
  scripts/fleet-lab boot HOST                boot it again: files, disk and keys are as it left them
  scripts/fleet-lab unplug HOST              take its disk away
  scripts/fleet-lab swap HOST                another disk, a blank one, in place of the one it has
  scripts/fleet-lab list                     the hosts, their ports, processes and disks
  scripts/fleet-lab down                     end them, and remove all that was made

What is installed or edited in this checkout while it is up, the hosts may lose: then make it anew.

  opskit fleet plan -i $(scripts/fleet-lab inventory) -- disk mount /dev/vdb /data
"""


def main() -> int:
    """Run one command; the exit status is that of the host's command, or 1 with the reason."""
    parser = argparse.ArgumentParser(
        prog="scripts/fleet-lab", description=HELP, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up")
    up.add_argument("number", type=int)
    up.add_argument("--disk", type=int, default=MEGABYTES)
    for name in ("down", "list", "inventory"):
        commands.add_parser(name)
    for name in ("exec", "ssh", "kill", "boot", "unplug", "swap"):
        commands.add_parser(name).add_argument("host")
    for name in ("exec", "ssh"):
        commands.choices[name].add_argument("words", nargs=argparse.REMAINDER)
    try:
        return _run(parser.parse_args())
    except LabError as error:
        print(f"scripts/fleet-lab: {error}", file=sys.stderr)
        return 1


def _check_folder(command: str) -> None:
    """Raise LabError where the folder may be another user's: what is in it says what is run, and on which host."""
    try:
        found = FOLDER.lstat()
    except FileNotFoundError:
        if command in {"up", "down"}:
            return
        raise LabError(f"there is no lab in {FOLDER}: scripts/fleet-lab up 20") from None
    own = found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) & 0o777 == 0o700
    if not (stat.S_ISDIR(found.st_mode) and own):
        raise LabError(f"{FOLDER} is no lab of this user: a folder of its own, mode 0700")


def _run(words: argparse.Namespace) -> int:
    _check_folder(words.command)
    lab = Lab(FOLDER)
    if words.command == "up":
        return _up(words.number, words.disk)
    if words.command == "down":
        lab.down()
        return 0
    if words.command == "inventory":
        print(lab.inventory())
        return 0
    if words.command == "list":
        for host in lab.hosts.values():
            print(f"{host.name}\t127.0.0.1:{host.port}\t{host.pid or 'down'}\t{host.disk or '-'}")
        return 0
    _on_host(lab, words)
    return 0


def _on_host(lab: Lab, words: argparse.Namespace) -> None:
    user, _, name = words.host.rpartition("@")
    if name not in lab.hosts:
        raise LabError(f"there is no {name}: scripts/fleet-lab list")
    if words.command == "exec":
        argv = [*lab.inside(name), *(words.words or ["/bin/sh", "-i"])]
        os.execvp(argv[0], argv)
    if words.command == "ssh":
        argv = [*lab.ssh(name, user or "root"), *words.words]
        os.execvp(argv[0], argv)
    actions: dict[str, Callable[[], None]] = {
        "kill": lambda: lab.kill(name),
        "boot": lambda: lab.boot(name),
        "unplug": lambda: lab.plug(name, ""),
        "swap": lambda: lab.plug(name, lab.blank(f"{name}-{os.getpid()}")),
    }
    actions[words.command]()


def _up(number: int, megabytes: int) -> int:
    why = missing()
    if why:
        raise LabError(why)
    if FOLDER.exists():
        raise LabError(f"there is a lab in {FOLDER}: scripts/fleet-lab down removes it")
    lab = Lab.up(FOLDER, number, megabytes, orphan=True)
    print(f"up: {len(lab.hosts)} hosts {', '.join(USERS)} and root can log in to; their inventory: {lab.inventory()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
