"""What a share is called: HOST:/EXPORT of NFS, //HOST/SHARE of SMB; and which entries and mounts are of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason
from opskit.core.record import dataclass
from opskit.disk.model import HostFacts, Mount

NFS_TYPES = ("nfs", "nfs4")
SMB_TYPES = ("cifs", "smb3")
TYPES = (*NFS_TYPES, *SMB_TYPES)
# Most commands need none of these: re compiles, and keeps, what is asked for.
_NFS = r"(?s)(?P<host>\[[^]/]*\]|[^/\[\]]*?):(?P<path>/.*)"
_SMB = r"(?s)//(?P<host>[^/]*)/(?P<path>.+)"
_ADDRESS = r"(?s)(?P<scheme>[a-z0-9]+)://(?P<rest>.*)"
# A name of a host (RFC 1123), and the underscore that some sites have in theirs.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?"
_LONGEST = 1024


@dataclass(frozen=True)
class Share:
    """A share of a server.

    kind: nfs or cifs
    host: its name or address, as it was typed; of an IPv6 address without the brackets
    path: of NFS what is exported, from / on; of SMB the share, with the folders below it, without a first slash
    """

    kind: str
    host: str
    path: str

    @property
    def source(self) -> str:
        """As it stands in fstab."""
        if self.kind == "cifs":
            return f"//{self.host}/{self.path}"
        return f"[{self.host}]:{self.path}" if ":" in self.host else f"{self.host}:{self.path}"

    def is_source(self, source: str) -> bool:
        """Whether the source of an entry or a mount names this share; names of hosts are the same in any letters."""
        other = parse(source)
        if other is None or other.kind != self.kind or other.host.lower() != self.host.lower():
            return False
        # SMB shares are the same in any letters, too (MS-SMB2, 3.3.5.7).
        return other.path.lower() == self.path.lower() if self.kind == "cifs" else other.path == self.path

    def is_mount(self, mount: Optional[Mount]) -> bool:
        """Whether a mount is one of this share."""
        types = SMB_TYPES if self.kind == "cifs" else NFS_TYPES
        return mount is not None and mount.fstype in types and self.is_source(mount.source)


def parse(text: str) -> Optional[Share]:
    """The share of this name; None where it is none, or one that is written otherwise: see name_reasons."""
    match, kind = re.fullmatch(_SMB, text), "cifs"
    if not match and not re.fullmatch(_ADDRESS, text):
        match, kind = re.fullmatch(_NFS, text), "nfs"
    if not match:
        return None
    host, path = match["host"], match["path"]
    if kind == "nfs" and host.startswith("["):
        host = host[1:-1]
        if not _is_ipv6(host):
            return None
    elif not re.fullmatch(_HOST, host):
        return None
    parts = [part for part in path.split("/") if part]
    if ".." in parts or not path.isprintable() or len(path) > _LONGEST or (kind == "cifs" and not parts):
        return None
    return Share(kind, host, "/".join(parts) if kind == "cifs" else "/" + "/".join(parts))


def _is_ipv6(text: str) -> bool:
    import ipaddress  # noqa: PLC0415 - few names are addresses

    address, _, scope = text.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return not scope or re.fullmatch(r"[A-Za-z0-9._-]{1,15}", scope) is not None


def name_reasons(text: str) -> Iterator[Reason]:
    """Why this is no name of a share, with how it is written."""
    if parse(text):
        return
    match = re.fullmatch(_ADDRESS, text)
    remedy = "HOST:/EXPORT for NFS ([ADDRESS]:/EXPORT for IPv6), //HOST/SHARE for SMB"
    if text.startswith("\\\\"):
        remedy = f"with slashes: {text.replace(chr(92), '/')}"
    elif match and match["scheme"] in {"nfs", "smb", "cifs"}:
        host, slash, rest = match["rest"].partition("/")
        remedy = f"{host}:{slash}{rest}" if match["scheme"] == "nfs" else f"//{match['rest']}"
    yield Reason("bad-share", f"{text!r} is not the name of a share", remedy, exit_code=ExitCode.USAGE)


def share_mounts(facts: HostFacts) -> tuple[Mount, ...]:
    """The mounts of shares in our own namespace."""
    return tuple(mount for mount in facts.mounts if mount.fstype in TYPES)
