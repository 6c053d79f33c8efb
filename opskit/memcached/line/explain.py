"""A line word by word, and a release option by option: what `explain` and `flags` say, as plain data. No I/O."""

from __future__ import annotations

from typing import Any, Optional

from opskit.core.units import KIB, MIB, size_text
from opskit.memcached.line import suboptions
from opskit.memcached.line.effect import Effect
from opskit.memcached.line.getopt import Given, Parsed, known
from opskit.memcached.line.lint import Judged
from opskit.memcached.line.numbers import PORTS, atof, atoi, item_size, size_t
from opskit.memcached.line.release import FIRST, PORT_CHECKED, Release, at, release_text
from opskit.memcached.line.suboptions import SUBOPTIONS
from opskit.memcached.line.table import FLOAT, INTEGER, OCTAL, SIZE, Flag
from opskit.memcached.line.table import SUBOPTIONS as LIST

NO_LIMIT = 2**62


def flag_json(flag: Flag, release: Release) -> dict[str, Any]:
    """One option in the result of `flags`."""
    changed = sorted({since for history in (flag.default, flag.does) for since, _ in history if since > FIRST})
    return {
        "option": f"-{flag.letter}",
        "long": f"--{flag.long}" if flag.long and release >= (1, 5, 0) else None,
        "value": flag.value or None,
        "meaning": flag.meaning,
        "default": at(flag.default, release) if flag.default else None,
        "range": range_text(flag, release) or None,
        "unit": flag.unit or None,
        "does": at(flag.does, release) if flag.does else None,
        "since": release_text(flag.since) if flag.since > FIRST else None,
        "changed": [release_text(one) for one in changed],
        "needs": flag.build or None,
    }


def range_text(flag: Flag, release: Release) -> str:
    """What it takes: `1 to 65535`; "" where there is no range."""
    if not flag.limits:
        return ""
    low, high, _ = at(flag.limits, release)
    if flag.kind == OCTAL:
        return f"{int(low or 0):o} to {int(high or 0):o}"
    if flag.kind == SIZE:
        return f"{int(low or 0) // KIB}k to {int(high or 0) // MIB}m"
    if flag.kind == FLOAT:
        return "more than 1"
    return f"{low:.0f} to {high:.0f}" if high is not None else f"{low:.0f} and up"


def flags_json(release: Release) -> dict[str, Any]:
    """Every option of a release."""
    rows = [row for row in SUBOPTIONS.values() if row.since <= release < row.until]
    return {
        "release": release_text(release),
        "options": [flag_json(flag, release) for flag in known(release)],
        "extended": [
            {
                "option": f"-o {row.name}",
                "value": row.value or None,
                "meaning": row.meaning,
                "least": row.low,
                "most": row.high,
                "since": release_text(row.since) if row.since > FIRST else None,
                "needs": row.build or None,
            }
            for row in rows
        ],
    }


def explained(judged: Judged) -> list[dict[str, Any]]:
    """Each word of the line, in its order: which option it is, how it is read, what it means in this release."""
    parsed, release = judged.parsed, judged.release
    rows = [(given.words[0], _option(given, number, parsed, release)) for number, given in enumerate(parsed.options)]
    for number in parsed.stray:
        row = {"text": parsed.words[number], "option": None, "read_as": None, "does": None}
        rows.append((number, {**row, "meaning": "no option: memcached passes over it"}))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _option(given: Given, number: int, parsed: Parsed, release: Release) -> dict[str, Any]:
    flag = given.flag
    if given.wrong or flag is None:
        return {"text": given.text, "option": None, "meaning": given.wrong, "read_as": None, "does": "exit status 1"}
    later = any(one.letter == given.letter and not one.wrong for one in parsed.options[number + 1 :])
    does = at(flag.does, release) if flag.does else None
    if later and flag.value and flag.letter not in "lo":
        does = "counts for nothing: the option comes again"
    return {
        "text": given.text,
        "option": f"-{flag.letter}" + (f", --{flag.long}" if flag.long and release >= (1, 5, 0) else ""),
        "meaning": flag.meaning,
        "read_as": read_as(flag, given.value, release),
        "does": does,
    }


def read_as(flag: Flag, value: Optional[str], release: Release) -> Optional[str]:
    """What memcached makes of a value, with its unit; None where that is the value itself."""
    if value is None or flag.kind not in {INTEGER, FLOAT, SIZE, LIST}:
        return None
    if flag.letter == "m":
        size = size_t(atoi(value) * MIB)
        return "no limit" if size > NO_LIMIT else size_text(size)
    if flag.kind == LIST:
        texts = [(name, suboptions.SUBOPTIONS.get(name)) for name, _ in suboptions.split(value)]
        return "; ".join(f"{name}: {row.meaning if row else 'unknown'}" for name, row in texts)
    if flag.kind == SIZE:
        return size_text(item_size(value))
    if flag.letter in "pU" and not (flag.letter == "p" and release >= PORT_CHECKED):
        return str(atoi(value) % PORTS if atoi(value) >= PORTS else atoi(value))
    return f"{atof(value):g}" if flag.kind == FLOAT else str(atoi(value))


def effect_json(found: Effect) -> dict[str, Any]:
    """What comes of a line: where it listens, what it serves, or how it ends."""
    low, high = found.clients()
    return {
        "starts": found.runs,
        "exit_status": found.exit_status,
        "why": found.why or None,
        "listeners": [one.text for one in found.listeners],
        "socket": found.socket or None,
        "memory_bytes": found.max_bytes,
        "connections": found.connections,
        "clients": {"least": low, "most": high} if found.runs else None,
        "threads": found.threads,
        "user": found.user or None,
        "pid_file": found.pid_file or None,
        "daemon": found.daemon,
    }
