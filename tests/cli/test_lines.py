"""What the command line promises, a line each, asked of each command of the tree: a new one is covered by itself.

How many commands keep a line is told at the end of the run.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Optional

import pytest

from cli.test_contract import ANSWERED, COMMANDS, arguments
from opskit.cli import main
from opskit.completion.cli import tree
from opskit.completion.tree import Node
from opskit.core.config import load_config
from tiers import Agree

GROUPS = {node.path.partition(" ")[2]: node for node in tree().walk() if node.children}
BOXES = re.compile("[\u2500-\u257f]")
ASKED = {**ANSWERED, "history prune": ["--older-than", "1y", "--dry-run"]}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {
    f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "link", "symlink", "chmod", "chown", "truncate")
}


class Said(NamedTuple):
    code: int
    out: str
    err: str


Say = Callable[..., Said]
# Whether a command keeps a line; None where the line is not about it.
Line = Callable[[Node, Say], Optional[bool]]


def help_is_on_stdout_with_an_example_first(node: Node, say: Say) -> bool:
    long, short = say(node, "--help"), say(node, "-h")
    return long == short and (long.code, long.err) == (0, "") and "Example: opskit" in long.out.split("\n\n")[1]


def help_fits_the_screen(node: Node, say: Say) -> bool:
    return max(map(len, say(node, "--help").out.splitlines())) <= 80


def a_mistyped_option_names_the_nearest(node: Node, say: Say) -> bool:
    said = say(node, "--jsno")
    return (said.code, said.out) == (2, "") and "--json" in said.err


def each_short_option_has_a_long_form(node: Node, _say: Say) -> Optional[bool]:
    # `memcached` takes memcached's own letters.
    return None if node.words[1] == "memcached" else all(option.names[0].startswith("--") for option in node.options)


def a_bare_number_is_no_span(node: Node, say: Say) -> Optional[bool]:
    names = [option.names[0] for option in node.options if option.value == "SPAN"]
    told = [say(node, name, "30", *required(node)) for name in names]
    return all(said.code == 2 and "without a unit" in said.err for said in told) if told else None


def an_error_is_one_envelope(node: Node, say: Say) -> bool:
    said = say(node, "--json", "--no-such-option")
    body = json.loads(said.out)
    return (said.code, body["ok"], body["error"]["exit_code"], said.out.count("\n")) == (2, False, 2, 1)


def an_error_says_what_and_why_on_stderr(node: Node, say: Say) -> bool:
    said = say(node, "--no-such-option")
    return (said.code, said.out) == (2, "") and said.err.startswith("opskit: ") and "\n  to do: " in said.err


def a_pipe_gets_no_colours_and_no_boxes(node: Node, say: Say) -> bool:
    said = say(node, *asked(node))
    text = said.out + said.err
    return "\x1b" not in text and not BOXES.search(text) and "Traceback" not in text


def colours_are_given_when_they_are_asked_for(node: Node, say: Say) -> bool:
    return "\x1b[" in say(node, "--color", "always", "--no-such-option").err


def each_option_has_its_variable(node: Node, say: Say) -> bool:
    name = "_".join(node.words).upper().replace("-", "_")
    said = say(node, *asked(node), **{f"{name}_COLOR": "purple"})
    return said.code == 2 and "'purple' is none of auto, always, never" in said.err


def a_broken_config_file_stops_a_command_and_not_its_help(node: Node, say: Say) -> Optional[bool]:
    if node.name == "doctor":  # it tells of that file, beside all else
        return None
    broken = {"OPSKIT_CONFIG": "/etc/passwd"}
    helped, ran = say(node, "--help", **broken), say(node, *asked(node), **broken)
    return (helped.code, helped.err, ran.code, ran.out) == (0, "", 2, "") and "/etc/passwd: not TOML" in ran.err


def a_dry_run_writes_nothing(node: Node, _say: Say) -> Optional[bool]:
    if not any("--dry-run" in option.names for option in node.options):
        return None
    return written([*node.words[1:], "--dry-run", *required(node)]) == []


LINES: tuple[Line, ...] = (
    help_is_on_stdout_with_an_example_first,
    help_fits_the_screen,
    a_mistyped_option_names_the_nearest,
    each_short_option_has_a_long_form,
    a_bare_number_is_no_span,
    an_error_is_one_envelope,
    an_error_says_what_and_why_on_stderr,
    a_pipe_gets_no_colours_and_no_boxes,
    colours_are_given_when_they_are_asked_for,
    each_option_has_its_variable,
    a_broken_config_file_stops_a_command_and_not_its_help,
    a_dry_run_writes_nothing,
)


def required(node: Node) -> list[str]:
    """A word for each argument that it must have: one that names nothing."""
    return arguments(node)[len(node.words[1:]) + 1 :]


def asked(node: Node) -> list[str]:
    """What an answer is asked for with."""
    return ASKED.get(node.path.partition(" ")[2], required(node))


def written(words: list[str]) -> list[str]:
    """What a command changes, as Python's audit events tell; it runs in a child, for the hook of it never goes."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        events: list[str] = []

        def hook(event: str, values: Any) -> None:
            opened = event == "open" and isinstance(values[2], int) and values[2] & WRITES
            if event in CHANGES or (opened and not str(values[0]).startswith(("/dev/", "/proc/"))):
                events.append(f"{event} {values}")

        try:
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            sys.addaudithook(hook)
            main(words)
        except BaseException as error:  # noqa: BLE001 - SystemExit, too
            events.append(f"it ended: {error!r}")
        finally:
            os.write(writing, json.dumps(events).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    os.waitpid(pid, 0)
    changed: list[str] = json.loads(text)
    return changed


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command in an empty folder. Its options, and variables for it by their names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))

    def run(node: Node, *words: str, **variables: str) -> Said:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            load_config.cache_clear()  # it is read once for a process
            code = main([*node.words[1:], *words])
            load_config.cache_clear()
        return Said(code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_each_command_keeps_each_line(line: Line, say: Say, agree: Agree) -> None:
    kept = {name: line(node, say) for name, node in COMMANDS.items()}
    about = {name: value for name, value in kept.items() if value is not None}
    assert [name for name, value in about.items() if not value] == []
    agree(f"commands: {line.__name__.replace('_', ' ')}", sum(map(bool, about.values())), len(about))


def test_each_group_prints_its_help_and_names_no_command_by_half(say: Say, agree: Agree) -> None:
    for node in GROUPS.values():
        if not node.runs:
            said = say(node)
            assert (said.code, said.err, said.out) == (2, "", say(node, "--help").out), node.path
        child = node.children[0].name
        if len(child) > 2:
            said = say(node, child[:-1])
            assert (said.code, said.out) == (2, "")
            assert child in said.err, node.path
    agree("groups: help when bare, no command by half its name", len(GROUPS), len(GROUPS))
