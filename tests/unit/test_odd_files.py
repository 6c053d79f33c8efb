"""In the place of each file that opskit reads: a FIFO, a device, a directory, a socket, 2 GB. It is refused at once.

A FIFO whose writer never comes would hold opskit up for ever, a device may never end, and a look can change it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opskit.core.config import load_config
from opskit.core.errors import OpskitError
from opskit.core.files import LIMIT, read_bytes
from opskit.core.log_handlers import LogFile, read_credentials
from opskit.core.textfile import read_file, read_text
from opskit.disk.see.facts import load
from opskit.disk.see.files import read_file_fact
from opskit.memcached.line.see import read_sysconfig
from opskit.usage.du.see.kept import read_saved


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # its whole path may be too long for one
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)
    os.chdir(here)


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2 * 1024**3)


MAKE: dict[str, Callable[[Path], Any]] = {
    "a FIFO": fifo,
    "a character device": device,
    "a directory": Path.mkdir,
    "a socket": unix_socket,
    "larger": large,
}


def config(path: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPSKIT_CONFIG", path)
        load_config.cache_clear()
        try:
            if warnings := load_config().warnings:  # others can write to /dev/zero
                raise OSError(f"not a regular file: {warnings}")
        finally:
            load_config.cache_clear()


def fstab(path: str) -> None:
    fact = read_file_fact(path)
    if fact.problem:
        raise OSError(fact.problem)


READ: dict[str, Callable[[str], object]] = {
    "any": read_bytes,
    "config": config,
    "--facts": load,
    "--fstab": fstab,
    "--sysconfig": read_sysconfig,
    "drop-in": read_text,
    "a file that is replaced": read_file,
}


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.parametrize("name", READ)
def test_it_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    MAKE[kind](path)
    with pytest.raises((OpskitError, OSError)) as caught:
        READ[name](str(path))
    assert kind in str(caught.value) or "not a regular file" in str(caught.value)


@pytest.mark.parametrize("kind", sorted(set(MAKE) - {"larger"}))
def test_what_says_less_of_it(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    MAKE[kind](path)
    with pytest.raises((OpskitError, OSError)):
        read_saved(str(path))
    with pytest.raises((OpskitError, OSError)):
        read_credentials(str(path))
    with pytest.raises(OSError, match=r"not a file|symbolic link|Too many"):
        LogFile(str(path), 1000, 2)


def test_the_limit_is_a_byte_more(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    assert read_bytes(str(path), 10) == b"x" * 10
    with pytest.raises(OSError, match="larger than 9 bytes"):
        read_bytes(str(path), 9)
    assert LIMIT > 10**6


@pytest.mark.parametrize("nested", ["[", '{"result": [', '{"schema": '])
def test_facts_that_are_nested_too_deeply(nested: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(nested * 200_000)
    with pytest.raises(OpskitError, match="nested too deeply") as caught:
        load(str(path))
    assert caught.value.exit_code == 2


def test_a_pipe_that_the_shell_opened_is_read() -> None:
    """`--facts <(ssh host opskit disk facts)`."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as file:
        file.write("{}")
    with pytest.raises(OpskitError, match="facts of version None"):
        load(f"/dev/fd/{reading}")
    os.close(reading)
