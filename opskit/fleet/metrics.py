"""The answers of `opskit check` on many hosts as numbers for Prometheus, each with its host. No I/O."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from opskit.core.metrics import HELP, exposition
from opskit.core.report import Measure
from opskit.fleet.groups import findings_of, looks_of
from opskit.fleet.model import OVER, HostState, object_of, rows_of


def metrics(states: Mapping[str, HostState], now: float) -> str:
    """The content of the file: what `opskit check --format prometheus` has on each host, with the label host first.

    Of a host that did not answer only that is in it. now: seconds since 1970
    """
    measures: list[Measure] = []
    for host, state in states.items():
        answered = state.state in OVER
        measures.append(Measure("opskit_fleet_host_answered", int(answered), {"host": host}))
        if answered:
            measures += _of_host(host, state)
    measures.append(Measure("opskit_check_last_run_timestamp_seconds", round(now, 3)))
    return exposition(measures)


def _of_host(host: str, state: HostState) -> Iterator[Measure]:
    result = object_of(object_of(state.answer).get("result"))
    findings = findings_of(state.findings, looks_of(state.answer))
    for (area, severity, ident), count in sorted(Counter((f.area, f.severity, f.id) for f in findings).items()):
        yield Measure("opskit_findings", count, {"host": host, "check": area, "severity": severity, "id": ident})
    for row in rows_of(result.get("areas")):
        code = row.get("exit_code")
        if isinstance(code, int):
            yield Measure("opskit_check_exit_code", code, {"host": host, "check": str(row.get("area"))})
    for look in rows_of(result.get("looks")):
        for row in rows_of(look.get("measures")):
            name, value, labels = str(row.get("name")), _number(row.get("value")), row.get("labels")
            # Of a newer opskit there may be others, which have no text here.
            if name in HELP and value is not None and isinstance(labels, dict):
                yield Measure(name, value, {"host": host, **_labels(labels)})


def _labels(labels: Mapping[str, Any]) -> dict[str, str]:
    """The labels of a measure, as far as they have names that Prometheus takes; none stands in for ours."""
    good = {name: str(value) for name, value in labels.items() if name.isascii() and name.isidentifier()}
    good.pop("host", None)
    return good


def _number(value: Any) -> Optional[float]:
    """The number, if it is one: JSON of Python's can have NaN."""
    return value if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)) else None
