"""A rule of what a message tells of, and what stands in every message that it fits. Pure functions.

Most messages fit none of some eighty rules. Whether a word is in a message is known in a twentieth of the time that a
regular expression takes to say no, and one that is never needed is never compiled.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from opskit.core.record import dataclass

_TOKEN = re.compile(
    rb"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\(\?(?:P<\w+>|[:=!]|<[=!]|[a-z-]+[:)])|.", re.DOTALL
)
# What stands for something else where it is not escaped.
_SPECIAL = b".^$*+?{}[]|()"
_QUANTIFIERS = {b"?", b"*", b"{"}
# How a group begins whose texts are those of the whole.
_OPEN = (b"(", b"(?:", b">")
_UNKNOWN: tuple[bytes, ...] = (b"",)
_LONG = 12


@dataclass(frozen=True)
class IncidentRule:
    """kind: one of kernel.py or incidents.py. source: a regular expression; its group `subject` is what it happened to.

    Its group `amount` says how many messages were lost, `detail` tells a pid or a result; what has a group `none` is no
    trouble.
    """

    kind: str
    source: bytes

    @functools.cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """The regular expression."""
        return re.compile(self.source, re.DOTALL)

    @functools.cached_property
    def needs(self) -> tuple[bytes, ...]:
        """Texts of which a message that it fits has one; (b"",) where no such text is known."""
        return needed_texts(self.source)


def incident_rules(kind: str, *sources: bytes) -> tuple[IncidentRule, ...]:
    """Rules of one kind."""
    return tuple(IncidentRule(kind, source) for source in sources)


def needed_texts(source: bytes) -> tuple[bytes, ...]:
    """Texts of which whatever a regular expression fits has one; (b"",) where no such text is known.

    Of what has a flag set for it, and of what is only looked at, nothing is known.
    """
    texts = _needed(iter(_TOKEN.findall(source)))
    return texts if all(texts) else (b"",)


def _needed(tokens: Iterator[bytes]) -> tuple[bytes, ...]:
    """The same of an expression up to its closing parenthesis, which is taken, too."""
    alternatives: list[bytes] = []
    candidates: list[tuple[bytes, ...]] = [_UNKNOWN]
    text, group = b"", False
    for token in tokens:
        escaped = token[:1] == b"\\"
        if not token[1:].isalnum() if escaped else len(token) == 1 and token not in _SPECIAL:
            text, group = text + token[-1:], False
            continue
        if token[:1] in _QUANTIFIERS:  # what is before it need not be there
            text = text[:-1]
            del candidates[len(candidates) - group :]
        candidates.append((text,))
        text, group = b"", token[:1] == b"("
        if group:
            inside = _needed(tokens)
            candidates.append(inside if token.endswith(_OPEN) else _UNKNOWN)
        elif token == b"|":
            alternatives += _best(candidates)
            candidates = [_UNKNOWN]
        elif token == b")":
            break
    candidates.append((text,))
    alternatives += _best(candidates)
    return tuple(alternatives)


def _best(candidates: Sequence[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    """What tells most: one text that is long enough tells more than two that are longer."""

    def worth(texts: tuple[bytes, ...]) -> tuple[int, int, int]:
        shortest = min(map(len, texts))
        return min(shortest, _LONG), -len(texts), shortest

    return max(candidates, key=worth)
