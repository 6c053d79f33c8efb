"""The export format, cut anywhere: what was written comes out, and memory has a bound."""

from __future__ import annotations

import random
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.journal.errors.export import FIELDS, MESSAGE_BYTES, PENDING_BYTES, ExportEntry, ExportParser, fields_of

BOOT = b"_BOOT_ID=" + b"1" * 32 + b"\n"
SEQNUM = b"__SEQNUM=7\n__SEQNUM_ID=" + b"2" * 32 + b"\n"  # from systemd 254 on


def written(name: str, value: bytes) -> bytes:
    """A field as journalctl writes it (logs-show.c, output_export): text as it is where it is printable."""
    try:
        printable = all(char.isprintable() or char == "\t" for char in value.decode())
    except UnicodeDecodeError:
        printable = False
    if printable:
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def entry(number: int, fields: dict[str, bytes], *, more: bytes = b"") -> bytes:
    head = b"__CURSOR=s=%d\n__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=1\n" % (number, 1000 + number)
    return head + more + BOOT + b"".join(written(*field) for field in fields.items()) + b"\n"


def parsed(data: bytes, cuts: Optional[list[int]] = None, **options: bool) -> list[ExportEntry]:
    parser = ExportParser(**options)
    places = [0, *sorted(cuts or []), len(data)]
    return [entry for start, end in zip(places, places[1:]) for entry in parser.feed(data[start:end])]


VALUES = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogateescape") if text.isprintable() else b"text"),
    st.sampled_from([b"\n" * 10, b"\n\n__CURSOR=x\n", b"x" * 10, b"", b"=", b"\x1b[1mx", b"\n" * 2570, b"\x00\n\n"]),
)
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from([*FIELDS, "_PID", "COREDUMP"]), VALUES, max_size=6), min_size=1, max_size=6
)


@given(ENTRIES, st.lists(st.integers(0, 4000), max_size=6), st.booleans())
def test_what_was_written_comes_out_wherever_it_is_cut(
    fields: list[dict[str, bytes]], cuts: list[int], newer: bool
) -> None:
    data = b"".join(
        entry(number, parsed_entry, more=SEQNUM if newer else b"") for number, parsed_entry in enumerate(fields)
    )
    for options in ({"narrow": True}, {"every": True}):
        entries = parsed(data, [cut for cut in cuts if cut < len(data)], **options)
        assert [entry[0] for entry in entries] == [b"s=%d" % number for number in range(len(fields))]
        assert [entry[1] for entry in entries] == [b"%d" % (1000 + number) for number in range(len(fields))]
        messages = [entry.get("MESSAGE", b"") for entry in fields]
        # podman's conmon leaves a newline at the end of each.
        assert [entry[3] for entry in entries] == [text.rstrip(b"\n") or text for text in messages]
        for got, gave in zip(entries, fields):
            wanted = {name for name in gave if name != "MESSAGE" and (name in FIELDS or "every" in options)}
            lines = [line for line in (got[2] + got[4]).split(b"\n") if line]
            assert {line.split(b"=", 1)[0].decode() for line in lines} == wanted


@given(ENTRIES)
def test_byte_by_byte_is_as_all_at_once(fields: list[dict[str, bytes]]) -> None:
    data = b"".join(entry(number, parsed_entry) for number, parsed_entry in enumerate(fields))
    assert parsed(data, list(range(1, len(data)))) == parsed(data)


def test_an_entry_is_there_with_its_last_byte_and_does_not_wait_for_the_next() -> None:
    for message in (b"text", b"two\nlines", b"\n" * 10):
        parser = ExportParser()
        data = entry(1, {"PRIORITY": b"3", "MESSAGE": message})
        assert parser.feed(data[:-1]) == []
        assert [entry[3] for entry in parser.feed(data[-1:])] == [message]


@pytest.mark.parametrize("size", [MESSAGE_BYTES - 1, MESSAGE_BYTES, MESSAGE_BYTES + 1, 3 * 1024**2, 12 * 1024**2])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_message_that_is_too_long_is_cut_and_what_follows_is_whole(size: int, end: bytes) -> None:
    """end: with a newline it is no printable text, and has its length before it."""
    long = b"x" * (size - len(end)) + end
    data = entry(1, {"COREDUMP": b"\x00" * 10, "MESSAGE": long, "PRIORITY": b"3"}) + entry(2, {"MESSAGE": b"after"})
    parser = ExportParser()
    entries, most = [], 0
    for at in range(0, len(data), 65536):
        entries += parser.feed(data[at : at + 65536])
        most = max(most, len(parser._rest))
    assert [entry[0] for entry in entries] == [b"s=1", b"s=2"]
    assert long.startswith(entries[0][3][: MESSAGE_BYTES - 1])
    assert len(entries[0][3]) >= min(size - len(end), MESSAGE_BYTES - 1)
    assert entries[1][3] == b"after"
    assert b"PRIORITY=3\n" in entries[0][2] + entries[0][4]
    assert most <= PENDING_BYTES


def test_a_core_in_the_journal_is_passed_over() -> None:
    """219 knows no --output-fields: a dumped core of megabytes comes along."""
    core = random.Random(1).randbytes(20 * 1024**2)
    data = entry(1, {"COREDUMP": core, "MESSAGE": b"dumped core\nx", "PRIORITY": b"2"}) + entry(
        2, {"MESSAGE": b"after"}
    )
    parser = ExportParser(narrow=True)
    entries, most = [], 0
    for at in range(0, len(data), 1 << 20):
        entries += parser.feed(data[at : at + (1 << 20)])
        most = max(most, len(parser._rest))
    assert [entry[3] for entry in entries] == [b"dumped core\nx", b"after"]
    assert entries[0][2] == b"PRIORITY=2\n"
    assert most <= PENDING_BYTES


@pytest.mark.parametrize("noise", [b"-- No entries --\n", b"\n\n", b"garbage without end", b"\x00\x01", b"MESSAGE\n"])
def test_noise_raises_nothing(noise: bytes) -> None:
    parsed(noise)
    parsed(entry(1, {"MESSAGE": b"a"}) + noise)


def test_all_fields_of_an_entry() -> None:
    fields = {"UNIT": b"a.service", "JOB_ID": b"7", "MESSAGE": b"no\xff\ntext", "X": b"1\n2"}
    entries = fields_of(parsed(entry(1, fields), every=True)[0])
    assert entries == {"UNIT": "a.service", "JOB_ID": "7", "MESSAGE": "no\udcff\ntext", "X": "1 2"}
