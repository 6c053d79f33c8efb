"""What `opskit findings` answers with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Any, TypedDict

from opskit.core.finding import Severity


class KindRow(TypedDict):
    """What the id of a finding means in an area. severities: those that such a finding can have."""

    id: str
    area: str
    severities: list[Severity]
    meaning: str


class KindList(TypedDict):
    """The kinds of findings."""

    findings: list[KindRow]


RESULTS: dict[str, tuple[Any, ...]] = {"findings": (KindList,)}
