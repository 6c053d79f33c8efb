"""Which directories a vacuum of journalctl looks at: by its version, and by -D, --root and --namespace."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from opskit.core.caller import machine_id
from opskit.core.errors import Missing, UsageFault
from opskit.journal.files.model import DENIED, ROOTS, JournalDirectory, Scope, valid_namespace
from opskit.journal.files.see.directory import read_directory
from opskit.journal.releases import Rules

# With --root all that was received from other hosts counts, too (sd-journal.c, add_search_paths).
REMOTE = "/var/log/journal/remote"
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def read_scope(scope: Scope, rules: Rules, machine_id: str) -> tuple[JournalDirectory, ...]:
    """The directories with their files; one that cannot be read has the reason. Raises OSError for -D itself."""
    if scope.directory:
        tops = [_Top(scope.directory, files=rules.roots or scope.everything)]
        os.close(os.open(scope.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    else:
        names = (*ROOTS, REMOTE) if scope.root else ROOTS
        tops = [_Top(scope.root + name, files=rules.roots or scope.everything) for name in names]
    local = not (scope.directory or scope.root or scope.everything)
    directories: dict[str, JournalDirectory] = {}
    for top in tops:
        if not os.path.isdir(top.path):
            continue
        if top.files or scope.directory:
            directories[top.path] = replace(_read(top.path, "", ""), passed_over=not top.files)
        for name in _names(top.path):
            machine, _, namespace = name.partition(".")
            path = os.path.join(top.path, name)
            if not _is_journal_directory(name) or not os.path.isdir(path):
                continue
            if local and not (_same_id(machine, machine_id) or top.path == ROOTS[0]):
                continue
            # journalctl ignores --namespace with -D and --root.
            option = "" if not scope.everything and (scope.directory or scope.root) else scope.namespace
            if not _wanted(namespace, option):
                continue
            directories[path] = _read(path, machine, namespace)
    return tuple(directories.values())


@dataclass(frozen=True)
class _Top:
    path: str
    files: bool


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _is_journal_directory(name: str) -> bool:
    machine, dot, namespace = name.partition(".")
    if not _ID.fullmatch(machine):
        return False
    return not dot or valid_namespace(namespace)


def _same_id(left: str, right: str) -> bool:
    return left.replace("-", "").lower() == right.replace("-", "").lower()


def _wanted(namespace: str, option: str) -> bool:
    """Whether a directory of this namespace ("" for the default one) is meant by --namespace."""
    if option == "*":
        return True
    if option.startswith("+"):
        return namespace in {"", option[1:]}
    return namespace == option


def _read(path: str, machine: str, namespace: str) -> JournalDirectory:
    try:
        directory = read_directory(path)
    except OSError as error:
        directory = JournalDirectory(path, read_error=error.strerror or str(error))
    return replace(directory, machine_id=machine, namespace=namespace)


def read_directories(scope: Scope, rules: Rules, *, all_of_it: bool = True) -> tuple[JournalDirectory, ...]:
    """The directories of a scope. Raises UsageFault when -D is not there, Missing when it may not be read.

    all_of_it: also when something in it may not be read.
    """
    try:
        directories = read_scope(scope, rules, machine_id())
    except PermissionError as error:
        raise Missing(scope.directory, "this user may not read it", todo="run it with sudo") from error
    except OSError as error:
        raise UsageFault(scope.directory, f"no directory to look at ({error.strerror})") from error
    if os.geteuid() != 0 and all_of_it:
        for directory in directories:
            if directory.read_error == DENIED or any(file.open_error == DENIED for file in directory.files):
                raise Missing(directory.path, "this user may not read it", todo="run it with sudo")
    return directories
