"""What came of the looks at the host. Plain data."""

from __future__ import annotations

from dataclasses import field
from datetime import date

from opskit.core.finding import Finding
from opskit.core.record import dataclass
from opskit.core.report import Report


@dataclass(frozen=True)
class Looked:
    """What came of one look.

    area, name: of areas.Look
    command: the whole line that shows all of it
    failure: why there is no report, or but a part of one; "" where it is whole
    """

    area: str
    name: str
    command: str
    report: Report = field(default_factory=Report)
    failure: str = ""


@dataclass(frozen=True)
class Ignore:
    """A finding that is known, and is no reason to act until a day.

    target: what its title must name, "" for any
    until: the last day of it
    """

    id: str
    reason: str
    until: date
    target: str = ""


@dataclass(frozen=True)
class Settings:
    """What the config files say of checks. thresholds: of each area, those that a file has, by name."""

    thresholds: dict[str, dict[str, int]] = field(default_factory=dict)
    ignores: tuple[Ignore, ...] = ()


@dataclass(frozen=True)
class AreaFinding:
    """A finding, and the area that has it."""

    area: str
    finding: Finding


@dataclass(frozen=True)
class Conclusion:
    """What all looks come to.

    findings: the most important first
    ignored: with the reason of each
    codes: the exit code of each area
    unseen: what this user may not look at, by the name of the look
    """

    looks: tuple[Looked, ...]
    findings: tuple[AreaFinding, ...]
    ignored: tuple[tuple[AreaFinding, Ignore], ...]
    codes: dict[str, int]
    unseen: tuple[tuple[str, str], ...] = ()
