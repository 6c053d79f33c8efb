"""A plan as a person reads it, and the question that follows it."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Sequence
from typing import TextIO

from opskit.core.errors import NeedsConfirmation
from opskit.core.finding import Finding
from opskit.core.plan import Change, Plan
from opskit.core.text import counted, shown
from opskit.ui.errors import SEVERITY_STYLE
from opskit.ui.screen import Screen


def draw_plan(screen: Screen, plan: Plan, stream: TextIO, *, commands: bool = False, mark: bool = True) -> None:
    """Each change with its before and after (and its commands). mark: say of a change that it cannot be taken back."""
    print(screen.styled(screen.sentence(f"Plan: {shown(plan.title)}", stream), "bold", stream), file=stream)
    for number, change in enumerate(plan.changes, 1):
        print("\n".join(_change_lines(screen, number, change, stream, commands=commands, mark=mark)), file=stream)
    draw_notes(screen, plan.notes, stream)
    lasting = sum(not change.reversible for change in plan.changes) if mark else 0
    count = counted(len(plan.changes), "change")
    end = f", {lasting} cannot be taken back" if lasting else ""
    print(f"{count}{screen.styled(end, 'red', stream)}", file=stream)


def draw_notes(screen: Screen, notes: Sequence[Finding], stream: TextIO) -> None:
    """What a person should know beside the changes."""
    for note in notes:
        label = f"  {note.severity}:"
        text = screen.sentence(f"{label} {screen.title(note)}", stream)
        print(screen.styled(label, SEVERITY_STYLE[note.severity], stream) + text[len(label) :], file=stream)
        if note.remedy:
            print(f"    to do: {shown(note.remedy)}", file=stream)


def _change_lines(
    screen: Screen, number: int, change: Change, stream: TextIO, *, commands: bool, mark: bool
) -> list[str]:
    head = screen.styled(f"{number:>3}. {change.action}  {shown(change.target)}", "cyan", stream)
    lines = [head, *becomes_lines(screen, change.before, change.after, stream)]
    if mark and not change.reversible:
        lines.append("       " + screen.styled("cannot be taken back", "yellow", stream))
    for command in change.commands if commands else ():
        lines += ["       " + screen.styled("$ " + shown(line), "dim", stream) for line in command.split("\n")]
    return lines


def becomes_lines(screen: Screen, before: str, after: str, stream: TextIO) -> list[str]:
    """What is there and what it becomes, which has a line of its own where there is no room for both."""
    indent = " " * 7
    line = screen.sentence(f"{indent}{shown(before)} -> {shown(after)}", stream)
    if "\n" not in line:
        return [line]
    return [screen.sentence(f"{indent}{text}", stream, " " * 10) for text in (shown(before), f"-> {shown(after)}")]


def confirm(screen: Screen, *, yes: bool) -> None:
    """Ask `[y/N]` on the terminal. Raises NeedsConfirmation when the answer is no or nobody can answer."""
    if yes:
        return
    if screen.json or not sys.stdin.isatty():
        raise NeedsConfirmation(
            "not confirmed",
            "there is no terminal to ask on",
            todo="--yes answers the question",
            state="Nothing was changed.",
        )
    if answer_of("Carry this out? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise NeedsConfirmation("not confirmed", "the answer was no", state="Nothing was changed.")


def answer_of(question: str) -> str:
    """The line that is typed at a question; "?" for what is no text.

    A signal in the moment before read(2) would not be noticed before a key is pressed: it wakes up select(2), too.
    """
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wakes)
    try:
        print(question, end="", file=sys.stderr, flush=True)
        select.select([sys.stdin, woken], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:  # typed in another encoding than the locale's: it is no yes
        return "?"
