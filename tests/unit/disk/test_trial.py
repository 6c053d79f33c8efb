"""The trial of mount options: what it runs, what it tells apart, and that nothing of it stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed
from opskit.disk.mount.steps.trial import TryMountOptions


class Fake:
    """A runner on which a mount fails with these options."""

    def __init__(self, *wrong: str) -> None:
        self.wrong = wrong
        self.lines: list[str] = []

    def run(self, command: Command) -> Result:
        self.lines.append(command.line)
        failed = "unshare" in command.argv and any(option in command.line for option in self.wrong)
        result = Result(command, 32 if failed else 0, "", "mount: wrong", 0.0)
        if failed:
            raise CommandFailed(result)
        return result


def step(tmp_path: Path) -> TryMountOptions:
    return TryMountOptions("ext4", "noatime,foo", str(tmp_path / "try"), 1 << 24)


def test_what_it_runs(tmp_path: Path) -> None:
    runner = Fake()
    step(tmp_path).apply(runner, {})
    folder = tmp_path / "try"
    assert runner.lines == [
        f"mkdir -m 0700 {folder} {folder}/mnt",
        f"truncate -s 16777216 {folder}/image",
        f"mkfs.ext4 -q {folder}/image",
        f"unshare --mount --propagation private mount -n -t ext4 -o loop,noatime,foo {folder}/image {folder}/mnt",
    ]
    assert step(tmp_path).change.commands[-2:] == (
        f"{runner.lines[-1]} || {{ rm -r -- {folder}; exit 1; }}",
        f"rm -r -- {folder}",
    )


def test_options_that_cannot_be_mounted_with(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="ext4 cannot be mounted with noatime,foo") as caught:
        step(tmp_path).apply(Fake("foo"), {})
    assert "--mount-options" in caught.value.todo


def test_a_trial_says_nothing_of_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An I/O error of any other loop device was the cause, with 'smartctl -a /dev/' to do."""
    words = [
        "I/O error, dev loop7, sector 2 op 0x0:(READ)",
        "EXT4-fs (loop0): bad geometry: block count 9 exceeds size of device (1 blocks)",
        "EXT4-fs (loop0): external journal device major/minor numbers have changed",
    ]
    monkeypatch.setattr("opskit.disk.see.kernel_log.KernelLog.words", lambda _: words)
    with pytest.raises(CommandFailed, match="cannot be mounted with noatime,foo") as caught:
        step(tmp_path).apply(Fake("foo"), {})
    assert "/dev/" not in caught.value.todo
    words.append('EXT4-fs (loop0): Unrecognized mount option "foo" or missing value')
    with pytest.raises(CommandFailed, match="ext4 has no mount option foo"):
        step(tmp_path).apply(Fake("foo"), {})


def test_where_nothing_can_be_mounted_nothing_is_told(tmp_path: Path) -> None:
    runner = Fake("loop")
    step(tmp_path).apply(runner, {})
    assert len(runner.lines) == 5


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "try" / "mnt").mkdir(parents=True)
    (tmp_path / "try" / "image").touch()
    runner = Fake()
    assert step(tmp_path).left(runner, {})
    step(tmp_path).undo(runner, {})
    assert step(tmp_path).left(runner, {}) is None
    step(tmp_path).undo(runner, {})
    assert list(tmp_path.iterdir()) == []
