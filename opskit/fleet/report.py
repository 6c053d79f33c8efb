"""A run of the fleet as one page of HTML for who was not there: it needs no script, and nothing from anywhere. No I/O.

Every text goes through _text: what hosts say is shown, and never read as markup.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Optional

from opskit.core.text import counted, shown
from opskit.fleet.groups import (
    GOOD,
    OPEN,
    SHORT,
    WORDS,
    ChangeText,
    FindingText,
    Found,
    Group,
    findings_of,
    found_groups,
    go_on,
    plan_groups,
    plan_verdict,
    reason,
    run_groups,
    state_word,
    verdict,
)
from opskit.fleet.model import FleetPlan, FleetRun, HostState, exit_code

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --page: #fff; --card: #f6f8fa; --line: #d0d7de;
  --good: #116329; --bad: #a40e26; --warn: #7d4e00; --info: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9da7b3; --page: #0d1117; --card: #161b22;
  --line: #30363d; --good: #56d364; --bad: #ff938a; --warn: #e3b341; --info: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 .75rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; }
code { font: .875em/1.5 ui-monospace, monospace; }
.cmd { display: block; background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: .5rem .75rem; margin: .25rem 0; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0; }
dt { color: var(--dim); } dd { margin: 0; }
details, .found { border: 1px solid var(--line); border-radius: 6px; padding: .6rem .85rem; margin: .5rem 0; }
summary { cursor: pointer; }
details[open] > summary { margin-bottom: .5rem; }
p { margin: .35rem 0; } .dim, th { color: var(--dim); } .names { color: var(--dim); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); } .info { color: var(--info); }
b { font-weight: 600; }
table { width: 100%; border-collapse: collapse; font-size: .925rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line); }
th { font-weight: 600; border-top: 0; white-space: nowrap; }
td { overflow-wrap: normal; } td:first-child { min-width: 11rem; overflow-wrap: anywhere; }
td[data-name="run there"], td[data-name="ended"] { white-space: nowrap; }
td:last-child, td code { overflow-wrap: anywhere; }
@media (max-width: 44rem) {
  thead { display: none; }
  tr { display: block; border-top: 1px solid var(--line); padding: .5rem 0; }
  td { display: grid; grid-template-columns: 6.5rem 1fr; gap: .5rem; border: 0; padding: .1rem 0; }
  td:empty { display: none; }
  td::before { content: attr(data-name); color: var(--dim); }
  td[data-name], td:first-child { white-space: normal; min-width: 0; overflow-wrap: anywhere; }
}
@media print {
  :root { --ink: #000; --dim: #444; --page: #fff; --card: #fff; --good: #000; --bad: #000; --warn: #000; --info: #000; }
  main { max-width: none; padding: 0; } body { font-size: 11px; }
  details::details-content { display: block; content-visibility: visible; }
  tr, .found { break-inside: avoid; } thead { display: table-header-group; }
}
"""
# A time is told in seconds.
_FRACTION = re.compile(r"\.\d+(?=[Z+-])", re.ASCII)
SEVERITY_CLASS = {"info": "info", "warning": "warn", "error": "bad", "critical": "bad"}


def page(run: FleetRun, states: Mapping[str, HostState], made: str, plan: Optional[FleetPlan] = None) -> str:
    """The page.

    made: when
    plan: what was carried out, where that is known
    """
    head = verdict(run, states)
    title = f"opskit fleet {run.kind}: {head}"
    first, _, rest = head.partition(", ")
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        f'<p class="dim">opskit fleet {_text(run.kind)}</p>',
        f'<h1 class="{"bad" if exit_code(states) else "good"}">{_text(first)}</h1>',
        f'<p class="{"bad" if exit_code(states) else "dim"}">{_text(rest)}</p>' if rest else "",
        *_about(run, made),
        *_fared(run, states),
        *_hosts(run, states),
        *_findings(states),
        *(_plan(plan) if plan else ()),
        "</main>\n</body>\n</html>",
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """Any text, as the text of an element or the value of an attribute."""
    return escape(shown(text))


def _command(line: str) -> str:
    return f'<code class="cmd">{_text(line)}</code>'


def _about(run: FleetRun, made: str) -> Iterator[str]:
    if run.of:
        yield f"<p>Takes back run <code>{_text(run.of)}</code>:</p>"
    yield _command(shlex.join(["opskit", *run.argv]))
    rows = [
        ("run", run.id), ("began", run.began), ("this page", made), ("inventory", " ".join(run.inventory)),
        ("limit", run.limit), ("batches", ", ".join(run.serial)), ("opskit", run.opskit),
    ]  # fmt: skip
    yield "<dl>"
    yield from (f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in rows if value)
    yield "</dl>"


def _fared(run: FleetRun, states: Mapping[str, HostState]) -> Iterator[str]:
    """The hosts by what became of them; those that are as they should be are folded."""
    groups = run_groups(run, states)
    yield "<section>\n<h2>What became of the hosts</h2>"
    for group in groups:
        yield f"<details{'' if group.state in GOOD else ' open'}>"
        why = f": {_text(group.why)}" if group.why else ""
        yield f"<summary>{_count(group.hosts)}: {_state(group.state, WORDS)}{why}</summary>"
        yield _names(group.hosts)
        yield from (_finding(finding) for finding in group.findings if finding.title != group.why)
        if group.left:
            yield f"<p>State: {_text(group.left)}</p>"
        yield from _todo(group)
        yield "</details>"
    line, hosts = go_on(run, groups)
    if line:
        yield f"<p>Go on with {counted(hosts, 'host')}:</p>{_command(line)}"
    yield "</section>"


def _todo(group: Group) -> Iterator[str]:
    if group.todo:
        yield f"<p>To do there:</p>{''.join(map(_command, group.todo))}"
    if group.then:
        yield f"<p>To do:</p>{''.join(map(_command, group.then))}"


def _count(hosts: Sequence[str]) -> str:
    """How many they are, or the name of a single one."""
    return f"<b>{_text(hosts[0]) if len(hosts) == 1 else counted(len(hosts), 'host')}</b>"


def _names(hosts: Sequence[str]) -> str:
    if len(hosts) == 1:
        return ""
    return f'<p class="names">{", ".join(map(_text, hosts))}</p>'


def _state(state: str, words: Mapping[str, str]) -> str:
    style = "good" if state in GOOD else "dim" if state in OPEN else "bad"
    return f'<b class="{style}">{_text(words[state])}</b>'


def _hosts(run: FleetRun, states: Mapping[str, HostState]) -> Iterator[str]:
    """A row for each host, those that need somebody first."""
    order = list(WORDS)
    rows = [(state_word(run, state), name, state) for name, state in states.items()]
    rows += [("left_out", name, HostState("waiting", why=why)) for name, why in run.left_out.items()]
    rows.sort(key=lambda row: order.index(row[0]))
    lines = []
    for word, name, state in rows:
        why = reason(state.why) or "; ".join(each.title for each in findings_of(state.new))
        cells = (
            _text(name), _state(word, SHORT), "" if state.exit_code is None else str(state.exit_code),
            _text(state.run), _text(_FRACTION.sub("", state.ended)), _text(why),
        )  # fmt: skip
        lines.append(cells)
    yield f"<section>\n<h2>{counted(len(rows), 'host')}</h2>"
    yield from _table(("host", "state", "exit", "run there", "ended", "why"), lines)
    yield "</section>"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table of cells that are markup already; on a narrow page each has the name of its column beside it."""
    yield f"<table>\n<thead><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr></thead>\n<tbody>"
    for row in rows:
        inner = (f"<div>{cell}</div>" if cell else "" for cell in row)
        cells = (f'<td data-name="{name}">{cell}</td>' for name, cell in zip(names, inner))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody>\n</table>"


def _findings(states: Mapping[str, HostState]) -> Iterator[str]:
    """The findings of all hosts, each once."""
    groups: list[Found] = found_groups(states)
    if not groups:
        return
    yield "<section>\n<h2>Findings</h2>"
    for found in groups:
        seen = found.finding.evidence
        yield f'<div class="found">{_finding(found.finding)}'
        yield f"<p>{_count(found.hosts)}</p>{_names(found.hosts)}"
        yield f"<p>Seen: {_text(seen)}</p></div>" if seen else "</div>"
    yield "</section>"


def _finding(finding: FindingText) -> str:
    style = SEVERITY_CLASS[finding.severity]
    text = f'<p><b class="{style}">{finding.severity}</b>: {_text(finding.title)} <code>{_text(finding.id)}</code></p>'
    return text + (f"<p>To do there:</p>{_command(finding.remedy)}" if finding.remedy else "")


def _plan(plan: FleetPlan) -> Iterator[str]:
    """What each host was to have, folded."""
    yield f'<section>\n<h2>The plan</h2>\n<p>{_text(plan_verdict(plan))}; made <span class="dim">{_text(plan.made)}'
    yield "</span></p>"
    for group in plan_groups(plan):
        what = f"{counted(len(group.changes), 'change')}{' each' if len(group.hosts) > 1 else ''}"
        why = f": {_text(group.why)}" if group.why else ""
        words = _text(what) if group.state == "changes" else _state(group.state, WORDS) + why
        yield f"<details>\n<summary>{_count(group.hosts)}: {words}</summary>\n{_names(group.hosts)}"
        if group.changes:
            yield from _changes(group.changes)
        yield "</details>"
    yield "</section>"


def _changes(changes: Sequence[ChangeText]) -> Iterator[str]:
    lasting = ' <b class="warn">cannot be taken back</b>'
    rows = [
        (
            _text(change.action) + (lasting if change.lasting else ""),
            f"<code>{_text(change.target)}</code>",
            _text(change.before),
            _text(change.after),
        )
        for change in changes
    ]
    yield from _table(("change", "of", "before", "after"), rows)
