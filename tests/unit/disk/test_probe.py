"""A close look at a device: what blkid and wipefs print, and which bytes are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.command import Command, Result
from opskit.disk.layout import sample_ranges
from opskit.disk.model import DATA, UNREADABLE, ZERO, BlockDevice, Signature
from opskit.disk.see import probe

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
DISK = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", GIB)
HEAD = "# offset,uuid,label,type\n"


class Says:
    """A runner that gives one answer."""

    def __init__(self, status: int, stdout: str = "") -> None:
        self.status, self.stdout = status, stdout
        self.commands: list[Command] = []

    def run(self, command: Command) -> Result:
        self.commands.append(command)
        assert self.status in command.accept
        return Result(command, self.status, self.stdout, "", 0.0)


def test_parse_export() -> None:
    text = "DEVNAME=/dev/vdb1\nLABEL=data\nUUID=6e24\nTYPE=ext4\n"
    assert probe.parse_export(text) == {"DEVNAME": "/dev/vdb1", "LABEL": "data", "UUID": "6e24", "TYPE": "ext4"}


def test_parse_export_takes_backslashes_away() -> None:
    """blkid puts one before whatever a shell would act on."""
    text = "LABEL=my\\ \\$(rm)\\'s\\\\ x\nTYPE=xfs\n"
    assert probe.parse_export(text) == {"LABEL": "my $(rm)'s\\ x", "TYPE": "xfs"}


def test_a_newline_in_a_label_makes_no_key() -> None:
    assert probe.parse_export("LABEL=a\\\nTYPE\\=swap\nTYPE=ext4\n") == {"LABEL": "a\nTYPE=swap", "TYPE": "ext4"}


def test_parse_export_of_nothing() -> None:
    assert probe.parse_export("") == {}


@given(st.text(alphabet=st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1))
def test_what_blkid_escapes_comes_back(label: str) -> None:
    escaped = "".join(char if char.isalnum() and char.isascii() else "\\" + char for char in label)
    assert probe.parse_export(f"LABEL={escaped}\nTYPE=ext4\n") == {"LABEL": label, "TYPE": "ext4"}


def test_blkid_exit_2_is_nothing_found() -> None:
    runner = Says(2)
    device = probe.with_signatures(DISK, runner)
    assert (device.signatures, device.table, device.ambivalent) == ((), "", False)
    assert runner.commands[0].argv == ("blkid", "-p", "-o", "export", "/dev/vdb")
    assert not runner.commands[0].mutates


def test_blkid_exit_8_is_ambivalent() -> None:
    assert probe.with_signatures(DISK, Says(8)).ambivalent


def test_a_partition_entry_is_no_table() -> None:
    text = "TYPE=ext4\nUSAGE=filesystem\nPART_ENTRY_UUID=u\nPART_ENTRY_NAME=n\nPART_ENTRY_TYPE=t\n"
    device = probe.with_signatures(DISK, Says(0, text))
    assert (device.table, device.partition_uuid, device.partition_name, device.partition_type) == ("", "u", "n", "t")
    assert device.signatures == (Signature("ext4", "filesystem"),)


def test_wipefs_adds_what_blkid_did_not_name() -> None:
    xfs = probe.from_blkid(DISK, {"TYPE": "xfs", "USAGE": "filesystem"})
    device = probe.add_wipefs(xfs, HEAD + "0x438,,,ext4\n0x0,,,xfs\n")
    assert [s.type for s in device.signatures] == ["xfs", "ext4"]
    assert device.ambivalent


def test_wipefs_that_agrees_changes_nothing() -> None:
    xfs = probe.from_blkid(DISK, {"TYPE": "xfs", "USAGE": "filesystem"})
    assert probe.add_wipefs(xfs, HEAD + "0x0,b73e,my,label,xfs\n") == xfs


def test_a_protective_mbr_is_no_second_table() -> None:
    device = probe.add_wipefs(DISK, HEAD + "0x200,,,gpt\n0x1fe,,,PMBR\n")
    assert (device.table, device.signatures, device.ambivalent) == ("gpt", (), False)


def test_a_backup_gpt_that_only_wipefs_sees_is_a_table() -> None:
    assert probe.add_wipefs(DISK, HEAD + "0x3ffffe00,,,gpt\n").table == "gpt"


def test_wipefs_that_cannot_read_is_no_crash() -> None:
    assert probe.with_wipefs(DISK, Says(1)) == DISK


SIZES = st.one_of(st.integers(1, 8 * MIB), st.integers(1, 64 * TIB // 512).map(lambda n: n * 512))


@given(SIZES)
def test_samples_stay_inside_and_cover_both_ends(size: int) -> None:
    ranges = list(sample_ranges(size))
    assert all(offset >= 0 and length > 0 and offset + length <= size for offset, length in ranges)
    edge = min(2 * MIB, size)
    read = sorted(ranges)
    covered = 0
    for offset, length in read:  # the head, without a gap
        if offset > covered:
            break
        covered = max(covered, offset + length)
    assert covered >= edge
    tail = size
    for offset, length in sorted(ranges, key=lambda r: r[0] + r[1], reverse=True):
        if offset + length < tail:
            break
        tail = min(tail, offset)
    assert tail <= size - edge


@given(st.integers(256 * MIB // 512, 64 * TIB // 512).map(lambda n: n * 512))
def test_samples_leave_no_wide_gap(size: int) -> None:
    offsets = sorted(offset for offset, _ in sample_ranges(size))
    widest = max(b - a for a, b in zip(offsets, offsets[1:]))
    assert widest <= size // 60


def image(path: Path, size: int, *places: int) -> str:
    with path.open("wb") as file:
        file.truncate(size)
        for place in places:
            file.seek(place)
            file.write(b"\x01")
    return str(path)


def test_a_sparse_file_is_zero(tmp_path: Path) -> None:
    assert probe.contents(image(tmp_path / "d", 300 * MIB), 300 * MIB) == ZERO


@pytest.mark.parametrize(
    "place",
    [
        0,
        510,
        MIB + 1080,  # the superblock of an ext in a partition at 1 MiB
        300 * MIB - 512,  # a backup GPT
        300 * MIB - 1,
        8193 * KIB + 56,  # ext's first backup superblock, for blocks of 1, 2 and 4 KiB
        32 * MIB + 56,
        128 * MIB + 56,
        33 * MIB + 56,  # the same in a partition at 1 MiB
        129 * MIB + 56,
        64 * MIB + 64,  # btrfs's mirror
    ],
)
def test_one_byte_where_data_gives_itself_away(tmp_path: Path, place: int) -> None:
    assert probe.contents(image(tmp_path / "d", 300 * MIB, place), 300 * MIB) == DATA


def test_a_short_read_is_unreadable(tmp_path: Path) -> None:
    """A device that ends before its size says: its last sectors are not there."""
    assert probe.contents(image(tmp_path / "d", 10 * MIB), 11 * MIB) == UNREADABLE


def test_an_unreadable_sector_matters_more_than_data(tmp_path: Path) -> None:
    assert probe.contents(image(tmp_path / "d", 10 * MIB, 0), 11 * MIB) == UNREADABLE


def test_what_is_not_there_is_unreadable(tmp_path: Path) -> None:
    assert probe.contents(str(tmp_path / "absent"), MIB) == UNREADABLE


def test_an_input_output_error_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(tmp_path / "d", 10 * MIB)
    real = os.pread

    def failing(descriptor: int, length: int, offset: int) -> bytes:
        if offset > 4 * MIB:
            raise OSError(5, "Input/output error")
        return real(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", failing)
    assert probe.contents(path, 10 * MIB) == UNREADABLE


def test_the_same_data_is_known_again_and_no_other(tmp_path: Path) -> None:
    size = 300 * MIB
    first = probe.look_at_bytes(image(tmp_path / "a", size, 0, 64 * MIB), size)
    assert first[0] == DATA
    assert len(first[1]) == 64
    assert probe.look_at_bytes(image(tmp_path / "b", size, 0, 64 * MIB), size) == first
    for places in ((0,), (64 * MIB,), (1, 64 * MIB), (0, 64 * MIB, size - 1)):
        assert probe.look_at_bytes(image(tmp_path / "c", size, *places), size)[1] != first[1]
    assert probe.look_at_bytes(image(tmp_path / "d", size), size) == (ZERO, "")
    assert probe.look_at_bytes(str(tmp_path / "absent"), size) == (UNREADABLE, "")
