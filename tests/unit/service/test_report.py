"""What `opskit check service` is told of: restarts, containers that are dead or unhealthy, zombies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.service.model import Container, Process, Unit
from opskit.service.report import lasting, report_of
from opskit.service.see import check

NOW = 1_764_072_000.0


def unit(**more: Any) -> Unit:
    return Unit("w.service", **{"active": "active", "sub": "running", "restarts": 5, "since": NOW - 60, **more})


@pytest.mark.parametrize(
    ("each", "told"),
    [
        (unit(), True),
        (unit(active="activating", sub="auto-restart"), True),
        (unit(restarts=2), False),
        (unit(restarts=None), False),  # before systemd 235
        (unit(since=NOW - 7200), False),  # it lives since
        (unit(active="failed", sub="failed"), False),  # told by the journal
    ],
)
def test_a_unit_that_restarts_again_and_again(each: Unit, told: bool) -> None:
    report = report_of((each,), (), (), NOW)
    assert [finding.id for finding in report.findings] == (["restarts"] if told else [])
    assert not told or report.findings[0].remedy == "opskit service why w.service"


@pytest.mark.parametrize(
    ("status", "more", "found"),
    [
        ("running", {}, []),
        ("running", {"health": "unhealthy"}, ["not-answering"]),
        ("paused", {}, ["not-answering"]),
        ("exited", {"exit_code": 1}, ["not-running"]),
        ("dead", {}, ["not-running"]),
        ("exited", {}, []),
        ("exited", {"exit_code": 143}, []),
        ("created", {}, []),
    ],
)
def test_containers(status: str, more: dict[str, Any], found: list[str]) -> None:
    report = report_of((), (Container("podman", "c", "1", status, **more),), (), NOW)
    assert [finding.id for finding in report.findings] == found
    assert report.lines[0].startswith("1 of 1" if status == "running" and not more else "0 of 1")


@pytest.mark.parametrize(
    ("count", "lines"),
    [
        (1, ("1 service of systemd runs", "1 of 1 container runs")),
        (2, ("2 services of systemd run", "2 of 2 containers run")),
    ],
)
def test_one_runs_and_two_run(count: int, lines: tuple[str, ...]) -> None:
    containers = [Container("podman", "c", str(number), "running", 10 + number) for number in range(count)]
    assert report_of([unit(restarts=0)] * count, containers, (), NOW).lines == lines


def test_docker_is_asked_only_where_its_daemon_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"podman": (str(tmp_path / "absent"),), "docker": (str(tmp_path),)}
    monkeypatch.setattr(check, "USED", places)
    # The socket alone is systemd's: to ask would start the daemon that somebody has stopped.
    assert check.engines_in_use({"systemd", "podman"}) == []
    assert check.engines_in_use({"systemd", "dockerd"}) == ["docker"]
    assert check.engines_in_use({"dockerd-current"}) == ["docker"]  # EL 7
    monkeypatch.setattr(check, "USED", {**places, "podman": (str(tmp_path),)})
    assert check.engines_in_use(set()) == ["podman"]


def test_zombies_by_their_parent() -> None:
    first = Process(10, 1, 2, 1, 0.0, "sleep", "S")
    dead = [Process(pid, 0, 10, pid, 0.0, "workerd", "Z") for pid in range(20, 28)]
    report = report_of((), (Container("podman", "c", "1", "running", 10),), (first, *dead), NOW)
    (finding,) = report.findings
    assert finding.title.startswith("8 zombies: pid 10 (sleep, 1 in the container)")
    assert "--init" in finding.remedy
    assert finding.evidence.endswith("and 3 more")
    assert report_of((), (), (first,), NOW).findings == ()


def test_a_zombie_of_a_moment_does_not_count() -> None:
    """Since when one is a zombie the kernel does not tell: it was started a minute ago, and is one twice."""
    lives = Process(10, 0, 1, 1, 0.0, "sleep", "S")
    parents = {20: 10, 21: 10, 23: 10}
    dead = {
        pid: Process(pid, 0, parent, pid, NOW - (60 if pid < 23 else 59), "w", "Z") for pid, parent in parents.items()
    }
    before = {(20, 20), (21, 7), (23, 23)}  # 21 was another process then
    assert lasting((lives, *dead.values()), before, NOW) == [lives, dead[20]]
