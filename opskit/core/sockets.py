"""Who listens where, by /proc (proc(5)): without psutil, which costs start-up time. Reads only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from opskit.core import procfs

TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
TCP_LISTEN = "0A"


class ListeningSocket(NamedTuple):
    """A socket that listens. protocol: tcp or udp; address: in the hexadecimal form of /proc/net/tcp."""

    protocol: str
    address: str
    port: int
    inode: str


def listening(ports: Collection[int] = (), net: str = "/proc/net") -> list[ListeningSocket]:
    """The sockets that listen in a network namespace; with ports only those on one of them.

    Each once: the kernel shows one a second time where others come between two reads (seen in 1 of 164).

    net: that of the namespace: /proc/PID/net
    """
    sockets = []
    for table, protocol in TABLES:
        try:
            with open(f"{net}/{table}", encoding="ascii") as file:
                lines = file.read().splitlines()[1:]
        except OSError:  # no IPv6
            continue
        for line in lines:
            words = line.split()
            if protocol == "tcp" and words[3] != TCP_LISTEN:
                continue
            address, _, port = words[1].partition(":")
            number = int(port, 16)
            if not ports or number in ports:
                sockets.append(ListeningSocket(protocol, address, number, words[9]))
    return list(dict.fromkeys(sockets))


def socket_owners(inodes: set[str]) -> dict[str, int]:
    """The process that has each of these sockets open; without root only our own are seen."""
    inode_of = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[str, int] = {}
    for pid in procfs.pids():
        for link in _links(pid):
            if link in inode_of:
                owners.setdefault(inode_of[link], pid)
        if len(owners) == len(inodes):
            break
    return owners


def socket_inodes(pid: int) -> set[str]:
    """The sockets that this process has open; none without the right to look."""
    return {link[len("socket:[") : -1] for link in _links(pid)}


def _links(pid: int) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    yield link
