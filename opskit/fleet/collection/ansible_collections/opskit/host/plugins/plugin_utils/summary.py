"""The hosts of a run by what happened to them: those that fared alike are told once. Nothing here needs Ansible."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

WIDTH = 80
# Of hosts that fared alike, so many lines of names; of their changes, so many.
NAME_LINES, CHANGES = 3, 8
# What stands first is what somebody has to do something about.
OUTCOMES = (
    "unreachable", "half done", "failed", "taken back", "busy", "missing", "refused", "not begun", "findings",
    "changed", "to change", "nothing to do",
)  # fmt: skip
BY_CODE = {4: "findings", 5: "refused", 6: "missing", 7: "busy", 8: "taken back", 9: "half done"}
SEVERITIES = ("critical", "error", "warning", "info")


class Told(NamedTuple):
    """What became of a host in a task. diff: "" where none is to be shown."""

    host: str
    outcome: str
    message: str
    changes: tuple[str, ...] = ()
    diff: str = ""
    findings: tuple[tuple[str, str, str], ...] = ()


class Line(NamedTuple):
    """A line of the summary. outcome: what it is about, for its colour; "" for what goes with the line before."""

    text: str
    outcome: str = ""


def tell(host: str, result: dict[str, Any], *, failed: bool = False, check: bool = False, diff: bool = False) -> Told:
    """What the result of an action of this collection tells.

    failed: whether Ansible counts it as a failure; newer ones do not leave that in the result
    check: whether nothing was to be changed
    """
    rc = result.get("rc")
    changed = bool(result.get("changed"))
    if result.get("not_begun"):
        outcome = "not begun"
    elif rc in BY_CODE:
        outcome = BY_CODE[rc]
    elif failed:
        outcome = "failed"
    else:
        outcome = ("to change" if check else "changed") if changed else "nothing to do"
    findings = tuple((each["severity"], each["id"], each["title"]) for each in result.get("findings") or ())
    changes = tuple(f"{each['action']}: {each['target']}" for each in result.get("changes") or ())
    quiet = outcome in {"nothing to do", "changed", "to change", "findings", "not begun"}
    message = "" if quiet else str(result.get("msg", ""))
    shown = str((result.get("diff") or {}).get("prepared", "")) if diff and changed else ""
    return Told(host, outcome, message, changes if changed else (), shown, findings)


def summarize(task: str, told: Iterable[Told]) -> list[Line]:
    """The lines of one task: its hosts by what happened, then by what was found."""
    every = list(told)
    lines = [Line(line) for line in _wrapped(f"{task} ({_hosts(each.host for each in every)})", "", "  ")]
    alike: dict[tuple[str, str, tuple[str, ...], str], list[str]] = {}
    for each in every:
        alike.setdefault((each.outcome, each.message, each.changes, each.diff), []).append(each.host)
    for key in sorted(alike, key=lambda key: (OUTCOMES.index(key[0]), -len(alike[key]), key)):
        outcome, message, changes, diff = key
        head = f"{_hosts(alike[key])}: {outcome}" + (f": {message}" if message else "")
        lines += [Line(line, outcome) for line in _wrapped(head, "  ", "      ")]
        lines += [Line(line) for line in _names(alike[key])]
        lines += [Line(line) for change in changes[:CHANGES] for line in _wrapped(change, "      ", "        ")]
        if len(changes) > CHANGES:
            lines.append(Line(f"      and {len(changes) - CHANGES} more"))
        lines += [Line(f"      {shown(line)}") for line in diff.splitlines()]
    return [*lines, *_found(every)]


def _found(every: list[Told]) -> list[Line]:
    """The findings, each with all hosts that have it; where its title differs from host to host, one of them."""
    hosts: dict[tuple[str, str], list[str]] = {}
    titles: dict[tuple[str, str], dict[str, None]] = {}
    for each in every:
        for severity, key, title in each.findings:
            if each.outcome == "refused":  # the message has it
                continue
            named = hosts.setdefault((severity, key), [])
            named += [] if each.host in named else [each.host]
            titles.setdefault((severity, key), {})[title] = None
    lines = []
    for finding in sorted(hosts, key=lambda key: (_rank(key[0]), -len(hosts[key]), key)):
        first, alike = next(iter(titles[finding])), len(titles[finding]) > 1
        text = f"{_hosts(hosts[finding])}: {finding[0]}: " + (f"{finding[1]}, such as: " if alike else "") + first
        lines += [Line(line, finding[0]) for line in _wrapped(text, "  ", "      ")]
        lines += [Line(line) for line in _names(hosts[finding])]
    return lines


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _names(hosts: list[str]) -> list[str]:
    """The hosts by name, as many as have room."""
    lines = _wrapped(", ".join(sorted(hosts)), "      ", "      ")
    if len(lines) <= NAME_LINES:
        return lines
    kept = lines[:NAME_LINES]
    left = len(hosts) - sum(line.count(",") for line in kept)
    return [*kept, f"      and {left} more"]


def _wrapped(text: str, first: str, others: str) -> list[str]:
    """Text in lines that are not wider than the screen; a word is never divided, nor what escapes in it obeyed."""
    return textwrap.wrap(
        shown(text), WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def shown(text: str) -> str:
    """Text of a host as a person sees it: a control character, or a byte that is no text, as its number."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "replace").decode() for char in text)


def _hosts(names: Iterable[str]) -> str:
    """How many hosts they are; of a loop, each is there with each item in parentheses."""
    count = len({name.partition(" (")[0] for name in names})
    return f"{count} host" if count == 1 else f"{count} hosts"
