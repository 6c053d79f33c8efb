"""What `service ensure` decides, for every state that a service can be in; and what an undo takes for its own."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Optional, Union

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, Failed
from opskit.core.plan import Plan, Refusal
from opskit.core.systemd import parse_assignments
from opskit.service.ensure import decide_ensure
from opskit.service.judge import judge
from opskit.service.model import (
    DEAD_LOCK_FILE,
    DEAD_PID_FILE,
    FAILED,
    RUNNING,
    STARTING,
    STOPPED,
    Container,
    Process,
    Script,
    ServiceFacts,
    Unit,
    Verdict,
)
from opskit.service.policy import policy_text
from opskit.service.steps import StartService, WritePolicy, boot_id, first_to_end
from tiers import Agree
from unit.service.test_scripts import FILES, STRAYS, process

DEAD = {STOPPED, FAILED, DEAD_PID_FILE, DEAD_LOCK_FILE}


def test_only_what_is_dead_is_started(agree: Agree) -> None:
    """A service is never started beside one that lives, whatever its init script says."""
    cases = list(itertools.product((0, 1, 2, 3, 4, None), FILES, STRAYS, ("", "/run/lock/w")))
    right = 0
    for status, files, stray, lock in cases:
        script = Script("/etc/init.d/w", status, programs=("workerd",), pid_files=FILES[files], lock=lock)
        own = tuple(file.process for file in script.pid_files if file.process)
        facts = ServiceFacts("w", script=script, processes=(*own, *STRAYS[stray]))
        verdict = judge(facts)
        decision = decide_ensure(facts, 10.0)
        assert verdict
        if verdict.state == RUNNING:
            right += isinstance(decision, Plan) and not decision.steps
        elif verdict.state in DEAD and files != "other" and status is not None:
            right += isinstance(decision, Plan) and len(decision.steps) == 1
        else:
            right += isinstance(decision, Refusal) and decision.exit_code == 5
    agree("starts of what an init script tells of", right, len(cases))


def unit(active: str, sub: str = "", **more: str) -> ServiceFacts:
    return ServiceFacts("w", unit=Unit("w.service", active, sub, **more))  # type: ignore[arg-type]


def generated(script: Script) -> ServiceFacts:
    """Of an init script, as systemd has it once that was started."""
    return replace(unit("active", "exited", type="forking", source=script.path), script=script)


def container(status: str, *, itself: bool, policy: str = "") -> ServiceFacts:
    each = Container("podman", "c", "1", status, policy=policy)
    return ServiceFacts("c" if itself else "w", container=each, itself=itself)


@pytest.mark.parametrize(
    ("facts", "line", "reason"),
    [
        (unit("failed"), "systemctl start -- w.service", ""),
        (unit("inactive"), "systemctl start -- w.service", ""),
        (generated(Script("/etc/init.d/w", 3)), "systemctl restart -- w.service", ""),
        (generated(Script("/etc/init.d/w", 0, pid_files=FILES["gone"])), "systemctl restart -- w.service", ""),
        (generated(Script("/etc/init.d/w", 0, lock="/run/lock/w")), "", "not-known"),  # network of EL7
        (generated(Script("/etc/init.d/w", 0, programs=("wd",))), "", "not-known"),
        (unit("active", "exited", type="forking"), "", "not-known"),  # with RemainAfterExit=yes, as rc-local
        (unit("inactive", load="masked"), "", "masked"),
        (unit("inactive", type="oneshot", once=True), "", "runs-once"),
        (unit("failed", type="oneshot", once=True), "", "runs-once"),
        (unit("activating", "auto-restart", restart="always"), "", "brought-back"),
        (unit("activating", "start"), "", "brought-back"),
        (container("exited", itself=True), "podman start 1", ""),
        (container("created", itself=True), "podman start 1", ""),
        (container("restarting", itself=True, policy="always"), "", "brought-back"),
        (container("paused", itself=True), "", "still-lives"),
        (container("something-new", itself=True), "", "not-known"),
        (container("exited", itself=False), "", "container-halted"),
        (ServiceFacts("w"), "", "no-such-service"),
        (ServiceFacts("w", not_executable="/etc/init.d/w"), "", "no-such-service"),
        (ServiceFacts("w", processes=(process(9, "w", state="Z"),)), "", "nobody-starts-it"),
    ],
)
def test_by_what_it_is_started(facts: ServiceFacts, line: str, reason: str) -> None:
    decision = decide_ensure(facts, 10.0)
    if reason:
        assert isinstance(decision, Refusal)
        assert [each.id for each in decision.reasons] == [reason]
        assert decision.exit_code == (1 if reason == "no-such-service" else 5)
    else:
        assert isinstance(decision, Plan)
        assert decision.changes[0].commands == (line,)
        assert decision.fingerprint == decide_ensure(facts, 10.0).fingerprint  # type: ignore[union-attr]


def test_a_script_that_may_not_be_executed_is_named_with_what_mends_it() -> None:
    on_host = ServiceFacts("w", not_executable="/etc/init.d/w")
    for facts, line in (
        (on_host, "chmod +x /etc/init.d/w"),
        (replace(on_host, container=Container("podman", "c", "1", "running")), "podman exec c chmod +x /etc/init.d/w"),
    ):
        decision = decide_ensure(facts, 10.0)
        assert isinstance(decision, Refusal)
        (reason,) = decision.reasons
        assert reason.title == "w: /etc/init.d/w is there, and may not be executed"
        assert reason.remedy == line


def test_who_brings_it_back_is_named() -> None:
    decision = decide_ensure(unit("activating", "auto-restart", restart="on-failure"), 10.0)
    assert isinstance(decision, Refusal)
    assert "Restart=on-failure" in decision.reasons[0].remedy


STEP = StartService("w", "unit", "w.service", "", "", "failed", 10.0)


@pytest.mark.parametrize(
    ("runs", "record", "left"),
    [
        (None, {"main": [[7, 100]]}, "nothing"),
        ((7, 100), {"main": [[7, 100]]}, "stop"),
        ((7, 200), {"main": [[7, 100]]}, "kept"),  # the pid was used again
        ((8, 100), {"main": [[7, 100]]}, "kept"),
        ((7, 100), {}, "stop"),  # cut short: it began in the time of the step
        ((7, 99), {}, "kept"),
        ((7, 10**9), {}, "kept"),
        ((7, 100), {"main": []}, "kept"),
        ((7, 100), {"main": [[7, 100]], "boot": "another"}, "kept"),
        # It failed, and with Restart= systemd has started it again before it was stopped.
        ((8, 200), {"main": [[7, 100]], "failed": True}, "stop"),
        ((8, 10**9), {"main": [[7, 100]], "failed": True}, "kept"),
        ((7, 200), {"main": [], "failed": True, "boot": "another"}, "kept"),
    ],
)
def test_an_undo_stops_only_what_was_started(
    runs: Optional[tuple[int, int]], record: dict[str, object], left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = (Process(runs[0], 0, 1, runs[1], 0.0, "w", "S"),) if runs else ()
    verdict = Verdict("w", "unit", RUNNING if runs else STOPPED, "", main=main)
    monkeypatch.setattr(StartService, "_look", lambda *_: (ServiceFacts("w"), verdict))
    whole = {"boot": boot_id(), "began": 100, **record}
    if left == "kept":
        with pytest.raises(CannotUndo, match="did not start"):
            STEP.left(None, whole)  # type: ignore[arg-type]
        return
    change = STEP.left(None, whole)  # type: ignore[arg-type]
    assert (change is None) == (left == "nothing")
    assert change is None or change.commands == ("systemctl stop -- w.service",)


def test_what_has_no_main_process_is_not_stopped_by_an_undo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could tell whether it is what was started: a oneshot unit has done its work, and runs no more."""
    verdict = Verdict("w", "unit", RUNNING, "")
    monkeypatch.setattr(StartService, "_look", lambda *_: (ServiceFacts("w"), verdict))
    with pytest.raises(CannotUndo, match="no main process"):
        STEP.left(None, {"boot": boot_id(), "main": []})  # type: ignore[arg-type]


def test_what_has_ended_is_seen_at_once() -> None:
    assert first_to_end([(2**22 + 1, 5)], 3600.0) == 2**22 + 1
    assert first_to_end([], 0.0) == 0


LIVES = {"main_pid": 9, "type": "simple"}


@pytest.mark.parametrize(
    ("facts", "kinds"),
    [
        (unit("failed", type="simple"), ["service.write-policy", "service.start"]),
        (unit("failed", type="simple", restart="always"), ["service.start"]),
        (replace(unit("active", "running", **LIVES), processes=(process(9, "w"),)), ["service.write-policy"]),
        (replace(unit("active", "running", **LIVES, restart="on-failure"), processes=(process(9, "w"),)), []),
        (unit("failed", type="oneshot"), "no-policy"),
        (unit("failed", type="forking", source="/etc/init.d/w"), "no-policy"),
        (container("exited", itself=True), "no-policy"),
        (unit("inactive", load="masked"), "masked"),
    ],
)
def test_who_gets_a_restart_policy(facts: ServiceFacts, kinds: Union[str, list[str]]) -> None:
    decision = decide_ensure(facts, 10.0, policy=True)
    if isinstance(decision, Refusal):
        assert decision.reasons[0].id == kinds
    else:
        assert [step.kind for step in decision.steps] == kinds


@pytest.mark.parametrize(("release", "section"), [(0, "[Service]"), (257, "[Unit]")])
def test_the_start_limit_is_where_systemd_reads_it(release: int, section: str) -> None:
    values = {each.name: (each.section, each.value) for each in parse_assignments(policy_text(release))}
    assert values["Restart"] == ("Service", "on-failure")
    assert values["StartLimitBurst"] == (section[1:-1], "5")
    assert ("StartLimitInterval" in values) == (release == 0)


def test_a_drop_in_that_is_there_is_given_back() -> None:
    facts = replace(unit("failed", type="simple"), drop_in="[Service]\n", release=252)
    decision = decide_ensure(facts, 10.0, policy=True)
    assert isinstance(decision, Plan)
    step = decision.steps[0]
    assert isinstance(step, WritePolicy)
    assert step.before == ("[Service]\n",)
    assert decision.changes[0].commands[-1] == "systemctl daemon-reload"


def test_a_start_that_systemctl_itself_calls_failed_is_one_that_failed() -> None:
    """Else the restart that systemd has in mind, by the drop-in of the same run, came after it was taken back."""

    class Fails:
        def run(self, _command: Command) -> Result:
            raise Failed("systemctl start", "exit status 1")

    with pytest.raises(Failed) as failed:
        STEP.apply(Fails(), {})
    assert failed.value.record == {"failed": True}


def test_what_failed_and_is_about_to_be_started_again_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StartService, "_look", lambda *_: (ServiceFacts("w"), Verdict("w", "unit", STARTING, "")))
    record = {"boot": boot_id(), "began": 100, "main": []}
    assert STEP.left(None, record) is None  # type: ignore[arg-type]
    assert STEP.left(None, {**record, "failed": True})  # type: ignore[arg-type]
