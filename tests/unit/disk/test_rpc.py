"""The calls by which a server of NFS is asked, against one of the test that answers what it is told to."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Callable

import pytest

from opskit.disk.network.model import (
    ABSENT,
    DENIED,
    NEEDS_KERBEROS,
    NO_DIRECTORY,
    SILENT,
    THERE,
    UNKNOWN,
    UNREACHABLE,
    ServerFact,
)
from opskit.disk.network.request import ShareRequest
from opskit.disk.network.see import rpc, server
from opskit.disk.network.share import Share

REQUEST = ShareRequest(Share("nfs", "nas", "/srv/data"))
Answers = Callable[[int, int, int], bytes]


def number(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def reply(results: bytes = b"", status: int = 0) -> bytes:
    """The body of a reply behind its number: accepted, without a verifier."""
    return number(1, 0, 0, 0, status) + results


def compound(status: int, kind: int = 2) -> bytes:
    """The results of PUTROOTFH, two LOOKUPs and a GETATTR of the type; only the status where that is an error."""
    tag = rpc.string(b"opskit")
    if status:
        return number(status) + tag + number(1, 24, status)
    attributes = number(1, 2) + rpc.string(number(kind))
    return number(0) + tag + number(4, 24, 0, 15, 0, 15, 0, 9, 0) + attributes


@contextlib.contextmanager
def serving(answers: Answers) -> Iterator[int]:
    """A server on a port of loopback. answers: by program, version and procedure, what follows the number of a call."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                with listening.accept()[0] as connection, contextlib.suppress(OSError, struct.error):
                    while head := connection.recv(4, socket.MSG_WAITALL):
                        call = connection.recv(struct.unpack(">I", head)[0] & 0x7FFFFFFF, socket.MSG_WAITALL)
                        body = call[:4] + answers(*struct.unpack(">III", call[12:24]))
                        connection.sendall(number(0x80000000 | len(body)) + body)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def asked(answers: Answers) -> ServerFact:
    with serving(answers) as port:
        return server._ask_nfs(REQUEST, "127.0.0.1", port)


@pytest.mark.parametrize(
    ("results", "export"),
    [
        (compound(0), THERE),
        (compound(0, kind=1), NO_DIRECTORY),
        (compound(1), DENIED),
        (compound(13), DENIED),
        (compound(20), NO_DIRECTORY),
        (compound(10016), NEEDS_KERBEROS),
        (compound(10021), UNKNOWN),  # a server without NFS 4.0, but with 4.1
        (b"", UNKNOWN),
        (number(0), UNKNOWN),
        (number(0, 0xFFFFFFFF), UNKNOWN),
        (number(0) + rpc.string(b"x") + number(0xFFFFFFFF), UNKNOWN),
    ],
)
def test_what_nfs_4_says_of_an_export(results: bytes, export: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "RPCBIND_PORT", 1)

    def answers(_program: int, version: int, procedure: int) -> bytes:
        if version == 3:
            return reply(number(4, 4), status=2)
        return reply(results) if procedure else reply()

    fact = asked(answers)
    assert (fact.versions, fact.version, fact.export, fact.exports) == ((4,), 4, export, None)


def test_an_export_that_nfs_4_has_not_is_asked_for_by_3(monkeypatch: pytest.MonkeyPatch) -> None:
    """As mount.nfs does: an old server has another root for NFS 4. Its mountd then names all that it exports."""

    def answers(there: bool) -> Answers:
        def answer(program: int, version: int, procedure: int) -> bytes:
            if program == rpc.PORTMAP:
                return reply(number(port))
            if program == rpc.MOUNT and procedure == 5:
                groups = number(1) + rpc.string(b"10.0.0.0/8") + number(1) + rpc.string(b"h") + number(0)
                return reply(number(1) + rpc.string(b"/a") + groups + number(1) + rpc.string(b"/b") + number(0, 0))
            if program == rpc.MOUNT:
                return reply(number(0 if there else 13))
            return reply(compound(2)) if (version, procedure) == (4, 1) else reply()

        return answer

    current = [answers(True)]

    def answer_as_now(program: int, version: int, procedure: int) -> bytes:
        return current[0](program, version, procedure)

    with serving(answer_as_now) as port:
        monkeypatch.setattr(rpc, "RPCBIND_PORT", port)
        fact = server._ask_nfs(REQUEST, "127.0.0.1", port)
        assert (fact.versions, fact.version, fact.export) == ((3, 4), 3, THERE)
        # One of 4.1 and later alone does not say: it is no reason for 3.
        current[:] = [lambda p, v, n: reply(compound(10021)) if (v, n) == (4, 1) else answers(True)(p, v, n)]
        fact = server._ask_nfs(REQUEST, "127.0.0.1", port)
        assert (fact.version, fact.export) == (4, UNKNOWN)
        current[:] = [answers(False)]
        fact = server._ask_nfs(REQUEST, "127.0.0.1", port)
        assert (fact.version, fact.export) == (4, ABSENT)
        assert fact.exports == {"/a": "10.0.0.0/8,h", "/b": "*"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        number(1),
        number(0, 0, 0, 0, 0),  # a call, no reply
        number(1, 1, 1, 1),  # refused: the credentials are too weak
        number(1, 0, 0, 0xFFFFFFFF),
        reply(status=1),
    ],
)
def test_what_is_no_server_of_nfs(body: bytes) -> None:
    fact = asked(lambda *_: body)
    assert (fact.state == UNREACHABLE) or fact.versions == ()
    assert fact.export == UNKNOWN


def test_an_answer_without_an_end_and_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        fact = server._ask_nfs(REQUEST, "127.0.0.1", mute.getsockname()[1])
        assert (fact.state, fact.seconds) == (SILENT, 0.2)
    with serving(lambda *_: bytes(rpc._LIMIT)) as port:
        deadline = time.monotonic() + 60
        connected = contextlib.closing(rpc.Rpc("127.0.0.1", port, rpc.NFS, deadline))
        with connected as nfs, pytest.raises(rpc.RpcError, match="more than this call has"):
            nfs.versions(4)
