"""A finding: something a person should know, with its evidence and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

SEVERITIES = ("info", "warning", "error", "critical")


@dataclass(frozen=True)
class Finding:
    """One entry of the envelope's `findings`. severity is one of SEVERITIES."""

    id: str
    severity: str
    title: str
    evidence: str = ""
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """Its entry of the envelope: also a reason for a refusal is told as any finding is."""
        keys = ("id", "severity", "title", "evidence", "remedy")
        return {key: getattr(self, key) for key in keys}
