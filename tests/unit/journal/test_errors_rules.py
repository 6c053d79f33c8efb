"""What is asked quickly before a rule or a number is looked for: the answer is that of asking for all of it."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opskit.journal.errors import kernel
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.incidents import COREDUMP, JOURNALD, MANAGER, RSYSLOG
from opskit.journal.errors.mask import _KEPT, alike, kept_spans, masked
from opskit.journal.errors.rules import needed_texts
from tiers import Agree
from unit.journal.test_errors_groups import SECOND, entry

RULES = (*kernel.KERNEL, *kernel.AVC, *kernel.SETROUBLESHOOT, *JOURNALD, *RSYSLOG, *MANAGER, *COREDUMP)
TEXT = Path(__file__).parents[2] / "golden" / "journal" / "kernel.txt"
LINES = [line.partition("\t")[2] for line in TEXT.read_text().splitlines() if line[0] != "#"]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        (b"error, dev (?:fd|sr)\\d+,", (b"error, dev ",)),
        (b"colou?r of it", (b"r of it",)),
        (b"no(?: more)? space", (b" space",)),
        (b"one two|three [Ff]our", (b"one two", b"three ")),
        (b"(?P<subject>Memory failure): 0x", (b"Memory failure",)),
        (b"x (?:Reset adapter|tx timeout)$", (b"Reset adapter", b"tx timeout")),
        (b"ab{2}cd", (b"cd",)),
        (b"(?:long text)*end", (b"end",)),
        (b"(?:long text)+end", (b"long text",)),
        (b"\\(a\\) \\d+\\.x", (b"(a) ",)),
        (b"a(?!long text)b", (b"a",)),
        (b"(?i:long text)b", (b"b",)),
        (b"\\S+|known", (b"",)),
        (b"[]x]y", (b"y",)),
        (b"", (b"",)),
    ],
)
def test_what_stands_in_all_that_an_expression_fits(source: bytes, texts: tuple[bytes, ...]) -> None:
    assert needed_texts(source) == texts


@settings(max_examples=100)
@given(st.data())
def test_what_a_rule_fits_has_a_text_that_it_needs(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(RULES))
    message = data.draw(st.from_regex(rule.pattern))
    assert any(text in message for text in rule.needs)


def test_the_rules_of_the_kernel_all_need_something() -> None:
    assert all(min(map(len, rule.needs)) >= 4 for rule in RULES)


PIECES = [
    "exit", "exited", "status", "code", "signal", "errno", "Error", "rc", "src", "returned", "ret", "with ", "code ",
    "HTTP/1.1", "HTTP/2", '"', " ", " ", "=", ":", "#", "(", "-", "/", ".", "5", "404", "1234", "bind", "Listening",
    "() to ", " port ", "*", "[::1]", "98: In", "98: in", "\n",
]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=24))
def test_the_numbers_that_count_are_those_of_a_search_through_all_of_it(pieces: list[str]) -> None:
    text = alike("".join(pieces).encode())
    spans = tuple(match.span(match.lastindex or 0) for match in _KEPT.finditer(text))[:7]
    assert kept_spans(text) == spans
    assert masked(text)[1] or not spans


@pytest.mark.parametrize("numbers", ["82", "28", "9b"])
def test_a_command_that_a_disk_does_not_know_hides_none_that_failed(numbers: str) -> None:
    tally = Tally(3)
    messages = [f"nvme0n1: I/O Cmd(0x{number}) @ LBA 8, 8 blocks" for number in numbers]
    tally.add([entry(message, SECOND, 4, _TRANSPORT="kernel") for message in messages])
    (incident,) = tally.incidents.all()
    assert (incident.subject, incident.count) == ("nvme0n1", 1)


def varied(message: str, rnd: random.Random) -> str:
    """The message with other numbers, but in names; now and then with a word before it, or one more blank."""

    def number(match: re.Match[str]) -> str:
        return match[0] if rnd.random() < 0.4 else str(rnd.randrange(99999))

    message = re.sub(r"(?<![A-Za-z\d])\d+", number, message)
    message = f"{rnd.getrandbits(64):x} {message}" if rnd.random() < 0.1 else message
    return message.replace(" ", "  ", 1) if rnd.random() < 0.1 else message


def test_a_message_is_what_it_is_alone_whatever_came_before_it(agree: Agree) -> None:
    rnd = random.Random(1)
    rnd.shuffle(made := [varied(line, rnd) for line in LINES for _ in range(6)])
    entries = [entry(message, SECOND, 4, _TRANSPORT="kernel") for message in made]
    together = Tally(3)
    together.add(entries)
    alone: Counter[tuple[str, str]] = Counter()
    for one in entries:
        tally = Tally(3)
        tally.add([one])
        alone.update({(incident.kind, incident.subject): incident.count for incident in tally.incidents.all()})
    counts = {(incident.kind, incident.subject): incident.count for incident in together.incidents.all()}
    same = sum((alone & Counter(counts)).values())
    assert counts == dict(alone)
    agree("incidents of messages of the kernel, together and each alone", same, sum(alone.values()))
