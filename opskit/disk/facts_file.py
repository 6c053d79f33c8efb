"""Facts saved by `opskit disk facts`, read again for a dry run anywhere."""

from __future__ import annotations

import json
import sys
from typing import Any

from opskit.core.errors import Missing, UsageFault
from opskit.core.jsonable import ShapeError, from_json
from opskit.disk.model import SCHEMA, HostFacts


def load(path: str) -> HostFacts:
    """Facts saved by `opskit disk facts`. Raises UsageFault for what is none, or of another version."""
    name = "standard input" if path == "-" else path
    todo = "save them again on the host: opskit disk facts > host.json"
    try:
        if path == "-":
            text = sys.stdin.read()
        else:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        data: Any = json.loads(text)
    except PermissionError:
        raise Missing(name, "this file may not be read") from None
    except (OSError, ValueError) as error:
        raise UsageFault(name, f"these are no facts ({error})", todo=todo) from None
    if isinstance(data, dict) and "result" in data and "schema" in data:
        data = data["result"]  # an envelope: `opskit disk facts --json`
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UsageFault(name, f"facts of version {schema}, and this opskit reads version {SCHEMA}", todo=todo)
    try:
        return from_json(HostFacts, data)
    except ShapeError as error:
        raise UsageFault(name, f"these are no facts ({error})", todo=todo) from None
