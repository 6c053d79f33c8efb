"""The limits that journald keeps to: by its configuration, else what it computes for the filesystem.

As journal_default_metrics() of src/libsystemd/sd-journal/journal-file.c does. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Callable, Optional

from opskit.core.record import dataclass
from opskit.core.units import GIB, KIB, MIB, MONTH, size_text, systemd_span
from opskit.journal.retain.conf import Setting

_PAGE = 4 * KIB
_FILE_MIN = 512 * KIB


@dataclass(frozen=True)
class Bound:
    """A limit in force. value: bytes, files, or microseconds; 0: none. source: file:line, or why it is so."""

    name: str
    value: int
    source: str


@dataclass(frozen=True)
class Bounds:
    """The limits for one storage."""

    max_use: Bound
    keep_free: Bound
    max_file_size: Bound
    max_files: Bound
    retention: Bound
    max_file_time: Bound

    def all(self) -> tuple[Bound, ...]:
        """Each of them."""
        times = (self.retention, self.max_file_time)
        return (self.max_use, self.keep_free, self.max_file_size, self.max_files, *times)


def bounds_of(settings: Sequence[Setting], filesystem: int, *, runtime: bool) -> Bounds:
    """The limits that journald keeps to for /run (runtime) or /var, on a filesystem of so many bytes."""
    prefix = "Runtime" if runtime else "System"
    size = _max_file_size(settings, prefix)
    use = _set(settings, f"{prefix}MaxUse", parse_iec)
    if use is None:
        value = min(max(_page(filesystem // 10), MIB), 4 * GIB)
        use = Bound(f"{prefix}MaxUse", value, f"built in: 10% of {size_text(filesystem)}, at least 1M, at most 4G")
    elif use.value:
        use = Bound(use.name, max(_page(use.value), 2 * _FILE_MIN), use.source)
    if size is None:
        size = Bound(f"{prefix}MaxFileSize", min(_page(use.value // 8), 128 * MIB), f"built in: 1/8 of {use.name}")
    if size.value:
        size = Bound(size.name, max(_page(size.value), _FILE_MIN), size.source)
        if 0 < use.value < 2 * size.value:
            use = Bound(use.name, 2 * size.value, f"twice {size.name}, which is more than {use.source} says")
    free = _set(settings, f"{prefix}KeepFree", parse_iec) or Bound(
        f"{prefix}KeepFree", min(_page(filesystem // 20), 4 * GIB), "built in: 5% of the filesystem, at most 4G"
    )
    files = _set(settings, f"{prefix}MaxFiles", parse_count) or Bound(f"{prefix}MaxFiles", 100, "built in")
    return Bounds(
        max_use=use,
        keep_free=free,
        max_file_size=size,
        max_files=files,
        retention=_set(settings, "MaxRetentionSec", parse_seconds) or Bound("MaxRetentionSec", 0, "built in"),
        max_file_time=_set(settings, "MaxFileSec", parse_seconds) or Bound("MaxFileSec", MONTH, "built in: a month"),
    )


def _max_file_size(settings: Sequence[Setting], prefix: str) -> Optional[Bound]:
    return _set(settings, f"{prefix}MaxFileSize", parse_iec)


def _page(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _set(settings: Sequence[Setting], name: str, parse: Callable[[str], Optional[int]]) -> Optional[Bound]:
    """The last assignment that journald understands; it passes over the others with a warning."""
    for setting in reversed(settings):
        value = parse(setting.value) if setting.name == name else None
        if value is not None:
            return Bound(name, value, setting.where)
    return None


def bad_settings(settings: Sequence[Setting]) -> list[Setting]:
    """The limits whose value journald does not understand, and so passes over."""
    parsers = {"MaxUse": parse_iec, "KeepFree": parse_iec, "MaxFileSize": parse_iec, "MaxFiles": parse_count}
    bad = []
    for setting in settings:
        kind = setting.name.removeprefix("System").removeprefix("Runtime")
        parse = parse_seconds if setting.name in {"MaxRetentionSec", "MaxFileSec"} else parsers.get(kind)
        if parse and parse(setting.value) is None:
            bad.append(setting)
    return bad


def parse_iec(text: str) -> Optional[int]:
    """A size as systemd's configuration has it (parse_size, 1024-based); None for none."""
    total, rest = 0, text.strip()
    while rest:
        match = re.match(r"([0-9]+)(?:\.([0-9]*))?\s*([EPTGMKB]?)\s*", rest, re.ASCII)
        if not match:
            return None
        factor: int = 1024 ** "BKMGTPE".index(match[3] or "B")
        total += int(match[1]) * factor
        total += int(match[2]) * factor // 10 ** len(match[2]) if match[2] else 0
        rest = rest[match.end() :]
        if rest and not match[3]:
            return None
    return total if text.strip() and total < 1 << 64 else None


def parse_count(text: str) -> Optional[int]:
    """A number; None for none."""
    return int(text) if re.fullmatch(r"[0-9]+", text, re.ASCII) else None


def parse_seconds(text: str) -> Optional[int]:
    """A span in microseconds; a number alone is seconds. None for none."""
    span = systemd_span(text)
    return span[0] if span else None
