"""The steps that a ledger can have of this area."""

from __future__ import annotations

from opskit.core.plan import Step

KINDS: dict[str, type[Step]] = {}
