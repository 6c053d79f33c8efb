"""The step that deletes: by descriptors, following nothing, stopped by a signal between two entries."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import CannotUndo, Failed, Interrupted
from opskit.core.runner import ReadOnlyRunner
from opskit.usage.du.delete import steps
from opskit.usage.du.delete.see import trees
from opskit.usage.du.delete.steps import DeleteTree

RUNNER: Any = None


def step_of(path: Path, entries: int = 1) -> DeleteTree:
    status = path.lstat()
    return DeleteTree(str(path), path.is_dir() and not path.is_symlink(), status.st_dev, status.st_ino, entries)


def tree(root: Path) -> Path:
    for name in ("a/b/c", "a/d", "e"):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_text("x")
    return root


def test_a_tree_goes_and_what_its_links_lead_to_stays(tmp_path: Path) -> None:
    kept = tree(tmp_path / "kept")
    gone = tree(tmp_path / "gone")
    (gone / "a" / "link").symlink_to(kept)
    (gone / os.fsdecode(b"\xff\n")).write_text("")
    os.mkfifo(gone / "fifo")
    step = step_of(gone)
    assert step.apply(RUNNER, {}) == {"deleted": 12}
    step.verify(RUNNER, {})
    assert not gone.exists()
    assert (kept / "a/b/c/file").exists()


def test_a_link_itself_is_deleted(tmp_path: Path) -> None:
    kept = tree(tmp_path / "kept")
    link = tmp_path / "link"
    link.symlink_to(kept)
    assert step_of(link).apply(RUNNER, {}) == {"deleted": 1}
    assert not link.is_symlink()
    assert (kept / "e/file").exists()


@pytest.mark.parametrize("by", ["file", "directory", "link", "nothing"])
def test_what_took_its_place_is_kept(tmp_path: Path, by: str) -> None:
    gone, other = tree(tmp_path / "gone"), tree(tmp_path / "other")
    step = step_of(gone)
    gone.rename(tmp_path / "moved")
    {"file": gone.touch, "directory": lambda: tree(gone), "link": lambda: gone.symlink_to(other), "nothing": int}[by]()
    with pytest.raises(Failed) as caught:
        step.apply(RUNNER, {})
    assert caught.value.record == {"deleted": 0}
    step.undo(RUNNER, caught.value.record)  # nothing to take back
    assert (other / "a/b/c/file").exists()
    assert (tmp_path / "moved/a/b/c/file").exists()


def test_a_link_above_it_is_not_followed(tmp_path: Path) -> None:
    real = tree(tmp_path / "real")
    step = step_of(real / "a")
    real.rename(tmp_path / "moved")
    real.symlink_to(tmp_path / "moved")
    with pytest.raises(Failed):
        step.apply(RUNNER, {})
    assert (tmp_path / "moved/a/b/c/file").exists()


def test_a_mount_that_came_meanwhile_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tree(tmp_path / "gone")

    def numbers(_proc: str, _pid: str, descriptor: str) -> int:
        return 2 if os.readlink(f"/proc/self/fd/{descriptor}").endswith("/b") else 1

    monkeypatch.setattr(steps, "mount_number", numbers)
    with pytest.raises(Failed, match="something is mounted there"):
        step_of(gone).apply(RUNNER, {})
    assert (gone / "a/b/c/file").exists()


def test_a_signal_ends_it_between_two_entries_and_is_heard_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tree(tmp_path / "gone")
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    unlink = os.unlink

    def interrupted(*words: Any, **more: Any) -> None:
        unlink(*words, **more)
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(os, "unlink", interrupted)
    try:
        with pytest.raises(Interrupted) as caught:
            step_of(gone).apply(RUNNER, {})
        assert heard == [signal.SIGTERM]
        assert caught.value.record == {"deleted": 1}
        assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, signal.SIG_IGN}
    finally:
        signal.signal(signal.SIGTERM, before)
    assert gone.exists()


def test_it_cannot_be_taken_back_half_done_or_whole(tmp_path: Path) -> None:
    step = step_of(tree(tmp_path / "gone"))
    for record in ({}, {"deleted": 7}):
        with pytest.raises(CannotUndo, match="cannot be taken back"):
            step.undo(RUNNER, record)
        with pytest.raises(CannotUndo):
            step.left(RUNNER, record)


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    step_of(tree(tmp_path / "gone")).apply(RUNNER, {})
    other = tree(tmp_path / "other")
    with pytest.raises(Failed):
        DeleteTree(str(other), True, 1, 1, 1).apply(RUNNER, {})
    assert os.listdir("/proc/self/fd") == before


def test_the_shell_lines_are_safe_for_any_name() -> None:
    step = DeleteTree("/d/-rf a'b", True, 1, 2, 3)
    assert step.change.commands == ("rm -r --one-file-system -- '/d/-rf a'\"'\"'b'",)
    assert step.checks[0].startswith('[ "$(stat -c %d:%i -- ')


def test_what_somebody_else_deletes_meanwhile_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tree(tmp_path / "gone")
    unlink = os.unlink

    def twice(name: Any, **more: Any) -> None:
        unlink(name, **more)
        raise FileNotFoundError(2, "No such file or directory", name)

    monkeypatch.setattr(os, "unlink", twice)
    step_of(gone).apply(RUNNER, {})
    assert not gone.exists()


@pytest.mark.parametrize("before", ["listdir", "rmdir"])
def test_directories_that_somebody_else_deletes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    gone = tree(tmp_path / "gone")
    listdir, rmdir = os.listdir, os.rmdir

    def deleted(descriptor: int) -> list[str]:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.endswith(("/c", "/d")):
            shutil.rmtree(path)
        return listdir(descriptor)  # of a directory that is gone: ENOENT

    def twice(name: str, dir_fd: int) -> None:
        rmdir(name, dir_fd=dir_fd)
        if name != "gone":
            rmdir(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, before, {"listdir": deleted, "rmdir": twice}[before])
    step_of(gone).apply(RUNNER, {})
    monkeypatch.undo()
    assert not gone.exists()


@pytest.mark.parametrize("held", [1, 3, 256])
def test_of_a_deep_tree_few_directories_are_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    monkeypatch.setattr(trees, "HELD", held)
    at = gone = tmp_path / "gone"
    for _ in range(12):
        at = at / "d"
        (at / "before").mkdir(parents=True)
        (at / "file").touch()
    most = 0

    def level(deletion: Any, descriptor: int, *, target: bool = False) -> Any:
        nonlocal most
        most = max(most, len(os.listdir("/proc/self/fd")))
        return looked(deletion, descriptor, target=target)

    looked = steps._Deletion._level
    monkeypatch.setattr(steps._Deletion, "_level", level)
    before = os.listdir("/proc/self/fd")
    looker = trees._DeleteTree(str(gone), trees.Uses(), lambda _entries, _path: None)
    looker.look()
    assert (looker.entries, looker.hindrances) == (37, [])
    assert step_of(gone).apply(RUNNER, {}) == {"deleted": 37}
    assert os.listdir("/proc/self/fd") == before
    assert most <= len(before) + min(held, 13) + 3
    assert not gone.exists()


def test_a_directory_that_is_moved_out_of_a_deep_tree_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where its parent is opened again by "..", that is another directory, in which nothing is deleted."""
    monkeypatch.setattr(trees, "HELD", 1)
    gone, other = tmp_path / "gone", tree(tmp_path / "other")
    (gone / "a/b").mkdir(parents=True)
    (gone / "a/b/file").touch()
    unlink = os.unlink

    def moved(name: Any, **more: Any) -> None:
        unlink(name, **more)
        (gone / "a/b").rename(other / "a/moved")

    monkeypatch.setattr(os, "unlink", moved)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Failed, match="moved meanwhile"):
        step_of(gone).apply(RUNNER, {})
    assert os.listdir("/proc/self/fd") == before
    assert (other / "a/b/c/file").exists()
    assert (gone / "a").exists()


def test_a_link_that_took_the_place_of_a_directory_above_leads_nowhere(tmp_path: Path) -> None:
    """Between the scan and the plan: the plan would be for what it leads to."""
    victim = tree(tmp_path / "victim")
    (tmp_path / "user").symlink_to(victim)
    facts = trees.see_targets([str(tmp_path / "user/a")], ReadOnlyRunner(RUNNER), str(tmp_path / "state"))
    assert facts.targets == ()
    assert [hindrance.kind for hindrance in facts.hindrances] == ["delete-gone"]


def test_only_what_begins_at_the_root_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tree(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    status = gone.lstat()
    for path in ("gone/a", "gone", ""):
        with pytest.raises(ValueError, match="does not begin at /"):
            DeleteTree(path, True, status.st_dev, status.st_ino, 1).apply(RUNNER, {})
    assert (gone / "a/b/c/file").exists()
