"""`opskit history` and `opskit undo`, from the command line to the ledger, on an area of files in a directory."""

# The fake steps have the parameters of Step, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Union

import pytest

from opskit import areas, cli, session
from opskit.commands import new_app
from opskit.core.config import load_config
from opskit.core.errors import CannotUndo, Failed, TakenBack
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger
from opskit.core.plan import Change, Plan, Record, Step
from opskit.core.runner import HostRunner, Runner


@dataclass(frozen=True)
class MakeFile(Step):
    """A step for these tests: a file that is made, and removed again if nobody changed it.

    alone: nothing that was made before it has to stay when it stays.
    """

    kind: ClassVar[str] = "fake.make-file"
    under_lock: ClassVar[bool] = True

    path: str
    for_ever: bool = False
    alone: bool = False

    @property
    def change(self) -> Change:
        return Change("make-file", self.path, "absent", "present", (shlex.join(["touch", self.path]),), True)

    def remember(self, runner: Runner) -> Record:
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:
        Path(self.path).touch(exist_ok=False)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if self.path.endswith("broken"):
            raise Failed(self.path, "broken")

    def undo_change(self, record: Record) -> Union[Change, str]:
        if self.for_ever:
            return "it is for ever"
        return Change("remove-file", self.path, "present", "absent", (shlex.join(["rm", self.path]),), False)

    def undo(self, runner: Runner, record: Record) -> None:
        if Path(self.path).is_dir():
            raise Failed(self.path, "a directory is in its place", todo="rmdir it")
        if Path(self.path).exists() and Path(self.path).read_text():
            raise CannotUndo("somebody wrote into it", keeps_earlier=not self.alone)
        Path(self.path).unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An area `fake`, a state directory of its own, root's rights on paper, no config."""
    module = ModuleType("opskit.fake.steps")
    module.KINDS = {MakeFile.kind: MakeFile}  # type: ignore[attr-defined]
    package = ModuleType("opskit.fake")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "opskit.fake", package)
    monkeypatch.setitem(sys.modules, "opskit.fake.steps", module)
    commands = ModuleType("opskit.fake.cli")
    commands.app = new_app("Files.")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opskit.fake.cli", commands)
    monkeypatch.setitem(areas.ENTRIES, "fake", areas.Entry("opskit.fake.cli", "Files."))
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OPSKIT_CONFIG", os.devnull)
    monkeypatch.setattr(session.os, "geteuid", lambda: 0)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    load_config.cache_clear()


@pytest.fixture
def opskit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command line; gives exit code, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["opskit", *arguments])
        code = cli.main(list(arguments))
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def make(tmp_path: Path, *steps: MakeFile, run: str = "run-1") -> None:
    """A run that makes these files."""
    plan = Plan("files are made", steps)
    ledger = Ledger(str(tmp_path / "state"))
    command = ("opskit", "fake", "make")
    Execution(plan=plan, runner=HostRunner(), ledger=ledger, run=run, command=command).carry_out()


def files(tmp_path: Path, *names: str) -> list[MakeFile]:
    return [MakeFile(str(tmp_path / name)) for name in names]


def test_an_empty_ledger_says_where_it_looked_and_makes_nothing(opskit: Any, tmp_path: Path) -> None:
    assert opskit("history") == (0, f"no runs recorded in {tmp_path}/state\n", "")
    code, out, _ = opskit("history", "--json")
    assert (code, json.loads(out)["result"]) == (0, {"runs": []})
    assert list(tmp_path.iterdir()) == []


def test_history_lists_the_newest_last(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"), run="run-1")
    make(tmp_path, *files(tmp_path, "b"), run="run-2")
    code, out, _ = opskit("history")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["ID", "OUTCOME", "BY", "WHEN", "WHO", "WHAT"]
    assert [line.split()[0] for line in lines[1:]] == ["run-1", "run-2"]
    assert lines[1].startswith("run-1  done")
    assert lines[1].endswith("files are made")
    assert [line.split()[0] for line in opskit("history", "--limit", "1")[1].splitlines()] == ["ID", "run-2"]


def test_history_as_json(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    (run,) = json.loads(opskit("history", "--json")[1])["result"]["runs"]
    assert (run["id"], run["outcome"], run["command"]) == ("run-1", "done", ["opskit", "fake", "make"])
    assert "steps" not in run


def broken(tmp_path: Path, *, line: int) -> None:
    """Damage a line of the ledger, counted from 1."""
    path = tmp_path / "state/ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"fake.make-file", b"fake.make-fill")
    path.write_bytes(b"".join(lines))


def test_a_broken_line_is_named_and_the_rest_is_listed(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    make(tmp_path, *files(tmp_path, "b", "c"), run="run-2")
    broken(tmp_path, line=6)
    code, out, err = opskit("history")
    assert (code, [line.split()[0] for line in out.splitlines()[1:]]) == (0, ["run-1", "run-2"])
    assert "line 6 of the ledger is broken: its checksum does not match (run run-2)" in err
    findings = json.loads(opskit("history", "--json")[1])["findings"]
    assert [finding["id"] for finding in findings] == ["ledger-damaged"]
    code, out, err = opskit("history", "show", "last")
    assert (code, f"  1. make-file  {tmp_path}/b: lost" in out.splitlines()) == (0, True)
    assert f"step 1 of run run-2 is lost from the ledger: make-file {tmp_path}/b" in err
    assert opskit("history", "show", "run-1")[2] == ""


def test_an_undo_with_a_lost_step_keeps_what_came_before_it_and_is_no_success(opskit: Any, tmp_path: Path) -> None:
    """The lost step may be a mount, or data: what it stands on is not taken away."""
    make(tmp_path, *files(tmp_path, "a", "b", "c"))
    broken(tmp_path, line=4)
    code, out, err = opskit("undo", "last", "--dry-run")
    assert (code, f"remove-file  {tmp_path}/c" in out) == (0, True)
    assert f"step 2 of run run-1 is lost from the ledger: make-file {tmp_path}/b" in out
    assert f"make-file {tmp_path}/a is kept: make-file {tmp_path}/b is kept, and depends on it" in out
    for _ in range(2):
        code, out, err = opskit("undo", "run-1", "--yes")
        assert (code, out) == (1, "")
        assert f"the ledger has lost what an undo needs of step 2 (make-file {tmp_path}/b)" in err
        assert sorted(path.name for path in tmp_path.iterdir() if path.name in "abc") == ["a", "b"]
    answer = json.loads(opskit("undo", "run-1", "--yes", "--json")[1])
    assert (answer["ok"], answer["result"]) == (False, None)


def test_an_undo_whose_lost_line_hides_no_step_is_whole(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a", "b"))
    path = tmp_path / "state/ledger.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    code, out, _ = opskit("undo", "last", "--yes")
    assert (code, out.startswith("Run run-1 was taken back")) == (0, True)


@pytest.mark.parametrize(
    "line", ['{"schema": 1}', "{}", "[]", '{"schema": 7}', "\0\0\0", '{"schema": 1, "entry": "end"}']
)
def test_what_is_no_entry_stops_no_command(opskit: Any, tmp_path: Path, line: str) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    with (tmp_path / "state/ledger.jsonl").open("a") as file:
        file.write(line + "\n")
    for arguments in (("history",), ("history", "show", "last"), ("undo", "last", "-n"), ("undo", "last", "--yes")):
        code, _, err = opskit(*arguments)
        assert (code, "fault" in err) == (0, False), arguments
    assert "line 5 of the ledger is broken" in opskit("history")[2]


def test_what_was_taken_back_and_what_was_finished_is_told(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    opskit("undo", "last", "--yes")
    undo = Ledger(str(tmp_path / "state")).find("last").id
    assert opskit("history")[1].splitlines()[1].split()[1:3] == ["taken-back", undo]
    out = opskit("history", "show", "run-1")[1]
    assert (f"outcome  taken-back by {undo}" in out, f"{tmp_path}/a: undone" in out) == (True, True)
    assert json.loads(opskit("history", "--json")[1])["result"]["runs"][0]["by"] == undo


def test_prune(opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    opskit("undo", "last", "--yes")
    make(tmp_path, *files(tmp_path, "b"), run="run-2")
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, out, _ = opskit("history", "prune", "--older-than", "1y", "-n")
    assert (code, "nothing to do" in out) == (0, True)
    monkeypatch.setattr("opskit.history.cli.now", lambda: datetime.now(timezone.utc) + timedelta(days=400))
    code, out, _ = opskit("history", "prune", "--older-than", "1y", "--dry-run")
    assert (code, "1. prune-ledger" in out, "cannot be taken back" in out) == (0, True, True)
    assert "run run-2 is kept: done, and can still be undone" in out
    code, _, err = opskit("history", "prune", "--older-than", "1y")
    assert (code, "--yes" in err) == (5, True)
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before
    code, out, _ = opskit("history", "prune", "--older-than", "1y", "--yes")
    assert (code, out.splitlines()) == (0, ["2 runs taken out of the ledger"])
    runs = Ledger(str(tmp_path / "state")).read()
    assert ([run.id for run in runs.runs][:1], runs.runs[1].title, runs.damage) == (
        ["run-2"],
        "prune runs older than 1y from the ledger",
        (),
    )
    lines = [line for line in before.splitlines(keepends=True) if b'"run": "run-2"' in line]
    assert (tmp_path / "state/ledger.jsonl").read_bytes().startswith(b"".join(lines))
    code, out, _ = opskit("history", "prune", "--older-than", "2y", "--yes")
    assert (code, "nothing to do" in out) == (0, True)
    assert opskit("undo", "run-2", "--yes")[0] == 0
    assert not (tmp_path / "b").exists()


def test_a_prune_on_a_full_disk_leaves_the_ledger_as_it_was(
    opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    before = (tmp_path / "state/ledger.jsonl").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("opskit.core.ledger.write_atomic", full)
    monkeypatch.setattr("opskit.history.cli.now", lambda: datetime.now(timezone.utc) + timedelta(days=400))
    code, _, err = opskit("history", "prune", "--older-than", "1y", "--all", "--yes")
    assert (code, "the ledger cannot be written anew" in err) == (8, True)
    assert (tmp_path / "state/ledger.jsonl").read_bytes().startswith(before)
    assert opskit("history")[2] == ""


def test_an_option_before_the_subcommand_is_not_swallowed(opskit: Any) -> None:
    code, out, _ = opskit("history", "--json", "show", "last")
    assert code == 2
    assert "goes after show" in json.loads(out)["error"]["why"]


def test_show(opskit: Any, tmp_path: Path) -> None:
    with pytest.raises(TakenBack):
        make(tmp_path, *files(tmp_path, "a\nb", "broken"))
    code, out, _ = opskit("history", "show", "last")
    assert code == 0
    assert f"  1. make-file  {tmp_path}/a\\nb: undone" in out.splitlines()
    assert "outcome  taken-back" in out
    assert "command  opskit fake make" in out
    result = json.loads(opskit("history", "show", "run", "--json")[1])["result"]
    assert [step["outcome"] for step in result["steps"]] == ["undone", "undone"]
    assert result["steps"][0]["fields"]["path"] == str(tmp_path / "a\nb")


def test_show_has_each_command_with_how_it_ended_and_the_end_of_its_output(opskit: Any, tmp_path: Path) -> None:
    ledger = Ledger(str(tmp_path / "state"))
    change = {"action": "make", "target": "x", "before": "", "after": ""}
    begin = {"title": "t", "command": ["opskit"], "user": "root", "pid": 1}
    ledger.append("begin", "r", **begin)
    ledger.append("step", "r", number=1, kind="fake.x", fields={}, change=change, record={})
    command = {
        "argv": ["sfdisk", "/dev/my disk"],
        "input": "label: gpt\n",
        "stdout": "one\n\x1b[2Jtwo\n",
        "stderr": "oh",
    }
    commands = [{**command, "status": 0, "seconds": 0.25}, {**command, "status": -9, "seconds": 1.5}]
    ledger.append("stepped", "r", number=1, outcome="failed", error="it broke", commands=commands)
    lines = opskit("history", "show", "r")[1].splitlines()
    assert lines[-11:] == [
        "     error: it broke",
        "     $ sfdisk '/dev/my disk'  [exit 0, 0.250 s]",
        "       < label: gpt",
        "       > one",
        "       > \\x1b[2Jtwo",
        "       2> oh",
        "     $ sfdisk '/dev/my disk'  [signal 9, 1.500 s]",
        "       < label: gpt",
        "       > one",
        "       > \\x1b[2Jtwo",
        "       2> oh",
    ]


def test_a_ledger_that_only_root_may_read(opskit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_self: Ledger, _start: int = 0) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Ledger, "_raw_lines", forbidden)
    for arguments in (("history",), ("history", "show", "last"), ("undo", "last", "-n")):
        code, _, err = opskit(*arguments)
        assert code == 6
        assert "sudo opskit " + " ".join(arguments) in err


def test_undo(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a", "b"))
    code, out, err = opskit("undo", "last", "--yes")
    assert code == 0
    assert err.index("remove-file  " + str(tmp_path / "b")) < err.index("remove-file  " + str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()
    assert out.startswith("Run run-1 was taken back, as run 2")
    last = Ledger(str(tmp_path / "state")).find("last")
    assert (last.undoes, last.outcome, last.command) == ("run-1", "done", ("opskit", "undo", "last", "--yes"))


def test_a_second_undo_has_nothing_to_do(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    opskit("undo", "run-1", "--yes")
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, out, _ = opskit("undo", "run-1")
    assert (code, "nothing to do" in out) == (0, True)
    result = json.loads(opskit("undo", "run-1", "--json")[1])["result"]
    assert (result["changed"], result["run"], result["changes"]) == (False, None, [])
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before


def test_an_undo_is_not_undone(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    opskit("undo", "last", "--yes")
    undo = Ledger(str(tmp_path / "state")).runs()[-1].id
    code, out, _ = opskit("undo", "last", "--yes")
    assert (code, "nothing to do" in out) == (0, True)
    code, _, err = opskit("undo", undo, "--yes")
    assert code == 2
    assert "is itself an undo" in err
    assert "run the original command again: opskit fake make" in err


def test_without_a_terminal_it_asks_for_yes_and_changes_nothing(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, _, err = opskit("undo", "last")
    assert (code, "--yes" in err) == (5, True)
    assert (tmp_path / "a").exists()
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before


@pytest.mark.parametrize("extra", [["-n"], ["-n", "-v"], ["--format", "json"], ["-n", "--json"], ["--exit-code", "-n"]])
def test_a_dry_run_changes_nothing(
    opskit: Any, tmp_path: Path, extra: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session.os, "geteuid", lambda: 1000)
    make(tmp_path, *files(tmp_path, "a"))
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, out, _ = opskit("undo", "last", *extra)
    assert code == (3 if "--exit-code" in extra else 0)
    assert (f"rm {tmp_path}/a" if set(extra) & {"--format", "-v"} else "remove-file") in out
    if "json" in " ".join(extra):
        assert json.loads(out)["result"]["changes"][0]["action"] == "remove-file"
    assert (tmp_path / "a").exists()
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["ledger.jsonl"]


@pytest.mark.parametrize("extra", [[], ["-n"], ["--yes"]])
def test_a_script_of_an_undo_is_refused(opskit: Any, tmp_path: Path, extra: list[str]) -> None:
    """It would not look, before each step, at what has come to the host since."""
    make(tmp_path, *files(tmp_path, "a"))
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, out, err = opskit("undo", "last", "--format", "sh", *extra)
    assert (code, out) == (2, "")
    assert err.startswith("opskit: --format sh: an undo checks each step")
    assert (tmp_path / "a").exists()
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before


def test_a_run_of_another_host_is_not_undone(opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("opskit.core.execute.machine_id", lambda: "another")
        make(tmp_path, *files(tmp_path, "a"))
    monkeypatch.setattr("opskit.history.cli.machine_id", lambda: "this")
    code, out, _ = opskit("undo", "last", "--yes", "--json")
    assert (code, [finding["id"] for finding in json.loads(out)["findings"]]) == (5, ["another-host"])
    assert (tmp_path / "a").exists()
    monkeypatch.setattr("opskit.history.cli.machine_id", lambda: "another")
    assert opskit("undo", "last", "--yes")[0] == 0
    assert not (tmp_path / "a").exists()


def test_a_state_directory_that_others_can_write_to_undoes_nothing(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    (tmp_path / "state").chmod(0o770)
    before = (tmp_path / "state/ledger.jsonl").read_bytes()
    code, _, err = opskit("undo", "last", "--yes")
    assert (code, "others can write there" in err, "chmod 700" in err) == (1, True, True)
    assert (tmp_path / "a").exists()
    assert (tmp_path / "state/ledger.jsonl").read_bytes() == before


def test_not_root(opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    monkeypatch.setattr(session.os, "geteuid", lambda: 1000)
    code, _, err = opskit("undo", "last", "--yes")
    assert (code, "sudo opskit undo last --yes" in err) == (6, True)
    assert (tmp_path / "a").exists()


def test_what_cannot_be_taken_back_is_said_before_and_after(opskit: Any, tmp_path: Path) -> None:
    for_ever = MakeFile(str(tmp_path / "for-ever"), for_ever=True)
    make(tmp_path, for_ever, *files(tmp_path, "a"))
    code, out, err = opskit("undo", "last", "--yes")
    assert code == 0
    for text in (out, err):
        assert f"make-file {tmp_path}/for-ever is kept: it is for ever" in text
    assert (tmp_path / "for-ever").exists()
    assert not (tmp_path / "a").exists()


def test_what_turns_out_to_have_to_stay_is_told(opskit: Any, tmp_path: Path) -> None:
    path = tmp_path / "b"
    make(tmp_path, *files(tmp_path, "a"), MakeFile(str(path), alone=True))
    path.write_text("mine")
    code, out, _ = opskit("undo", "last", "--yes", "--json")
    answer = json.loads(out)
    assert (code, answer["ok"], answer["result"]["changed"]) == (0, True, True)
    assert [finding["title"] for finding in answer["findings"]] == [
        f"make-file {tmp_path}/b is kept: somebody wrote into it"
    ]
    assert not (tmp_path / "a").exists()


def test_what_stays_keeps_what_was_made_before_it_and_can_be_tried_again(opskit: Any, tmp_path: Path) -> None:
    """a was made first, so b may stand on it."""
    make(tmp_path, *files(tmp_path, "a", "b", "c"))
    (tmp_path / "b").write_text("mine")
    code, out, err = opskit("undo", "run-1", "--yes")
    assert (code, out) == (1, "")
    assert f"2 of 3 steps could not be taken back: remove-file {tmp_path}/b: somebody wrote into it" in err
    assert f"Left as it was: remove-file {tmp_path}/b; remove-file {tmp_path}/a" in err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in "abc") == ["a", "b"]
    (tmp_path / "b").write_text("")
    code, out, err = opskit("undo", "last", "--yes")  # the run, not the undo that kept something of it
    assert (code, out.startswith("Run run-1 was taken back, as run 2")) == (0, True)
    assert f"remove-file  {tmp_path}/c" not in err
    assert not [path.name for path in tmp_path.iterdir() if path.name in "abc"]
    assert "nothing to do" in opskit("undo", "run-1", "--yes")[1]


def test_one_failure_does_not_stop_the_others_and_the_rest_can_be_done_later(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a", "b", "c"))
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    code, _, err = opskit("undo", "run-1", "--yes")
    assert code == 1
    assert "to do: rmdir it" in err
    assert f"NOT done: remove-file {tmp_path}/b." in err
    assert [path.name for path in tmp_path.iterdir() if path.name in "abc"] == ["b"]
    (tmp_path / "b").rmdir()
    code, _, err = opskit("undo", "run-1", "--yes")
    assert code == 0
    assert f"remove-file  {tmp_path}/b" in err
    assert f"remove-file  {tmp_path}/a" not in err


def test_a_run_that_crashed_can_be_taken_back(opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = Ledger.append

    def until_killed(self: Ledger, entry: str, run: str, **values: Any) -> None:
        if entry in {"begin", "step"}:
            append(self, entry, run, **values)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", until_killed)
        make(tmp_path, *files(tmp_path, "a", "b"))
    (tmp_path / "b").unlink()
    assert "unfinished" in opskit("history")[1]
    assert opskit("undo", "last", "--yes")[0] == 0
    assert not (tmp_path / "a").exists()


def test_a_run_that_took_itself_back_has_nothing_left(opskit: Any, tmp_path: Path) -> None:
    with pytest.raises(TakenBack):
        make(tmp_path, *files(tmp_path, "a", "broken"))
    code, out, err = opskit("undo", "last")
    assert (code, "nothing to do" in out, "took itself back" in err) == (0, True, True)


def test_the_log_tells_of_the_run(opskit: Any, tmp_path: Path) -> None:
    make(tmp_path, *files(tmp_path, "a"))
    opskit("undo", "last", "--yes")
    lines = (tmp_path / "state/opskit.log").read_text().splitlines()
    assert any("INFO" in line and line.endswith("undo of run-1 (files are made): done") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (("history", "-h"), "Example: opskit history show last"),
        (("history", "show", "--help"), "Example: opskit history show last"),
        (("undo", "--help"), "Example: opskit undo last --dry-run"),
    ],
)
def test_help_begins_with_an_example(opskit: Any, arguments: tuple[str, ...], first: str) -> None:
    code, out, err = opskit(*arguments)
    assert (code, err) == (0, "")
    assert out.strip().splitlines()[2].strip() == first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("undo", "nothing"), "no such run"),
        (("undo",), "RUN"),
        (("history", "show", "nothing"), "no such run"),
        (("history", "shwo"), "did you mean 'opskit history show'"),
        (("history", "--limit", "0"), "--limit"),
        (("undo", "last", "--exit-code"), "--exit-code"),
        (("history", "prune"), "--older-than"),
        (("history", "prune", "--older-than", "365"), "--older-than"),
        (("history", "prune", "--older-than", "1y", "--format", "sh"), "only opskit can tell"),
        (("undo", "last", "--format", "xml"), "'xml' is none of"),
        (("undo", "last", "--facts", "x"), "--facts"),
        (("undo", "last", "--wipe", "x"), "--wipe"),
    ],
)
def test_usage(opskit: Any, arguments: tuple[str, ...], words: str) -> None:
    code, out, err = opskit(*arguments)
    assert (code, out) == (2, ""), err
    assert words in err


def test_an_answer_that_cannot_be_written_after_a_change_tells_of_it(
    opskit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, MakeFile(str(tmp_path / "a")))
    monkeypatch.setattr("opskit.core.execute.begun_runs", [])
    with open("/dev/full", "w", encoding="ascii") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code, _out, err = opskit("undo", "last", "--yes", "--json")
    assert (code, "What was changed: opskit history." in err) == (1, True), err
    assert not (tmp_path / "a").exists()
