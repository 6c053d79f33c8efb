"""What the tests ask of the guest."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Optional

from vmlab.booted import GUEST_PYTHON, MANY, MANY_FOLDERS
from vmlab.image import LabError
from vmlab.machine import Machine
from vmlab.ssh import PATIENCE

FSTAB = "/etc/fstab"
TARGET = "/data"
LEDGER = "/var/lib/opskit/ledger.jsonl"
NOBODY = 97  # no exit status of sh or ssh


def opskit(vm: Machine, *words: str, check: bool = True, user: str = "root") -> subprocess.CompletedProcess[str]:
    """Run opskit in the guest; without a start of Python, until the guest has booted again (batches)."""
    command = ["opskit", *words]
    answered = _answered(vm, [[words]], user=user)
    if not answered:
        return vm.run(*command, check=check, user=user)
    ended = Ended(**json.loads(answered)["ended"][0])
    if check and ended.status != 0:
        raise LabError(f"{shlex.join(command)}: exit {ended.status}\n{ended.out}{ended.err}")
    return subprocess.CompletedProcess(command, ended.status, ended.out, ended.err)


def answer(vm: Machine, *words: str, user: str = "root") -> dict[str, Any]:
    """The JSON envelope that a command of opskit answers with, and its exit status as `status`."""
    done = opskit(vm, *words, "--json", check=False, user=user)
    assert done.stdout, done.stderr
    envelope = json.loads(done.stdout)
    assert envelope["ok"] is (done.returncode in {0, 3, 4}), done
    return {**envelope, "status": done.returncode}


def answered(vm: Machine, *words: str, typed: str = "y\n") -> Ended:
    """Run opskit at a terminal where this is typed. Not after a boot."""
    return Ended(**json.loads(_answered(vm, [[words]], typed=typed))["ended"][0])


def killed(vm: Machine, step: int, *words: str) -> None:
    """Run opskit, which ends itself as soon as the ledger has that this step is done (core/ledger.py)."""
    answered = _answered(vm, [[words]], added={"OPSKIT_TEST_KILL": f"stepped:{step}"})
    assert json.loads(answered)["ended"][0]["status"] == -signal.SIGKILL, answered


def booted_again(vm: Machine) -> None:
    """The commands of opskit that follow are without a start of Python again."""
    vm.run(GUEST_PYTHON, "-c", MANY.read_text(), MANY_FOLDERS["root"])


def mount(vm: Machine, device: str = "/dev/vdb", target: str = TARGET, *more: str) -> None:
    """Put a disk into service; the test fails with what opskit said when that fails."""
    opskit(vm, "disk", "mount", device, target, "--yes", *more)


def read(vm: Machine, path: str) -> str:
    """A file of the guest."""
    return vm.run("cat", path).stdout


def mounted(vm: Machine, target: str = TARGET) -> Optional[dict[str, Any]]:
    """What is mounted there now: source, uuid, fstype, options; None when nothing is."""
    done = vm.run("findmnt", "--json", "-o", "SOURCE,UUID,FSTYPE,OPTIONS", "--mountpoint", target, check=False)
    return json.loads(done.stdout)["filesystems"][-1] if done.returncode == 0 else None


def uuid(vm: Machine, device: str) -> str:
    """The UUID of the filesystem on a device, read from its bytes; empty without one."""
    return vm.run("blkid", "-p", "-s", "UUID", "-o", "value", device, check=False).stdout.strip()


def failed_units(vm: Machine) -> str:
    """What `systemctl --failed` lists; empty on a healthy host."""
    return vm.run("systemctl", "--failed", "--no-legend", "--plain").stdout


def ledger(vm: Machine) -> list[dict[str, Any]]:
    """The ledger's entries; a torn line fails the test."""
    return [json.loads(line) for line in read(vm, LEDGER).splitlines()]


def settled(vm: Machine) -> str:
    """Wait until no job of the boot is left; `running`, or `degraded` when a unit has failed."""
    return vm.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()


def appeared(vm: Machine, serial: str) -> None:
    """Wait until udev has looked at the virtio disk with this serial number."""
    wait_for_devices(vm, f"/dev/disk/by-id/virtio-{serial}")


def wait_for_devices(vm: Machine, *devices: str) -> None:
    """Wait until udev has looked at these devices."""
    vm.run("udevadm", "wait", *devices)


def wait_for_disk(vm: Machine, filesystem: str, *, seconds: int) -> None:
    """From the next boot on systemd waits so long for the disk with this UUID: ten minutes else (scripts/vmlab/guest).

    By itself it waits 90 s, which proves nothing more.
    """
    unit = vm.run("systemd-escape", "--path", "--suffix=device", f"/dev/disk/by-uuid/{filesystem}").stdout.strip()
    limit = f"[Unit]\nJobRunningTimeoutSec={seconds}\n"
    # Read after the file that all devices have, 90-lab.conf.
    script = 'mkdir "$1"; cat > "$1/95-test.conf"'
    vm.run("sh", "-euc", script, "sh", f"/etc/systemd/system/{unit}.d", stdin=limit)


def until(command: subprocess.Popen[str], words: str) -> str:
    """What a command started with start_command has said, up to and with these words; the test fails at its end."""
    assert command.stdout
    last = ""
    while words not in last:
        letter = command.stdout.read(1)
        assert letter, last
        last += letter
    return last


class Ended(NamedTuple):
    """How a command of batches() ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The envelope that a command with --json answered with."""
        assert self.out, self.err
        return json.loads(self.out)

    @property
    def ids(self) -> list[str]:
        """The ids of the findings."""
        return [finding["id"] for finding in self.json["findings"]]

    @property
    def text(self) -> str:
        """What the findings say to a person, remedies included."""
        return "\n".join(f"{finding['title']}: {finding['remedy']}" for finding in self.json["findings"])


class Batch(NamedTuple):
    """What ran at the same time, and what the watched files held afterwards, by path."""

    ended: tuple[Ended, ...]
    watched: dict[str, str]


def batches(
    vm: Machine, many: Iterable[Iterable[Sequence[str]]], *, watched: Sequence[str] = (), timeout: float = PATIENCE
) -> list[Batch]:
    """Run batches of opskit commands, one batch after the other, the commands of one at the same time (many.py)."""
    many = [[list(command) for command in batch] for batch in many]
    answered = _answered(vm, many, watched, timeout)
    if not answered:
        request = _request(many, watched, {})
        answered = vm.run(GUEST_PYTHON, "-c", MANY.read_text(), stdin=request, timeout=timeout).stdout
    lines = [json.loads(line) for line in answered.splitlines()]
    return [Batch(tuple(Ended(**ended) for ended in line["ended"]), line["watched"]) for line in lines]


# The snapshot has a process that has imported opskit and forks for each command; a guest that has booted has none.
ASK = f"""
cd "$1" && kill -0 $(cat pid) || exit {NOBODY}
cat > in
cat out
"""
# The same for who has better to do than to wait for the answer.
ASK_BESIDE = """
cd "$1"
printf %s "$2" > in
cat out
"""


def _request(
    many: Sequence[Sequence[Sequence[str]]], watched: Sequence[str], added: Mapping[str, str], typed: str = ""
) -> str:
    request = {"batches": many, "watched": watched, "environment": None, "added": added, "typed": typed}
    return json.dumps(request) + "\n"


def _answered(
    vm: Machine,
    many: Sequence[Sequence[Sequence[str]]],
    watched: Sequence[str] = (),
    timeout: float = PATIENCE,
    *,
    user: str = "root",
    added: Mapping[str, str] = MappingProxyType({}),
    typed: str = "",
) -> str:
    """What the process in the snapshot answers; empty when it is not there."""
    request = _request(many, watched, dict(added), typed)
    done = vm.run("sh", "-c", ASK, "sh", MANY_FOLDERS[user], stdin=request, check=False, timeout=timeout, user=user)
    if done.returncode == NOBODY:
        return ""
    if done.returncode != 0 or not done.stdout:
        raise LabError(f"{many}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def each(vm: Machine, commands: Iterable[Sequence[str]], *, timeout: float = PATIENCE) -> list[Ended]:
    """Run opskit commands one after the other."""
    return [batch.ended[0] for batch in batches(vm, [[command] for command in commands], timeout=timeout)]


# In memory: to stop a program and to let it go on takes and gives back no block of the root filesystem.
GATE = "/dev/shm/gate"
GATED = """#!/bin/sh
gate={gate} real={gate}/real/{program}
{before}
echo reached > $gate/reached
read -r _ < $gate/open
{after}
"""


class Gate:
    """A program of the guest that opskit runs, stopped just before its work or (after) just behind it.

    A test waits until it is reached, changes the world, and opens it. It stops once.
    """

    def __init__(self, vm: Machine, program: str, *, after: bool = False) -> None:
        self.vm = vm
        # opskit looks there first.
        self.path = f"/usr/sbin/{program}"
        text = GATED.format(
            gate=GATE,
            program=program,
            before='"$real" "$@"; status=$?' if after else "",
            after="exit $status" if after else 'exec "$real" "$@"',
        )
        # By its own name: mke2fs looks at that.
        real = f'"$(readlink -f "$(PATH=/usr/sbin:/usr/bin command -v {program})")"'
        make = f"mkdir -p {GATE}/real; mkfifo {GATE}/reached {GATE}/open; ln -s {real} {GATE}/real/{program}"
        # A link, as the programs in /usr/sbin are that a gate can stand for.
        keep = f"[ ! -L {self.path} ] || cp -P {self.path} {GATE}/kept"
        put = f"cat > {GATE}/program; chmod 755 {GATE}/program; ln -sfn {GATE}/program {self.path}"
        vm.run("sh", "-euc", f"{make}; {keep}; {put}", stdin=text)

    def reached(self) -> None:
        """Wait until opskit has come to it."""
        self.vm.run("cat", f"{GATE}/reached")

    def open(self) -> None:
        """Let the program go on, and stand in nobody's way again."""
        back = f"rm {self.path}; [ ! -L {GATE}/kept ] || cp -P {GATE}/kept {self.path}"
        self.vm.run("sh", "-euc", f"{back}; echo > {GATE}/open")


def at_gate(vm: Machine, gate: Gate, *words: str, fault: Callable[[], object]) -> dict[str, Any]:
    """Run opskit, and let the fault begin when it has come to the gate; see answer(). Not after a boot."""
    request = _request([[[*words, "--json"]]], (), {})
    asking = vm.start_command("sh", "-c", ASK_BESIDE, "sh", MANY_FOLDERS["root"], request)
    gate.reached()
    fault()
    gate.open()
    text, _ = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 0, text
    ended = Ended(**json.loads(text)["ended"][0])
    return {**ended.json, "status": ended.status}


def beside_fstab(vm: Machine) -> list[str]:
    """What lies in /etc that has to do with fstab, hidden files too."""
    return [name for name in vm.run("ls", "-A", "/etc").stdout.split() if "fstab" in name]


def untouched(vm: Machine, fstab: str) -> None:
    """Nothing is left of a mount that failed or was refused: fstab, what is beside it, mount, mount point, units."""
    assert read(vm, FSTAB) == fstab
    assert beside_fstab(vm) == ["fstab"]
    assert mounted(vm) is None
    assert vm.run("test", "-e", TARGET, check=False).returncode == 1
    assert failed_units(vm) == ""


def blank(vm: Machine, name: str = "vdb") -> bool:
    """Whether the whole disk is zero: its file on this host is looked at, which is faster than to ask the guest."""
    vm.run("blockdev", "--flushbufs", f"/dev/{name}")
    with open(vm.disks[name].path, "rb") as file:
        return all(block.count(0) == len(block) for block in iter(lambda: file.read(1 << 22), b""))
