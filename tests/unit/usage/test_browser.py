"""The browser without a terminal: what is shown of a tree, and what each key does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checkout import ROOT
from opskit.core.text import shown
from opskit.core.units import parse_size
from opskit.ui.browse.browser import DELETE, QUIT, Browser, cells_of, fitted
from opskit.ui.browse.tree import BrowseNode, TreeRow, build

ROWS: tuple[TreeRow, ...] = (
    ("/r", 100, 7, "directory", 50),
    ("/r/a", 60, 3, "directory", 40),
    ("/r/a/b", 30, 1, "file", 40),
    ("/r/a/c", 20, 1, "file", 30),
    ("/r/z", 30, 1, "file", 50),
    ("/r/d", 10, 2, "directory", None),
    ("/r/d/again", 0, 0, "link", 20),
    ("/r/d/e", 5, 1, "file", 10),
)


def browser(**more: str) -> Browser:
    return Browser(build("/r", ROWS, [("/r/d", "Permission denied")]), **more)  # type: ignore[arg-type]


def names(shown_in: Browser) -> list[str]:
    return [node.name for node in shown_in.rows]


def press(shown_in: Browser, *keys: str) -> Browser:
    for key in keys:
        shown_in.press(key)
    return shown_in


def text(shown_in: Browser, width: int = 79) -> list[str]:
    return [line.text for line in shown_in.lines(10, width)]


def test_each_order_and_its_reverse() -> None:
    it = browser()
    assert names(it) == ["a", "z", "d"]
    for key, order in (("n", ["a", "d", "z"]), ("C", ["a", "d", "z"]), ("M", ["z", "a", "d"]), ("s", ["a", "z", "d"])):
        assert names(press(it, key)) == order
        assert names(press(it, key)) == order[::-1]
    assert names(press(it, "n")) == ["a", "d", "z"]


def test_walking_in_and_out_comes_back_to_the_line() -> None:
    it = press(browser(), "down", "down", "enter")
    assert (it.directory.path(), names(it)) == ("/r/d", ["e", "again"])
    assert text(it)[2].startswith(" H     0")
    press(it, "enter", "left")
    assert (it.directory.path(), it.current and it.current.name) == ("/r", "d")
    assert text(it)[3].startswith(" !    10")
    press(it, "left", "up", "up", "up", "pageup")
    assert it.cursor == 0
    assert press(it, "end").cursor == 2
    assert press(it, "home", "k").cursor == 0


def test_what_is_marked_in_what_is_marked_is_chosen_once() -> None:
    it = press(browser(), "l", " ", "h")
    assert [node.path() for node in it.chosen] == ["/r/a/b"]
    press(it, " ")
    assert [node.path() for node in it.chosen] == ["/r/a"]
    assert "2 marked (60)" in text(it)[-1]
    press(it, "home", " ")
    assert [node.path() for node in it.chosen] == ["/r/a/b"]
    assert press(it, "d").wish == DELETE


def test_a_search_finds_the_next_one_whatever_its_case() -> None:
    it = press(browser(), "/", "Z", "enter")
    assert it.current
    assert it.current.name == "z"
    press(it, "/", "q", "enter")
    assert "no name here has 'q'" in text(it)[-1]
    assert not it.wish
    press(it, "/", "a", "backspace", "d", "escape", "down")
    assert it.typed is None
    assert press(it, "q").wish == QUIT


def test_a_saved_scan_takes_no_wish_but_to_quit() -> None:
    it = press(browser(read_only="scan of today"), "d", "r")
    assert not it.wish
    assert text(it)[-1] == "This is a scan of today: it is only shown."
    assert "d delete" not in text(press(it, "down"))[-1]


def test_sums_follow_what_leaves_and_what_is_read_anew() -> None:
    it = press(browser(), "l")
    root, directory = it.root, it.directory
    directory.children[0].replace(None)
    it.changed("b")
    assert (root.bytes, root.entries, directory.bytes, names(it)) == (70, 6, 30, ["c"])
    new = BrowseNode("/r/a/c", 25, 1)
    new.newest = 99
    directory.children[0].replace(new)
    assert (root.bytes, directory.bytes, root.newest, new.path()) == (75, 35, 99, "/r/a/c")
    it.follow(build("/r", ROWS[:1]), it.place)
    assert (it.directory.path(), it.current) == ("/r", None)
    assert "nothing is in here" in text(it)[1]


def test_a_directory_that_has_left_the_tree_is_not_shown_any_more() -> None:
    """What it shows would be deleted by a path that begins at its name."""
    it = press(browser(), "l")
    place = it.place
    it.directory.replace(None)
    it.follow(it.root, place)
    assert (place, it.directory) == (["a"], it.root)
    assert all(node.path().startswith("/r/") for node in it.root.children)
    assert "a" not in names(it)


def test_a_row_without_its_directory_hangs_below_the_nearest() -> None:
    root = build("/", [("/", 9, 3, "directory", None), ("/a/b/c", 4, 1, "file", None)])
    assert [child.name for child in root.children] == ["a/b/c"]
    assert root.children[0].path() == "/a/b/c"


def test_deep_trees_have_paths() -> None:
    path, rows = "/r", [ROWS[0]]
    for _ in range(3000):
        path += "/d"
        rows.append((path, 1, 1, "directory", None))
    it = Browser(build("/r", rows))
    for _ in range(3000):
        it.press("l")
    assert it.directory.path() == path


@given(st.text(), st.integers(1, 40))
def test_no_text_is_wider_than_its_room(name: str, width: int) -> None:
    assert sum(map(cells_of, fitted(shown(name), width))) <= width


@given(st.lists(st.text(min_size=1), max_size=9, unique=True), st.integers(1, 12), st.integers(1, 90))
def test_no_screen_is_larger_than_it_may_be(screen: list[str], height: int, width: int) -> None:
    rows: list[TreeRow] = [("/r", 9, 9, "directory", None)]
    rows += [(f"/r/{name.replace('/', '')}", 1, 1, "file", None) for name in screen]
    it = Browser(build("/r", rows))
    for key in ("down", "?", "x", "i", "x", "C", " ", "M"):
        it.press(key)
        lines = it.lines(height, width)
        assert len(lines) <= height
        assert all(sum(map(cells_of, line.text)) <= max(width, 1) for line in lines)
        assert all(char.isprintable() for line in lines for char in line.text)


def test_the_readme_shows_what_is_drawn() -> None:
    """The screen of the README is the one that a tree of these sizes has today, to the character."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    drawn = readme.partition("# opskit du -x --browse /var\n")[2].partition("\n```")[0].splitlines()
    words = [line.lstrip("* ").split() for line in drawn[1:-1]]
    sizes = {line[-1].rstrip("/"): parse_size("", line[0]) if line[0] != "0" else 0 for line in words}
    kinds = {line[-1].rstrip("/"): "directory" if line[-1].endswith("/") else "file" for line in words}
    rows: list[TreeRow] = [(f"/var/{name}", size, 1, kinds[name], None) for name, size in sizes.items()]
    it = Browser(build("/var", [("/var", sum(sizes.values()), 6239, "directory", None), *rows]))
    marked = next(line.split()[-1].rstrip("/") for line in drawn if line.startswith("*"))
    while it.current and it.current.name != marked:
        it.press("down")
    it.press(" ")
    assert [line.text.rstrip() for line in it.lines(len(drawn), len(drawn[0]))] == drawn
