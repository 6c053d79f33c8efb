"""Values that memcached refuses, or silently reads as something else. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Optional

from opskit.core.finding import Finding
from opskit.core.units import GIB, KIB, MIB, size_text
from opskit.memcached.line.edit import Edit, LineFinding, OptionText
from opskit.memcached.line.effect import SUN_PATH, Effect, bound_path, late_end, odd_size
from opskit.memcached.line.numbers import (
    FLOAT,
    INTEGER,
    OCTAL,
    PORTS,
    SIZE,
    Number,
    is_integer,
    is_real,
    meant_bytes,
    memory_bytes,
)
from opskit.memcached.line.parse import CommandLine, LineOption
from opskit.memcached.line.release import (
    CONNECTIONS_CHECKED,
    ITEM_CHECKED_AT_END,
    ITEMS_TO_1G,
    NEGATIVE_CHECKED,
    PORT_CHECKED,
    Release,
    at,
    release_text,
)
from opskit.memcached.line.storage import CHUNK, pages_short, sizes_of
from opskit.memcached.line.table import PROTOCOLS, Flag


def value_findings(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """A finding for each value that is not a number, out of range, or read as something else."""
    for position, option in enumerate(line.options):
        flag, number = option.flag, option.number
        if flag is not None and number is not None:
            if not number.exact and flag.kind != SIZE:
                yield from _no_number(option, position, flag, number)
            elif flag.kind == SIZE:
                yield from _item(line, option, position, number, effect)
            elif flag.letter in "pU":
                yield from _port(position, flag.letter, number, line.release)
            elif flag.kind != OCTAL:
                yield from _number(position, flag, number, line.release, effect)
        elif option.letter == "B" and not option.wrong and option.value not in PROTOCOLS:
            title = f"-B {option.value}: the protocols are ascii, binary and auto"
            yield _finding("out-of-range", "error", title, "exit status 64", "-B auto", position)
        elif option.letter == "s" and bound_path(option.value or "") != (option.value or ""):
            title = (
                f"{option.text} binds {bound_path(option.value or '')}: no more than {SUN_PATH} bytes of it are used"
            )
            remedy = f"-s with a path of {SUN_PATH} bytes at most"
            yield _port_finding("reinterpreted", "error", title, "sun_path of unix(7)", remedy, position)
    yield from _log_size(line, effect)
    yield from _memory(line, effect)


def _finding(
    id_: str, severity: str, title: str, evidence: str, remedy: str, position: int,
    instead: Optional[OptionText] = None,
) -> LineFinding:  # fmt: skip
    """A finding about the option of this number, which is left out, or replaced by another."""
    edit = Edit(position, (instead,) if instead else ())
    return LineFinding(Finding(id_, severity, title, evidence, remedy), (edit,), position)


def _port_finding(
    id_: str, severity: str, title: str, evidence: str, remedy: str, position: int,
    instead: Optional[OptionText] = None,
) -> LineFinding:  # fmt: skip
    """The same about a port: without one memcached has its own, which nobody asked for."""
    edits = (Edit(position, (instead,)),) if instead else ()
    return LineFinding(Finding(id_, severity, title, evidence, remedy), edits, position)


def _number(position: int, flag: Flag, number: Number, release: Release, effect: Effect) -> Iterator[LineFinding]:
    """A number that is one, and still not taken as it is."""
    letter, text, value = flag.letter, number.text, number.value
    if flag.kind == INTEGER and number.written != value:
        title = f"-{letter} {text} is read as {value:g}"
        evidence, remedy = "a number is cut to 32 bits", flag.range_text(release) or "a whole number"
        yield _finding("reinterpreted", "error", title, evidence, remedy, position)
    elif letter == "m":
        if value < 0:
            title, evidence = f"-m {text} is no limit at all", f"{memory_bytes(value)} bytes, about 2^64"
            remedy = "-m with the number of MiB that it may use"
            yield _finding("reinterpreted", "critical", title, evidence, remedy, position)
    elif letter in "Rn" and value < 0 and release < NEGATIVE_CHECKED:
        title = f"-{letter} {text}: " + ("it runs and never answers" if letter == "R" else "it is taken as it is")
        severity, remedy = "critical" if letter == "R" else "error", f"-{letter} {flag.default[0][1]}"
        yield _finding("out-of-range", severity, title, "seen on 1.6.18", remedy, position)
    elif flag.limits:
        yield from _bounds(position, flag, number, release, effect)


def _bounds(position: int, flag: Flag, number: Number, release: Release, effect: Effect) -> Iterator[LineFinding]:
    """A number that is out of the range of its option."""
    low, high, status = at(flag.limits, release)
    if flag.letter == "c" and release < CONNECTIONS_CHECKED:
        status = effect.status or status  # what it meets first: no open file for the users, or the kernel's own limit
    above = high is not None and number.value > high
    if flag.letter == "t" and above:
        title = f"-t {number.text}: memcached warns above 64; more threads than cores gain nothing"
        evidence = f"{number.text} threads"
        yield _finding("many-threads", "warning", title, evidence, "-t with the number of cores", position)
    elif above or (low is not None and number.value < low):
        title = f"-{flag.letter} {number.text}: it takes {flag.range_text(release)}"
        evidence = f"exit status {status}" if status else "memcached accepts it all the same"
        remedy = f"-{flag.letter} {at(flag.default, release)}" if flag.default else "another value"
        yield _finding("out-of-range", "error" if status else "warning", title, evidence, remedy, position)


def _no_number(option: LineOption, position: int, flag: Flag, number: Number) -> Iterator[LineFinding]:
    """A value that is no number: what C reads there all the same."""
    letter, text, read = flag.letter, number.text, f"{number.value:g}"
    meant = meant_bytes(text) if letter == "m" else None
    if meant is not None and meant >= MIB:
        title = f"{option.text} means {option.integer} MiB: memcached ignores the unit"
        evidence, instead = f"atoi: {option.integer}", ("m", str(meant // MIB))
        yield _finding("reinterpreted", "error", title, evidence, f"-m {instead[1]}", position, instead)
    elif letter in "pU" and number.value == 0:
        title = f"{option.text}: not a number, so it is read as 0: no {'TCP' if letter == 'p' else 'UDP'} at all"
        severity = "error" if letter == "p" else "warning"
        yield _port_finding("not-a-number", severity, title, "atoi: 0", f"-{letter} with a port", position)
    elif flag.kind == OCTAL:
        title, evidence = f"{option.text}: not an octal mode", f"-{letter} {option.integer:o}"
        yield _finding("not-a-number", "error", title, evidence, f"-{letter} with an octal mode", position)
    else:
        title = f"{option.text}: not a number; it is read as {read}"
        # What follows a number and a blank, as a comment does, was not meant for it.
        alone = re.split(r"[\s#]", text.strip(), maxsplit=1)[0]
        number_alone = (letter, alone) if is_integer(alone) else None
        remedy = f"-{letter} with a number"
        severity = "warning" if flag.kind == FLOAT and is_real(text) else "error"  # inf, 0x1p3: it runs with that
        make = _port_finding if letter in "pU" else _finding
        yield make("not-a-number", severity, title, f"-{letter} {read}", remedy, position, number_alone)


def _port(position: int, letter: str, number: Number, release: Release) -> Iterator[LineFinding]:
    """-p and -U: -1 is any free port, over 65535 only 16 bits count."""
    value, what = number.written, "TCP" if letter == "p" else "UDP"
    if value == -1:
        title = f"-{letter} -1 listens on any free port, a different one at each start"
        yield _port_finding("any-port", "warning", title, f"-{letter} -1", "a fixed port", position)
    elif value < 0:
        title = f"-{letter} {value} is not a port"
        yield _port_finding("out-of-range", "error", title, "exit status 71", f"-{letter} with a port", position)
    elif value >= PORTS and letter == "p" and release >= PORT_CHECKED:
        title, evidence = f"-p {value} is not a port", f"{release_text(release)}: exit status 64"
        yield _port_finding("out-of-range", "error", title, evidence, "-p with a port from 1 to 65535", position)
    elif value >= PORTS:
        bound = int(number.value) % PORTS
        where = f"{what} port {bound}" if bound else f"any free {what} port, a different one at each start"
        title = f"-{letter} {value} binds {where}: only 16 bits of it are used"
        evidence, remedy = f"{value} mod 65536 = {bound}", f"-{letter} with a port from 1 to 65535"
        yield _port_finding("reinterpreted", "error", title, evidence, remedy, position)


def _item(
    line: CommandLine, option: LineOption, position: int, number: Number, effect: Effect
) -> Iterator[LineFinding]:
    """-I: units, limits, steps."""
    release, size, meant = line.release, option.integer, meant_bytes(number.text)
    status = "exit status 64" if release >= ITEM_CHECKED_AT_END else "exit status 1"
    most = GIB if release >= ITEMS_TO_1G else 128 * MIB
    if meant is not None and meant != size:
        meant = min(meant, most)
        instead = ("I", f"{meant // KIB}k" if meant % MIB else f"{meant // MIB}m")
        title = f"{option.text} is {size} bytes: only k and m are units"
        fits = instead if meant <= effect.max_bytes // 4 else None
        yield _finding("reinterpreted", "error", title, status, f"-I {instead[1]}", position, fits)
    elif not number.exact:
        evidence = f"read as {size} bytes"
        yield _finding("not-a-number", "error", f"{option.text}: not a number", evidence, "-I 1m", position)
    elif not KIB <= size <= most:
        # Who types 4 means 4m.
        mebibytes = size if 0 < size * MIB <= effect.max_bytes // 4 else 1
        title = f"{option.text}: it takes 1k to {most // MIB}m"
        remedy = f"-I {most // MIB}m at most" if size > most else f"-I {mebibytes}m"
        yield _finding("out-of-range", "error", title, status, remedy, position)
    elif odd_size(line, size):
        instead = ("I", f"{(size + CHUNK - 1) // CHUNK * CHUNK // KIB}k")
        title, remedy = f"{option.text}: it must be a multiple of 512k", f"-I {instead[1]}"
        yield _finding("out-of-range", "error", title, "exit status 64", remedy, position, instead)
    elif size > MIB and release < ITEMS_TO_1G:
        title = f"{option.text}: items over 1m make all chunk sizes coarser in this release"
        same = ("I", number.text)
        yield _finding("large-items", "info", title, "memcached itself warns of this", "-I 1m", position, same)


def _log_size(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """worker_logbuf_size, where memcached takes its value for the one size of chunks, too."""
    option = sizes_of(line)
    if effect.runs and option is not None and option.name == "worker_logbuf_size":
        title = (
            f"-o {option.text} is taken for slab_sizes={option.value} as well: chunks of that size and of the largest"
        )
        evidence = "a mistake in memcached up to 1.6.39: what is larger than that takes the largest chunk"
        yield LineFinding(Finding("reinterpreted", "error", title, evidence, "leave worker_logbuf_size out"))


def _memory(line: CommandLine, effect: Effect) -> Iterator[LineFinding]:
    """-m against -I: half of it (1.5.4 on), or a quarter (1.4.29 to 1.5.3, where -I is given)."""
    release = line.release
    classes = pages_short(line, effect.item_size, effect.max_bytes)
    if classes and effect.status == 1:
        taker = "-e" if line.has("e") else "-L"
        title = (
            f"-m {line.text('m', '64')} is too little: {taker} takes a page of 1M for each of {classes} sizes at once"
        )
        instead, evidence = ("m", str(max(classes, 64))), late_end(1, effect)
        yield _finding("out-of-range", "error", title, evidence, f"-m {classes} at least", line.position("m"), instead)
    part = 2 if release >= ITEM_CHECKED_AT_END else 4 if release >= ITEMS_TO_1G and line.has("I") else 0
    if not part or effect.max_bytes >= part * effect.item_size or not KIB <= effect.item_size <= GIB:
        return
    least = part * effect.item_size // MIB
    text = line.text("m", "64")
    title = f"-m {text} is too little for items of {size_text(effect.item_size)}: {part} of them must fit"
    status = "exit status 64" if part == 2 else "exit status 1"
    if meant_bytes(text) is None:  # else its unit is the cause, and told
        instead = ("m", str(max(least, 64)))
        position = line.position("m")
        yield _finding("memory-under-item-size", "error", title, status, f"-m {least} at least", position, instead)
