"""What an area reports of the host for `opskit status` and `opskit check`. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from opskit.core.finding import Finding


@dataclass(frozen=True)
class ReportRequest:
    """What a report is asked for with.

    state_dir: where the ledger is
    thresholds: of the area's findings, by name; each of those that areas.LOOKS names is there
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
    """

    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    measures: tuple[Measure, ...] = ()
    unseen: tuple[str, ...] = ()
