"""Which journal files are damaged, and what to do about each: by their headers, and by `journalctl --verify`."""

from __future__ import annotations

import enum
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import field

from opskit.core.finding import Finding
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.journal.files.model import (
    ACTIVE,
    DISPOSED,
    ROOTS,
    JournalDirectory,
    JournalFile,
    Loss,
    Scope,
    moment_text,
    to_the_second,
)

_NAMES = 3
# What this host's journald writes to.
_JOURNALD = re.compile(rf"(?:{'|'.join(ROOTS)})/[^/]+/(?:system|user-[0-9]+)\.journal", re.DOTALL)


# The key of a seal, as `journalctl --setup-keys` prints it: twelve bytes, the first interval and its length.
VERIFY_KEY = re.compile(r"(?:[0-9a-fA-F]-*){24}/[0-9a-fA-F]+-[0-9a-fA-F]+")


def other_namespaces(names: Sequence[str], scope: Scope, left: str, remedy: str) -> Iterator[Finding]:
    """That units with LogNamespace= log elsewhere.

    names: the namespaces of this host
    left: what is not done to them
    """
    if names and not (scope.directory or scope.root or scope.namespace):
        title = f"{left} of the namespace{'s' if len(names) > 1 else ''} {', '.join(names)}"
        yield Finding("other-namespaces", "info", title, "units with LogNamespace= log to it", remedy)


class State(enum.Enum):
    """What can be told of a file."""

    SOUND = "sound"
    IN_USE = "in_use"  # a process writes to it
    SEALED = "sealed"  # its entries can be read; its seals were not checked, without a key
    SEAL_BROKEN = "seal_broken"  # its entries can be read; it was changed, or sealed with another key
    NEWER = "newer"  # it has what this journalctl does not know
    NEVER_CLOSED = "never_closed"  # sound, but a crash or a copy left it open
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Verdict:
    """What can be told of a file.

    damage: what is wrong with it, or with its seals
    loss: what of it cannot be read
    """

    path: str
    file: JournalFile
    state: State
    damage: str = ""
    loss: Loss = field(default_factory=Loss)


def as_pattern(path: str) -> str:
    """The path for journalctl's --file, which takes a pattern of glob(7)."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def is_journalds(path: str) -> bool:
    """Whether this host's journald writes to a file of this path."""
    return bool(_JOURNALD.fullmatch(path))


def verify_line(directory: str = "") -> str:
    """The command that tells of the damaged files of a directory, "" for all of this host's."""
    return "opskit journal verify" + (f" -D {shlex.quote(directory)}" if directory else "")


def damaged_files(directory: JournalDirectory, names: Sequence[str]) -> Finding:
    """That these files of a directory are damaged, by what other commands see of them."""
    title = f"{counted(len(names), 'damaged file')} in {directory.path}: {some(names)}"
    return Finding("damaged", "warning", title, ", ".join(names), verify_line(directory.path))


def some(names: Sequence[str]) -> str:
    """The first names, and how many there are beside; a text is read by a person, and --json has all."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def findings_of(verdicts: Sequence[Verdict]) -> list[Finding]:
    """The damaged files, then what could not be told of others."""
    findings = [_damaged(verdict) for verdict in verdicts if verdict.state is State.DAMAGED]
    findings += [_seal_broken(verdict) for verdict in verdicts if verdict.state is State.SEAL_BROKEN]
    for state, make in ((State.NEWER, _newer), (State.NEVER_CLOSED, _never_closed), (State.SEALED, _sealed)):
        paths = [verdict.path for verdict in verdicts if verdict.state is state]
        findings += [make(paths)] if paths else []
    return findings


def _newer(paths: Sequence[str]) -> Finding:
    title = f"{_one_or_many(paths)}: made by a newer systemd, which this journalctl cannot check"
    remedy = "copy them to a host with that systemd, and there opskit journal verify -D DIR"
    return Finding("newer-file", "info", title, _listed(paths), remedy)


def _never_closed(paths: Sequence[str]) -> Finding:
    title = f"{_one_or_many(paths)}: never closed, but sound"
    why = "the host crashed, or the file was copied while journald wrote to it; its last entries may be missing"
    return Finding("never-closed", "info", title, "\n".join(filter(None, (why, _listed(paths)))))


def _sealed(paths: Sequence[str]) -> Finding:
    title = f"{_one_or_many(paths)}: sealed, and checked without the key: every entry can be read"
    evidence = "\n".join(filter(None, ("the seals are not checked", _listed(paths))))
    return Finding("sealed", "info", title, evidence, "add --verify-key FILE, with the key in it")


def _one_or_many(paths: Sequence[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{len(paths)} files"


def _listed(paths: Sequence[str]) -> str:
    """The first of many, a line each; "" for one, which the title has."""
    more = len(paths) - _NAMES
    named = [*paths[:_NAMES], *([f"and {more} more; --json lists all"] if more > 0 else [])]
    return "\n".join(named) if len(paths) > 1 else ""


def _seal_broken(verdict: Verdict) -> Finding:
    """Nothing that is to be removed: it may be the key."""
    title = f"{verdict.path}: its seals do not fit this key: it was changed, or sealed with another key"
    evidence = f"{verdict.damage}; every entry can be read"
    remedy = "try the key that journalctl --setup-keys printed before this file was written; until then keep the file"
    return Finding("seal-broken", "error", title, evidence, remedy)


def _damaged(verdict: Verdict) -> Finding:
    """What to do about a damaged file. What is not to be there is moved, not removed."""
    path, kind, ours = verdict.path, verdict.file.parsed.kind, is_journalds(verdict.path)
    vacuum = "a vacuum deletes it by its age"
    if kind == DISPOSED:
        vacuum = f"journald has set it aside, and {vacuum}"
    elif kind == ACTIVE:
        vacuum = "" if ours else "by its name no vacuum deletes it"
    remedy = f"opskit journal errors -p debug -D {shlex.quote(os.path.dirname(path))} shows what can still be read"
    if kind == ACTIVE:
        aside = "journalctl --rotate" if ours else f"mv -- {shlex.quote(path)} DIR"
        remedy += f"; {aside} sets it aside"
    evidence = "\n".join(filter(None, (loss_text(verdict.loss), vacuum)))
    return Finding("damaged", "error", f"{path}: {verdict.damage}", evidence, remedy)


def loss_text(loss: Loss) -> str:
    """How many entries cannot be read, and from when to when; "" where that is not known."""
    first, last = (to_the_second(moment_text(moment)) for moment in (loss.first, loss.last))
    when = f", {first}" if first == last else f", from {first} to {last}"
    entries = counted(loss.entries, "entry", "entries")
    if loss.lost:
        return f"{loss.lost} of {entries} cannot be read{when if last else ''}"
    if loss.partial:
        return f"{loss.partial} of {entries} lack fields that cannot be read{when}"
    return "all of its entries can be read" if loss.entries else ""
