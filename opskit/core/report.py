"""What an area reports of the host for `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from opskit.core.finding import Finding
from opskit.core.record import dataclass
from opskit.core.units import seconds_text

PERCENT, COUNT, SPAN = "percent", "count", "span"


@dataclass(frozen=True)
class Threshold:
    """From when on something is a finding of `opskit status` and `check`, unless a config file has another number.

    No plan depends on any: they are about what is told, and not about what may be done.

    kind: PERCENT, COUNT or SPAN; the default of a span is in seconds
    meaning: what is told from so much on
    finding: its id
    least, most: what a config file may have
    """

    kind: str
    default: int
    meaning: str
    finding: str
    least: int = 1
    most: int = 1_000_000_000

    @property
    def text(self) -> str:
        """The default, as a config file has it."""
        return f'"{seconds_text(self.default)}"' if self.kind == SPAN else str(self.default)


def percent(default: int, meaning: str, finding: str, *, most: int = 100) -> Threshold:
    """A threshold in percent."""
    return Threshold(PERCENT, default, meaning, finding, most=most)


def defaults(thresholds: Mapping[str, Threshold]) -> dict[str, int]:
    """The default of each."""
    return {name: threshold.default for name, threshold in thresholds.items()}


@dataclass(frozen=True)
class ReportRequest:
    """What a report is asked for with.

    state_dir: where the ledger is
    thresholds: those of the area that a config file has, by name; an area has the defaults of the others
    """

    state_dir: str = ""
    thresholds: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """A number for monitoring, by a name of Prometheus. labels: no more than a label of the target, never evidence."""

    name: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What a look at the host comes to.

    lines: what a person sees of it where nothing is wrong, too; some lines, the most important first
    unseen: what this user may not look at
    failure: why a part of it could not be looked at, "" where nothing failed
    """

    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()
    unseen: tuple[str, ...] = ()
    failure: str = ""
