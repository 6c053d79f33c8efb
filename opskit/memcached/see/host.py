"""See: the memcached of this host, and what a line meets here."""

from __future__ import annotations

import errno
import os
import re
import resource
import stat
from typing import Optional, Union

from opskit.core import procfs
from opskit.core.caller import CAP_NET_BIND_SERVICE, CAP_SYS_RESOURCE, has_capability
from opskit.core.command import Command
from opskit.core.errors import Failed, Missing
from opskit.core.files import check_regular
from opskit.core.packages import install_line, read_package_manager
from opskit.core.reach import check_answers
from opskit.core.runner import ENVIRONMENT, Runner
from opskit.core.trust import weak_spot
from opskit.core.units import KIB
from opskit.memcached.instance.request import LOOPBACK, USUAL_USERS
from opskit.memcached.line.edit import is_memcached
from opskit.memcached.line.effect import Effect
from opskit.memcached.line.listen import is_everywhere
from opskit.memcached.line.release import read_release
from opskit.memcached.model import Host, PidFile, Program, StartLimits
from opskit.memcached.see import proc

# How `memcached -h` tells that the build has it (usage() in memcached.c, under #ifdef).
SIGNS = {"sasl": r"^-S\b", "tls": r"^-Z\b", "extstore": r"- ext_path:", "proxy": r"- proxy_config:"}
# A distribution may have mended CVE-2018-1000115 in a release that has UDP on by default.
SIGNS["udp-off"] = r"^-U\b.*default: 0"
# Above this a memory limit of a control group is none.
NO_LIMIT = 2**60


def see_program(runner: Runner, path: str = "memcached") -> Program:
    """The release and the build, from `memcached -h` (which every release has; -V came with 1.4.22).

    Raises Missing when it is not installed, Failed when what it says cannot be understood.
    """
    import shutil  # noqa: PLC0415

    if path.startswith("/") and not (is_memcached(path) and roots_own(path)):
        path = "memcached"  # the one of this host has to do: what others can write, or is something else, is not run
    path = shutil.which(path, path=ENVIRONMENT["PATH"]) or path
    try:
        stdout = runner.run(Command((path, "-h"), mutates=False, timeout=10)).stdout
    except Missing as error:
        line = install_line(read_package_manager(), "memcached")
        todo = f"{line}; flags, explain and lint take a release in place of it: --version 1.6.18"
        raise Missing("memcached", "it is not on this host", todo=todo) from error
    try:
        release = read_release(stdout)
    except ValueError as error:
        raise Failed(f"{path} -h", f"this does not begin with a release: {error}") from error
    features = tuple(name for name, sign in SIGNS.items() if re.search(sign, stdout, re.MULTILINE))
    return Program(path, release, features)


def roots_own(path: str) -> bool:
    """Whether a program is root's, and nobody else can write or replace it: the line of a process can name any."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    return status.st_uid == 0 and not status.st_mode & 0o022 and not weak_spot(path)


def see_host(effect: Effect, *, program: Optional[Program] = None, limits: Optional[StartLimits] = None) -> Host:
    """What the line meets on this host.

    program: the memcached here
    limits: under what it runs; without any, started by us

    Raises Failed for a pid file or a socket on a mount that does not answer.
    """
    limits = limits or StartLimits()
    files = (effect.pid_file, effect.socket, effect.auth_file, effect.memory_file, *effect.certificate)
    check_answers(path for path in files if path)
    root = os.geteuid() == 0 if limits.root is None else limits.root
    user = _uid(effect.user)
    ports = [listener.port for listener in effect.listeners if listener.port > 0]
    memory = _memory()
    listener = proc.listener_at(os.path.join("/", effect.socket)) if effect.socket else None
    locked = limits.locked or _unlimited(resource.getrlimit(resource.RLIMIT_MEMLOCK)[0])
    memory_file_fault, room = _memory_file(effect.memory_file, user if root else None)
    return Host(
        root=root,
        memory=memory,
        cgroup_memory=limits.memory or memory * limits.memory_percent // 100 or _cgroup_memory(limits.pid or "self"),
        hard_files=limits.hard_files or _unlimited(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        most_files=_number("/proc/sys/fs/nr_open") or 1048576,
        user_known=user is not None,
        users=usual_users(),
        taken=proc.taken(ports),
        pid_file=see_pid_file(effect.pid_file, user if root else None) if effect.pid_file else None,
        unit_type=limits.unit_type,
        program=program,
        raises=limits.raises and has_capability(CAP_SYS_RESOURCE, "CapBnd"),
        lowest_port=_lowest_port(limits, root=root),
        locked=max(0, locked),
        not_here=tuple(each for each in sorted({each.address for each in effect.listeners}) if _not_here(each)),
        secret_fault=_secret_fault(effect.auth_file, user if root else None),
        memory_file_fault=memory_file_fault,
        memory_file_room=room,
        certificate_fault=_certificate_fault(*effect.certificate) if effect.tls else "",
        socket_fault=_socket_fault(effect.socket, user if root else None),
        socket_taken=listener is not None,
        socket_holder=proc.process(listener) if listener else None,
    )


def _not_here(address: str) -> bool:
    """Whether no interface of this host has the address, by a bind(2) to any free port; a name is not looked up."""
    if address in {LOOPBACK, "::1"} or is_everywhere(address):
        return False
    import ipaddress  # noqa: PLC0415
    import socket  # noqa: PLC0415

    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return False
    try:
        with socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        return error.errno == errno.EADDRNOTAVAIL
    return False


def _secret_fault(path: str, who: Optional[tuple[int, int]]) -> str:
    """Why memcached, as its user, cannot read the file of -Y."""
    if not path:
        return ""
    try:
        status = os.stat(path)
    except OSError as error:
        return error.strerror or "it cannot be read"
    readable = permits(status, *who, wanted=4) if who else os.access(path, os.R_OK)
    return "" if readable else "memcached's user may not read it"


def _memory_file(path: str, who: Optional[tuple[int, int]]) -> tuple[str, Optional[int]]:
    """Why memcached, as its user, cannot open the file of -e, and how many bytes it can have there."""
    if not path:
        return "", None
    path = os.path.join("/", path)
    directory = os.path.dirname(path)
    try:
        place, there = os.stat(directory), os.stat(path) if os.path.exists(path) else None
        free = os.statvfs(directory)
    except OSError as error:
        return f"{directory}: {error.strerror}", None
    if there is not None and not stat.S_ISREG(there.st_mode):
        return "it is no regular file", None
    status, wanted, mode = (place, 3, os.W_OK | os.X_OK) if there is None else (there, 6, os.R_OK | os.W_OK)
    if not (permits(status, *who, wanted=wanted) if who else os.access(directory if there is None else path, mode)):
        return f"memcached's user cannot write {directory if there is None else 'it'}", None
    return "", free.f_bavail * free.f_frsize + (there.st_blocks * 512 if there else 0)


def _certificate_fault(chain: str, key: str, ca: str) -> str:
    """What is wrong with these files, which memcached reads before it changes its user; a key alone is in the chain."""
    import ssl  # noqa: PLC0415

    if not chain:
        return ""  # told of the line
    for path in filter(None, (chain, key, ca)):
        try:
            check_regular(os.stat(path), path)
        except OSError as error:  # noqa: PERF203
            return f"{path}: {error.strerror}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Nobody is there to be asked for the password of a key.
        context.load_cert_chain(chain, key or None, password=lambda: "")
        if ca:
            context.load_verify_locations(ca)
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            return ""  # to us, not to root
        return f"{chain} and {key or chain} do not fit, or are none: {getattr(error, 'reason', None) or error}"
    return ""


def _socket_fault(path: str, who: Optional[tuple[int, int]]) -> str:
    """Why memcached cannot make a UNIX socket there."""
    if not path:
        return ""
    directory = os.path.dirname(os.path.join("/", path))
    try:
        status = os.stat(directory)
    except OSError as error:
        return f"{directory}: {error.strerror}"
    writable = permits(status, *who, wanted=3) if who else os.access(directory, os.W_OK | os.X_OK)
    if not writable:
        return f"memcached's user cannot write {directory}"
    try:
        there = os.lstat(os.path.join("/", path))
    except OSError:
        return ""
    if not stat.S_ISSOCK(there.st_mode):
        return "what is there is no socket, and memcached replaces nothing else"
    uid = who[0] if who else os.geteuid()
    if status.st_mode & stat.S_ISVTX and uid not in {0, there.st_uid, status.st_uid}:
        return f"the socket that is there is another user's, who alone can remove it from {directory}"
    return ""


def _lowest_port(limits: StartLimits, *, root: bool) -> int:
    """The first port that memcached may bind as an ordinary user (ip(7)); 0 where a capability may let it bind all."""
    if not root and (limits.unit_type or has_capability(CAP_NET_BIND_SERVICE)):
        return 0
    name = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
    return _number(name) if os.path.exists(name) else 1024  # before Linux 4.11


def usual_users() -> tuple[str, ...]:
    """Which of the usual users of memcached are on this host."""
    return tuple(name for name in USUAL_USERS if _uid(name) is not None)


def permits(status: os.stat_result, uid: int, gid: int, wanted: int) -> bool:
    """Whether a file's mode lets a user do something, as itself, by its own group, or as anybody.

    gid: the user's own group
    wanted: bits of one digit of the mode: 4 to read, 3 to make files in a directory
    """
    bits = status.st_mode
    bits |= bits >> 6 if status.st_uid == uid else bits >> 3 if status.st_gid == gid else 0
    return uid == 0 or bits & wanted == wanted


def _uid(name: str) -> Optional[tuple[int, int]]:
    """The uid and gid of this user; None for nobody."""
    import pwd  # noqa: PLC0415

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def see_pid_file(path: str, who: Optional[tuple[int, int]]) -> PidFile:
    """The file, and whether these uid and gid can write it (None: we ourselves).

    From 1.5 on a file beside it is written and renamed, so the directory counts; before, an existing file is enough.
    A relative path counts from /, where a daemon goes before it writes its pid.
    """
    path = os.path.join("/", path)
    directory = os.path.dirname(path)
    pid = read_pid(path)
    holder = proc.process(pid) if pid else None
    try:
        status = os.stat(directory)
    except OSError:
        return PidFile(path, directory=os.path.islink(directory), writable=False)
    writable = permits(status, *who, wanted=3) if who else os.access(directory, os.W_OK | os.X_OK)
    return PidFile(path, _holds_something(path), pid, holder, writable=writable)


def _holds_something(path: str) -> bool:
    """Whether there is anything at this path but an empty file, which a full disk leaves."""
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return status.st_size > 0 or not stat.S_ISREG(status.st_mode)


def read_pid(path: str) -> int:
    """The pid in a file; 0 when there is none."""
    try:
        # Its directory is not root's: a FIFO there must not hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, encoding="ascii", errors="replace") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return 0
            match = re.match(r"\s*([0-9]{1,10})\s*$", file.read(64))
    except OSError:
        return 0
    return int(match[1]) if match else 0


def _memory() -> int:
    """MemTotal of /proc/meminfo, in bytes; 0 when it cannot be read."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", procfs.text("/proc/meminfo"), re.MULTILINE)
    return int(match[1]) * KIB if match else 0


def _cgroup_memory(pid: Union[int, str]) -> int:
    """The tightest memory limit of a process's control groups, in bytes; 0 for none (cgroup v2, then v1)."""
    lines = [line.split(":", 2) for line in procfs.text("/proc", str(pid), "cgroup").splitlines()]
    limits = []
    for _, controllers, path in lines:
        if controllers == "":
            base, name = "/sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, name = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        while True:
            limits.append(_number(f"{base}{path.rstrip('/')}/{name}"))
            if path in {"", "/"}:
                break
            path = os.path.dirname(path)  # noqa: PLW2901 - up to the root of the hierarchy
    return min((limit for limit in limits if 0 < limit < NO_LIMIT), default=0)


def _number(path: str) -> int:
    text = procfs.text(path).strip()
    return int(text) if text.isdigit() else 0


def _unlimited(limit: int) -> int:
    return 0 if limit == resource.RLIM_INFINITY else limit
