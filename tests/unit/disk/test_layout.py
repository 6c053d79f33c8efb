"""Where a partition begins and ends, for any disk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.disk.layout import DOS_SECTORS, alignment, last_end, single_partition
from opskit.disk.model import BlockDevice

KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40


def disk(size: int, sector: int = 512, optimal_io: int = 0, offset: int = 0) -> BlockDevice:
    return BlockDevice(
        "vdb", "/dev/vdb", "disk", "252:16", size, sector_size=sector, optimal_io=optimal_io, alignment_offset=offset
    )


@st.composite
def disks(draw: st.DrawFn) -> BlockDevice:
    sector = draw(st.sampled_from([512, 4096]))
    size = draw(st.integers(0, 64 * TIB // sector)) * sector
    optimal = draw(st.one_of(st.integers(0, 32 * MIB), st.integers(0, 8192).map(lambda n: n * 4 * KIB)))
    return disk(size, sector, optimal, draw(st.sampled_from([0, -1])))


@given(disks(), st.sampled_from(["gpt", "dos"]))
def test_a_partition_is_on_the_disk_and_aligned(device: BlockDevice, table: str) -> None:
    start, size = single_partition(device, table)
    assert start >= MIB
    assert start % MIB == 0 or start % device.optimal_io == 0
    assert start % device.sector_size == 0
    if size > 0:
        assert start + size <= device.size
        assert (start + size) % MIB == 0


@given(disks())
def test_the_tail_of_a_gpt_stays_free(device: BlockDevice) -> None:
    """128 entries of 128 bytes and the header: 33 sectors of 512 bytes, 5 of 4096 (UEFI 2.10, 5.3)."""
    tail = {512: 33 * 512, 4096: 5 * 4096}[device.sector_size]
    start, size = single_partition(device, "gpt")
    if size > 0:
        assert device.size - (start + size) >= tail


@given(disks())
def test_a_dos_partition_fits_into_32_bits(device: BlockDevice) -> None:
    start, size = single_partition(device, "dos")
    if size > 0:
        assert (start + size) // device.sector_size <= DOS_SECTORS


@given(disks(), st.sampled_from(["gpt", "dos"]))
def test_no_more_is_lost_than_must_be(device: BlockDevice, table: str) -> None:
    """Behind the partition: less than a MiB and the GPT's tail, or what a dos table cannot reach."""
    reach = min(device.size, 2**32 * device.sector_size) if table == "dos" else device.size
    assert reach - last_end(device, table) < MIB + 20480


@pytest.mark.parametrize(
    ("optimal_io", "grain"),
    [
        (0, MIB),
        (512, MIB),  # no multiple of 4 KiB
        (4 * KIB, MIB),
        (64 * KIB, MIB),
        (MIB, MIB),
        (768 * KIB, 1536 * KIB),
        (1280 * KIB, 1280 * KIB),
        (4 * MIB, 4 * MIB),
        (65535 * 512, MIB),
    ],
)
def test_alignment(optimal_io: int, grain: int) -> None:
    assert alignment(disk(GIB, optimal_io=optimal_io)) == grain


def test_an_alignment_offset_is_added() -> None:
    assert single_partition(disk(GIB, offset=3584), "gpt") == (MIB + 3584, 1022 * MIB - 3584)
