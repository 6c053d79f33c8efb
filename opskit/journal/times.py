"""Moments as text."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Optional


def moment_text(microseconds: int) -> Optional[str]:
    """RFC 3339 with zone, to the microsecond; None for a time that is not known, or that no calendar has."""
    if not microseconds:
        return None
    try:
        moment = datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{microseconds % 1_000_000:06d}Z"
