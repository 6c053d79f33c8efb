"""`opskit fleet check --format prometheus`: what each host has, with its name."""

from __future__ import annotations

import math
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from golden.screens.made_fleet import NASTY, checked, finding
from opskit.core.metrics import HELP
from opskit.fleet.metrics import metrics
from opskit.fleet.model import HostState

ANSWER = {
    "areas": [{"area": "disk", "exit_code": 4}, {"area": "yum", "exit_code": 1}],
    "looks": [
        {"area": "disk", "name": "filesystems", "finding_ids": ["nearly-full", "nearly-full"], "failure": None,
         "measures": [{"name": "opskit_deleted_open_bytes", "value": 2**40, "labels": {"mountpoint": "/a\\b\n"}}]},
        {"area": "yum", "name": "packages", "finding_ids": [], "failure": "no answer", "measures": []},
    ],
}  # fmt: skip
FOUND = (
    finding("nearly-full", "error", "/: 97 % full"),
    finding("nearly-full", "error", "/data: 97 % full"),
    finding("area-not-looked-at", "error", "packages: not looked at: no answer"),
)


def parsed(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Each metric with its samples, as Prometheus reads the file."""
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    assert all(text.count(f"# HELP {family.name} ") == text.count(f"# TYPE {family.name} ") == 1 for family in families)
    assert all(family.type == "gauge" and family.name in HELP for family in families)
    assert all(sample.timestamp is None for family in families for sample in family.samples)
    return {
        family.name: {tuple(sample.labels.items()): sample.value for sample in family.samples} for family in families
    }


def test_prometheus_reads_it() -> None:
    host = HostState("done", 4, findings=FOUND, answer={"result": ANSWER})
    text = metrics({"web1": host, NASTY: host, "web3": HostState("unreachable", 10)}, 1795900000.25)
    assert text.endswith("\n")
    read = parsed(text)
    found = {labels: value for labels, value in read["opskit_findings"].items() if labels[0] == ("host", "web1")}
    assert {tuple(value for _name, value in labels): count for labels, count in found.items()} == {
        ("web1", "disk", "error", "nearly-full"): 2,
        ("web1", "yum", "error", "area-not-looked-at"): 1,
    }
    answered = {dict(labels)["host"]: value for labels, value in read["opskit_fleet_host_answered"].items()}
    assert answered == {"web1": 1, r"web\x1b[31m\nred": 1, "web3": 0}
    assert read["opskit_check_exit_code"][("host", "web1"), ("check", "yum")] == 1
    assert sorted(read["opskit_deleted_open_bytes"].values()) == [2**40, 2**40]
    assert list(read["opskit_check_last_run_timestamp_seconds"].values()) == [1795900000.25]


def test_a_host_that_lies_spoils_nothing() -> None:
    labels: Any = {"host": "web9", "a-b": "1", "1": "2", "x": {"y": 1}, "数": "3", "": "4"}
    rows: Any = [
        {"name": "opskit_undo_pending", "value": 3, "labels": labels},
        {"name": "opskit_undo_pending", "value": math.nan, "labels": {"a": "1"}},
        {"name": "opskit_undo_pending", "value": "7", "labels": {"a": "2"}},
        {"name": "evil 1\n# TYPE", "value": 1, "labels": {}}, {"name": [], "value": 1, "labels": {}},
        {"name": "opskit_undo_pending", "value": 1, "labels": []}, None,
    ]  # fmt: skip
    odd: Any = [{"area": {}, "exit_code": "4"}, {"area": "disk", "exit_code": math.inf}, 7]
    answer = {"result": {"looks": [{"measures": rows}, {"measures": 3}, "x"], "areas": odd}}
    read = parsed(metrics({"web1": HostState("done", 4, findings=(7, {}), answer=answer)}, 1.0))  # type: ignore[arg-type]
    assert list(read["opskit_undo_pending"]) == [(("host", "web1"), ("x", "{'y': 1}"))]
    assert "opskit_check_exit_code" not in read


def test_the_hosts_of_the_screens() -> None:
    read = parsed(metrics(checked(40), 1.0))
    assert sum(read["opskit_fleet_host_answered"].values()) == 39
