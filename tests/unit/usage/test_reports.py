"""What df and du report for status and check."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from opskit.usage.df.deleted import DeletedFile, DeletedFiles
from opskit.usage.df.model import Filesystem, FilesystemFigures
from opskit.usage.df.report import report_of as df_report
from opskit.usage.du.growth import growths
from opskit.usage.du.growth import report_of as growth_report
from opskit.usage.du.model import Scan, ScanRequest
from opskit.usage.du.saved import SavedScan, ScanHead, pack
from opskit.usage.du.see.kept import kept_heads
from opskit.usage.thresholds import DEFAULTS

THRESHOLDS = {**DEFAULTS, "full_percent": 85, "inodes_percent": 95, "deleted_percent": 10}


def filesystem(point: str, free: int, *, device: str = "8:1", readonly: bool = False, inodes: int = 50) -> Filesystem:
    figures = FilesystemFigures(1024, 100, free, free, 100, inodes)
    return Filesystem(f"/dev/{device}", "ext4", point, device, readonly, remote=False, figures=figures, disk=device)


def deleted(size: int, device: str = "8:1") -> DeletedFiles:
    return DeletedFiles((DeletedFile(device, 3, "/a", size, size, "/", ()),))


def test_filesystems() -> None:
    report = df_report([filesystem("/", 50), filesystem("/iso", 0, device="7:0", readonly=True)], deleted(10 * 1024),
                       THRESHOLDS)  # fmt: skip
    assert [(finding.id, finding.title) for finding in report.findings] == [
        ("deleted-open", "/: deleted files that are still open take 10 %")
    ]
    assert report.findings[0].remedy == "opskit df --deleted /"
    assert [(measure.labels, measure.value) for measure in report.measures] == [({"mountpoint": "/"}, 10240)]
    assert df_report([filesystem("/", 70)], DeletedFiles(), THRESHOLDS).lines[0].split()[1:3] == ["30", "%"]
    assert report.lines == ("##########..........   50 %  50K of 100K  /",)
    assert df_report([filesystem("/", 50)], deleted(9 * 1024), THRESHOLDS).findings == ()
    assert df_report([filesystem("/", 50)], deleted(90 * 1024, "8:2"), THRESHOLDS).findings == ()


def test_memory_is_shown_from_half_full_on_and_judged_as_the_others() -> None:
    def lines(free: int) -> tuple[str, ...]:
        memory = [replace(filesystem("/run", free), fstype="tmpfs")]
        return df_report(memory, DeletedFiles(), THRESHOLDS).lines

    assert (len(lines(51)), len(lines(50))) == (0, 1)
    assert df_report([replace(filesystem("/run", 5), fstype="tmpfs")], DeletedFiles(), THRESHOLDS).findings


def test_thresholds_of_filesystems() -> None:
    nearly = [filesystem("/", 10, inodes=8)]
    assert [finding.id for finding in df_report(nearly, DeletedFiles(), THRESHOLDS).findings] == ["nearly-full"]
    at_95 = {**THRESHOLDS, "full_percent": 95}
    assert df_report(nearly, DeletedFiles(), at_95).findings == ()
    at_90 = {**at_95, "inodes_percent": 90}
    assert [finding.id for finding in df_report(nearly, DeletedFiles(), at_90).findings] == ["nearly-out-of-inodes"]


def kept(root: bytes, size: int, day: float, **options: Any) -> SavedScan:
    taken = datetime(2026, 11, 1, tzinfo=timezone.utc) + timedelta(days=day)
    return SavedScan(taken, "host", ScanRequest((root,), **options), Scan((), size, 1))


def test_what_grows_is_told_from_the_last_two_scans_of_a_tree(tmp_path: Path) -> None:
    gib = 2**30
    scans = [
        kept(b"/srv", 9 * gib, 0),
        kept(b"/var", gib, 1), kept(b"/var", 9 * gib, 2), kept(b"/var", 8 * gib, 3), kept(b"/srv", 11 * gib, 4),
        kept(b"/var", gib, 4, apparent=True), kept(b"/home", gib, 4), kept(b"/home", 2 * gib, 4.25),
    ]  # fmt: skip
    folder = tmp_path / "scans"
    folder.mkdir()
    for number, scan in enumerate(scans):
        (folder / f"2026110{number}T000000Z-aaaaaa.json.gz").write_bytes(pack(scan))
    (folder / "20261109T000000Z-aaaaaa.json.gz").write_bytes(pack(scans[0])[:20])
    (folder / "20261109T000001Z-aaaaaa.json.gz").write_bytes(b"nonsense")
    (folder / "20261109T000002Z-aaaaaa.json.gz").mkdir()
    (folder / "20261109T000003Z-aaaaaa.json.gz").symlink_to("gone")
    os.mkfifo(folder / "20261109T000004Z-aaaaaa.json.gz")
    assert growth_report(growths(list(kept_heads(str(tmp_path))))).lines == (
        "+1.0G in 6h, 2.0G now  /home",
        "+2.0G in 4 days (+512M a day), 11G now  /srv",
        "-1.0G in 1 day (-1.0G a day), 8.0G now  /var",
    )
    assert growth_report([]).lines == ()
    assert list(kept_heads(str(tmp_path / "none"))) == []


def test_what_is_full_soon_is_told_where_its_growth_is_of_late() -> None:
    gib = 2**30
    taken = datetime(2026, 11, 1, tzinfo=timezone.utc)

    def told(days: float = 2, more: int = 2, available: int = 2, since: float = 1, root: str = "/var") -> list[str]:
        request = ScanRequest((b"/var",), one_file_system=True)
        scans = [ScanHead(taken, request, gib), ScanHead(taken + timedelta(days=days), request, (1 + more) * gib)]
        now = scans[1].taken.timestamp() + since * 86400
        return [finding.title for finding in growth_report(growths(scans), {root: available * gib}, now).findings]

    assert told() == ["/var: its disk is full in 2d, if it grows on"]
    assert told(available=0) == ["/var: its disk is full in no time, if it grows on"]
    assert told(available=3) == []  # in three days
    assert told(more=-2) == told(more=0) == []
    assert told(days=0.5) == []
    assert told(since=8) == []
    assert told(root="/srv") == []  # what does not answer, or is gone
