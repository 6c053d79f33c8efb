"""Which workers of Celery answer: what is a worker, its name, and what a ping comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.command import Command
from opskit.service.celery import is_app, is_worker, node_name, ping_of, program_of, workers_of
from opskit.service.judge import judge
from opskit.service.model import CeleryPing, PidFile, Process, Script, ServiceFacts, Verdict
from opskit.service.see import processes
from opskit.service.see.celery import _inner, ask_celery
from unit.service.faked import Engines

WORDS = ("python3", "/usr/bin/celery", "-A", "proj", "worker", "-n", "one@%h")
ONE = Process(7, 0, 1, 7, 0.0, "celery", "S", WORDS)
CHILD = replace(ONE, pid=8, parent=7)
TWO = replace(ONE, pid=9, words=(*WORDS[:-1], "two@%h"))
STDOUT = 'Loading {settings}\n{"one@h": {"ok": "pong"}, "far@away": {"ok": "pong"}, "ill@h": {"error": "x"}}\n'


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (WORDS, ("python3", "/usr/bin/celery")),
        (("/v/bin/python", "-m", "celery", "worker"), ("/v/bin/python", "-m", "celery")),
        (("python", "manage.py", "celery", "worker"), ("python", "manage.py", "celery")),
        (("/v/bin/celery", "-A", "x", "worker"), ("/v/bin/celery",)),
        (("python", "x.py", "worker"), ()),
        (("/usr/bin/celery", "-A", "x", "beat"), None),
        (("[celeryd: one@h:MainProcess] -active- (worker -A x)",), ()),
        (("[celeryd: one@h:ForkPoolWorker-1]",), None),
        ((), None),
    ],
)
def test_what_is_a_worker(words: tuple[str, ...], program: tuple[str, ...] | None) -> None:
    titled = bool(words) and "MainProcess" in words[0]
    assert is_worker(replace(ONE, words=words)) == (titled or bool(program))
    if program is not None:
        assert program_of(words) == program


@pytest.mark.parametrize(
    ("exe", "worker"),
    [
        ("", True),  # it may not be looked at
        ("/usr/libexec/platform-python3.6", True),
        ("/v/bin/python3.11 (deleted)", True),
        ("/usr/bin/pypy3.10", True),
        ("/usr/bin/tini", False),
        ("/usr/sbin/runuser", False),
        ("/usr/bin/bash", False),
    ],
)
def test_what_starts_a_worker_and_waits_for_it_is_none(exe: str, worker: bool) -> None:
    """`tini -- celery -A proj worker` of a container has the words of a worker, and cannot be asked as one."""
    first = replace(ONE, exe=exe, words=("tini", "--", "celery", "-A", "proj", "worker"))
    child = replace(CHILD, exe="/usr/bin/python3.11")
    assert is_worker(first) is worker
    assert workers_of(Verdict("c", "container", "running", "", main=(first,), workers=(child,))) == [
        first if worker else child
    ]


def test_only_the_main_processes_are_workers() -> None:
    beat = replace(ONE, pid=10, words=("/usr/bin/celery", "beat"))
    verdict = Verdict(
        "c", "unit", "running", "", main=(ONE, beat), workers=(CHILD, TWO, replace(TWO, pid=11, state="Z"))
    )
    assert workers_of(verdict) == [ONE, TWO]
    assert node_name(ONE, "web.example.com") == "one@web.example.com"
    assert node_name(replace(ONE, words=("[celeryd: x@y:MainProcess]",)), "h") == "x@y"


def state(stdout: str, status: int = 0, *files: PidFile, stderr: str = "opskit: on h\n") -> tuple[str, str]:
    facts = ServiceFacts("celery", script=Script("/etc/init.d/celery", 0, pid_files=files), processes=(ONE, CHILD, TWO))
    verdict = judge(replace(facts, celery=ping_of("proj", [ONE, TWO], status, stdout, stderr)))
    assert verdict
    return verdict.state, verdict.why


def test_what_a_ping_comes_to() -> None:
    both = STDOUT.replace("far@away", "two@h")
    assert state(both)[0] == "running"
    assert state(both)[1].endswith("; 2 of 2 workers of proj answer")
    assert state(STDOUT) == ("not-answering", "1 of 2 workers of proj answer: two@h does not")
    assert ping_of("proj", [ONE], 0, STDOUT, "opskit: on h\n").others == ("far@away",)
    assert state("", 69)[1].endswith("0 of 2 workers of proj answer: one@h, two@h do not (nobody replied)")
    assert state("", 1, stderr="opskit: on h\nTraceback\nError 111 refused\n\n")[1].endswith("(Error 111 refused)")
    assert state("[1]\n{", 1)[1].endswith("(exit status 1)")
    own = PidFile("/run/one.pid", 7, 1.0, ONE)
    assert state(both, 0, own, PidFile("/run/three.pid", 99, 1.0))[0] == "dead-pid-file"
    assert state(STDOUT, 0, own, PidFile("/run/three.pid", 99, 1.0))[0] == "not-answering"


def test_what_was_not_asked_is_not_known() -> None:
    facts = ServiceFacts("celery", processes=(ONE,), celery=CeleryPing("proj", why="as root", asked=False))
    verdict = judge(facts)
    assert verdict
    assert (verdict.state, "were not asked: as root" in verdict.why) == ("unknown", True)


@pytest.mark.parametrize(
    ("status", "stderr", "why"),
    [
        (127, "opskit: on h\ncelery in /srv: No such file or directory\n", "celery in /srv: No such file or directory"),
        (1, "setpriv: uid 7 not found, --init-groups requires an user\n", "setpriv: uid 7 not found"),
        (126, "", "exit status 126"),  # of an engine
    ],
)
def test_a_celery_that_cannot_be_started_says_nothing_of_the_workers(status: int, stderr: str, why: str) -> None:
    told = state("", status, stderr=stderr)
    assert (told[0], f"were not asked: celery was not started: {why}" in told[1]) == ("unknown", True), told


def test_a_host_without_what_it_is_asked_with(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = replace(ONE, exe="/usr/bin/python3")
    monkeypatch.setattr("opskit.service.see.celery._command", lambda *_: Command(("setpriv",), mutates=False))
    ping = ask_celery(Engines(), "proj", Verdict("c", "unit", "running", "", main=(worker,)), None)
    assert (ping.asked, ping.why) == (False, "setpriv: this program is not on the host")


def test_what_is_an_app() -> None:
    assert all(map(is_app, ("proj", "proj.celery:app", "a_b.c")))
    assert not any(map(is_app, ("", "-A", "a b", "a;b", "a/b", "a:", "é", "a\n")))


def test_the_number_of_a_user_in_a_container() -> None:
    assert _inner(100005, "0 100000 65536\n") == 5
    assert _inner(5, "         0          0 4294967295\n") == 5
    assert _inner(5, "") == 5


def test_whose_a_process_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    (tmp_path / "7").mkdir()
    for text, user in (
        ("Uid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\n", (5, 6)),
        ("Uid:\t5\t0\t0\t0\nGid:\t6\t6\t6\t6\n", None),  # setuid: neither is who it works for
        ("Uid:\t5\t5\t5\t55\nGid:\t6\t6\t6\t6\n", None),
        ("Name:\tUid: 0 0 0 0\nUid:\t5\t5\t5\t5\nGid:\t6\t6\t6\t6\n", (5, 6)),
        ("", None),
    ):
        (tmp_path / "7" / "status").write_text(text)
        assert processes.user_of(7) == user
    assert processes.user_of(8) is None
