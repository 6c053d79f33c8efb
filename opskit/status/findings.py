"""The findings of this area: what `opskit findings` says of each."""

from __future__ import annotations

from opskit.core.finding import FindingKind

FINDINGS = (FindingKind("area-not-looked-at", ("error",), "an area could not be looked at, or did not answer in time"),)
