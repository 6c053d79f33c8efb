"""What `opskit doctor` answers with --json (core/results.py)."""

from __future__ import annotations

from typing import Any

from opskit.doctor.model import Examination

RESULTS: dict[str, tuple[Any, ...]] = {"doctor": (Examination,)}
