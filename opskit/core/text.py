"""Text that came from the host: made safe to show and to log, and cut to its end; numbers with what they count."""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"
# Options of mount(8)'s helpers that are a secret themselves: mount.cifs(8), mount.ceph(8), mount.ecryptfs(8), davfs.
# A value in quotes can hold a comma (libmount).
_SECRET = re.compile(
    r"""(?i)(?<![\w-])((?:password|passwd|pass|passphrase|ecryptfs_passwd|secret)[2]?=)("[^"]*"|'[^']*'|[^,\s'"]+)"""
)
# The older form of mount.cifs, user=NAME%PASSWORD, and //NAME:PASSWORD@HOST of any address.
_USER = re.compile(r"(?i)(?<![\w-])(user(?:name)?=[^,%\s]*%)[^,\s]+")
_ADDRESS = re.compile(r"(//[^/\s:@]*:)[^@/\s]+(?=@)")


def masked(text: str) -> str:
    """The text without the passwords that options and addresses in it name: for all that is shown, saved or logged."""
    if "=" not in text and "@" not in text:
        return text
    text = _USER.sub(rf"\1{MASK}", _SECRET.sub(rf"\1{MASK}", text))
    return _ADDRESS.sub(rf"\1{MASK}", text)


def shown(text: str) -> str:
    r"""The text with what a terminal would act on, and what is no valid Unicode, as escapes: `\x1b`, `\xff`.

    A name can hold newlines, escape sequences and bytes that are no UTF-8; a table must stay a table.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char.isprintable() or char == " ":
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # os.fsdecode's form of a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def counted(count: int, noun: str, nouns: str = "") -> str:
    """How many: "1 change", "2 changes", "1,200 entries".

    count: the number
    noun: what is counted, one of it
    nouns: several of it, where that is not the noun with an s
    """
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"


def times(count: int) -> str:
    """How often: "once", "2 times", "1,200 times"."""
    return "once" if count == 1 else counted(count, "time")


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of the words that this one is meant to be, "" where none is near."""
    import difflib  # noqa: PLC0415 - only a wrong word needs it

    return next(iter(difflib.get_close_matches(word, words, 1, 0.6)), "")


def last_lines(text: str, count: int = 20, limit: int = 4000) -> str:
    """The end of a program's output: at most count lines and limit characters."""
    return "\n".join(text.rstrip("\n").split("\n")[-count:])[-limit:]


def toml_text(value: object) -> str:
    """A value as the file has it: true, "x", [1, 2]."""
    import json  # noqa: PLC0415 - only a mistake is told

    if hasattr(value, "isoformat"):  # a date stands there without quotes
        return str(value)
    return json.dumps(value, default=str, ensure_ascii=False)
