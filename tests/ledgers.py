"""Sample ledgers of earlier releases: what a run of then left, for an undo by the code of today.

golden/history/ledgers-VERSION has a ledger for each area, with a run of each kind of step there was; undo.json has
what that release said an undo of each step does. The runs are real ones on loop devices and in directories, but for
those of systemd's units, whose commands were answered by nobody. Paths begin with /sample.
host/history/record.py records those of the next release.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opskit.core.caller import machine_id
from opskit.core.ledger_lines import line_of

FOLDER = Path(__file__).parent / "golden" / "history"
RELEASES = [path.name.partition("-")[2] for path in sorted(FOLDER.glob("ledgers-*"))]
# Where the samples were made, as the begin of each run has it.
SAMPLE_HOST = "0" * 31 + "1"


@dataclass(frozen=True)
class Sample:
    """The lines of one run."""

    lines: tuple[str, ...]

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    @property
    def run(self) -> str:
        name: str = self.entries[0]["run"]
        return name

    def steps(self) -> Iterator[dict[str, Any]]:
        """The entries written before each step."""
        return (entry for entry in self.entries if entry["entry"] == "step")

    def fields(self, kind: str) -> dict[str, Any]:
        """The fields of the step of this kind."""
        fields: dict[str, Any] = next(step["fields"] for step in self.steps() if step["kind"] == kind)
        return fields

    def only(self, *kinds: str) -> Sample:
        """This run as if it had had no other steps."""
        numbers = {step["number"]: at for at, step in enumerate(self.only_steps(*kinds), 1)}
        lines = []
        for entry in self.entries:
            if entry.get("number", 0) in {0, *numbers}:
                # Else the ledger would have lost the others.
                planned = [step["change"] for step in self.only_steps(*kinds)]
                changes = {"changes": planned} if "changes" in entry else {}
                number = {"number": numbers[entry["number"]]} if "number" in entry else {}
                lines.append(json.dumps({**entry, **changes, **number}))
        return Sample(tuple(lines))

    def only_steps(self, *kinds: str) -> list[dict[str, Any]]:
        """The entries before the steps of these kinds."""
        return [step for step in self.steps() if step["kind"] in kinds]

    def replace(self, texts: Mapping[str, str]) -> Sample:
        """This run, of other devices and folders. A text is replaced wherever it stands."""
        lines = self.lines
        for old, new in texts.items():
            assert any(old in line for line in lines), f"{old} is not in the sample"
            lines = tuple(line.replace(old, new) for line in lines)
        return Sample(lines)

    def put(self, state: Path) -> None:
        """Make it the ledger of a state directory, as if it had been made on this host."""
        state.mkdir(mode=0o700, exist_ok=True)
        lines = (_summed(line.replace(SAMPLE_HOST, machine_id())) for line in self.lines)
        (state / "ledger.jsonl").write_bytes(b"".join(lines))


def _summed(line: str) -> bytes:
    """A line with newline, and with the checksum of its text, if it has one: what was put into it has changed that."""
    entry = json.loads(line)
    return line_of(entry) if entry.pop("sum", "") else f"{line}\n".encode()


def samples(release: str, area: str) -> list[Sample]:
    """The runs of an area, the oldest first."""
    lines = (FOLDER / f"ledgers-{release}" / f"{area}.jsonl").read_text(encoding="utf-8").splitlines()
    runs: dict[str, list[str]] = {}
    for line in lines:
        runs.setdefault(json.loads(line)["run"], []).append(line)
    return [Sample(tuple(lines)) for lines in runs.values()]


def sample(release: str, kind: str) -> Sample:
    """The first run with a step of this kind."""
    area = kind.partition(".")[0]
    return next(run for run in samples(release, area) if any(step["kind"] == kind for step in run.steps()))


def areas(release: str) -> list[str]:
    """The areas with a ledger."""
    return [path.stem for path in sorted((FOLDER / f"ledgers-{release}").glob("*.jsonl"))]
