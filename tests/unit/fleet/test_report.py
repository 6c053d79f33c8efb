"""The page of a run: whole, of itself, and nothing that a host says is markup in it."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

from golden.screens.made_fleet import finding, name, plan, run, states
from opskit.fleet.model import HostPlan, HostState
from opskit.fleet.report import page

MADE = "2026-11-29T20:00:00Z"
EVIL = "</code></p><script>alert(1)</script>\"'><img src=x onerror=y>&lt;\x1b[31m\udcff\ud800\u202e"
VOID = {"meta"}


class Reader(HTMLParser):
    """The elements with their attributes, the text, and whether each that is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {(key, value or "") for key, value in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def evil_page() -> str:
    """A page whose every text is a host's attempt at it."""
    found = finding(EVIL, "error", EVIL, EVIL, EVIL)
    host = HostState("failed", 1, run=EVIL, title=EVIL, why=EVIL, left=EVIL, todo=EVIL, findings=(found,), ended=EVIL)
    change = {"action": EVIL, "target": EVIL, "before": EVIL, "after": EVIL, "reversible": False}
    planned = HostPlan("changes", 0, "t", EVIL, (change,), (found,), EVIL)
    made = replace(plan(0), hosts={EVIL: planned, "b": replace(planned, outcome="refused")}, made=EVIL)
    what = replace(run("undo", 0), argv=(EVIL,), inventory=(EVIL,), limit=EVIL, of=EVIL, left_out={EVIL: EVIL})
    new = HostState("done", 0, run="r", new=(found,))
    return page(what, {EVIL: host, "c": replace(host, state="refused"), "d": new}, EVIL, made)


def test_nothing_that_a_host_says_is_markup() -> None:
    text = evil_page()
    text.encode()  # no half of a character
    read = Reader(text)
    assert not read.open
    assert read.tags == Reader(page(run("undo", 40), states(40), MADE, plan(40))).tags
    assert not read.tags & {"script", "img", "a", "link", "iframe"}
    assert {key for key, _value in read.attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "open", "data-name",
    }  # fmt: skip
    assert (
        sum("<script>alert(1)</script>\"'><img src=x onerror=y>&lt;\\x1b[31m\\xff" in each for each in read.texts) > 20
    )
    assert not any(char in text for char in "\x1b\u202e\udcff")


def test_nothing_comes_from_anywhere() -> None:
    text = page(run("apply", 3), states(3), MADE, plan(3))
    assert not any(word in text for word in ("http:", "https:", "url(", "src=", "href=", "@import", "<script"))
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'") in Reader(
        text
    ).attributes


def test_what_it_tells() -> None:
    read = Reader(page(run("apply", 40), states(40), MADE, plan(40)))
    text = "\n".join(read.texts)
    for part in (
        "29 of 40 hosts done", "opskit disk mount /dev/vdb /data", "20261129T190000Z-0a1b2c", "web40.example.net",
        "the run stopped: more than 2 hosts had failed (--max-fail)", "cannot be taken back", "old1.example.net",
        "opskit fleet resume 20261129T190000Z-0a1b2c", "gpt table, one partition of 20 to 39G", "数据库-01.example.net",
    ):  # fmt: skip
        assert part in text
    # The hosts that need somebody are the first of the table.
    rows = [each for each in read.texts if each.endswith(".example.net")]
    assert rows.index(name(9)) < rows.index(name(0))


def test_it_stays_small() -> None:
    """A host that answers a megabyte, and 300 hosts."""
    assert len(page(run("apply", 300), states(300), MADE, plan(300)).encode()) < 300_000


def test_a_run_of_which_the_plan_is_not_known() -> None:
    text = page(run("undo", 3), {name(0): HostState("done", 0, run="r")}, MADE)
    assert "The plan" not in text
    assert "Takes back run <code>20261129T180000Z-ffffff</code>" in text
