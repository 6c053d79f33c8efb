"""What a host of the lab is from within: its mounts, and its first process, which starts an sshd for each call.

Its root is an overlay over this machine's: what it writes is its own. /dev, /run and /tmp are empty at first, its /sys
shows one disk, its processes see no others.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from fleetlab import disks

# sched.h, sys/mount.h, sys/prctl.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWPID = 0x00020000, 0x04000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
DEV_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
SSHD = ("/usr/sbin/sshd", "-i", "-e", "-f", "/etc/ssh/fleet_lab_config")


@dataclass(frozen=True)
class Place:
    """Where a host is on this machine.

    own: its folder with `upper`, what it has written, and `work`; both on a tmpfs
    layer: sshd and sudo, see layer.py
    shown: paths that are on no root filesystem of this machine, and that the host needs
    """

    name: str
    own: Path
    layer: Path
    shown: tuple[str, ...]


def call(name: str, *arguments: object) -> None:
    """A function of libc that returns -1 with errno. Raises OSError."""
    words = [os.fsencode(word) if isinstance(word, (str, Path)) else word for word in arguments]
    if getattr(_libc, name)(*words) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")


def mount(source: str, target: Path, kind: str, flags: int = 0, options: str = "") -> None:
    """The system call."""
    call("mount", source, target, kind, ctypes.c_ulong(flags), options)


def live(place: Place, disk: str, listener: socket.socket, go: int, ready: int) -> None:
    """Become the first process of a host, in its PID namespace: the caller's child, which never returns.

    go: a pipe; what is read from it is the word that the parent is there, and would have been seen to end
    ready: a pipe for what went wrong; closed when the host is up
    """
    status = 1
    try:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(ending, signal.SIG_DFL)  # which the first process of a namespace never gets
        if os.read(go, 1):
            # Nothing else of the parent's: while one has a socket of its, nobody sees that it is gone.
            keep = sorted({0, 1, 2, listener.fileno(), ready})
            for low, high in zip(keep, [*keep[1:], 65536]):
                os.closerange(low + 1, high)
            call("unshare", CLONE_NEWNS | CLONE_NEWUTS)
            call("sethostname", place.name, len(place.name))
            _enter(place, disk)
            os.close(ready)
            _serve(listener)
    except BaseException as error:  # noqa: BLE001 - a forked process: nothing above this may go on
        with contextlib.suppress(OSError):
            os.write(ready, f"{place.name}: {error}".encode())
    finally:
        os._exit(status)


def _enter(place: Place, disk: str) -> None:
    """The mounts, and this process in them."""
    mount("none", Path("/"), "", MS_REC | MS_PRIVATE)
    root = place.own / "root"
    _overlay(f"{place.layer}:/", place.own, root)
    mount("proc", root / "proc", "proc")
    mount("/sys", root / "sys", "", MS_BIND)
    for folder in ("sys/class/block", "sys/block"):
        mount("fleet-lab", root / folder, "tmpfs", 0, "size=64k,mode=755")
    for folder, mode in (("dev", "755"), ("run", "755"), ("tmp", "1777")):
        mount("fleet-lab", root / folder, "tmpfs", 0, f"mode={mode}")
    _devices(root / "dev")
    for folder in ("run/sshd", "run/lock", "run/fleet-lab"):
        (root / folder).mkdir(mode=0o755)
    for path in place.shown:
        (root / path[1:]).mkdir(parents=True, exist_ok=True)
        own = place.own / "shown" / path[1:].replace("/", "-")
        _overlay(path, own, root / path[1:])
    disks.show(root, disk)
    os.chdir(root)
    call("pivot_root", ".", ".")
    call("umount2", ".", MNT_DETACH)
    os.chdir("/")


def _overlay(lower: str, own: Path, target: Path) -> None:
    """What is in the lower folders, and over it what is written, which goes to two folders in own."""
    for name in ("upper", "work"):
        (own / name).mkdir(parents=True, exist_ok=True)
    mount("fleet-lab", target, "overlay", 0, f"lowerdir={lower},upperdir={own / 'upper'},workdir={own / 'work'}")


def _devices(dev: Path) -> None:
    for name, (major, minor) in NODES.items():
        os.mknod(dev / name, 0o020666, os.makedev(major, minor))
        (dev / name).chmod(0o666)
    for name, target in DEV_LINKS.items():
        (dev / name).symlink_to(target)
    for folder in ("pts", "shm", "disk/by-id"):
        (dev / folder).mkdir(parents=True)
    mount("devpts", dev / "pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620")
    mount("fleet-lab", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")


def _serve(listener: socket.socket) -> None:
    """Start an sshd for each who calls, and wait for all that end: their times are then in those of this process."""
    os.environ.clear()
    signal.signal(signal.SIGCHLD, _reap)
    log = os.open("/var/log/fleet-lab-sshd.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    while True:
        connection, _ = listener.accept()
        number = connection.fileno()
        actions = [(os.POSIX_SPAWN_DUP2, number, 0), (os.POSIX_SPAWN_DUP2, number, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
        os.posix_spawn(SSHD[0], SSHD, environment, file_actions=actions, setsigdef=[signal.SIGCHLD], setsid=False)
        connection.close()


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def shown() -> tuple[str, ...]:
    """The folders of the Python that runs here, and of its environment, that an overlay over / does not show."""
    here = os.stat("/").st_dev
    places = {sys.prefix, sys.base_prefix}
    covered = ("/tmp/", "/run/", "/dev/")  # empty in a host
    return tuple(sorted(path for path in places if os.stat(path).st_dev != here or path.startswith(covered)))
