"""ONC RPC over TCP (RFC 5531): the few calls by which a server says what it exports, and to this host.

A call that changes nothing on the server: NULL of NFS (RFC 1813, 7530), COMPOUND of NFS 4.0 with LOOKUP, GETPORT of
the port mapper (RFC 1833), and EXPORT, MNT and UMNT of MOUNT 3 (RFC 1813, appendix I; MNT is noted down by the server
until UMNT, which follows at once).
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from typing import NamedTuple

PORTMAP, NFS, MOUNT = 100000, 100003, 100005
NFS_PORT, RPCBIND_PORT = 2049, 111
_TCP = 6
_CALL, _REPLY = 0, 1
_ACCEPTED, _SUCCESS, _MISMATCH = 0, 0, 2
_AUTH_NONE, _AUTH_SYS = 0, 1
# A server takes a root that asks from one of root's own ports (exports(5), `secure`).
_RESERVED = range(1023, 664, -1)
_ADDRESS_IN_USE = (98, 99, 13)
# Larger answers are none of these calls.
_LIMIT = 4 * 1024**2
# Operations of NFS 4 (RFC 7530, 16).
_GETATTR, _LOOKUP, _PUTROOTFH = 9, 15, 24
_TYPE_BIT, _DIRECTORY = 1 << 1, 2
NOT_A_DIRECTORY = 20
# Procedures of MOUNT 3.
_MNT, _UMNT, _EXPORT = 1, 3, 5


class RpcError(OSError):
    """The server answered with something else than was asked for."""


class Versions(NamedTuple):
    """Which versions of a program a server has: those from low to high."""

    low: int
    high: int


class Rpc:
    """A connection to one program of a server. Every call has until `deadline` (time.monotonic()). Raises OSError."""

    def __init__(self, address: str, port: int, program: int, deadline: float) -> None:
        self._program = program
        self._deadline = deadline
        self._number = int.from_bytes(os.urandom(4), "big")
        self._socket = _connect(address, port, deadline)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def call(self, version: int, procedure: int, arguments: bytes = b"") -> Reader:
        """The results of a procedure. Raises OSError: RpcError where the server has no such version or procedure."""
        status, results = self._call(version, procedure, arguments)
        if status != _SUCCESS:
            raise RpcError(0, f"it does not carry out procedure {procedure} of program {self._program} ({status})")
        return results

    def versions(self, version: int) -> Versions:
        """The versions that it has, asked by one that may be one of them."""
        status, results = self._call(version, 0, b"")
        if status == _MISMATCH:
            return Versions(results.number(), results.number())
        return Versions(version, version) if status == _SUCCESS else Versions(1, 0)

    def _call(self, version: int, procedure: int, arguments: bytes) -> tuple[int, Reader]:
        self._number = (self._number + 1) & 0xFFFFFFFF
        name = string(os.fsencode(os.uname().nodename)[:255])
        user = struct.pack(">I", int(time.time()) & 0xFFFFFFFF) + name + struct.pack(">III", 0, 0, 0)
        head = struct.pack(">IIIIII", self._number, _CALL, 2, self._program, version, procedure)
        auth = struct.pack(">II", _AUTH_SYS, len(user)) + user + struct.pack(">II", _AUTH_NONE, 0)
        message = head + auth + arguments
        self._in_time()
        self._socket.sendall(struct.pack(">I", 0x80000000 | len(message)) + message)
        reply = Reader(self._record())
        if reply.number() != self._number or reply.number() != _REPLY:
            raise RpcError(0, "it answered with something that is no reply")
        if reply.number() != _ACCEPTED:
            raise RpcError(13, "it refused the call of this user")
        reply.number()
        reply.opaque()
        return reply.number(), reply

    def _record(self) -> bytes:
        data, last = b"", False
        while not last:
            (mark,) = struct.unpack(">I", self._exactly(4))
            last, length = bool(mark & 0x80000000), mark & 0x7FFFFFFF
            if len(data) + length > _LIMIT:
                raise RpcError(0, "it answered with more than this call has for an answer")
            data += self._exactly(length)
        return data

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            self._in_time()
            more = self._socket.recv(length - len(data))
            if not more:
                raise RpcError(104, "it ended the connection")
            data += more
        return data

    def _in_time(self) -> None:
        self._socket.settimeout(_left(self._deadline))


class Reader:
    """The values of an answer, one after the other (XDR, RFC 4506). Raises RpcError where it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self) -> int:
        """The next unsigned number."""
        return int(struct.unpack(">I", self._take(4))[0])

    def opaque(self) -> bytes:
        """The next bytes of whatever length."""
        length = self.number()
        data = self._take(length)
        self._take(-length % 4)
        return data

    def _take(self, length: int) -> bytes:
        data = self._data[self._at : self._at + length]
        if len(data) < length:
            raise RpcError(0, "its answer ends too early")
        self._at += length
        return data


def string(data: bytes) -> bytes:
    """Bytes of whatever length, as they are sent."""
    return struct.pack(">I", len(data)) + data + bytes(-len(data) % 4)


def port_of(address: str, program: int, version: int, deadline: float) -> int:
    """The TCP port of a program, from the server's port mapper; 0 where it has none."""
    with contextlib.closing(Rpc(address, RPCBIND_PORT, PORTMAP, deadline)) as rpc:
        return rpc.call(2, 3, struct.pack(">IIII", program, version, _TCP, 0)).number()


def look_up_4(address: str, port: int, path: str, deadline: float) -> int:
    """What NFS 4.0 says of a path from its root on: 0 for a directory that is there, else an nfsstat4."""
    names = [os.fsencode(name) for name in path.split("/") if name]
    operations = [struct.pack(">I", _PUTROOTFH), *(struct.pack(">I", _LOOKUP) + string(name) for name in names)]
    operations.append(struct.pack(">III", _GETATTR, 1, _TYPE_BIT))
    head = string(b"opskit") + struct.pack(">II", 0, len(operations))
    with contextlib.closing(Rpc(address, port, NFS, deadline)) as rpc:
        results = rpc.call(4, 1, head + b"".join(operations))
    status = results.number()
    return status or (0 if _kind_of_last(results) == _DIRECTORY else NOT_A_DIRECTORY)


def _kind_of_last(results: Reader) -> int:
    """The type that GETATTR, the last operation, tells (RFC 7530, 5.8.1.2); the results of those before are empty."""
    results.opaque()
    for _ in range(results.number()):
        results.number()
        results.number()
    for _ in range(results.number()):
        results.number()
    return Reader(results.opaque()).number()


def mount_3(address: str, port: int, path: str, deadline: float) -> int:
    """What MOUNT 3 says of an export: 0 where this host may mount it, else a mountstat3."""
    name = string(os.fsencode(path))
    with contextlib.closing(Rpc(address, port, MOUNT, deadline)) as rpc:
        status = rpc.call(3, _MNT, name).number()
        if status == 0:
            with contextlib.suppress(OSError):
                rpc.call(3, _UMNT, name)
        return status


def exports(address: str, port: int, deadline: float) -> dict[str, str]:
    """All that a server says it exports, each with the hosts it names."""
    named: dict[str, str] = {}
    with contextlib.closing(Rpc(address, port, MOUNT, deadline)) as rpc:
        results = rpc.call(3, _EXPORT)
        while results.number():
            path, groups = os.fsdecode(results.opaque()), []
            while results.number():
                groups.append(os.fsdecode(results.opaque()))
            named[path] = ",".join(groups) or "*"
    return named


def _left(deadline: float) -> float:
    """The seconds until then. Raises TimeoutError."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(110, "it did not answer")
    return left


def _connect(address: str, port: int, deadline: float) -> socket.socket:
    """A connection from one of root's ports, as mount makes it; from any where none of those is free."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for local in (*(port for port in _RESERVED if port % 7 == os.getpid() % 7), 0):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(_left(deadline))
            if local:
                made.bind(("::" if family == socket.AF_INET6 else "", local))
            made.connect(socket.getaddrinfo(address, port, family, flags=socket.AI_NUMERICHOST)[0][4])
        except OSError as error:
            made.close()
            if not local or error.errno not in _ADDRESS_IN_USE:
                raise
        else:
            return made
    raise AssertionError("the last one is any port")
