"""See: what a vacuum is decided on, read from the host."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from typing import Optional

from opskit.core.caller import machine_id
from opskit.core.errors import Missing, UsageFault
from opskit.journal.entries import newer_than
from opskit.journal.model import Directory, Limits, Version
from opskit.journal.scope import Scope, read_scope
from opskit.journal.vacuum import cut_of
from opskit.journal.version import Rules, rules_of


@dataclass(frozen=True)
class VacuumRequest:
    """What `opskit journal vacuum` was asked for.

    span_text: as it was typed. now: when it was, microseconds since 1970; the limit of time stays with that moment.
    keep_copy: the directory to copy to first, "" for none.
    """

    scope: Scope
    version: Version
    limits: Limits
    now: int
    span_text: str = ""
    rotate: bool = False
    keep_copy: str = ""

    @property
    def rules(self) -> Rules:
        """What this systemd goes by."""
        return rules_of(self.version)


@dataclass(frozen=True)
class CopyPlace:
    """The directory for copies. kind: directory, absent or other. taken: paths below it that exist. free: bytes."""

    real: str
    kind: str
    free: int
    taken: tuple[str, ...] = ()


@dataclass(frozen=True)
class VacuumFacts:
    """newer: of files with entries on both sides of the limit, how many are newer (None: it cannot be told)."""

    directories: tuple[Directory, ...]
    machine_id: str
    journald: bool
    newer: dict[str, Optional[int]]
    place: Optional[CopyPlace] = None


def journald_runs(namespace: str = "") -> bool:
    """Whether there is a journald for this namespace, or one that begins when something is logged to it."""
    return os.path.exists(f"/run/systemd/journal{'.' if namespace else ''}{namespace}/socket")


def now_microseconds() -> int:
    """The clock that journalctl looks at."""
    return time.time_ns() // 1000


# What the reader says of a file that this user may not open.
DENIED = os.strerror(errno.EACCES)


def read_directories(scope: Scope, rules: Rules, *, all_of_it: bool = True) -> tuple[Directory, ...]:
    """The directories of a scope. Raises UsageFault when -D is not there, Missing when it may not be read.

    all_of_it: also when something in it may not be read.
    """
    try:
        found = read_scope(scope, rules, machine_id())
    except PermissionError as error:
        raise Missing(scope.directory, "this user may not read it", todo="the same with sudo") from error
    except OSError as error:
        raise UsageFault(scope.directory, f"no directory to look at ({error.strerror})") from error
    if os.geteuid() != 0 and all_of_it:
        for directory in found:
            if directory.problem == DENIED or any(file.opens == DENIED for file in directory.files):
                raise Missing(directory.path, "this user may not read it", todo="the same with sudo")
    return found


def see_vacuum(request: VacuumRequest) -> VacuumFacts:
    """Read what the decision stands on. Raises as read_directories."""
    directories = read_directories(request.scope, request.rules)
    return VacuumFacts(
        directories=directories,
        machine_id=machine_id(),
        journald=journald_runs(request.scope.namespace),
        newer=_newer(directories, request),
        place=_place(directories, request.keep_copy) if request.keep_copy else None,
    )


def _newer(directories: tuple[Directory, ...], request: VacuumRequest) -> dict[str, Optional[int]]:
    """Of the files that have entries on both sides of the limit of time; of the others the header tells."""
    cut = cut_of(request.limits, request.now)
    found: dict[str, Optional[int]] = {}
    for directory in directories if cut else ():
        for file in directory.files:
            header = file.header
            if header.problem or header.head < cut <= header.tail:
                path = f"{directory.path}/{file.name}"
                found[path] = newer_than(path, header, cut)
    return found


def copy_names(directories: tuple[Directory, ...]) -> dict[str, str]:
    """Where the files of each directory are copied to, below the directory for copies: journalctl -D reads it."""
    names = {}
    for directory in directories:
        below = f"{directory.machine_id}{'.' if directory.namespace else ''}{directory.namespace}"
        if directory.path.startswith("/run/"):
            below = os.path.join("run", below)
        names[directory.path] = below
    return names


def _place(directories: tuple[Directory, ...], path: str) -> CopyPlace:
    real = os.path.realpath(path)
    kind = "directory" if os.path.isdir(real) else "other" if os.path.lexists(real) else "absent"
    there = real if kind == "directory" else os.path.dirname(real)
    try:
        status = os.statvfs(there)
    except OSError:
        return CopyPlace(real, "other", 0)
    names = copy_names(directories)
    taken = []
    for directory in directories if kind == "directory" else ():
        paths = (os.path.join(real, names[directory.path], file.name) for file in directory.files)
        taken += [path for path in paths if os.path.lexists(path)]
    return CopyPlace(real, kind, status.f_bavail * status.f_frsize, tuple(taken))
