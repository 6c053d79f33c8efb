"""What the screens of a fleet keep to, whatever hosts are called and say; tests/golden/screens has how they look."""

from __future__ import annotations

import io
import sys

import pytest

from golden.screens.made_fleet import FLEET, name, run, states
from opskit.core.text import shown
from opskit.fleet.model import HostState
from opskit.fleet.show import progress, progress_lines
from opskit.fleet.value import value_lines
from opskit.ui.screen import Screen, width_of


class Stream(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Stream:
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "argv", ["opskit"])
    return stream


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("drawn", [each for each in FLEET if not each.endswith("pipe")])
def test_a_screen(drawn: str, columns: int, terminal: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a terminal acts on; no line is longer than it, but for a word or a line to paste."""
    monkeypatch.setenv("COLUMNS", str(columns))
    FLEET[drawn](Screen("opskit fleet", color="never"), 40)
    lines = terminal.getvalue().split("\n")
    assert not [line for line in lines if shown(line) != line]
    free = ("to do", "go on with", "take it back", "seen:")
    long = [line for line in lines if width_of(line) > columns and " " in line.strip()]
    if drawn.endswith(("-diff", "-verbose", "fleet-show")):  # a change is a line, as in a plan of one host; a table too
        return
    assert not [line for line in long if not line.strip().startswith(free)]


@pytest.mark.parametrize("drawn", FLEET)
def test_colours_change_nothing_else(drawn: str, monkeypatch: pytest.MonkeyPatch, terminal: Stream) -> None:
    import re  # noqa: PLC0415

    monkeypatch.setenv("COLUMNS", "80")
    FLEET[drawn](Screen("opskit fleet", color="never"), 40)
    plain = terminal.getvalue()
    terminal.truncate(0)
    terminal.seek(0)
    FLEET[drawn](Screen("opskit fleet", color="always"), 40)
    assert re.sub(r"\x1b\[\d+m", "", terminal.getvalue()) == plain


def test_progress_has_room_and_names_what_is_wrong() -> None:
    at = {name(number): HostState("begun") for number in range(30)}
    for columns in (20, 79, 200):
        lines = progress_lines(run("apply", 40), {**states(40), **at}, 0, columns)
        assert all(width_of(line) <= columns for line in lines)
        assert not [line for line in lines if shown(line) != line]
    assert progress_lines(run("check", 0, ("check",)), {"a": HostState("done", 0)}, 4, 79) == [
        "check #####............... 1 of 4 hosts"
    ]


def test_progress_is_drawn_when_told_and_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "80")
    with progress(Screen("opskit fleet"), run("apply", 3)) as tell:
        assert not stream.getvalue()  # a prompt of ssh may stand there
        tell(states(3))
        assert "3 of 3 hosts" in stream.getvalue()
    assert "\x1b[2K" in stream.getvalue()
    again = stream.getvalue()
    with progress(Screen("opskit fleet"), run("apply", 3)):
        pass
    assert stream.getvalue() == again


@pytest.mark.parametrize("screen", [Screen("opskit fleet", quiet=True), Screen("opskit fleet", json=True), None])
def test_no_progress(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=screen is not None)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(screen or Screen("opskit fleet"), run("apply", 3)) as tell:
        tell(states(3))
    assert not stream.getvalue()


def test_any_value_is_told() -> None:
    deep: object = {"a": 1}
    for _ in range(900):
        deep = [deep]
    odd: list[object] = [
        None,
        True,
        1.5,
        "",
        "a\nb\x1b",
        [],
        {},
        [[]],
        [{}],
        [[1], {"a": {"b": []}}],
        {"\n": 1, "x": [{"a": 1}]},
        [1, 2],
    ]
    for value in [*odd, deep]:
        lines = list(value_lines(value))
        assert lines
        assert all(shown(line) == line for line in lines)
    value = {"size": 2**30, "free_bytes": 1024, "pid": 2048, "on": True, "rows": [{"a": 1, "b": "x"}], "deep": deep}
    assert list(value_lines(value))[:8] == [
        "size        1G", "free_bytes  1K", "pid         2048", "on          yes", "rows:", "  A  B", "  1  x", "deep:",
    ]  # fmt: skip
