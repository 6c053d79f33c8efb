"""Which journal files are damaged, and what to do about each: by their headers, and by `journalctl --verify`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from opskit.core.finding import Finding
from opskit.journal.files.model import ACTIVE, DISPOSED, ROOTS, JournalDirectory, JournalFile

_NAMES = 3
# What this host's journald writes to.
_JOURNALD = re.compile(rf"(?:{'|'.join(ROOTS)})/[^/]+/(?:system|user-[0-9]+)\.journal", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """A file and what is wrong with it, "" for nothing. skipped: journald writes to it, so it cannot be told."""

    path: str
    file: JournalFile
    damage: str
    skipped: bool = False


def as_pattern(path: str) -> str:
    """The path for journalctl's --file, which takes a pattern of glob(7)."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


def verify_line(directory: str = "") -> str:
    """The command that tells of the damaged files of a directory, "" for all of this host's."""
    return "opskit journal verify" + (f" -D {shlex.quote(directory)}" if directory else "")


def damaged_files(directory: JournalDirectory, names: Sequence[str]) -> Finding:
    """That these files of a directory are damaged, by what other commands see of them."""
    title = f"{len(names)} damaged files in {directory.path}: {some(names)}"
    return Finding("damaged", "warning", title, ", ".join(names), verify_line(directory.path))


def some(names: Sequence[str]) -> str:
    """The first names, and how many there are beside; a text is read by a person, and --json has all."""
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def finding_of(verdict: Verdict) -> Finding:
    """What to do about a damaged file."""
    path, name = verdict.path, shlex.quote(verdict.path)
    read = f"journalctl --file={shlex.quote(as_pattern(path))} shows what can still be read"
    if verdict.file.parsed.kind == DISPOSED:
        remedy = f"journald has set it aside; {read}; a vacuum deletes it by its age"
    elif verdict.file.parsed.kind == ACTIVE and _JOURNALD.fullmatch(path):
        remedy = f"journalctl --rotate sets it aside and begins a new one; {read}"
    elif verdict.file.parsed.kind == ACTIVE:
        remedy = f"{read}; then rm -- {name}: by its name no vacuum deletes it"
    else:
        remedy = f"{read}; then rm -- {name}, or leave it to a vacuum"
    return Finding("damaged", "error", f"{path}: {verdict.damage}", remedy=remedy)
