"""Units and containers, from what systemctl and the engines print to the verdict."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any, Optional

import pytest

from opskit.core.errors import Failed, Missing, UsageFault
from opskit.core.systemd import parse_show
from opskit.service.findings import find
from opskit.service.judge import judge
from opskit.service.model import (
    DEAD_PID_FILE,
    FAILED,
    RUNNING,
    SILENT,
    STARTING,
    STOPPED,
    UNKNOWN,
    Container,
    PidFile,
    Process,
    Script,
    ServiceFacts,
    Unit,
    Verdict,
)
from opskit.service.see import containers
from opskit.service.see.containers import check_container_name, container_of, find_container, with_kills
from opskit.service.see.unit import entry_of, unit_of
from unit.service.faked import Engines

# As systemd 252 has a service that runs.
SHOWN = """Type=simple
Restart=no
Result=success
NRestarts=0
ExecMainCode=0
ExecMainStatus=0
MainPID=7
ControlGroup=/system.slice/w.service
MemoryCurrent=[not set]
Id=w.service
LoadState=loaded
ActiveState=active
FreezerState=running
SubState=running
ActiveEnterTimestampMonotonic=5000000
InactiveEnterTimestampMonotonic=0
"""
MAIN = Process(7, 0, 1, 7, 0.0, "w", "S", ("w",), group="/system.slice/w.service")


def verdict_of(*processes: Process, script: Optional[Script] = None, **properties: str) -> Verdict:
    (shown,) = parse_show(SHOWN)
    unit = unit_of({**shown, **properties}, 1000.0)
    verdict = judge(ServiceFacts("w", unit=unit, script=script, processes=processes))
    assert verdict
    return verdict


def test_what_systemd_takes_for_started_is_to_be_restarted() -> None:
    script = Script("/etc/init.d/w", 3, pid_files=(PidFile("/run/w.pid", 7, 1.0),))
    for active, verb in (("active", "restart"), ("inactive", "start")):
        unit = Unit("w.service", active, "exited", type="forking", source="/etc/init.d/w")
        facts = ServiceFacts("w", unit=unit, script=script)
        verdict = judge(facts)
        assert verdict
        assert verdict.state == DEAD_PID_FILE
        assert find(facts, verdict)[0].remedy.endswith(f"systemctl {verb} w.service")


def test_only_a_oneshot_that_does_not_remain_runs_once() -> None:
    for kind, remains, once in (("oneshot", "no", True), ("oneshot", "yes", False), ("simple", "no", False)):
        assert unit_of({"Type": kind, "RemainAfterExit": remains}, 0.0).once is once


FAILS, EXITED = {"ActiveState": "failed"}, {"ExecMainCode": "1"}
DEAD = {"MainPID": "0", "ControlGroup": ""}


@pytest.mark.parametrize(
    ("properties", "state", "words"),
    [
        ({**FAILS, "Result": "exit-code", **EXITED, "ExecMainStatus": "7"}, FAILED, "exit status 7"),
        ({**FAILS, "Result": "exit-code", **EXITED, "ExecMainStatus": "203"}, FAILED, "203/EXEC"),
        ({**FAILS, "Result": "signal", "ExecMainCode": "2", "ExecMainStatus": "9"}, FAILED, "SIGKILL"),
        ({**FAILS, "Result": "core-dump", "ExecMainCode": "3", "ExecMainStatus": "11"}, FAILED, "SIGSEGV"),
        ({**FAILS, "Result": "oom-kill", "ExecMainCode": "2", "ExecMainStatus": "9"}, FAILED, "memory"),
        ({**FAILS, "Result": "start-limit-hit"}, FAILED, "too often"),
        ({**FAILS, "Result": "timeout"}, FAILED, "time limit"),
        ({**FAILS, "Result": "watchdog"}, FAILED, "watchdog"),
        ({**FAILS, "Result": "something-new"}, FAILED, "something-new"),
        ({"ActiveState": "inactive", "SubState": "dead"}, STOPPED, "not running"),
        ({"ActiveState": "inactive", "LoadState": "masked"}, STOPPED, "masked"),
        ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code"}, STARTING, "again"),
        ({"ActiveState": "activating", "SubState": "start"}, STARTING, "starting"),
        ({"ActiveState": "deactivating", "SubState": "stop-sigterm"}, STOPPED, "stopping"),
        ({"ActiveState": "active", "SubState": "exited", "Type": "oneshot"}, RUNNING, "oneshot"),
        ({"ActiveState": "active", "SubState": "exited", "Type": "forking"}, STOPPED, "no process"),
        ({"ActiveState": "active", "MainPID": "7"}, UNKNOWN, "ended"),
        ({"ActiveState": "active", "FreezerState": "frozen"}, SILENT, "frozen"),
        ({"ActiveState": "maintenance"}, UNKNOWN, "maintenance"),
    ],
)  # fmt: skip
def test_what_systemd_says_of_a_unit_without_a_process(properties: dict[str, str], state: str, words: str) -> None:
    verdict = verdict_of(**{**DEAD, **properties})
    assert verdict.state == state
    assert words in verdict.why


def test_a_unit_that_runs_and_its_workers() -> None:
    worker = Process(8, 0, 7, 8, 0.0, "w", "S", ("w",), group="/system.slice/w.service/worker")
    other = Process(9, 0, 1, 9, 0.0, "v", "S", ("v",), group="/system.slice/w.service-not")
    dead = Process(10, 0, 7, 10, 0.0, "w", "Z", group="/system.slice/w.service")
    verdict = verdict_of(MAIN, worker, other, dead)
    assert (verdict.state, verdict.main, verdict.workers, verdict.zombies) == (RUNNING, (MAIN,), (worker,), (dead,))
    assert (verdict.since, verdict.restarts) == (1005.0, 0)
    stopped = Process(7, 0, 1, 7, 0.0, "w", "T", ("w",), group="/system.slice/w.service")
    assert verdict_of(stopped).state == SILENT


def test_a_unit_made_for_an_init_script_is_as_its_processes_are() -> None:
    # `active (exited)` is all that systemd knows of most of them.
    properties = {**DEAD, "SubState": "exited", "Type": "forking", "SourcePath": "/etc/init.d/w"}
    zombie = Process(7, 0, 1, 7, 0.0, "w", "Z")
    lies = Script("/etc/init.d/w", 0, programs=("w",), pid_files=(PidFile("/run/w.pid", 7, 1.0, zombie),))
    assert verdict_of(zombie, script=lies, **properties).lies
    works = Script("/etc/init.d/w", 0, programs=("w",), pid_files=(PidFile("/run/w.pid", 7, 1.0, MAIN),))
    verdict = verdict_of(MAIN, script=works, **properties)
    assert (verdict.state, verdict.kind, verdict.main) == (RUNNING, "unit", (MAIN,))


def test_numbers_that_nobody_counts() -> None:
    (shown,) = parse_show(SHOWN)
    assert unit_of({**shown, "MemoryCurrent": str(2**64 - 1)}, 0.0).memory is None
    assert unit_of({**shown, "MemoryCurrent": "4096"}, 0.0).memory == 4096
    del shown["NRestarts"]  # before systemd 235
    assert unit_of(shown, 0.0).restarts is None


def test_messages_of_the_journal() -> None:
    assert entry_of('{"MESSAGE": "a\\nb"}').message == "a"
    assert entry_of('{"MESSAGE": [255, 97]}').message == "\udcffa"
    assert entry_of('{"MESSAGE": null}') == entry_of("no json") == entry_of("[]") == ("", False, "")


# As docker 20.10 and 24 answer, by the API's documentation (Engine API v1.41, ContainerInspect): read, not run.
DOCKER: dict[str, Any] = {
    "Id": "0123456789ab",
    "Name": "/web",
    "RestartCount": 2,
    "State": {
        "Status": "running", "Running": True, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False,
        "Pid": 10, "ExitCode": 0, "Error": "", "StartedAt": "2026-01-01T00:00:00Z",
    },
    "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}, "Init": None},
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "wanted", "words"),
    [
        ({}, RUNNING, "runs"),
        ({"Health": {"Status": "unhealthy"}}, SILENT, "health"),
        ({"Health": {"Status": "starting"}}, STARTING, "health"),
        ({"Health": {"Status": "none"}}, RUNNING, "runs"),
        ({"Health": None}, RUNNING, "runs"),
        ({"Status": "paused"}, SILENT, "unpause"),
        ({"Status": "restarting", "Pid": 0}, STARTING, "restarting"),
        ({"Status": "exited", "Pid": 0, "ExitCode": 0}, STOPPED, "exit status 0"),
        ({"Status": "exited", "Pid": 0, "ExitCode": 143}, STOPPED, "SIGTERM"),
        ({"Status": "exited", "Pid": 0, "ExitCode": 1}, FAILED, "exit status 1"),
        ({"Status": "exited", "Pid": 0, "ExitCode": 137, "OOMKilled": True}, FAILED, "memory"),
        ({"Status": "dead", "Pid": 0, "Error": "no such file"}, FAILED, "no such file"),
        ({"Status": "created", "Pid": 0}, STOPPED, "created"),
        ({"Status": "something-new"}, UNKNOWN, "something-new"),
    ],
)
def test_what_an_engine_says_of_a_container(state: dict[str, Any], wanted: str, words: str) -> None:
    entry = {**DOCKER, "State": {**DOCKER["State"], **state}}
    container = container_of("docker", json.dumps([entry]))
    assert (container.name, container.policy, container.restarts) == ("web", "on-failure", 2)
    verdict = judge(ServiceFacts("web", container=container, itself=True))
    assert verdict
    assert verdict.state == wanted
    assert words in verdict.why


@pytest.mark.parametrize("text", ["", "[]", "{}", "[1]", '[{"Id": "1"}]', '[{"Id": "1", "Name": "a", "State": null}]'])
def test_another_answer_of_an_engine_is_an_error(text: str) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        container_of("podman", text)


def test_which_engine_has_it() -> None:
    """Both exit for a container that is not there as for an engine that does not work; podman's 125 was seen."""
    found = (0, json.dumps([DOCKER]))
    with pytest.raises(Missing):
        find_container(Engines(), "web")
    podman, docker = {"inspect": (125, ""), "exists": (1, "")}, {"inspect": (1, "[]"), "version": (0, "24.0")}
    assert find_container(Engines(podman=podman, docker=docker), "web") is None
    only = find_container(Engines(docker={"inspect": found}), "web")
    assert only
    assert only.engine == "docker"
    # One that does not work hides nothing that the other one has; alone it is an error, and no "no such container".
    broken = {"inspect": (125, ""), "exists": (125, "")}
    assert find_container(Engines(podman=broken, docker={"inspect": found}), "web") == only
    for engines in (Engines(podman=broken), Engines(docker={"inspect": (1, "[]"), "version": (1, "")})):
        with pytest.raises(Failed) as error:
            find_container(engines, "web")
        assert error.value.todo.startswith(("podman info", "systemctl status docker"))
    # The other one may be the one in use, and the name be wrong.
    idle = {"inspect": (1, "[]"), "version": (1, "")}
    for engines, has_none in (
        (Engines(podman=podman, docker=idle), "podman"), (Engines(podman=broken, docker=docker), "docker"),
    ):  # fmt: skip
        with pytest.raises(Failed) as error:
            find_container(engines, "web")
        assert error.value.todo.startswith(f"{has_none} has no web: {has_none} ps -a ")


@pytest.mark.parametrize("name", ["", "-a", "--all", "a b", "a/b", "a\nb", "\udcff"])
def test_what_is_no_name_of_a_container(name: str) -> None:
    with pytest.raises(UsageFault):
        check_container_name("--container", name)


def test_a_kill_by_the_kernel_that_the_engine_has_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The podman of EL 8 and Debian 12 says OOMKilled=false of a container that the kernel's OOM killer has ended."""
    asked = []

    def messages(since: float) -> list[str]:
        asked.append(since)
        return ["oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/machine.slice/libpod-abc.scope/c,task=x,pid=7,uid=0"]

    monkeypatch.setattr(containers, "kernel_messages", messages)
    ended = Container("podman", "c", "abc", "exited", exit_code=137, started="2026-11-29T16:29:47.123456789+01:00")
    first, second = with_kills([ended, replace(ended, id="other")])
    assert (first.oom_killed, second.oom_killed) == (True, False)
    # What the kernel said before its start is of another run.
    zero = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
    assert asked[0] == pytest.approx(containers._moment(ended.started) - zero - containers.CLOCKS_DIFFER, abs=1)
    for other in (replace(ended, exit_code=1), replace(ended, pid=7), replace(ended, started="0001-01-01T00:00:00Z")):
        assert not with_kills([other])[0].oom_killed


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-02T00:00:00Z", 86400.0),
        ("1970-01-02T01:00:00.123456789+01:00", 86400.0),
        ("1970-01-02 00:00:00 +0000 UTC", 86400.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_a_time_in_the_words_of_an_engine(text: str, moment: float) -> None:
    assert containers._moment(text) == moment
