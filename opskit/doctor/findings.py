"""The findings of this area: what `opskit findings` says of each."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("capability-missing", ("warning",), "root has not the capabilities here that some commands need"),
    FindingKind("config-passed-over", ("warning",), "a config file, or something in one, does not count"),
    FindingKind("program-missing", ("warning",), "a program is missing that a command cannot do without"),
    FindingKind("state-unusable", ("warning",), "no run that changes the host could begin"),
)
