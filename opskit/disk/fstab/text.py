r"""fstab as text: read into entries and edited so that every other byte stays. No I/O.

The rules are those of libmount (fstab(5), libmount/src/tab_parse.c; tried with findmnt 2.38.1): fields are parted by
spaces and tabs, `#` begins a comment only as the first thing on a line, one carriage return before the newline does
not count, `\ooo` is a byte in octal, three fields are needed, and a fifth or sixth that is no number makes mount
ignore the whole line.

Text is bytes as UTF-8 with surrogate escapes, so that nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from opskit.core.files import sha256
from opskit.core.mountinfo import unescape
from opskit.core.record import dataclass
from opskit.core.text import masked
from opskit.disk.model import BlockDevice, FileFact, HostFacts, named_by

# Why mount ignores a line; each is the id of a finding as well.
TOO_FEW_FIELDS = "bad-field-count"
NOT_A_NUMBER = "bad-number"

# The name of a backup goes on with this and the id of the run.
BACKUP_MARK = ".opskit-"

_NUMBER = re.compile(r"[+-]?[0-9]+")
# What parts fields, for libmount or for the sscanf of EL7's, and what begins an escape.
_ESCAPED = re.compile(r"[ \t\n\v\f\r\\]|^#")


@dataclass(frozen=True)
class Line:
    """A line with its ending, to the byte; by itself a comment or blank.

    number: counts from 1.
    """

    number: int
    raw: str


@dataclass(frozen=True)
class FstabEntry(Line):
    """A line that is meant for mount: its fields with escapes undone; absent ones have libmount's defaults.

    count: how many fields there are.
    ignored: why mount ignores the line, "" when it does not.
    """

    source: str = ""
    target: str = ""
    fstype: str = ""
    options: str = ""
    dump: int = 0
    pass_: int = 0
    count: int = 0
    ignored: str = ""

    @property
    def option_list(self) -> tuple[str, ...]:
        """The options one by one."""
        return tuple(self.options.split(",")) if self.options else ()

    @property
    def is_swap(self) -> bool:
        """Whether it is for swapon and not for mount."""
        return self.fstype == "swap"

    @property
    def is_swap_file(self) -> bool:
        """Whether it is for swapon, and of a file."""
        return self.is_swap and self.source.startswith("/") and not self.source.startswith("/dev/")

    @property
    def has_target(self) -> bool:
        """Whether it names a mount point; swap areas do not (`none`, `swap`)."""
        return not self.is_swap and self.target not in {"none", "swap", ""}


def decode(data: bytes) -> str:
    """The bytes of a file as text, without loss."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The text as the bytes it came from."""
    return text.encode("utf-8", "surrogateescape")


def to_save(facts: HostFacts) -> HostFacts:
    """The facts to save or send: passwords in fstab and crypttab are masked, and the hashes are those of the files."""
    system = facts.system_fstab and _masked(facts.system_fstab)
    return replace(facts, fstab=_masked(facts.fstab), crypttab=_masked(facts.crypttab), system_fstab=system)


def _masked(file: FileFact) -> FileFact:
    text = masked(file.text)
    return file if text == file.text else replace(file, text=text, sha256=text_hash(file.text))


def text_hash(text: str) -> str:
    """The hash by which these steps know whether fstab is still as it was."""
    return sha256(encode(text))


def split_lines(text: str) -> list[str]:
    """The lines with their endings. Only a newline ends one: str.splitlines knows many more."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def parse(text: str) -> tuple[Line, ...]:
    """Every line of an fstab. Never fails, and the raw of all lines together is the text again."""
    return tuple(_parse_line(number, raw) for number, raw in enumerate(split_lines(text), 1))


def entries(text: str) -> tuple[FstabEntry, ...]:
    """The lines meant for mount, also those that it would ignore (FstabEntry.ignored says so)."""
    return tuple(line for line in parse(text) if isinstance(line, FstabEntry))


def entries_for_target(text: str, target: str) -> tuple[FstabEntry, ...]:
    """The entries of a mount point; `/data` and `/data/` are the same one."""
    place = plain_target(target)
    return tuple(e for e in entries(text) if e.has_target and plain_target(e.target) == place)


def entries_for_device(text: str, device: BlockDevice) -> tuple[FstabEntry, ...]:
    """The entries whose source names the device: by path, link, UUID, label or partition."""
    return tuple(e for e in entries(text) if named_by(e.source, device))


def plain_target(target: str) -> str:
    """A mount point without what makes no difference: `/data//x/` is `/data/x`. `..` is left alone (symlinks)."""
    if not target.startswith("/"):
        return target
    return "/" + "/".join(part for part in target.split("/") if part not in {"", "."})


def escape(field: str) -> str:
    r"""A field as it stands in fstab: what would part it, a backslash, and a leading `#` as `\ooo`."""
    return _ESCAPED.sub(lambda match: f"\\{ord(match.group()):03o}", field)


def entry_line(source: str, target: str, fstype: str, options: str, dump: int = 0, pass_: int = 0) -> str:
    """The line of an entry, without its ending. Raises ValueError for an empty field."""
    fields = [escape(field) for field in (source, target, fstype, options)]
    if not all(fields):
        raise ValueError("an fstab field is empty")
    return " ".join([*fields, str(dump), str(pass_)])


def lacks_newline(text: str) -> bool:
    """Whether the last line has no ending, so that a line put after it would join it."""
    return bool(text) and not text.endswith("\n")


def add_line(text: str, line: str) -> str:
    """The text with a line after its last one, which gets the newline it may lack."""
    return text + ("\n" if lacks_newline(text) else "") + line + "\n"


def remove_line(text: str, line: str, *, newline_added: bool = False) -> str:
    """The text without the last line that is just this one; unchanged when there is none.

    newline_added: add_line had to end the line before; if ours is still the last line, that newline goes too, and
    `remove_line(add_line(text, line), line, newline_added=lacks_newline(text))` is text again.
    """
    lines = split_lines(text)
    places = [i for i, raw in enumerate(lines) if raw.removesuffix("\n") == line]
    if not places:
        return text
    was_last = places[-1] == len(lines) - 1
    del lines[places[-1]]
    rest = "".join(lines)
    return rest.removesuffix("\n") if was_last and newline_added else rest


def remove_lines(text: str, lines: Iterable[Line]) -> str:
    """The text without these lines of it (by number)."""
    numbers = {line.number for line in lines}
    return "".join(line.raw for line in parse(text) if line.number not in numbers)


def put_back_lines(text: str, lines: Iterable[Line]) -> str:
    """What remove_lines took, at the place where it was: `put_back_lines(remove_lines(t, ls), ls)` is t again."""
    result = split_lines(text)
    for line in sorted(lines, key=lambda line: line.number):
        result.insert(line.number - 1, line.raw)
    return "".join(result)


def number_fits(text: str) -> bool:
    """Whether a decimal number fits a long of 64 bits."""
    return len(text.lstrip("+-0")) < 20 and -(2**63) <= int(text) < 2**63


def number_value(text: str) -> int:
    """What C makes of a decimal number that goes into an int: a long at most, and 32 bits of that."""
    value = int(text) if number_fits(text) else (-(2**63) if text.startswith("-") else 2**63 - 1)
    return (value + 2**31) % 2**32 - 2**31


def fields_of(line: str) -> list[str]:
    """The fields of a line with their escapes: only blanks and tabs are between them, for both readers."""
    return [field for field in re.split("[ \t]+", line.removesuffix("\n").removesuffix("\r")) if field]


def _parse_line(number: int, raw: str) -> Line:
    body = raw.removesuffix("\n").removesuffix("\r").lstrip(" \t")
    if not body or body.startswith("#"):
        return Line(number, raw)
    fields = fields_of(raw)
    text = [unescape(field) for field in fields[:4]] + [""] * (4 - len(fields))
    numbers = fields[4:6] + ["0"] * (6 - max(len(fields), 4))
    ignored = TOO_FEW_FIELDS if len(fields) < 3 else ""
    values = [number_value(n) if _NUMBER.fullmatch(n) else None for n in numbers]
    # One too long for a long is forgiven where the line ends with it (libmount/src/tab_parse.c, next_s32).
    long = [n for n, value in zip(numbers, values) if value is not None and not number_fits(n)]
    forgiven = len(long) == 1 and len(fields) <= 6 and body.endswith(long[0]) and fields[-1] == long[0]
    if not ignored and (None in values or (long and not forgiven)):
        ignored = NOT_A_NUMBER
    dump, pass_ = (value or 0 for value in values)
    return FstabEntry(
        number,
        raw,
        source=text[0],
        target=text[1],
        fstype=text[2],
        options=text[3],
        dump=dump,
        pass_=pass_,
        count=len(fields),
        ignored=ignored,
    )
