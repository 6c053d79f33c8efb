"""The lines of mountinfo, with all that a name can hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.mountinfo import MountLine, parse_mountinfo, read_mountinfo, unescape

MOUNTINFO = (
    "22 1 252:3 / / rw,relatime shared:1 - xfs /dev/vda3 rw,attr2,inode64\n"
    "90 22 252:17 /part /srv/my\\040data\\011x\\134y rw shared:9 master:2 - ext4 /dev/vdb1 rw,errors=remount-ro\n"
    "\n"
    "broken line\n"
)


def test_parse() -> None:
    root, data = parse_mountinfo(MOUNTINFO)
    assert root == MountLine(22, "252:3", "/", "/", "xfs", "/dev/vda3", "rw,relatime,rw,attr2,inode64", 1)
    # With two optional fields, and octal for a space, a tab and a backslash.
    assert (data.root, data.target, data.source) == ("/part", "/srv/my data\tx\\y", "/dev/vdb1")


def test_only_a_newline_ends_a_line() -> None:
    """A form feed or a U+2028 in a mount point is no new line, though str.splitlines() thinks so."""
    name = "/srv/a\x0cb\u2028c\x85d"
    (line,) = parse_mountinfo(f"22 1 252:3 / {name} rw - xfs /dev/vda3 rw\n")
    assert line.target == name


@pytest.mark.parametrize(
    ("field", "text"), [(r"a\040b", "a b"), (r"/d\303\251", "/dé"), (r"/d\377", "/d\udcff"), (r"\000", r"\000")]
)
def test_unescape(field: str, text: str) -> None:
    assert unescape(field) == text


def test_what_cannot_be_read_has_no_mounts(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/mountinfo").write_text(MOUNTINFO)
    assert len(read_mountinfo("7", str(tmp_path))) == 2
    assert read_mountinfo("8", str(tmp_path)) == ()
