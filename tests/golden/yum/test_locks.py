"""The locks of package managers: what was seen in, states, findings and the plan of `yum unlock` out.

    what       one line: what the case proves
    locks      name of a lock (PLACES) → what differs from an absent file (fields of model.LockFile)
    processes  fields of model.ProcessFacts; what is left out is as in PROCESS
    facts      what differs otherwise (fields of model.Facts)
    expect     states: lock → [state, phase, advice], those that are not free; exit: of `yum lock`; findings: their ids
               in order; who: what stands behind the first holder; unlock: a list of [action, target], or
               {"refusal": ids, "exit": code}

The expectations were thought out and written by hand, from how the tools take their locks and let go of them: what
dnf 4.14 and rpm 4.18 were seen to do (tests/host/yum does it again), and for the others their sources: yum's doLock and
_get_locker, dnf 5's Base::lock_system_repo and TransactionLocker, libdnf's dnf-lock.cpp (PackageKit, microdnf); of
zypper and rpm-ostree only where their locks are. None of these could be run here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from opskit.areas import load_step
from opskit.core.jsonable import from_json, to_json
from opskit.core.ledger import StepRecord
from opskit.core.plan import Plan, Refusal
from opskit.ui.screen import Screen
from opskit.yum.explain import explain
from opskit.yum.findings import find
from opskit.yum.model import Facts
from opskit.yum.show import draw_locks
from opskit.yum.state import exit_code, judge
from opskit.yum.unlock.plan import decide_unlock

CASES = sorted((Path(__file__).parent / "locks").glob("*.json"))
PLACES = {
    "yum": ("/var/run/yum.pid", "yum", "pid", ""),
    "metadata": ("/var/cache/dnf/metadata_lock.pid", "dnf", "pid", "metadata"),
    "download": ("/var/cache/dnf/download_lock.pid", "dnf", "pid", "download"),
    "rpmdb": ("/var/lib/dnf/rpmdb_lock.pid", "dnf", "pid", "transaction"),
    "log": ("/var/log/log_lock.pid", "dnf", "pid", ""),
    "dnf5": ("/run/dnf/rpmtransaction.lock", "dnf5", "fcntl", "transaction"),
    "repo5": ("/var/lib/dnf/system-repo.lock", "dnf5", "fcntl", ""),
    "pkmeta": ("/var/run/dnf-metadata.lock", "packagekit", "pid", "metadata"),
    "pkrpmdb": ("/var/run/dnf-rpmdb.lock", "packagekit", "pid", "transaction"),
    "rpm": ("/var/lib/rpm/.rpm.lock", "rpm", "fcntl", ""),
    "microdnf": ("/var/cache/yum/lock/dnf-metadata.lock", "microdnf", "pid", "metadata"),
    "microrpmdb": ("/var/cache/yum/lock/dnf-rpmdb.lock", "microdnf", "pid", "transaction"),
    "zypper": ("/run/zypp.pid", "zypper", "pid", ""),
    "aptfront": ("/var/lib/dpkg/lock-frontend", "apt", "fcntl", ""),
    "aptarchives": ("/var/cache/apt/archives/lock", "apt", "fcntl", "download"),
    "ostree": ("/ostree/lock", "ostree", "fcntl", "transaction"),
}
# Started at 1000; a lock is taken at 1001 unless a case says otherwise.
PROCESS = {
    "pid": 812,
    "start_ticks": 100000,
    "started": 1000.0,
    "name": "dnf",
    "command": "/usr/bin/python3 /usr/bin/dnf -y update",
    "state": "S",
    "user": "root",
    "manager": True,
}
LOCK = {"kind": "regular", "modified": 1001.0, "device": 64, "inode": 7}
RUN = "20261121T100000Z-abc123"


def facts_of(case: Any) -> Facts:
    locks = []
    for name, (path, tool, mechanism, phase) in PLACES.items():
        place = {"path": path, "tool": tool, "mechanism": mechanism, "phase": phase, "inner": path}
        seen = case.get("locks", {}).get(name)
        locks.append({"place": place, **({} if seen is None else {**LOCK, **seen})})
    processes = [{**PROCESS, **process} for process in case.get("processes", ())]
    data = {"root": "", "tools": ["dnf", "rpm"], "locks": locks, "processes": processes, **case.get("facts", {})}
    return from_json(Facts, data)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_diagnosis(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    assert set(case) <= {"what", "locks", "processes", "facts", "expect"}
    expect = case["expect"]
    assert set(expect) <= {"states", "exit", "findings", "who", "unlock"}
    facts = facts_of(case)
    assert from_json(Facts, json.loads(json.dumps(to_json(facts)))) == facts
    verdicts = judge(facts)
    names = {place[0]: name for name, place in PLACES.items()}
    taken = {names[v.lock.place.path]: [v.state, v.phase, v.advice] for v in verdicts if v.state != "free"}
    assert taken == expect.get("states", {})
    assert exit_code(facts, verdicts) == expect["exit"]
    assert [finding.id for finding in find(facts, verdicts)] == expect["findings"]
    for verdict in verdicts:
        assert verdict.state == "free" or verdict.why
        assert not any(word in line for line in verdict.commands for word in ("-9", "KILL", "rm "))
        assert not any(".rpm.lock" in line and not line.startswith("ls ") for line in verdict.commands)
    if "who" in expect:
        assert explain(facts.processes[0]) == expect["who"]
    check_unlock(facts, expect.get("unlock", []))


def test_the_lines_that_check_name_a_root_with_a_space_quoted() -> None:
    case = {"locks": {"rpmdb": {"content": "812", "pid": 812}}, "facts": {"root": "/srv/a b"}}
    facts = facts_of(case)
    lines = [finding.remedy for finding in find(facts, judge(facts)) if finding.id.startswith("check-")]
    assert len(lines) == 3
    assert all("root '/srv/a b' " in line for line in lines)
    facts = facts_of({**case, "facts": {"tools": ["dnf5", "rpm"]}})
    lines = [finding.remedy for finding in find(facts, judge(facts)) if finding.id.startswith("check-")]
    assert lines == ["rpm --verifydb", "dnf5 check", "dnf5 check --duplicates"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("who-makecache", "systemctl stop dnf-makecache.timer"),
        ("who-unit", "opskit yum why"),
        ("who-unit-by-timers", "systemctl stop night.timer patch.timer"),
    ],
)
def test_the_service_of_a_timer_is_kept_away_by_the_line_of_the_timer(name: str, line: str) -> None:
    facts = facts_of(json.loads((Path(__file__).parent / f"locks/{name}.json").read_text(encoding="utf-8")))
    (finding,) = [finding for finding in find(facts, judge(facts)) if finding.id == "holder-is-a-service"]
    assert finding.remedy == line


def test_a_lock_that_cannot_be_read_is_not_taken_for_free() -> None:
    (lock,) = [lock for lock in judge(facts_of({"locks": {"rpm": {"kind": "unreadable"}}})) if lock.state != "free"]
    assert (lock.state, lock.blocks) == ("unknown", True)


def test_when_all_is_free_it_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    facts = facts_of({})
    draw_locks(Screen("opskit"), judge(facts), find(facts, judge(facts)))
    errors = capsys.readouterr()
    assert errors.out + errors.err == f"free: no package manager is locked ({len(PLACES)} places looked at)\n"


def check_unlock(facts: Facts, expected: Any) -> None:
    decision = decide_unlock(facts, RUN)
    if isinstance(expected, dict):
        assert isinstance(decision, Refusal), decision
        assert [reason.id for reason in decision.reasons] == expected["refusal"]
        assert decision.exit_code == expected["exit"]
        assert all(reason.remedy for reason in decision.reasons)
        return
    assert isinstance(decision, Plan), decision
    assert [[change.action, change.target] for change in decision.changes] == expected
    for step in decision.steps:
        data = json.loads(json.dumps(to_json(step)))
        assert load_step(StepRecord(1, step.kind, data, {}, {}, "done")) == step


def test_there_are_enough_cases_and_each_says_something_of_its_own() -> None:
    assert len(CASES) >= 60
    whats = [json.loads(path.read_text(encoding="utf-8"))["what"] for path in CASES]
    assert len(set(whats)) == len(whats)


@pytest.mark.parametrize(("lock", "same"), [("metadata", "a slow mirror"), ("rpmdb", "a scriptlet that waits")])
def test_what_an_idle_holder_can_wait_for_is_named(lock: str, same: str) -> None:
    case = json.loads((Path(__file__).parent / "locks" / "dnf-idle.json").read_text(encoding="utf-8"))
    facts = facts_of({**case, "locks": {lock: case["locks"]["metadata"]}})
    (idle,) = (finding for finding in find(facts, judge(facts)) if finding.id == "holder-idle")
    assert same in idle.remedy
