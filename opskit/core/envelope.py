"""The one shape of --json, errors included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Optional

from opskit.core.errors import OpskitError
from opskit.core.finding import Finding
from opskit.core.jsonable import to_json

SCHEMA = 1


def envelope(
    command: str, result: Any = None, *, findings: Sequence[Finding] = (), error: Optional[OpskitError] = None
) -> str:
    r"""One line of JSON. Bytes that are no UTF-8 stay as surrogate escapes (`\udcff`)."""
    body = {
        "schema": SCHEMA,
        "ok": error is None,
        "command": command,
        "result": to_json(result),
        "findings": [finding.as_json() for finding in findings],
        "error": None if error is None else _error(error),
    }
    return json.dumps(body)


def _error(error: OpskitError) -> dict[str, Any]:
    return {
        "id": error.id,
        "exit_code": error.exit_code,
        "what": error.what,
        "why": error.why,
        "todo": error.todo,
        "state": error.state,
    }
