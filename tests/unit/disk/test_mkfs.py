"""The exact argv of each mkfs: what is in it, and what must never be."""

from __future__ import annotations

import pytest

from opskit.disk.mount.mkfs import MkfsOptions, mkfs_argv, option_reasons, size_reasons

UUID = "11111111-1111-4111-8111-111111111111"
MIB = 1 << 20
EVERY = {"label": "data", "reserved": 5, "discard": False, "lazy_init": True}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (MkfsOptions(), f"mkfs.ext4 -q -U {UUID}"),
        (MkfsOptions("ext3"), f"mkfs.ext3 -q -U {UUID}"),
        (MkfsOptions("ext4", reserved=0), f"mkfs.ext4 -q -U {UUID} -m 0"),
        (MkfsOptions("ext4", discard=False), f"mkfs.ext4 -q -U {UUID} -E nodiscard"),
        (
            MkfsOptions("ext4", lazy_init=False),
            f"mkfs.ext4 -q -U {UUID} -E lazy_itable_init=0,lazy_journal_init=0",
        ),
        (
            MkfsOptions("ext4", **EVERY),
            f"mkfs.ext4 -q -U {UUID} -m 5 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 -L data",
        ),
        (MkfsOptions("xfs"), f"mkfs.xfs -q -m uuid={UUID}"),
        (MkfsOptions("xfs", "data", discard=False), f"mkfs.xfs -q -m uuid={UUID} -K -L data"),
    ],
)
def test_argv(options: MkfsOptions, words: str) -> None:
    assert mkfs_argv(options, UUID, "/dev/vdb1") == (*words.split(), "/dev/vdb1")


def test_a_label_is_one_argument_whatever_is_in_it() -> None:
    argv = mkfs_argv(MkfsOptions("ext4", "-F a'b $(x)"), UUID, "/dev/vdb1")
    assert argv[-3:] == ("-L", "-F a'b $(x)", "/dev/vdb1")


@pytest.mark.parametrize("fstype", ["ext3", "ext4", "xfs"])
def test_never_forced_and_no_feature_of_its_own(fstype: str) -> None:
    """What mkfs refuses stays refused; without -O its defaults decide, which the kernel it came with can mount."""
    argv = mkfs_argv(MkfsOptions(fstype, "data", discard=False), UUID, "/dev/vdb1")
    assert not {"-f", "-F", "-FF", "--force", "-O"} & set(argv)


@pytest.mark.parametrize(("fstype", "limit"), [("ext3", 16), ("ext4", 16), ("xfs", 12)])
def test_labels_are_counted_in_bytes(fstype: str, limit: int) -> None:
    assert not list(option_reasons(MkfsOptions(fstype, "x" * limit)))
    assert not list(option_reasons(MkfsOptions(fstype, "ä" * (limit // 2))))
    assert [r.id for r in option_reasons(MkfsOptions(fstype, "x" * (limit + 1)))] == ["label-too-long"]
    assert [r.id for r in option_reasons(MkfsOptions(fstype, "ä" * (limit // 2 + 1)))] == ["label-too-long"]
    # A byte that is no UTF-8, as the command line gives it.
    assert not list(option_reasons(MkfsOptions(fstype, "\udcff" * limit)))


@pytest.mark.parametrize(("fstype", "least"), [("ext3", 8 * MIB), ("ext4", 8 * MIB), ("xfs", 300 * MIB)])
def test_sizes(fstype: str, least: int) -> None:
    assert not list(size_reasons(MkfsOptions(fstype), least))
    assert [r.id for r in size_reasons(MkfsOptions(fstype), least - 1)] == ["too-small"]
    assert [r.id for r in size_reasons(MkfsOptions(fstype), -MIB)] == ["too-small"]


def test_ext3_ends_one_block_before_16_tib() -> None:
    """It has no feature 64bit: mkfs.ext3 (mke2fs 1.47) refuses 16 TiB, after the disk got its table."""
    end = 16 << 40
    assert not list(size_reasons(MkfsOptions("ext3"), end - 4096))
    assert [r.id for r in size_reasons(MkfsOptions("ext3"), end)] == ["too-large"]
    for fstype in ("ext4", "xfs"):
        assert not list(size_reasons(MkfsOptions(fstype), 4 * end))
