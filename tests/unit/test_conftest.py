"""The fence around unit tests holds: tests/conftest.py."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

Stopped = pytest.fail.Exception


def test_no_process_by_subprocess() -> None:
    with pytest.raises(Stopped, match="may not start a process"):
        subprocess.run(["true"], check=False)


def test_no_process_even_where_every_exception_is_caught() -> None:
    def careless() -> None:
        try:
            os.system("true")
        except Exception:  # noqa: BLE001
            return

    with pytest.raises(Stopped):
        careless()


def test_no_child() -> None:
    with pytest.raises(Stopped):
        os.fork()


@pytest.mark.parametrize("path", ["/etc/opskit-test-fstab", "/var/lib/opskit/ledger.jsonl", "/dev/opskit-test"])
def test_no_file_of_the_host_is_opened_for_writing(path: str) -> None:
    with pytest.raises(Stopped, match="may not change"):
        os.open(path, os.O_WRONLY)
    with pytest.raises(Stopped, match="may not change"):
        Path(path).write_text("x")


def test_no_rename_into_etc(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="may not change"):
        (tmp_path / "new").rename("/etc/opskit-test-fstab")


def test_what_is_temporary_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "file").rename(tmp_path / "other")
    assert (tmp_path / "other").read_text() == "x"


def test_neither_state_nor_configuration_is_the_hosts() -> None:
    assert not os.environ["OPSKIT_STATE_DIR"].startswith("/var/lib")
    assert Path(os.environ["OPSKIT_CONFIG"]).read_bytes() == b""
