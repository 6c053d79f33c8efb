"""A line word by word, and a release option by option: what `explain` and `flags` say, as plain data. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from opskit.core.text import counted
from opskit.core.units import size_text
from opskit.memcached.line.edit import corrected, shell
from opskit.memcached.line.effect import Effect, effect_of
from opskit.memcached.line.lint import Judgement
from opskit.memcached.line.numbers import FLOAT, OCTAL, SIZE, bound_port, memory_bytes
from opskit.memcached.line.parse import LineOption, known, parse
from opskit.memcached.line.release import FIRST, LONG_OPTIONS, PORT_CHECKED, Release, at, release_text
from opskit.memcached.line.sources import LineSource
from opskit.memcached.line.table import EXTENDED, SUBOPTIONS, Flag

if TYPE_CHECKING:
    from opskit.memcached.results import EffectRow, FlagsAnswer, LineAnswer, OptionRow, WordRow

NO_LIMIT = 2**62


def flag_json(flag: Flag, release: Release) -> OptionRow:
    """One option in the result of `flags`."""
    changed = sorted({since for history in (flag.default, flag.does) for since, _ in history if since > FIRST})
    return {
        "option": f"-{flag.letter}",
        "long": f"--{flag.long}" if flag.long and release >= LONG_OPTIONS else None,
        "value": flag.value or None,
        "meaning": flag.meaning,
        "default": at(flag.default, release) if flag.default else None,
        "range": flag.range_text(release) or None,
        "unit": flag.unit or None,
        "does": at(flag.does, release) if flag.does else None,
        "since": release_text(flag.since) if flag.since > FIRST else None,
        "changed": [release_text(release) for release in changed],
        "needs": flag.build or None,
    }


def flags_json(release: Release) -> FlagsAnswer:
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


def explained(judgement: Judgement) -> list[WordRow]:
    """Each word of the line, in its order: which option it is, how it is read, what it means in this release."""
    line = judgement.line
    rows = [(option.words[0], _option(option, number, judgement)) for number, option in enumerate(line.options)]
    for number in line.stray:
        why = "not an option: memcached ignores it"
        row: WordRow = {"text": line.words[number], "option": None, "meaning": why, "read_as": None, "does": None}
        rows.append((number, row))
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _option(option: LineOption, number: int, judgement: Judgement) -> WordRow:
    flag, line = option.flag, judgement.line
    if option.wrong or flag is None:
        return {"text": option.text, "option": None, "meaning": option.wrong, "read_as": None, "does": "exit status 1"}
    does = _here(option, flag, number, judgement)
    if flag.value and flag.letter not in "lo" and number != line.position(flag.letter):
        does = "ignored: the option is given again"
    return {
        "text": option.text,
        "option": f"-{flag.letter}" + (f", --{flag.long}" if flag.long and line.release >= LONG_OPTIONS else ""),
        "meaning": flag.meaning,
        "read_as": read_as(option, line.release),
        "does": does,
    }


def _here(option: LineOption, flag: Flag, number: int, judgement: Judgement) -> Optional[str]:
    """What the option does in this line: what is wrong with it, or what comes of it; nothing where memcached ends."""
    for result in judgement.results:
        if result.at == number or any(edit.number == number for edit in result.edits):
            return result.finding.title
    effect = judgement.effect
    if not effect.runs:
        return None
    where = {
        protocol: ", ".join(each.text for each in effect.listeners if each.protocol == protocol)
        for protocol in ("tcp", "udp")
    }
    low, high = effect.clients()
    texts = {
        "p": f"listens on {where['tcp']}" if where["tcp"] else "no TCP",
        "U": f"listens on {where['udp']}" if where["udp"] else "no UDP",
        "l": f"listens on {', '.join(filter(None, where.values()))}",
        "m": f"{size_text(effect.max_bytes)} for items" if effect.max_bytes <= NO_LIMIT else None,
        "c": f"serves {low} to {counted(high, 'client')}",
        "t": counted(effect.threads, "thread"),
        "I": f"items up to {size_text(effect.item_size)}",
        "u": f"becomes {effect.user}, where root starts it",
        "P": f"writes its pid to {effect.pid_file}" if effect.pid_file else "nothing without -d",
    }
    usual = at(flag.does, judgement.line.release) if flag.does else None
    return texts.get(option.letter, usual)


def read_as(option: LineOption, release: Release) -> Optional[str]:
    """What memcached makes of a value, with its unit; None where that is the value itself."""
    if option.flag and option.flag.kind == EXTENDED and option.value is not None:
        return "; ".join(f"{each.name}: {each.row.meaning if each.row else 'unknown'}" for each in option.extended)
    flag, number = option.flag, option.number
    if flag is None or number is None or flag.kind == OCTAL:
        return None
    if flag.letter == "m":
        size = memory_bytes(number.value)
        return "no limit" if size > NO_LIMIT else size_text(size)
    if flag.kind == SIZE:
        return size_text(option.integer)
    if flag.letter in "pU" and not (flag.letter == "p" and release >= PORT_CHECKED):
        return str(bound_port(number.value))
    return f"{number.value:g}" if flag.kind == FLOAT else str(option.integer)


def effect_json(effect: Effect) -> EffectRow:
    """What comes of a line: where it listens, what it serves, or how it ends."""
    low, high = effect.clients()
    return {
        "starts": effect.runs,
        "exit_status": effect.exit_status,
        "why": effect.why or None,
        "listeners": [listener.text for listener in effect.listeners],
        "socket": effect.socket or None,
        "memory_bytes": effect.max_bytes,
        "connections": effect.connections,
        "clients": {"least": low, "most": high} if effect.runs else None,
        "threads": effect.threads,
        "user": effect.user or None,
        "pid_file": effect.pid_file or None,
        "daemon": effect.daemon,
    }


def result_of(source: LineSource, judgement: Judgement) -> LineAnswer:
    """What lint and explain answer: the line, what comes of it, and a better one where there is one."""
    line = judgement.line
    words = corrected(line, judgement.results)
    # Where only a person knows what is right, nothing is corrected: the same line would be no answer, and one that does
    # not start neither.
    better = words != corrected(line, ()) or line.stray or any(option.wrong for option in line.options)
    better = better and not source.syntax and effect_of(parse(words, line.release)).status is None
    return {
        "origin": source.origin,
        "line": shell(source.program, source.words),
        "release": release_text(line.release),
        "effect": effect_json(judgement.effect),
        "corrected": shell(source.program, words) if better else None,
    }
