"""Which names are journals', and what they say. The rules are journal_directory_vacuum's (journal-vacuum.c)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Optional

from opskit.journal.files.model import ACTIVE, ARCHIVED, DISPOSED, ParsedName

# The tails of the names, in bytes: @ 32 - 16 - 16 .journal, and @ 16 - 16 .journal~
_ARCHIVED = 1 + 32 + 1 + 16 + 1 + 16 + 8
_DISPOSED = 1 + 16 + 1 + 16 + 8 + 1
_ID = re.compile(rb"[0-9a-fA-F]{32}")
# What nearly every name is: as journald itself writes it.
_USUAL = re.compile(r"[^@]*@([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{16})\.journal")
_MODULO = 1 << 64


def classify(name: str) -> Optional[ParsedName]:
    """What a vacuum takes a file of this name for; None for one that it does not look at."""
    usual = _USUAL.fullmatch(name)
    if usual:
        seqnum_id, seqnum, realtime = usual.groups()
        # Past the constructor that NamedTuple makes, which takes longer: these are made by the thousand.
        return tuple.__new__(ParsedName, (ARCHIVED, seqnum_id, int(seqnum, 16), int(realtime, 16)))
    if name.endswith(".journal"):
        return _archived(_bytes(name))
    if name.endswith(".journal~"):
        return _disposed(_bytes(name))
    return None


def of_one_sequence(names: Iterable[ParsedName]) -> bool:
    """Whether the names alone give a vacuum's order of these: all that is not active is archived, of one id."""
    ids = {seqnum_id for kind, seqnum_id, _, _ in names if kind != ACTIVE}
    return len(ids) <= 1 and "" not in ids  # which a disposed one has


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _archived(name: bytes) -> ParsedName:
    tail = name[-_ARCHIVED:]
    if len(name) < _ARCHIVED or tail[-25:-24] != b"-" or tail[-42:-41] != b"-" or tail[-75:-74] != b"@":
        return ParsedName(ACTIVE)
    seqnum_id = tail[1:33]
    numbers = _two_numbers(tail[34:])
    if not _ID.fullmatch(seqnum_id) or numbers is None:
        return ParsedName(ACTIVE)
    return ParsedName(ARCHIVED, seqnum_id.decode().lower(), *numbers)


def _disposed(name: bytes) -> ParsedName:
    tail = name[-_DISPOSED:]
    if len(name) < _DISPOSED or tail[-26:-25] != b"-" or tail[-43:-42] != b"@":
        return ParsedName(ACTIVE)
    numbers = _two_numbers(tail[1:])
    return ParsedName(ACTIVE) if numbers is None else ParsedName(DISPOSED, realtime=numbers[0])


def _two_numbers(text: bytes) -> Optional[tuple[int, int]]:
    """What `sscanf(text, "%16llx-%16llx…")` reads, or None when it does not read both."""
    first = _number(text, 0)
    if first is None or text[first[1] : first[1] + 1] != b"-":
        return None
    second = _number(text, first[1] + 1)
    return None if second is None else (first[0], second[0])


# The form that journald gives to its numbers.
_PLAIN = re.compile(rb"[0-9a-f]{16}")
_WHITE = b" \t\n\v\f\r"


@functools.cache
def _loose() -> re.Pattern[bytes]:
    return re.compile(rb"([+-]?)(0[xX])?([0-9a-fA-F]*)")


def _number(text: bytes, start: int) -> Optional[tuple[int, int]]:
    """What glibc's `%16llx` reads at start, and where it ends: white space, a sign and 0x may come first."""
    if _PLAIN.match(text, start):
        return int(text[start : start + 16], 16), start + 16
    while text[start : start + 1] and text[start : start + 1] in _WHITE:
        start += 1
    match = _loose().match(text, start, start + 16)
    if match is None:
        return None
    sign, prefix, digits = match.groups()
    if not digits and not prefix:
        return None
    value = min(int(digits or b"0", 16), _MODULO - 1)
    return (-value % _MODULO if sign == b"-" else value), match.end()
