"""opskit itself is upgraded or removed while it waits, or works: what runs is never half of one and half of another."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import opskit
from host.hosts import Host


@pytest.fixture
def copied(host: Host) -> Path:
    """An opskit of this test's own, found by PYTHONPATH."""
    place = host.folder / "copied" / "opskit"
    shutil.copytree(os.path.dirname(opskit.__file__), place)
    return place


@pytest.mark.parametrize("how", ["upgraded", "removed"])
def test_while_it_asks(host: Host, copied: Path, how: str) -> None:
    disk = host.new_disk()
    terminal = host.terminal(
        "disk", "mount", disk.path, host.target, *host.own, PYTHONPATH=str(copied.parent), COLUMNS="200"
    )
    terminal.read_until("[y/N]")
    init = copied / "__init__.py"
    if how == "upgraded":  # as a package manager does: another file in its place
        shutil.copy(init, copied / "new")
        (copied / "new").replace(init)
    else:
        init.unlink()
    terminal.type("y\n")
    answer = terminal.end()
    assert answer.code == 5, answer
    assert "opskit was upgraded or removed while this command waited" in answer.out
    assert "run the same command again" in answer.out
    assert (host.mounted(), host.ledger(), host.backups(), disk.partitions) == (None, [], [], [])


@pytest.mark.parametrize("status", [0, 1])
def test_while_it_works_for_a_program(host: Host, copied: Path, status: int) -> None:
    """The answer of --json is there too: fleet goes by it."""
    disk = host.new_disk()
    inside = host.namespace(host.shim("mkfs.ext4", f"rm -r {copied}\n" + ("exit 1" if status else 'exec "$real" "$@"')))
    answer = host.mount(disk, "--fstype", "ext4", "--json", inside=inside, PYTHONPATH=str(copied.parent))
    assert not copied.exists()
    assert answer.code == (8 if status else 0), answer
    assert answer.json["ok"] is not bool(status)
    if not status:
        host.on_disk("umount", host.target, "--yes", inside=inside).well()


@pytest.mark.parametrize("status", [0, 1])
def test_while_it_works(host: Host, copied: Path, status: int) -> None:
    """From its first step on nothing of opskit is read any more: it ends its work, or takes it back."""
    disk = host.new_disk()
    after = "exit 1" if status else 'exec "$real" "$@"'
    inside = host.namespace(host.shim("mkfs.ext4", f"rm -r {copied}\n{after}"))
    options = ("--fstype", "ext4", "--table", "gpt")
    answer = host.mount(disk, *options, inside=inside, PYTHONPATH=str(copied.parent))
    assert not copied.exists()
    assert answer.code == (8 if status else 0), answer
    assert "fault in opskit" not in answer.err
    if status:
        assert "What had been done was taken back." in answer.err
        assert host.outcome() == "taken-back"
    else:
        assert answer.out.startswith("in service: ")
        assert host.outcome() == "done"
        host.on_disk("umount", host.target, "--yes", inside=inside).well()
