"""Which systemd this is, and in what its releases differ."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from opskit.core.errors import UsageFault


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
    """What the vacuum of one systemd goes by.

    header_bytes: a shorter file counts as empty. active_size: --vacuum-size counts active files too.
    deletes_unreadable: also a file that cannot be read goes. birth: the time of birth counts.
    roots: /run/log/journal and /var/log/journal themselves are vacuumed, not only the directories in them.
    namespaces, root, files: whether journalctl has --namespace, --root for journals, and --vacuum-files.
    rotate: `journalctl --rotate`; before that a signal to journald.
    """

    header_bytes: int
    active_size: bool
    deletes_unreadable: bool
    birth: bool
    roots: bool
    namespaces: bool
    root: bool
    files: bool
    rotate: bool


def rules_of(version: Version) -> Rules:
    """The rules, from the sources of systemd 219 to 257 and of RHEL's builds of 219, 239 and 252."""
    number = version.number
    sizes = ((254, 272), (252, 264), (246, 256), (229, 240))
    return Rules(
        header_bytes=next((size for since, size in sizes if number >= since), 160),
        active_size=number >= 254 or _backported(version),
        deletes_unreadable=number < 229,
        birth=number >= 239,
        roots=number >= 244,
        namespaces=number >= 245,
        root=number >= 233,
        files=number >= 228,
        rotate=number >= 239,
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
    found = re.match(r"(?:systemd )?(\d{3})\b(?:[^\n]*?\(([^)\n]*)\))?", text)
    if not found:
        raise UsageFault("--systemd-version", f"{text!r} is no version of systemd", todo="like 239, or 252-32.el9")
    number = int(found[1])
    if number < OLDEST:
        raise UsageFault("--systemd-version", f"systemd {number} is not known here", todo=f"{OLDEST} or later")
    return Version(number, found[2] or text)
