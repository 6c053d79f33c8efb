"""See: what a lasting limit is decided on."""

from __future__ import annotations

import os
from typing import Optional

from opskit.core.caller import machine_id
from opskit.core.errors import Failed
from opskit.core.files import read_bytes
from opskit.journal.files.model import ROOTS, Directory, Scope
from opskit.journal.files.see.scope import read_directories
from opskit.journal.releases import rules_of
from opskit.journal.retain.conf import Setting, conf_name, parse_settings, winner
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
    return RetainFacts(path, read_text(path), settings, directory, filesystem, persistent, journald)


def _directory(request: RetainRequest, *, persistent: bool) -> Optional[Directory]:
    """The directory that journald writes to."""
    own = machine_id() + (f".{request.namespace}" if request.namespace else "")
    path = f"{ROOTS[persistent]}/{own}"
    scope = Scope(namespace=request.namespace)
    return next((one for one in read_directories(scope, rules_of(request.version)) if one.path == path), None)


# Of two drop-ins by the same name the one in the first of these counts; drop-ins are read in the order of their names,
# whatever directory they are in, and what comes last counts.
PLACES = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd")


def conf_files(root: str = "", namespace: str = "") -> list[str]:
    """The files that journald reads, in its order. root: where the system's / is."""
    name = conf_name(namespace)
    mains = [f"{root}{place}/{name}" for place in PLACES]
    found = [next((path for path in mains if os.path.exists(path)), "")]
    dropins: dict[str, str] = {}
    for place in PLACES:
        directory = f"{root}{place}/{name}.d"
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for one in names:
            if one.endswith(".conf") and not one.startswith("."):
                dropins.setdefault(one, f"{directory}/{one}")
    found += [dropins[one] for one in sorted(dropins, key=os.fsencode)]
    return [path for path in found if path and not _is_masked(path)]


def _is_masked(path: str) -> bool:
    """A drop-in that is a link to /dev/null takes the place of one by its name elsewhere, and is empty."""
    return os.path.realpath(path) == "/dev/null"


def read_settings(root: str = "", namespace: str = "") -> tuple[Setting, ...]:
    """Every assignment, in the order in which journald reads them: of one name the last counts. Raises OSError."""
    found: list[Setting] = []
    for path in conf_files(root, namespace):
        if os.path.isfile(path):
            found += parse_settings(read_bytes(path).decode("utf-8", "surrogateescape"), path)
    return tuple(found)


def read_text(path: str) -> Optional[str]:
    """The text of a file, None when there is none. Raises Failed."""
    try:
        return read_bytes(path).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Failed(path, f"it cannot be read ({error.strerror})") from error
