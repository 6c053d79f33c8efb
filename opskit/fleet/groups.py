"""Hosts that fared alike, once: what a plan, a run and a check of many hosts come to for whoever reads it. No I/O.

Texts of two hosts are alike when they differ in nothing but names that every host has for itself (UUIDs, ids of runs,
times, what ssh calls it) and in numbers that stand alone. They are told once: such a name as "...", numbers as
"91 to 97".
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Optional, TypeVar, Union

from opskit.core.finding import SEVERITIES, follow_up
from opskit.core.jsonable import to_json
from opskit.core.plan import RUN_ID
from opskit.core.text import counted
from opskit.fleet.model import AGAIN, NUMBER, OVER, FleetPlan, FleetRun, HostPlan, HostState, counts, object_of, rows_of

T = TypeVar("T")
# Of a longer text of a host only the beginning is told; --json has all of it.
LONGEST = 600
# What each host has a name of its own for: UUIDs, ids of runs, times, numbers in hexadecimal.
_OWN = (
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    rf"|{RUN_ID}"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"
    r"|(?<![0-9A-Za-z])[0-9a-f]{16,}(?![0-9A-Za-z])"
    # How it is called where ssh tells of it.
    r"|(?<=ssh: connect to host )\S+|(?<=ssh: Could not resolve hostname )[^\s:]+|(?<=Connection closed by )\S+"
    r"|\S+@\S+(?=: Permission denied \()"
)
_VARYING = re.compile(f"({_OWN}|{NUMBER})", re.ASCII)
_IS_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?", re.ASCII)


@dataclass(frozen=True)
class ChangeText:
    """A change as it is told."""

    action: str
    target: str
    before: str
    after: str
    lasting: bool
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingText:
    """A finding as it is told. area: which has it, "" where that is not known."""

    id: str
    severity: str
    title: str
    evidence: str = ""
    remedy: str = ""
    area: str = ""


@dataclass(frozen=True)
class Group:
    """Hosts that fared alike, the first in the order of the inventory.

    state: of the model: the state of a host in a run, or the outcome of its plan; "new" for one that is done and has
        findings that were not there before
    why, left: what the hosts said, and the state that they are in
    todo: what to do next on such a host; then: what to do here; each a line to paste
    differs: whether the numbers of the hosts are not all the same
    """

    state: str
    hosts: tuple[str, ...]
    why: str = ""
    left: str = ""
    todo: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    changes: tuple[ChangeText, ...] = ()
    findings: tuple[FindingText, ...] = ()
    differs: bool = False

    @property
    def words(self) -> str:
        """How it stands with these hosts."""
        return WORDS[self.state]


# How it stands with a host, for who has to do with it at three in the morning; what it said stands behind it. The worst
# is told first.
WORDS = {
    "take_back_failed": "failed, and not all of it could be taken back",
    "unknown": "had begun, and nobody heard how it ended; the host's own ledger knows",
    "failed": "failed",
    "new": "done, but opskit check finds what was not there before",
    "taken_back": "failed, and taken back",
    "busy": "busy",
    "missing": "not equipped",
    "refused": "refused",
    "unreachable": "unreachable",
    "begun": "at work",
    "waiting": "not begun",
    "left_out": "left out of the run",
    "changes": "to change",
    "done": "done",
    "undone": "taken back",
    "nothing": "nothing to do",
}
# The same where hosts are counted, if that is not the same.
SHORT = {
    **WORDS,
    "take_back_failed": "failed and not all taken back",
    "unknown": "without an answer",
    "new": "done with new findings",
    "taken_back": "failed and taken back",
    "left_out": "left out",
    "nothing": "with nothing to do",
}
GOOD = frozenset({*OVER, "changes", "undone"})
OPEN = frozenset({"begun", "waiting", "left_out"})


def plan_groups(plan: FleetPlan) -> list[Group]:
    """The hosts of a plan by what would happen: what is to be approved first."""
    undo = plan.argv[:1] == ("undo",)
    groups = alike([_planned(name, host, undo=undo) for name, host in plan.hosts.items()])
    order = ("changes", "refused", "failed", "unreachable", "nothing")
    return sorted(groups, key=lambda group: (order.index(group.state), -len(group.hosts)))


def _planned(name: str, host: HostPlan, *, undo: bool) -> Group:
    findings = findings_of(host.findings)
    return Group(
        host.outcome,
        (name,),
        reason(host.why),
        todo=first_remedy(findings, host.why),
        then=way_todo(host.why) if host.outcome in {"failed", "unreachable"} else (),
        # What an undo does is not said to be taken back itself.
        changes=tuple(replace(change, lasting=change.lasting and not undo) for change in changes_of(host.changes)),
        findings=findings,
    )


def run_groups(run: FleetRun, states: Mapping[str, HostState], *, live: bool = False) -> list[Group]:
    """The hosts of a run by what became of them, the worst first. live: it is under way."""
    groups = alike([_fared(run, name, state) for name, state in states.items()])
    groups += alike([Group("left_out", (name,), reason(why)) for name, why in run.left_out.items()])
    order = list(WORDS)
    groups.sort(key=lambda group: (order.index(group.state), -len(group.hosts)))
    stopped = sum(state.failed for state in states.values()) > run.max_fail
    return [group if live else _next(run, group, stopped=stopped) for group in groups]


def _fared(run: FleetRun, name: str, state: HostState) -> Group:
    word = state_word(run, state)
    if word in GOOD and run.kind in KEPT:
        # What is done is told by the plan, and what it said beside is in the answer of each host.
        return Group(word, (name,))
    findings = findings_of(state.new if word == "new" else state.findings)
    todo = clipped(state.todo)
    return Group(
        word,
        (name,),
        "" if word == "unknown" else reason(state.why),
        clipped(state.left),
        (todo,) if todo else first_remedy(findings, state.why),
        way_todo(state.why) if word in {"failed", "unreachable", "missing"} else (),
        findings=findings,
    )


# The runs whose state is on disk: they can be resumed and taken back.
KEPT = frozenset({"apply", "undo"})


def state_word(run: FleetRun, state: HostState) -> str:
    """How it stands with a host, a word of WORDS."""
    if state.state in OVER and state.new:
        return "new"
    return "undone" if state.state == "done" and run.kind == "undo" else state.state


def _next(run: FleetRun, group: Group, *, stopped: bool) -> Group:
    """The group with what to do about it here."""
    if group.state == "refused" and run.kind == "apply":
        # What the host says is for who sits there: without --only-plan. From here it is a new plan.
        return replace(group, todo=(), then=(new_plan(run, group.hosts),))
    if group.state == "waiting" and run.kind in KEPT:
        more = f"more than {counted(run.max_fail, 'host')} had failed (--max-fail)"
        return replace(group, why=f"the run stopped: {more}" if stopped else "the run ended before")
    return group


def go_on(run: FleetRun, groups: Sequence[Group]) -> tuple[str, int]:
    """The line that goes on with a run, and on how many hosts; "" and 0 where there is nothing to go on with."""
    hosts = sum(len(group.hosts) for group in groups if group.state in AGAIN) if run.kind in KEPT else 0
    return (follow_up("fleet", "resume", run.id), hosts) if hosts else ("", 0)


def new_plan(run: FleetRun, hosts: Sequence[str]) -> str:
    """The line that makes a new plan for some hosts of a run, reached as they were."""
    words = ["opskit", "fleet", "plan"]
    for each in run.inventory:
        words += ["-i", each]
    names = ",".join(hosts)
    words += ["-l", names if len(names) <= LONGEST else "HOSTS", *way_words(run)]
    return f"{shlex.join([*words, '--', *run.argv])} > plan.json"


def way_words(of: Union[FleetPlan, FleetRun]) -> list[str]:
    """How its hosts are reached, and which opskit runs there, as it is typed; what nobody names is left out."""
    tool = [(key, value) for key, value in of.tool.items() if (key, value) != ("tool", "auto")]
    return [*of.ansible, *(word for key, value in tool for word in (f"--{key.replace('_', '-')}", value))]


def verdict(run: FleetRun, states: Mapping[str, HostState]) -> str:
    """The one line: of how many hosts how many are done, and what of the others."""
    words = [state_word(run, state) for state in states.values()]
    words += ["left_out"] * len(run.left_out)
    good = sum(word in GOOD for word in words)
    verb = {"undo": "taken back", "apply": "done"}.get(run.kind, "answered")
    rest = [f"{words.count(word):,} {SHORT[word]}" for word in WORDS if word not in GOOD and word in words]
    return ", ".join([f"{good:,} of {counted(len(states), 'host')} {verb}", *rest])


def plan_verdict(plan: FleetPlan) -> str:
    """The one line of a plan."""
    outcomes = [host.outcome for host in plan.hosts.values()]
    parts = [
        f"{outcomes.count(outcome):,} {SHORT[outcome]}"
        for outcome in ("changes", "refused", "failed", "unreachable", "nothing")
        if outcome in outcomes
    ]
    return f"{counted(len(outcomes), 'host')}: {', '.join(parts)}" if parts else "no hosts"


@dataclass(frozen=True)
class Found:
    """A finding with the hosts that have it."""

    finding: FindingText
    hosts: tuple[str, ...]


def found_groups(states: Mapping[str, HostState]) -> list[Found]:
    """The findings of a check over many hosts, each once: the most severe first, then what most hosts have."""
    found: dict[Any, list[tuple[str, FindingText]]] = {}
    for name, state in states.items():
        for finding in findings_of(state.findings, looks_of(state.answer)):
            key = (finding.id, finding.severity, template(finding.title))
            found.setdefault(key, []).append((name, finding))
    groups = [
        Found(_one_finding(each), tuple(dict.fromkeys(name for name, _finding in each))) for each in found.values()
    ]
    return sorted(groups, key=lambda group: (-SEVERITIES.index(group.finding.severity), -len(group.hosts)))


def _one_finding(found: Sequence[tuple[str, FindingText]]) -> FindingText:
    hosts = [name for name, _finding in found]
    all_of = [finding for _name, finding in found]
    return replace(
        all_of[0],
        title=merged([finding.title for finding in all_of]),
        evidence=_evidence(hosts, [finding.evidence for finding in all_of]),
        remedy=one_line(hosts, [finding.remedy for finding in all_of]),
    )


def _evidence(hosts: Sequence[str], texts: Sequence[str]) -> str:
    """What was seen, of all hosts or, where it is not alike, of the first."""
    if len({template(text) for text in texts}) == 1:
        return merged(texts)
    return f"on {hosts[0]}: {texts[0]}" if texts[0] else ""


def one_line(hosts: Sequence[str], lines: Sequence[str]) -> str:
    """A line to paste: never one that is made of several. Where it is not the same on all, the first host's."""
    return lines[0] if len(set(lines)) == 1 else f"on {hosts[0]}: {lines[0]}"


def worst(state: HostState) -> str:
    """The most severe of a host's findings, "" for none."""
    severities = {finding.severity for finding in findings_of(state.findings)}
    return next((severity for severity in reversed(SEVERITIES) if severity in severities), "")


def check_verdict(states: Mapping[str, HostState]) -> str:
    """The one line of a check: how many hosts are in order, and what of the others."""
    answered = [worst(state) for state in states.values() if state.state in OVER]
    parts = [
        f"{number:,} with {severity if severity == 'critical' else f'{severity}s'}"
        for severity in ("critical", "error", "warning")
        if (number := answered.count(severity))
    ]
    order = answered.count("") + answered.count("info")
    parts += [f"{order:,} in order"] if order else []
    found = {state: number for state, number in counts(states).items() if state not in OVER}
    parts += [f"{number:,} {SHORT[state]}" for state, number in found.items()]
    return f"{counted(len(states), 'host')}: {', '.join(parts)}" if states else "no hosts"


@dataclass(frozen=True)
class Answered:
    """Hosts with the same answer, and no other. answer: the envelope's result and findings."""

    hosts: tuple[str, ...]
    result: Any
    findings: tuple[FindingText, ...]


def answer_groups(states: Mapping[str, HostState]) -> list[Answered]:
    """The answers of hosts that gave one, equal ones once, in the order of the first host of each."""
    found: dict[str, Answered] = {}
    for name, state in states.items():
        if state.state in OVER and state.answer is not None:
            one = Answered((name,), state.answer.get("result"), findings_of(state.findings))
            equal = json.dumps([one.result, to_json(one.findings)], sort_keys=True)
            before = found.get(equal)
            found[equal] = replace(before, hosts=(*before.hosts, name)) if before else one
    return list(found.values())


def changes_of(changes: Iterable[Any]) -> tuple[ChangeText, ...]:
    """The changes of an answer, whatever its host put there."""
    return tuple(
        ChangeText(
            _text(each, "action"),
            _text(each, "target"),
            _text(each, "before"),
            _text(each, "after"),
            lasting=each.get("reversible") is False,
            commands=tuple(clipped(str(line)) for line in _list(each.get("commands"))),
        )
        for each in changes
        if isinstance(each, dict)
    )


def findings_of(findings: Iterable[Any], looks: Sequence[Mapping[str, Any]] = ()) -> tuple[FindingText, ...]:
    """The findings of an answer, whatever its host put there. looks: of an answer of `opskit check`."""
    return tuple(
        FindingText(
            _text(each, "id"),
            severity if (severity := _text(each, "severity")) in SEVERITIES else "error",
            _text(each, "title"),
            _text(each, "evidence"),
            _text(each, "remedy"),
            next((_text(look, "area") for look in looks if _has(look, each)), ""),
        )
        for each in findings
        if isinstance(each, dict)
    )


def looks_of(answer: Optional[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The looks of an answer of `opskit check`: which of them has a finding says of which area it is."""
    return rows_of(object_of(object_of(answer).get("result")).get("looks"))


def _has(look: Mapping[str, Any], finding: Mapping[str, Any]) -> bool:
    """Whether a finding is of this look, or says that it could not be made."""
    ids = look.get("finding_ids")
    found = isinstance(ids, list) and finding.get("id") in ids
    return found or bool(look.get("failure") and _text(finding, "title").startswith(f"{_text(look, 'name')}: "))


def _text(data: Mapping[str, Any], key: str) -> str:
    return clipped(str(data.get(key) or ""))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def first_remedy(findings: Sequence[FindingText], why: str) -> tuple[str, ...]:
    """What there is to do about the reason that is told: the remedy of the finding that it is the title of."""
    return tuple(finding.remedy for finding in findings if finding.remedy and finding.title == reason(why))[:1]


# What Ansible has before the words of ssh; that the host could not be reached is said already.
_BEFORE = re.compile(r"(?:Task failed: )?(?:Failed to connect to the host via ssh: )?")
# What ssh says in twelve lines.
_OTHER_KEY = "REMOTE HOST IDENTIFICATION HAS CHANGED"
_ITS_FILE = re.compile(r"Offending \S+ key in (.+):\d+")
# What there is to do here where there is no way to a host, by the words of ssh and of Ansible; the first that fits.
_WAYS = (
    (_OTHER_KEY, "find out why; only then remove the old key: ssh-keygen -R HOST"),
    ("Host key verification failed", "log in there once by ssh, and compare the key that it asks about"),
    ("because Host Key checking is enabled", "log in there once by ssh, and compare the key that it asks about"),
    (": Permission denied (", "-u NAME, --private-key FILE, or -k (--ask-pass)"),
    ("opskit: Permission denied", "become root there: -b (--become), and -K where sudo asks for a password"),
    ("Missing sudo password", "-K (--ask-become-pass)"),
    ("no vault secrets found", "-J (--ask-vault-pass), or --vault-password-file FILE"),
)


def reason(why: str) -> str:
    """Why a host is in its state, as it is told."""
    if _OTHER_KEY in why:
        file = _ITS_FILE.search(why)
        return f"it has another key than the one that is known{f' ({file[1]})' if file else ''}"
    return clipped(why[len(match[0]) :] if (match := _BEFORE.match(why)) else why)


def way_todo(why: str) -> tuple[str, ...]:
    """What there is to do here where Ansible has no way to a host."""
    return tuple(todo for words, todo in _WAYS if words in why)[:1]


def clipped(text: str) -> str:
    """The text, or its beginning and how long it is."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text):,} characters)"


# Alike, and one of what is alike.


def alike(groups: Sequence[Group]) -> list[Group]:
    """Groups that say the same, as one."""
    found: dict[Any, list[Group]] = {}
    for group in groups:
        found.setdefault(_key(replace(group, hosts=(), todo=())), []).append(group)
    return [_together(each) for each in found.values()]


def _together(groups: Sequence[Group]) -> Group:
    hosts = tuple(host for group in groups for host in group.hosts)
    todo = one_line(hosts, ["\n".join(group.todo) for group in groups])
    first = _merged([replace(group, hosts=(), todo=()) for group in groups])
    differs = len({_key(replace(group, hosts=(), todo=()), numbers=True) for group in groups}) > 1
    return replace(first, hosts=hosts, todo=tuple(filter(None, todo.split("\n"))), differs=differs)


def _key(value: Any, *, numbers: bool = False) -> Any:
    """What is equal for values that are alike. numbers: whether those count."""
    if isinstance(value, str):
        return template(value, numbers=numbers)
    if isinstance(value, tuple):
        return tuple(_key(each, numbers=numbers) for each in value)
    if is_dataclass(value):
        return tuple(_key(getattr(value, field.name), numbers=numbers) for field in fields(value))
    return value


def _merged(values: Sequence[T]) -> T:
    """One value of several that are alike."""
    first: Any = values[0]
    if isinstance(first, str):
        return merged(values)  # type: ignore[arg-type, return-value]
    if isinstance(first, tuple):
        return tuple(_merged(each) for each in zip(*values))  # type: ignore[return-value]
    if is_dataclass(first):
        named = {field.name: _merged([getattr(value, field.name) for value in values]) for field in fields(first)}
        if isinstance(first, FindingText):
            named["remedy"] = first.remedy  # a line to paste is never made of several
        return replace(first, **named)  # type: ignore[type-var, return-value]
    return first  # type: ignore[no-any-return]


def template(text: str, *, numbers: bool = False) -> tuple[str, ...]:
    """What is equal in two texts that are alike. numbers: whether those count."""
    parts = _VARYING.split(text)
    return tuple(
        part if number % 2 == 0 or (numbers and _IS_NUMBER.fullmatch(part)) else "" for number, part in enumerate(parts)
    )


def merged(texts: Sequence[str]) -> str:
    """One text of several that are alike."""
    if len(set(texts)) == 1:
        return texts[0]
    parts = [_VARYING.split(text) for text in texts]
    return "".join(_one_part(each) for each in zip(*parts))


def _one_part(parts: Sequence[str]) -> str:
    if len(set(parts)) == 1:
        return parts[0]
    if all(_IS_NUMBER.fullmatch(part) for part in parts):
        ordered = sorted(parts, key=lambda part: float(part.replace(",", "")))
        return f"{ordered[0]} to {ordered[-1]}"
    return "..."
