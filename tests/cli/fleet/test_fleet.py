"""opskit fleet from argv to exit status, over ansible-playbook, to hosts on paper."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from cli.fleet.conftest import Ended, Fleet

FULL = {"id": "full", "severity": "error", "title": "/data is 97 % full", "evidence": "", "remedy": ""}


def test_a_plan_is_made_shown_carried_out_once_and_taken_back(fleet: Fleet) -> None:
    made = fleet.planned()
    assert (made.code, made.result["argv"], len(made.result["hosts"])) == (0, ["disk", "mount", "/dev/vdb", "/data"], 3)
    assert "3 hosts" in made.err
    assert fleet.acted() == []
    shown = fleet.run("show", str(fleet.plan))
    assert (shown.code, "3 to change" in shown.err) == (0, True)
    unasked = fleet.run("apply", str(fleet.plan), way=True)
    assert (unasked.code, unasked.out) == (5, "")
    assert "--yes answers the question" in unasked.err
    done = fleet.apply("--serial", "1,100%")
    assert (done.code, done.states) == (0, dict.fromkeys("abc", "done"))
    assert fleet.acted() == ["a", "b", "c"]
    # The first batch is checked before and after, and the others are begun when it is over.
    words = [(name, call[0]) for name, call in fleet.calls if call[0] == "check" or "--yes" in call]
    assert words[:3] == [("a", "check"), ("a", "disk"), ("a", "check")]
    assert sorted(words[3:]) == [("b", "disk"), ("c", "disk")]
    again = fleet.apply()
    assert (again.code, again.states, fleet.acted()) == (0, dict.fromkeys("abc", "done"), ["a", "b", "c"])
    assert "nothing to do" in fleet.run("resume", "last").out
    assert fleet.run("status", "last", "--json").states == dict.fromkeys("abc", "done")
    page = fleet.folder / "run.html"
    assert fleet.run("report", "last", "--html", str(page)).code == 0
    assert all(
        part in page.read_text() for part in ("3 of 3 hosts done", "The plan", "opskit disk mount /dev/vdb /data")
    )
    assert page.stat().st_mode & 0o777 == 0o600
    assert fleet.run("report", "last", "--html", str(fleet.folder / "none" / "run.html")).code == 1
    back = fleet.run("undo", done.result["run"], "--yes", "--json")
    assert (back.code, back.states, back.result["of"]) == (0, dict.fromkeys("abc", "done"), done.result["run"])
    assert fleet.acted("undo") == ["a", "b", "c"]
    assert ["undo", "--json", "--dry-run", "run-of-a"] in [call for _, call in fleet.calls]


@pytest.mark.slow
def test_hosts_are_reached_as_they_were_for_the_plan_unless_it_is_said_how(fleet: Fleet) -> None:
    way = ("-i", str(fleet.folder / "hosts.yml"))
    tool = ("--tool", "path", "--tool-path", str(fleet.tool))
    made = fleet.run("plan", *way, *tool, "-u", "ops", "--become", "--", "disk", "mount", "/dev/vdb", "/data")
    fleet.plan.write_text(made.out)
    given = (made.result["ansible"], made.result["tool"])
    assert given == (["--user=ops", "--become"], {"tool": "path", "tool_path": str(fleet.tool)})
    done = fleet.run("apply", str(fleet.plan), "--yes", "--json")
    assert (done.code, done.states) == (0, dict.fromkeys("abc", "done"))
    runs = fleet.folder / "state" / "fleet"
    run = json.loads((runs / done.result["run"] / "run.json").read_text())
    assert (run["ansible"], run["tool"]) == given
    other = fleet.run("apply", str(fleet.plan), "-u", "me", "--yes", "--json")
    run = json.loads((runs / other.result["run"] / "run.json").read_text())
    assert (run["ansible"], run["tool"]) == (["--user=me"], given[1])


@pytest.mark.slow
def test_each_host_ends_in_its_own_way_and_the_first_code_counts(fleet: Fleet) -> None:
    fleet.set("a", dry=5)
    fleet.set("b", nothing=True)
    fleet.set("c", says="no JSON at all")
    made = fleet.planned()
    outcomes = {name: host["outcome"] for name, host in made.result["hosts"].items()}
    assert (made.code, outcomes) == (1, {"a": "refused", "b": "nothing", "c": "failed"})
    assert made.result["hosts"]["a"]["why"] == "it is in use"
    nothing = fleet.apply()
    assert (nothing.code, nothing.result["run"], fleet.acted()) == (1, None, [])
    assert nothing.result["left_out"]["a"] == "it is in use"


@pytest.mark.slow
def test_once_too_many_have_failed_no_more_are_begun_and_resume_goes_on(fleet: Fleet) -> None:
    fleet.planned()
    fleet.set("a", act=8)
    stopped = fleet.apply("--serial", "1")
    assert (stopped.code, stopped.states) == (8, {"a": "taken_back", "b": "waiting", "c": "waiting"})
    fleet.set("b", act=5)
    more = fleet.run("resume", "last", "--yes", "--json", "--max-fail", "2")
    assert (more.code, more.states) == (8, {"a": "taken_back", "b": "refused", "c": "done"})
    # What was under way when the control node was lost is waited for.
    resumed = [call for _, call in fleet.calls if "--lock-timeout" in call]
    assert [call[call.index("--lock-timeout") + 1] for call in resumed] == ["5m"] * 3
    # Those that had no turn come first: the one that failed would stop it before them.
    assert [name for name, call in fleet.calls if "--lock-timeout" in call] == ["b", "c", "a"]
    # A dry run writes nothing, and who is asked sees the plan of the hosts that are left.
    before = written(fleet.folder / "state")
    dry = fleet.run("resume", "last", "--dry-run")
    assert (dry.code, written(fleet.folder / "state")) == (0, before)
    fleet.run("undo", "last", "--dry-run")
    assert written(fleet.folder / "state") == before
    shown = fleet.run("resume", "last")
    assert (shown.code, written(fleet.folder / "state") == before) == (5, False)
    told = [line.split()[:2] for line in shown.err.splitlines() if line[:2] in {"a ", "b ", "c "}]
    assert told == [["a", "changes"]]
    fleet.set("a")
    # What has refused would stop it each time, and wants a new plan.
    rest = fleet.run("resume", "last", "--yes", "--json")
    assert (rest.code, rest.states) == (5, {"a": "done", "b": "refused", "c": "done"})
    fleet.set("b")
    none = fleet.run("resume", "last", "--yes")
    assert (none.code, "no host wants the same again" in none.out, fleet.acted()) == (5, True, ["a", "c"])


@pytest.mark.slow
def test_a_new_finding_of_the_first_host_stops_the_run(fleet: Fleet) -> None:
    fleet.planned()
    known = {**FULL, "title": "/var is 91 % full"}
    fleet.set("a", checks=[[known], [{**known, "title": "/var is 92 % full"}, FULL]])
    stopped = fleet.apply()
    assert (stopped.code, stopped.states) == (4, {"a": "done", "b": "waiting", "c": "waiting"})
    assert stopped.result["hosts"]["a"]["new"] == [FULL]


@pytest.mark.slow
def test_a_host_that_the_inventory_has_no_more_stops_all(fleet: Fleet) -> None:
    fleet.planned()
    # The first batch is asked before the others, and all hosts are looked for before that.
    for left in (["a", "b"], ["b", "c"]):
        fleet.write_inventory(left)
        refused = fleet.apply()
        body = json.loads(refused.out)
        assert (refused.code, [each["id"] for each in body["findings"]]) == (5, ["host-not-in-inventory"])
    assert fleet.acted() == []


def test_what_looks_like_an_expression_arrives_as_it_is(fleet: Fleet) -> None:
    words = ["df", "--why", "{{ 1 + 1 }}", "a \"b\" 'c' $(d) é\n\U0001f600", "{% raw %}"]
    asked = fleet.run("run", "--json", "--", *words, way=True)
    assert asked.code == 0
    assert [call for _, call in fleet.calls] == [["df", "--json", *words[1:]]] * 3
    refused = fleet.run("run", "--", "disk", "mount", "/dev/vdb", "/data", way=True)
    assert (refused.code, len(fleet.calls)) == (5, 3)


@pytest.mark.slow
def test_a_check_of_all_hosts(fleet: Fleet) -> None:
    fleet.set("b", checks=[[FULL], [FULL]])
    found = fleet.run("check", "--json", way=True)
    assert (found.code, found.result["hosts"]["b"]["findings"]) == (4, [FULL])
    metrics = fleet.folder / "opskit.prom"
    assert fleet.run("check", "--format", "prometheus", "--output", str(metrics), way=True).code == 4
    assert 'opskit_findings{host="b",check="",severity="error",id="full"} 1\n' in metrics.read_text()
    assert metrics.stat().st_mode & 0o777 == 0o644
    assert fleet.run("check", "--output", str(metrics), way=True).code == 2


@pytest.mark.slow
def test_a_dry_run_of_an_apply_asks_each_by_its_token(fleet: Fleet) -> None:
    fleet.planned()
    before = len(fleet.calls)
    assert fleet.run("apply", str(fleet.plan), "--dry-run", "--exit-code", way=True).code == 3
    assert all({"--only-plan", "--dry-run"} <= set(call) for _, call in fleet.calls[before:])
    assert len(fleet.calls) == before + 3
    assert (fleet.acted(), list((fleet.folder / "state").iterdir())) == ([], [])


@pytest.mark.slow
def test_an_undo_tells_of_the_hosts_that_nobody_knows_of_and_they_count(fleet: Fleet) -> None:
    fleet.planned()
    fleet.set("b", says="no JSON at all")
    fleet.set("c", act=9)
    done = fleet.apply("--serial", "100%", "--max-fail", "3")
    assert (done.code, done.states) == (9, {"a": "done", "b": "failed", "c": "take_back_failed"})
    back = fleet.run("undo", "last", "--yes", "--json")
    assert (back.code, back.states, sorted(back.result["left_out"])) == (9, {"a": "done"}, ["b", "c"])
    assert f"opskit fleet resume {done.result['run']} first" in back.result["left_out"]["b"]
    run = next(path for path in (fleet.folder / "state" / "fleet").iterdir() if path.name == done.result["run"])
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(line for line in lines if '"host": "a"' not in line))
    again = fleet.run("undo", run.name)
    assert again.code == 9
    assert "nothing to do" not in again.out
    assert "nobody knows how it ended there" in again.out
    assert "could not be taken back (it is in use)" in again.out


@pytest.mark.slow
def test_a_part_of_the_hosts_is_not_taken_for_all(fleet: Fleet) -> None:
    """A name that was mistyped, and an inventory that cannot be read beside one that can."""
    mistyped = fleet.run("run", "-l", "a,bb", "--", "df", way=True)
    assert mistyped.code == 2
    assert "Could not match supplied host pattern, ignoring: bb" in mistyped.err
    broken = fleet.folder / "broken.yml"
    broken.write_text("all: [")
    half = fleet.run("run", "-i", str(broken), "--", "df", way=True)
    assert (half.code, "broken.yml" in half.err, "Nothing was changed." in half.err) == (1, True, True)
    assert fleet.calls == []
    assert fleet.run("run", "-l", "a:!b", "--", "df", way=True).code == 0
    none = fleet.run("run", "-l", "a:!a", "--", "df", way=True)
    assert (none.code, "no hosts to target" in none.err) == (2, True)
    # Nor is a traceback of Ansible's an answer: a user without a home has no folder for it.
    fleet.environment["ANSIBLE_HOME"] = "/proc/none"
    homeless = fleet.run("run", "--", "df", way=True)
    assert (homeless.code, "Traceback" in homeless.err, "ANSIBLE_HOME=DIR" in homeless.err) == (1, False, True)


def written(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What is in a folder, and when it was written."""
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_inventories_are_what_ansible_takes(fleet: Fleet) -> None:
    """A script, ini, groups that a plugin constructs, names; what the hosts are like stands in the YAML."""
    script = fleet.folder / "script"
    script.write_text("""#!/bin/sh\necho '{"scripted": {"hosts": ["a"]}, "_meta": {"hostvars": {}}}'\n""")
    script.chmod(0o755)
    (fleet.folder / "hosts.ini").write_text("[ini]\nb\n")
    made = "plugin: ansible.builtin.constructed\nstrict: true\ngroups:\n  made: inventory_hostname == 'c'\n"
    (fleet.folder / "groups.yml").write_text(made)
    places = [word for name in ("script", "hosts.ini", "groups.yml") for word in ("-i", str(fleet.folder / name))]
    asked = fleet.run("run", "--json", *places, "-i", "a,b,", "-l", "scripted:ini:made", "--", "df", way=True)
    assert (asked.code, asked.states) == (0, dict.fromkeys("abc", "done"))


def let_go(path: Path) -> None:
    """Wait until the host is at work, and let it go on."""
    with open(path, "w", encoding="ascii"):
        path.unlink()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_a_signal_lets_the_host_at_work_finish_and_begins_no_other(number: int, fleet: Fleet) -> None:
    fleet.planned()
    held = fleet.hold("a")
    going = fleet.start("--serial", "1")
    # The open returns once the host reads: it is at work.
    with open(held, "w", encoding="ascii"):
        os.killpg(going.pid, number) if number == signal.SIGINT else going.send_signal(number)
        stop = fleet.folder / "state" / "fleet"
        wait_for_stop(stop)
        held.unlink()
    out, err = going.communicate(timeout=120)
    ended = Ended(going.returncode, out, err)
    assert (ended.code, ended.states) == (128 + number, {"a": "done", "b": "waiting", "c": "waiting"})
    assert json.loads(out)["error"]["todo"].startswith("opskit fleet resume")
    assert fleet.run("resume", "last", "--yes", "--json").states == dict.fromkeys("abc", "done")
    assert fleet.acted() == ["a", "b", "c"]


@pytest.mark.slow
def test_a_run_stops_though_the_disk_does_not_take_the_file_that_says_so(fleet: Fleet) -> None:
    fleet.planned()
    fleet.set("a", act=8)
    held = fleet.hold("a")
    going = fleet.start("--serial", "1")
    with open(held, "w", encoding="ascii"):
        run = next((fleet.folder / "state" / "fleet").iterdir())
        (run / "stop").symlink_to("/none/here")
        held.unlink()
    out, err = going.communicate(timeout=120)
    ended = Ended(going.returncode, out, err)
    assert (ended.code, ended.states) == (8, {"a": "taken_back", "b": "waiting", "c": "waiting"})
    # What cannot be recorded is not begun, so that nothing was changed is no guess.
    fleet.set("a")
    (run / "events.jsonl").unlink()
    (run / "events.jsonl").symlink_to("/none/here")
    error = json.loads(fleet.run("resume", "last", "--yes", "--json").out)["error"]
    assert "the events cannot be kept" in error["why"]
    assert (error["exit_code"], error["state"], fleet.acted()) == (1, "Nothing was changed.", [])


def wait_for_stop(folder: Path) -> None:
    """Until the run of this folder is to stop."""
    run = next(folder.iterdir())
    while not (run / "stop").exists():
        os.sched_yield()


@pytest.mark.slow
def test_a_killed_opskit_leaves_a_run_that_one_at_a_time_goes_on_with(fleet: Fleet) -> None:
    """ansible-playbook outlives it: it finishes what has begun, and has the run as long."""
    fleet.planned()
    held = fleet.hold("a")
    going = fleet.start("--serial", "1")
    with open(held, "w", encoding="ascii"):
        going.kill()
        going.communicate(timeout=60)
        second = fleet.run("resume", "last", "--yes", "--json")
        assert (second.code, second.result) == (7, None)
        assert "ansible-playbook: " in json.loads(second.out)["error"]["why"]
        held.unlink()
    run = next((fleet.folder / "state" / "fleet").iterdir())
    with open(run / "lock", encoding="ascii") as lock:
        import fcntl  # noqa: PLC0415

        fcntl.flock(lock, fcntl.LOCK_EX)
    assert fleet.run("status", "last", "--json").states == {"a": "done", "b": "waiting", "c": "waiting"}
    assert fleet.run("resume", "last", "--yes", "--json").states == dict.fromkeys("abc", "done")
    assert fleet.acted() == ["a", "b", "c"]


def test_a_plan_that_was_changed_or_is_none_asks_nobody(fleet: Fleet) -> None:
    fleet.planned()
    fleet.plan.write_text(fleet.plan.read_text().replace("/data", "/date"))
    edited = fleet.apply()
    assert (edited.code, "not as it was made" in json.loads(edited.out)["error"]["why"]) == (2, True)
    fleet.plan.write_text(fleet.plan.read_text()[:-20])
    assert fleet.apply().code == 2
    assert len(fleet.calls) == 3
