"""The steps of a vacuum and of a lasting limit, with a runner that only plays journalctl."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Callable

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.core.jsonable import from_json, to_json
from opskit.journal.files.header import HEADER_BYTES
from opskit.journal.files.model import Scope
from opskit.journal.releases import Version
from opskit.journal.retain.steps import RetainJournal
from opskit.journal.steps import KINDS
from opskit.journal.vacuum.model import VacuumLimits
from opskit.journal.vacuum.steps import Copied, CopyJournals, RotateJournal, VacuumJournal, copy_file, same_content

ID = "ab" * 16
NOW = 1_700_000_000_000_000
DAY = 86_400_000_000


class Journalctl:
    """Does something on each command, and remembers it."""

    def __init__(self, act: Callable[[Command], None] = lambda _command: None) -> None:
        self.act = act
        self.ran: list[str] = []

    def run(self, command: Command) -> Result:
        self.ran.append(command.line)
        self.act(command)
        return Result(command, 0, "", "", 0.0)


def old(directory: Path, number: int, days: int) -> Path:
    """An archived file that is so many days old by its name; the header claims one entry."""
    path = directory / f"system@{ID}-{number:016x}-{NOW - days * DAY:016x}.journal"
    data = bytearray(HEADER_BYTES + 4000)
    data[:8] = b"LPKSHHRH"
    data[152] = 1
    path.write_bytes(data)
    return path


def vacuum(directory: Path, *deletes: Path, copies: tuple[Copied, ...] = ()) -> VacuumJournal:
    return VacuumJournal(
        scope=Scope(directory=str(directory)), version=Version(252), limits=VacuumLimits(2 * DAY),
        span_text="2d", now=NOW, deletes=tuple(map(str, deletes)), bytes=0, copies=copies,
    )  # fmt: skip


def test_what_went_is_on_record(tmp_path: Path) -> None:
    first, two = old(tmp_path, 1, 5), old(tmp_path, 2, 1)
    runner = Journalctl(lambda _command: first.unlink())
    record = vacuum(tmp_path, first).apply(runner, {})
    assert record == {"gone": [str(first)], "stayed": [], "unexpected": [], "freed": record["freed"]}
    assert len(runner.ran) == 1
    assert runner.ran[0].startswith(f"journalctl --directory={tmp_path} --vacuum-time=")
    assert two.exists()


def test_what_journald_has_deleted_itself_counts_as_gone(tmp_path: Path) -> None:
    first, two = old(tmp_path, 1, 5), old(tmp_path, 2, 4)
    step = replace(vacuum(tmp_path, first, two), rotated=True)
    first.unlink()
    record = step.apply(Journalctl(lambda _command: two.unlink()), {})
    assert (record["gone"], record["stayed"], record["unexpected"]) == ([str(first), str(two)], [], [])


def test_what_was_not_to_go_is_on_record(tmp_path: Path) -> None:
    first, two = old(tmp_path, 1, 5), old(tmp_path, 2, 1)
    record = vacuum(tmp_path, first).apply(Journalctl(lambda _command: two.unlink()), {})
    assert (record["stayed"], record["unexpected"]) == ([str(first)], [str(two)])


@pytest.mark.parametrize("extra", [True, False])
def test_nothing_runs_when_other_files_would_go(tmp_path: Path, *, extra: bool) -> None:
    first = old(tmp_path, 1, 5)
    step = vacuum(tmp_path, first)
    if extra:
        old(tmp_path, 0, 9)
    else:
        first.unlink()
    runner = Journalctl()
    with pytest.raises(Failed, match="unlike when the plan was made"):
        step.apply(runner, {})
    assert runner.ran == []


def test_the_steps_come_back_from_the_ledger(tmp_path: Path) -> None:
    first = old(tmp_path, 1, 5)
    steps = (
        vacuum(tmp_path, first, copies=(Copied("/a", "/b"),)), CopyJournals("/p", (Copied("/a", "/b"),), 1),
        RotateJournal("", 252, ("/x",)), RetainJournal("/f", "t", None, "u"),
    )  # fmt: skip
    for step in steps:
        assert from_json(KINDS[step.kind], to_json(step)) == step


def test_rotation_is_version_safe() -> None:
    def commands(version: int, namespace: str = "") -> tuple[str, ...]:
        return RotateJournal(namespace, version).change.commands

    assert commands(252) == commands(239) == ("journalctl --rotate",)
    assert commands(257, "x") == ("journalctl --namespace=x --rotate",)
    assert commands(219) == ("systemctl kill --kill-who=main --signal=SIGUSR2 systemd-journald.service",)


def test_copies_and_the_way_back(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    first = old(tmp_path / "j", 1, 5)
    os.utime(first, ns=(5, 7))
    before = first.read_bytes()
    pair = Copied(str(first), str(tmp_path / "copy" / "deep" / first.name))
    copying = CopyJournals(str(tmp_path / "copy"), (pair,), 1)
    record = copying.remember(Journalctl())
    copying.apply(Journalctl(), record)
    copying.verify(Journalctl(), record)
    assert os.stat(pair.copy).st_mtime_ns == 7
    step = vacuum(tmp_path / "j", first, copies=(pair,))
    first.unlink()
    with pytest.raises(CannotUndo):  # the only one left
        copying.undo(Journalctl(), record)
    step.undo(Journalctl(), {})
    step.undo(Journalctl(), {})
    assert first.read_bytes() == before
    assert first.stat().st_mtime_ns == 7
    copying.undo(Journalctl(), record)
    assert not (tmp_path / "copy").exists()
    first.unlink()
    with pytest.raises(CannotUndo, match="keep-copy"):
        vacuum(tmp_path / "j", first).undo(Journalctl(), {})


def test_what_a_crash_left_of_a_copy_is_taken_away_with_it(tmp_path: Path) -> None:
    first = old(tmp_path, 1, 5)
    copying = CopyJournals(str(tmp_path / "copy"), (Copied(str(first), str(tmp_path / "copy" / first.name)),), 1)
    record = copying.remember(Journalctl())
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / f"{first.name}.opskit-copy").write_bytes(b"half of it")
    copying.undo(Journalctl(), record)
    assert [path.name for path in tmp_path.iterdir()] == [first.name]


def test_a_copy_never_takes_the_place_of_something(tmp_path: Path) -> None:
    source, target, link = tmp_path / "a", tmp_path / "b", tmp_path / "l"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    link.symlink_to(source)
    with pytest.raises(FileExistsError):
        copy_file(str(source), str(target))
    with pytest.raises(OSError):
        copy_file(str(link), str(tmp_path / "c"))
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "l"]


def test_holes_are_copied_as_holes(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    with source.open("wb") as file:
        file.truncate(1 << 24)
        file.seek(1 << 20)
        file.write(b"x" * 5000)
    copy_file(str(source), str(target))
    assert same_content(str(source), str(target))
    assert target.stat().st_blocks * 512 < 1 << 20
    with target.open("r+b") as file:
        file.write(b"y")
    assert not same_content(str(source), str(target))


def test_a_restart_of_journald_is_shown_with_what_it_deletes() -> None:
    """Where the journal has no journald there is none."""
    text = "[Journal]\nMaxRetentionSec=30day\n"
    for deletes, more in (((), ""), (("/a", "/b"), ", and deletes 2 of its files")):
        step = RetainJournal("/f", text, None, "systemd-journald.service", deletes=deletes)
        assert step.change.after == f"MaxRetentionSec=30day; systemd-journald.service is restarted{more}"
    assert RetainJournal("/f", text, None, "").change.after == "MaxRetentionSec=30day"


def test_a_drop_in_is_written_and_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "conf.d" / "x.conf"
    step = RetainJournal(str(path), "[Journal]\nA=1\n", None, "systemd-journald.service")
    runner = Journalctl()
    record = step.remember(runner)
    record = {**record, **step.apply(runner, record)}
    assert path.read_text() == "[Journal]\nA=1\n"
    assert path.stat().st_mode & 0o777 == 0o644
    left = step.left(runner, record)
    assert left
    assert left.after == "absent; systemd-journald.service is restarted"
    step.undo(runner, record)
    assert not path.parent.exists()
    assert runner.ran == ["systemctl restart systemd-journald.service"] * 2
    path.parent.mkdir()
    path.write_text("before")
    with pytest.raises(Failed, match="changed since"):
        step.apply(runner, {})
    again = RetainJournal(str(path), "after", "before", "")
    again.apply(runner, {})
    again.undo(runner, {})
    assert path.read_text() == "before"
    path.write_text("by somebody else")
    with pytest.raises(CannotUndo, match="changed since"):
        again.undo(runner, {})
