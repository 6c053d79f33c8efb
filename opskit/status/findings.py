"""The findings of this area: what `opskit findings` says of each."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (
    FindingKind("area-not-looked-at", ("error",), "an area could not be looked at, or did not answer in time"),
    FindingKind("no-timer", ("error",), "systemd does not run this host, so that there is no timer to install"),
    FindingKind(
        "timer-program-weak", ("critical",), "others than root can change the program that root's timer would run"
    ),
)
