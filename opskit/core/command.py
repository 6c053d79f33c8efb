"""A program to run, what came of it, and what runs it. Nothing here starts anything (runner.py does)."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, Protocol

from opskit.core.record import dataclass
from opskit.core.text import last_lines, masked

MINUTE = 60.0


@dataclass(frozen=True)
class Command:
    """One program with its arguments, run without a shell.

    mutates: whether it changes the host; a dry run's runner refuses it then.
    input: what it reads on standard input; empty means /dev/null.
    timeout: seconds until it is ended.
    accept: exit statuses that are an answer and not a failure.
    may_fail: what was asked for stands without it; a step that runs it goes on, and its failure is a warning.
    secret: what of the arguments is neither shown nor logged.
    leaves: whether what it starts lives on, and may hold its output: then its own end is the end.
    """

    argv: tuple[str, ...]
    mutates: bool
    input: str = ""
    timeout: float = MINUTE
    accept: tuple[int, ...] = (0,)
    may_fail: bool = False
    secret: str = ""
    leaves: bool = False

    @property
    def line(self) -> str:
        """The arguments as one line, for a log or a message."""
        line = shlex.join(self.argv)
        return line.replace(shlex.quote(self.secret), "...") if self.secret else line

    def as_shell(self) -> str:
        """The line a careful person would type under `set -e`: what it reads comes from printf."""
        feed = f"printf '%s\\n' {shlex.join(self.input.splitlines())} | " if self.input else ""
        if self.may_fail:
            return f"{feed}{self.line} || true"
        if self.accept == (0,):
            return feed + self.line
        # An exit status that is an answer must not end the script.
        answers = "|".join(str(status) for status in self.accept if status)
        if answers.isdigit():
            return f"{feed}{self.line} || [ $? -eq {answers} ]"
        return f"{feed}{self.line} || case $? in {answers}) ;; *) exit 1 ;; esac"


def shell_lines(commands: Iterable[Command]) -> tuple[str, ...]:
    """The commands as the lines of a script, for Change.commands."""
    return tuple(command.as_shell() for command in commands)


@dataclass(frozen=True)
class Result:
    """How a command ended. status: the exit status, or minus the number of the signal that ended it."""

    command: Command
    status: int
    stdout: str
    stderr: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """What the ledger keeps: argv, status, seconds and the last lines of the output; passwords are masked."""
        return {
            "argv": [masked(word) for word in self.command.argv],
            "input": masked(self.command.input),
            "status": self.status,
            "seconds": round(self.seconds, 4),
            "stdout": masked(last_lines(self.stdout)),
            "stderr": masked(last_lines(self.stderr)),
        }


class Runner(Protocol):
    """Runs a command to its end. What is asked of it is all that an area knows about programs."""

    def run(self, command: Command) -> Result:
        """Run to the end. Raises Missing, CommandFailed (a status not in accept) or Failed (time limit)."""
        ...
