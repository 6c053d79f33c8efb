"""What the screens of a fleet keep to, whatever hosts are called and say; tests/golden/screens has how they look."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from typing import Any

import pytest

from golden.screens.made_fleet import FLEET, name, readme_plan, run, states
from opskit.core.text import shown
from opskit.fleet.model import HostPlan, HostState
from opskit.fleet.show import STOPPING, draw_plan, progress, progress_lines
from opskit.fleet.value import value_lines
from opskit.ui.screen import Screen, width_of


class Stream(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def drawn(name: str, monkeypatch: pytest.MonkeyPatch, screen: Screen, columns: int = 80) -> str:
    """What stands on a terminal once this is drawn, with 40 hosts."""
    stream = Stream(terminal=True)
    with monkeypatch.context() as at:
        at.setattr(sys, "stdout", stream)
        at.setattr(sys, "stderr", stream)
        at.setattr(sys, "argv", ["opskit"])
        at.setenv("COLUMNS", str(columns))
        FLEET[name](screen, 40)
    text = stream.getvalue()
    assert "web1.example.net" in text or "web12.example.net" in text
    return text


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("name", [each for each in FLEET if not each.endswith("pipe")])
def test_a_screen(name: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a terminal acts on; no line is longer than it, but for a word or a line to paste."""
    lines = drawn(name, monkeypatch, Screen("opskit fleet", color="never"), columns).split("\n")
    assert not [line for line in lines if shown(line) != line]
    if name.endswith(("-diff", "-verbose", "fleet-show")):  # a change is a line, as in a plan of one host; a table too
        return
    free = ("to do", "go on with", "take it back", "- ")
    long = [line.strip() for line in lines if width_of(line) > columns]
    words = [line for line in long if max(map(width_of, line.split(" "))) < columns - 4]
    assert not [line for line in words if not line.startswith(free)]


@pytest.mark.parametrize("name", FLEET)
def test_colours_change_nothing_else(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = drawn(name, monkeypatch, Screen("opskit fleet", color="never"))
    coloured = drawn(name, monkeypatch, Screen("opskit fleet", color="always"))
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_a_plan_tells_how_its_hosts_are_reached_and_which_opskit_runs_there() -> None:
    screen = Screen("opskit fleet", color="never")
    stream = Stream(terminal=True)
    plan = replace(readme_plan(), ansible=("--become",), tool={"tool": "path", "tool_path": "/opt/a b/opskit"})
    draw_plan(screen, plan, stream)
    assert "reached by: --become --tool path --tool-path '/opt/a b/opskit'" in " ".join(stream.getvalue().split())
    stream = Stream(terminal=True)
    draw_plan(screen, replace(plan, ansible=(), tool={"tool": "auto"}), stream)
    assert "reached by" not in stream.getvalue()


def test_who_reads_chinese_has_the_meaning_of_the_area(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set()

    def chinese(area: str, ident: str) -> str:
        asked.add((area, ident))
        return "意思"

    screen = Screen("opskit fleet", color="never", chinese=chinese)
    texts = [drawn(name, monkeypatch, screen) for name in ("fleet-apply", "fleet-show", "fleet-check")]
    assert "refused: 意思: /dev/vdb is a system disk" in texts[1]
    assert {
        ("disk", "changed-since-plan"),
        ("disk", "system-disk"),
        ("journal", "unit-failed"),
        ("check", "4"),
    } <= asked


def test_of_many_changes_the_first_are_shown_and_all_where_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    many = readme_plan().hosts["web01"].changes * 20
    plan = replace(readme_plan(), hosts={"web01": HostPlan("changes", 0, "t", "t", many)})

    def text(**more: Any) -> str:
        stream = Stream(terminal=True)
        draw_plan(Screen("opskit fleet show", color="never"), plan, stream, **more)
        return stream.getvalue()

    short = text()
    assert "  and 70 more: -v\n" in short
    assert "120 changes on 1 host, 20 cannot be taken back" in short
    assert " 51. " not in short
    assert all("120. mount  /data" in text(**more) for more in ({"verbose": 1}, {"diff": True}))


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
        tell(states(3), False)
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
        tell(states(3), False)
    assert not stream.getvalue()


def test_that_a_run_is_to_stop_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = progress_lines(run("apply", 3), states(2), 0, 79, stopping=True)
    assert lines[1] == f"  {STOPPING}"  # it has room
    stream = Stream(terminal=False)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(Screen("opskit fleet"), run("apply", 3), drawn=False) as tell:
        for stopping in (False, True, True):
            tell(states(2), stopping)
    assert stream.getvalue() == f"{STOPPING}\n"


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
