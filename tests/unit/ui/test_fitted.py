"""Text in the room that a terminal has: what is cut is never an id, a UUID or a device."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from opskit.ui.screen import fitted, folded

RUN = "20261128T234024Z-c42e37"


@pytest.fixture(autouse=True)
def _utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("as it is", 8, "as it is"),
        ("as it is", 0, "as it is"),
        (f"undo of {RUN} (32M of swap)", 36, f"undo of {RUN} …"),
        (f"undo of {RUN} (32M of swap)", 30, "undo of …"),
        ("12 %  /srv/backup/deeply/nested/2026", 30, "12 %  /srv/backup/…nested/2026"),
        ("/srv/backup/deeply/nested/2026", 25, "/srv/backup/…/nested/2026"),
        (RUN, 12, "202611…42e37"),
        ("too narrow", 1, "…"),
        ("no room at all", -1, "…"),  # of a terminal of one column, behind a mark of two: it took for ever
        ("数据库 数据库 数据库", 15, "数据库 数据库 …"),
    ],
)
def test_fitted(text: str, columns: int, shown: str) -> None:
    assert fitted(text, columns) == shown


def test_fitted_where_there_is_no_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding="ascii"))
    assert fitted("one two three", 9) == "one two ~"


def test_folded() -> None:
    assert folded("  to do: opskit undo " + RUN, 30, "    ") == ["  to do: opskit undo", f"    {RUN}"]
    assert folded("  to do", 0, "    ") == ["  to do"]
    assert folded("  to do", 7, "    ") == ["  to do"]


LONG = "/srv/backup/deeply/nested/2026"


@pytest.mark.parametrize(
    ("text", "whole", "lines"),
    [
        (f"error: {LONG} is full", True, [f"error: {LONG}", "    is full"]),
        (f"error: {LONG} is full", False, ["error: /srv/backup/…/nested/2026", "    is full"]),
        (f"error: a long one {LONG}", True, ["error: a long one", f"    {LONG}"]),
        ("error: " + "x" * 40, False, ["error:", "    " + "x" * 12 + "…" + "x" * 15]),
    ],
)
def test_what_no_line_has_room_for_begins_where_it_is_named(text: str, whole: bool, lines: list[str]) -> None:
    assert folded(text, 32, "    ", whole=whole) == lines
