"""A line put together from options: the builder of start, and the corrected line of lint. No I/O."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.core.finding import Finding
from opskit.memcached.line.getopt import Parsed

PROGRAM = "memcached"
# An option and its value; None for one without.
Option = tuple[str, Optional[str]]
APPEND = -1


class Edit(NamedTuple):
    """What puts a line right: in place of its option of this number (APPEND: behind all) these options."""

    number: int
    options: tuple[Option, ...] = ()


class Problem(NamedTuple):
    """A finding about a line, and what puts it right (empty where only a person knows)."""

    finding: Finding
    edits: tuple[Edit, ...] = ()


def number_of(parsed: Parsed, letter: str) -> int:
    """The number of the option where it counts, the last time; APPEND when it is not there."""
    numbers = [n for n, given in enumerate(parsed.options) if given.letter == letter and not given.wrong]
    return numbers[-1] if numbers else APPEND


def words(options: Sequence[Option]) -> list[str]:
    """The words of these options, in their short forms, which every release has."""
    found = []
    for letter, value in options:
        found += [f"-{letter}"] if value is None else [f"-{letter}", value]
    return found


def options_of(parsed: Parsed) -> list[Option]:
    """The options that were read, without those that could not be."""
    return [(given.letter, given.value) for given in parsed.options if not given.wrong]


def corrected(parsed: Parsed, problems: Sequence[Problem]) -> list[str]:
    """The words of the line with every edit made (of two for one option the later); what is no option is left out."""
    edits = {edit.number: edit for problem in problems for edit in problem.edits if edit.number != APPEND}
    options: list[Option] = []
    for number, given in enumerate(parsed.options):
        if number in edits:
            options += edits[number].options
        elif not given.wrong:
            value = given.value if given.flag and given.flag.value else None
            options.append((given.letter, value))
    for problem in problems:
        for edit in problem.edits:
            if edit.number == APPEND:
                options += [option for option in edit.options if option not in options]
    return words(options)


def shell(program: str, line: Sequence[str]) -> str:
    """The line as it is typed in a shell."""
    return shlex.join([program or PROGRAM, *line])


def is_memcached(program: str) -> bool:
    """Whether a program is memcached, or a build of it (memcached-1.4.15), by its name."""
    return os.path.basename(program).startswith(PROGRAM)


def split_program(line: Sequence[str]) -> tuple[str, list[str]]:
    """The program that a line begins with ("" for none), and its arguments.

    One word with blanks in it is a whole line in quotes, and taken apart as a shell would. Raises ValueError.
    """
    rest = list(line)
    if len(rest) == 1 and len(rest[0].split()) > 1:
        rest = shlex.split(rest[0])
    if rest and not rest[0].startswith("-") and is_memcached(rest[0]):
        return rest[0], rest[1:]
    return "", rest
