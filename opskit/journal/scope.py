"""Which directories a vacuum of journalctl looks at: by its version, and by -D, --root and --namespace."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace

from opskit.journal.files import read_directory
from opskit.journal.model import Directory
from opskit.journal.version import Rules

ROOTS = ("/run/log/journal", "/var/log/journal")
# With --root all that was received from other hosts counts, too (sd-journal.c, add_search_paths).
REMOTE = "/var/log/journal/remote"
_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_NAMESPACE = re.compile(r"[0-9A-Za-z:\-_.\\@]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Scope:
    """What was asked for. directory: -D; root: --root.

    namespace: its name, `*` for all, `+name` for it and the default; the default one alone for "".
    everything: all that there is, whatever a vacuum would look at.
    """

    directory: str = ""
    root: str = ""
    namespace: str = ""
    everything: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of journalctl that ask for the same."""
        words = [f"--directory={self.directory}"] if self.directory else []
        words += [f"--root={self.root}"] if self.root else []
        words += [f"--namespace={self.namespace}"] if self.namespace else []
        return tuple(words)


def valid_namespace(name: str) -> bool:
    """Whether this can be the name of a journal namespace (systemd's log_namespace_name_valid)."""
    return bool(_NAMESPACE.fullmatch(name)) and name not in {".", ".."}


def read_scope(scope: Scope, rules: Rules, machine_id: str) -> tuple[Directory, ...]:
    """The directories with their files; one that cannot be read has the reason. Raises OSError for -D itself."""
    if scope.directory:
        tops = [_Top(scope.directory, files=rules.roots or scope.everything)]
        os.close(os.open(scope.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    else:
        names = (*ROOTS, REMOTE) if scope.root else ROOTS
        tops = [_Top(scope.root + name, files=rules.roots or scope.everything) for name in names]
    local = not (scope.directory or scope.root or scope.everything)
    found: dict[str, Directory] = {}
    for top in tops:
        if not os.path.isdir(top.path):
            continue
        if top.files or scope.directory:
            found[top.path] = replace(_read(top.path, "", ""), passed_over=not top.files)
        for name in _names(top.path):
            machine, _, namespace = name.partition(".")
            path = os.path.join(top.path, name)
            if not _is_journal_directory(name) or not os.path.isdir(path):
                continue
            if local and not (_same_id(machine, machine_id) or top.path == ROOTS[0]):
                continue
            # journalctl ignores --namespace with -D and --root.
            asked = "" if not scope.everything and (scope.directory or scope.root) else scope.namespace
            if not _wanted(namespace, asked):
                continue
            found[path] = _read(path, machine, namespace)
    return tuple(found.values())


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


def _same_id(one: str, other: str) -> bool:
    return one.replace("-", "").lower() == other.replace("-", "").lower()


def _wanted(namespace: str, asked: str) -> bool:
    """Whether a directory of this namespace ("" for the default one) is meant by --namespace."""
    if asked == "*":
        return True
    if asked.startswith("+"):
        return namespace in {"", asked[1:]}
    return namespace == asked


def _read(path: str, machine: str, namespace: str) -> Directory:
    try:
        found = read_directory(path)
    except OSError as error:
        found = Directory(path, problem=error.strerror or str(error))
    return replace(found, machine_id=machine, namespace=namespace)
