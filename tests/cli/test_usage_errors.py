"""What is typed wrongly is told in one form by every command, before anything is done."""

from __future__ import annotations

import pytest

from opskit.cli import main

EMPTY = "it is empty"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["disk", "mount", "--wipe"], "opskit: opskit disk mount: Option '--wipe' requires an argument."),
        (["du", "--depth"], "opskit: opskit du: Option '--depth' requires an argument."),
        (["disk", "mount", "/dev/vdb", "--nonsense"], "opskit: opskit disk mount: No such option: --nonsense"),
        (["disk", "mnt"], "opskit: opskit disk mnt: no such command"),
        (["disk", "umount", ""], f"opskit: DEVICE|MOUNTPOINT: {EMPTY}"),
        (["disk", "mount", "/dev/vdb", "--facts", "", "--yes"], f"opskit: --facts: {EMPTY}"),
        (["journal", "vacuum", "2d", "-D", ""], f"opskit: --directory: {EMPTY}"),
        (["yum", "unlock", "--installroot", ""], f"opskit: --installroot: {EMPTY}"),
        (["memcached", "stop", "--pidfile", ""], f"opskit: --pidfile: {EMPTY}"),
        (["undo", "", "--yes"], f"opskit: RUN: {EMPTY}"),
        (["df", "--timeout", "nan"], "opskit: --timeout: nan is no number"),
        (["yum", "lock", "--sample", "nan"], "opskit: --sample: nan is no number"),
        (["disk", "grow", "/data", "--lock-timeout", "nan"], "opskit: --lock-timeout: nan is no number"),
    ],
)
def test_usage(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.split("\n")[0] == said
