"""One opskit at a time: the second is told who the first is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.core import lock
from opskit.core.errors import Busy, Failed, Missing
from opskit.core.lock import host_lock, wait_for_flock


def test_the_second_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    with host_lock(str(tmp_path), 0):
        with pytest.raises(Busy, match=f"pid {os.getpid()} holds") as caught, host_lock(str(tmp_path), 0):
            pass
        assert caught.value.exit_code == 7
        assert caught.value.state == "Nothing was changed."
    with host_lock(str(tmp_path), 0):
        pass


def test_it_is_let_go_of_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), host_lock(str(tmp_path), 0):
        raise ZeroDivisionError
    with host_lock(str(tmp_path), 0):
        pass


def test_a_longer_pid_of_an_earlier_holder_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / lock.FILE_NAME).write_text("12345678901234567890\n")
    with host_lock(str(tmp_path), 0):
        assert (tmp_path / lock.FILE_NAME).read_text() == f"{os.getpid()}\n"


def test_the_directory_and_the_file_are_their_owners_only(tmp_path: Path) -> None:
    with host_lock(str(tmp_path / "state"), 0):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "state" / lock.FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_place_where_no_lock_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be made"), host_lock(str(tmp_path / "file"), 0):
        pass


@pytest.mark.parametrize("mode", [0o720, 0o770, 0o702, 0o777, 0o1777])
def test_a_directory_that_others_can_write_to(tmp_path: Path, mode: int) -> None:
    """Whoever writes the ledger says what an undo does as root."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(mode)
    with pytest.raises(Failed, match="others can write there") as caught, host_lock(str(state), 0):
        pass
    assert (caught.value.exit_code, caught.value.state) == (1, "Nothing was changed.")
    assert f"mode {mode & 0o777:03o}" in caught.value.why
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_directory_that_others_can_only_look_into(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with host_lock(str(tmp_path), 0):
        pass


def test_a_directory_of_another_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary user meets root's /var/lib/opskit: nobody has to chown that, it needs one of its own."""
    monkeypatch.setattr(lock.os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    whose = f"owner {tmp_path.stat().st_uid}, mode"
    with pytest.raises(Missing, match=whose) as caught, host_lock(str(tmp_path), 0):
        pass
    assert "--state-dir" in caught.value.todo
    assert list(tmp_path.iterdir()) == []


def test_a_symlink_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / lock.FILE_NAME).symlink_to(elsewhere)
    with pytest.raises(Failed, match="cannot be made"), host_lock(str(tmp_path / "state"), 0):
        pass
    assert elsewhere.read_text() == "precious\n"


def test_waiting_ends_when_the_holder_lets_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "x")
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert wait_for_flock(first, 0)
    waits = []

    def instead_of_sleep(seconds: float) -> None:
        waits.append(seconds)
        os.close(first)

    monkeypatch.setattr(lock.time, "sleep", instead_of_sleep)
    assert wait_for_flock(second, 5)
    assert waits == [lock.RETRY_SECONDS]
    os.close(second)


def test_waiting_ends_at_the_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "x")
    first, second = (os.open(path, os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert wait_for_flock(first, 0)
    clock = [0.0]
    monkeypatch.setattr(lock.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    assert not wait_for_flock(second, 0.25)
    assert clock[0] == pytest.approx(0.25)
    os.close(first)
    os.close(second)


def test_a_full_disk_is_no_reason_against_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with host_lock(str(tmp_path), 0), pytest.raises(Busy, match="pid unknown holds"), host_lock(str(tmp_path), 0):
        pass
