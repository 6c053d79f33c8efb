"""The files in completions/ are what the tree of commands gives, and the tree says of each value what it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from checkout import ROOT
from opskit.cli import app
from opskit.completion.cli import WRITERS, tree
from opskit.completion.tree import FREE, KINDS

COMPLETIONS = ROOT / "completions"
FILES = {"bash": "opskit.bash", "zsh": "_opskit", "fish": "opskit.fish", "man": "opskit.1"}


def parameters(command: Any) -> list[Any]:
    """Every option and argument of every command."""
    found = list(command.params)
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        found += parameters(command.get_command(None, name))
    return found


ALL = parameters(typer.main.get_command(app))
VALUED = {p.name for p in ALL if p.param_type_name == "argument" or not (p.is_flag or p.count)}


@pytest.mark.parametrize("shell", FILES)
def test_the_file_is_not_stale(shell: str) -> None:
    committed = (COMPLETIONS / FILES[shell]).read_text(encoding="utf-8")
    assert committed == WRITERS[shell](tree()), "stale: run scripts/completions"


def test_every_value_is_known_to_be_a_kind_or_free_text() -> None:
    """A new option with a value has to say in completion/tree.py how it completes."""
    with_choices = {p.name for p in ALL if getattr(p.type, "choices", None)}
    assert VALUED - set(KINDS) - FREE - with_choices == set()


def test_nothing_is_known_of_a_value_that_is_gone() -> None:
    assert (set(KINDS) | FREE) - VALUED == set()


# `memcached start` takes memcached's own options, letters and all; du and journal have the letters of GNU du and of
# journalctl. And what an issue asks for by name: --version V beside the root's flag, start's --unit without a name.
ASKED_FOR = {"--unit", "--version"}


def test_the_same_option_means_the_same_everywhere() -> None:
    kinds: dict[str, set[tuple[bool, Any]]] = {}
    for node in tree().walk():
        for option in node.options:
            memcacheds = node.words[1:2] == ("memcached",)
            names = {name for name in option.names if not (memcacheds and (len(name) == 2 or name in ASKED_FOR))}
            for name in names:
                kinds.setdefault(name, set()).add((bool(option.value), option.kind))
    # du's lists files, the vacuum's is journalctl's --vacuum-files.
    assert {name: seen for name, seen in kinds.items() if len(seen) > 1 and name != "--files"} == {}


def test_the_manual_page_tells_every_command_and_option() -> None:
    page = WRITERS["man"](tree()).replace("\\-", "-")
    for node in tree().walk():
        if node.runs:
            assert f"\n.SS {node.path}" in page
            section = page.partition(f"\n.SS {node.path}")[2].partition("\n.SS")[0]
            for option in node.options:
                assert re.search(rf"{option.names[0]}\b", section), f"{node.path} {option.names[0]}"
                for name in option.names:
                    assert re.search(rf"^\.B .*{name}\b", page, re.MULTILINE), f"{node.path} {name}"
