"""Text as a shell's single-quoted string."""

from __future__ import annotations


def quoted(text: str) -> str:
    """The text between single quotes, as bash and zsh read it."""
    return "'" + text.replace("'", "'\\''") + "'"


def fish_quoted(text: str) -> str:
    """The text between single quotes, as fish reads it: a backslash escapes a quote or a backslash there."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def first_sentence(text: str) -> str:
    """The help up to its first full stop or semicolon: what stands beside a name in a list."""
    for mark in (". ", "; "):
        text = text.partition(mark)[0]
    return text.rstrip(".")
