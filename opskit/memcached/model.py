"""What is known of the host when a line is judged or an instance started. Plain data.

What no step keeps is a NamedTuple: a dataclass takes half a millisecond to make, and lint is meant to be quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Optional

from opskit.core.record import dataclass
from opskit.memcached.line.listen import Listener
from opskit.memcached.line.release import Release

USUAL_FEATURES = ("sasl", "tls", "extstore")


class Program(NamedTuple):
    """The memcached of this host.

    features: what its build has, of sasl, tls, extstore, proxy; udp-off: a distribution may turn UDP off in an old
    release, too
    """

    path: str
    release: Release
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostProcess:
    """A process of the host.

    user: the name of its user, or the number
    started: in ticks since the boot; tells it from another with the same pid
    line: its words
    unit: the service of systemd in whose control group it is, "" for none; see/proc.py tells whether that runs it
    """

    pid: int
    name: str
    user: str = ""
    started: int = 0
    line: tuple[str, ...] = ()
    unit: str = ""

    @property
    def text(self) -> str:
        """`memcached (pid 812, user memcached)`."""
        return f"{self.name} (pid {self.pid}{', user ' + self.user if self.user else ''})"


class TakenPort(NamedTuple):
    """A port that somebody listens on. holder: None where only root may see who."""

    listener: Listener
    holder: Optional[HostProcess] = None


class PidFile(NamedTuple):
    """The file of -P.

    exists: there is something, be it a file or not
    pid: what is in it, 0 for none
    holder: the process with that pid, if it lives
    directory: whether its directory is there
    writable: whether the user that memcached becomes can write it
    """

    path: str
    exists: bool = False
    pid: int = 0
    holder: Optional[HostProcess] = None
    directory: bool = True
    writable: bool = True


class StartLimits(NamedTuple):
    """Under what a line runs, where that is not our own shell: a unit, a process.

    root: whether root starts it (None: as we are)
    raises: whether root may raise its limit on open files there
    hard_files, memory: the limits of the unit on open files and bytes, 0 for none of its own
    pid: whose control groups count, 0 for ours
    unit_type: Type= of the unit
    memory_percent: its limit on memory as a share of the host's, 0 for none
    locked: its limit on locked memory in bytes, 0 for none of its own, -1 for no limit
    """

    root: Optional[bool] = None
    raises: bool = True
    hard_files: int = 0
    memory: int = 0
    pid: int = 0
    unit_type: str = ""
    memory_percent: int = 0
    locked: int = 0


class Host(NamedTuple):
    """What a line meets here. None and 0: not known.

    root: whether memcached starts as root
    memory: bytes of RAM
    cgroup_memory: the limit of its control group, in bytes
    hard_files: RLIMIT_NOFILE
    most_files: fs.nr_open
    user_known: whether the user of -u is there
    users: which of the usual users of memcached are there
    taken: the ports of the line that somebody listens on
    unit_type: Type= of the unit that the line is from
    raises: whether root may raise its limit on open files
    lowest_port: the first port that a user other than root may bind
    locked: how many bytes it may lock, 0 for as many as it likes
    not_here: those addresses of the line that no interface has
    secret_fault: why its user cannot read the file of -Y, "" where it can
    memory_file_fault: why its user cannot open the file of -e, "" where it can
    memory_file_room: how many bytes that file can have where it is
    certificate_fault: what is wrong with the files of -Z, "" where they fit
    socket_fault: why the socket of -s cannot be made, "" where it can
    socket_taken: whether somebody listens on it, and who that is where it can be seen
    """

    root: bool = True
    memory: int = 0
    cgroup_memory: int = 0
    hard_files: int = 0
    most_files: int = 1048576
    user_known: bool = True
    users: tuple[str, ...] = ()
    taken: tuple[TakenPort, ...] = ()
    pid_file: Optional[PidFile] = None
    unit_type: str = ""
    program: Optional[Program] = None
    raises: bool = True
    lowest_port: int = 0
    locked: int = 0
    not_here: tuple[str, ...] = ()
    secret_fault: str = ""
    memory_file_fault: str = ""
    memory_file_room: Optional[int] = None
    certificate_fault: str = ""
    socket_fault: str = ""
    socket_taken: bool = False
    socket_holder: Optional[HostProcess] = None

    @property
    def features(self) -> tuple[str, ...]:
        """What the build has; where none was seen, what a usual one has."""
        return self.program.features if self.program else USUAL_FEATURES


class Target(NamedTuple):
    """Where an instance is asked.

    socket: the path of a UNIX socket, in place of address and port
    secret: user and password of the file of -Y
    """

    address: str = "127.0.0.1"
    port: int = 0
    socket: str = ""
    secret: Optional[tuple[str, str]] = None
    tls: bool = False

    @property
    def text(self) -> str:
        """`127.0.0.1:11211`, or the path of the socket."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return self.socket or f"{host}:{self.port}"


class StatsAnswer(NamedTuple):
    """What an instance answers: its release, `stats`, and its parts: `stats settings`, `items`, `slabs`."""

    version: str
    stats: Mapping[str, str] = MappingProxyType({})
    settings: Mapping[str, str] = MappingProxyType({})
    items: Mapping[str, str] = MappingProxyType({})
    slabs: Mapping[str, str] = MappingProxyType({})
