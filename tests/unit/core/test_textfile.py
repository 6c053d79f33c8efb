"""A text file that a step replaces and takes back; its shell lines are run in tests/cli/core/test_textfile_shell.py."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Change
from opskit.core.textfile import Replacement, ReplaceText, read_text, remove_file

OLD, NEW = "old\n\udce4\n", "new 'x'\n"


@dataclass(frozen=True)
class Write(ReplaceText):
    kind: ClassVar[str] = "test.write"
    replacement: Replacement

    @property
    def settle(self) -> tuple[Command, ...]:
        return (Command(("reload",), mutates=True),)

    @property
    def change(self) -> Change:
        return Change("write", self.replacement.path, "", "", self.lines(), True)


class Runs:
    def __init__(self) -> None:
        self.argvs: list[tuple[str, ...]] = []

    def run(self, command: Command) -> Result:
        self.argvs.append(command.argv)
        return Result(command, 0, "", "", 0.0)


def carried_out(step: Write, runner: Any) -> dict[str, Any]:
    record = step.remember(runner)
    record = {**record, **step.apply(runner, record)}
    step.verify(runner, record)
    return record


def written(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def test_a_new_file_goes_with_its_directory(tmp_path: Path) -> None:
    path, runner = tmp_path / "d/x.conf", Runs()
    step = Write(Replacement(str(path), NEW, None))
    record = carried_out(step, runner)
    assert (path.read_text(), path.stat().st_mode & 0o777) == (NEW, 0o644)
    step.undo(runner, record)
    assert not path.parent.exists()
    step.undo(runner, record)
    assert runner.argvs == [("reload",)] * 3


@pytest.mark.parametrize("record", [{"made": False}, {"folder": True}, {}])
def test_a_directory_that_was_there_stays(record: dict[str, Any], tmp_path: Path) -> None:
    step = Write(Replacement(str(tmp_path / "x"), NEW, None))
    step.apply(Runs(), {})
    step.undo(Runs(), record)
    assert list(tmp_path.iterdir()) == []


def test_opskit_0_1_0_noted_a_directory_that_it_made_in_another_way(tmp_path: Path) -> None:
    step = Write(Replacement(str(tmp_path / "d/x"), NEW, None))
    step.apply(Runs(), {})
    step.undo(Runs(), {"folder": False})
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("backup", ["", "x.backup"])
def test_the_old_file_comes_back_with_its_mode(backup: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    written(path, OLD)
    path.chmod(0o640)
    os.chown(path, 1, 2) if os.geteuid() == 0 else None
    before = path.stat()
    step = Write(Replacement(str(path), NEW, OLD, str(tmp_path / backup) if backup else ""))
    record = carried_out(step, Runs())
    names = {"x", backup} - {""}
    assert {entry.name for entry in tmp_path.iterdir()} == names
    for name in names:
        status = (tmp_path / name).stat()
        assert (status.st_mode, status.st_uid, status.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    step.undo(Runs(), record)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
    assert read_text(str(path)) == OLD
    assert path.stat().st_mode == before.st_mode


def test_what_somebody_edited_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x"
    written(path, "edited\n")
    step = Write(Replacement(str(path), NEW, OLD))
    with pytest.raises(Failed, match="changed since the plan"):
        step.apply(Runs(), {})
    with pytest.raises(CannotUndo, match="changed since"):
        step.undo(Runs(), {})
    with pytest.raises(Failed, match="does not hold"):
        step.verify(Runs(), {})
    assert path.read_text() == "edited\n"


def test_what_cannot_be_looked_at_is_not_absent(tmp_path: Path) -> None:
    """A directory that another file has the name of, or that this user may not enter: no plan is made of that."""
    (tmp_path / "d").touch()
    with pytest.raises(Failed, match="it cannot be read"):
        read_text(str(tmp_path / "d/x.conf"))
    assert read_text(str(tmp_path / "none/x.conf")) is None


def test_a_masked_drop_in_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.symlink_to("/dev/null")
    with pytest.raises(Failed, match="not a regular file"):
        read_text(str(path))


def test_a_removed_file_is_gone_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory is synced after the removal: a power cut must not bring the file back."""
    order: list[str] = []
    unlink, fsync = os.unlink, os.fsync
    monkeypatch.setattr(os, "unlink", lambda path: (order.append("unlink"), unlink(path)))
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("fsync"), fsync(descriptor)))
    path = tmp_path / "x"
    path.touch()
    remove_file(str(path))
    assert order == ["unlink", "fsync"]
    remove_file(str(path))  # what is not there is no error
