"""Who is behind a run."""

from __future__ import annotations

import errno
import os
import pwd
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.core import caller
from opskit.core.caller import command_line, machine_mark, other_machine, sudo_line, who


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


def _machine(root: Path, ident: str = "", uuid: str = "") -> str:
    """The mark of a machine with these names; "" for none of that kind."""
    for place, name in ((root / "etc/machine-id", ident), (root / "sys/class/dmi/id/product_uuid", uuid)):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if name:
            place.write_text(f"{name}\n")
    return machine_mark(str(root))


def test_a_machine_has_one_mark_and_two_have_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one, other, uuid = "0123456789abcdef" * 2, "f123456789abcdef" * 2, "4C4C4544-0032-3510"
    mark = _machine(tmp_path, one, uuid)
    assert re.fullmatch("[0-9a-f]{12}", mark)
    assert mark == _machine(tmp_path, one, uuid.lower())  # kernels differ in that
    system, bare = "machine-id or its host name", "product_uuid"
    assert system in other_machine(mark, _machine(tmp_path, other, uuid))
    assert bare in other_machine(mark, _machine(tmp_path, one, "4C4C4544-0032-3511"))  # both of one image
    assert bare in other_machine(mark, _machine(tmp_path, one))
    # One that is of an image, or of a container, and no machine's yet.
    none = _machine(tmp_path)
    assert {_machine(tmp_path, "uninitialized"), _machine(tmp_path, one[:-1])} == {none}
    monkeypatch.setattr(caller.os, "uname", lambda: SimpleNamespace(nodename="another"))
    assert system in other_machine(none, _machine(tmp_path))
    assert system in other_machine(mark, _machine(tmp_path, one, uuid))


def test_a_user_knows_half_of_the_mark(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """product_uuid is root's; what he planned root can carry out, and he can look at what root has planned."""
    mark = _machine(tmp_path, "0123456789abcdef" * 2, "4C4C4544")
    (tmp_path / "sys/class/dmi/id").rename(tmp_path / "sys/class/dmi/kept")
    whole = open

    def closed(path: str, **options: Any) -> Any:
        if path.endswith("product_uuid"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(path, **options)

    monkeypatch.setattr("builtins.open", closed)
    half = machine_mark(str(tmp_path))
    assert half == mark[:6]
    assert (other_machine(half, mark), other_machine(mark, half), other_machine("", mark)) == ("", "", "")


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
