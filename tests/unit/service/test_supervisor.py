"""supervisord: its configuration as its own parser reads it, and the state of a program by what it says and /proc."""

from __future__ import annotations

import ast
import configparser
import inspect
import random
from dataclasses import replace
from typing import Any
from xmlrpc.client import Fault, dumps

import pytest

from opskit.core.child import SILENT, Answer
from opskit.core.plan import Plan, Refusal
from opskit.service.causes import causes
from opskit.service.ensure import MEND, decide_ensure
from opskit.service.findings import find
from opskit.service.judge import judge
from opskit.service.keeping import advice
from opskit.service.model import Around, Container, Process, Program, ServiceFacts, Supervisor
from opskit.service.see import supervisor as see
from opskit.service.see.supervisor import Daemon, _answers, _configs, is_early
from opskit.service.supervisor import (
    configured_programs,
    expanded,
    merged,
    named_programs,
    program_of,
    section_of,
    sections_in,
    setting,
)
from tiers import Agree

PARTS = (
    "[program:a]", "[program:b] ; why", " [group:g]", "command=/bin/x", "command = /bin/y -c ';' # no", "  more",
    "\tmore ; c", "autorestart: true", "KEY=a;b", "key=a ;b", "key=", "; a comment", "# another", "", "   ",
    "  indented=1", "programs=a,b",
)  # fmt: skip


def test_a_configuration_is_read_as_configparser_reads_it(agree: Agree) -> None:
    """As supervisord calls it (UnhosedConfigParser in supervisor/options.py)."""
    chance, right, cases = random.Random(20), 0, 0
    while cases < 300:
        text = "\n".join(["[first]", *chance.choices(PARTS, k=chance.randint(1, 14))])
        parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
        try:
            parser.read_string(text)
        except configparser.ParsingError:  # supervisord does not start with it
            continue
        cases += 1
        wanted = {name: {key: value.split() for key, value in parser.items(name)} for name in parser.sections()}
        read = sections_in("f", text)
        right += wanted == {name: {key: each.value.split() for key, each in section.settings.items()}
                            for name, section in read.items()}  # fmt: skip
    agree("configurations of supervisord", right, cases)


CONFIG = """\
[supervisord]
logfile=%(here)s/s.log
[program:w]
command=/bin/sh -c 'run --it' ; its command
process_name=%(program_name)s_%(process_num)02d
numprocs=2
autorestart=true
exitcodes=0,2
[program:w_x]
command=sleep 1
startretries=7
[group:g]
programs=w,w_x
[program:alone]
command=/bin/alone
"""
SECTIONS = merged([sections_in("/etc/s.conf", CONFIG), sections_in("/etc/t.conf", "[program:alone]\nautorestart=no\n")])
LOG = ("exited: w_00 (exit status 3; not expected)", "exited: w_01 (terminated by SIGKILL; not expected)",
       "stopped: alone (exit status 0)")  # fmt: skip


def test_the_line_to_change_is_found() -> None:
    program = program_of({"group": "g", "name": "w_00", "statename": "BACKOFF"}, SECTIONS, LOG)
    assert program.command == ("/bin/sh", "-c", "run --it")
    assert (program.restarts, program.where) == ("true", "/etc/s.conf:7")
    assert (program.expected, program.ended) == ((0, 2), "exit status 3")
    assert (program.retries, program.where_retries) == (3, "/etc/s.conf:3")
    # A later file counts, and its line is the one.
    alone = program_of({"group": "alone", "name": "alone"}, SECTIONS, LOG)
    assert (alone.restarts, alone.where, alone.ended) == ("false", "/etc/t.conf:2", "exit status 0")
    assert section_of("g", "w_x", SECTIONS) == "program:w_x"
    assert section_of("g", "w_01", SECTIONS) == "program:w"
    assert section_of("nothing", "x", SECTIONS) == ""
    assert expanded(setting(SECTIONS, "supervisord", "logfile"), "/etc", {}) == "/etc/s.log"


def test_exit_status_2_is_no_failure_by_default_before_4_0() -> None:
    """The default of exitcodes= was 0,2; supervisord does not start it again then."""
    answer = {"group": "alone", "name": "alone", "statename": "EXITED", "exitstatus": 2}
    only = sections_in("/etc/s.conf", "[program:alone]\ncommand=/bin/alone\n")
    for early, state in ((True, "stopped"), (False, "starting")):
        program = program_of(answer, only, (), early=early)
        verdict = judge(ServiceFacts("alone", supervisor=Supervisor("/c", (program,), 9)))
        assert verdict
        assert verdict.state == state
    # Where exitcodes= is there it is as it says.
    assert program_of({"group": "g", "name": "w_00"}, SECTIONS, (), early=True).expected == (0, 2)
    body = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><string>{}</string></value>\n"
    assert [is_early(body.format(each).encode()) for each in ("3.4.0", "3.1.4", "4.0.0", "4.2.5", "10.0")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_what_a_name_stands_for() -> None:
    answers = [{"group": "g", "name": name} for name in ("w_00", "w_01")] + [{"group": "w_00", "name": "w_00"}]
    for name, found in {"g:w_00": [0], "g": [0, 1], "g:*": [0, 1], "w_00": [2], "w_01": [1], "x": []}.items():
        assert named_programs(name, answers) == [answers[each] for each in found], name
    for name, found in {"g": ["g:w_00", "g:w_01", "g:w_x"], "g:w_01": ["g:w_01"], "alone": ["alone"], "x": [],
                        "w": ["w:w_00", "w:w_01"]}.items():  # fmt: skip
        assert [each.full for each in configured_programs(name, SECTIONS, LOG)] == found, name


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("python3", "/usr/bin/supervisord", "-n", "-c", "/a/s.conf"), "/a/s.conf"),
        (("/usr/bin/supervisord", "-cs.conf"), "/cwd/s.conf"),
        (("/usr/bin/supervisord", "--configuration=x/../s.conf"), "/cwd/s.conf"),
        (("/usr/bin/supervisord", "--configuration", "/b"), "/b"),
        (("/opt/venv/bin/supervisord",), "/opt/venv/etc/supervisord.conf"),
    ],
)
def test_where_its_configuration_is(words: tuple[str, ...], found: str) -> None:
    assert next(_configs(Daemon(1, words, "/cwd", (0, 0)))) == found


LIST = b"<methodResponse><params><param><value>%s</value></param></params></methodResponse>"
EMPTY = LIST % b"<array><data></data></array>"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"<x>", LIST % b"<int>1</int>", b'<!DOCTYPE x [<!ENTITY a "b">]>' + EMPTY],
)
def test_an_answer_that_is_not_supervisords(body: bytes) -> None:
    assert "answer" in str(_answers(body))
    assert _answers(EMPTY) == []


def test_a_supervisord_that_is_ending_says_so() -> None:
    fault = dumps(Fault(6, "SHUTDOWN_STATE"), methodresponse=True).encode()
    assert _answers(fault) == "it answers fault 6: SHUTDOWN_STATE"


def test_what_no_supervisord_answers_is_left_out() -> None:
    """Any user can run something that is called supervisord and answers what it likes."""
    rows: list[dict[str, object]] = [
        {"group": "g", "name": "a", "pid": "7", "start": "1", "exitstatus": 3, "spawnerr": 5, "more": "x"},
        {"group": 1, "name": "b"},
        {"group": "g"},
    ]
    body = dumps((rows,), methodresponse=True).encode()
    assert _answers(body) == [{"group": "g", "name": "a", "exitstatus": 3}]
    far = b"<i8>1099511627776</i8>"
    body = dumps(([{"group": "g", "name": "a", "start": 0}],), methodresponse=True).encode()
    assert _answers(body.replace(b"<int>0</int>", far)) == [{"group": "g", "name": "a"}]


@pytest.mark.parametrize(
    "template",
    ["%(process_num)99999999999d", "%(group_name)-.999999999s", "%99999999999s", "%(program_name)s" * 100],
    ids=("a number", "a text", "nothing", "long"),
)
def test_the_name_of_a_process_takes_no_memory(template: str) -> None:
    text = f"[program:w]\nprocess_name={template}\nnumprocs=1000\n"
    assert [each.name for each in configured_programs("w", sections_in("/c", text), ())] == ["w"]
    port = sections_in("/c", "[program:w]\nprocess_name=%(program_name)s_8080_%(process_num)03d\n")
    assert [each.name for each in configured_programs("w", port, ())] == ["w_8080_000"]


def test_what_asks_as_another_user_has_imported_all_before() -> None:
    """That user may not be able to look where Python's modules are, as in a home of root's."""
    imports = [node for top in ast.parse(inspect.getsource(see)).body for node in ast.walk(top)
               if isinstance(top, ast.FunctionDef)]  # fmt: skip
    names = {node.module for node in imports if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    assert names == set(see.MODULES)


def test_one_that_is_silent_is_not_told_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the usual configuration has may be its: its disk, or its socket, can hold it up."""
    found = {"files": ["/etc/supervisord.conf"], "why": "", "control": "supervisorctl", "log": [],
             "programs": [vars(Program("w", "w"))]}  # fmt: skip
    daemon = replace(CHILD, name="supervisord", words=("/usr/bin/supervisord",))
    for first, pid, state in ((SILENT, 7, "unknown"), (Answer(came=True, value={}), 0, "stopped")):
        monkeypatch.setattr(see, "ask", lambda *_, first=first: [first, Answer(came=True, value=found)])
        seen = see.see_supervisor("w", (daemon,))
        assert seen
        verdict = judge(ServiceFacts("w", supervisor=seen[0]))
        assert verdict
        assert (seen[0].pid, verdict.state) == (pid, state)


def facts_of(
    state: str = "", *processes: Process, pid: int = 9, why: str = "", weak: str = "", **more: Any
) -> ServiceFacts:
    program = Program("w", "w", state, where="/c:3", where_retries="/c:4", **more)
    return ServiceFacts("w", supervisor=Supervisor("/c", (program,), pid, why, weak), processes=processes)


CHILD = Process(7, 0, 9, 1, 1.0, "w", "S", ("/bin/w", "x"))


@pytest.mark.parametrize(
    ("facts", "state", "why", "ensured"),
    [
        (facts_of("RUNNING", CHILD, pid=9) , "unknown", "names pid 0", False),
        (facts_of("STARTING"), "starting", "startsecs", False),
        (facts_of("STOPPED", started=1.0, exit_status=-1), "stopped", "killed by a signal", True),
        (facts_of("STOPPING"), "stopped", "is stopping it", False),
        (facts_of("EXITED", restarts="true"), "starting", "about to", False),
        (facts_of("EXITED", exit_status=3), "starting", "about to", False),
        (facts_of("EXITED", exit_status=3, restarts="false"), "failed", "exit status 3", True),
        (facts_of("EXITED", exit_status=2, expected=(0, 2)), "stopped", "exit status 2", True),
        (facts_of("FATAL", error="Exited too quickly"), "failed", "too quickly", True),
        (facts_of("FATAL", error="x", weak="/c (user 1)"), "failed", "x", False),
        (facts_of("BACKOFF", error="can't find command '/x'"), "starting", "can't find", False),
        (facts_of("UNKNOWN"), "unknown", "says UNKNOWN", False),
        (facts_of(why="nobody listens"), "unknown", "nobody listens", False),
        (facts_of("", CHILD, why="nobody listens", command=("/bin/w", "x")), "running", "does not answer", True),
        (facts_of("", replace(CHILD, parent=1), why="no", command=("/bin/w", "x")), "unknown", "no", False),
        (facts_of(pid=0), "stopped", "does not run", False),
        (facts_of("", replace(CHILD, parent=1), pid=0, marked=(7,)), "running", "does not run", True),
        (facts_of("", replace(CHILD, parent=1, state="Z"), pid=0, marked=(7,)), "stopped", "does not run", False),
    ],
)  # fmt: skip
def test_the_state_of_a_program(facts: ServiceFacts, state: str, why: str, ensured: bool) -> None:
    verdict = judge(facts)
    assert verdict
    assert (verdict.state, why in verdict.why) == (state, True), verdict.why
    decision = decide_ensure(facts, 1.0)
    assert isinstance(decision, Plan if ensured else Refusal), decision
    if state != "running":
        assert causes(facts, verdict, Around())
    advice(facts, verdict)


def test_root_is_told_to_do_it_as_the_user_who_can_change_the_configuration() -> None:
    """Whatever that names supervisorctl would run as root, and its own program beside supervisord is his, too."""
    program = Program("w", "w", "FATAL", error="Exited too quickly", started=1.0)
    his = Supervisor("/home/u/s.conf", (program,), 9, "", "/home/u (owner 7, mode 0755)", "/home/u/supervisorctl", "u")
    facts = ServiceFacts("w", supervisor=his)
    verdict = judge(facts)
    refusal = decide_ensure(facts, 1.0)
    assert verdict
    assert isinstance(refusal, Refusal)
    told = [*find(facts, verdict), *causes(facts, verdict, Around()), *refusal.reasons]
    lines = [line for each in told for line in each.remedy.split("; ") if "supervisorctl" in line]
    assert len(lines) >= 4
    assert [line for line in lines if "runuser -u u -- /home/u/supervisorctl -c /home/u/s.conf" not in line] == []
    # One that root runs is mended, and supervisorctl is no way around that.
    refusal = decide_ensure(replace(facts, supervisor=replace(his, user="")), 1.0)
    assert isinstance(refusal, Refusal)
    assert [each.remedy for each in refusal.reasons] == [MEND]


def test_supervisord_is_held_against_proc() -> None:
    children = {"running": (CHILD,), "not-answering": (replace(CHILD, state="T"),),
                "unknown": (replace(CHILD, parent=1), replace(CHILD, state="Z"), replace(CHILD, pid=8))}  # fmt: skip
    for state, child in ((state, child) for state, each in children.items() for child in each):
        program = Program("w", "w", "RUNNING", 7)
        verdict = judge(ServiceFacts("w", supervisor=Supervisor("/c", (program,), 9), processes=(child,)))
        assert verdict
        assert verdict.state == state


def test_only_the_dead_ones_of_a_group_are_started() -> None:
    programs = (Program("g", "a", "RUNNING", 7), Program("g", "b", "FATAL"), Program("g", "c", "STOPPED"))
    facts = ServiceFacts("g", supervisor=Supervisor("/c d", programs, 9), processes=(CHILD,))
    verdict = judge(facts)
    assert verdict
    assert (verdict.state, verdict.why) == ("failed", "1 of 3 programs run; g:b: supervisord could not start it: ")
    plan = decide_ensure(facts, 1.0)
    assert isinstance(plan, Plan)
    lines = [line for change in plan.changes for line in change.commands]
    assert lines == ["supervisorctl -c '/c d' start g:b", "supervisorctl -c '/c d' start g:c"]
    inside = replace(facts, container=Container("podman", "c", "id", "running", 9))
    plan = decide_ensure(replace(inside, after=inside.container), 1.0)
    assert isinstance(plan, Plan)
    assert plan.changes[0].commands == ("podman exec id supervisorctl -c '/c d' start g:b",)
    # One that supervisord is about to start is waited for first.
    waits = replace(
        facts, supervisor=Supervisor("/c", (*programs, Program("g", "d", "BACKOFF", where_retries="/c:4")), 9)
    )
    refusal = decide_ensure(waits, 1.0)
    assert isinstance(refusal, Refusal)
    assert "startretries=3 (/c:4)" in refusal.reasons[0].remedy
