"""One disk of the machine: its file, how QEMU shows it to the guest, and a write cache that a power cut loses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmlab.image import LabError, call
from vmlab.process import Process, appears

SERVED_SIZE = 4 << 30


@dataclass(frozen=True)
class Disk:
    """A disk as QEMU is told of it.

    name: QEMU's id of device and block node ("vdb"); the guest names virtio disks in the order of their slots.
    slot: number of the PCI slot. model: virtio-blk-pci or nvme. losing: writes stay in a volatile cache until the
    guest flushes it, as in a disk's own memory, and Machine.cut(lose=True) loses them.
    """

    name: str
    path: str
    serial: str
    slot: int
    model: str = "virtio-blk-pci"
    format: str = "raw"
    losing: bool = False

    def blockdev(self, sockets: Path) -> dict[str, Any]:
        """The block node for -blockdev and blockdev-add; its lower node is NAME-file."""
        lower: dict[str, Any] = {"driver": "file", "filename": self.path}
        if self.losing:
            lower = {"driver": "nbd", "server": {"type": "unix", "path": str(sockets / f"{self.name}.nbd")}}
        # no-flush: what the guest wrote is in this host's memory, which outlives QEMU. discard: the files stay sparse.
        cache = {"direct": False, "no-flush": not self.losing}
        lower.update({"node-name": f"{self.name}-file", "discard": "unmap", "cache": cache})
        return {"driver": self.format, "node-name": self.name, "discard": "unmap", "cache": cache, "file": lower}

    def device(self) -> dict[str, Any]:
        """The device for -device and device_add. An error of the file reaches the guest, which must deal with it."""
        common = {"driver": self.model, "id": f"dev-{self.name}", "drive": self.name, "serial": self.serial}
        if self.model == "nvme":
            return {**common, "addr": hex(self.slot)}
        return {**common, "addr": hex(self.slot), "rerror": "report", "werror": "report"}


def blank(path: Path, size: int) -> None:
    """A sparse file of size bytes, all zeros."""
    with open(path, "wb") as file:
        file.truncate(size)


def overlay(path: Path, base: Path) -> None:
    """An image that holds what is written on top of base, which stays as it is. Raises LabError."""
    call("qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path)


def copy(source: Path, target: Path) -> None:
    """Copy a disk's file; holes stay holes. Raises LabError."""
    call("cp", "--sparse=always", "--reflink=auto", source, target)


def serve_with_write_cache(disk: Disk, directory: Path, *, orphan: bool) -> Process:
    """Start nbdkit between QEMU and the file of a losing disk: it writes what the guest flushed, and nothing else.

    Its cache filter keeps writes to itself until a flush (nbdkit-cache-filter(1), cache=writeback), so ending it
    with SIGKILL is a disk that loses power. QEMU flushes when it ends in order.
    """
    if disk.format == "qcow2":
        # A served file cannot grow, as a qcow2 image does.
        os.truncate(disk.path, SERVED_SIZE)
    socket, base = directory / f"{disk.name}.nbd", directory / f"nbdkit-{disk.name}"
    argv = ["nbdkit", "--filter=cache", "--unix", str(socket)]
    what = ["file", f"file={disk.path}", "cache=writeback"]
    if not orphan:
        return Process.start([*argv, "--foreground", *what], base, ready=socket, orphan=False)
    # In the foreground it ends with its parent, whatever the parent wants (seen with 1.32).
    socket.unlink(missing_ok=True)
    pid_file = directory / f"{disk.name}.nbd.pid"
    pid_file.unlink(missing_ok=True)
    call(*argv, "--pidfile", str(pid_file), *what)
    if not appears(pid_file):
        raise LabError(f"nbdkit did not write {pid_file}")
    return Process.adopt(base, int(pid_file.read_text()))
