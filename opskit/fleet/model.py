"""What a plan for many hosts and its carrying out are made of; from the events of a run to the state of each host.

An event is a line that the callback `opskit.host.record` wrote while ansible-playbook ran. All here is a pure function
of what was asked (FleetRun) and of those events: whoever reads them later, on any machine, comes to the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Callable, Optional

from opskit.core.errors import ExitCode, UsageFault
from opskit.core.files import sha256
from opskit.core.finding import Finding
from opskit.core.jsonable import Moment, Shape, ShapeError, from_json, to_json

KIND = "opskit-fleet-plan"
# The exit code of a fleet is the first of these that any host had.
ORDER = (
    ExitCode.TAKE_BACK_FAILED,
    ExitCode.TAKEN_BACK,
    ExitCode.FAILED,
    ExitCode.BUSY,
    ExitCode.MISSING,
    ExitCode.REFUSED,
    ExitCode.UNREACHABLE,
    ExitCode.FINDINGS,
    ExitCode.CHANGES_PENDING,
)
# What a run may have of ansible-playbook's options: how to log in, and whom to become.
LOGIN = (
    "--user", "--private-key", "--ask-pass", "--become", "--ask-become-pass", "--ask-vault-pass", "--vault-id",
    "--vault-password-file",
)  # fmt: skip
# What it may have of which opskit runs there: what else an action takes (its argv!) is none of it.
TOOL = ("tool", "tool_dir", "tool_path")
# What is done on the hosts; before and after are the check of the first batch.
TASKS = ("plan", "apply", "undo", "run", "check")
STATES = (
    "waiting", "begun", "done", "nothing", "refused", "failed", "taken_back", "take_back_failed", "busy", "missing",
    "unreachable", "unknown",
)  # fmt: skip
OUTCOMES = ("changes", "nothing", "refused", "failed", "unreachable")
HostOutcome = Annotated[str, Shape(words=OUTCOMES)]
HostStateName = Annotated[str, Shape(words=STATES)]
# Hosts in these states need nothing more.
OVER = frozenset({"done", "nothing"})
# Those that `resume` asks. One that has refused needs another plan, and one that is half taken back somebody there.
AGAIN = frozenset({"unknown", "busy", "unreachable", "waiting", "taken_back", "missing", "failed"})
_BY_CODE = {
    ExitCode.DONE: "done",
    ExitCode.CHANGES_PENDING: "done",
    ExitCode.FINDINGS: "done",
    ExitCode.REFUSED: "refused",
    ExitCode.MISSING: "missing",
    ExitCode.BUSY: "busy",
    ExitCode.TAKEN_BACK: "taken_back",
    ExitCode.TAKE_BACK_FAILED: "take_back_failed",
    # Interrupted there, and taken back (the connection was lost, and the host's sshd told opskit so).
    129: "taken_back",
    130: "taken_back",
    143: "taken_back",
}
SEVERE = frozenset({"error", "critical"})
# The exit codes of opskit that are no failure: done, changes pending, findings.
SOUND = frozenset({ExitCode.DONE, ExitCode.CHANGES_PENDING, ExitCode.FINDINGS})
# A number that stands alone, also with its unit: not that of a name (sdb1, web-2).
NUMBER = r"(?<![^\s(])\d+(?:,\d{3})*(?:\.\d+)?(?=(?:[KMGTPE]|%|s|m|h|d)?[)\],;:.]*(?:\s|$))"


@dataclass(frozen=True)
class HostPlan:
    """What a dry run on one host came to.

    exit_code: opskit's there; null when it never ran
    token: what --only-plan takes; "" for none
    changes, findings: as the host's own answer has them
    why: the reason of a refusal or a failure, or why there is no answer; "" for none
    tool: which opskit answered: how, version, path
    """

    outcome: HostOutcome
    exit_code: Optional[int] = None
    token: str = ""
    title: str = ""
    changes: tuple[dict[str, Any], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    why: str = ""
    tool: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FleetPlan:
    """What a person approves: the plan of a command for each host.

    kind: always "opskit-fleet-plan"
    made: when
    opskit: the release that made it
    argv: the command, behind `opskit`
    inventory: as for ansible-playbook's -i: absolute paths, or names with a comma behind
    limit: which hosts of it; "" for all
    sha256: over all else; it tells an accident from the whole, and is no signature
    ansible, tool: how the hosts were reached, and which opskit ran there, as a run has them
    """

    kind: str
    made: Moment
    opskit: str
    argv: tuple[str, ...]
    inventory: tuple[str, ...]
    limit: str
    hosts: dict[str, HostPlan]
    sha256: str = ""
    ansible: tuple[str, ...] = ()
    tool: dict[str, str] = field(default_factory=dict)

    @property
    def changing(self) -> dict[str, HostPlan]:
        """The hosts that something is to be changed on."""
        return {name: host for name, host in self.hosts.items() if host.outcome == "changes"}

    @property
    def exit_code(self) -> int:
        """The first of ORDER that any host had, 0 for none."""
        return first_code(_plan_code(host) for host in self.hosts.values())


def _plan_code(host: HostPlan) -> int:
    if host.outcome == "unreachable":
        return ExitCode.UNREACHABLE
    if host.outcome not in {"refused", "failed"}:
        return ExitCode.DONE
    code = _known_code(host.exit_code)
    return ExitCode.FAILED if code in SOUND else code  # it ended well, and has no plan


def checksum(plan: Mapping[str, Any]) -> str:
    """The sha256 of a plan as JSON has it: of its canonical form, without that field.

    Of what is in the file, and not of what was read of it: that has fields that came after the release that made it.
    """
    body = {key: value for key, value in plan.items() if key != "sha256"}
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode())


def sealed(plan: FleetPlan) -> FleetPlan:
    """The plan with its checksum."""
    return replace(plan, sha256=checksum(to_json(plan)))


def read_plan(name: str, text: str) -> FleetPlan:
    """The plan of a file: the envelope of `opskit fleet plan --json`, or its result alone.

    name: of the file, for an error. Raises UsageFault for what is none, is of another release's shape, or was changed.
    """
    again = "make the plan again: opskit fleet plan … > plan.json"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageFault(name, f"it is no whole JSON ({error})", todo=again) from error
    if isinstance(data, dict) and data.get("kind") != KIND and "result" in data:
        data = data["result"]
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise UsageFault(name, "it is no plan of opskit fleet", todo=again)
    try:
        plan = from_json(FleetPlan, data)
    except ShapeError as error:
        made_by = f"opskit {data.get('opskit', 'of an unknown release')}"
        raise UsageFault(name, f"this opskit cannot read it ({error}); {made_by} made it", todo=again) from error
    wrong = next((host.outcome for host in plan.hosts.values() if host.outcome not in OUTCOMES), "")
    if wrong:
        raise UsageFault(name, f"a host has the outcome {wrong!r}, which this opskit does not know", todo=again)
    if not all(host.token for host in plan.changing.values()):
        raise UsageFault(name, "a host has changes and no token of its plan", todo=again)
    strange = [word for word in plan.ansible if word.partition("=")[0] not in LOGIN]
    strange += [key for key in plan.tool if key not in TOOL]
    if strange:
        raise UsageFault(
            name, f"it has {strange[0]!r} for the way to the hosts, which opskit fleet never gives", todo=again
        )
    if plan.sha256 != checksum(data):
        why = "it is not as it was made: its checksum is another (that tells accidents; it is no signature)"
        raise UsageFault(name, why, todo=again)
    return plan


@dataclass(frozen=True)
class FleetRun:
    """What one run is to do, as it is kept on disk.

    kind: apply or undo; of what is not kept: plan, run, check
    argv: the command, behind `opskit`; for an undo that of the run that is taken back
    hosts: what each is asked with: the token of its plan; "" for none. Empty: all hosts that inventory and limit name
    words: the words of the command on each host, where that is not the same on all (an undo: the run there)
    of: the run that this one takes back; "" for none
    serial: Ansible's batches: "1", "10%"; empty for all hosts at once
    max_fail: how many hosts may fail before no more are begun
    forks: 0 for Ansible's own setting
    ansible: more words of ansible-playbook: how to connect, whom to become; no secret is among them
    tool: which opskit runs there, for the action: tool, tool_path, tool_dir
    left_out: hosts of the plan that are not asked, and why
    """

    id: str
    kind: str
    began: Moment
    opskit: str
    argv: tuple[str, ...]
    inventory: tuple[str, ...]
    limit: str = ""
    hosts: dict[str, str] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    of: str = ""
    serial: tuple[str, ...] = ()
    max_fail: int = 0
    forks: int = 0
    ansible: tuple[str, ...] = ()
    tool: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One line of the callback.

    event: hosts (all that the play is for), batch, begun, ended, unreachable, end
    task: plan, apply, undo, run, check; before and after: the check of the first batch
    rc: opskit's exit code, null when it never ran
    not_begun: the run was to stop, and this host was left alone
    answer: the whole envelope; null where none came, and then `why`
    """

    time: str
    event: str
    host: str = ""
    task: str = ""
    hosts: tuple[str, ...] = ()
    rc: Optional[int] = None
    not_begun: bool = False
    tool: dict[str, Any] = field(default_factory=dict)
    answer: Optional[dict[str, Any]] = None
    why: str = ""


def read_events(lines: Iterable[str]) -> list[Event]:
    """The events of these lines, in order. A torn line is passed over, and a key that this opskit does not know."""
    return [event for event in map(_read_event, lines) if event is not None]


def _read_event(line: str) -> Optional[Event]:
    try:
        data = json.loads(line)
        return from_json(Event, {key: value for key, value in data.items() if key in Event.__dataclass_fields__})
    except (ValueError, AttributeError, RecursionError):  # half a line; no object; nested past reading
        return None


@dataclass(frozen=True)
class HostState:
    """What became of one host.

    state: one of STATES; unknown: it has begun, and nobody heard how it ended
    exit_code: opskit's there; 10 where it was unreachable, null where nothing is known
    run: the run of the host's own ledger, "" for none
    why: the reason of a refusal or a failure; left: the state that the host is in; todo: what to do there
    new: findings of the first batch's check that were not there before, of severity error or critical; that it did not
        answer is one
    answer: the whole envelope, null where none came
    """

    state: HostStateName
    exit_code: Optional[int] = None
    run: str = ""
    title: str = ""
    changes: tuple[dict[str, Any], ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    why: str = ""
    left: str = ""
    todo: str = ""
    new: tuple[dict[str, Any], ...] = ()
    tool: dict[str, Any] = field(default_factory=dict)
    began: str = ""
    ended: str = ""
    answer: Optional[dict[str, Any]] = None

    @property
    def failed(self) -> bool:
        """Whether it counts for --max-fail."""
        return bool(self.new) or self.state not in {*OVER, "waiting", "begun"}


# Told the states whenever one changes, and whether a signal has come that lets the hosts at work finish.
Tell = Callable[[Mapping[str, HostState], bool], object]


class Settling:
    """The states of a run's hosts, while its events come: a run of thousands of hosts has many.

    states: of each host, in the order of the inventory; `begun` is one that has not ended
    """

    def __init__(self, run: FleetRun) -> None:
        self._run = run
        self._before: dict[str, Event] = {}
        # What a host was before it was asked once more: the stop file may leave it alone all the same.
        self._earlier: dict[str, HostState] = {}
        self.states = {name: HostState("waiting") for name in run.hosts}

    def add(self, events: Iterable[Event]) -> None:
        """Take what came next."""
        for event in events:
            if event.event == "hosts" and not self._run.hosts:
                self.states.update({name: HostState("waiting") for name in event.hosts if name not in self.states})
            if event.host and (event.host in self._run.hosts or not self._run.hosts):
                self._add(event)

    def _add(self, event: Event) -> None:
        state = self.states.get(event.host, HostState("waiting"))
        if event.task in TASKS:
            if event.event == "begun":
                self._earlier[event.host] = _unknown(state) if state.state == "begun" else state
            earlier = self._earlier.get(event.host, HostState("waiting"))
            self.states[event.host] = earlier if event.not_begun else _after(state, event)
        elif event.event == "ended" and event.task == "before":
            self._before[event.host] = event
        elif event.task == "after" and event.event in {"ended", "unreachable"} and not event.not_begun:
            sound = event.answer is not None and event.rc in SOUND
            new = new_findings(self._before.get(event.host), event) if sound else (_unanswered(event),)
            self.states[event.host] = replace(state, new=new)


def _unanswered(event: Event) -> dict[str, Any]:
    """The finding of a host whose check after its turn came to nothing."""
    error = (event.answer or {}).get("error")
    why = event.why or (error.get("why") if isinstance(error, dict) else "") or "nobody heard why"
    title = f"the check after its turn did not answer: {why}"
    remedy = "look whether that host still does its work, before others have their turn"
    return dict(Finding("check-did-not-answer", "error", title, remedy=remedy).as_json())


def settle(run: FleetRun, events: Iterable[Event], *, live: bool = False) -> dict[str, HostState]:
    """The state of each host of the run, in the order of the inventory.

    live: somebody carries it on just now: what has begun and not ended is under way
    """
    settling = Settling(run)
    settling.add(events)
    if live:
        return settling.states
    return {name: _unknown(state) if state.state == "begun" else state for name, state in settling.states.items()}


def _unknown(state: HostState) -> HostState:
    return replace(state, state="unknown", why="it had begun, and no answer came")


def _after(state: HostState, event: Event) -> HostState:
    """The state of a host once this event has come. One that was done stays so: it was asked again in vain."""
    if event.event == "begun":
        return state if state.state in OVER else HostState("begun", began=event.time)
    if event.event == "unreachable":
        if state.state in OVER:
            return state
        return HostState("unreachable", ExitCode.UNREACHABLE, why=event.why, began=state.began, ended=event.time)
    if event.event != "ended":
        return state
    return replace(ended_state(event), began=state.began, ended=event.time)


def ended_state(event: Event) -> HostState:
    """How a command on a host ended, by its answer: whatever a host may answer, it has a state."""
    answer = event.answer or {}
    result, error = object_of(answer.get("result")), object_of(answer.get("error"))
    code = _ended_with(event, error)
    state = _BY_CODE.get(code, "failed")
    run = result.get("run") or ""
    if state == "done" and event.task in {"apply", "undo"} and not run:
        state = "nothing"
    return HostState(
        state,
        code,
        run=str(run),
        title=str(result.get("title", "") or error.get("what", "")),
        changes=tuple(rows_of(result.get("changes"))),
        findings=tuple(rows_of(answer.get("findings"))),
        why=str(error.get("why", "") or event.why),
        left=str(error.get("state", "")),
        todo=str(error.get("todo", "")),
        tool=event.tool,
        answer=event.answer,
    )


def _ended_with(event: Event, error: Mapping[str, Any]) -> int:
    """The exit code of a host. One that ended well and tells of an error has lost its status on the way."""
    named = error.get("exit_code")
    code = named if event.rc is None or (error and event.rc in SOUND) else event.rc
    if not isinstance(code, int) or isinstance(code, bool):
        return ExitCode.FAILED
    return ExitCode.FAILED if (error and code in SOUND) or (not code and event.answer is None) else code


def object_of(value: object) -> dict[str, Any]:
    """What should be an object of JSON: an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def rows_of(value: object) -> list[dict[str, Any]]:
    """The objects of what should be a list of such."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, (list, tuple)) else []


def plan_of(state: HostState) -> HostPlan:
    """What a dry run on a host came to."""
    plan = object_of(object_of(object_of(state.answer).get("result")).get("plan"))
    token = plan.get("token")
    token = token if isinstance(token, str) else ""
    outcome, why = "failed", state.why or "no answer came"
    if state.state in {"unreachable", "refused"}:
        outcome, why = state.state, state.why
    elif state.state in OVER and not state.changes:
        outcome, why = "nothing", state.why
    elif state.state in OVER and token:
        outcome, why = "changes", state.why
    elif state.state in OVER:
        why = "its answer has changes and names no plan"
    return HostPlan(
        outcome,
        None if state.state in {"unreachable", "waiting", "unknown"} else state.exit_code,
        token=token if outcome == "changes" else "",
        title=state.title,
        changes=state.changes,
        findings=state.findings,
        why=why,
        tool=state.tool,
    )


def new_findings(before: Optional[Event], after: Event) -> tuple[dict[str, Any], ...]:
    """What the check of a host found after its turn and not before, of severity error or critical.

    A number that stands alone in a title counts for nothing: a filesystem that has filled from 91 % to 92 % is the same
    finding; /data1 and /data2 are not.
    """
    known = {_named(finding) for finding in _findings(before)}
    return tuple(each for each in _findings(after) if each.get("severity") in SEVERE and _named(each) not in known)


def _findings(event: Optional[Event]) -> list[dict[str, Any]]:
    return rows_of(object_of(event.answer).get("findings")) if event else []


def _named(finding: Mapping[str, Any]) -> tuple[str, str]:
    return str(finding.get("id")), re.sub(NUMBER, "0", str(finding.get("title")), flags=re.ASCII)


def first_code(codes: Iterable[int]) -> int:
    """The first of ORDER that is among these, 0 for none."""
    found = set(codes)
    return next((code for code in ORDER if code in found), ExitCode.DONE)


def _known_code(code: Optional[int]) -> int:
    """An exit code of ORDER for that of a host: what is none of opskit's is a failure."""
    if code in {129, 130, 143}:
        return ExitCode.TAKEN_BACK
    return ExitCode.FAILED if code is None or code not in {ExitCode.DONE, *ORDER} else code


def host_code(state: HostState) -> int:
    """What a host counts as for the exit code of the fleet."""
    if state.state == "unknown":
        return ExitCode.UNREACHABLE
    if state.state in {"waiting", "begun"}:
        return ExitCode.DONE
    code = _known_code(state.exit_code)
    return ExitCode.FINDINGS if state.new and code == ExitCode.DONE else code


def exit_code(states: Mapping[str, HostState]) -> int:
    """The exit code of a run over these hosts. One that stopped before all had their turn is no success."""
    code = first_code(map(host_code, states.values()))
    waits = any(state.state == "waiting" for state in states.values())
    return ExitCode.FAILED if waits and code == ExitCode.DONE else code


def left_to_do(states: Mapping[str, HostState]) -> list[str]:
    """The hosts to go on with. First those that had no turn: what failed before may fail again, and stop the run."""
    left = [name for name, state in states.items() if state.state in AGAIN]
    return sorted(left, key=lambda name: states[name].state not in {"waiting", "unknown"})


def counts(states: Mapping[str, HostState]) -> dict[str, int]:
    """How many hosts are in each state that any is in, in the order of STATES."""
    names = [state.state for state in states.values()]
    return {name: names.count(name) for name in STATES if name in names}
