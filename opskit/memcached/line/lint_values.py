"""Values that memcached refuses, or silently reads as something else. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from opskit.core.finding import Finding
from opskit.core.units import GIB, KIB, MIB, size_text
from opskit.memcached.line.edit import Edit, Problem
from opskit.memcached.line.effect import CHUNK, Effect
from opskit.memcached.line.getopt import Given, Parsed
from opskit.memcached.line.numbers import PORTS, atof, atoi, is_integer, is_number, item_size, meant_bytes, size_t
from opskit.memcached.line.release import (
    ITEM_CHECKED_AT_END,
    ITEMS_TO_1G,
    NEGATIVE_CHECKED,
    PORT_CHECKED,
    Release,
    at,
    release_text,
)
from opskit.memcached.line.table import FLOAT, INTEGER, OCTAL, PROTOCOLS, SIZE, Flag

# What 0 or -1 stand for, and no finding about the value itself.
MEANT = ("0", "-1")


def value_problems(parsed: Parsed, found: Effect, release: Release) -> Iterator[Problem]:
    """A problem for each value that is not a number, out of range, or read as something else."""
    for number, given in enumerate(parsed.options):
        flag = given.flag
        if given.wrong or flag is None or given.value is None or flag.letter == "u":
            continue
        value = given.value.lstrip() if release >= NEGATIVE_CHECKED else given.value
        if flag.kind in {INTEGER, FLOAT, OCTAL}:
            yield from _number(given, number, flag, value, release)
        elif flag.kind == SIZE:
            yield from _item(given, number, value, found, release)
        elif flag.letter == "B" and value not in PROTOCOLS:
            title = f"-B {value}: there is ascii, binary and auto"
            yield _problem("out-of-range", "error", title, "exit status 64", "-B auto", number)
    yield from _memory(parsed, found, release)


def _problem(
    id_: str,
    severity: str,
    title: str,
    evidence: str,
    remedy: str,
    number: int,
    instead: Optional[tuple[str, str]] = None,
) -> Problem:
    return Problem(Finding(id_, severity, title, evidence, remedy), (Edit(number, (instead,) if instead else ()),))


def _number(given: Given, number: int, flag: Flag, value: str, release: Release) -> Iterator[Problem]:
    """A number that C reads in its own way."""
    letter = flag.letter
    good = is_number(value) if flag.kind == FLOAT else is_integer(value)
    if flag.kind == OCTAL:
        good = bool(value) and all(digit in "01234567" for digit in value)
    read: float = atof(value) if flag.kind == FLOAT else atoi(value)
    if not good:
        yield from _no_number(given, number, flag, value, read)
        return
    if flag.kind == OCTAL:
        return
    if letter in "pU":
        if value == "-1":
            title = f"-{letter} -1 listens on any free port, another one at each start"
            yield _problem("any-port", "warning", title, f"-{letter} -1", "a port of your own", number)
        if value in MEANT:
            return
        yield from _port(number, letter, int(value), release)
        return
    if flag.kind == INTEGER and int(value) != read:
        title = f"-{letter} {value} is read as {read:g}"
        yield _problem(
            "reinterpreted", "error", title, "a number is cut to 32 bits", f"{_range(flag, release)}", number
        )
        return
    if letter == "m" and read < 0:
        title = f"-m {value} is no limit at all"
        evidence = f"{size_t(int(read) * MIB)} bytes, about 2^64"
        yield _problem("reinterpreted", "critical", title, evidence, "-m with the MiB that it may use", number)
        return
    yield from _bounds(number, flag, value, read, release)


def _no_number(given: Given, number: int, flag: Flag, value: str, read: float) -> Iterator[Problem]:
    letter = flag.letter
    meant = meant_bytes(value) if letter == "m" else None
    if meant is not None and meant >= MIB:
        title = f"{given.text} means {atoi(value)} MiB: memcached reads no unit"
        remedy = f"-m {meant // MIB}"
        yield _problem(
            "reinterpreted", "error", title, f"atoi: {atoi(value)}", remedy, number, ("m", str(meant // MIB))
        )
    elif letter in "pU" and read == 0:
        what = "TCP" if letter == "p" else "UDP"
        title = f"{given.text}: not a number, so 0: no {what} at all"
        severity = "error" if letter == "p" else "warning"
        yield _problem("not-a-number", severity, title, "atoi: 0", f"-{letter} with a port", number)
    else:
        what = "an octal mode" if flag.kind == OCTAL else "a number"
        title = (
            f"{given.text}: not {what}; it is read as {read:g}" if flag.kind != OCTAL else f"{given.text}: not {what}"
        )
        # What follows a number and a blank, as a comment does, was not meant for it.
        alone = re.split(r"[\s#]", value.strip(), maxsplit=1)[0]
        instead = (letter, alone) if is_integer(alone) and flag.kind != OCTAL else None
        yield _problem("not-a-number", "error", title, f"-{letter} {read:g}", f"-{letter} with {what}", number, instead)


def _port(number: int, letter: str, value: int, release: Release) -> Iterator[Problem]:
    what = "TCP" if letter == "p" else "UDP"
    if value >= PORTS:
        remedy = f"-{letter} with a port from 1 to 65535"
        if letter == "p" and release >= PORT_CHECKED:
            title = f"-p {value}: there is no such port"
            yield _problem("out-of-range", "error", title, f"{release_text(release)}: exit status 64", remedy, number)
        else:
            bound = atoi(str(value)) % PORTS
            title = f"-{letter} {value} binds {what} port {bound}: only 16 bits of it are used"
            yield _problem("reinterpreted", "error", title, f"{value} mod 65536 = {bound}", remedy, number)
    elif value < 0:
        title = f"-{letter} {value}: there is no such port"
        yield _problem("out-of-range", "error", title, "exit status 71", f"-{letter} with a port", number)


def _bounds(number: int, flag: Flag, value: str, read: float, release: Release) -> Iterator[Problem]:
    if not flag.limits:
        return
    low, high, status = at(flag.limits, release)
    letter = flag.letter
    if flag.letter == "t" and high is not None and read > high:
        title = f"-t {value}: memcached warns over 64; more threads than cores are no gain"
        yield _problem("many-threads", "warning", title, f"{value} threads", "-t with the number of cores", number)
    elif letter in "Rn" and read < 0 and release < NEGATIVE_CHECKED:
        silent = "it runs and never answers" if letter == "R" else "it is taken as it is"
        title = f"-{letter} {value}: {silent}"
        severity = "critical" if letter == "R" else "error"
        yield _problem("out-of-range", severity, title, "seen on 1.6.18", f"-{letter} {flag.default[0][1]}", number)
    elif letter != "m" and ((low is not None and read < low) or (high is not None and read > high)):
        title = f"-{letter} {value}: it takes {_range(flag, release)}"
        evidence = f"exit status {status}" if status else "it is taken all the same"
        remedy = f"-{letter} {at(flag.default, release)}" if flag.default else "another value"
        yield _problem("out-of-range", "error" if status else "warning", title, evidence, remedy, number)


def _range(flag: Flag, release: Release) -> str:
    if not flag.limits:
        return "a whole number"
    low, high, _ = at(flag.limits, release)
    if flag.letter == "f":
        return "more than 1"
    return f"{low:g} to {high:g}" if high is not None else f"{low:g} and up"


def _item(given: Given, number: int, value: str, found: Effect, release: Release) -> Iterator[Problem]:
    """-I: units, limits, steps."""
    size, meant = item_size(value), meant_bytes(value)
    digits = value[:-1] if value[-1:].lower() in {"k", "m"} else value
    status = "exit status 64" if release >= ITEM_CHECKED_AT_END else "exit status 1"
    most = GIB if release >= ITEMS_TO_1G else 128 * MIB
    if meant is not None and meant != size:
        meant = min(meant, most)
        instead = ("I", f"{meant // KIB}k" if meant % MIB else f"{meant // MIB}m")
        title = f"{given.text} is {size} bytes: only k and m are units"
        fits = meant <= found.max_bytes // 4
        yield _problem("reinterpreted", "error", title, status, "-I " + instead[1], number, instead if fits else None)
    elif not is_integer(digits):
        title = f"{given.text}: not a number"
        yield _problem("not-a-number", "error", title, f"read as {size} bytes", "-I 1m", number)
    elif not KIB <= size <= most:
        title = f"{given.text}: it takes 1k to {most // MIB}m"
        yield _problem("out-of-range", "error", title, status, f"-I {most // MIB}m at most", number)
    elif size % CHUNK and "slab_chunk_max" not in found.values.get("o", "") and _chunked(size, release):
        up = (size + CHUNK - 1) // CHUNK * CHUNK
        instead = ("I", f"{up // KIB}k")
        title = f"{given.text}: it has to be a multiple of 512k"
        yield _problem("out-of-range", "error", title, "exit status 64", "-I " + instead[1], number, instead)
    elif size > MIB and release < ITEMS_TO_1G:
        title = f"{given.text}: items over 1m make every size coarser in this release"
        yield _problem("large-items", "info", title, "it warns of that itself", "-I 1m", number, ("I", value))


def _chunked(size: int, release: Release) -> bool:
    return release >= ITEM_CHECKED_AT_END or (release >= ITEMS_TO_1G and size > MIB)


def _memory(parsed: Parsed, found: Effect, release: Release) -> Iterator[Problem]:
    """-m against -I: half of it (1.5.4 on), or a quarter (1.4.29 to 1.5.3, where -I is given)."""
    part = 2 if release >= ITEM_CHECKED_AT_END else 4 if release >= ITEMS_TO_1G and "I" in found.values else 0
    if not part or found.max_bytes >= part * found.item_size or not KIB <= found.item_size <= GIB:
        return
    number = [n for n, given in enumerate(parsed.options) if given.letter == "m" and not given.wrong]
    least = part * found.item_size // MIB
    text = found.values.get("m", "64")
    title = f"-m {text} is too little for items of {size_text(found.item_size)}: {part} of them have to fit"
    status = "exit status 64" if part == 2 else "exit status 1"
    if meant_bytes(text) is None:  # else its unit is the cause, and told
        finding = Finding("memory-under-item-size", "error", title, status, f"-m {least} at least")
        yield Problem(finding, (Edit(number[-1] if number else -1, (("m", str(max(least, 64))),)),))
