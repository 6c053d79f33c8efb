"""How memcached cuts its memory into chunks, and what it keeps in a file: -o slab_chunk_max, slab_sizes, ext_*. No I/O.

From memcached.c and storage.c of 1.4.39, 1.5.22, 1.6.18, 1.6.24 and 1.6.45; the statuses were seen on 1.6.18.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Optional

from opskit.core.units import KIB, MIB
from opskit.memcached.line.numbers import atoi, safe_long
from opskit.memcached.line.parse import CommandLine, ExtendedOption
from opskit.memcached.line.release import (
    CHUNK_IN_KIB,
    ITEM_CHECKED_AT_END,
    ITEMS_TO_1G,
    LOG_SIZE_ALONE,
    STORAGE_CHECKED,
    STORAGE_USAGE,
)

EX_USAGE = 64
# As Python tells of a signal: an empty or unreadable slab_chunk_max is divided by, before 1.6.24.
SIGABRT, SIGFPE, SIGSEGV = -6, -8, -11
SIGNALS = {SIGABRT: "SIGABRT", SIGFPE: "SIGFPE", SIGSEGV: "SIGSEGV"}
PAGE = MIB
CHUNK = 512 * KIB
# A class of chunks is at least so much larger than the one before it (CHUNK_ALIGN_BYTES), and there are so many.
ALIGN = 8
CLASSES = 63
# What every item has beside its key, value and flags.
ITEM = 48
# What extstore has until it is told otherwise, in MiB.
PAGE_SIZE, WRITE_BUFFER = 64, 4
UNITS = {"m": MIB, "g": 1024 * MIB, "t": 1024**2 * MIB, "p": 1024**3 * MIB}


class ChunkSize(NamedTuple):
    """The largest chunk, in bytes; status: how memcached ends for the value itself, 0 when it goes on."""

    size: int
    status: int = 0


def chunk_size(line: CommandLine, item_size: int) -> ChunkSize:
    """The largest chunk that a line makes: by slab_chunk_max, or by what the release has by default."""
    size = CHUNK if line.release >= ITEM_CHECKED_AT_END else PAGE
    named = False
    for option in line.all("o"):
        for extended in option.extended:
            if extended.name in {"no_chunked_items", "no_modern"}:
                size = PAGE
            elif extended.name == "modern" and line.release < ITEM_CHECKED_AT_END:
                size = CHUNK
            elif extended.name == "slab_chunk_max" and not extended.ends:
                chunk = _named_chunk(line, extended)
                if chunk.status:
                    return chunk
                size, named = chunk.size, True
    return ChunkSize(CHUNK if item_size > MIB and not named else size)


def _named_chunk(line: CommandLine, extended: ExtendedOption) -> ChunkSize:
    if extended.value is None:
        return ChunkSize(0, SIGSEGV)
    size = safe_long(extended.value)
    if line.release >= CHUNK_IN_KIB:
        return ChunkSize((size or 0) * KIB)
    return ChunkSize(size, 0) if size else ChunkSize(0, SIGFPE)


def chunk_ends(line: CommandLine, item_size: int) -> Iterator[tuple[int, str]]:
    """With what memcached ends for its chunk sizes, and why."""
    if line.release < ITEMS_TO_1G:
        return
    size, status = chunk_size(line, item_size)
    if status:
        yield status, "slab_chunk_max is no number, and memcached divides by it"
    elif size > item_size:
        yield EX_USAGE, f"slab_chunk_max is more than -I: {size} of {item_size} bytes"
    elif item_size % size:
        yield (
            EX_USAGE,
            (
                "-I is not a multiple of 512k"
                if size == CHUNK
                else f"-I is not a multiple of slab_chunk_max, {size} bytes"
            ),
        )
    elif PAGE % size:
        yield EX_USAGE, f"slab_chunk_max does not divide a page of {PAGE} bytes: {size}"


def sizes_of(line: CommandLine) -> Optional[ExtendedOption]:
    """The option that names the sizes of chunks: slab_sizes, or worker_logbuf_size where that is taken for it, too.

    Its case falls through into that of slab_sizes (memcached.c up to 1.6.39). None without either.
    """
    names = {"slab_sizes", "worker_logbuf_size"} if line.release < LOG_SIZE_ALONE else {"slab_sizes"}
    options = [extended for option in line.all("o") for extended in option.extended if extended.name in names]
    return options[-1] if options else None


def sizes_end(line: CommandLine, item_size: int) -> Iterator[tuple[int, str]]:
    """With what memcached ends for the sizes of chunks, and why."""
    option = sizes_of(line)
    if option is None or option.ends:
        return
    if option.value is None:
        yield SIGSEGV, "slab_sizes has no value"
        return
    least, most = line.integer("n", 48), chunk_size(line, item_size).size
    last, sizes = 0, [text for text in option.value.split("-") if text]
    for text in sizes:
        size = safe_long(text)
        if size is None or not least <= size <= most or size <= last + (ALIGN if last else 0):
            taken = ", which this release takes for slab_sizes" if option.name != "slab_sizes" else ""
            why = f"{text} is not from {least} to {most} and more than {ALIGN} over the last one"
            yield EX_USAGE, f"{option.name}{taken}: {why}"
            return
        last = size
    if not option.value or len(sizes) >= CLASSES:
        yield EX_USAGE, f"{option.name}: from 1 to {CLASSES - 1} sizes"


def classes_of(line: CommandLine, item_size: int) -> int:
    """How many sizes of chunks it makes (slabs_init() in slabs.c)."""
    option = sizes_of(line)
    if option is not None and option.value:
        return 1 + len([text for text in option.value.split("-") if text])
    factor = line.last("f")
    growth = factor.number.value if factor and factor.number else 1.25
    largest, size, number = chunk_size(line, item_size).size, (ITEM + line.integer("n", 48)) % 2**32, 1
    while number < CLASSES and growth > 1 and size < largest / growth:
        size = int((size + -size % ALIGN) * growth)
        number += 1
    return number


def pages_short(line: CommandLine, item_size: int, max_bytes: int) -> int:
    """How many MiB -m has at least for the page of each class that -L and -e take at once; 0 where it is enough."""
    if not (line.has("L") or line.has("e")):
        return 0
    classes = classes_of(line, item_size)
    return classes if max_bytes < classes * PAGE else 0


def storage_ends(line: CommandLine, item_size: int, udp: int) -> Iterator[tuple[int, str]]:
    """With what memcached ends, before it is a daemon, for a file of extstore."""
    if "ext_path" not in line.extended:
        return
    buffer = _mebibytes(line, "ext_wbuf_size", WRITE_BUFFER)
    if item_size > buffer * MIB:
        yield EX_USAGE, f"-I is more than ext_wbuf_size ({buffer} MiB)"
    if udp:
        yield EX_USAGE, "no UDP with ext_path"


def storage_ends_late(line: CommandLine) -> Iterator[tuple[int, str]]:
    """With what memcached ends, in the background, when it opens the file of extstore."""
    option = line.extended.get("ext_path")
    if option is None or option.wrong:
        return
    page = _mebibytes(line, "ext_page_size", PAGE_SIZE)
    buffer = _mebibytes(line, "ext_wbuf_size", WRITE_BUFFER)
    if not buffer:
        yield SIGFPE, "ext_wbuf_size is 0, and memcached divides by it"
    elif page % buffer:
        yield 1, f"ext_page_size ({page} MiB) is not a multiple of ext_wbuf_size ({buffer} MiB)"
    elif page % 2 or buffer % 2:
        yield 1, "ext_page_size and ext_wbuf_size have to be even"
    elif line.release >= STORAGE_CHECKED and storage_bytes(option.value or "") < page * MIB:
        unit = storage_size(option.value or "")[-1:].lower()
        status = EX_USAGE if line.release >= STORAGE_USAGE and unit in UNITS else 1
        yield status, f"ext_path is smaller than a page of {page} MiB"


def storage_size(value: str) -> str:
    """The size of an ext_path, as it is written."""
    return value.partition(":")[2].partition(":")[0]


def storage_bytes(value: str) -> int:
    """The size of an ext_path, in bytes; 0 for one without a unit, as memcached reads it."""
    size = storage_size(value)
    return atoi(size[:-1]) * UNITS.get(size[-1:].lower(), 0)


def _mebibytes(line: CommandLine, name: str, default: int) -> int:
    option = line.extended.get(name)
    value = safe_long(option.value or "") if option else None
    return default if value is None else value
