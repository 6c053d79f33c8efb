"""What becomes of each host of a fleet, by the events of a run. Each JSON file of run/ and plan/ is one case.

    what     one line: what the case proves
    run      the fields of FleetRun that matter; hosts: their names
    events   what the callback wrote, a line each: the time is left out; a text is a line as it stands
    expect   states: of each host; exit: the exit code; verdict: the line on top; next: the line that goes on, and with
             how many hosts; hosts: more fields of some; stops: whether the callback begins no further host
             or, for a plan: outcomes: outcome, exit code, token and reason of each host; exit; findings: ids

The expectations were thought out and written by hand. When one fails, it is the code that is wrong until shown
otherwise: there is no command that accepts what the code says.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from opskit.core.jsonable import from_json, to_json
from opskit.fleet.groups import go_on, run_groups, verdict
from opskit.fleet.model import KIND, FleetPlan, FleetRun, exit_code, plan_of, read_events, read_plan, sealed, settle

CallbackModule: Any = None
with suppress(ImportError):  # no ansible-core is here
    from ansible_collections.opskit.host.plugins.callback.record import CallbackModule

HERE = Path(__file__).parent
TOKEN = "20261120T190500Z-ab12cd:0123456789abcdef-012345"
# What every run has, and no case is about.
COMMON = {
    "id": "20261129T190000Z-0a1b2c",
    "began": "2026-11-29T19:00:00+00:00",
    "opskit": "0.2.0",
    "argv": ["disk", "mount", "/dev/vdb", "/data"],
    "inventory": ["/etc/hosts.ini"],
}


def cases(kind: str) -> list[Any]:
    return [pytest.param(path, id=path.stem) for path in sorted((HERE / kind).glob("*.json"))]


def read(path: Path) -> tuple[FleetRun, list[str], Any]:
    """The run of a case, the lines of its events, and what is expected."""
    case = json.loads(path.read_text())
    hosts = dict.fromkeys(case["run"]["hosts"], TOKEN)
    run = from_json(FleetRun, {**COMMON, **case["run"], "hosts": hosts})
    lines = [event if isinstance(event, str) else json.dumps({"time": "1", **event}) for event in case["events"]]
    return run, lines, case["expect"]


@pytest.mark.parametrize("path", cases("run"))
def test_run(path: Path) -> None:
    run, lines, expect = read(path)
    states = settle(run, read_events(lines))
    assert {name: state.state for name, state in states.items()} == expect["states"]
    assert exit_code(states) == expect["exit"]
    assert verdict(run, states) == expect["verdict"]
    assert list(go_on(run, run_groups(run, states))) == expect.get("next", ["", 0])
    for name, fields in expect.get("hosts", {}).items():
        assert {key: to_json(asdict(states[name])[key]) for key in fields} == fields
    # Read as they came, they say the same.
    for cut in range(len(lines)):
        assert list(settle(run, read_events(lines[:cut]))) == list(states)


@pytest.mark.parametrize("path", cases("plan"))
def test_plan(path: Path) -> None:
    run, lines, expect = read(path)
    hosts = {name: plan_of(state) for name, state in settle(run, read_events(lines)).items()}
    told = {name: [host.outcome, host.exit_code, host.token, host.why] for name, host in hosts.items()}
    assert told == expect["outcomes"]
    plan = sealed(FleetPlan(KIND, run.began, run.opskit, run.argv, run.inventory, run.limit, hosts))
    assert plan.exit_code == expect["exit"]
    assert set(plan.changing) == {name for name, row in told.items() if row[0] == "changes"}
    for name, ids in expect.get("findings", {}).items():
        assert [finding["id"] for finding in hosts[name].findings] == ids
    assert read_plan("plan.json", json.dumps(to_json(plan))) == plan


# Without `stops` are those that tell of more than one process.
@pytest.mark.skipif(CallbackModule is None, reason="ansible-core is not here")
@pytest.mark.parametrize("path", [case for case in cases("run") if "stops" in case.values[0].read_text()])
def test_the_callback_stops_where_opskit_counts_as_many(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot import what opskit goes by, and has its own way to count."""
    run, lines, expect = read(path)
    monkeypatch.delenv("OPSKIT_FLEET_EVENTS", raising=False)
    monkeypatch.setenv("OPSKIT_FLEET_STOP", str(tmp_path / "stop"))
    monkeypatch.setenv("OPSKIT_FLEET_STOPPED", "")
    monkeypatch.setenv("OPSKIT_FLEET_MAX_FAIL", str(run.max_fail))
    callback = CallbackModule()
    for event in read_events(lines):
        named = {
            key: SimpleNamespace(get_name=lambda text=text: text)
            for key, text in (("host", event.host), ("task", event.task))
        }
        values = {"rc": event.rc, "answer": event.answer, "not_begun": event.not_begun, "msg": event.why}
        result = SimpleNamespace(**named, result=values)
        if event.event == "unreachable":
            callback.v2_runner_on_unreachable(result)
        elif event.not_begun:
            callback.v2_runner_on_skipped(result)
        elif event.event == "ended":
            callback.v2_runner_on_ok(result)
    assert (tmp_path / "stop").exists() == expect["stops"]
    failed = sum(state.failed for state in settle(run, read_events(lines)).values())
    assert (failed > run.max_fail) == expect["stops"] or "unknown" in expect["states"].values()
