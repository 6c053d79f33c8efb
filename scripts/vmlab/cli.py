"""scripts/vm: one machine by hand."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from vmlab.booted import booted
from vmlab.image import CACHE, LabError, image, missing
from vmlab.machine import Machine

# Short, and not in the checkout: the path of a UNIX socket holds 107 bytes.
DIRECTORY = Path(os.environ.get("OPSKIT_VM_DIR") or f"/tmp/opskit-vm-{os.getuid()}")
SNAPSHOTS = CACHE / "snapshots"
HELP = """A virtual machine like a cloud instance, with the opskit of this checkout in it.

  scripts/vm build                       only build it, so that what comes next need not wait; says what is missing here
  scripts/vm up [--write-cache]          build it if need be, and go on from a machine that has booted;
                                         --write-cache: its disks have one that `cut --lose` loses
  scripts/vm ssh [COMMAND…]              run a command in it; without one, a login
  scripts/vm snapshot [NAME]             keep this moment, memory and disks
  scripts/vm reset [NAME]                back to it; without a NAME, to the booted machine
  scripts/vm attach NAME [--size GIB] [--serial S] [--model nvme]      a blank disk more
  scripts/vm detach NAME                 unplug a disk
  scripts/vm enlarge NAME GIB            make a disk larger while it is in use (not with --write-cache)
  scripts/vm fail NAME read|write|flush  each such request to the disk fails from now on
  scripts/vm heal NAME                   the disk works again
  scripts/vm cut [--lose]                cut the power; --lose: what the guest had not flushed is gone
  scripts/vm boot                        switch it on again
  scripts/vm down                        switch it off and remove it

OPSKIT_VM_DAYS=400: the clock of a machine that is built and booted then is 400 days ahead, also that of the tests.
"""


def main() -> int:
    """Run one command; the exit status is that of the guest's command, or 1 with the reason."""
    parser = argparse.ArgumentParser(prog="scripts/vm", description=HELP, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up").add_argument("--write-cache", action="store_true")
    for name in ("build", "boot", "down"):
        commands.add_parser(name)
    commands.add_parser("ssh").add_argument("words", nargs=argparse.REMAINDER)
    for name in ("snapshot", "reset"):
        commands.add_parser(name).add_argument("name", nargs="?")
    for name in ("attach", "detach", "enlarge", "fail", "heal"):
        commands.add_parser(name).add_argument("name")
    sub = commands.choices
    sub["attach"].add_argument("--size", type=int, default=2)
    sub["attach"].add_argument("--serial", default="")
    sub["attach"].add_argument("--model", choices=("virtio-blk-pci", "nvme"), default="virtio-blk-pci")
    sub["enlarge"].add_argument("gib", type=int)
    sub["fail"].add_argument("kind", choices=("read", "write", "flush"))
    commands.add_parser("cut").add_argument("--lose", action="store_true")
    try:
        return _run(parser.parse_args())
    except LabError as error:
        print(f"scripts/vm: {error}", file=sys.stderr)
        return 1


def _run(words: argparse.Namespace) -> int:
    if words.command == "build":
        print(missing() or f"built: {booted().parent.name}")
        return 0
    if words.command == "up":
        return _up(losing=words.write_cache)
    machine = Machine.open(DIRECTORY, image())
    actions: dict[str, Callable[[], None]] = {
        "ssh": lambda: _ssh(machine, words.words),
        "snapshot": lambda: _snapshot(machine, SNAPSHOTS / (words.name or "default")),
        "reset": lambda: _reset(machine, SNAPSHOTS / words.name if words.name else booted()),
        "attach": lambda: _attach(machine, words),
        "detach": lambda: machine.detach(words.name),
        "enlarge": lambda: machine.enlarge(words.name, words.gib << 30),
        "fail": lambda: machine.fail(words.name, words.kind),
        "heal": lambda: machine.heal(words.name),
        "cut": lambda: machine.cut(lose=words.lose),
        "boot": machine.start,
        "down": machine.remove,
    }
    actions[words.command]()
    return 0


def _ssh(machine: Machine, command: list[str]) -> None:
    argv = machine.ssh()
    # As ssh does: the words are one line for the guest's shell.
    argv += [" ".join(command)] if command else []
    os.execvp(argv[0], argv)


def _reset(machine: Machine, snapshot: Path) -> None:
    if not snapshot.exists():
        raise LabError(f"there is no snapshot {snapshot.name}: scripts/vm snapshot {snapshot.name}")
    machine.reset(snapshot, losing=machine.losing)


def _snapshot(machine: Machine, directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
    machine.snapshot(directory)


def _attach(machine: Machine, words: argparse.Namespace) -> None:
    machine.add(words.name, words.size << 30, serial=words.serial, model=words.model)
    machine.attach(words.name)


def _up(*, losing: bool) -> int:
    if (DIRECTORY / "machine.json").exists():
        print(f"scripts/vm: there is a machine in {DIRECTORY}: scripts/vm down removes it", file=sys.stderr)
        return 1
    Machine(DIRECTORY, image(), orphan=True).reset(booted(), losing=losing)
    print("up: scripts/vm ssh opskit disk mount /dev/vdb /data --dry-run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
