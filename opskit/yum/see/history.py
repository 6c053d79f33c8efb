"""Whether the newest transaction in a history of dnf or dnf 5 ended. Only read: no lock, and nothing written beside."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Optional

from opskit.core.files import check_regular, read_bytes
from opskit.yum.model import DNF, DNF5, FCNTL, TRANSACTION, LockPlace, Unended
from opskit.yum.transactions import Transaction, newest

# SQLite writes a log back at 1,000 pages; one that never was is larger.
_MOST_BYTES = 64 * 1024**2
_LOOKS = 3


def see_unended(places: Iterable[LockPlace]) -> Iterator[Unended]:
    """The transactions that began last and did not end, by the histories beside the locks of dnf and dnf 5."""
    for path in dict.fromkeys(_histories(places)):
        transaction = _newest(path)
        if transaction and not transaction.ended:
            yield Unended(path, transaction.number, transaction.began)


def _histories(places: Iterable[LockPlace]) -> Iterator[str]:
    """libdnf, Swdb.hpp: in persistdir; libdnf5, transaction/db/db.cpp: in system_state_dir, read, not run."""
    for place in places:
        folder = os.path.dirname(place.path)
        if place.tool == DNF and place.phase == TRANSACTION and not place.owner:
            yield f"{folder}/history.sqlite"
        elif place.tool == DNF5 and place.mechanism == FCNTL and not place.phase:
            yield f"{folder}/transaction_history.sqlite"


def _newest(path: str) -> Optional[Transaction]:
    """The newest transaction; None where there is none, or it cannot be read.

    A log that changed while it was read says something else than the file: both are read again.
    """
    try:
        for _ in range(_LOOKS):
            log = _log(path)
            transaction = _read(path, log)
            if _log(path) == log:
                return transaction
    except (OSError, ValueError):
        pass
    return None


def _read(path: str, log: bytes) -> Optional[Transaction]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        check_regular(os.fstat(descriptor), path)
        return newest(lambda offset, size: os.pread(descriptor, size, offset), log)
    finally:
        os.close(descriptor)


def _log(path: str) -> bytes:
    try:
        return read_bytes(f"{path}-wal", _MOST_BYTES)
    except FileNotFoundError:
        return b""
