"""What stands in the way of a share at its server: each with its own cause, and what mends it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.plan import Reason
from opskit.core.text import shown
from opskit.disk.network.model import (
    ABSENT,
    ANSWERS,
    DENIED,
    NEEDS_KERBEROS,
    NO_DIRECTORY,
    REFUSED,
    SILENT,
    UNRESOLVED,
    ServerFact,
)
from opskit.disk.network.request import ShareRequest

# A message names this many exports of a server.
_NAMED = 5


def server_reasons(request: ShareRequest, server: Optional[ServerFact]) -> Iterator[Reason]:
    """Why the server does not give the share to this host; nothing where it was not asked."""
    if server is None:
        return
    if server.state != ANSWERS:
        yield _no_answer(request, server)
        return
    if request.share.kind == "nfs":
        yield from _nfs(request, server)


def _no_answer(request: ShareRequest, server: ServerFact) -> Reason:
    host, service = request.share.host, "NFS" if request.share.kind == "nfs" else "SMB"
    name = shlex.quote(host)
    if server.state == UNRESOLVED:
        title = f"the name {host} has no address: {shown(server.why)}"
        remedy = f"getent ahosts {name}; look at /etc/resolv.conf and /etc/hosts, or name the server by its address"
        return Reason("server-unresolved", title, remedy)
    where = f"{host} ({server.address})" if server.address not in {"", host} else host
    if server.state == REFUSED:
        title = f"{where} refuses connections to port {server.port}: no {service} server runs there"
        unit = "systemctl status nfs-server" if service == "NFS" else "systemctl status smb"
        remedy = f"on {host}: {unit}; ss -tln | grep {server.port}"
        return Reason("server-refuses", title, remedy)
    if server.state == SILENT:
        title = f"{where} did not answer on port {server.port} within {server.seconds:g} s"
        remedy = f"ping {name}; a firewall on the way or on the server may drop port {server.port}"
        return Reason("server-silent", title, remedy)
    title = f"{where} cannot be reached on port {server.port}: {shown(server.why)}"
    route = f"ip route get {shlex.quote(server.address or host)}"
    return Reason("server-unreachable", title, route)


def _nfs(request: ShareRequest, server: ServerFact) -> Iterator[Reason]:
    share, host = request.share, request.share.host
    if server.versions and request.version and request.version not in server.versions:
        has = " and ".join(map(str, server.versions))
        title = f"{host} has no NFS {request.version}, but {has}"
        remedy = f"--mount-options vers={server.versions[-1]}, or no version at all"
        yield Reason("nfs-version", title, remedy)
    elif not server.versions:
        title = f"what answers on port {server.port} of {host} has neither NFS 3 nor NFS 4"
        yield Reason("nfs-version", title, f"rpcinfo -p {shlex.quote(host)} shows what runs there")
    elif server.rpcbind:
        title = f"NFS 3 needs rpcbind and mountd of {host}, which do not answer: {shown(server.rpcbind)}"
        remedy = "open port 111 and that of mountd on the server; or use NFS 4, which needs port 2049 alone"
        yield Reason("no-rpcbind", title, remedy)
    elif server.export == NEEDS_KERBEROS:
        title = f"{host} gives {share.path} to users of Kerberos only"
        remedy = "--mount-options sec=krb5 (or krb5i, krb5p), with a keytab on this host"
        yield Reason("access-denied", title, remedy)
    elif server.export == NO_DIRECTORY:
        title = f"{share.path} on {host} is not a directory"
        yield Reason("no-such-export", title, f"name the directory that is exported: showmount -e {shlex.quote(host)}")
    elif server.export in {ABSENT, DENIED}:
        yield _not_exported(request, server)


def _not_exported(request: ShareRequest, server: ServerFact) -> Reason:
    """NFS 4 hides from a host what is not for it: only what mountd lists tells that from what is not exported."""
    share, host, listed = request.share, request.share.host, server.exports
    add = f"on {host}: /etc/exports, then exportfs -ra"
    to = listed.get(share.path) if listed else None
    if to is not None or server.export == DENIED:
        whom = f": {shown(to)}" if to else ""
        title = f"{host} exports {share.path}, but not to this host{whom}"
        if to is None:
            title = f"{host} denies this host {share.path}"
        return Reason("access-denied", title, f"add this host's address there ({add})")
    if listed is None:
        title = f"{host} has no {share.path} for this host: it does not export it, or not to this host"
        return Reason("no-such-export", title, f"exportfs -v on {host} shows which; {add}")
    title = f"{host} does not export {share.path}"
    names = ", ".join(shown(path) for path in list(listed)[:_NAMED]) + (", …" if len(listed) > _NAMED else "")
    return Reason("no-such-export", title, f"it exports {names or 'nothing'}; {add}")
