"""Which verdict a file gets whose journalctl --verify fails, for whatever reason."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Callable

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Failed
from opskit.journal.files.header import HEADER_BYTES
from opskit.journal.files.see.directories import read_directory
from opskit.journal.files.see.verify import verify

ID = "ab" * 16


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
    (found,) = verify(Failing(lambda: None), [read_directory(str(tmp_path))])
    assert (found.damage, found.skipped) == ("entry number mismatch", False)
    assert list(verify(Failing(path.unlink), [read_directory(str(tmp_path))])) == []


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EROFS, errno.ENOENT])
def test_a_journalctl_without_room_tells_of_no_damage(tmp_path: Path, reason: int) -> None:
    path = journal(tmp_path / "system.journal")
    failing = Failing(lambda: None)
    failing.said = f"File corruption detected at {path}:3990b0\nFAIL: {path} ({os.strerror(reason)})\n"
    with pytest.raises(Failed, match="/var/tmp"):
        list(verify(failing, [read_directory(str(tmp_path))]))


def test_what_was_written_to_meanwhile_cannot_be_told(tmp_path: Path) -> None:
    path = journal(tmp_path / "system.journal")
    (found,) = verify(Failing(lambda: come_online(path)), [read_directory(str(tmp_path))])
    assert (found.damage, found.skipped) == ("", True)
