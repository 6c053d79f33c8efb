"""Numbers as the C library reads them, and as people mean them. No I/O."""

from __future__ import annotations

import re
from typing import Optional

from opskit.core.units import GIB, KIB, MIB

LONG_MAX = 2**63 - 1
PORTS = 65536


def atoi(text: str) -> int:
    """The whole number that C reads there: leading digits, 0 without any; glibc cuts a long value to 32 bits."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    value = int(found[1]) if found else 0
    low = max(-LONG_MAX - 1, min(LONG_MAX, value)) & 0xFFFFFFFF
    return low - 0x100000000 if low > 0x7FFFFFFF else low


def atof(text: str) -> float:
    """The decimal number that C reads there; 0 without one."""
    found = re.match(r"[ \t\n]*([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?)", text)
    return float(found[1]) if found else 0.0


def is_integer(text: str) -> bool:
    """Whether it is one whole number and nothing else."""
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None


def is_number(text: str) -> bool:
    """Whether it is one decimal number and nothing else."""
    return re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) is not None


def size_t(value: int) -> int:
    """A negative number where C has no sign: about 2^64."""
    return value & 0xFFFFFFFFFFFFFFFF


def item_size(text: str) -> int:
    """What -I makes of its value: k and m are units, any other letter ends the number, which is bytes."""
    unit = text[-1:].lower()
    if unit == "k":
        return atoi(text[:-1]) * KIB
    return atoi(text[:-1]) * MIB if unit == "m" else atoi(text)


UNITS = {"b": 1, "k": KIB, "m": MIB, "g": GIB, "t": KIB * GIB}


def meant_bytes(text: str) -> Optional[int]:
    """A size with a unit as a person means it: `2g`, `512MB`, `1.5 GiB`. None for anything else."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt])(?:i?b)?", text.strip().lower())
    return int(float(found[1]) * UNITS[found[2]]) if found else None
