"""What is typed wrongly is told in one form by every command, before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.cli import main

EMPTY = "it is empty"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["disk", "mount", "--wipe"], "opskit: disk mount: Option '--wipe' requires an argument."),
        (["du", "--depth"], "opskit: du: Option '--depth' requires an argument."),
        (["disk", "mount", "/dev/vdb", "--nonsense"], "opskit: disk mount: No such option: --nonsense"),
        (["disk", "mnt"], "opskit: disk mnt: no such command"),
        (["--nonsense"], "opskit: No such option: --nonsense"),
        (["disk", "umount", ""], f"opskit: DEVICE|MOUNTPOINT: {EMPTY}"),
        (["disk", "mount", "/dev/vdb", "--facts", "", "--yes"], f"opskit: --facts: {EMPTY}"),
        (["journal", "vacuum", "2d", "-D", ""], f"opskit: --directory: {EMPTY}"),
        (["yum", "unlock", "--installroot", ""], f"opskit: --installroot: {EMPTY}"),
        (["memcached", "stop", "--pidfile", ""], f"opskit: --pidfile: {EMPTY}"),
        (["undo", "", "--yes"], f"opskit: RUN: {EMPTY}"),
        (["du", "/a", ""], f"opskit: PATH: {EMPTY}"),
        (["disk", "mount", "/dev/vdb", "--label", "a", "--label", "b"], "opskit: --label: it is given twice"),
        (["journal", "errors", "-D", "/a", "-D", "/b"], "opskit: -D: it is given twice"),
        (["yum", "lock", "--installroot", "/a", "--installroot", "/b"], "opskit: --installroot: it is given twice"),
        (["journal", "retain", "500M"], "opskit: SPAN: '500M' looks like a size"),
        (["df", "--timeout", "nan"], "opskit: --timeout: 'nan' is not a span of time"),
        (["yum", "lock", "--sample", "61s"], "opskit: --sample: '61s' is more than 1min"),
        (["du", "--older-than", "30"], "opskit: --older-than: '30' has a number without a unit"),
        (["du", "--min-size", "30"], "opskit: --min-size: '30' has no unit"),
        (["yum", "why", "--hold", ""], f"opskit: --hold: {EMPTY}"),
        (["completion", "csh"], "opskit: SHELL: 'csh' is none of bash, zsh, fish, man, and man-disk and so on"),
        (["disk", "swap", "/swap", "1G"], "opskit: disk swap: the size comes before the file"),
        (["disk", "swap", "/swap", "/other"], "opskit: disk swap: the size comes before the file"),
        (
            ["disk", "swap", "/dev/vdb", "1G"],
            "opskit: disk swap: a device is used as a whole, and '1G' would count for nothing",
        ),
        (["disk", "swap", "--off", "/swap", "/other"], "opskit: disk swap --off: it takes one file or device"),
        (
            ["disk", "grow", "/data", "--lock-timeout", "1M"],
            "opskit: --lock-timeout: '1M': M could be a month or a minute",
        ),
    ],
)
def test_usage(words: list[str], expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.split("\n")[0] == expected


@pytest.mark.parametrize(
    ("words", "todo"),
    [
        (["vacuum", "--vacuum-time=2d"], "the span alone, such as 2d"),
        (["vacuum", "--vacuum-size", "1G", "--yes"], "--size 500M"),
        (["errors", "-xe"], "leave it out"),
        (["errors", "-n", "5"], "--top 10"),
    ],
)
def test_what_is_typed_as_for_journalctl(words: list[str], todo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", *words]) == 2
    assert f"to do: {todo}" in capsys.readouterr().err


def test_started_in_a_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = tmp_path / "release"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert main(["journal", "usage", "-D", "."]) == 1
    assert capsys.readouterr().err.startswith("opskit: the working directory: it has been removed")
