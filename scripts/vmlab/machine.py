"""One virtual machine: started, reached over ssh, and handled as a cloud console handles it, over QMP.

A machine lives in a directory: its disks, its sockets, and machine.json, from which a later call of scripts/vm
knows it again.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import time
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Optional

from vmlab.accel import TCG, accelerator
from vmlab.disk import Disk, blank, copy, overlay, serve_with_write_cache
from vmlab.image import UUID, Image, LabError
from vmlab.process import Process
from vmlab.qmp import Qmp
from vmlab.ssh import Ssh

MEMORY = 1024  # MiB
# With one processor QEMU and the kernel need no locks between several: all that the guest does takes a fifth less of
# this host's time. What is to happen at the same moment in it needs SEVERAL.
CPUS, SEVERAL = 1, 2
# What emulates a processor pays for each feature: five levels of page tables, `rep movsb` byte by byte, wide vectors.
# This one boots in three quarters of the processor time of "max" (26 s, 35), and so it is for opskit (3.2 s, 4.3).
CPU = "qemu64"
# The guest's clock counts the instructions that it has executed (2**shift ns each) while it works, and runs with this
# machine's while it waits: however little of a processor it gets here, it is to itself a machine of the same speed, and
# no time limit in it passes because of the load. Only with one processor: QEMU runs several of them by turns then.
STEADY = ["tcg,thread=single", "-icount", "shift=1,sleep=on"]
# Without what only costs time under emulation: retpolines, zeroed pages, ports, watchdogs, a look by four security
# modules at each file, an audit of each call, accounts of stalls and of the kernel's memory. And no service is killed
# because the machine that emulates is busy (time limits: guest/etc/systemd), nor does the kernel give up on a timer
# that did not tick in time ("IO-APIC + timer doesn't work", seen at a load of 40). The time is read from the processor:
# the kernel takes two for not in step, and asks a device in their place, the HPET. All that is a tenth of the processor
# time of opskit, or more.
KERNEL_OPTIONS = (
    "console=ttyS0 quiet loglevel=4 systemd.show_status=false net.ifnames=0 8250.nr_uarts=1 "
    "mitigations=off init_on_alloc=0 randomize_kstack_offset=off nowatchdog systemd.service_watchdogs=false "
    "no_timer_check tsc=reliable clocksource=tsc audit=0 psi=0 cgroup.memory=nokmem lsm=capability"
)
FIRST_SLOT = 4  # 0 to 3 are the chipset's, the serial port's and the network's
BOOT_SECONDS = 1800.0  # seen: 16 on an idle machine, more than 600 where twenty others compute
# A kernel reads its disk a few seconds after the start. Seen once: it stood still before that, with both processors at
# work, for a quarter of an hour. Such a machine is reset.
STUCK_SECONDS, LOOK_SECONDS = 180.0, 10.0
BIOS_READS = 20  # it reads the first sectors of each disk
FLUSHES = 100


class Machine(Ssh):
    """The machine in a directory. orphan: it goes on when the process that started it ends."""

    def __init__(self, directory: Path, image: Image, *, orphan: bool = False) -> None:
        super().__init__(directory, image)
        self.orphan = orphan
        self.cpus = CPUS
        self.disks: dict[str, Disk] = {}
        self._qmp: Optional[Qmp] = None
        self._qemu = Process(directory / "qemu")
        self._caches: dict[str, Process] = {}

    @classmethod
    def create(cls, directory: Path, image: Image, *, cpus: int = CPUS) -> Machine:
        """A new machine, not started: vda on top of the image, and a blank vdb of 2 GiB."""
        directory.mkdir(parents=True, mode=0o700)
        machine = cls(directory, image)
        machine.cpus = cpus
        root = directory / "vda.img"
        overlay(root, image.root)
        machine.disks["vda"] = Disk("vda", str(root), "SYSTEM", FIRST_SLOT, format="qcow2")
        machine.add("vdb")
        return machine

    @classmethod
    def open(cls, directory: Path, image: Image) -> Machine:
        """The machine that is there, running or not. Raises LabError when there is none."""
        try:
            state = json.loads((directory / "machine.json").read_text())
        except FileNotFoundError:
            raise LabError(f"there is no machine in {directory}: scripts/vm up") from None
        machine = cls(directory, image, orphan=True)
        machine.port, machine.starts = state["port"], state["starts"]
        machine.disks = {name: Disk(**disk) for name, disk in state["disks"].items()}
        machine._caches = {n: Process(directory / f"nbdkit-{n}") for n, disk in machine.disks.items() if disk.losing}
        return machine

    @property
    def losing(self) -> bool:
        """Whether its disks have a write cache that cut() can lose."""
        return any(disk.losing for disk in self.disks.values())

    # Disks

    def add(self, name: str, size: int = 2 << 30, *, serial: str = "", model: str = "virtio-blk-pci") -> Disk:
        """A blank disk of size bytes for the machine; attach() or start() shows it to the guest."""
        path = self.directory / f"{name}-{serial or name}.img"
        blank(path, size)
        used = {disk.slot for disk in self.disks.values()}
        slot = next(number for number in range(FIRST_SLOT, 31) if number not in used)
        self.disks[name] = Disk(name, str(path), serial or f"SERIAL-{name}", slot, model, losing=self.losing)
        return self.disks[name]

    def attach(self, name: str) -> None:
        """Plug a disk in while the machine runs, as the console's "attach" does."""
        disk = self.disks[name]
        if disk.losing:
            self._caches[name] = serve_with_write_cache(disk, self.directory, orphan=self.orphan)
        self.qmp.execute("blockdev-add", disk.blockdev(self.directory))
        self.qmp.execute("device_add", disk.device())
        self._save()

    def detach(self, name: str) -> None:
        """Unplug a disk while the machine runs; returns when the guest has let go of it. The file stays."""
        self.qmp.clear()
        self.qmp.execute("device_del", {"id": f"dev-{name}"})
        self.qmp.wait("DEVICE_DELETED", lambda data: data.get("device") == f"dev-{name}")
        self.qmp.execute("blockdev-del", {"node-name": name})
        del self.disks[name]
        self._save()

    def enlarge(self, name: str, size: int) -> None:
        """Make a disk larger while the machine runs: size bytes from now on."""
        self.qmp.execute("block_resize", {"node-name": name, "size": size})

    def fail(self, name: str, kind: str, *, sector: Optional[int] = None) -> None:
        """From now on every read, write or flush (kind) of a disk fails with EIO, or only those that touch a sector.

        Of flushes the next FLUSHES fail: QEMU itself has to flush before it lets the faults be taken out.
        """
        flush = kind == "flush"
        rule: dict[str, Any] = {"event": "none", "iotype": kind, "errno": 5, "once": flush}
        if sector is not None:
            rule["sector"] = sector
        rules = [rule] * (FLUSHES if flush else 1)
        faults = {"driver": "blkdebug", "node-name": f"{name}-faults", "image": f"{name}-file", "inject-error": rules}
        self.qmp.execute("blockdev-add", faults)
        self._reopen(name, f"{name}-faults")

    def heal(self, name: str) -> None:
        """The disk works again."""
        for left in range(FLUSHES, -1, -1):
            try:
                self._reopen(name, f"{name}-file")
                break
            except LabError:
                if not left:
                    raise
        self.qmp.execute("blockdev-del", {"node-name": f"{name}-faults"})

    def _reopen(self, name: str, lower: str) -> None:
        node = self.disks[name].blockdev(self.directory)
        self.qmp.execute("blockdev-reopen", {"options": [{**node, "file": lower}]})

    # Power

    def start(self, *, state: Optional[Path] = None) -> None:
        """Switch it on and wait until it has reached multi-user.target. state: go on from a snapshot's memory.

        Raises LabError, with the end of the console's text, when it does not get there.
        """
        self.starts += 1
        self.port = _free_port()
        for name, disk in self.disks.items():
            if disk.losing:
                self._caches[name] = serve_with_write_cache(disk, self.directory, orphan=self.orphan)
        argv = self._qemu_argv()
        if state is not None:
            argv += ["-incoming", "defer"]
        self._qemu = Process.start(argv, self.directory / "qemu", ready=self.directory / "qmp", orphan=self.orphan)
        self._save()
        if state is not None:
            self._migrate("migrate-incoming", f"exec:cat {shlex.quote(str(state))}")
            self.qmp.execute("cont")
        else:
            self.wait_until_ready()

    def wait_until_ready(self, seconds: float = BOOT_SECONDS) -> None:
        """Wait until the guest opens its port, which it does in multi-user.target. Raises LabError."""
        now = time.monotonic()
        until, stuck, reads = now + seconds, now + STUCK_SECONDS, self._reads()
        while not self._says_ready():
            now = time.monotonic()
            if now > until or not self._qemu.running():
                console = (self.directory / "console.log").read_text(errors="replace")
                raise LabError(f"the machine did not reach multi-user.target in {seconds:.0f} s:\n{console[-3000:]}")
            if now > stuck and self._reads() - reads < BIOS_READS:
                self.qmp.execute("system_reset")
                stuck, reads = now + STUCK_SECONDS, self._reads()

    def _says_ready(self) -> bool:
        """Whether the guest opens its port within LOOK_SECONDS."""
        try:
            self.qmp.wait("VSERPORT_CHANGE", lambda data: bool(data["open"]), LOOK_SECONDS)
        except LabError:
            return False
        return True

    def _reads(self) -> int:
        """How often its disks were read since QEMU was started."""
        return sum(disk["stats"]["rd_operations"] for disk in self.qmp.execute("query-blockstats"))

    def _qemu_argv(self) -> list[str]:
        image = self.image
        argv = ["qemu-system-x86_64", "-name", "opskit-vm", "-machine", "pc", "-nodefaults", "-display", "none"]
        accel = accelerator(image)
        argv += ["-cpu", CPU if accel == TCG else "max", "-m", str(MEMORY), "-smp", str(self.cpus), "-accel"]
        argv += STEADY if accel == TCG and self.cpus == 1 else [accel]
        argv += ["-kernel", str(image.kernel), "-initrd", str(image.initrd)]
        argv += ["-append", f"root=UUID={UUID} rw {KERNEL_OPTIONS}"]
        if days := days_ahead():
            then = datetime.now(timezone.utc) + timedelta(days=int(days))
            argv += ["-rtc", f"base={then:%Y-%m-%dT%H:%M:%S}"]
        argv += ["-serial", "file:console.log", "-qmp", "unix:qmp,server=on,wait=off"]
        argv += ["-device", "virtio-serial-pci,addr=0x2", "-chardev", "null,id=ready"]
        argv += ["-device", "virtserialport,chardev=ready,name=opskit.ready,id=ready"]
        argv += ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{self.port}-:22"]
        argv += ["-device", "virtio-net-pci,netdev=net,romfile=,addr=0x3"]
        for disk in self.disks.values():
            argv += ["-blockdev", json.dumps(disk.blockdev(self.directory)), "-device", json.dumps(disk.device())]
        return argv

    def cut(self, *, lose: bool = False) -> None:
        """Cut the power: nothing in the guest gets to end. lose: what its disks were not told to flush is gone."""
        if lose:
            if not self.losing:
                raise LabError("its disks have no write cache: scripts/vm down, then scripts/vm up --write-cache")
            for cache in self._caches.values():
                cache.end(signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        """End QEMU. Nothing happens when it does not run."""
        try:
            if self._qemu.running():
                self.qmp.execute("quit")
            self._close_connections()
            self._qemu.end()
        except LabError:
            # It does not listen any more.
            self._qemu.end(signal.SIGKILL)
        for cache in self._caches.values():
            cache.end(signal.SIGTERM)
        self._caches.clear()

    def reboot(self) -> None:
        """Reboot it as its administrator does, and wait until it is back."""
        self.qmp.clear()
        self.run("systemctl", "reboot", check=False)
        self.qmp.wait("RESET", lambda data: bool(data["guest"]), BOOT_SECONDS)
        self.wait_until_ready()
        self.close_ssh()

    def power_off(self) -> None:
        """Shut it down in order; its disks can be changed then, and start() brings it back."""
        self.run("systemctl", "poweroff", check=False)
        self._qemu.end(timeout=BOOT_SECONDS)
        self.stop()

    # Snapshots: the disks and the memory of one moment

    def snapshot(self, directory: Path) -> None:
        """Keep this moment in a new directory: the memory, the disks and what is attached."""
        directory.mkdir(parents=True)
        self.close_ssh()
        self.qmp.execute("stop")
        self._migrate("migrate", f"exec:cat > {shlex.quote(str(directory / 'memory'))}")
        for disk in self.disks.values():
            copy(Path(disk.path), directory / Path(disk.path).name)
        _to_file(directory / "disks.json", self._disks_as_json())
        _to_file(directory / "cpus.json", self.cpus)
        self.qmp.execute("cont")

    def reset(self, snapshot: Path, *, losing: bool = False) -> None:
        """Go back to a moment that snapshot() kept. losing: its disks have a write cache that cut() can lose."""
        self.stop()
        self.cpus = json.loads((snapshot / "cpus.json").read_text())
        disks = {name: Disk(**disk) for name, disk in json.loads((snapshot / "disks.json").read_text()).items()}
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in self.directory.glob("*.img"):
            old.unlink()
        self.disks = {}
        for name, disk in disks.items():
            path = self.directory / Path(disk.path).name
            copy(snapshot / path.name, path)
            self.disks[name] = replace(disk, path=str(path), losing=losing)
        self.start(state=snapshot / "memory")

    def _migrate(self, command: str, uri: str) -> None:
        """Let QEMU write the machine's memory, or read it. Raises LabError when it cannot."""
        self.qmp.clear()
        self.qmp.execute("migrate-set-parameters", {"max-bandwidth": 1 << 34})
        self.qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]})
        self.qmp.execute(command, {"uri": uri})
        ended = self.qmp.wait("MIGRATION", lambda data: data["status"] in {"completed", "failed"}, 300)
        if ended["status"] == "failed":
            raise LabError(f"QMP {command}: failed, see {self.directory / 'qemu.log'}")

    @property
    def qmp(self) -> Qmp:
        """The connection to QEMU's monitor."""
        if self._qmp is None:
            self._qmp = Qmp(self.directory / "qmp")
        return self._qmp

    def remove(self) -> None:
        """End it and remove its directory."""
        self.stop()
        shutil.rmtree(self.directory)

    def _close_connections(self) -> None:
        if self._qmp is not None:
            self._qmp.close()
            self._qmp = None
        self.close_ssh()

    def _save(self) -> None:
        state = {"port": self.port, "starts": self.starts, "disks": self._disks_as_json()}
        _to_file(self.directory / "machine.json", state)

    def _disks_as_json(self) -> dict[str, dict[str, Any]]:
        return {name: asdict(disk) for name, disk in self.disks.items()}


def days_ahead() -> str:
    """How many days the guest's clock is ahead of this machine's ($OPSKIT_VM_DAYS), "" for none."""
    return os.environ.get("OPSKIT_VM_DAYS", "")


def _free_port() -> int:
    """A TCP port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _to_file(path: Path, value: object) -> None:
    """Write JSON so that a reader sees the old text or the new one."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value, indent=1))
    os.replace(new, path)
