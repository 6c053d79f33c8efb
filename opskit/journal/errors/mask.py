r"""What of a message changes from one time to the next, masked: messages that are alike then have one pattern.

A pure function of the text, and of that only whether a character is a digit, never which one: alike() takes that away
at the speed of a copy, and messages that are equal then have the same pattern without another look.

    Failed password for invalid user bob from 10.0.0.7 port 4022 ssh2
    Failed password for invalid user <user> from <ip> port <n> ssh<n>
"""

from __future__ import annotations

import itertools
import re

# What comes later does not tell messages apart: a stack trace, a dumped request.
LOOKED_AT = 600
PATTERN_LENGTH = 240
WORDS_KEPT = 50_000

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_ANSI = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# What is put around words and ends them, beside white space; `:`, `/`, `.`, `-`, `@` can be inside one.
_BETWEEN = re.compile(rb"""([()\[\]{}<>"',;=|`]+)""")
# What has neither a digit nor a slash is a word; but eight letters from a to f are a number.
_CHANGING = re.compile(rb"[0/]|[a-fA-F]{8}")
_USER = re.compile(rb"""\b((?:invalid|illegal|authenticating|for) user |user=|acct=)("[^"]*"|[^\s"',;\]]+)""")
_HOST = re.compile(rb"""\b(r?host(?:name)?=|addr=)("[^"]*"|[^\s"',;\]]+)""")

_IP4 = rb"\d{1,3}(?:\.\d{1,3}){3}"
_UUID = rb"[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}"
# A whole word → what stands for it; the first that fits.
_WHOLE = tuple(
    (re.compile(rule), mask)
    for rule, mask in (
        (rb"[A-Za-z][A-Za-z0-9+.-]*://.+", b"<url>"),
        (rb"/.+", b"<path>"),
        (_UUID, b"<uuid>"),
        (_IP4, b"<ip>"),
        (_IP4 + rb":\d+", b"<ip>:<n>"),
        (_IP4 + rb"/\d+", b"<ip>/<n>"),
        (rb"(?:[\da-fA-F]{2}[:-]){5,19}[\da-fA-F]{2}", b"<mac>"),
        (rb"\d{4}[-/]\d\d[-/]\d\d(?:[T_-]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", b"<time>"),
        (rb"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?", b"<time>"),
        # Two colons at least, and a digit: `std::string` and `a::b` are no addresses.
        (rb"(?=[^:]*:[^:]*:)(?=[^\d]*\d)[\da-fA-F:]+(?:%s)?(?:%%[\w.-]+)?(?:/\d+)?" % _IP4, b"<ip>"),
    )
)
_HEX = re.compile(rb"(?:0[xX])?[\da-fA-F]+")
# Inside of a word: `user@10.0.0.7`, `ab12cd34.scope`, `sda1`.
_INSIDE = re.compile(
    rb"(?P<uuid>%s)|(?<![\d.])(?P<ip>%s)(?![\d.])" % (_UUID, _IP4)
    + rb"|(?<![A-Za-z\d])\d+(?:\.\d+)*(?![A-Za-z\d])|0[xX][\da-fA-F]+"
    + rb"|(?<![A-Za-z\d])(?=[a-fA-F]*\d)[\da-fA-F]{6,}(?![A-Za-z\d])|[\da-fA-F]{32,}"
    + rb"|(?<![A-Za-z\d])(?=[A-Za-z]*\d[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{16,}(?![A-Za-z\d])"
    + rb"|\d+(?:\.\d+)*"
)


# Numbers that tell kinds apart: an exit status, a signal, an errno, the status of HTTP, a port that is bound.
_KEPT = re.compile(
    rb"(?i:\b(?:exit(?:ed)?|status|code|signal|errno|error|rc|returned|ret))"
    rb"(?:[ =:#(]|(?:with|status|code|error) ){1,3}"
    rb"(-?\d{1,3})\b(?![.:\d]|/\d)"
    rb"|HTTP/\d(?:\.\d)?\"? (\d{3})\b"
    rb"|\((\d{1,3}): [A-Z]"
    rb"|(?:[Bb]ind|[Ll]isten)\w*(?:\(\))?(?: to| on| port)* (?:[\d.]*|\*|\[[\da-f:]*\]):?(\d{1,5})\b"
)
# What stands in a message for the first of these, the second …: letters of no language.
_PLACES = [bytes((1, number)) for number in range(2, 9)]


def kept_numbers(message: bytes) -> tuple[bytes, ...]:
    """The numbers of a message that tell it from others that are alike."""
    return tuple(match[match.lastindex or 0] for match in _kept(message))


def _kept(message: bytes) -> list[re.Match[bytes]]:
    return list(itertools.islice(_KEPT.finditer(message[:LOOKED_AT]), len(_PLACES)))


def pattern_apart(message: bytes) -> bytes:
    """The pattern of a message, its kept_numbers in it as they are."""
    text, at, numbers = b"", 0, []
    for place, match in zip(_PLACES, _kept(message)):
        index = match.lastindex or 0
        text += message[at : match.start(index)] + place
        at = match.end(index)
        numbers.append(match[index])
    pattern = pattern_of(text + message[at:])
    for place, number in zip(_PLACES, numbers):
        pattern = pattern.replace(place, number)
    return pattern


def alike(message: bytes) -> bytes:
    """What of a message its pattern is made from: messages for which this is equal have the same one."""
    return message[:LOOKED_AT].translate(_DIGITS)


def pattern_of(message: bytes) -> bytes:
    """The message with what changes masked: <n> for numbers and hexadecimal, <ip>, <mac>, <path>, <time>, <url> …."""
    text = alike(message)
    if b"\x1b" in text:
        text = _ANSI.sub(b"", text)
    if b"user" in text or b"acct=" in text:
        text = _USER.sub(rb"\1<user>", text)
    if b"host" in text or b"addr=" in text:
        text = _HOST.sub(rb"\1<host>", text)
    return b" ".join(map(_words.__getitem__, text.split()))[:PATTERN_LENGTH]


class _Words(dict[bytes, bytes]):
    """What is between white space, masked. A message has few that are new, once numbers are all alike."""

    def __missing__(self, word: bytes) -> bytes:
        if len(self) >= WORDS_KEPT:
            self.clear()
        masked = word
        if _CHANGING.search(word):
            masked = b"".join(map(_mask_word, _BETWEEN.split(word)))
        self[word] = masked
        return masked


_words = _Words()


def _mask_word(word: bytes) -> bytes:
    if not _CHANGING.search(word):
        return word
    bare = word.rstrip(b".:!?*")
    end = word[len(bare) :]
    if len(bare) >= (6 if b"0" in bare else 8) and _HEX.fullmatch(bare):
        return b"<n>" + end
    for rule, mask in _WHOLE:
        if rule.fullmatch(bare):
            return mask + end
    return _INSIDE.sub(_inside, bare) + end


def _inside(match: re.Match[bytes]) -> bytes:
    return b"<%s>" % (match.lastgroup or "n").encode()
