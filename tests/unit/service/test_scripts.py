"""What an init script says, held against /proc: every state of pid files and processes that can come together."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from opskit.service.findings import find
from opskit.service.judge import judge
from opskit.service.model import (
    DEAD_LOCK_FILE,
    DEAD_PID_FILE,
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
)
from opskit.service.script import named_in
from opskit.service.scripts import is_program
from opskit.service.see.facts import _script as script_of
from opskit.service.see.files import pids_in
from tiers import Agree

WRITTEN = 1000.0


def process(pid: int, name: str = "workerd", state: str = "S", *, parent: int = 1, at: float = WRITTEN - 1) -> Process:
    words = () if state == "Z" else (f"/usr/sbin/{name}", "--x")
    return Process(pid, 0, parent, pid, at, name, state, words)


# What the pid file comes to: its process, and whether the service lives by it.
FILES: dict[str, tuple[PidFile, ...]] = {
    "none": (),
    "own": (PidFile("/run/w.pid", 7, WRITTEN, process(7)),),
    "gone": (PidFile("/run/w.pid", 7, WRITTEN),),
    "zombie": (PidFile("/run/w.pid", 7, WRITTEN, process(7, state="Z")),),
    "reused": (PidFile("/run/w.pid", 7, WRITTEN, process(7, "sshd", at=WRITTEN + 60)),),
    "other": (PidFile("/run/w.pid", 7, WRITTEN, process(7, "sshd")),),
    "empty": (PidFile("/run/w.pid", 0, WRITTEN),),
    "stopped": (PidFile("/run/w.pid", 7, WRITTEN, process(7, state="T")),),
    "one of two": (
        PidFile("/run/w1.pid", 7, WRITTEN, process(7)),
        PidFile("/run/w2.pid", 8, WRITTEN),
    ),
}
STRAYS: dict[str, tuple[Process, ...]] = {
    "none": (),
    "lives": (process(90),),
    "zombie": (process(91, state="Z"),),
}


def wanted(status: int, files: str, stray: str, lock: str) -> str:
    """The state, by the rules as a person would say them: /proc first, then what is left behind, then the script."""
    if files in {"own", "one of two"}:
        return RUNNING
    if files == "stopped":
        return SILENT
    if stray == "lives":
        return RUNNING
    if files != "none":
        return DEAD_PID_FILE
    if lock:
        return DEAD_LOCK_FILE
    return STOPPED if status in {0, 1, 2, 3} else UNKNOWN


def test_every_state_that_can_come_together(agree: Agree) -> None:
    cases = list(itertools.product(range(6), FILES, STRAYS, ("", "/run/lock/w")))
    right = 0
    for status, files, stray, lock in cases:
        script = Script("/etc/init.d/w", status, programs=("workerd",), pid_files=FILES[files], lock=lock)
        own = tuple(file.process for file in script.pid_files if file.process)
        facts = ServiceFacts("w", script=script, processes=(*own, *STRAYS[stray]))
        verdict = judge(facts)
        assert verdict
        state = wanted(status, files, stray, lock)
        ids = {finding.id for finding in find(facts, verdict)}
        alive = state in {RUNNING, SILENT}
        lies = (status == 0 and state in {STOPPED, DEAD_PID_FILE, DEAD_LOCK_FILE}) or (status in {1, 2, 3} and alive)
        right += verdict.state == state and ("script-lies" in ids) == lies and bool(verdict.main) == alive
    agree("states of an init script", right, len(cases))


def test_a_script_that_names_no_program_is_believed_only_where_something_confirms_it() -> None:
    facts = ServiceFacts("w", script=Script("/etc/init.d/w", 0))
    verdict = judge(facts)
    assert verdict
    assert verdict.state == UNKNOWN
    # Whose program is not known is not called another program, unless the times say so.
    file = PidFile("/run/w.pid", 7, WRITTEN, process(7, "python3"))
    early = judge(ServiceFacts("w", script=Script("/etc/init.d/w", 0, pid_files=(file,))))
    assert early
    assert early.state == RUNNING
    file = PidFile("/run/w.pid", 7, WRITTEN, process(7, "python3", at=WRITTEN + 60))
    late = judge(ServiceFacts("w", script=Script("/etc/init.d/w", 0, pid_files=(file,))))
    assert late
    assert (late.state, late.lies) == (DEAD_PID_FILE, True)


def test_a_clock_that_was_set_makes_no_reused_pid_of_the_service() -> None:
    file = PidFile("/run/w.pid", 7, WRITTEN, process(7, at=WRITTEN + 3600))
    verdict = judge(ServiceFacts("w", script=Script("/etc/init.d/w", 0, programs=("workerd",), pid_files=(file,))))
    assert verdict
    assert verdict.state == RUNNING


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("7\r\n", [7]),
        ("\ufeff7\r\n", [7]),
        ("\n 7 8 9\n", [7, 8, 9]),
        ("7\n/var/lib/pgsql/data\n1700000000\n5432\n", [7]),  # postmaster.pid
        ("0", []),
        ("-7", []),
        ("7777777777", []),
        ("pid 7", []),
        ("\0\0", []),
        ("", []),
    ],
)
def test_the_pids_of_a_pid_file(text: str, pids: list[int]) -> None:
    assert pids_in(text) == pids


def test_of_several_pids_the_one_that_lives_counts() -> None:
    entry = {"path": "/run/w.pid", "pids": [6, 7, 8], "written": WRITTEN, "hidden": False}
    raw = {"path": "/etc/init.d/w", "programs": [], "pid_files": [entry], "lock": "", "logs": []}
    processes = (process(6, state="Z"), process(8))
    (file,) = script_of(raw, (0, "", ""), processes).pid_files
    assert (file.pid, file.process) == (8, processes[1])
    (file,) = script_of(raw, (0, "", ""), ()).pid_files
    assert (file.pid, file.process) == (6, None)


def test_the_first_process_of_the_host_is_no_service_by_a_pid_file() -> None:
    file = PidFile("/run/w.pid", 1, WRITTEN, process(1, "systemd"))
    verdict = judge(ServiceFacts("w", script=Script("/etc/init.d/w", 0, pid_files=(file,))))
    assert verdict
    assert (verdict.state, verdict.main) == (DEAD_PID_FILE, ())


@pytest.mark.parametrize(
    ("status", "verb", "state"),
    [(3, "start", STARTING), (3, "stop", STOPPED), (3, "status", STOPPED), (0, "start", RUNNING)],
)
def test_the_script_at_work_is_not_its_service(status: int, verb: str, state: str) -> None:
    words = ("/bin/sh", "/etc/rc.d/init.d/w", verb)
    at_work = Process(7, 0, 1, 7, WRITTEN, "w", "S", words), Process(8, 0, 7, 8, WRITTEN, "w", "S", words)
    facts = ServiceFacts("w", script=Script("/etc/init.d/w", status), processes=at_work)
    verdict = judge(facts)
    assert verdict
    assert verdict.state == state, verdict.why
    beside = replace(facts, script=Script("/etc/init.d/w", status, programs=("workerd",)))
    verdict = judge(replace(beside, processes=(*at_work, process(90))))
    assert verdict
    assert verdict.state == RUNNING


def test_a_script_that_is_not_run_makes_no_silent_service_of_a_living_process() -> None:
    why = "/etc/init.d/w is not run: others than root can change /opt/w (owner 99, mode 0755)"
    facts = ServiceFacts("w", script=Script("/etc/init.d/w", None, why, pid_files=FILES["own"], asked=False))
    verdict = judge(facts)
    assert verdict
    assert verdict.state == RUNNING
    assert why in verdict.why
    assert find(facts, verdict) == []
    assert judge(replace(facts, script=Script("/etc/init.d/w", None, why, asked=False))).state == UNKNOWN  # type: ignore[union-attr]


def test_who_lives_behind_a_script_that_hangs_is_not_to_be_continued() -> None:
    for state, remedy in (("S", "/etc/init.d/w status, by hand"), ("T", "kill -CONT 7")):
        files = (PidFile("/run/w.pid", 7, WRITTEN, process(7, state=state)),)
        facts = ServiceFacts("w", script=Script("/etc/init.d/w", None, "no end after 15 s", pid_files=files))
        verdict = judge(facts)
        assert verdict
        assert verdict.state == SILENT
        assert remedy in find(facts, verdict)[0].remedy


def test_what_an_engine_says_for_itself_is_no_answer() -> None:
    script = Script("/etc/init.d/w", None, "podman could not run it (exit status 126)")
    verdict = judge(ServiceFacts("w", script=script))
    assert verdict
    assert (verdict.state, verdict.why) == (UNKNOWN, "podman could not run it (exit status 126)")


def test_a_container_that_ended_meanwhile_says_nothing_of_its_service() -> None:
    before = Container("podman", "c", "1", "running", 10, started="a")
    script = Script("/etc/init.d/w", 0, programs=("workerd",), pid_files=FILES["own"])
    for after, state in (
        (before, RUNNING),
        (Container("podman", "c", "1", "running", 11, started="b"), UNKNOWN),
        (Container("podman", "c", "1", "paused", 10, started="a"), SILENT),
        (Container("podman", "c", "1", "exited", 0, 0, started="a"), STOPPED),
    ):
        facts = ServiceFacts("w", script=script, container=before, after=after, processes=(process(7),))
        verdict = judge(facts)
        assert verdict
        assert verdict.state == state, after


def test_the_zombie_of_a_container_whose_first_process_does_not_reap() -> None:
    first = Process(10, 1, 2, 1, 0.0, "sleep", "S", ("sleep", "9"))
    dead = Process(11, 4, 10, 2, 0.0, "workerd", "Z")
    container = Container("podman", "c", "1", "running", 10)
    script = Script("/etc/init.d/w", 0, programs=("workerd",), pid_files=(PidFile("/run/w.pid", 4, WRITTEN, dead),))
    facts = ServiceFacts("w", script=script, container=container, after=container, processes=(first, dead))
    verdict = judge(facts)
    assert verdict
    findings = {finding.id: finding for finding in find(facts, verdict)}
    assert set(findings) == {"not-running", "script-lies", "zombie"}
    assert "--init" in findings["zombie"].remedy
    assert findings["not-running"].remedy == "podman exec c /etc/init.d/w start"


@pytest.mark.parametrize(
    ("words", "exe", "name", "yes"),
    [
        (("/usr/sbin/workerd",), "", "workerd", True),
        (("python3", "-m", "workerd", "run"), "/usr/bin/python3.9", "python3", True),
        (("/bin/sh", "/etc/workerd"), "/bin/dash", "sh", True),
        (("workerd: master process",), "", "x", True),
        (("[workerd:", "x]"), "", "x", True),
        (("vi", "/etc/workerd"), "/usr/bin/vi", "vi", False),
        (("bash", "-c", "service workerd status"), "/bin/bash", "bash", False),
        (("sh", "watch.sh", "workerd"), "/bin/dash", "sh", False),
        (("sleep", "1"), "/opt/workerd (deleted)", "sleep", True),
        ((), "", "workerd", True),
    ],
)
def test_which_process_is_the_program(words: tuple[str, ...], exe: str, name: str, yes: bool) -> None:
    each = Process(1, 0, 0, 0, 0.0, name, "S", words, exe)
    assert is_program(each, ("workerd",)) is yes


def test_a_name_longer_than_the_kernel_keeps() -> None:
    each = Process(1, 0, 0, 0, 0.0, "a-very-long-nam", "Z")
    assert is_program(each, ("a-very-long-name-indeed",))
    assert not is_program(each, ("a-very-long",))


REDHAT = """#!/bin/sh
# chkconfig: - 85 15
# processname: httpd
# pidfile: /var/run/httpd/httpd.pid
prog=httpd
lockfile=/var/lock/subsys/httpd
"""
CELERY = """#!/bin/sh -e
DEFAULT_PID_FILE="/var/run/celery/%n.pid"
DEFAULT_LOG_FILE="/var/log/celery/%n%I.log"
CELERY_BIN=${CELERY_BIN:-"celery"}
CELERYD_PID_FILE=${CELERYD_PID_FILE:-${CELERYD_PIDFILE:-$DEFAULT_PID_FILE}}
"""
DEBIAN = """#! /bin/sh
NAME=memcached
DAEMON=/usr/bin/$NAME
PIDFILE=/var/run/$NAME.pid
"""


def test_what_a_script_names() -> None:
    assert named_in("httpd", REDHAT) == (("/var/run/httpd/httpd.pid",), ("httpd",))
    assert named_in("celeryd", CELERY).pid_files == ("/var/run/celery/*.pid",)
    settings = 'CELERYD_PID_FILE="/tmp/c/%n.pid"\nCELERY_BIN="/opt/bin/celery"\n'
    assert "/tmp/c/*.pid" in named_in("celeryd", CELERY, [settings]).pid_files
    assert named_in("celeryd", CELERY, [settings]).programs == ("celery",)
    assert named_in("memcached", DEBIAN) == (("/var/run/memcached.pid",), ("memcached",))
    assert named_in("x", "") == ((), ())
    # One that holds itself, or is made by a program, is known to nobody, and ends nothing.
    assert named_in("x", "A=$B\nB=$A\nPIDFILE=$A/x.pid\nDAEMON=$(which x)\n").programs == ()
