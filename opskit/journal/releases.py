"""Which systemd this is, and in what its releases differ."""

from __future__ import annotations

import re
import sys

from opskit.core.errors import UsageFault
from opskit.core.record import dataclass


@dataclass(frozen=True)
class Version:
    """A systemd: its number, and the release of the package, which alone tells of what RHEL changed (`252-16.el9`)."""

    number: int
    release: str = ""


OLDEST = 219
# What only looks sees all that any release has.
NEWEST = Version(257)


@dataclass(frozen=True)
class Rules:
    """What one systemd goes by, where the releases differ."""

    # A vacuum:
    header_bytes: int  # a shorter file counts as empty
    active_size: bool  # --vacuum-size counts active files, too
    deletes_unreadable: bool  # also a file that cannot be read goes
    birth: bool  # the time of birth counts
    roots: bool  # /run/log/journal and /var/log/journal themselves are vacuumed, not only the directories in them
    # journalctl:
    files: bool  # it has --vacuum-files
    root: bool  # its --root is for journals; before, for the catalogue alone
    output_fields: bool  # it has --output-fields
    namespaces: bool  # it has --namespace
    rotate: bool  # it has --rotate, and waits for it; before, a signal to journald, which answers none
    at_sign: bool  # a time can be written as `@` and the seconds since 1970
    incompatible: int  # what journal files may have: the flags of their headers
    # journalctl and journald read every unit of systemd.time(7). M and μs 219 does not know; us and s every one does.
    every_unit: bool
    # journald archives a user's file with a rotation also when it has not opened it.
    rotates_closed: bool


# The first release that has it: from the sources of systemd 219 to 257, and of RHEL's builds of 219, 239, 252 and 257.
# The vacuum was run with 219 (EL7), 239 (EL8), 247, 252 and 257 (EL10) and did as predicted; the others are read, not
# run, as are the builds of RHEL 8 and 9 from before their --vacuum-size counted active files.
_SINCE = {
    "files": 228,
    "root": 233,
    "output_fields": 237,  # 236 has it, too, and is in no distribution here
    "birth": 239,
    "at_sign": 239,  # not asked of 219, nor of the releases between, which are in no distribution here
    "every_unit": 239,  # not 219; the releases between are in no distribution here
    "rotate": 239,
    "roots": 244,
    "namespaces": 245,
    "rotates_closed": 246,
}
_DELETES_UNREADABLE_UNTIL = 228
# What is read of a file's header. It had 240 bytes before 229, too, but a vacuum did not look at its size.
_HEADER_BYTES = ((254, 272), (252, 264), (246, 256), (229, 240), (OLDEST, 160))
_ACTIVE_SIZE_SINCE = 254
# Compressed by XZ and LZ4; hashes with a key, and ZSTD; compact.
_INCOMPATIBLE = ((252, 0x1F), (246, 0xF), (OLDEST, 0x3))


def rules_of(version: Version) -> Rules:
    """The rules of this systemd."""
    number = version.number
    return Rules(
        header_bytes=next(size for since, size in _HEADER_BYTES if number >= since),
        active_size=number >= _ACTIVE_SIZE_SINCE or _backported(version),
        incompatible=next(flags for since, flags in _INCOMPATIBLE if number >= since),
        deletes_unreadable=number <= _DELETES_UNREADABLE_UNTIL,
        **{name: number >= since for name, since in _SINCE.items()},
    )


# The first releases of RHEL's packages whose --vacuum-size counts active files.
_BACKPORTED = {239: 77, 252: 16}
# The stable release that Debian 12 has does too; in which one it came is not known here.
_STABLE = (252, 39)


def _backported(version: Version) -> bool:
    """Whether this build counts active files although its number does not say so."""
    rhel = re.match(r"\d+-(\d+)[^-]*\.el\d", version.release)
    if rhel:
        return int(rhel[1]) >= _BACKPORTED.get(version.number, sys.maxsize)
    stable = re.match(r"(\d+)\.(\d+)", version.release)
    return stable is not None and int(stable[1]) == _STABLE[0] and int(stable[2]) >= _STABLE[1]


def parse_version(text: str) -> Version:
    """`252`, `252-32.el9_4` or `systemd 252 (252-32.el9_4)`. Raises UsageFault."""
    match = re.match(r"(?:systemd )?(\d{3})\b(?:[^\n]*?\(([^)\n]*)\))?", text)
    if not match:
        raise UsageFault("--systemd-version", f"{text!r} is no version of systemd", todo="like 239, or 252-32.el9")
    number = int(match[1])
    if number < OLDEST:
        raise UsageFault("--systemd-version", f"systemd {number} is not known here", todo=f"{OLDEST} or later")
    return Version(number, match[2] or text)
