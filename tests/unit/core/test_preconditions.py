"""What has to hold before a run can begin, and who holds the lock as the kernel has it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from opskit.core import preconditions
from opskit.core.errors import Busy, Failed, Missing, OpskitError
from opskit.core.ledger import no_room
from opskit.core.lock import host_lock, lock_path
from opskit.core.preconditions import lock_holder, obstacles


def found(state: Path, *, sudo: str = "", waits: bool = False, size: int = 0) -> list[OpskitError]:
    return list(obstacles(str(state), sudo=sudo, waits=waits, size=size))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir(mode=0o700)
    return made


def test_none(state: Path) -> None:
    assert found(state) == []
    assert found(state / "to" / "be" / "made") == []
    assert list(state.iterdir()) == []


def test_root_first_and_alone(state: Path) -> None:
    state.chmod(0o777)
    (error,) = found(state, sudo="sudo opskit x")
    assert isinstance(error, Missing)
    assert error.todo == "sudo opskit x"


def test_the_holder_of_the_lock(state: Path) -> None:
    with host_lock(str(state), 0):
        assert lock_holder(str(state)) == os.getpid()
        assert [type(error) for error in found(state)] == [Busy]
        assert found(state, waits=True) == []
    assert lock_holder(str(state)) == 0


def test_the_holder_where_stat_shows_another_device(state: Path) -> None:
    """As on btrfs and overlay; there the pid in the file decides, and the inode of another filesystem does not."""
    path = Path(lock_path(str(state)))
    path.write_text("4711\n")
    locks = state / "locks"
    line = "1: FLOCK  ADVISORY  WRITE {} 7f:ff:{} 0 EOF\n"
    for pid, inode, holder in ((4711, path.stat().st_ino, 4711), (4712, path.stat().st_ino, 0), (4711, 1, 0)):
        locks.write_text("1: POSIX  ADVISORY  READ 1 00:01:2 0 EOF\n" + line.format(pid, inode))
        assert lock_holder(str(state), str(locks)) == holder
    assert lock_holder(str(state), str(state / "none")) == 0


def test_room_for_the_ledger(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = os.statvfs(state).f_bfree * os.statvfs(state).f_frsize
    (error,) = found(state, size=free)
    assert (type(error), error.state) == (Failed, "Nothing was changed.")
    assert error.why == "the ledger cannot be written (No space left on device)"
    assert "--state-dir /run/opskit" in error.todo
    assert "/run/opskit" not in no_room("/run/opskit/ledger.jsonl", errno.ENOSPC, changed=False).todo
    monkeypatch.setattr(preconditions.os, "statvfs", lambda _path: os.statvfs_result((4096, 4096, *[0] * 8)))
    assert found(state, size=free) == []  # no limit


def test_an_ordinary_user_needs_a_place_of_its_own(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preconditions.os, "access", lambda *_: False)
    monkeypatch.setattr(preconditions.os, "geteuid", lambda: state.stat().st_uid + 1)
    for place in (state, state / "below"):
        (error,) = found(place)
        assert isinstance(error, Missing)
        assert "--state-dir" in error.todo
