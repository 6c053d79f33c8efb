"""The plan file, and from events to states."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opskit.core.errors import UsageFault
from opskit.core.jsonable import to_json
from opskit.fleet.model import (
    ORDER,
    OVER,
    STATES,
    Event,
    FleetPlan,
    FleetRun,
    HostPlan,
    HostState,
    ended_state,
    exit_code,
    host_code,
    left_to_do,
    new_findings,
    plan_of,
    read_events,
    read_plan,
    sealed,
    settle,
)

TOKEN = "20261120T190500Z-ab12cd:0123456789abcdef-012345"
PLAN = sealed(
    FleetPlan(
        "opskit-fleet-plan",
        "2026-11-29T19:00:00+00:00",
        "0.2.0",
        ("disk", "mount", "/dev/vdb", "/data"),
        ("/etc/hosts.ini",),
        "web",
        {"a": HostPlan("changes", 0, TOKEN), "b": HostPlan("refused", 5, why="it is in use")},
    )
)
RUN = FleetRun("r", "apply", "t", "0.2.0", PLAN.argv, PLAN.inventory, hosts={"a": TOKEN, "b": TOKEN})


def wrapped(result: Any) -> str:
    """As an envelope has it."""
    return json.dumps({"command": "opskit fleet plan", "result": to_json(result)})


def answered(rc: Optional[int], *, run: str = "", error: Any = None, task: str = "apply", **more: Any) -> Event:
    answer = {"ok": rc in {0, 3, 4}, "result": {"run": run or None}, "findings": [], "error": error}
    return Event("2", "ended", "a", task, rc=rc, answer={**answer, **more})


def begun(host: str = "a", task: str = "apply") -> Event:
    return Event("1", "begun", host, task)


def test_a_plan_is_read_from_its_envelope_and_from_its_result_alone() -> None:
    assert read_plan("f", wrapped(PLAN)) == PLAN
    assert read_plan("f", json.dumps(to_json(PLAN), indent=1)) == PLAN
    assert list(PLAN.changing) == ["a"]
    assert PLAN.exit_code == 5


def test_a_plan_of_an_opskit_that_knew_fewer_fields_is_read() -> None:
    older = {key: value for key, value in to_json(PLAN).items() if key not in {"sha256", "ansible", "tool"}}
    digest = sha256(json.dumps(older, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    assert replace(read_plan("f", json.dumps({**older, "sha256": digest})), sha256=PLAN.sha256) == PLAN


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no whole JSON"),
        (wrapped(PLAN)[:-9], "no whole JSON"),
        pytest.param("[" * 200_000, "no whole JSON", id="nested past reading"),
        ("[]", "no plan of opskit fleet"),
        ('{"result": null}', "no plan of opskit fleet"),
        (wrapped({"title": "x"}), "no plan of opskit fleet"),
        (wrapped(replace(PLAN, argv=("disk", "mount", "/dev/vdc", "/data"))), "not as it was made"),
        (wrapped(replace(PLAN, hosts={"a": PLAN.hosts["a"]})), "not as it was made"),
        (json.dumps({**to_json(PLAN), "shards": 2}), "unknown field 'shards'); opskit 0.2.0 made it"),
        (json.dumps({**to_json(PLAN), "argv": "disk"}), "a list is wanted"),
        (wrapped(sealed(replace(PLAN, hosts={"a": HostPlan("perhaps")}))), "outcome 'perhaps'"),
        (wrapped(sealed(replace(PLAN, hosts={"a": HostPlan("changes")}))), "no token of its plan"),
        (wrapped(sealed(replace(PLAN, ansible=("--become", "--extra-vars=x")))), "'--extra-vars=x' for the way"),
        (wrapped(sealed(replace(PLAN, tool={"tool": "auto", "argv": "disk umount /data"}))), "'argv' for the way"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UsageFault, match=r"^plan\.json: ") as told:
        read_plan("plan.json", text)
    assert why in told.value.why
    assert told.value.todo


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_and_any_title_keep_their_checksum(name: str, title: str) -> None:
    plan = sealed(replace(PLAN, hosts={name: HostPlan("nothing", 0, title=title)}))
    assert read_plan("f", wrapped(plan)) == plan


@pytest.mark.parametrize(
    ("event", "state", "code"),
    [
        (answered(0, run="x"), "done", 0),
        (answered(0), "nothing", 0),
        (answered(4, task="check"), "done", 4),
        (answered(5, error={"exit_code": 5, "why": "in use"}), "refused", 5),
        (answered(8), "taken_back", 8),
        (answered(143), "taken_back", 8),
        (answered(9), "take_back_failed", 9),
        (answered(7), "busy", 7),
        (answered(6), "missing", 6),
        (answered(2), "failed", 1),
        (answered(1), "failed", 1),
        (Event("2", "ended", "a", "apply", rc=0, why="no JSON"), "failed", 1),
        (Event("2", "ended", "a", "apply", why="no opskit there"), "failed", 1),
        (Event("2", "ended", "a", "apply", rc=-9), "failed", 1),
        (Event("2", "unreachable", "a", "apply", why="no route"), "unreachable", 10),
    ],
)
def test_how_a_host_ended(event: Event, state: str, code: int) -> None:
    states = settle(RUN, [begun(), event])
    assert (states["a"].state, states["b"].state) == (state, "waiting")
    assert exit_code({"a": states["a"]}) == code == host_code(states["a"])


def test_what_has_begun_is_under_way_while_the_run_lives_and_unknown_afterwards() -> None:
    assert settle(RUN, [begun()], live=True)["a"].state == "begun"
    assert settle(RUN, [begun()])["a"].state == "unknown"
    assert exit_code(settle(RUN, [begun()])) == 10


def test_a_host_that_was_left_alone_waits_and_the_run_is_no_success() -> None:
    events = [
        begun("b"),
        replace(answered(0, run="x"), host="b"),
        begun(),
        Event("2", "ended", "a", "apply", not_begun=True),
    ]
    states = settle(RUN, events)
    assert (states["a"].state, states["b"].state, exit_code(states)) == ("waiting", "done", 1)


def test_a_resumed_host_is_what_its_last_answer_says_and_one_that_is_done_stays_so() -> None:
    again = [begun(), Event("2", "unreachable", "a", "apply"), begun(), answered(0, run="x")]
    assert settle(RUN, again)["a"].state == "done"
    assert settle(RUN, [*again, begun()])["a"].state == "done"
    assert settle(RUN, [*again, begun(), Event("3", "unreachable", "a", "apply")])["a"].state == "done"


def test_a_host_that_a_stopped_resume_left_alone_is_what_it_was_before() -> None:
    left_alone = Event("9", "ended", "a", "apply", not_begun=True)
    broken = answered(9, error={"exit_code": 9, "why": "w", "state": "half done"})
    state = settle(RUN, [begun(), broken, begun(), left_alone])["a"]
    assert (state.state, state.exit_code, state.left) == ("take_back_failed", 9, "half done")
    assert settle(RUN, [begun(), begun(), left_alone], live=True)["a"].state == "unknown"
    assert exit_code(settle(RUN, [begun(), begun(), left_alone])) == 10


def test_gone_on_is_with_what_is_not_done_first_with_hosts_that_had_no_turn() -> None:
    told = {word: HostState(word) for word in STATES}
    assert left_to_do(told) == ["waiting", "unknown", "failed", "taken_back", "busy", "missing", "unreachable"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["result", "changes", "plan", "token", "findings", "error", "exit_code", "title", "run", "severity", "id"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(["plan", "apply", "check"]), st.none() | st.integers(-20, 300), ANYTHING, ANYTHING)
def test_whatever_a_host_answers_it_has_a_state(task: str, code: Optional[int], body: Any, result: Any) -> None:
    answer = {**(body if isinstance(body, dict) else {}), "result": result}
    lines = [
        json.dumps({"time": "1", "event": "ended", "host": "a", "task": each, "rc": code, "answer": answer})
        for each in ("before", task, "after")
    ]
    state = settle(RUN, read_events(lines))["a"]
    plan = plan_of(state)
    assert (plan.outcome == "changes") == bool(plan.token)
    assert all(isinstance(each, dict) for each in (*state.changes, *state.findings, *state.new))
    host_code(state)
    read_plan("f", wrapped(sealed(replace(PLAN, hosts={"a": plan}))))


@pytest.mark.parametrize("code", [0, 3, 4, None])
def test_an_error_is_no_success_whatever_status_came_with_it(code: Optional[int]) -> None:
    state = settle(RUN, [begun(), answered(code, error={"exit_code": 9, "why": "w"})])["a"]
    assert (state.state, state.exit_code) == ("take_back_failed", 9)
    state = settle(RUN, [begun(), answered(code, error={"exit_code": 0, "why": "w"})])["a"]
    assert (state.state, state.exit_code) == ("failed", 1)


def test_changes_without_a_token_are_no_plan() -> None:
    change = {"action": "a", "target": "b"}
    state = settle(RUN, [begun(task="plan"), answered(0, task="plan", result={"changes": [change]})])["a"]
    assert (plan_of(state).outcome, plan_of(state).why) == ("failed", "its answer has changes and names no plan")


def test_events_of_a_host_that_is_not_asked_count_for_nothing() -> None:
    assert list(settle(RUN, [begun("z"), Event("1", "hosts", hosts=("z",))])) == ["a", "b"]
    assert list(settle(replace(RUN, hosts={}), [Event("1", "hosts", hosts=("y", "z"))])) == ["y", "z"]


def test_a_torn_line_is_passed_over_and_a_key_of_a_newer_release_too() -> None:
    whole = json.dumps({"time": "1", "event": "begun", "host": "a", "task": "apply", "colour": "blue"})
    assert read_events([whole[:20], "3", "null", "[]", whole]) == [Event("1", "begun", "a", "apply")]


def test_only_what_is_new_and_severe_counts_for_the_first_batch() -> None:
    full = {"id": "full", "severity": "error", "title": "/data is 91 % full"}
    fuller = {**full, "title": "/data is 92.5 % full"}
    other = {**full, "title": "/var is 92 % full"}
    mild = {"id": "x", "severity": "warning", "title": "y"}
    before = answered(4, task="before", findings=[full])
    after = answered(4, task="after", findings=[fuller, other, mild])
    assert new_findings(before, after) == (other,)
    one, two = ({**full, "title": f"/data{number} is not mounted"} for number in (1, 2))
    assert new_findings(answered(4, task="before", findings=[one]), answered(4, task="after", findings=[two])) == (two,)
    state = settle(RUN, [begun(), before, answered(0, run="x"), after])["a"]
    assert (state.state, state.failed, state.new, exit_code({"a": state})) == ("done", True, (other,), 4)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (Event("3", "unreachable", "a", "after", why="no route"), "no route"),
        (Event("3", "ended", "a", "after", rc=0, why="no JSON"), "no JSON"),
        (answered(1, task="after", error={"exit_code": 1, "why": "no /proc"}), "no /proc"),
        (Event("3", "ended", "a", "after"), "nobody heard why"),
    ],
)
def test_a_host_that_does_not_answer_the_check_after_its_turn_has_failed(after: Event, why: str) -> None:
    events = [begun(), answered(0, task="before"), answered(0, run="x"), after]
    state = settle(RUN, events)["a"]
    assert (state.state, state.failed, exit_code({"a": state})) == ("done", True, 4)
    found = [(each["id"], each["severity"], each["title"]) for each in state.new]
    assert found == [("check-did-not-answer", "error", f"the check after its turn did not answer: {why}")]
    left = Event("3", "ended", "a", "after", not_begun=True)
    assert settle(RUN, [*events[:-1], left])["a"].new == ()


def test_a_dry_run_becomes_the_plan_of_a_host() -> None:
    change = {"action": "mkfs", "target": "/dev/vdb"}
    result = {"title": "t", "changes": [change], "plan": {"token": TOKEN}}
    assert plan_of(ended_state(answered(0, task="plan", result=result))) == HostPlan(
        "changes", 0, TOKEN, "t", (change,)
    )
    nothing = {**result, "changes": []}
    assert plan_of(ended_state(answered(0, task="plan", result=nothing))) == HostPlan("nothing", 0, "", "t")
    refused = plan_of(ended_state(answered(5, task="plan", result=None, error={"what": "t", "why": "it is in use"})))
    assert (refused.outcome, refused.exit_code, refused.why) == ("refused", 5, "it is in use")
    assert plan_of(HostState("unreachable", 10, why="no route")).exit_code is None
    assert plan_of(HostState("missing", 6, why="no opskit")).outcome == "failed"
    assert plan_of(HostState("waiting")) == HostPlan("failed", why="no answer came")


CODES = st.sampled_from([0, *ORDER, 2, 130, -9, 77])


@given(st.lists(CODES, max_size=6))
def test_the_exit_code_is_the_first_that_any_host_had(codes: list[int]) -> None:
    states = {str(number): ended_state(answered(code)) for number, code in enumerate(codes)}
    assert all(state.state in STATES for state in states.values())
    expected = [{2: 1, -9: 1, 77: 1, 130: 8}.get(code, code) for code in codes if code]
    assert exit_code(states) == (min(expected, key=ORDER.index) if expected else 0)
    assert all(state.failed == (state.state not in OVER) for state in states.values())
