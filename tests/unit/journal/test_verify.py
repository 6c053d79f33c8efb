"""Which verdict a file gets whose journalctl --verify fails, for whatever reason."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Any, Callable

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Failed, UsageFault
from opskit.core.kernel import Statx
from opskit.journal.files.header import HEADER_BYTES
from opskit.journal.files.see.directories import read_directory
from opskit.journal.files.see.verify import Check, read_key, verify
from opskit.journal.files.verify import State
from opskit.journal.usage.findings import damaged

ID = "ab" * 16
CHECK = Check(0x1F)


class Failing:
    """A journalctl to which something happens in the meantime, and that finds fault."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act
        self.said = "entry number mismatch\nFAIL: x (Bad message)\n"

    def run(self, command: Command) -> Result:
        self.act()
        raise CommandFailed(Result(command, 1, "", self.said, 0.0))


def journal(path: Path) -> Path:
    data = bytearray(HEADER_BYTES + 4000)
    data[:8] = b"LPKSHHRH"
    data[88:104] = struct.pack("<QQ", HEADER_BYTES, 4000)
    path.write_bytes(data)
    return path


def come_online(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[16] = 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["system.journal", f"system@{ID}-{1:016x}-{1:016x}.journal"])
def test_what_is_gone_meanwhile_is_not_damaged(tmp_path: Path, name: str) -> None:
    path = journal(tmp_path / name)
    (verdict,) = verify(Failing(lambda: None), [read_directory(str(tmp_path))], CHECK)
    assert (verdict.damage, verdict.state) == ("entry number mismatch", State.DAMAGED)
    assert list(verify(Failing(path.unlink), [read_directory(str(tmp_path))], CHECK)) == []


@pytest.mark.parametrize(
    ("begin", "state", "told"),
    [(b"LPKSHHRH", State.NEWER, 0), (b"\xff" * 8, State.DAMAGED, 1)],
    ids=["newer", "damaged"],
)
def test_a_file_whose_first_bytes_are_overwritten_is_not_of_a_newer_systemd(
    tmp_path: Path, begin: bytes, state: State, told: int
) -> None:
    """What stands there in place of the flags says nothing."""
    path = journal(tmp_path / f"system@{ID}-{1:016x}-{1:016x}.journal")
    data = path.read_bytes()
    path.write_bytes(begin + b"\xff" * 8 + data[16:])
    directory = read_directory(str(tmp_path))
    (verdict,) = verify(Failing(lambda: None), [directory], CHECK)
    assert verdict.state is state
    assert len(damaged(directory)) == told


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.ENOENT])
def test_a_journalctl_without_room_tells_of_no_damage(tmp_path: Path, reason: int) -> None:
    path = journal(tmp_path / "system.journal")
    failing = Failing(lambda: None)
    failing.said = f"File corruption detected at {path}:3990b0\nFAIL: {path} ({os.strerror(reason)})\n"
    with pytest.raises(Failed, match="/var/tmp"):
        list(verify(failing, [read_directory(str(tmp_path))], CHECK))


def test_what_was_written_to_meanwhile_cannot_be_told(tmp_path: Path) -> None:
    path = journal(tmp_path / "system.journal")
    (verdict,) = verify(Failing(lambda: come_online(path)), [read_directory(str(tmp_path))], CHECK)
    assert (verdict.damage, verdict.state) == ("", State.IN_USE)


def test_a_key_is_told_by_its_form_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("c262bd-85187f-0b1b04-877cc5/1c7af8-35a4e900\n")
    key = read_key(str(path))
    command = Command(("journalctl", f"--verify-key={key}"), mutates=False, secret=key)
    assert command.line == "journalctl --verify-key=..."
    path.write_text("hunter2\n")
    with pytest.raises(UsageFault) as caught:
        read_key(str(path))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(("owner", "call"), [(Statx, "status"), (os, "pread")], ids=["statx", "pread"])
def test_a_file_that_opens_and_cannot_be_read_is_one_that_could_not_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: Any, call: str
) -> None:
    """As one of a server that deleted it, or on a bad sector."""
    (tmp_path / "a.journal").write_bytes(b"x" * 300)
    real = getattr(owner, call)
    # The status of the directory is asked for first.
    calls = iter((False, True) if owner is Statx else (True,))

    def failing(*words: Any) -> Any:
        if next(calls, False):
            raise OSError(errno.ESTALE, "Stale file handle")
        return real(*words)

    monkeypatch.setattr(owner, call, failing)
    (file,) = read_directory(str(tmp_path)).files
    assert (file.open_error, file.size) == ("Stale file handle", 300)
