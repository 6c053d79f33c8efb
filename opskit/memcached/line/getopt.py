"""How memcached reads its words: getopt(3), and getopt_long(3) from 1.5.0 on, as glibc has them. No I/O.

Options may stand anywhere among other words (glibc permutes), short ones may be bundled, a value may follow its
letter at once; a long option may be abbreviated as long as it stays unambiguous, its value follows "=" or is the next
word. After "--" nothing is an option.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.memcached.line.release import LONG_OPTIONS, Release
from opskit.memcached.line.table import FLAGS, Flag

# What can be wrong with a word.
UNKNOWN, NO_VALUE, EXTRA_VALUE, AMBIGUOUS = "unknown", "no-value", "extra-value", "ambiguous"


class Given(NamedTuple):
    """One option as it was read. words: the numbers of the words it was read from; long: it was written out.

    wrong: UNKNOWN, NO_VALUE, EXTRA_VALUE or AMBIGUOUS (all end memcached with status 1), "" for a good one.
    text: as it was typed.
    """

    letter: str
    value: Optional[str]
    words: tuple[int, ...]
    text: str
    long: bool = False
    wrong: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def flag(self) -> Optional[Flag]:
        """Its row of the table."""
        return FLAGS.get(self.letter)


class Parsed(NamedTuple):
    """A line, read. stray: the words that are no options (their numbers); memcached passes over them."""

    words: tuple[str, ...]
    options: tuple[Given, ...]
    stray: tuple[int, ...]

    def last(self, letter: str) -> Optional[str]:
        """The value of an option where it counts: the last time. None when it is not there."""
        values = [given.value or "" for given in self.options if given.letter == letter and not given.wrong]
        return values[-1] if values else None

    def all(self, letter: str) -> list[Given]:
        """Every time that this option is given."""
        return [given for given in self.options if given.letter == letter and not given.wrong]


def parse(words: Sequence[str], release: Release) -> Parsed:
    """Read the words (without the program's name) as this release does."""
    options: list[Given] = []
    stray: list[int] = []
    number = 0
    while number < len(words):
        word = words[number]
        if word == "--":
            stray += range(number + 1, len(words))
            break
        if not word.startswith("-") or word == "-":
            stray.append(number)
            number += 1
        elif word.startswith("--") and release >= LONG_OPTIONS:
            number = _long(words, number, release, options)
        else:
            number = _short(words, number, release, options)
    return Parsed(tuple(words), tuple(options), tuple(stray))


def known(release: Release) -> list[Flag]:
    """The options that the release has."""
    return [flag for flag in FLAGS.values() if flag.since <= release]


def _short(words: Sequence[str], number: int, release: Release, options: list[Given]) -> int:
    """Read a word of short options; the number of the next word."""
    word = words[number]
    for place, letter in enumerate(word[1:], 1):
        flag = FLAGS.get(letter)
        if flag is None or flag.since > release:
            # A plain getopt takes the second dash of --port for an unknown letter.
            options.append(Given(letter, None, (number,), word if letter == "-" else f"-{letter}", wrong=UNKNOWN))
            if letter == "-":
                break
            continue
        if not flag.value:
            options.append(Given(letter, None, (number,), f"-{letter}"))
            continue
        rest = word[place + 1 :]
        if rest:
            options.append(Given(letter, rest, (number,), f"-{letter}{rest}"))
        elif number + 1 < len(words):
            value = words[number + 1]
            options.append(Given(letter, value, (number, number + 1), f"-{letter} {value}"))
            return number + 2
        else:
            options.append(Given(letter, None, (number,), f"-{letter}", wrong=NO_VALUE))
        break
    return number + 1


def _long(words: Sequence[str], number: int, release: Release, options: list[Given]) -> int:
    """Read a long option; the number of the next word."""
    word = words[number]
    name, sign, rest = word[2:].partition("=")
    fitting = [flag for flag in known(release) if flag.long == name]
    fitting = fitting or [flag for flag in known(release) if flag.long.startswith(name)]
    if len(fitting) != 1:
        wrong, names = (AMBIGUOUS if fitting else UNKNOWN), tuple(f"--{flag.long}" for flag in fitting)
        options.append(Given("", None, (number,), word, long=True, wrong=wrong, candidates=names))
        return number + 1
    flag = fitting[0]
    value, wrong = (rest if sign else None), ""
    used: tuple[int, ...] = (number,)
    if not flag.value and sign and flag.letter != "v":  # --verbose may have a value, which counts for nothing
        wrong = EXTRA_VALUE
    elif flag.value and not sign:
        if number + 1 < len(words):
            value, used = words[number + 1], (number, number + 1)
        else:
            wrong = NO_VALUE
    text = " ".join(words[one] for one in used)
    options.append(Given(flag.letter, value, used, text, long=True, wrong=wrong))
    return used[-1] + 1
