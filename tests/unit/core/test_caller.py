"""Who is behind a run."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path

import pytest

from opskit.core import caller
from opskit.core.caller import command_line, sudo_line, who


def test_who_called_sudo_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann")
    assert who() == "ann"


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(caller.os, "getuid", lambda: 0)
    assert who() == pwd.getpwuid(0).pw_name
    monkeypatch.setattr(caller.os, "getuid", lambda: 4123456789)
    assert who() == "4123456789"


def test_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/opskit", "undo", "last"])
    assert command_line() == ("opskit", "undo", "last")


def test_a_program_that_takes_our_place_has_the_umask_of_who_called() -> None:
    before = os.umask(0o077)
    try:
        caller.take_umask()
        assert os.umask(0o022) == 0o022
        caller.give_umask_back()
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)


def test_sudo_is_told_a_path_that_it_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin/opskit"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr(caller, "SECURE_PATH", str(tmp_path / "usr"))
    monkeypatch.setattr(sys, "argv", [str(program), "undo", "last"])
    assert sudo_line() == f"sudo {program} undo last"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bin/opskit", "undo", "last"])
    assert sudo_line() == f"sudo {program} undo last"
    # It is found by its name, or was not started by it.
    (tmp_path / "usr").symlink_to(program.parent)
    assert sudo_line() == "sudo opskit undo last"
    monkeypatch.setattr(caller, "SECURE_PATH", "/none")
    monkeypatch.setattr(sys, "argv", ["/x/opskit/__main__.py", "undo", "last"])
    assert sudo_line() == "sudo opskit undo last"
