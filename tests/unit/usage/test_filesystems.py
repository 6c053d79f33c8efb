"""Which mounts df lists, who may hang, and what the figures mean. tests/host/usage/test_df.py asks GNU df itself."""

from __future__ import annotations

from typing import Optional

import pytest

from opskit.core.mountinfo import MountLine, is_remote, may_hang, mount_of
from opskit.usage.df.findings import find
from opskit.usage.df.model import Filesystem, FilesystemFigures, percent
from opskit.usage.df.see import filesystems
from opskit.usage.df.see.filesystems import without_duplicates


def line(number: int, target: str, source: str = "/dev/vdb1", *, device: str = "252:17", **more: str) -> MountLine:
    fields = {"fstype": "ext4", "root": "/", "options": "rw,rw", **more}
    return MountLine(number, device, fields["root"], target, fields["fstype"], source, fields["options"])


def listed(*lines: MountLine) -> list[str]:
    kept, _ = without_duplicates(lines, {m.number: m.device for m in lines}, {m.number for m in lines})
    return [m.target for m in kept]


def test_of_the_mounts_of_a_device_one_is_listed() -> None:
    assert listed(line(1, "/srv/data"), line(2, "/d"), line(3, "/longer/one")) == ["/d"]
    # Less of the filesystem is mounted at the nearer point.
    assert listed(line(1, "/srv/data"), line(2, "/d", root="/part")) == ["/srv/data"]
    # A source that is a path, over one that is only a name; and what is mounted over another at the same place.
    assert listed(line(1, "/a", "name"), line(2, "/bb")) == ["/bb"]
    assert listed(line(1, "/a", "/dev/x"), line(2, "/a", "/dev/y")) == ["/a"]


def test_the_one_that_wins_takes_the_place_of_the_first() -> None:
    other = line(2, "/other", device="252:33")
    assert listed(line(1, "/srv/data"), other, line(3, "/d")) == ["/d", "/other"]


def test_remote_mounts_of_different_sources_all_stay() -> None:
    first, second = line(1, "/a", "server:/a", device="0:50"), line(2, "/b", "server:/b", device="0:50")
    assert listed(first, second) == ["/a", "/b"]
    assert listed(first, line(2, "/b", "server:/a", device="0:50")) == ["/a"]


def test_what_could_not_be_looked_at_stays() -> None:
    lines = [line(1, "/a"), line(2, "/b")]
    kept, _ = without_duplicates(lines, {1: "252:17", 2: "252:17"}, {1})
    assert [m.target for m in kept] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("source", "fstype", "remote"),
    [
        ("server:/x", "nfs4", True),
        ("//server/x", "cifs", True),
        ("//server/x", "ext4", False),
        ("x", "ocfs2", True),
        ("-hosts", "autofs", True),
        ("/dev/vdb1", "ext4", False),
        ("me@host:/x", "fuse.sshfs", True),
    ],
)
def test_remote(source: str, fstype: str, remote: bool) -> None:
    assert is_remote(line(1, "/a", source, fstype=fstype)) is remote


def test_who_may_hang() -> None:
    """A network mount, a FUSE one, and what is mounted below one: its path leads through it."""
    root, far = line(1, "/"), line(2, "/srv/far", "server:/x", fstype="nfs")
    fuse, below, beside = line(3, "/f", "x", fstype="fuse.x"), line(4, "/srv/far/b"), line(5, "/srv/farther")
    lines = [root, far, fuse, below, beside]
    assert [m.target for m in lines if may_hang(m, lines)] == ["/srv/far", "/f", "/srv/far/b"]


def test_the_mount_of_a_path() -> None:
    lines = [line(1, "/"), line(2, "/srv"), line(3, "/srv", "over"), line(4, "/srv/a")]
    mounts_of = [mount_of(path, lines) for path in ("/srv/a/x", "/srv/ab", "/srv", "/x")]
    assert [m.number for m in mounts_of if m] == [4, 3, 3, 1]
    assert mount_of("/x", []) is None


@pytest.mark.parametrize(
    ("used", "available", "expected"),
    [(0, 0, None), (0, 10, 0), (1, 999, 1), (1, 99, 1), (101, 9899, 2), (5, 0, 100), (10, -2, 125), (1, -3, None)],
)
def test_percent(used: int, available: int, expected: Optional[int]) -> None:
    assert percent(used, available) == expected


def test_an_automount_point_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at it would mount what it stands for."""
    calls: list[str] = []
    monkeypatch.setattr(filesystems, "mounts_here", lambda: (line(1, "/auto", "x", fstype="autofs"), line(2, "/")))
    monkeypatch.setattr(filesystems, "probe", lambda path: [calls.append(path), [1] * 6])
    assert [filesystem.mount_point for filesystem in filesystems.see(everything=True)] == ["/auto", "/"]
    assert calls == ["/"]


def one(figures: Optional[FilesystemFigures], *, readonly: bool = False, answered: bool = True) -> Filesystem:
    return Filesystem("/dev/vdb1", "ext4", "/da ta", "252:17", readonly, False, figures, answered, "silent")


def test_findings() -> None:
    assert find([one(FilesystemFigures(4096, 1000, 200, 160, 100, 50))], 85) == ()
    (full,) = find([one(FilesystemFigures(4096, 1000, 200, 160, 100, 50))], 84)
    assert (full.id, full.severity, full.title) == ("nearly-full", "warning", "/da ta: 84 % full")
    assert full.remedy == "opskit df --why '/da ta'"
    assert full.evidence == "3.2M of 4.0M used, 640K available"
    errors = find([one(FilesystemFigures(4096, 1000, 50, 0, 100, 5))], 85)
    assert [(f.id, f.severity) for f in errors] == [("nearly-full", "error"), ("nearly-out-of-inodes", "error")]


def test_a_disk_has_one_finding_however_often_it_is_mounted() -> None:
    """A part with other figures has its own: a project quota of xfs."""
    figures, quota = FilesystemFigures(4096, 1000, 50, 0, 100, 5), FilesystemFigures(4096, 10, 0, 0, 0, 0)

    def on(point: str, fstype: str = "ext4", disk: str = "252:17", of: FilesystemFigures = figures) -> Filesystem:
        return Filesystem("x", fstype, point, "0:9", False, False, of, disk=disk)

    overlays = [on(f"/merged{number}", "overlay") for number in range(5)]
    finding = find([*overlays, on("/disk"), on("/part", of=quota), on("/other", disk="252:33")], 85)
    assert [(f.id, f.title.partition(":")[0]) for f in finding] == [
        ("nearly-full", "/disk"),
        ("nearly-out-of-inodes", "/disk"),
        ("nearly-full", "/part"),
        ("nearly-full", "/other"),
        ("nearly-out-of-inodes", "/other"),
    ]
    assert finding[0].evidence.endswith("; the same disk is at /merged0, /merged1, /merged2 and 2 more")
    assert "same disk" not in finding[2].evidence


def test_no_findings_where_nobody_can_write_and_where_nothing_is_counted() -> None:
    assert find([one(FilesystemFigures(4096, 1000, 0, 0, 100, 0), readonly=True)], 85) == ()
    assert find([one(FilesystemFigures(4096, 1000, 900, 900, 0, 0))], 85) == ()


def test_who_does_not_answer_is_a_finding() -> None:
    (finding,) = find([one(None, answered=False)], 85)
    assert (finding.id, finding.severity, finding.evidence) == ("not-answering", "error", "/dev/vdb1 (ext4): silent")
