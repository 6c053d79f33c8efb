"""The ledger: append-only, fsynced JSON lines. Audit trail and undo record in one.

Entries, each with `run` (its id), `entry` and `time`:
  begin  title, command, host, user, pid, plan (its token), changes, undoes, hold
  step   number, kind, fields, change, record       (before the step)
  stepped number, outcome, record, commands, error  (after it)
  undone number, outcome, error, commands           (a step taken back in the same run)
  end    outcome, error
A run without `end` is one that crashed: its outcome is `unfinished`.
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field
from typing import Any

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import sync_directory
from opskit.core.units import now, time_text

SCHEMA = 1
FILE_NAME = "ledger.jsonl"
# For the tests of crashes: `OPSKIT_TEST_KILL=stepped:2` kills this process by SIGKILL right after that entry
# is on the disk.
TEST_KILL = "OPSKIT_TEST_KILL"


@dataclass(frozen=True)
class StepRecord:
    """One step of a run as the ledger has it. outcome: done, failed, undone, kept or unfinished."""

    number: int
    kind: str
    fields: dict[str, Any]
    change: dict[str, Any]
    record: dict[str, Any]
    outcome: str
    began: str = ""
    ended: str = ""
    error: str = ""
    commands: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Run:
    """One run. outcome: done, taken-back, take-back-failed, failed (one that undoes another) or unfinished.

    plan: the token of the plan that it carries out (core/plan.py, PlanToken); "" in a ledger of opskit 0.1.0.
    """

    id: str
    began: str
    ended: str
    user: str
    pid: int
    title: str
    command: tuple[str, ...]
    undoes: str
    outcome: str
    error: str = ""
    hold: str = ""
    host: str = ""
    plan: str = ""
    steps: tuple[StepRecord, ...] = ()


def new_run_id() -> str:
    """A run's name: when it began, and enough at random that two hosts' ledgers can be put together."""
    return now().strftime("%Y%m%dT%H%M%SZ-") + os.urandom(3).hex()


class Ledger:
    """The ledger in one state directory. Reading makes nothing; writing makes the directory (mode 0700)."""

    def __init__(self, state_dir: str) -> None:
        self.state_dir = state_dir
        self.path = os.path.join(state_dir, FILE_NAME)

    def append(self, entry: str, run: str, **values: Any) -> None:
        """Write one entry and wait until it is on the disk. Raises Failed when it cannot be kept."""
        line = json.dumps({"schema": SCHEMA, "entry": entry, "run": run, "time": time_text(now()), **values})
        try:
            self._write(line.encode() + b"\n")
        except OSError as error:
            todo = "make room, or name another place with --state-dir"
            why = f"the ledger cannot be written ({error.strerror})"
            state = "Nothing was changed." if entry == "begin" else ""
            raise Failed(self.path, why, todo=todo, state=state) from error
        if os.environ.get(TEST_KILL) == f"{entry}:{values.get('number', 0)}":
            os.kill(os.getpid(), signal.SIGKILL)

    def _write(self, line: bytes) -> None:
        if not os.path.isdir(self.state_dir):
            os.makedirs(self.state_dir, mode=0o700)
            sync_directory(os.path.dirname(os.path.abspath(self.state_dir)))
        fresh = not os.path.exists(self.path)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A power cut can leave half a line; it must not swallow the next one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = b"\n" + line if torn else line
            written = os.write(descriptor, data)
            if written != len(data):
                os.ftruncate(descriptor, size)
                raise OSError(28, os.strerror(28))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(self.state_dir)

    def entries(self) -> list[dict[str, Any]]:
        """All entries, oldest first; a line that a crash tore is passed over. [] without a ledger.

        Raises UsageFault when a newer opskit wrote it, PermissionError when it may not be read.
        """
        try:
            with open(self.path, "rb") as file:
                lines = file.read().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return []
        entries = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if not isinstance(entry, dict):
                continue
            if entry.get("schema") != SCHEMA:
                raise UsageFault(
                    self.path, f"schema {entry.get('schema')} is not {SCHEMA}", todo="use the newer opskit"
                )
            entries.append(entry)
        return entries

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        drafts: dict[str, _Draft] = {}
        for entry in self.entries():
            if entry["entry"] == "begin":
                drafts[entry["run"]] = _Draft(entry)
            elif entry["run"] in drafts:
                drafts[entry["run"]].take(entry)
        return [draft.run() for draft in drafts.values()]

    def runs_of(self, plan: str) -> list[Run]:
        """The runs that carried out, or tried to, the plan with this token, oldest first; [] without a ledger."""
        return [run for run in self.runs() if run.plan == plan]

    def find(self, name: str) -> Run:
        """The run with this id, the only one whose id begins so, or `last`. Raises UsageFault."""
        runs = self.runs()
        if name == "last" and runs:
            return runs[-1]
        matches = [run for run in runs if run.id == name] or [run for run in runs if run.id.startswith(name)]
        if name and len(matches) == 1:
            return matches[0]
        why = f"{len(matches)} runs begin so" if matches and name else f"no such run in {self.path}"
        raise UsageFault(name or "''", why, todo="opskit history lists the runs")


@dataclass
class _Draft:
    begin: dict[str, Any]
    end: dict[str, Any] = field(default_factory=dict)
    steps: dict[int, dict[str, Any]] = field(default_factory=dict)

    def take(self, entry: dict[str, Any]) -> None:
        kind = entry["entry"]
        if kind == "end":
            self.end = entry
        elif kind == "step":
            self.steps[entry["number"]] = {"began": entry["time"], **entry}
        elif kind in {"stepped", "undone"} and entry["number"] in self.steps:
            step = self.steps[entry["number"]]
            step["ended"] = entry["time"]
            # A step that was done and could not be taken back is still done.
            if not (kind == "undone" and entry["outcome"] == "kept" and step.get("outcome") == "done"):
                step["outcome"] = entry["outcome"]
            step["error"] = entry.get("error", "")
            step["record"] = {**step["record"], **entry.get("record", {})}
            step["commands"] = step.get("commands", []) + entry.get("commands", [])

    def run(self) -> Run:
        begin = self.begin
        names = StepRecord.__dataclass_fields__
        steps = []
        for step in self.steps.values():
            values = {"outcome": "unfinished", **{k: v for k, v in step.items() if k in names}}
            values["commands"] = tuple(values.get("commands", ()))
            steps.append(StepRecord(**values))
        return Run(
            id=begin["run"],
            began=begin["time"],
            ended=self.end.get("time", ""),
            user=begin["user"],
            pid=begin["pid"],
            title=begin["title"],
            command=tuple(begin["command"]),
            undoes=begin.get("undoes", ""),
            outcome=self.end.get("outcome", "unfinished"),
            error=self.end.get("error", ""),
            hold=begin.get("hold", ""),
            host=begin.get("host", ""),
            plan=begin.get("plan", ""),
            steps=tuple(steps),
        )
