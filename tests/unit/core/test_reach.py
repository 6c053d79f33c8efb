"""Where a path leads, by names and links alone: nothing is asked of a mount whose server may be gone."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from opskit.core import child, reach
from opskit.core.child import Answer
from opskit.core.mountinfo import MountLine
from opskit.core.reach import Look, doubtful_mount, look_at


def mount(number: int, target: str, fstype: str = "ext4", source: str = "/dev/vdb1") -> MountLine:
    return MountLine(number, "0:7", "/", target, fstype, source, "rw")


def leads_to(path: str, *mounts: MountLine) -> int:
    line = doubtful_mount(path, [mount(1, "/", "nfs4", "server:/root"), *mounts])
    return line.number if line else 0


@pytest.mark.parametrize(
    ("fstype", "source", "doubtful"),
    [
        ("nfs4", "server:/x", True),
        ("cifs", "//server/x", True),
        ("fuse.sshfs", "me@host:/x", True),
        ("fuseblk", "/dev/sdb1", True),
        ("virtiofs", "tag", True),
        ("newfs", "name", True),
        ("autofs", "systemd-1", True),
        ("newfs", "/dev/vdc", False),
        ("fusectl", "fusectl", False),
        ("tmpfs", "tmpfs", False),
        ("overlay", "overlay", False),
        ("proc", "proc", False),
    ],
)
def test_kinds(fstype: str, source: str, doubtful: bool) -> None:
    assert bool(leads_to("/far", mount(2, "/far", fstype, source))) is doubtful


def test_the_uppermost_mount_counts() -> None:
    """An automount point that has mounted its filesystem."""
    automount, mounted = mount(2, "/far", "autofs", "systemd-1"), mount(3, "/far")
    assert leads_to("/far/x", automount) == 2
    assert leads_to("/far/x", automount, mounted) == 0


def test_links_are_followed(tmp_path: Path) -> None:
    far = tmp_path / "far"
    (tmp_path / "a").mkdir()
    for name, target in {"absolute": str(far), "a/up": "../far", "two": "absolute/x", "loop": "loop"}.items():
        (tmp_path / name).symlink_to(target)
    silent = mount(2, str(far), "nfs4", "server:/x")
    paths = ("far", "far/x/y", "absolute", "absolute/x", "a/up", "two", "a/../far", "a/up/../far/x", "far/../a")
    assert [leads_to(f"{tmp_path}/{path}", silent) for path in paths] == [2] * len(paths)
    assert [leads_to(f"{tmp_path}/{path}", silent) for path in ("farther", "a", "loop", "absent/x")] == [0] * 4


def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert leads_to("far/x", mount(2, f"{os.getcwd()}/far", "nfs4", "server:/x")) == 2


def test_one_child_for_each_mount_and_none_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def ask(questions: list[object], seconds: float) -> list[Answer]:  # noqa: ARG001
        calls.append(len(questions))
        return [Answer([[7, True, 0, ""], [None, True, 2, "No such file"]]), Answer(came=False)]

    monkeypatch.setattr(child, "ask", ask)
    monkeypatch.setattr(reach._Silent, "numbers", set())
    mounts = [mount(2, "/one", "nfs4", "server:/1"), mount(3, "/two", "fuse.x", "x"), mount(4, "/auto", "autofs")]
    looks = [Look(path, lambda: 1) for path in ("/one/a", "/one/b", "/two/c", "/auto", "/here")]
    answers = look_at(looks, mounts, 3)
    assert [answer.value for answer in answers] == [7, None, None, None, 1]
    assert [answer.came for answer in answers] == [True, True, False, False, True]
    assert [answer.why for answer in answers[2:4]] == [
        "/two (fuse.x, x) did not answer within 3 s",
        "/auto is an automount point: a look would mount it",
    ]
    assert calls == [2]
    assert [answer.came for answer in look_at(looks[2:3], mounts, 3)] == [False]  # and nobody waits for it again
    assert calls == [2]


def test_what_an_automount_guards_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as an argument nor as a mount point of fstab: to open it would mount it."""

    def opened() -> int:
        raise AssertionError("it was looked at")

    mounts = (mount(1, "/"), mount(2, "/auto", "autofs", "systemd-1"))
    monkeypatch.setattr(reach, "read_mountinfo", lambda: mounts)
    monkeypatch.setattr(os, "statvfs", lambda _path: opened())
    reach.check_answers(["/auto", "/auto/below"])
    answers = look_at([Look("/auto", opened), Look("/auto/below", opened)])
    assert [(answer.came, answer.value) for answer in answers] == [(False, None)] * 2


def test_a_pattern_is_matched_without_a_look_at_what_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/x.pid", "b[/y.pid", ".c/z.pid"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "dead").symlink_to("/mnt/dead")
    (tmp_path / "a/dead.pid").symlink_to("/mnt/dead/pid")
    looked: list[str] = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (looked.append(path), listdir(path))[1])
    dead = lambda path, _mounts=(): "silent" if "dead" in str(path) else ""  # noqa: E731
    monkeypatch.setattr(reach, "silence_at", dead)
    start = glob.escape(str(tmp_path))
    assert reach.matching(f"{start}/*/*.pid") == [f"{tmp_path}/a/x.pid", f"{tmp_path}/b[/y.pid"]
    assert reach.matching(f"{start}/.*/*.pid") == [f"{tmp_path}/.c/z.pid"]
    assert reach.matching(f"{start}/*/x.pid") == [f"{tmp_path}/a/x.pid"]
    assert reach.matching(f"{start}/b[[]/y.pid") == [f"{tmp_path}/b[/y.pid"]
    assert reach.matching(f"{start}/none/*") == reach.matching(f"{start}/none") == []
    assert not any("dead" in path for path in looked)
