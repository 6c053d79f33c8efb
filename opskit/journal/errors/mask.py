r"""What of a message changes from one time to the next, masked: messages that are alike then have one pattern.

A pure function of the text, and of that only whether a character is a digit, never which one: alike() takes that away
at the speed of a copy, and messages that are equal then have the same pattern without another look.

    Failed password for invalid user bob from 10.0.0.7 port 4022 ssh2
    Failed password for invalid user <user> from <ip> port <n> ssh<n>
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# What comes later does not tell messages apart: a stack trace, a dumped request.
LOOKED_AT = 600
PATTERN_LENGTH = 240
WORDS_KEPT = 50_000

DIGITS = bytes.maketrans(b"123456789", b"000000000")
_ANSI = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# What is put around words and ends them, beside white space; `:`, `/`, `.`, `-`, `@` can be inside one.
_BETWEEN = re.compile(rb"""([()\[\]{}<>"',;=|`]+)""")
# What has neither a digit nor a slash is a word; but eight letters from a to f are a number.
_CHANGING = re.compile(rb"[0/]|[a-fA-F]{8}")
_USER = re.compile(rb"""\b((?:invalid|illegal|authenticating|for) user |user=|acct=)("[^"]*"|[^\s"',;\]]+)""")
_HOST = re.compile(rb"""\b(r?host(?:name)?=|addr=)("[^"]*"|[^\s"',;\]]+)""")

_IP4 = rb"\d{1,3}(?:\.\d{1,3}){3}"
_UUID = rb"[\da-fA-F]{8}-(?:[\da-fA-F]{4}-){3}[\da-fA-F]{12}"
# A whole word, and what stands for it; the first that fits.
_RULES = (
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
_WHOLE = re.compile(b"|".join(b"(%s)" % rule for rule, _ in _RULES))
_HEX = re.compile(rb"(?:0[xX])?[\da-fA-F]+")
# Inside of a word: `user@10.0.0.7`, `ab12cd34.scope`, `sda1`.
_INSIDE = re.compile(
    rb"(?P<uuid>%s)|(?<![\d.])(?P<ip>%s)(?![\d.])" % (_UUID, _IP4)
    + rb"|(?<![A-Za-z\d])\d+(?:\.\d+)*(?![A-Za-z\d])|0[xX][\da-fA-F]+"
    + rb"|(?<![A-Za-z\d])(?=[a-fA-F]*\d)[\da-fA-F]{6,}(?![A-Za-z\d])|[\da-fA-F]{32,}"
    + rb"|(?<![A-Za-z\d])(?=[A-Za-z]*\d[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z\d]{16,}(?![A-Za-z\d])"
    + rb"|\d+(?:\.\d+)*"
)


# In what is alike: a UUID; a number of digits and letters, which is not a part of one, nor of an address. What is
# before it is looked at behind its first character: a search for what begins with one of a few characters is quick.
_LONG_HEX = re.compile(
    rb"""[0a-f] (?<=\b.) (?:
        (?<!\..) [0a-f]{7} (?:-[0a-f]{4}){3} -[0a-f]{12}
        | (?<![-.].) (?: (?<=0) (?=0*[a-f]) | (?<=[a-f]) (?=[a-f]*0) | (?<=0)x (?=[a-f]*0) (?=0*[a-f]) [0a-f] )
          [0a-f]{5,}
    ) \b (?!\.0)""",
    re.VERBOSE,
)
_SAME_UUID = b"0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"
_SAME_HEX, _ZERO = b"0a" * LOOKED_AT, ord("0")

# Numbers that tell kinds apart: an exit status, a signal, an errno, the status of HTTP, a port that is bound.
_KEPT = re.compile(
    rb"(?i:\b(?:exit(?:ed)?|status|code|signal|errno|error|rc|returned|ret))"
    rb"(?:[ =:#(]|(?:with|status|code|error) ){1,3}"
    rb"(-?\d{1,3})\b(?![.:\d]|/\d)"
    rb"|HTTP/\d(?:\.\d)?\"? (\d{3})\b"
    rb"|\((\d{1,3}): [A-Z]"
    rb"|(?:[Bb]ind|[Ll]isten)\w*(?:\(\))?(?: to| on| port)* (?:[\d.]*|\*|\[[\da-f:]*\]):?(\d{1,5})\b"
)
# Most messages have no such number. A word that each of these has, and what it begins with, in small letters and with
# zeros for digits: the second one is quick, for what it begins with is always a letter or a bracket.
_TELLING = re.compile(
    rb"(?i:\b(?:exit(?:ed)?|status|code|signal|errno|error|rc|returned|ret)(?:[=:#(wsce]|$)|bind|listen)"
    rb"|HTTP/\d|\(\d{1,3}:"
)
_MAY_BEGIN = re.compile(
    b"|".join(
        word + rb"(?:[ =:#(]|with |status |code |error )+-?0"
        for word in (b"exit(?:ed)?", b"status", b"code", b"signal", b"errno", b"error", b"rc", b"returned", b"ret")
    )
    + rb"|http/0|\(0{1,3}: |bind|listen"
)
# What stands in a message for the first of these, the second …: letters of no language.
_PLACES = [bytes((1, number)) for number in range(2, 9)]


# Where in a message a number is, from and to.
Span = tuple[int, int]


def kept_spans(text: bytes) -> tuple[Span, ...]:
    """Where the numbers are that tell messages apart that are alike: in all of these at the same places.

    text: alike() of one of them
    """
    small = text.lower()
    spans: list[Span] = []
    at = 0
    while len(spans) < len(_PLACES) and (begin := _MAY_BEGIN.search(small, at)):
        at = begin.start() + 1
        if match := _KEPT.match(text, at - 1):
            spans.append(match.span(match.lastindex or 0))
            at = match.end()
    return tuple(spans)


def kept_words(text: bytes, spans: Sequence[Span]) -> tuple[tuple[int, int, bytes], ...]:
    """Which words the kept_spans are in, and where in each.

    Messages of one pattern that masked() calls whole, and for which this is equal, have the same pattern_apart as long
    as those numbers are the same.
    """
    words = []
    for start, end in spans:
        begin = text.rfind(b" ", 0, start) + 1
        behind = text.find(b" ", end)
        word = text[begin : behind if behind >= 0 else len(text)]
        words.append((text.count(b" ", 0, begin), start - begin, word))
    return tuple(words)


def pattern_apart(message: bytes, spans: Sequence[Span]) -> bytes:
    """The pattern of a message, the numbers at its kept_spans in it as they are."""
    text, at = b"", 0
    for place, (start, end) in zip(_PLACES, spans):
        text += message[at:start] + place
        at = end
    pattern = pattern_of(text + message[at:])
    for place, (start, end) in zip(_PLACES, spans):
        pattern = pattern.replace(place, message[start:end])
    return pattern


def same_hex(text: bytes) -> bytes:
    """The text with its UUIDs and longer hexadecimal numbers all the same: of the same length, pattern and kept_spans.

    text: alike() of a message
    """
    # What is around an escape sequence comes together without it.
    return text if b"\x1b" in text else _LONG_HEX.sub(_same, text)


def _same(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if text[8:9] == b"-":
        return _SAME_UUID
    # What begins with a letter can be a word for another rule.
    return b"0x" + _SAME_HEX[: len(text) - 2] if text[:2] == b"0x" else _SAME_HEX[text[0] != _ZERO :][: len(text)]


def alike(message: bytes) -> bytes:
    """What of a message its pattern is made from: messages for which this is equal have the same one."""
    return message[:LOOKED_AT].translate(DIGITS)


def pattern_of(message: bytes) -> bytes:
    """The message with what changes masked: <n> for numbers and hexadecimal, <ip>, <mac>, <path>, <time>, <url> …."""
    return masked(alike(message))[0][:PATTERN_LENGTH]


def masked(text: bytes) -> tuple[bytes, bool, bool]:
    """The pattern of a message, not cut; whether it can have kept_spans; whether the pattern has all that it has.

    That is so where nothing but numbers, addresses and their like was masked, each within a word between single blanks.

    text: alike() of the message
    """
    plain = text
    if b"\x1b" in text:
        text = _ANSI.sub(b"", text)
    if b"user" in text or b"acct=" in text:
        text = _USER.sub(rb"\1<user>", text)
    if b"host=" in text or b"hostname=" in text or b"addr=" in text:
        text = _HOST.sub(rb"\1<host>", text)
    if len(_words) >= WORDS_KEPT:
        _words.clear()
        _telling.clear()
    words = text.split()
    pattern = b" ".join(map(_words.__getitem__, words))
    return pattern, text != plain or not _telling.isdisjoint(words), b" ".join(words) == plain


class _Words(dict[bytes, bytes]):
    """What is between white space, masked. A message has few that are new, once numbers are all alike."""

    def __missing__(self, word: bytes) -> bytes:
        masked = word
        if _is_hex(word):  # no word that tells is that
            masked = b"<n>"
        else:
            if _TELLING.search(word):
                _telling.add(word)
            if _CHANGING.search(word):
                masked = b"".join(map(_mask_word, _BETWEEN.split(word)))
        self[word] = masked
        return masked


_words = _Words()
# Those that a message has one of whose numbers may count.
_telling: set[bytes] = set()


def _mask_word(word: bytes) -> bytes:
    if not _CHANGING.search(word):
        return word
    bare = word.rstrip(b".:!?*")
    end = word[len(bare) :]
    if _is_hex(bare):
        return b"<n>" + end
    if match := _WHOLE.fullmatch(bare):
        return _RULES[(match.lastindex or 0) - 1][1] + end
    return _INSIDE.sub(_inside, bare) + end


def _is_hex(word: bytes) -> bool:
    """Whether it is a hexadecimal number; eight letters from a to f are one, fewer could be a word."""
    return len(word) >= 6 and (b"0" in word or len(word) >= 8) and bool(_HEX.fullmatch(word))


def _inside(match: re.Match[bytes]) -> bytes:
    return b"<%s>" % (match.lastgroup or "n").encode()
