"""`opskit du --browse` on a terminal: what it shows, what its keys do, and a deletion from the plan to the ledger."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from screens import ScreenTerminal

Browse = Callable[..., ScreenTerminal]
ODD = (os.fsdecode(b"bad\xffname"), "esc\x1b[31mred", "日本語のファイル名", "[bold]tag", "new\nline")


@pytest.fixture
def tree() -> Iterator[Path]:
    """1 MiB in `large`, 256 KiB in `small`, and names of every kind; a path that fits a line."""
    root = Path(tempfile.mkdtemp(prefix="browse-"))
    for name, size in (("large/in/file", 1 << 20), ("small/other", 1 << 18)):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(b"x" * size)
    for number, name in enumerate(ODD):
        (root / name).write_bytes(b"x" * 4096 * (number + 1))
    yield root
    shutil.rmtree(root)


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Browse]:
    terminals: list[ScreenTerminal] = []

    def start(*arguments: object, lines: int = 24, columns: int = 80, **environment: str) -> ScreenTerminal:
        argv = [sys.executable, "-m", "opskit", "du", "--browse", *map(str, arguments)]
        own = {"OPSKIT_STATE_DIR": str(tmp_path / "state"), "TERM": "vt100", "LC_ALL": "C.UTF-8"}
        full = {**{name: os.environ[name] for name in os.environ.keys() - {"LINES", "COLUMNS"}}, **own, **environment}
        terminals.append(ScreenTerminal(argv, full, lines, columns))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def asked(terminal: ScreenTerminal, end: str = "Carry this out? [y/N]") -> str:
    """The screen with the plan and what it ends with. Below a layer of an overlay there is a refusal in its place."""
    terminal.wait_for(lambda screen: any(words in line for line in screen for words in ("[y/N]", "Enter: back")))
    text = "\n".join(terminal.screen)
    if "is part of the overlay on" in text.replace("\n    ", " "):
        pytest.skip("the folder of temporary files is in a layer of an overlay: nothing in it is deleted")
    assert end in text
    return text


def rows(terminal: ScreenTerminal) -> list[str]:
    """The names on the screen, in its order."""
    return [re.split(r"[#.]{10}  ", line)[1] for line in terminal.screen if re.search(r"[#.]{10}  ", line)]


def ledger(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "state" / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("term", ["vt100", "xterm"])
def test_it_shows_walks_sorts_and_searches(tree: Path, browse: Browse, term: str) -> None:
    du = subprocess.run(["du", "-h", "-s", str(tree)], capture_output=True, text=True, check=True).stdout.split()[0]
    terminal = browse(tree, TERM=term)
    screen = terminal.wait_for("q quit")  # the last that is drawn
    assert screen[0].startswith(str(tree))
    assert screen[0].endswith("by size")
    assert screen[-1].startswith(f"{du} in 11 entries")
    by_size = ["large/", "small/", "new\\nline", "[bold]tag", "日本語のファイル名", "esc\\x1b[31mred", "bad\\xffname"]
    assert rows(terminal) == by_size
    assert "\x1b[31m" not in terminal.raw
    terminal.type("n")
    terminal.wait_for(lambda screen: screen[0].endswith("by name") and rows(terminal)[:1] == ["[bold]tag"])
    terminal.type("n")
    terminal.wait_for(lambda screen: screen[0].endswith("by name, reversed") and rows(terminal)[-1:] == ["[bold]tag"])
    terminal.type("s/LARGE\r\r")
    terminal.wait_for(lambda screen: screen[0].startswith(f"{tree}/large ") and rows(terminal) == ["in/"])
    terminal.type("h")
    terminal.wait_for(lambda screen: screen[0].startswith(f"{tree} "))
    terminal.type("i")
    terminal.wait_for("1.1M (1,056,768 bytes")
    terminal.wait_for("entries   3")
    terminal.type("??")
    terminal.wait_for("hard link")
    terminal.type("qq")
    assert terminal.end() == 0
    assert terminal.screen[0] != f"{tree}"


def test_no_line_is_wider_than_the_screen_and_it_follows_a_resize(tree: Path, browse: Browse) -> None:
    terminal = browse(tree, lines=8, columns=40)
    terminal.wait_for("q quit")
    assert len(terminal.screen) == 8
    assert not rows(terminal)  # no room for a bar
    terminal.resize(30, 120)
    terminal.wait_for(lambda screen: screen[-1].endswith("q quit") and len(rows(terminal)) == 7)
    terminal.resize(3, 20)
    terminal.wait_for(lambda screen: "large/" in screen[1])
    terminal.type("q")
    assert terminal.end() == 0


def test_a_locale_without_these_characters_shows_escapes(tree: Path, browse: Browse) -> None:
    terminal = browse(tree, LC_ALL="en_US.ISO-8859-1", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    terminal.wait_for("large/")
    terminal.type("q")
    assert terminal.end() == 0


def test_a_deletion_shows_its_plan_asks_and_is_in_the_ledger(tree: Path, browse: Browse, tmp_path: Path) -> None:
    os.link(tree / "large/in/file", tree / "small/link")
    terminal = browse(tree)
    terminal.wait_for("q quit")
    terminal.type("/large\rd")
    text = asked(terminal)
    assert f"delete  {tree}/large" in text
    assert "3 entries -> gone; frees 8.0K" in text
    assert "cannot be taken back" in text
    assert "1 file has other names elsewhere: 1.0M in them is not freed" in text
    terminal.type("n\n")
    terminal.wait_for("the answer was no")
    terminal.type("\n")
    terminal.wait_for("q quit")
    assert (tree / "large/in/file").exists()
    assert not ledger(tmp_path)
    terminal.type("d")
    asked(terminal)
    terminal.type("y\n")
    terminal.wait_for(f"deleted {tree}/large")
    terminal.type("\n")
    terminal.wait_for(lambda screen: "9 entries" in screen[-1])
    terminal.type("q")
    assert terminal.end() == 0
    assert sorted(os.listdir(tree)) == sorted(["small", *ODD])
    entries = ledger(tmp_path)
    assert [entry["entry"] for entry in entries] == ["begin", "step", "stepped", "end"]
    assert entries[2]["record"] == {"deleted": 3}


def test_what_is_marked_is_deleted_together(tree: Path, browse: Browse, tmp_path: Path) -> None:
    os.link(tree / "large/in/file", tree / "small/link")
    (tree / "link").symlink_to(tree / ODD[2])
    terminal = browse(tree)
    terminal.wait_for("q quit")
    terminal.type("n/large\r /link\r /small\r ")
    terminal.wait_for("3 marked")
    terminal.type("d")
    text = asked(terminal)
    assert "frees 1.3M" in text.replace("\n", " ")  # together they have every name of the file
    terminal.type("y\n")
    terminal.wait_for("deleted")
    terminal.type("\n")
    terminal.wait_for(lambda screen: "6 entries" in screen[-1])
    terminal.type("q")
    assert terminal.end() == 0
    assert sorted(os.listdir(tree)) == sorted(ODD)
    assert len([entry for entry in ledger(tmp_path) if entry["entry"] == "stepped"]) == 3


def test_a_dry_run_deletes_nothing_and_writes_nothing(tree: Path, browse: Browse, tmp_path: Path) -> None:
    terminal = browse(tree, "--dry-run")
    terminal.wait_for("q quit")
    terminal.type("d")
    text = asked(terminal, "Dry run: nothing was changed.")
    assert "--only-plan" not in text
    terminal.type("\nq")
    assert terminal.end() == 0
    assert (tree / "large/in/file").exists()
    assert not (tmp_path / "state").exists()


def test_it_reads_a_directory_again(tree: Path, browse: Browse) -> None:
    terminal = browse(tree)
    terminal.wait_for("q quit")
    terminal.type("l")
    terminal.wait_for(lambda screen: screen[0].startswith(f"{tree}/large "))
    (tree / "large/new").write_bytes(b"x" * (2 << 20))
    terminal.type("r")
    terminal.wait_for(lambda screen: "3.1M in 4 entries" in screen[-1])
    terminal.type("h")
    terminal.wait_for(lambda screen: "12 entries" in screen[-1])
    terminal.type("q")
    assert terminal.end() == 0


@pytest.mark.parametrize("name", ["scan", "scan.ncdu"])
def test_a_saved_scan_is_only_shown(tree: Path, browse: Browse, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    subprocess.run(
        [sys.executable, "-m", "opskit", "du", str(tree), "--save", str(path)], check=True, capture_output=True
    )
    terminal = browse(path)
    terminal.wait_for("q quit")
    assert "d delete" not in terminal.screen[-1]
    terminal.type("d")
    terminal.wait_for("it is only shown")
    terminal.type("l")
    terminal.wait_for("in/")
    terminal.type("q")
    assert terminal.end() == 0
    assert (tree / "large/in/file").exists()


def test_without_a_terminal_it_says_what_to_use(tree: Path, tmp_path: Path, browse: Browse) -> None:
    argv = [sys.executable, "-m", "opskit", "du", "--browse", str(tree)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no terminal" in done.stderr
    assert "opskit du --all" in done.stderr
    for term, why in (("no-such-terminal", "does not know"), ("dumb", "cannot move")):
        terminal = browse(tree, TERM=term)
        terminal.wait_for(why)
        assert terminal.end() == 2
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--browse", "--json"), "does not go with"),
        (("--browse", "--keep"), "does not go with"),
        (("--browse", "/usr", "/etc"), "one PATH"),
        (("--dry-run",), "changes nothing"),
    ],
)
def test_what_does_not_go_together(words: tuple[str, ...], why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opskit", "du", *words], capture_output=True, text=True, check=False, cwd="/tmp"
    )
    assert done.returncode == 2
    assert why in done.stdout + done.stderr


def test_control_c_and_a_signal_give_the_terminal_back(tree: Path, browse: Browse) -> None:
    for send, status in ((lambda t: t.type("\x03"), 130), (lambda t: t.process.terminate(), 143)):
        terminal = browse(tree)
        terminal.wait_for("q quit")
        send(terminal)
        assert terminal.end() == status
        assert "Traceback" not in terminal.raw


def test_who_may_not_write_the_ledger_deletes_nothing(tree: Path, browse: Browse, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    terminal = browse(tree)
    terminal.wait_for("q quit")
    terminal.type("d")
    terminal.wait_for("Enter: back")
    assert not any("Carry this out" in line for line in terminal.screen)
    assert (tree / "large/in/file").exists()


@pytest.mark.parametrize("at", ["step:1", "stepped:1"])
def test_a_crash_is_in_the_ledger_and_an_undo_says_what_is_gone(
    tree: Path, browse: Browse, tmp_path: Path, at: str
) -> None:
    terminal = browse(tree, OPSKIT_TEST_KILL=at)
    terminal.wait_for("q quit")
    terminal.type("d")
    asked(terminal)
    terminal.type("y\n")
    assert terminal.end() < 0
    assert (tree / "large").exists() == (at == "step:1")
    environment = {**os.environ, "OPSKIT_STATE_DIR": str(tmp_path / "state")}
    undo = subprocess.run(
        [sys.executable, "-m", "opskit", "undo", "last", "--yes"],
        env=environment, capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    assert undo.returncode != 0
    assert "cannot be taken back" in undo.stderr
    again = browse(tree)
    again.wait_for("q quit")
    again.type("q")
    assert again.end() == 0


@pytest.mark.parametrize("by", ["opskit", "somebody else"])
def test_what_is_shown_is_gone_itself(tree: Path, browse: Browse, by: str) -> None:
    """Its children are shown no more: from / on their paths would be those of something else."""
    terminal = browse(tree)
    terminal.wait_for("q quit")
    if by == "opskit":
        terminal.type(" kl")
        terminal.wait_for(lambda screen: screen[0].startswith(f"{tree}/large ") and "1 marked" in screen[-1])
        terminal.type("d")
        asked(terminal)
        terminal.type("y\r")
        terminal.wait_for("Enter: back")
        terminal.type("\r")
    else:
        terminal.type("l")
        terminal.wait_for(lambda screen: screen[0].startswith(f"{tree}/large "))
        shutil.rmtree(tree / "large")
        terminal.type("r")
    terminal.wait_for(lambda screen: screen[0].startswith(f"{tree} ") and rows(terminal)[:1] == ["small/"])
    assert not (tree / "large").exists()
    terminal.type("q")
    assert terminal.end() == 0
