"""Any file at all, edited and taken back, is the same to the byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from opskit.disk.fstab.text import (
    add_line,
    decode,
    encode,
    entries,
    entry_line,
    lacks_newline,
    parse,
    put_back_lines,
    remove_line,
    remove_lines,
)

LINE = "UUID=0a1b2c3d-0000-4000-8000-000000000001 /data ext4 defaults,nofail 0 2"
# Pieces that make entries likely, between bytes that make anything possible.
PIECES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            *(b"\n", b"\r\n", b"\r", b" ", b"\t", b"#", b"\\040", b"\\", b"\0", b"\x85", b"\xff", "é\u2028".encode()),
            *(b"/dev/vdb1", b"/mnt", b"ext4", b"defaults", b"0 0", b"UUID=x /y xfs\n"),
            *(LINE.encode(), LINE.encode() + b"\n"),
        ]
    ),
)
FILES = st.lists(PIECES, max_size=20).map(b"".join)
# What a field can hold: any bytes but NUL, as os.fsdecode gives them.
FIELDS = st.lists(st.integers(1, 255), min_size=1, max_size=20).map(lambda data: decode(bytes(data)))


@given(FILES)
def test_parsing_loses_nothing_and_never_raises(data: bytes) -> None:
    lines = parse(decode(data))
    assert encode("".join(line.raw for line in lines)) == data
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))


@given(FILES)
def test_a_line_added_and_taken_back(data: bytes) -> None:
    text = decode(data)
    added = add_line(text, LINE)
    assert entries(added)[-1].raw == LINE + "\n"
    assert encode(added).startswith(data)
    assert len(parse(added)) == len(parse(text)) + 1
    assert encode(remove_line(added, LINE, newline_added=lacks_newline(text))) == data


@given(FILES, st.data())
def test_lines_taken_out_and_put_back(data: bytes, draw: st.DataObject) -> None:
    lines = parse(decode(data))
    chosen = draw.draw(st.lists(st.sampled_from(lines), unique=True)) if lines else []
    without = remove_lines(decode(data), chosen)
    assert len(parse(without)) == len(lines) - len(chosen)
    assert encode(put_back_lines(without, chosen)) == data


@given(FIELDS, FIELDS, FIELDS, FIELDS, st.integers(0, 9), st.integers(0, 9))
def test_an_entry_comes_back_as_it_went(
    source: str, target: str, fstype: str, options: str, dump: int, pass_: int
) -> None:
    line = entry_line(source, target, fstype, options, dump, pass_)
    (entry,) = entries(line + "\n")
    assert (entry.source, entry.target, entry.fstype, entry.options) == (source, target, fstype, options)
    assert (entry.dump, entry.pass_, entry.ignored) == (dump, pass_, "")


@given(FIELDS)
def test_a_written_line_has_no_blank_but_its_separators(target: str) -> None:
    line = entry_line("UUID=1", target, "ext4", "ro")
    assert not set(line) & set("\t\n\r\v\f")
    assert line.count(" ") == 5
