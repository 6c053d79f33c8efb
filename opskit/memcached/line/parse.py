"""A line read once: its words as a release of memcached reads them, each option with what is made of its value.

Words are read by getopt(3), and by getopt_long(3) from 1.5.0 on, as glibc has them. Options may stand anywhere among
other words (glibc permutes), short ones may be bundled, a value may follow its letter at once; a long option may be
abbreviated as long as it stays unambiguous, its value follows "=" or is the next word. After "--" nothing is an option.
Numbers are read as the C library does, what is behind -o by getsubopt(3), and -l as memcached takes it apart. No I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Optional

from opskit.memcached.line.listen import ListenAddress, read_addresses
from opskit.memcached.line.numbers import (
    FLOAT,
    INTEGER,
    OCTAL,
    SIZE,
    Number,
    atof,
    atoi,
    is_integer,
    is_number,
    is_real,
    read_number,
    safe_long,
)
from opskit.memcached.line.release import (
    BLANKS_PASSED,
    CHUNK_IN_KIB,
    LONG_OPTIONS,
    STORAGE_BUCKETS,
    WINDOW_CHECKED,
    XXH3,
    Release,
)
from opskit.memcached.line.table import (
    CHUNK,
    EXTENDED,
    FLAGS,
    HASHES,
    LISTEN,
    STORAGE,
    SUBOPTIONS,
    TEXT,
    WHOLE,
    WHOLE_FLOAT,
    Flag,
    Suboption,
)

# What can be wrong with a word.
UNKNOWN, NO_VALUE, EXTRA_VALUE, AMBIGUOUS = "unknown", "no-value", "extra-value", "ambiguous"
# What can be wrong with an option behind -o; the last is read as another number, the others end memcached.
# Where extstore keeps what comes from memory (storage.c).
BUCKETS = ("compact", "lowttl", "chunked", "default")
NOT_IN_RELEASE, OUT_OF_RANGE, MISSING_VALUE, NOT_A_NUMBER = (
    "not-in-release", "out-of-range", "missing-value", "not-a-number",
)  # fmt: skip
# slab_automove_window, from WINDOW_CHECKED on.
WINDOW = (3, 1800)
NUMBERS = (INTEGER, FLOAT, OCTAL, SIZE)
# No option of the line: what is to be appended to it.
APPEND = -1


class ExtendedOption(NamedTuple):
    """One option behind -o, as it was read.

    name: "" where a comma is one too many
    value: its text; None without one
    number: what C makes of the value; 0 without a number
    wrong: NOT_IN_RELEASE, OUT_OF_RANGE, MISSING_VALUE or NOT_A_NUMBER; "" for a good one
    why: what it should be
    """

    name: str
    value: Optional[str]
    number: float = 0
    wrong: str = ""
    why: str = ""

    @property
    def row(self) -> Optional[Suboption]:
        """Its row of the table."""
        return SUBOPTIONS.get(self.name)

    @property
    def text(self) -> str:
        """As it was typed."""
        return self.name if self.value is None else f"{self.name}={self.value}"

    @property
    def ends(self) -> bool:
        """Whether memcached ends for it."""
        return self.wrong not in {"", NOT_A_NUMBER}


class LineOption(NamedTuple):
    """One option of a line, as it was read.

    letter: of its row of the table; "" for a long one that is in none
    value: its text; None without one
    words: the numbers of the words that it was read from
    text: as it was typed, with its value
    long: whether it was written out
    wrong: UNKNOWN, NO_VALUE, EXTRA_VALUE or AMBIGUOUS (all end memcached with status 1); "" for a good one
    candidates: the options that an ambiguous one may be
    number: what C makes of the value, where that is a number or a size
    addresses: of -l
    extended: the options behind -o
    """

    letter: str
    value: Optional[str]
    words: tuple[int, ...]
    text: str
    long: bool = False
    wrong: str = ""
    candidates: tuple[str, ...] = ()
    number: Optional[Number] = None
    addresses: tuple[ListenAddress, ...] = ()
    extended: tuple[ExtendedOption, ...] = ()

    @property
    def flag(self) -> Optional[Flag]:
        """Its row of the table."""
        return FLAGS.get(self.letter)

    @property
    def integer(self) -> int:
        """The whole number that C makes of the value; 0 for a value that is no number."""
        return int(self.number.value) if self.number else 0


class CommandLine(NamedTuple):
    """A line, as a release reads it. stray: the words that are no options (their numbers); memcached passes over them.

    An option that cannot be read is among the options, and counts nowhere else.
    """

    words: tuple[str, ...]
    release: Release
    options: tuple[LineOption, ...]
    stray: tuple[int, ...]

    def positions(self, letters: str) -> list[int]:
        """The numbers of the options that have one of these letters."""
        return [n for n, option in enumerate(self.options) if not option.wrong and option.letter in letters]

    def position(self, letter: str) -> int:
        """The number of the option where it counts, the last time; APPEND when it is not there."""
        return next(iter(reversed(self.positions(letter))), APPEND)

    def all(self, letter: str) -> list[LineOption]:
        """Every time that this option is given."""
        return [self.options[n] for n in self.positions(letter)]

    def last(self, letter: str) -> Optional[LineOption]:
        """The option where it counts: the last time. None when it is not there."""
        options = self.all(letter)
        return options[-1] if options else None

    def has(self, letter: str) -> bool:
        """Whether the option is given."""
        return bool(self.positions(letter))

    def text(self, letter: str, default: str = "") -> str:
        """The text of a value; the default when the option is not there."""
        option = self.last(letter)
        return default if option is None else option.value or ""

    def integer(self, letter: str, default: int) -> int:
        """The whole number that C makes of a value; the default when the option is not there."""
        option = self.last(letter)
        return default if option is None else option.integer

    @property
    def extended(self) -> dict[str, ExtendedOption]:
        """The options behind every -o, by name: each where it counts, the last time."""
        return {extended.name: extended for option in self.all("o") for extended in option.extended}


def parse(words: Sequence[str], release: Release) -> CommandLine:
    """Read the words (without the program's name) as this release does."""
    options: list[LineOption] = []
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
            option = _long(words, number, release)
            options.append(option)
            number = option.words[-1] + 1
        else:
            bundle = _short(words, number, release)
            options += bundle
            number = bundle[-1].words[-1] + 1
    return CommandLine(tuple(words), release, tuple(_typed(option, release) for option in options), tuple(stray))


def known(release: Release) -> list[Flag]:
    """The options that the release has."""
    return [flag for flag in FLAGS.values() if flag.since <= release]


def _short(words: Sequence[str], number: int, release: Release) -> list[LineOption]:
    """Read a word of short options; the last one may take the next word for its value."""
    word = words[number]
    options: list[LineOption] = []
    for place, letter in enumerate(word[1:], 1):
        flag = FLAGS.get(letter)
        if flag is None or flag.since > release:
            # A plain getopt takes the second dash of --port for an unknown letter.
            text = word if letter == "-" else f"-{letter}"
            options.append(LineOption(letter, None, (number,), text, wrong=UNKNOWN))
            if letter == "-":
                break
        elif not flag.value:
            options.append(LineOption(letter, None, (number,), f"-{letter}"))
        else:
            options.append(_short_with_value(words, number, place))
            break
    return options


def _short_with_value(words: Sequence[str], number: int, place: int) -> LineOption:
    """Read the option at this place of a word; its value is the rest of the word, or the next one."""
    letter, rest = words[number][place], words[number][place + 1 :]
    if rest:
        return LineOption(letter, rest, (number,), f"-{letter}{rest}")
    if number + 1 < len(words):
        value = words[number + 1]
        return LineOption(letter, value, (number, number + 1), f"-{letter} {value}")
    return LineOption(letter, None, (number,), f"-{letter}", wrong=NO_VALUE)


def _long(words: Sequence[str], number: int, release: Release) -> LineOption:
    """Read a long option."""
    word = words[number]
    name, sign, rest = word[2:].partition("=")
    fitting = [flag for flag in known(release) if flag.long == name]
    fitting = fitting or [flag for flag in known(release) if flag.long.startswith(name)]
    if len(fitting) != 1:
        wrong, names = (AMBIGUOUS if fitting else UNKNOWN), tuple(f"--{flag.long}" for flag in fitting)
        return LineOption("", None, (number,), word, long=True, wrong=wrong, candidates=names)
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
    return LineOption(flag.letter, value, used, " ".join(words[n] for n in used), long=True, wrong=wrong)


def _typed(option: LineOption, release: Release) -> LineOption:
    """The option with what memcached makes of its value."""
    flag, value = option.flag, option.value
    if option.wrong or flag is None or value is None:
        return option
    # What is passed over are the blanks of isspace(3).
    text = value.lstrip(" \t\n\v\f\r") if release >= BLANKS_PASSED else value
    if flag.kind in NUMBERS:
        return option._replace(number=read_number(flag.kind, text))
    if flag.kind == LISTEN:
        return option._replace(addresses=tuple(read_addresses(text, release)))
    return option._replace(extended=tuple(read_extended(value, release))) if flag.kind == EXTENDED else option


def read_extended(text: str, release: Release) -> list[ExtendedOption]:
    """The options behind one -o, as getsubopt(3) splits them. A comma too many is one without a name."""
    options = []
    for part in text.removesuffix(",").split(",") if text else ():
        name, sign, value = part.partition("=")
        options.append(_extended(name, value if sign else None, release))
    return options


def _extended(name: str, value: Optional[str], release: Release) -> ExtendedOption:
    """One of them, with what is wrong with it."""
    row = SUBOPTIONS.get(name)
    real = row is not None and row.value in {FLOAT, WHOLE_FLOAT}
    number: float = atof(value or "") if real else atoi(value or "")
    wrong = ("", "")
    if row is None or row.since > release or release >= row.until:
        wrong = (NOT_IN_RELEASE, "unknown")
    elif row.value and not (value is None and row.optional):
        wrong = _wrong_value(row, value, number, release)
    return ExtendedOption(name, value, number, *wrong)


def _wrong_value(row: Suboption, value: Optional[str], number: float, release: Release) -> tuple[str, str]:
    """What is wrong with a value, and what it should be; empty for a good one."""
    if row.value == CHUNK and release < CHUNK_IN_KIB:
        return "", ""  # what comes of a bad one shows later: chunk_ends of storage.py
    if value is None:
        return ("", "") if row.name == "slab_sizes" else (MISSING_VALUE, "it takes a value")
    if row.value == STORAGE:
        fault = _path_fault(value, release)
        return (OUT_OF_RANGE, fault) if fault else ("", "")
    if row.value == TEXT:
        hashes = HASHES if release >= XXH3 else HASHES[:2]
        bad = row.name == "hash_algorithm" and value not in hashes
        return (OUT_OF_RANGE, "one of " + ", ".join(hashes)) if bad else ("", "")
    if row.name == "slab_automove_window":
        if release >= WINDOW_CHECKED and not WINDOW[0] <= number <= WINDOW[1]:
            return OUT_OF_RANGE, f"it takes {WINDOW[0]} to {WINDOW[1]}"
        if number < 0:
            return "", ""  # it is read without a sign: what comes of it shows later
    if (row.low is not None and number < row.low) or (row.high is not None and number > row.high):
        return OUT_OF_RANGE, f"it takes {_bounds(row)}"
    return _inexact(row, value, number)


def _inexact(row: Suboption, value: str, number: float) -> tuple[str, str]:
    """What is wrong with a value that is not a number and nothing else."""
    if row.value in {WHOLE, CHUNK} and safe_long(value) is None:
        return OUT_OF_RANGE, "the whole value must be a number"
    if row.value == WHOLE_FLOAT and not is_real(value):
        return OUT_OF_RANGE, "the whole value must be a number"
    exact = is_number(value) if row.value in {FLOAT, WHOLE_FLOAT} else is_integer(value)
    return ("", "") if exact else (NOT_A_NUMBER, f"it is read as {number:g}")


def _path_fault(value: str, release: Release) -> str:
    """What is wrong with the value of ext_path, for which memcached ends at once; "" for a good one."""
    path, _, rest = value.partition(":")
    size, _, bucket = rest.partition(":")
    if not path or not size:
        return "a size is needed: PATH:SIZE, as in /data/ext:64m"
    buckets = BUCKETS if release >= STORAGE_BUCKETS else BUCKETS[-1:]
    return f"{bucket} is none of {', '.join(buckets)}" if bucket and bucket not in buckets else ""


def _bounds(row: Suboption) -> str:
    low = "more than 0" if row.value == FLOAT else f"{row.low or 0:.0f}"
    return f"{low} to {row.high:.0f}" if row.high is not None else f"{low} and up"
