"""Text that came from the host: made safe to show and to log, and cut to its end."""

from __future__ import annotations


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


def last_lines(text: str, count: int = 20, limit: int = 4000) -> str:
    """The end of a program's output: at most count lines and limit characters."""
    return "\n".join(text.rstrip("\n").split("\n")[-count:])[-limit:]
