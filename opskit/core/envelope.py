"""The one shape of --json, errors included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Optional

from opskit.core.errors import ExitCode, OpskitError
from opskit.core.finding import Finding
from opskit.core.jsonable import to_json

if TYPE_CHECKING:
    from opskit.core.results import Envelope, ErrorAnswer

SCHEMA: Literal[1] = 1
# What is done, what would be, and what a check was for: with these exit codes an answer is ok.
OK = frozenset({ExitCode.DONE, ExitCode.CHANGES_PENDING, ExitCode.FINDINGS})


def envelope(
    command: str,
    result: Any = None,
    *,
    findings: Sequence[Finding] = (),
    error: Optional[OpskitError] = None,
    exit_code: int = ExitCode.DONE,
) -> str:
    r"""One line of JSON. Bytes that are no UTF-8 stay as surrogate escapes (`\udcff`).

    exit_code: with which the command ends where there is no error, whose own it is otherwise
    """
    body: Envelope = {
        "schema": SCHEMA,
        "ok": (exit_code if error is None else error.exit_code) in OK,
        "command": command,
        "result": to_json(result),
        "findings": [finding.as_json() for finding in findings],
        "error": None if error is None else _error(error),
    }
    return json.dumps(body)


def _error(error: OpskitError) -> ErrorAnswer:
    return {
        "id": error.id,
        "exit_code": error.exit_code,
        "what": error.what,
        "why": error.why,
        "todo": error.todo,
        "state": error.state,
    }
