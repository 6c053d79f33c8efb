"""The ledger: append-only, fsynced JSON lines. Audit trail and undo record in one.

Entries, each with `run` (its id), `entry`, `time`, `line` (its number in the run) and `sum` (ledger_lines.py):
  begin  title, command, host, user, pid, plan (its token), changes, undoes, hold
  step   number, kind, fields, change, record       (before the step)
  stepped number, outcome, record, commands, error  (after it)
  undone number, outcome, error, commands           (a step taken back in the same run)
  end    outcome, error
A run without `end` is one that crashed: its outcome is `unfinished`. A line that follows one which a crash cut off says
so (`torn`). What a key is for that this opskit does not know is kept, and no reason to refuse a line.

It is one file, whatever its size, and is read from its end: what the newest runs are costs the same with ten runs
behind them or a hundred thousand. Older runs about a disk are found by an index (ledger_index.py), which can be lost.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from io import BufferedReader
from typing import Any, Optional

from opskit.core.errors import Failed, UsageFault
from opskit.core.files import sync_directory, write_atomic
from opskit.core.finding import follow_up
from opskit.core.ledger_index import TAIL, keys_of, open_index, plan_name, write_index
from opskit.core.ledger_lines import SCHEMA, Line, line_numbers, line_of, lines_from_end, open_to_read, parse_line
from opskit.core.ledger_runs import Damage, Run, StepRecord, build_runs
from opskit.core.record import dataclass
from opskit.core.text import counted
from opskit.core.units import now, time_text

__all__ = ["Damage", "Ledger", "Reading", "Run", "StepRecord", "new_run_id"]

FILE_NAME = "ledger.jsonl"
# For the tests of crashes: `OPSKIT_TEST_KILL=stepped:2` kills this process by SIGKILL right after that entry
# is on the disk.
TEST_KILL = "OPSKIT_TEST_KILL"
_TELLING = re.compile(rb'.{0,30}"entry": "(begin|step)"')


@dataclass(frozen=True)
class Reading:
    """What was read of the ledger.

    runs: oldest first
    damage: every line read that is broken, missing or there twice, in the order of the file
    """

    runs: tuple[Run, ...]
    damage: tuple[Damage, ...]


def new_run_id() -> str:
    """A run's name: when it began, and enough at random that two hosts' ledgers can be put together."""
    return now().strftime("%Y%m%dT%H%M%SZ-") + os.urandom(3).hex()


def no_room(path: str, number: int, *, changed: bool) -> Failed:
    """The error for a ledger that cannot be written. number: the errno. changed: whether the run had begun."""
    todo = "make room, or name another place with --state-dir"
    if not (changed or path.startswith("/run/")):  # what makes room may be just what was asked for, on a full /var
        todo = "make room; or add --state-dir /run/opskit, here and to its undo: it is kept there until the next boot"
    why = f"the ledger cannot be written ({os.strerror(number)})"
    return Failed(path, why, todo=todo, state="" if changed else "Nothing was changed.")


class Ledger:
    """The ledger in one state directory. Reading makes nothing; writing makes the directory (mode 0700)."""

    def __init__(self, state_dir: str) -> None:
        self.state_dir = state_dir
        self.path = os.path.join(state_dir, FILE_NAME)
        self._written: dict[str, int] = {}  # how many lines each run has that is written to

    def append(self, entry: str, run: str, **values: Any) -> None:
        """Write one entry and wait until it is on the disk. Raises Failed when it cannot be kept."""
        try:
            number = self._next_number(entry, run)
            kept = {"schema": SCHEMA, "entry": entry, "run": run, "time": time_text(now()), "line": number, **values}
            self._write(kept)
        except OSError as error:
            raise no_room(self.path, error.errno or 0, changed=entry != "begin") from error
        self._written[run] = number
        if entry == "end":
            with suppress(OSError):  # an index is only a help: what it does not cover is read
                self._index_what_came()
        if os.environ.get(TEST_KILL) == f"{entry}:{values.get('number', 0)}":
            os.kill(os.getpid(), signal.SIGKILL)

    def _next_number(self, entry: str, run: str) -> int:
        if run not in self._written and entry != "begin":  # begun by another process
            lines = self._lines_of(newest=0, run=run)
            self._written[run] = max([line.number for line in lines if line.run == run], default=0)
        return self._written.get(run, 0) + 1

    def _write(self, entry: dict[str, Any]) -> None:
        if not os.path.isdir(self.state_dir):
            os.makedirs(self.state_dir, mode=0o700)
            sync_directory(os.path.dirname(os.path.abspath(self.state_dir)))
        fresh = not os.path.exists(self.path)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A power cut can leave half a line; it must not swallow the next one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            data = b"\n" + line_of({**entry, "torn": True}) if torn else line_of(entry)
            try:
                written = os.write(descriptor, data)
                while written < len(data):  # a second try says why it was not all: a full disk, a limit (ulimit -f)
                    written += os.write(descriptor, data[written:])
            except OSError:
                os.ftruncate(descriptor, size)
                raise
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if fresh:
            sync_directory(self.state_dir)

    def entries(self) -> list[dict[str, Any]]:
        """All sound entries, oldest first. [] without a ledger. Raises OSError."""
        lines = [parse_line(raw, offset, whole=whole) for offset, raw, whole in self._raw_lines()]
        return [line.entry for line in reversed(lines) if line.entry is not None]

    def runs(self) -> list[Run]:
        """All runs, oldest first. [] without a ledger. Raises OSError."""
        return list(self.read().runs)

    def read(self, *, newest: int = 0, since: str = "") -> Reading:
        """Runs, oldest first, read from the end of the file. Raises OSError.

        newest: only so many; 0 for all
        since: the id of the first one to read; "" for all
        """
        runs, strays = build_runs(reversed(self._lines_of(newest=newest, run=since)))
        if newest:
            runs = runs[-newest:]
        if since:
            first = next((number for number, run in enumerate(runs) if run.id == since), 0)
            runs = runs[first:]
        damage = [*strays, *(damage for run in runs for damage in run.damage)]
        if not damage:
            return Reading(tuple(runs), ())
        numbers = line_numbers(self.path, [each.offset for each in damage if each.offset >= 0])
        runs = [replace(run, damage=tuple(_numbered(run.damage, numbers))) for run in runs]
        return Reading(tuple(runs), tuple(sorted(_numbered(damage, numbers), key=lambda each: each.offset)))

    def _raw_lines(self, start: int = 0) -> Iterator[tuple[int, bytes, bool]]:
        """The lines from this offset on, the last one first; none without a ledger."""
        try:
            yield from lines_from_end(self.path, start)
        except (FileNotFoundError, NotADirectoryError):
            return

    def _lines_of(self, *, newest: int, run: str) -> list[Line]:
        """The lines of the newest runs, or of all from that run on, the last one first; see `read`.

        Where a run has lost its first line the file is read to its beginning, but only for what that run has there.
        """
        lines: list[Line] = []
        begun: set[str] = set()
        headless: set[str] = set()
        enough = False
        for offset, raw, whole in self._raw_lines():
            if enough and not any(f'"run": {json.dumps(name)}'.encode() in raw for name in headless):
                continue
            line = parse_line(raw, offset, whole=whole)
            if enough and line.run not in headless:
                continue
            lines.append(line)
            if line.entry is None:
                continue
            if line.entry["entry"] == "begin":
                begun.add(line.run)
                headless.discard(line.run)
            elif line.run not in begun:
                headless.add(line.run)
            # A run's lines are together: where another one's come, its first line is not where it should be.
            past = run in begun or (run in headless and line.run != run)
            enough = enough or (past if run else 0 < newest <= len(begun))
            if enough and not headless:
                break
        return lines

    def _index_what_came(self) -> None:
        """Take into the index what came since it was written, when that is much; see ledger_index.py."""
        size = os.stat(self.path).st_size
        index = open_index(self.path)
        try:
            covered = index.covered if index else 0
            if size - covered < TAIL:
                return
            old = index.all_records() if index else []
        except ValueError:
            old, covered = [], 0
        finally:
            if index:
                index.close()
        # What a run can be looked up by is in the lines that begin it and its steps.
        telling = (item for item in self._raw_lines(covered) if _TELLING.match(item[1]))
        write_index(self.path, old, (parse_line(raw, offset, whole=whole) for offset, raw, whole in telling), size)

    def about(self, keys: Iterable[str]) -> list[Run]:
        """The runs about a thing, oldest first: UUIDs, PARTUUIDs, names of partitions, identities of disks, plans.

        Of a key that more than 20 runs have only the first ten and the last ten. Raises OSError.
        """
        names = {key.lower() for key in keys if key}
        offsets, covered = self._indexed(names)
        lines = [parse_line(raw, offset, whole=whole) for offset, raw, whole in self._raw_lines(covered)]
        runs = [*(self._run_at(offset) for offset in offsets), *build_runs(reversed(lines))[0]]
        return [run for run in runs if run is not None and not names.isdisjoint(_keys_of_run(run))]

    def _indexed(self, names: Iterable[str]) -> tuple[list[int], int]:
        """Where the runs begin that the index has for these, and up to which byte it covers the ledger."""
        index = open_index(self.path)
        if index is None:
            return [], 0
        try:
            return sorted({offset for name in names for offset in index.offsets(name)}), index.covered
        except ValueError:
            return [], 0
        finally:
            index.close()

    def _run_at(self, offset: int) -> Optional[Run]:
        """The run whose first line is at this offset; None when there is no such line."""
        lines: list[Line] = []
        with BufferedReader(open_to_read(self.path)) as file:
            file.seek(offset)
            for raw in file:
                line = parse_line(raw.rstrip(b"\n"), offset)
                offset += len(raw)
                if lines and line.entry is not None and line.run != lines[0].run:
                    break
                lines.append(line)
                if line.entry is None and len(lines) == 1:
                    return None
                if line.entry is not None and line.entry["entry"] == "end":
                    break
        return build_runs(lines)[0][0] if lines else None

    def runs_of(self, plan: str) -> list[Run]:
        """The runs that carried out, or tried to, the plan with this token, oldest first; [] without a ledger."""
        name = plan_name(plan)
        return [run for run in self.about([name]) if plan_name(run.plan) == name]

    def each(self) -> Iterator[Run]:
        """Every run, the newest first, one after the other: however many there are, one is in memory. Raises OSError.

        A run whose lines are not together is given once for each piece of them.
        """
        lines: list[Line] = []
        known = ""  # the run of the sound ones among them
        for offset, raw, whole in self._raw_lines():
            line = parse_line(raw, offset, whole=whole)
            if line.entry is not None:
                if known and line.run != known:
                    yield from build_runs(reversed(lines))[0]
                    lines = []
                known = line.run
            lines.append(line)
        yield from build_runs(reversed(lines))[0]

    def drop(self, runs: Iterable[str]) -> int:
        """Take these runs out. Returns how many bytes the ledger has lost. Raises Failed, with the ledger as it was."""
        names = frozenset(runs)
        try:
            before = os.stat(self.path).st_size
            write_atomic(self.path, self._lines_without(names))
            return before - os.stat(self.path).st_size
        except OSError as error:
            why = f"the ledger cannot be written anew ({error.strerror})"
            todo = f"make room in {self.state_dir}: the new ledger stands beside the old one for a moment"
            raise Failed(self.path, why, todo=todo, state="It is as it was.") from error

    def _lines_without(self, names: frozenset[str]) -> Iterator[bytes]:
        with BufferedReader(open_to_read(self.path)) as file:
            for raw in file:
                if Line(0, raw, whole=True, entry=None).run not in names:
                    yield raw

    def find(self, name: str) -> Run:
        """The run with this id, the only one whose id begins so, or `last`; of a plan's token its last run.

        Raises UsageFault or OSError.
        """
        if name == "last":
            runs = self.read(newest=1).runs
        elif ":" in name:
            runs = tuple(self.runs_of(name)[-1:])
        else:
            ids = self._ids(name) if name else set()
            chosen = name if name in ids else min(ids, default="")
            if len(ids) > 1 and chosen != name:
                raise UsageFault(
                    name, f"{counted(len(ids), 'run')} begin so", todo=f"{follow_up('history')} lists the runs"
                )
            runs = self.read(since=chosen).runs[:1] if chosen else ()
        if not runs:
            raise UsageFault(name or "''", f"no such run in {self.path}", todo=f"{follow_up('history')} lists the runs")
        return runs[0]

    def _ids(self, name: str) -> set[str]:
        """The ids that begin so; as soon as there is one that is the name itself, only that."""
        start = f'"run": {json.dumps(name)[:-1]}'.encode()
        ids: set[str] = set()
        for offset, raw, whole in self._raw_lines():
            if start in raw:
                line = parse_line(raw, offset, whole=whole)
                if line.entry is not None and line.run.startswith(name):
                    ids.add(line.run)
            if name in ids:
                return {name}
        return ids


def _keys_of_run(run: Run) -> set[str]:
    entries: list[dict[str, Any]] = [{"plan": run.plan}, *({"fields": step.fields} for step in run.steps)]
    return {key for entry in entries for key in keys_of(entry)}


def _numbered(damage: Iterable[Damage], numbers: dict[int, int]) -> list[Damage]:
    return [replace(each, line=numbers.get(each.offset, 0)) for each in damage]
