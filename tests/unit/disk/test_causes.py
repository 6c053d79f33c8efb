"""The cause of a failure from the words of the kernel; the forms of other releases are quoted from their sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opskit.disk.causes import Attempt, cause_of
from opskit.disk.model import UsingProcess, ending

TRIED = Attempt("vdb1", "/dev/vdb1", disk="vdb", fstype="ext4")
XFS = replace(TRIED, fstype="xfs")
BTRFS = replace(TRIED, fstype="btrfs")


@pytest.mark.parametrize(
    ("attempt", "words", "why"),
    [
        # fs/ext4/super.c: ext4_msg, before ext4 had the new mount API (read, not run)
        (TRIED, 'EXT4-fs (vdb1): Unrecognized mount option "foo" or missing value', "ext4 has no mount option foo"),
        # fs/xfs/xfs_super.c: the default of the options' switch (read, not run)
        (XFS, "XFS (vdb1): unknown mount option [foo].", "xfs has no mount option foo"),
        # fs/xfs/libxfs/xfs_sb.c: xfs_validate_sb_read (read, not run)
        (XFS, "XFS (vdb1): Superblock has unknown incompatible features (0x20) enabled.", "does not know"),
        (XFS, "XFS (vdb1): Filesystem has duplicate UUID 1-2 - can't mount", "same UUID"),
        (TRIED, "Buffer I/O error on dev vdb1, logical block 0, async page read", "may be failing"),
        (TRIED, "blk_update_request: I/O error, dev vdb, sector 2048", "may be failing"),
        (TRIED, "blk_update_request: critical medium error, dev vdb, sector 2048", "may be failing"),
        (TRIED, "I/O error, dev vdb, sector 2048 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2", "may be failing"),
    ],
)
def test_words(attempt: Attempt, words: str, why: str) -> None:
    cause = cause_of(attempt, ["something else", words])
    assert cause
    assert why in cause.why
    assert "{" not in cause.why + cause.todo


@pytest.mark.parametrize(
    "words",
    [
        "I/O error, dev vdc, sector 2048",
        "Buffer I/O error on dev vdb10, logical block 0",
        "EXT4-fs (vdb10): bad geometry: block count 1 exceeds size of device (0 blocks)",
        "xfs: Unknown parameter 'foo'",
        "EXT4-fs (vdb1): mounted filesystem with ordered data mode. Quota mode: none.",
    ],
)
def test_what_is_said_of_another_or_is_no_fault(words: str) -> None:
    assert cause_of(TRIED, [words]) is None


def test_what_btrfs_says_of_every_mount_is_no_damage() -> None:
    """Kernel 6.18: the first two lines are said before each mount; a subvolume that is not there gets no third."""
    info = [
        "BTRFS info (device vdb1): first mount of filesystem d48c755c-d658-4881-9942-ca22e9dd0ebf",
        "BTRFS info (device vdb1): using crc32c (crc32c-lib) checksum algorithm",
    ]
    assert cause_of(BTRFS, info) is None
    missing = "BTRFS error (device vdb1): devid 2 uuid be5c0398-c015-4a57-8231-61d8a6e2110d is missing"
    cause = cause_of(BTRFS, [*info, missing, "BTRFS error (device vdb1): open_ctree failed: -2"])
    assert cause
    assert "not here" in cause.why
    damaged = cause_of(BTRFS, [*info, "BTRFS error (device vdb1): superblock checksum mismatch"])
    assert damaged
    assert damaged.why == "the filesystem is damaged"


def test_an_io_error_comes_before_what_follows_from_it() -> None:
    words = ["XFS (vdb1): metadata I/O error in x", "XFS (vdb1): SB validate failed", "I/O error, dev vdb, sector 1"]
    cause = cause_of(XFS, words)
    assert cause
    assert "failing" in cause.why
    assert "smartctl -a /dev/vdb" in cause.todo
    damaged = cause_of(XFS, words[:2])
    assert damaged
    assert damaged.todo.endswith("xfs_repair /dev/vdb1")


def test_what_the_device_tells() -> None:
    cases = {
        "this kernel has no filesystem ntfs": replace(TRIED, fstype="ntfs", known=False),
        "another program holds /dev/vdb1": replace(TRIED, held=True),
        "/dev/vdb1 is read-only": replace(TRIED, read_only=True),
        "the filesystem is marked as having errors": replace(TRIED, errors=True),
        "no room is left on the filesystem of /a, which /dev/vdb1 is made of": replace(TRIED, no_room_for="/a"),
        "16M is too small": replace(TRIED, too_small="16M is too small"),
    }
    for why, attempt in cases.items():
        cause = cause_of(attempt, [])
        assert cause
        assert cause.why == why
    assert cause_of(TRIED, []) is None


def test_a_remedy_holds_for_a_mount_point_of_any_name() -> None:
    cause = cause_of(replace(TRIED, errors=True, target="/my data"), [])
    assert cause
    assert "umount '/my data'; e2fsck" in cause.todo


def test_services_are_stopped_and_the_rest_is_ended() -> None:
    process = UsingProcess(7, "app", "app", "open file", unit="app.service")
    other = UsingProcess(8, "vi", "joe", "open file")
    assert ending([process, replace(process, pid=9)]) == "systemctl stop app.service; then try again"
    assert ending([process, other]) == "systemctl stop app.service; end 8, or wait for them; then try again"
    assert ending([other]) == "end these, or wait for them, and try again"
