"""Numbers as the C library reads them, and as people mean them. No I/O."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

from opskit.core.units import GIB, KIB, MIB

# How a value is read. INTEGER: atoi(3), FLOAT: atof(3), OCTAL: strtol(3) with base 8, SIZE: a number with k or m.
INTEGER, FLOAT, OCTAL, SIZE = "integer", "float", "octal", "size"
LONG_MAX = 2**63 - 1
PORTS = 65536
# What strtod(3) reads.
_REAL = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?:(?P<hex>0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?)"
    r"|(?P<decimal>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)|(?P<word>inf(?:inity)?|nan))",
    re.IGNORECASE,
)
# Of more digits C keeps none apart, and Python reads no more than 4300.
DIGITS = 4000


class Number(NamedTuple):
    """A number in the value of an option.

    text: the value, without the blanks that the release passes over
    value: what C makes of it (a size in bytes)
    exact: whether the text is a number of that kind and nothing else
    written: the whole number that stands there, before C cuts it to 32 bits
    """

    text: str
    value: float
    exact: bool
    written: int = 0


def read_number(kind: str, text: str) -> Number:
    """What C reads in a text, by the kind of number that is expected there."""
    if kind == FLOAT:
        return Number(text, atof(text), is_number(text))
    if kind == OCTAL:
        digits = re.match(r"[0-7]*", text)
        return Number(text, strtol8(text), bool(text) and digits is not None and digits[0] == text)
    if kind == SIZE:
        return Number(text, item_size(text), is_integer(text[:-1] if text[-1:].lower() in {"k", "m"} else text))
    return Number(text, atoi(text), is_integer(text), int(text[:DIGITS]) if is_integer(text) else 0)


def atoi(text: str) -> int:
    """The whole number that C reads there: leading digits, 0 without any; glibc cuts a long value to 32 bits."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    value = int(match[1][:DIGITS]) if match else 0
    low = _long(value) & 0xFFFFFFFF
    return low - 0x100000000 if low > 0x7FFFFFFF else low


def atof(text: str) -> float:
    """The number that C reads there, by strtod(3): decimal, hexadecimal, inf or nan; 0 without one."""
    match = _REAL.match(text.lstrip(" \t\n\v\f\r"))
    if match is None:
        return 0.0
    number = float.fromhex(match["hex"]) if match["hex"] else float(match["decimal"] or match["word"])
    return -number if match["sign"] == "-" else number


def safe_long(text: str) -> Optional[int]:
    """The whole number that memcached's safe_strtol reads: nothing but a blank may follow it. None for no number.

    Cut to 32 bits, as it is stored.
    """
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)(?:[ \t\n\v\f\r]|\Z)", text)
    if match is None:
        return None
    value = int(match[1][:DIGITS])
    return atoi(match[1]) if abs(value) <= LONG_MAX else None


def strtol8(text: str) -> int:
    """The octal number that C reads there; 0 without one."""
    match = re.match(r"[ \t\n\v\f\r]*([+-]?[0-7]+)", text)
    return _long(int(match[1][:DIGITS], 8)) if match else 0


def _long(value: int) -> int:
    """The value as a C long: the largest or the least one where it is none."""
    return max(-LONG_MAX - 1, min(LONG_MAX, value))


def is_integer(text: str) -> bool:
    """Whether it is one whole number and nothing else."""
    return re.fullmatch(r"[+-]?[0-9]+", text) is not None


def is_number(text: str) -> bool:
    """Whether it is one decimal number and nothing else."""
    return re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", text) is not None


def is_real(text: str) -> bool:
    """Whether memcached's safe_strtod reads a number there: nothing but a blank may follow it."""
    head = text.lstrip(" \t\n\v\f\r")
    match = _REAL.match(head)
    return match is not None and (match.end() == len(head) or head[match.end()] in " \t\n\v\f\r")


def item_size(text: str) -> int:
    """What -I makes of its value: k and m are units, any other letter ends the number, which is bytes."""
    unit = text[-1:].lower()
    if unit == "k":
        return atoi(text[:-1]) * KIB
    return atoi(text[:-1]) * MIB if unit == "m" else atoi(text)


def memory_bytes(mebibytes: float) -> int:
    """What -m makes of its number. C has no sign there: below 0 it is about 2^64 bytes."""
    return int(mebibytes) * MIB & 0xFFFFFFFFFFFFFFFF


def bound_port(number: float) -> int:
    """The port that is bound for a number: 16 bits of it count."""
    return int(number) % PORTS if number >= PORTS else int(number)


UNITS = {"b": 1, "k": KIB, "m": MIB, "g": GIB, "t": KIB * GIB}


def meant_bytes(text: str) -> Optional[int]:
    """A size with a unit as a person means it: `2g`, `512MB`, `1.5 GiB`. None for anything else."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([bkmgt])(?:i?b)?", text.strip().lower())
    return int(float(match[1]) * UNITS[match[2]]) if match else None
