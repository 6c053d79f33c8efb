"""The form of a line of fstab: how many fields, numbers, line ends; where mount and systemd read it differently. Pure.

The finding says which of the two stumbles, and what happens at the next boot.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Optional

from opskit.core.finding import Finding
from opskit.core.text import counted, shown
from opskit.disk.fstab.boot import LIBMOUNT_SINCE, BootUnit, entry_at_boot, unit_at_boot
from opskit.disk.fstab.sources import names_a_device
from opskit.disk.fstab.text import (
    NOT_A_NUMBER,
    TOO_FEW_FIELDS,
    FstabEntry,
    entry_line,
    fields_of,
    number_fits,
    split_lines,
)
from opskit.disk.model import HostFacts

BYTE_ORDER_MARK = "\ufeff"
_FORM = "write: SOURCE MOUNTPOINT TYPE OPTIONS 0 0"
_COMMENTS = r"a space in a path is \040, and a comment stands on a line of its own"
_NUMBER = re.compile(r"[+-]?[0-9]+")
_INT = 2**31


def form(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    """The number of fields, what the last two are, and who reads the line differently."""
    evidence = evidence_of(facts, entry)
    if entry.ignored == TOO_FEW_FIELDS:
        title = f"line {entry.number} has only {counted(entry.count, 'field')}, so mount ignores it"
        yield Finding("bad-field-count", "error", title, evidence, _FORM)
    elif entry.ignored == NOT_A_NUMBER:
        title = f"line {entry.number}: the fifth or sixth field is not a number, so mount ignores the whole line"
        yield Finding("bad-number", "error", title, evidence, f"{_FORM} ({_COMMENTS})")
    elif entry.count > 6:
        title = f"line {entry.number} has {entry.count} fields; what comes after the sixth is ignored"
        yield Finding("bad-field-count", "warning", title, evidence, _COMMENTS)
    elif entry.count == 3:
        title = f"line {entry.number} has no options, which not every program that reads fstab accepts"
        yield Finding("bad-field-count", "warning", title, evidence, write_line(entry))
    if not entry.ignored:
        yield from _out_of_range(facts, entry)
    yield from read_otherwise(facts, entry)


def evidence_of(facts: HostFacts, entry: FstabEntry) -> str:
    """The line, with where it is."""
    return f"{facts.fstab.path}:{entry.number}: {entry.raw.strip()}"


def write_line(entry: FstabEntry, *, source: str = "", options: str = "") -> str:
    """The remedy: the line of the entry with another source or other options."""
    options = options or entry.options or "defaults"
    line = entry_line(source or entry.source, entry.target, entry.fstype, options, entry.dump, entry.pass_)
    return f"write line {entry.number} as: {line}"


def _out_of_range(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    fields = fields_of(entry.raw)
    for name, text in zip(("fifth", "sixth"), fields[4:6]):
        if not number_fits(text) or not -_INT <= int(text) < _INT:
            title = (
                f"line {entry.number}: the {name} field is out of range, and every program makes another number of it"
            )
            yield Finding("bad-number", "warning", title, evidence_of(facts, entry), f"write 0 in place of {text}")


def read_otherwise(facts: HostFacts, entry: FstabEntry) -> Iterator[Finding]:
    """Where systemd has another entry in the line than mount, or one where mount has none."""
    at_boot = entry_at_boot(entry, facts.systemd_release)
    unit = unit_at_boot(at_boot)
    if entry.ignored:
        difference = f"mount ignores the line, and {_reader(facts)} does not"
        differs = unit is not None
    else:
        fields = [] if at_boot is None else _different(entry, at_boot)
        difference = f"{_reader(facts)} reads {' and '.join(fields)} where mount reads something else"
        differs = bool(fields)
    if not differs:
        return
    title = f"line {entry.number}: {difference}: {_at_boot(entry, unit)}"
    severity = "error" if unit is None or unit.stops_boot or entry.ignored else "warning"
    yield Finding("boot-reads-otherwise", severity, title, evidence_of(facts, entry), _remedy(facts, entry))


def _reader(facts: HostFacts) -> str:
    return f"systemd {facts.systemd_release}" if facts.systemd_release else f"systemd (before {LIBMOUNT_SINCE})"


def _different(entry: FstabEntry, at_boot: FstabEntry) -> list[str]:
    """What systemd reads of each field that it reads otherwise. Options that are absent are no difference to mount."""
    names = {"source": "the source", "target": "the mount point", "fstype": "the type", "options": "the options"}
    pairs = ((name, getattr(entry, key), getattr(at_boot, key)) for key, name in names.items())
    return [f"{name} {shown(theirs)}" for name, ours, theirs in pairs if ours != theirs]


def _at_boot(entry: FstabEntry, unit: Optional[BootUnit]) -> str:
    """What comes of it at the next boot."""
    if unit is None:
        return "it is not mounted at boot"
    what = "swap area" if entry.is_swap else "disk" if names_a_device(entry) else "mount"
    unseen = "nofail" in entry.raw and not any(need == "wants" for _, need in unit.links)
    why = "nofail is not seen, and " if unseen else ""
    if unit.stops_boot:
        return f"{why}the boot stops without this {what}"
    if unit.automount:
        return "it is mounted at boot when it is first opened"
    return "the boot goes on without it" if unit.links else "it is not mounted at boot"


def _remedy(facts: HostFacts, entry: FstabEntry) -> str:
    if entry.raw.endswith(("\r\n", "\r")):
        return f"take the carriage returns out: sed -i --follow-symlinks 's/\\r$//' {shlex.quote(facts.fstab.path)}"
    line = meant(entry)
    return f"write line {entry.number} as: {line}" if line else f"{_FORM} ({_COMMENTS})"


def meant(entry: FstabEntry) -> str:
    """The line that the writer most likely meant: blanks within the options taken out, a comment too; "" if unclear."""
    fields = fields_of(entry.raw)
    if len(fields) < 4 or fields[3].startswith("#"):
        return ""
    options, rest = fields[3], fields[4:]
    while rest and not _NUMBER.fullmatch(rest[0]) and (options.endswith(",") or rest[0].startswith(",")):
        options += rest.pop(0)
    comment = next((place for place, field in enumerate(rest) if field.startswith("#")), len(rest))
    numbers = rest[:comment]
    if len(numbers) > 2 or not all(_NUMBER.fullmatch(number) and number_fits(number) for number in numbers):
        return ""
    options = ",".join(option for option in options.split(",") if option)
    return " ".join([*fields[:3], options or "defaults", *numbers, *["0"] * (2 - len(numbers))])


def file_form(facts: HostFacts) -> Iterator[Finding]:
    """What is wrong with the file as a whole: its first bytes."""
    if facts.fstab.text.startswith(BYTE_ORDER_MARK):
        first = split_lines(facts.fstab.text)[0].strip()
        title = "the file begins with a byte order mark, which mount and systemd read as a part of its first word"
        remedy = f"sed -i --follow-symlinks '1s/^\\xef\\xbb\\xbf//' {shlex.quote(facts.fstab.path)}"
        yield Finding("byte-order-mark", "error", title, f"{facts.fstab.path}:1: {first}", remedy)
