"""How a wrong word is answered, and how help looks, over every command there is."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from opskit.cli import app, main
from opskit.commands import EVERY_CHANGE, EVERY_COMMAND, refuse_defaults, take_defaults
from opskit.completion.tree import read_tree
from opskit.core.errors import UsageFault
from tiers import Agree


def _commands(command: Any, ctx: Any) -> Iterator[tuple[Any, Any]]:
    """Each command of the tree with a context of its own."""
    yield command, ctx
    for name in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
        inner = command.get_command(ctx, name)
        yield from _commands(inner, inner.make_context(name, [], parent=ctx, resilient_parsing=True))


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_help_of_every_command(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    root = typer.main.get_command(app)
    shared = changing = wide = 0
    for command, ctx in _commands(root, root.make_context("opskit", [], resilient_parsing=True)):
        text = command.get_help(ctx)
        lines = text.split("\n")
        assert not any(mark in text for mark in ("{", "x>=", "<=x", "range>", "default: (")), text
        assert max(map(len, lines)) <= min(columns, 120), text
        wide += max(map(len, lines)) > 80
        # Nothing is folded inside a word, nor at a hyphen.
        folded = [line for line in lines if re.search(r"[\w]-$", line)]
        assert not folded, folded
        titles = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
        order = ["Arguments:", "Options:", f"{EVERY_CHANGE}:", f"{EVERY_COMMAND}:", "Commands:"]
        assert [title for title in order if title in titles] == titles, text
        if f"{EVERY_COMMAND}:" in titles:
            shared += 1
            own, _, below = text.partition(f"{EVERY_COMMAND}:")
            assert "--json" not in own.partition("Options:")[2], text
            assert "--help" in below, text
        changing += f"{EVERY_CHANGE}:" in titles
    assert (shared > 25, changing > 10, wide > 20) == (True, True, columns > 80)


def test_a_config_file_has_each_option_by_its_own_name(agree: Agree) -> None:
    root = typer.main.get_command(app)
    known = of = 0
    for command, ctx in _commands(root, root.make_context("opskit", [], resilient_parsing=True)):
        words = tuple(ctx.command_path.split())
        keys = [option.names[0][2:].replace("-", "_") for option in read_tree(command, words).options[:-1]]
        ctx.default_map = dict.fromkeys(keys, "as typed")
        take_defaults(command, ctx)
        assert len(ctx.default_map) == len(keys), (words, keys, sorted(ctx.default_map))
        known += len(ctx.default_map)
        of += len(keys)
        assert set(ctx.default_map) <= {parameter.name for parameter in command.params}
    agree("options by their names in a config file", known, of)


@pytest.mark.parametrize(
    ("words", "key", "value", "taken"),
    [
        ("status", "only", "disk", ["disk"]),
        ("status", "only", ["disk", "df"], ["disk", "df"]),
        ("status", "only", [["disk"]], 'only: a text in quotes is wanted, not [["disk"]]'),
        ("du", "exclude", 7, ["7"]),
        ("du", "exclude", [7, "a"], ["7", "a"]),
        ("memcached start", "port", 11311, "11311"),
        ("memcached start", "port", True, "port: a text in quotes is wanted, not true"),
        ("memcached start", "memory_limit", 25.1, "memory_limit: a text in quotes is wanted, not 25.1"),
        ("journal errors", "priority", 3, "3"),
        ("journal errors", "since", dt.date(2026, 11, 1), "2026-11-01"),
        ("df", "warn", dt.date(2026, 11, 1), "warn: a whole number is wanted, not 2026-11-01"),
        ("df", "warn", 90, 90),
        ("df", "warn", [1, 2], "warn: a whole number is wanted, not [1, 2]"),
        ("df", "all", [True], "all: true or false is wanted, not [true]"),
    ],
)
def test_a_config_file_has_several_values_where_an_option_has(words: str, key: str, value: Any, taken: Any) -> None:
    root = typer.main.get_command(app)
    command, ctx = next(
        pair for pair in _commands(root, root.make_context("opskit", [], resilient_parsing=True))
        if pair[1].command_path == f"opskit {words}"
    )  # fmt: skip
    ctx.default_map = {key: value}
    take_defaults(command, ctx)
    if str(taken).startswith(f"{key}: "):
        assert ctx.default_map == {}  # no fault of opskit, and --help is told
        with pytest.raises(UsageFault) as fault:
            refuse_defaults(ctx)
        assert taken in str(fault.value)
    else:
        assert list(ctx.default_map.values()) == [taken]
        refuse_defaults(ctx)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["mount"], "did you mean 'opskit disk mount'?"),
        (["umount"], "did you mean 'opskit disk umount'?"),
        (["lock"], "did you mean 'opskit yum lock'?"),
        (["dnf"], "did you mean 'opskit yum'?"),
        (["lsblk"], "did you mean 'opskit disk list'?"),
        (["jurnal"], "did you mean 'opskit journal'?"),
        (["vacum"], "did you mean 'opskit journal vacuum'?"),
        (["disk", "vacuum"], "did you mean 'opskit journal vacuum'?"),
        (["disk", "mnt"], "did you mean 'opskit disk mount'?"),
        (["disk", "fstab", "chekc"], "did you mean 'opskit disk fstab check'?"),
        (["help", "dsk"], "did you mean 'opskit disk'?"),
        (["xyzzy"], "opskit --help lists the commands"),
        (["disk", "xyzzy"], "opskit disk --help lists the commands"),
    ],
)
def test_a_wrong_word_is_looked_for_in_every_group(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.splitlines()[1]) == ("", f"  to do: {meant}")


@pytest.mark.parametrize("words", [[], ["disk"], ["disk", "fstab", "check"], ["du"]])
def test_help_as_a_word(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", *words]) == 0
    by_word = capsys.readouterr().out
    assert main([*words, "--help"]) == 0
    assert by_word == capsys.readouterr().out != ""


def test_a_module_that_is_gone_is_told_as_what_an_upgrade_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package may have been replaced while a person was reading the plan: it was told as a fault to report alone."""
    monkeypatch.setitem(sys.modules, "opskit.doctor.show", None)
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("opskit: a fault in opskit: ModuleNotFoundError: ")
    assert lines[1].startswith("  to do: where opskit was upgraded or removed meanwhile, the same command again; ")
