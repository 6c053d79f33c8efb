"""See: what a vacuum is decided on, read from the host."""

from __future__ import annotations

import os
from typing import Optional

from opskit.core.caller import machine_id
from opskit.core.trust import weak_spot
from opskit.journal.files.model import JournalDirectory
from opskit.journal.files.see.directories import namespaces, read_directories
from opskit.journal.files.see.entries import newer_than
from opskit.journal.see import journald_runs
from opskit.journal.vacuum.model import CopyPlace, VacuumFacts, VacuumRequest, copy_names
from opskit.journal.vacuum.rules import ages_from, cut_of


def see_vacuum(request: VacuumRequest) -> VacuumFacts:
    """Read what the decision stands on. Raises as read_directories."""
    # What a rotation makes of an active file may be of another id than all that is archived.
    old = 0 if request.rotate else ages_from(request.limits, request.now)
    directories = read_directories(request.scope, request.rules, old=old)
    return VacuumFacts(
        directories=directories,
        machine_id=machine_id(),
        journald=journald_runs(request.scope.namespace),
        newer=_newer(directories, request),
        place=_place(directories, request.keep_copy) if request.keep_copy else None,
        namespaces=namespaces(machine_id()),
    )


def _newer(directories: tuple[JournalDirectory, ...], request: VacuumRequest) -> dict[str, Optional[int]]:
    """Of the files that have entries on both sides of the limit of time; of the others the header tells."""
    cut = cut_of(request.limits, request.now)
    newer: dict[str, Optional[int]] = {}
    for directory in directories if cut else ():
        for file in directory.files:
            header = file.header
            if header.damage or header.head < cut <= header.tail:
                path = directory.path_of(file)
                newer[path] = newer_than(path, header, cut)
    return newer


def _place(directories: tuple[JournalDirectory, ...], path: str) -> CopyPlace:
    real = os.path.realpath(path)
    kind = "directory" if os.path.isdir(real) else "other" if os.path.lexists(real) else "absent"
    existing = real if kind == "directory" else os.path.dirname(real)
    try:
        status = os.statvfs(existing)
    except OSError:
        return CopyPlace(real, "other", 0)
    names = copy_names(directories)
    taken = []
    for directory in directories if kind == "directory" else ():
        paths = (os.path.join(real, names[directory.path], file.name) for file in directory.files)
        taken += [path for path in paths if os.path.lexists(path)]
    return CopyPlace(real, kind, status.f_bavail * status.f_frsize, tuple(taken), weak_spot(path))
