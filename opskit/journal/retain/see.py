"""See: what a lasting limit is decided on."""

from __future__ import annotations

import os
from typing import Optional

from opskit.core.caller import machine_id
from opskit.core.errors import Failed
from opskit.core.files import read_bytes
from opskit.core.reach import check_answers
from opskit.core.textfile import read_text
from opskit.core.unit_files import conf_files
from opskit.journal.files.model import ROOTS, JournalDirectory, Scope
from opskit.journal.files.see.directories import namespaces, read_directories
from opskit.journal.releases import rules_of
from opskit.journal.retain.conf import Setting, conf_name, parse_settings, stray_settings, winner
from opskit.journal.retain.model import DROPIN, RetainFacts, RetainRequest
from opskit.journal.see import journald_runs


def see_retain(request: RetainRequest) -> RetainFacts:
    """Read it. Raises Failed when the configuration cannot be read."""
    root = request.root
    path = f"{root}/etc/systemd/{conf_name(request.namespace)}.d/{DROPIN}"
    try:
        settings = read_settings(root, request.namespace)
    except OSError as error:
        raise Failed(error.filename or path, f"it cannot be read ({error.strerror})") from error
    storage = winner(settings, "Storage")
    check_answers([root + ROOTS[1]])
    persistent = os.path.isdir(root + ROOTS[1])
    if storage and storage.value in {"persistent", "volatile"}:
        persistent = storage.value == "persistent"
    directory = None if root else _directory(request, persistent=persistent)
    place = directory.path if directory else root + ROOTS[persistent]
    try:
        status = os.statvfs(place)
        filesystem = status.f_blocks * status.f_frsize
    except OSError:
        filesystem = 0
    journald = not root and journald_runs(request.namespace)
    return RetainFacts(
        path,
        read_text(path),
        settings,
        directory,
        filesystem,
        persistent,
        journald,
        storage.value if storage else "",
        () if root else namespaces(machine_id()),
    )


def _directory(request: RetainRequest, *, persistent: bool) -> Optional[JournalDirectory]:
    """The directory that journald writes to."""
    own = machine_id() + (f".{request.namespace}" if request.namespace else "")
    path = f"{ROOTS[persistent]}/{own}"
    scope = Scope(namespace=request.namespace)
    return next(
        (directory for directory in read_directories(scope, rules_of(request.version)) if directory.path == path), None
    )


def read_strays(root: str = "", namespace: str = "") -> tuple[tuple[Setting, str], ...]:
    """Every assignment that journald passes over, and why. Raises OSError."""
    strays: list[tuple[Setting, str]] = []
    for path in conf_files(conf_name(namespace), root):
        if os.path.isfile(path):
            strays += stray_settings(read_bytes(path).decode("utf-8", "surrogateescape"), path)
    return tuple(strays)


def read_settings(root: str = "", namespace: str = "") -> tuple[Setting, ...]:
    """Every assignment, in the order in which journald reads them: of one name the last counts. Raises OSError."""
    settings: list[Setting] = []
    name = conf_name(namespace)
    for path in conf_files(name, root):
        if os.path.isfile(path):
            settings += parse_settings(read_bytes(path).decode("utf-8", "surrogateescape"), path)
    return tuple(settings)
