"""A line put together from options: the words of start, and the corrected line of lint. No I/O."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.finding import Finding
from opskit.memcached.line.parse import APPEND, CommandLine

PROGRAM = "memcached"
# An option as it is written: its letter and its value, None for one without.
OptionText = tuple[str, Optional[str]]


class Edit(NamedTuple):
    """What puts a line right: in place of its option of this number (APPEND: behind all) these options."""

    number: int
    options: tuple[OptionText, ...] = ()


class LineFinding(NamedTuple):
    """A finding about a line, and what puts it right (empty where only a person knows).

    at: the number of the option that it is about, where it is about one alone
    """

    finding: Finding
    edits: tuple[Edit, ...] = ()
    at: Optional[int] = None


def words_of(options: Sequence[OptionText]) -> list[str]:
    """The words of these options, in their short forms, which every release has."""
    words = []
    for letter, value in options:
        words += [f"-{letter}"] if value is None else [f"-{letter}", value]
    return words


def corrected(line: CommandLine, results: Sequence[LineFinding]) -> list[str]:
    """The words of the line with every edit made (of two for one option the later); what is no option is left out."""
    edits = {edit.number: edit for result in results for edit in result.edits if edit.number != APPEND}
    options: list[OptionText] = []
    for number, option in enumerate(line.options):
        if number in edits:
            options += edits[number].options
        elif not option.wrong:
            options.append((option.letter, option.value if option.flag and option.flag.value else None))
    for result in results:
        for edit in result.edits:
            if edit.number == APPEND:
                options += [option for option in edit.options if option not in options]
    return words_of(options)


def shell(program: str, words: Sequence[str]) -> str:
    """The line as it is typed in a shell."""
    return shlex.join([program or PROGRAM, *words])


def is_memcached(program: str) -> bool:
    """Whether a program is memcached, or a build of it (memcached-1.4.15), by its name."""
    return os.path.basename(program).startswith(PROGRAM)


def split_program(words: Sequence[str]) -> tuple[str, list[str]]:
    """The program that a line begins with ("" for none), and its arguments.

    One word with blanks in it is a whole line in quotes, and taken apart as a shell would. Raises ValueError.
    """
    rest = list(words)
    if len(rest) == 1 and len(rest[0].split()) > 1:
        rest = shlex.split(rest[0])
    if rest and not rest[0].startswith("-") and is_memcached(rest[0]):
        return rest[0], rest[1:]
    return "", rest
