"""What the command line promises of what changes the host, asked of each such command of the tree.

Each takes its own road from argv to the ledger and back: only what it decides is given to it, a plan of a step that
makes a file, an empty plan, or a refusal. A command with --yes that has no words here fails.
"""

# The fake step has the parameters of Step, used or not.
# ruff: noqa: ARG002

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shlex
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, NamedTuple, Optional

import pytest

from cli.test_contract import COMMANDS
from opskit import areas
from opskit.act import Chore
from opskit.cli import main
from opskit.completion.tree import Node
from opskit.core.errors import Failed
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger, Run
from opskit.core.plan import Change, Decision, Plan, Reason, Record, Refusal, Step
from opskit.core.results import Merged
from opskit.core.runner import HostRunner, Runner
from schemas import sample
from tiers import Agree

# What each is asked for with; whether that can be done or not is for what it would decide.
WORDS = {
    "disk mount": ["/dev/vdb", "/data"],
    "disk umount": ["/data"],
    "disk grow": ["/data"],
    "disk swap": ["2G"],
    "disk fstab backup": [],
    "disk fstab restore": ["/etc/fstab.opskit-old"],
    "journal vacuum": ["2d"],
    "journal retain": ["30d"],
    "memcached start": ["--port", "12000"],
    "memcached stop": ["--port", "12000"],
    "yum unlock": [],
    "yum why": ["--hold", "2h"],
    "service ensure": ["nginx"],
    "check": ["--install-timer", "10m"],
    "history prune": ["--older-than", "1y"],
    "undo": ["last"],
    "completion": ["bash", "--install"],
}
# They change other hosts, each by its own opskit, and have no ledger here: tests/cli/fleet and tests/fleet hold them.
ELSEWHERE = {"fleet apply", "fleet resume", "fleet undo"}
CHANGING = {
    name: node
    for name, node in COMMANDS.items()
    if any("--yes" in option.names for option in node.options) and name not in ELSEWHERE
}
RESULTS, _ = areas.load_results()


@dataclass(frozen=True)
class MakeFile(Step):
    """A file that is made. trouble: what comes then: "int", "term" or "fail"; "" for nothing."""

    kind: ClassVar[str] = "fake.make-file"

    path: str
    trouble: str = ""

    @property
    def change(self) -> Change:
        return Change("make-file", self.path, "absent", "present", (shlex.join(["touch", self.path]),), True)

    def apply(self, runner: Runner, record: Record) -> Record:
        Path(self.path).touch(exist_ok=False)
        if self.trouble == "fail":
            raise Failed(self.path, "a fault of the test")
        if self.trouble:
            signal.raise_signal(signal.SIGINT if self.trouble == "int" else signal.SIGTERM)
        return {}

    def undo_change(self, record: Record) -> Change:
        return Change("remove-file", self.path, "present", "absent", (shlex.join(["rm", self.path]),), False)

    def undo(self, runner: Runner, record: Record) -> None:
        Path(self.path).unlink(missing_ok=True)


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Road:
    """Runs a command with what it decides: see decides, words, said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.file, self.state = folder / "made", folder / "state"
        self.capsys, self.patch = capsys, patch
        self.seen = 0
        self.needs_root: Optional[bool] = None

    def run(self, node: Node, decision: Callable[[dict[str, Any]], Decision], *more: str) -> Said:
        self.seen, self.needs_root = 0, None
        name = node.path.partition(" ")[2]
        planned = next(each for each in RESULTS[name] if isinstance(each, Merged))
        result = sample(planned.classes[1], random.Random(name), 1)
        begin = Chore.__init__

        def init(chore: Any, see: Any, _decide: Any, **options: Any) -> None:
            def look(runner: Runner) -> Any:
                self.seen += 1
                return see(runner) if options.get("undoes") else None

            begin(chore, look, lambda *_: decision(result), **options)
            self.needs_root = chore.root

        words = [*node.words[1:], *WORDS[name], "--state-dir", str(self.state), *more]
        with self.patch.context() as patch:
            patch.setattr(Chore, "__init__", init)
            patch.setattr(sys, "argv", ["opskit", *words])
            code = main(words)
        return Said(code, *self.capsys.readouterr())

    def plan(self, trouble: str = "") -> Callable[[dict[str, Any]], Decision]:
        steps = (MakeFile(str(self.file), trouble), MakeFile(f"{self.file}-2"))
        return lambda result: Plan("what is asked", steps, ("here",), result=result)

    def nothing(self, result: dict[str, Any]) -> Decision:
        return Plan("what is asked", result=result)

    def refused(self, result: dict[str, Any]) -> Decision:
        return Refusal("what is asked", (Reason("a-guard", "it is guarded", "leave it"),))

    def runs(self) -> list[Run]:
        return list(Ledger(str(self.state)).read().runs)


# Whether a command keeps a line; None where the line is not about it.
Line = Callable[[Node, Road], Optional[bool]]


def it_shows_its_plan_and_takes_no_silence_for_yes(node: Node, road: Road) -> bool:
    said, runs = road.run(node, road.plan()), len(road.runs())
    shown = str(road.file) in said.err and "2 changes" in said.err
    return (said.code, said.out, road.file.exists(), runs) == (5, "", False, 1) and "--yes" in said.err and shown


def what_would_stop_it_is_said_before_it_asks(node: Node, road: Road) -> bool:
    road.state = road.file.parent / "no-directory" / "state"
    road.state.parent.touch()
    if node.name == "undo":  # it has no ledger to look into then
        return road.run(node, road.plan()).code not in {0, 5}
    said = road.run(node, road.plan())
    return said.code not in {0, 5} and "[y/N]" not in said.err and str(road.file) not in said.err


def yes_gets_past_no_guard(node: Node, road: Road) -> bool:
    said = road.run(node, road.refused, "--yes")
    return (said.code, said.out, len(road.runs())) == (5, "", 1) and "it is guarded" in said.err


def yes_carries_it_out_and_the_ledger_has_it(node: Node, road: Road) -> bool:
    said = road.run(node, road.plan(), "--yes", "--json")
    answer = json.loads(said.out)
    *_, run = road.runs()
    done = (said.code, answer["ok"], answer["result"]["run"], run.outcome) == (0, True, run.id, "done")
    return done and road.file.exists()


def a_second_run_changes_nothing_and_says_so(node: Node, road: Road) -> bool:
    said, quiet = road.run(node, road.nothing, "--yes"), road.run(node, road.nothing, "--yes", "--quiet")
    return said.code == 0 and "nothing to do" in said.out and quiet == (0, "", "") and len(road.runs()) == 1


def a_dry_run_shows_the_plan_and_exit_code_tells_of_changes(node: Node, road: Road) -> bool:
    said = road.run(node, road.plan(), "--dry-run", "--exit-code")
    none = road.run(node, road.nothing, "--dry-run", "--exit-code")
    told = "Dry run: nothing was changed" in said.out and str(road.file) in said.out and "nothing to do" in none.out
    return (said.code, said.err, none.code) == (3, "", 0) and told and not road.file.exists() and len(road.runs()) == 1


def ctrl_c_takes_it_back_and_says_so(node: Node, road: Road) -> bool:
    return _taken_back(road.run(node, road.plan("int"), "--yes"), road, 130)


def sigterm_takes_it_back_and_says_so(node: Node, road: Road) -> bool:
    return _taken_back(road.run(node, road.plan("term"), "--yes"), road, 143)


def a_failure_is_taken_back_and_said(node: Node, road: Road) -> bool:
    return _taken_back(road.run(node, road.plan("fail"), "--yes"), road, 8)


def _taken_back(said: Said, road: Road, code: int) -> bool:
    *_, run = road.runs()
    told = "Traceback" not in said.err and "\n  state: " in said.err
    if run.undoes:  # what was taken back stays so, and the rest can be tried again
        return (said.code, run.outcome) == (1 if code == 8 else code, "failed") and told
    return (said.code, road.file.exists(), run.outcome) == (code, False, "taken-back") and told


def not_root_is_told_before_any_work(node: Node, road: Road) -> Optional[bool]:
    with road.patch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 1000)
        said = road.run(node, road.plan(), "--yes")
    if road.needs_root is False:  # by what was asked for; a user can do that himself
        return None
    told = "\n  to do: sudo opskit " in said.err or "\n  to do: sudo " in said.err
    return (said.code, road.seen, road.file.exists(), len(road.runs())) == (6, 0, False, 1) and told


# What is done at the question, and the exit code that it comes to. Nothing at all is waited for.
HANG_UP = "the terminal goes away"
ANSWERS = {
    "y\n": 0, " YES \n": 0, "n\n": 5, "\n": 5, "yy\n": 5, "\udcff\x01\n": 5, "\x04": 5, "\x03": 130, HANG_UP: 129,
}  # fmt: skip


def only_a_yes_at_the_question_is_one(node: Node, road: Road) -> bool:
    """Each answer, the one that is carried out last."""
    runs, kept = len(road.runs()), []
    for answer, code in sorted(ANSWERS.items(), key=lambda pair: -pair[1]):
        ended, said = _answered(node, road, answer)
        done = code == 0
        told = answer == HANG_UP or done or "Nothing was changed." in said or "No step was under way" in said
        kept.append((ended, road.file.exists(), len(road.runs()) - runs) == (code, done, done) and told)
        if done:
            road.file.unlink()
            Path(f"{road.file}-2").unlink()
            runs += 1
    return all(kept)


def _answered(node: Node, road: Road, answer: str) -> tuple[int, str]:
    """How the command ends at a terminal of its own where that is the answer, and what it says there."""
    keyboard, terminal = os.openpty()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
            os.close(keyboard)
            # Strict, as in a locale of a country.
            sys.stdin, sys.stderr = open(terminal, errors="strict"), open(os.dup(terminal), "w", buffering=1)  # noqa: SIM115
            code = road.run(node, road.plan()).code
        finally:
            os._exit(code)
    os.close(terminal)
    said = b""
    while b"[y/N]" not in said and (data := os.read(keyboard, 4096)):
        said += data
    if answer != HANG_UP:
        os.write(keyboard, os.fsencode(answer))
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while data := os.read(keyboard, 4096):
                said += data
    os.close(keyboard)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode("utf-8", "replace")


LINES: tuple[Line, ...] = (
    it_shows_its_plan_and_takes_no_silence_for_yes,
    what_would_stop_it_is_said_before_it_asks,
    yes_gets_past_no_guard,
    yes_carries_it_out_and_the_ledger_has_it,
    a_second_run_changes_nothing_and_says_so,
    a_dry_run_shows_the_plan_and_exit_code_tells_of_changes,
    ctrl_c_takes_it_back_and_says_so,
    sigterm_takes_it_back_and_says_so,
    a_failure_is_taken_back_and_said,
    not_root_is_told_before_any_work,
    only_a_yes_at_the_question_is_one,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Root's rights on paper, an area `fake` for the steps of the ledger, and each tool that a command asks for."""
    package, module = ModuleType("opskit.fake"), ModuleType("opskit.fake.steps")
    package.__path__ = []
    module.KINDS = {MakeFile.kind: MakeFile}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opskit.fake", package)
    monkeypatch.setitem(sys.modules, "opskit.fake.steps", module)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for tools in ("opskit.yum.why.cli.need_tools", "opskit.yum.see.places.need_tools"):
        monkeypatch.setattr(tools, lambda *_: None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield tmp_path
    for number, handler in handlers.items():
        signal.signal(number, handler)


def prepared(folder: Path) -> None:
    """One run in the ledger, for what looks there."""
    plan = Plan("a file is made", (MakeFile(str(folder / "before")),))
    ledger = Ledger(str(folder / "state"))
    Execution(
        plan=plan, runner=HostRunner(), ledger=ledger, run="20261120T190500Z-ab12cd", command=("make",)
    ).carry_out()


def test_each_command_that_changes_the_host_is_asked() -> None:
    assert set(WORDS) == set(CHANGING)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_each_command_keeps_each_line(
    line: Line, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, agree: Agree
) -> None:
    kept = {}
    for name, node in CHANGING.items():
        folder = place / name.replace(" ", "-")
        folder.mkdir()
        prepared(folder)
        kept[name] = line(node, Road(folder, capsys, monkeypatch))
    about = {name: value for name, value in kept.items() if value is not None}
    assert [name for name, value in about.items() if not value] == []
    agree(f"changes: {line.__name__.replace('_', ' ')}", len(about), len(about))
