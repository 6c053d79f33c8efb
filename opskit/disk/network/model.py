"""What is known of a share beside the host: its server, and the file with its password. The password is not here."""

from __future__ import annotations

from typing import Optional

from opskit.core.record import dataclass
from opskit.disk.model import HostFacts

# What came of asking the server: ServerFact.state.
ANSWERS = "answers"
UNRESOLVED = "unresolved"
REFUSED = "refused"
SILENT = "silent"
UNREACHABLE = "unreachable"

# What it says of the export: ServerFact.export. UNKNOWN: it was not asked, or its answer says neither.
THERE = "there"
ABSENT = "absent"
DENIED = "denied"
NEEDS_KERBEROS = "kerberos"
NO_DIRECTORY = "no-directory"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ServerFact:
    """What the server of a share says.

    state: ANSWERS, or why there is no answer
    address: that answered, or that was asked last
    port: that was asked
    why: the kernel's or the resolver's words, where there is no answer
    seconds: how long it was waited for
    versions: of NFS, those that it speaks; () where it does not say
    version: of NFS, the one that the export was asked for by; 0 for none
    export: THERE, or what is against it
    exports: all that its mountd names, each with whom it is exported to; None where it was not asked or does not answer
    rpcbind: why what NFS 3 needs beside the port of NFS does not answer, "" where it does or is not needed
    """

    state: str
    address: str = ""
    port: int = 0
    why: str = ""
    seconds: float = 0.0
    versions: tuple[int, ...] = ()
    version: int = 0
    export: str = UNKNOWN
    exports: Optional[dict[str, str]] = None
    rpcbind: str = ""


@dataclass(frozen=True)
class CredentialsFact:
    """The file that holds user and password of an SMB share, or its absence. Its password is not here.

    safe: whether it is a file that is root's, and that nobody else may read
    weak: what lets others than root put another file in its place
    """

    path: str
    exists: bool = False
    safe: bool = False
    user: str = ""
    domain: str = ""
    weak: str = ""


@dataclass(frozen=True)
class ShareFacts:
    """All that a decision on a share stands on.

    server: None where it was not asked: on saved facts, and where the share is in service
    kernel: its release, the first two numbers
    """

    host: HostFacts
    server: Optional[ServerFact] = None
    credentials: Optional[CredentialsFact] = None
    kernel: tuple[int, int] = (0, 0)
