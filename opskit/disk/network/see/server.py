"""What the server of a share says: whether its name has an address, whether it answers, what it exports to this host.

All in a child with a time limit: neither a resolver nor a server that is gone holds opskit up.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from dataclasses import replace
from functools import partial
from typing import Any, Callable, Optional

from opskit.core.child import ask
from opskit.core.jsonable import from_json, to_json
from opskit.disk.network.model import (
    ABSENT,
    ANSWERS,
    DENIED,
    NEEDS_KERBEROS,
    NO_DIRECTORY,
    REFUSED,
    SILENT,
    THERE,
    UNKNOWN,
    UNREACHABLE,
    UNRESOLVED,
    ServerFact,
)
from opskit.disk.network.request import ShareRequest
from opskit.disk.network.see import rpc

SMB_PORT = 445
# How long the resolver is waited for (two servers of resolv.conf(5), 5 s each), then the server's port, then its words.
RESOLVE_SECONDS = 11.0
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
# As many addresses of one name are tried.
_ADDRESSES = 4
# nfsstat4 (RFC 7530, 13.1) and mountstat3 (RFC 1813, appendix I), where both have the same numbers.
_EXPORT_OF = {0: THERE, 1: DENIED, 2: ABSENT, 13: DENIED, rpc.NOT_A_DIRECTORY: NO_DIRECTORY, 10016: NEEDS_KERBEROS}
# By one version of NFS; by the other, or in the list of mountd, it may be there.
_ELSEWHERE = (ABSENT, DENIED)


def ask_server(request: ShareRequest) -> ServerFact:
    """What the server of the share that was asked for says."""
    host, nfs = request.share.host, request.share.kind == "nfs"
    port = request.port or (rpc.NFS_PORT if nfs else SMB_PORT)
    (resolved,) = ask([partial(_resolve, host, port)], RESOLVE_SECONDS)
    if not resolved.came:
        return ServerFact(UNRESOLVED, port=port, why=f"no answer from the resolver within {RESOLVE_SECONDS:g} s")
    if resolved.value is None:
        return ServerFact(UNRESOLVED, port=port, why=resolved.why)
    seconds = CONNECT_SECONDS * len(resolved.value) + ANSWER_SECONDS
    (answer,) = ask([partial(_ask, request, resolved.value, port)], seconds + 1)
    if answer.value is None:
        why = answer.why or "it did not answer"
        return ServerFact(SILENT, resolved.value[0], port, why, seconds)
    return from_json(ServerFact, answer.value)


def _resolve(host: str, port: int) -> list[str]:
    """The addresses of a name, each once. Raises OSError with the resolver's words."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(errno.EINVAL, str(error)) from None
    addresses = dict.fromkeys(_with_scope(address) for *_, address in found)
    return list(addresses)[:_ADDRESSES]


def _with_scope(address: Any) -> str:
    scope = address[3] if len(address) > 3 else 0
    return f"{address[0]}%{scope}" if scope and "%" not in address[0] else str(address[0])


def _ask(request: ShareRequest, addresses: list[str], port: int) -> dict[str, Any]:
    """In the child: the first address that answers tells."""
    fact = ServerFact(SILENT)
    for address in addresses:
        fact = _connect(address, port)
        if fact.state == ANSWERS:
            break
    if fact.state == ANSWERS and request.share.kind == "nfs":
        fact = _ask_nfs(request, fact.address, port)
    values: dict[str, Any] = to_json(fact)
    return values


def _connect(address: str, port: int) -> ServerFact:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.settimeout(CONNECT_SECONDS)
        try:
            made.connect(socket.getaddrinfo(address, port, family, flags=socket.AI_NUMERICHOST)[0][4])
        except OSError as error:
            return ServerFact(_state_of(error), address, port, error.strerror or str(error), CONNECT_SECONDS)
    return ServerFact(ANSWERS, address, port)


def _state_of(error: OSError) -> str:
    if isinstance(error, TimeoutError) or error.errno in {errno.ETIMEDOUT, None}:  # before 3.10 socket.timeout is no
        return SILENT  # TimeoutError, and has no number
    return REFUSED if error.errno == errno.ECONNREFUSED else UNREACHABLE


def _ask_nfs(request: ShareRequest, address: str, port: int) -> ServerFact:
    """The versions, and the export by the one that is asked for; where none is, by 3 if 4 does not have it."""
    deadline = time.monotonic() + ANSWER_SECONDS
    try:
        versions = _versions(address, port, deadline)
    except OSError as error:
        state = SILENT if _state_of(error) == SILENT else UNREACHABLE
        return ServerFact(state, address, port, error.strerror or str(error), ANSWER_SECONDS)
    fact = ServerFact(ANSWERS, address, port, versions=versions)
    wanted = [v for v in ((request.version,) if request.version else (4, 3)) if v in versions]
    asked: list[ServerFact] = []
    while len(asked) < len(wanted) and (not asked or asked[-1].export in _ELSEWHERE):
        asked.append(_by_version(request, fact, wanted[len(asked)], deadline))
    there = [each for each in asked if each.export == THERE]
    best = (there or asked or [fact])[0]
    if best.export not in _ELSEWHERE:
        return best
    listed: Optional[dict[str, str]] = best.exports
    with contextlib.suppress(OSError):
        listed = _listed(address, deadline)
    return best if listed is None else replace(best, exports=listed)


def _versions(address: str, port: int, deadline: float) -> tuple[int, ...]:
    with contextlib.closing(rpc.Rpc(address, port, rpc.NFS, deadline)) as nfs:
        four = nfs.versions(4)
        three = nfs.versions(3)
    return tuple(v for v in (3, 4) if any(each.low <= v <= each.high for each in (three, four)))


def _by_version(request: ShareRequest, fact: ServerFact, version: int, deadline: float) -> ServerFact:
    """What the server says of the export by one version."""
    address, path = fact.address, request.share.path
    known = ServerFact(ANSWERS, address, fact.port, versions=fact.versions, version=version)
    if request.kerberos:
        return known
    if version == 4:
        export = _export_of(lambda: rpc.look_up_4(address, fact.port, path, deadline))
        return replace(known, export=export)
    try:
        port = rpc.port_of(address, rpc.MOUNT, 3, deadline)
    except OSError as error:
        why = f"port {rpc.RPCBIND_PORT} (rpcbind): {error.strerror or error}"
        return replace(known, rpcbind=why)
    if not port:
        return replace(known, rpcbind="its rpcbind knows no mountd for version 3")
    export = _export_of(lambda: rpc.mount_3(address, port, path, deadline))
    return replace(known, export=export)


def _export_of(question: Callable[[], int]) -> str:
    try:
        return _EXPORT_OF.get(question(), UNKNOWN)
    except OSError as error:
        return DENIED if error.errno == errno.EACCES else UNKNOWN


def _listed(address: str, deadline: float) -> dict[str, str]:
    """What the server's mountd names; only as long as the export itself would be waited for. Raises OSError."""
    return rpc.exports(address, rpc.port_of(address, rpc.MOUNT, 3, deadline), deadline)
