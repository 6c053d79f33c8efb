"""See: the directories of journals, and the limits that journald keeps to in each."""

from __future__ import annotations

import os
from typing import Optional

from opskit.core.caller import machine_id
from opskit.journal.files.model import JournalDirectory, Scope
from opskit.journal.files.see.directories import read_directories
from opskit.journal.releases import Rules
from opskit.journal.retain.bounds import bad_settings, bounds_of
from opskit.journal.retain.conf import Setting, winner
from opskit.journal.retain.see import read_settings, read_strays
from opskit.journal.usage.findings import Usage


def see_usage(scope: Scope, rules: Rules) -> list[Usage]:
    """Each directory of the scope that holds something, with its limits. Raises as read_directories."""
    own = machine_id(scope.root)
    usages = []
    for directory in read_directories(scope, rules, all_of_it=False):
        if not (directory.files or directory.ignored or directory.machine_id or directory.read_error):
            continue  # a root that holds nothing but the directories of machines
        if scope.directory or directory.machine_id != own:
            usages.append(Usage(directory, None))
        else:
            usages.append(_with_bounds(directory, scope.root))
    return usages


def _with_bounds(directory: JournalDirectory, root: str) -> Usage:
    try:
        settings = read_settings(root, directory.namespace)
        status = os.statvfs(directory.path)
    except OSError:
        return Usage(directory, None)
    runtime = directory.path.startswith(f"{root}/run/")
    bounds = bounds_of(settings, status.f_blocks * status.f_frsize, runtime=runtime)
    bad = tuple(bad_settings(settings))
    return Usage(directory, bounds, bad, winner(settings, "Storage"), read_strays(root, directory.namespace))


def see_settings(root: str) -> tuple[Optional[Setting], tuple[Setting, ...], tuple[tuple[Setting, str], ...]]:
    """What sets Storage=, and what journald does not understand or passes over; nothing where that cannot be read."""
    try:
        settings = read_settings(root, "")
        return winner(settings, "Storage"), tuple(bad_settings(settings)), read_strays(root, "")
    except OSError:
        return None, (), ()
