"""An init script, its settings, pid files and lock file: on the host, or below the root of a container.

Below another root every symlink is followed as a process in there would follow it: /var/run of a container leads to its
own /run. Nothing but regular files is read. What these paths lie on may not answer: whoever asks does so in a child.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from opskit.service.script import logs_in, named_in

SCRIPTS = ("/etc/init.d", "/etc/rc.d/init.d")
SETTINGS = ("/etc/sysconfig", "/etc/default")
LOCKS = ("/var/lock/subsys", "/run/lock", "/var/lock")
MOST_LINKS = 40
MOST_BYTES = 256 * 1024
MOST_FILES = 100
MOST_PID_BYTES = 4096
FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


@contextlib.contextmanager
def place_in(root: str, path: str) -> Iterator[int]:
    """A descriptor (O_PATH) of what is at a path below a root. Raises OSError."""
    parents = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]
    rest, links = path.split("/")[::-1], 0
    try:
        while rest:
            part = rest.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if len(parents) > 1:
                    os.close(parents.pop())
                continue
            inner = os.open(part, FLAGS, dir_fd=parents[-1])
            if not stat.S_ISLNK(os.fstat(inner).st_mode):
                parents.append(inner)
                continue
            target = os.readlink("", dir_fd=inner)
            os.close(inner)
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                while len(parents) > 1:
                    os.close(parents.pop())
            rest += target.split("/")[::-1]
        yield parents[-1]
    finally:
        for descriptor in parents:
            os.close(descriptor)


def read_in(root: str, path: str) -> tuple[str, os.stat_result]:
    """A regular file below a root: its beginning, and its status. Raises OSError."""
    with place_in(root, path) as place:
        status = os.fstat(place)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        descriptor = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.fsdecode(os.read(descriptor, MOST_BYTES)), status
        finally:
            os.close(descriptor)


def matches_in(root: str, pattern: str) -> list[str]:
    """The paths below a root that a pattern in its last part matches; a path without one is itself."""
    folder, name = os.path.split(pattern)
    if "*" not in name:
        return [pattern]
    try:
        with place_in(root, folder) as place:
            names = os.listdir(f"/proc/self/fd/{place}")
    except OSError:
        return []
    return [os.path.join(folder, each) for each in sorted(fnmatch.filter(names, name))[:MOST_FILES]]


def script_facts(root: str, name: str) -> dict[str, Any]:
    """An init script and what it names, as JSON holds it; {} where there is none.

    Of one that may not be executed, by which some have it switched off, only the path, as not_executable: it counts
    where nothing else has the name.

    root: "/", or /proc/PID/root
    name: of the service
    """
    not_executable = ""
    for folder in SCRIPTS:
        path = f"{folder}/{name}"
        try:
            text, status = read_in(root, path)
        except OSError:
            continue
        if not status.st_mode & 0o111:
            not_executable = not_executable or path
            continue
        settings = [_text(root, f"{folder}/{name}") for folder in SETTINGS]
        named = named_in(name, text, settings)
        usual = (f"/run/{name}.pid", f"/var/run/{name}.pid", f"/run/{name}/{name}.pid")
        paths = [path for pattern in (named.pid_files or usual) for path in matches_in(root, pattern)]
        locks = [f"{folder}/{name}" for folder in LOCKS if _is_there(root, f"{folder}/{name}")]
        return {
            "path": path,
            "programs": list(named.programs),
            "pid_files": list(pid_files_in(root, paths)),
            "lock": locks[0] if locks else "",
            "logs": [path for pattern in logs_in(name, text, settings) for path in matches_in(root, pattern)],
        }
    return {"not_executable": not_executable} if not_executable else {}


def pid_files_in(root: str, paths: list[str]) -> Iterator[dict[str, Any]]:
    """Each that is there, once: /var/run is /run."""
    seen = set()
    for path in paths[:MOST_FILES]:
        try:
            text, status = read_in(root, path)
        except PermissionError:
            yield {"path": path, "hidden": True}
            continue
        except OSError:
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield {"path": path, "pids": pids_in(text), "written": status.st_mtime, "hidden": False}


def pids_in(text: str) -> list[int]:
    """The pids of a pid file: several in its first line, as pidof prints them; what follows is another thing."""
    first = next(iter(text[:MOST_PID_BYTES].removeprefix("\ufeff").strip().splitlines()), "")
    words = itertools.takewhile(lambda word: word.isascii() and word.isdigit() and len(word) < 10, first.split())
    return [pid for pid in map(int, words) if pid]


def read_end(root: str, paths: Sequence[str], count: int) -> list[str]:
    """The last lines of the newest of these files; [] without one."""
    newest, lines = 0.0, []
    for path in paths:
        try:
            with place_in(root, path) as place:
                status = os.fstat(place)
                if not stat.S_ISREG(status.st_mode) or status.st_mtime < newest:
                    continue
                with open(f"/proc/self/fd/{place}", "rb") as file:
                    file.seek(max(0, status.st_size - MOST_BYTES))
                    text = os.fsdecode(file.read(MOST_BYTES))
        except OSError:
            continue
        newest, lines = status.st_mtime, text.splitlines()[-count:]
    return lines


def _text(root: str, path: str) -> str:
    try:
        return read_in(root, path)[0]
    except OSError:
        return ""


def _is_there(root: str, path: str) -> bool:
    try:
        with place_in(root, path) as place:
            return stat.S_ISREG(os.fstat(place).st_mode)
    except OSError:
        return False
