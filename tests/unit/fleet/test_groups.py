"""Hosts that fared alike are told once: what is alike, what is not, and what there is to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from golden.screens.made_fleet import FULL, NASTY, RUN, changes, checked, finding, name, plan, run, states
from opskit.fleet.groups import (
    LONGEST,
    answer_groups,
    check_verdict,
    clipped,
    found_groups,
    go_on,
    merged,
    plan_groups,
    plan_verdict,
    run_groups,
    template,
    verdict,
)
from opskit.fleet.model import FleetPlan, HostPlan, HostState

UUIDS = "f30ab76a-ec00-5735-be97-cc7b2431090e", "0a0ab76a-ec00-5735-be97-cc7b2431090e"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("/data: 97 % full", "/data: 91 % full", "/data: 91 to 97 % full"),
        ("97G of 100G used", "9.5G of 100G used", "9.5 to 97G of 100G used"),
        ("1,204 of 90,000", "12 of 90,000", "12 to 1,204 of 90,000"),
        ("(pid 812): gone", "(pid 7): gone", "(pid 7 to 812): gone"),
        (f"UUID={UUIDS[0]} /data", f"UUID={UUIDS[1]} /data", "UUID=... /data"),
        ("/etc/fstab.opskit-20261129T122648Z-646f35", "/etc/fstab.opskit-20261129T122649Z-646f36",
         "/etc/fstab.opskit-..."),
        ("since 2026-11-29T12:00:00Z", "since 2026-11-29T13:00:00+01:00", "since ..."),
        ("ssh: connect to host 10.0.0.9 port 22: No route to host",
         "ssh: connect to host web1.example.net port 22: No route to host",
         "ssh: connect to host ... port 22: No route to host"),
        ("ssh: Could not resolve hostname a: Name or service not known",
         "ssh: Could not resolve hostname b: Name or service not known",
         "ssh: Could not resolve hostname ...: Name or service not known"),
        ("ops@a: Permission denied (publickey).", "ops@b: Permission denied (publickey).",
         "...: Permission denied (publickey)."),
        ("Connection closed by 10.0.0.9 port 22", "Connection closed by 10.0.0.8 port 22",
         "Connection closed by ... port 22"),
        ("same 5", "same 5", "same 5"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_alike(one: str, other: str, together: str) -> None:
    assert template(one) == template(other)
    assert merged([one, other]) == together
    assert merged([other, one]) == together


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/dev/vdb is blank", "/dev/vdc is blank"),
        ("/dev/nvme1n1", "/dev/nvme2n1"),
        ("app1.service has failed", "app2.service has failed"),
        ("connect to 10.0.0.9 port 22", "connect to 10.0.0.8 port 22"),
        ("memcached 1.6.18", "memcached 1.6.19"),
        ("/srv/3 is full", "/srv/4 is full"),
        ("20G", "20M"),
        ("5 %", "5"),
        # What stands for a part of a text is no text of its own.
        ("\0", "5"),
        ("...", UUIDS[0]),
    ],
)
def test_not_alike(one: str, other: str) -> None:
    assert template(one) != template(other)


def test_a_number_counts_where_it_is_asked_for() -> None:
    assert template("20G", numbers=True) != template("21G", numbers=True)
    assert template(UUIDS[0], numbers=True) == template(UUIDS[1], numbers=True)


def test_a_long_text_keeps_its_beginning() -> None:
    text = clipped("x" * 2**20)
    assert text.startswith("x" * LONGEST + "... (1,048,576 ")
    assert clipped("x" * LONGEST) == "x" * LONGEST


def test_a_plan_is_grouped_by_what_would_happen() -> None:
    groups = plan_groups(plan(9))
    assert [(group.state, len(group.hosts)) for group in groups] == [
        ("changes", 5), ("refused", 1), ("failed", 1), ("unreachable", 1), ("nothing", 1),
    ]  # fmt: skip
    first = groups[0]
    assert not first.differs
    assert first.hosts == (name(0), NASTY, name(4), name(5), name(6))
    assert [change.after for change in first.changes][1:4] == [
        "ext4, UUID ...", "/etc/fstab.opskit-...", "UUID=... /data ext4 defaults,nofail 0 2",
    ]  # fmt: skip
    assert [change.lasting for change in first.changes] == [False, True, False, False, False, False]
    assert groups[1].todo == ("name the data disk; opskit disk list shows the verdict on each",)
    assert plan_verdict(plan(9)) == "9 hosts: 5 to change, 1 refused, 1 failed, 1 unreachable, 1 with nothing to do"


def test_other_sizes_are_told_and_other_disks_are_others() -> None:
    def planned(**more: Any) -> FleetPlan:
        hosts = {host: HostPlan("changes", 0, "t", "t", each) for host, each in more.items()}
        return replace(plan(0), hosts=hosts)

    sizes = plan_groups(planned(a=changes(1), b=changes(2, "2T"), c=changes(3, "19G")))
    assert [group.hosts for group in sizes] == [("a", "c"), ("b",)]
    assert sizes[0].differs
    assert sizes[0].changes[0].after == "gpt table, one partition of 19 to 20G"
    other = changes(2)
    other[0]["target"] = "/dev/vdc"
    assert len(plan_groups(planned(a=changes(1), b=other))) == 2
    assert len(plan_groups(planned(a=changes(1), b=changes(2)[:-1]))) == 2
    lasting = changes(2)
    lasting[0]["reversible"] = False
    assert len(plan_groups(planned(a=changes(1), b=lasting))) == 2


def test_the_worst_is_told_first_and_says_what_to_do() -> None:
    what = replace(run("apply", 17), ansible=("--user=ops", "--become"), tool={"tool": "send", "tool_dir": "/srv/a b"})
    groups = {group.state: group for group in run_groups(what, states(17))}
    assert list(groups) == [
        "take_back_failed", "unknown", "failed", "new", "taken_back", "busy", "missing", "refused", "unreachable",
        "waiting", "left_out", "done", "nothing",
    ]  # fmt: skip
    assert groups["refused"].todo == ()
    line = (
        "opskit fleet plan -i /srv/hosts.ini -l web2.example.net --user=ops --become --tool send --tool-dir '/srv/a b'"
        " -- disk mount /dev/vdb /data > plan.json"
    )
    assert groups["refused"].then == (line,)
    assert groups["waiting"].hosts == (name(13), name(14))
    assert groups["waiting"].why == "the run stopped: more than 2 hosts had failed (--max-fail)"
    assert groups["new"].findings[0].title == FULL["title"]
    assert groups["unknown"].why == ""  # the words of the group say it
    assert groups["done"].findings == ()
    assert go_on(run("apply", 17), list(groups.values())) == (f"opskit fleet resume {RUN}", 8)
    assert verdict(run("apply", 17), states(17)).startswith("6 of 17 hosts done, 1 failed and not all taken back, ")


def test_what_only_looked_is_not_resumed() -> None:
    only = run("check", 3, ("check",))
    assert go_on(only, run_groups(only, states(3))) == ("", 0)
    assert verdict(only, states(3)) == "1 of 3 hosts answered, 1 refused, 1 unreachable"


CHANGED = """Failed to connect to the host via ssh: @@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
Offending ED25519 key in /root/.ssh/known_hosts:{}
Host key verification failed."""


def test_where_there_is_no_way_to_hosts_it_is_said_what_to_do_here() -> None:
    whys = {
        "a": "Failed to connect to the host via ssh: Host key verification failed.",
        "b": CHANGED.format(3),
        "c": CHANGED.format(7),
        "d": "Missing sudo password",
        "e": "root@10.0.0.7: Permission denied (publickey).",
        "f": "root@10.0.0.8: Permission denied (publickey).",
        "h": "what the host has is none that runs (/usr/bin/opskit: sh: 13: /usr/bin/opskit: Permission denied)",
        "g": "ssh: connect to host 10.0.0.9 port 22: Connection refused",
    }
    hosts = {
        key: HostState({"d": "failed", "h": "missing"}.get(key, "unreachable"), why=why) for key, why in whys.items()
    }
    log_in = "log in there once by ssh, and compare the key that it asks about"
    told = {group.hosts: (group.why, group.then) for group in run_groups(run("run", 0), hosts)}
    assert told == {
        ("a",): ("Host key verification failed.", (log_in,)),
        ("b", "c"): (
            "it has another key than the one that is known (/root/.ssh/known_hosts)",
            ("find out why; only then remove the old key: ssh-keygen -R HOST",),
        ),
        ("d",): ("Missing sudo password", ("-K (--ask-become-pass)",)),
        ("e", "f"): (
            "...: Permission denied (publickey).", ("-u NAME, --private-key FILE, or -k (--ask-pass)",),
        ),
        ("h",): (whys["h"], ("become root there: -b (--become), and -K where sudo asks for a password",)),
        ("g",): ("ssh: connect to host 10.0.0.9 port 22: Connection refused", ()),
    }  # fmt: skip
    planned = FleetPlan("k", "t", "0", ("df",), (), "", {"d": HostPlan("failed", why="Missing sudo password")})
    assert plan_groups(planned)[0].then == ("-K (--ask-become-pass)",)


def test_a_run_that_ended_early_is_not_called_stopped() -> None:
    few = {"a": HostState("done", 0, run="r"), "b": HostState("waiting")}
    assert run_groups(run("apply", 0), few)[0].why == "the run ended before"
    # Under way they wait for their turn.
    assert run_groups(run("apply", 0), few, live=True)[0].why == ""


def test_done_is_taken_back_for_an_undo() -> None:
    done = {"a": HostState("done", 0, run="r"), "b": HostState("nothing", 0)}
    assert [group.words for group in run_groups(run("undo", 0), done)] == ["taken back", "nothing to do"]
    assert verdict(run("undo", 0), done) == "2 of 2 hosts taken back"


def test_a_finding_of_many_hosts_is_told_once() -> None:
    groups = found_groups(checked(20))
    assert [(group.finding.id, group.finding.severity, len(group.hosts)) for group in groups] == [
        ("nearly-full", "error", 9), ("unit-failed", "error", 6), ("\x1b[1m", "error", 1), ("4", "error", 1),
    ]  # fmt: skip
    first = groups[0].finding
    assert (first.title, first.evidence) == ("/data: 90 to 98 % full", "90 to 98G of 100G used")
    assert (first.area, first.remedy) == ("disk", "opskit df --why /data")
    assert groups[1].finding.area == "journal"
    assert check_verdict(checked(20)) == "20 hosts: 15 with errors, 4 in order, 1 unreachable"


def test_a_line_to_paste_is_never_made_of_two() -> None:
    def state(port: int) -> HostState:
        found = finding("evictions", "warning", "it evicts", f"seen {port}", f"more memory: -m {port}")
        return HostState("done", 4, findings=(found,))

    first, *rest = found_groups({"a": state(64), "b": state(128)})
    assert not rest
    assert first.finding.remedy == "on a: more memory: -m 64"
    other = {"a": state(64), "b": HostState("done", 4, findings=(finding("evictions", "warning", "it evicts", "x"),))}
    assert found_groups(other)[0].finding.evidence == "on a: seen 64"


def test_severity_counts_before_the_number_of_hosts() -> None:
    worse = {"a": HostState("done", 4, findings=(finding("x", "critical", "t"), finding("y", "info", "t")))}
    some = {name: HostState("done", 4, findings=(finding("z", "warning", "t"),)) for name in "bcd"}
    assert [group.finding.id for group in found_groups({**some, **worse})] == ["x", "z", "y"]
    assert check_verdict({**some, **worse}) == "4 hosts: 1 with critical, 3 with warnings"


def test_equal_answers_are_told_once() -> None:
    def state(value: Any) -> HostState:
        return HostState("done", 0, answer={"result": value, "findings": []})

    groups = answer_groups({"a": state({"x": 1, "y": 2}), "b": state({"y": 2, "x": 1}), "c": state({"x": 1}),
                            "d": HostState("unreachable", 10), "e": state(None)})  # fmt: skip
    assert [(group.hosts, group.result) for group in groups] == [
        (("a", "b"), {"x": 1, "y": 2}), (("c",), {"x": 1}), (("e",), None),
    ]  # fmt: skip


ODD = [None, 7, "text", [], {}, [7, None, "x", {}, []], {"a": [{}]}, [{"id": [], "severity": {}, "title": 7}]]


def test_whatever_a_host_answers() -> None:
    """Nothing that JSON can be where an object or a list belongs ends what tells of the other hosts."""
    for odd in ODD:
        rows: Any = odd if isinstance(odd, list) else [odd]
        answer: Any = {"result": odd, "findings": odd}
        for looks in (odd, [odd], [{"finding_ids": odd, "area": odd, "name": odd, "failure": odd}]):
            host = HostState("done", 4, findings=tuple(rows), answer={**answer, "result": {"looks": looks}}, new=())
            assert found_groups({"a": host, "b": host}) is not None
        host = HostState("refused", 5, why="w", findings=tuple(rows), new=tuple(rows), answer=answer)
        assert run_groups(run("apply", 0), {"a": host, "b": host})[0].hosts == ("a", "b")
        planned = HostPlan("changes", changes=tuple(rows), findings=tuple(rows))
        assert plan_groups(replace(plan(0), hosts={"a": planned, "b": planned}))[0].hosts == ("a", "b")
        assert json.dumps([group.result for group in answer_groups({"a": replace(host, state="done")})])


def test_what_an_undo_does_is_not_said_to_be_taken_back_itself() -> None:
    undo = replace(plan(1), argv=("undo",))
    assert [change.lasting for change in plan_groups(undo)[0].changes] == [False] * 6
