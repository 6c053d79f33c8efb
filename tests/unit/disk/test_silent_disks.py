"""A disk that does not answer, or of which a program does not come to an end: it is named, and the others are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from opskit.core.child import SILENT as NO_ANSWER
from opskit.core.child import Answer
from opskit.core.command import Command
from opskit.core.errors import CommandFailed, Failed
from opskit.core.runner import Result
from opskit.disk import guard
from opskit.disk.model import SILENT, UNREADABLE, BlockDevice, FileFact, HostFacts
from opskit.disk.see import facts, probe
from opskit.disk.verdict import verdict

DISK = BlockDevice("dm-0", "/dev/dm-0", "dm", "252:0", 1 << 30)
PARTITION = BlockDevice("dm-0p1", "/dev/dm-0p1", "partition", "252:1", 1 << 29, disk="dm-0", partition_number=1)
OTHER = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 1 << 30)
ZRAM = BlockDevice("zram0", "/dev/zram0", "zram", "252:32", 1 << 30)


class Asked:
    """Stands for child.ask: who is silent among the questions, by the devices that a question reads."""

    def __init__(self, *silent: str) -> None:
        self.silent = set(silent)
        self.batches: list[list[list[str]]] = []

    def __call__(self, questions: Sequence[Callable[[], Any]], seconds: float) -> list[Answer]:
        assert seconds
        batch = [list(question.args[0]) for question in questions]  # type: ignore[attr-defined]
        self.batches.append(batch)
        return [NO_ANSWER if self.silent & set(paths) else Answer() for paths in batch]


def test_one_child_asks_all_where_all_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    asker = Asked()
    monkeypatch.setattr(probe, "ask", asker)
    assert probe.silent(["/dev/a", "/dev/b"]) == frozenset()
    assert asker.batches == [[["/dev/a", "/dev/b"]]]
    assert probe.silent([]) == frozenset()


def test_each_is_asked_alone_where_not_all_answer_and_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asker = Asked("/dev/3", "/dev/20")
    monkeypatch.setattr(probe, "ask", asker)
    assert probe.silent([f"/dev/{number}" for number in range(40)]) == {"/dev/3", "/dev/20"}
    assert [len(batch) for batch in asker.batches] == [1, 16, 16, 8]


@pytest.mark.parametrize(
    ("close", "everything", "read"),
    [
        ((), True, ["/dev/dm-0", "/dev/vdb"]),
        (("vdb",), False, ["/dev/vdb"]),
        (("dm-0p1",), False, ["/dev/dm-0"]),
        ((), False, []),
    ],
)
def test_only_what_will_be_read_is_asked(
    close: tuple[str, ...], everything: bool, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(probe, "silent", lambda paths: calls.extend(paths) or frozenset())
    unseen: list[str] = []
    devices = (DISK, PARTITION, OTHER, ZRAM)
    assert facts._with_silence(devices, unseen, frozenset(close), everything=everything) == devices
    assert (calls, unseen) == (read, [])


def test_a_silent_disk_is_named_and_its_partitions_are_silent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "silent", lambda _paths: frozenset({"/dev/dm-0"}))
    unseen: list[str] = []
    devices = facts._with_silence((DISK, PARTITION, OTHER), unseen, frozenset(), everything=True)
    assert [device.contents for device in devices] == [SILENT, SILENT, "unread"]
    assert unseen == ["/dev/dm-0: it did not answer within 5 s"]


@pytest.mark.parametrize(
    ("error", "contents"),
    [
        (Failed("blkid -p /dev/dm-0", "no end after 30 s; it was ended"), SILENT),
        (CommandFailed(Result(Command(("blkid",), mutates=False), 4, "", "no", 0.0)), UNREADABLE),
    ],
)
def test_a_program_that_fails_or_does_not_end_ends_no_look(error: Failed, contents: str) -> None:
    def look(_device: BlockDevice, _runner: object) -> BlockDevice:
        raise error

    unseen: list[str] = []
    assert facts._closely(DISK, None, unseen, look).contents == contents  # type: ignore[arg-type]
    assert unseen == [f"/dev/dm-0: {error}"]


def test_it_is_neither_judged_by_what_it_had_nor_touched() -> None:
    none = FileFact("/etc/x", "/etc/x", exists=False)
    disk = replace(OTHER, contents=SILENT, table="gpt")
    host = HostFacts(1, "", "", root=True, devices=(disk,), fstab=none, crypttab=none)
    assert verdict(host, disk) == ("unknown", "it does not answer")
    assert [reason.title for reason in guard.unreadable(host, disk)] == ["/dev/vdb does not answer"]
