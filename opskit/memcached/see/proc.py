"""What /proc says: who listens where, and what a process is. Reads only; without psutil, which costs start-up time."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Optional

from opskit.core import procfs, sockets, systemd
from opskit.core.command import Runner
from opskit.core.errors import OpskitError
from opskit.memcached.line.listen import ALL, Listener
from opskit.memcached.model import HostProcess, TakenPort


def listeners(ports: Sequence[int] = ()) -> list[tuple[Listener, str]]:
    """Every listening socket of this network namespace with its inode; with ports only those on one of them.

    Raises Missing without /proc.
    """
    procfs.need_proc()
    return [
        (Listener(each.protocol, read_address(each.address), each.port), each.inode)
        for each in sockets.listening(ports)
    ]


def read_address(text: str) -> str:
    """An address of /proc/net/tcp: 32-bit words in the byte order of the host. All of them is "*" for both families."""
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    data = b"".join(word[::-1] for word in words)
    if not any(data):
        return ALL if len(data) == 4 else "::"
    import socket  # noqa: PLC0415 - only where somebody listens

    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


def taken(ports: Sequence[int]) -> tuple[TakenPort, ...]:
    """Who listens on these ports."""
    listening = listeners(ports) if ports else []
    owners = sockets.socket_owners({inode for _, inode in listening}) if listening else {}
    return tuple(
        TakenPort(_of_both_families(listener), process(owners[inode]) if inode in owners else None)
        for listener, inode in listening
    )


def _of_both_families(listener: Listener) -> Listener:
    """The same, on every address where it is on [::] and takes IPv4, too: /proc does not tell, a bind(2) does."""
    import socket  # noqa: PLC0415

    if (listener.protocol, listener.address) != ("tcp", "::"):
        return listener
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as memcached does
        try:
            probe.bind(("127.255.255.254", listener.port))  # nobody listens on just that one
        except OSError as error:
            return replace(listener, address=ALL) if error.errno == errno.EADDRINUSE else listener
    return listener


def sockets_of(pid: int) -> list[Listener]:
    """Where this process listens."""
    inodes = sockets.socket_inodes(pid)
    return [listener for listener, inode in listeners() if inode in inodes]


def same_network(pid: int) -> bool:
    """Whether it is in our network namespace; where that cannot be seen, it is taken to be."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
    except OSError:
        return True


def process(pid: int) -> Optional[HostProcess]:
    """What this process is; None when there is none (a zombie is none: it has ended)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="surrogateescape") as file:
            stat = procfs.Stat(file.read())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    if stat.state == "Z":
        return None
    return HostProcess(pid, stat.name, procfs.user_name(uid), stat.start, tuple(words), unit_of(pid))


def program_of(pid: int) -> str:
    """The path of the program that a process runs; "" where that cannot be seen.

    After an update the file itself is gone (proc(5)), and what is in its place is the next one to be started.
    """
    return procfs.link("/proc", str(pid), "exe").removesuffix(" (deleted)")


def absolute(pid: int, path: str) -> str:
    """A path of a process's line: a relative one counts from where it is, / for a daemon."""
    return os.path.normpath(os.path.join(procfs.link("/proc", str(pid), "cwd") or "/", path))


def socket_of(path: str, pid: int) -> Optional[tuple[int, int]]:
    """Device and inode of the UNIX socket at this path, where just this process listens on it: the kernel tells."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if listener_at(path) == pid else None


def listener_at(path: str) -> Optional[int]:
    """The pid of who listens on the UNIX socket at this path, 0 for one that cannot be seen; None for nobody."""
    import socket  # noqa: PLC0415
    import struct  # noqa: PLC0415

    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            client.connect(path)
            # A struct ucred (unix(7)); its first number is the pid of who called listen(2).
            (holder,) = struct.unpack_from("i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    except BlockingIOError:  # as many wait as may
        return 0
    except OSError:  # it is not there, not ours to open, or too long
        return None
    return int(holder)


def owner(pid: int) -> int:
    """The effective uid of a process; -1 when it is gone."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def unit_of(pid: int) -> str:
    """The systemd service in whose control group a process is; "" for none."""
    unit = systemd.innermost_unit(systemd.control_group(procfs.text("/proc", str(pid), "cgroup")))
    return unit if unit.endswith(".service") else ""


def units_that_run(runner: Runner, within: Mapping[int, str]) -> dict[int, str]:
    """The unit that runs each process, "" for none: the one whose main process it is.

    A daemon that was started in a session is in the control group of that, or of sshd, and systemd does not know it.
    Where systemd does not answer, the unit of the control group is kept: who stops that asks for its main process.

    within: by pid the unit in whose control group it is
    """
    units = sorted({unit for unit in within.values() if unit})
    if not systemd.is_booted():
        return dict.fromkeys(within, "")
    try:
        mains = systemd.main_pids(runner, units)
    except OpskitError:
        return dict(within)
    return {pid: unit if mains.get(unit) == pid else "" for pid, unit in within.items()}


def with_line(line: Sequence[str]) -> Optional[HostProcess]:
    """The running memcached with just this line; one in a container's network has other ports than ours."""
    matching = (each for each in instances() if each.line == tuple(line) and same_network(each.pid))
    return next(matching, None)


def instances() -> list[HostProcess]:
    """Every memcached of this host, by the name of its process."""
    named = (process(pid) for pid in procfs.pids() if _named(pid))
    return [each for each in named if each is not None and each.name == "memcached"]


def _named(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            return file.read() == b"memcached\n"
    except OSError:
        return False
