"""The lines that stop a script, run by sh: each lets the thing pass that was decided on, and stops at another one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opskit.core.checks import absent_checks, file_checks, inode_checks, process_checks, unit_checks
from opskit.core.command import Command
from opskit.core.files import sha256
from opskit.core.procfs import text
from opskit.core.textfile import Replacement
from opskit.memcached.instance.steps import RemovePidFile
from opskit.yum.unlock.steps import Clear


def passes(lines: tuple[str, ...], **environment: str) -> bool:
    """Whether a script goes on behind these lines."""
    script = "\n".join(("set -eu", *lines, "echo reached"))
    done = subprocess.run(
        ["sh"], input=script, text=True, capture_output=True, check=False, env={**os.environ, **environment}
    )
    assert (done.returncode == 0) is ("reached" in done.stdout), done
    return done.returncode == 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "it's a $file"
    path.write_text("text\n")
    return path


def test_a_file(file: Path) -> None:
    lines = file_checks(str(file), sha256(b"text\n"))
    assert passes(lines)
    for change in (lambda: file.write_text("text"), file.unlink, file.mkdir):
        change()
        assert not passes(lines)


def test_what_is_absent(file: Path) -> None:
    lines = file_checks(str(file), "")
    assert lines == absent_checks(str(file))
    assert not passes(lines)
    file.unlink()
    assert passes(lines)
    file.symlink_to(file.parent / "nowhere")
    assert not passes(lines)


def test_the_same_file_by_its_name(file: Path) -> None:
    status = file.stat()
    grows, same = inode_checks(str(file), status.st_ino), inode_checks(str(file), status.st_ino, size=status.st_size)
    assert passes(grows + same)
    with file.open("a") as more:
        more.write("more")
    assert passes(grows)
    assert not passes(same)
    other = file.with_name("other")
    other.write_text("text\n")
    other.replace(file)
    assert not passes(grows)
    assert not passes(same)


def test_a_process() -> None:
    """Its name may be anything; another one by its pid began at another time."""
    started = int(text("/proc", "self", "stat").rpartition(")")[2].split()[19])
    assert passes(process_checks(os.getpid(), started))
    assert not passes(process_checks(os.getpid(), started + 1))
    assert not passes(process_checks(2**22 + 1, started))


@pytest.mark.parametrize("state", ["active", "inactive", "activating", "failed", ""])
def test_a_unit(tmp_path: Path, state: str) -> None:
    """systemctl is-active says anything but `active` with another exit status (systemctl(1))."""
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho {state}\n[ active = '{state}' ] || exit 3\n")
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert passes(unit_checks("x.service", active=True), PATH=path) is (state == "active")
    assert passes(unit_checks("x.service", active=False), PATH=path) is (state != "active")


def test_a_text_that_is_replaced(file: Path) -> None:
    backup = file.with_name("backup")
    lines = Replacement(str(file), "new\n", "text\n", str(backup)).checks()
    assert passes(lines)
    backup.touch()
    assert not passes(lines)
    backup.unlink()
    file.write_text("edited\n")
    assert not passes(lines)
    lines = Replacement(str(file), "new\n", None).checks()
    assert not passes(lines)
    file.unlink()
    assert passes(lines)


def test_a_pid_file_that_was_left_behind(file: Path) -> None:
    file.write_text(f"{2**22 + 1}\n")
    assert passes(RemovePidFile(str(file), 2**22 + 1).checks)
    file.write_text("12\n")
    assert not passes(RemovePidFile(str(file), 2**22 + 1).checks)
    file.write_text(f"{os.getpid()}\n")
    assert not passes(RemovePidFile(str(file), os.getpid()).checks)


def test_a_broken_lock(file: Path) -> None:
    status = file.stat()
    backup = file.with_name("kept")
    lines = Clear("", str(file), status.st_dev, status.st_ino, "text\n", "malformed", str(backup)).checks
    assert passes(lines)
    backup.touch()
    assert not passes(lines)
    backup.unlink()
    file.write_text("4711\n")  # a package manager has it by now
    assert not passes(lines)
    shutil.copy(file, backup)
    file.unlink()
    file.symlink_to(backup)
    assert not passes(lines)


def test_a_command_that_answers_by_its_exit_status_is_no_check() -> None:
    """Why each condition is a line of its own: the shell goes on behind the first of two."""
    assert passes(("[ -e /nowhere ] && [ -e / ]", Command(("true",), mutates=False).as_shell()))
