"""XML-RPC as supervisord answers it (xmlrpc.client.dumps of its Python). No I/O.

Python's own reader needs expat, which the standalone build has not. This one takes memory for no more than the answer
has, and refuses what supervisord never writes: entities of the sender's own, attributes, other types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_PROLOG = re.compile(r"\s*(<\?xml[^<>]*\?>)?\s*")
_TOKEN = re.compile(r"<(/?[A-Za-z0-9.]+)\s*(/?)>|([^<]+)")
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(\w+));|&")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_INTEGER = re.compile(r"\s*[+-]?\d{1,19}\s*")
_INTEGERS = frozenset({"int", "i1", "i2", "i4", "i8"})
# An answer on all programs is a list of structs of what has no parts.
_DEEPEST = 8


def call(method: str) -> bytes:
    """What asks for a method without parameters."""
    return f"<?xml version='1.0'?>\n<methodCall><methodName>{method}</methodName><params/></methodCall>\n".encode()


class Told(ValueError):
    """What supervisord answers in place of a value: a fault, such as 6, SHUTDOWN_STATE, of one that is ending."""


def answer(body: bytes) -> Any:
    """The one value of an answer. Raises Told for a fault, ValueError for what cannot be read."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    prolog = _PROLOG.match(text)
    reader = _Reader(_tokens(text, prolog.end() if prolog else 0))
    reader.take("methodResponse")
    is_fault = reader.is_next("fault")
    around = ("fault",) if is_fault else ("params", "param")
    for name in around:
        reader.take(name)
    found = reader.value(0)
    for name in (*(f"/{name}" for name in reversed(around)), "/methodResponse", ""):
        reader.take(name)
    if not is_fault:
        return found
    try:
        told = f"fault {found['faultCode']}: {found['faultString']}"
    except (KeyError, TypeError):
        raise ValueError("a fault without a code") from None
    raise Told(told)


def _tokens(text: str, start: int) -> Iterator[tuple[str, str]]:
    """Each tag by its name, with "/" before it where it ends something, or ("", text); ("", "") ends them."""
    while start < len(text):
        match = _TOKEN.match(text, start)
        if not match:
            raise ValueError(f"no XML at byte {start}")
        start = match.end()
        tag, alone, between = match.groups()
        if between is not None:
            yield "", _plain(between)
        else:
            yield tag, ""
            if alone:
                yield f"/{tag}", ""
    yield "", ""


def _plain(text: str) -> str:
    return _REFERENCE.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if name in _NAMED:
        return _NAMED[name]
    number = int(decimal or hexadecimal or "0", 10 if decimal else 16)
    if not 0 < number < 0x110000 or 0xD800 <= number < 0xE000:
        raise ValueError(f"no character: {match[0]}")
    return chr(number)


class _Reader:
    """The tokens, and the values in them."""

    def __init__(self, tokens: Iterator[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._next = next(tokens)

    def _advance(self) -> tuple[str, str]:
        token, self._next = self._next, next(self._tokens, ("", ""))
        return token

    def text(self) -> str:
        """The text up to the next tag."""
        return self._advance()[1] if not self._next[0] and self._next[1] else ""

    def is_next(self, name: str) -> bool:
        """Whether a tag comes next, blanks before it aside."""
        if not self._next[0] and self._next[1] and not self._next[1].strip():
            self._advance()
        return self._next == (name, "")

    def take(self, name: str) -> None:
        """Go past this tag; "": past the end. Raises ValueError for another."""
        if not self.is_next(name):
            raise ValueError(f"<{name}> is missing")
        self._advance()

    def value(self, depth: int) -> Any:
        """What is between <value> and </value>."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        self.take("value")
        text = self.text()
        kind = self._next[0]
        if kind == "/value":
            found: Any = text
        elif text.strip():
            raise ValueError("text beside a type")
        else:
            self.take(kind)
            found = self._typed(kind, depth)
            self.take(f"/{kind}")
        self.take("/value")
        return found

    def _typed(self, kind: str, depth: int) -> Any:
        if kind == "string":
            return self.text()
        if kind == "boolean" or kind in _INTEGERS:
            text = self.text()
            if not _INTEGER.fullmatch(text):
                raise ValueError(f"no number: {text[:20]}")
            return int(text) if kind != "boolean" else bool(int(text))
        if kind == "nil":
            return None
        if kind == "array":
            return self._array(depth)
        if kind == "struct":
            return self._struct(depth)
        raise ValueError(f"a value of type {kind}")

    def _array(self, depth: int) -> list[Any]:
        found = []
        self.take("data")
        while self.is_next("value"):
            found.append(self.value(depth + 1))
        self.take("/data")
        return found

    def _struct(self, depth: int) -> dict[str, Any]:
        found = {}
        while self.is_next("member"):
            self.take("member")
            self.take("name")
            name = self.text()
            self.take("/name")
            found[name] = self.value(depth + 1)
            self.take("/member")
        return found
