"""The command that is typed behind `--`: which one it is, by opskit's own tree, and what it may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from opskit import areas
from opskit.core.errors import Refused, UsageFault
from opskit.core.plan import Reason
from opskit.core.text import nearest

# What opskit fleet gives to a command itself.
GIVEN = ("--json", "--yes", "-y", "--dry-run", "-n", "--only-plan", "--format", "--facts", "--exit-code")
# Commands that change a host with this option, and only look without it.
CHANGE_WITH = {"check": "--install-timer", "yum why": "--hold", "completion": "--install"}


class Typed(NamedTuple):
    """A command line behind `opskit`. length: how many words name the command.

    changes: whether it changes the host
    plans: whether it has a plan that can be carried out later
    """

    words: tuple[str, ...]
    length: int
    changes: bool
    plans: bool

    @property
    def name(self) -> str:
        """The command's name."""
        return " ".join(self.words[: self.length])

    def given(self, *options: str) -> tuple[str, ...]:
        """The words with these options, right behind the command."""
        return (*self.words[: self.length], *options, *self.words[self.length :])


def typed(words: Sequence[str], *, own: Sequence[str] = GIVEN) -> Typed:
    """The command of these words. Raises UsageFault for what is none of a host.

    own: options that it may not have
    """
    entry = areas.ENTRIES.get(words[0])
    if entry is None or words[0] in {"fleet", "completion"}:
        near = "" if entry else nearest(words[0], areas.ENTRIES)
        todo = f"did you mean {near!r}?" if near else "opskit --help lists the commands"
        raise UsageFault(f"opskit {words[0]}", "no such command for a host", todo=todo)
    command: Any = typer.main.get_command(areas.load_app(entry))
    length = 1
    while isinstance(command, TyperGroup) and length < len(words):
        ctx: Any = None  # the groups know their commands without one
        inner = command.get_command(ctx, words[length])
        if inner is None:
            break
        command, length = inner, length + 1
    named = "opskit " + " ".join(words[:length])
    options = {name for parameter in command.params for name in parameter.opts}
    if not options & {"--json"}:
        raise UsageFault(named, "it is a group of commands", todo=f"{named} --help lists them")
    _check_options(named, words[length:], own)
    name = " ".join(words[:length])
    acts = "--yes" in options
    if name in CHANGE_WITH:
        acts = any(word.partition("=")[0] == CHANGE_WITH[name] for word in words)
    return Typed(tuple(words), length, acts, "--only-plan" in options)


def _check_options(named: str, words: Sequence[str], own: Sequence[str]) -> None:
    for word in words:
        if word == "--":
            break
        if word.partition("=")[0] in own:
            raise UsageFault(f"{named} {word}", "opskit fleet gives that option itself", todo="leave it out")
    for word in words:
        if not word.isprintable() and any(0xD800 <= ord(char) <= 0xDFFF for char in word):
            raise UsageFault(f"{named} {word}", "it is no UTF-8, and Ansible carries nothing else")


def looks_only(words: Sequence[str]) -> Typed:
    """The command of these words, which changes nothing. Raises Refused for another."""
    command = typed(words)
    if command.changes:
        remedy = "opskit fleet plan makes the plan of each host, and opskit fleet apply carries it out"
        raise Refused(f"opskit {command.name}", [Reason("changes-hosts", "it changes hosts", remedy)])
    return command


def plannable(words: Sequence[str]) -> Typed:
    """The command of these words, which has a plan. Raises Refused for another."""
    command = typed(words)
    if not command.plans:
        what = "it has no plan that is carried out later" if command.changes else "it changes nothing"
        remedy = "run it on each host" if command.changes else "opskit fleet run asks the hosts"
        raise Refused(f"opskit {command.name}", [Reason("no-lasting-plan", what, remedy)])
    return command
