"""fstab as text: what an entry is (as libmount has it), and edits that leave every other byte."""

from __future__ import annotations

import pytest

from opskit.core.mountinfo import unescape
from opskit.disk.fstab.text import (
    FstabEntry,
    add_line,
    decode,
    encode,
    entries,
    entries_for_device,
    entries_for_target,
    entry_line,
    lacks_newline,
    parse,
    plain_target,
    put_back_lines,
    remove_line,
    remove_lines,
)
from opskit.disk.model import BlockDevice, Signature

DEVICE = BlockDevice(
    name="vdb1",
    path="/dev/vdb1",
    kind="partition",
    number="252:17",
    size=1 << 30,
    links=("/dev/disk/by-id/virtio-data-part1",),
    partition_uuid="aaaa-BBBB",
    partition_name="data",
    signatures=(Signature("ext4", "filesystem", uuid="0a1b2c3d-0000-4000-8000-000000000001", label="my data"),),
)


def one(text: str) -> FstabEntry:
    (entry,) = entries(text)
    return entry


def test_an_entry_has_six_fields_parted_by_blanks_and_tabs() -> None:
    entry = one(" \tUUID=1 \t/data\text4  rw,nofail\t1 2 \n")
    assert (entry.source, entry.target, entry.fstype, entry.options) == ("UUID=1", "/data", "ext4", "rw,nofail")
    assert (entry.dump, entry.pass_, entry.count, entry.ignored) == (1, 2, 6, "")
    assert entry.option_list == ("rw", "nofail")


@pytest.mark.parametrize("line", ["", "\n", " \t\n", "# /dev/vdb1 /data ext4\n", "\t # x\n", "\r\n", " \r\n"])
def test_comments_and_blank_lines_are_no_entries(line: str) -> None:
    assert entries(line) == ()
    assert "".join(entry.raw for entry in parse(line)) == line


# Each was tried with findmnt 2.38.1: it names the line in a "parse error" where there is a problem.
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/dev/a", "bad-field-count"),
        ("/dev/b /2", "bad-field-count"),
        ("/dev/a /1 ext4", ""),
        ("/dev/a /1 ext4 defaults", ""),
        ("/dev/i /9 ext4 defaults 0", ""),
        ("/dev/g /7 ext4 defaults +1 -2", ""),
        ("/dev/f /6 ext4 defaults 0 0 # c", ""),
        ("/dev/c /3 ext4 defaults x 0", "bad-number"),
        ("/dev/d /4 ext4 defaults 0 0# c", "bad-number"),
        ("/dev/e /5 ext4 defaults # c", "bad-number"),
        ("UUID=1 /my data ext4 defaults 0 0", "bad-number"),
    ],
)
def test_what_mount_ignores(line: str, problem: str) -> None:
    assert one(line).ignored == problem


def test_a_carriage_return_before_the_newline_is_no_part_of_a_field() -> None:
    assert one("/dev/a /1 ext4 nofail\r\n").options == "nofail"
    assert one("/dev/a /1 ext4 nofail\r").options == "nofail"


def test_other_line_separators_do_not_end_a_line() -> None:
    text = "/dev/a /x\x0b\x1c\x85\u2028y ext4\n"
    assert one(text).target == "/x\x0b\x1c\x85\u2028y"


def test_escapes_are_undone() -> None:
    entry = one(r"LABEL=my\040data /a\011b\012c\134d\043e ext4" + "\n")
    assert entry.source == "LABEL=my data"
    assert entry.target == "/a\tb\nc\\d#e"


def test_escaped_bytes_join_to_utf_8() -> None:
    assert unescape(r"/d\303\251") == "/dé"
    assert unescape(r"/d\377") == "/d\udcff"


@pytest.mark.parametrize("field", ["/a\\", "/a\\04", "/a\\8888", "/a\\000b"])
def test_what_is_no_escape_stays(field: str) -> None:
    assert unescape(field) == field


def test_a_line_is_written_with_escapes() -> None:
    line = entry_line("UUID=1", "/my data\t\\\n", "ext4", "defaults", 0, 2)
    assert line == r"UUID=1 /my\040data\011\134\012 ext4 defaults 0 2"


def test_a_source_that_begins_like_a_comment_is_escaped() -> None:
    line = entry_line("#share", "/a#b", "9p", "ro")
    assert line == r"\043share /a#b 9p ro 0 0"
    assert one(line).source == "#share"


def test_an_empty_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        entry_line("UUID=1", "", "ext4", "defaults")


@pytest.mark.parametrize("text", ["", "a b c\n", "a b c", "# c\r\n\r\n", "\n\n", " ", "a b c\nx y z"])
def test_a_line_added_and_taken_out_leaves_the_same_bytes(text: str) -> None:
    line = "UUID=1 /data ext4 defaults,nofail 0 2"
    added = add_line(text, line)
    assert entries(added)[-1].raw == line + "\n"
    assert entries(added)[:-1] == tuple(e for e in entries(add_line(text, "")) if e.raw.strip())
    assert remove_line(added, line, newline_added=lacks_newline(text)) == text


def test_only_our_line_goes_when_somebody_added_another() -> None:
    added = add_line("a b c", "our line x") + "later x y\n"
    assert remove_line(added, "our line x", newline_added=True) == "a b c\nlater x y\n"


def test_of_two_equal_lines_the_last_goes() -> None:
    assert remove_line("x y z\n# mid\nx y z\n", "x y z") == "x y z\n# mid\n"


def test_a_line_that_only_begins_alike_stays() -> None:
    text = "our line x y\nour line\r\n"
    assert remove_line(text, "our line") == text


@pytest.mark.parametrize("text", ["a 1 x\nb 2 x\nc 3 x\nb 4 x\n", "# c\r\na 1 x\r\n\nb 2 x", "b 2 x"])
def test_lines_taken_out_go_back_to_their_places(text: str) -> None:
    lines = [line for line in parse(text) if line.raw.startswith("b ")]
    without = remove_lines(text, lines)
    assert "b " not in without
    assert put_back_lines(without, lines) == text


def test_bytes_that_are_no_utf_8_are_kept() -> None:
    data = b"/dev/a /\xff\xfe ext4\n"
    assert encode(decode(data)) == data


@pytest.mark.parametrize(
    "source",
    [
        "/dev/vdb1",
        "/dev/disk/by-id/virtio-data-part1",
        "UUID=0A1B2C3D-0000-4000-8000-000000000001",
        'UUID="0a1b2c3d-0000-4000-8000-000000000001"',
        r"LABEL=my\040data",
        "PARTUUID=AAAA-bbbb",
        "PARTLABEL=data",
    ],
)
def test_entries_that_name_a_device(source: str) -> None:
    text = f"# {source}\n{source} /data ext4 x y\n"
    assert [e.number for e in entries_for_device(text, DEVICE)] == [2]


@pytest.mark.parametrize(
    "source", ["/dev/vdb", "/dev/vdb11", "UUID=", "LABEL=My\\040data", "LABEL=", "data", "PARTLABEL=Data"]
)
def test_entries_that_name_another(source: str) -> None:
    assert entries_for_device(f"{source} /data ext4\n", DEVICE) == ()


def test_entries_of_a_mount_point() -> None:
    text = "a /data ext4\nb /data/ ext4\nc /data/x ext4\nd none swap\ne //data/. xfs\nf data ext4\n"
    assert [e.source for e in entries_for_target(text, "/data")] == ["a", "b", "e"]
    assert entries_for_target(text, "none") == ()


def test_plain_target() -> None:
    assert plain_target("/") == "/"
    assert plain_target("//a//b/./") == "/a/b"
    assert plain_target("/a/../b") == "/a/../b"
    assert plain_target("a/") == "a/"
