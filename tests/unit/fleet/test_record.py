"""Which hosts the callback opskit.host.record counts as failed, and how it stops a run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ansible.plugins.callback", reason="ansible-core is not here")

from ansible_collections.opskit.host.plugins.callback import record as record_module
from ansible_collections.opskit.host.plugins.callback.record import NUMBER, CallbackModule

from opskit.fleet import model
from opskit.fleet.drive.ansible import TOO_OLD

SOUND = {"rc": 0, "answer": {"findings": []}}


def result(task: str, values: dict[str, Any]) -> Any:
    named = {name: SimpleNamespace(get_name=lambda text=text: text) for name, text in (("host", "a"), ("task", task))}
    return SimpleNamespace(**named, result=values)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The callback of a run that no host may fail in. It keeps no events: that would take it from its terminal."""
    monkeypatch.delenv("OPSKIT_FLEET_EVENTS", raising=False)
    monkeypatch.setenv("OPSKIT_FLEET_STOP", str(tmp_path / "stop"))
    monkeypatch.setenv("OPSKIT_FLEET_MAX_FAIL", "0")
    monkeypatch.setenv("OPSKIT_FLEET_STOPPED", "")  # what it sets is gone with the test
    return CallbackModule()


@pytest.mark.parametrize("task", ["apply", "after"])
@pytest.mark.parametrize(
    ("values", "stops"),
    [
        (SOUND, False),
        ({"rc": 4, "answer": {"findings": []}}, False),
        ({"rc": 1, "answer": {"findings": []}}, True),
        ({"rc": 0, "answer": None}, True),
        ({"rc": 0, "answer": {"error": {"exit_code": 9}}}, True),
        ({"rc": [], "answer": {"findings": 3, "error": None}}, True),
        ({"rc": 4, "answer": {"findings": 3}}, False),
        ({"msg": "the shell did not start"}, True),
        ({"not_begun": True}, False),
    ],
)
def test_what_does_not_answer_as_it_should_has_failed(
    record: Any, tmp_path: Path, task: str, values: dict[str, Any], stops: bool
) -> None:
    record.v2_runner_on_ok(result("before", SOUND))
    record.v2_runner_on_ok(result(task, values))
    assert (tmp_path / "stop").exists() == stops


@pytest.mark.parametrize(("task", "stops"), [("before", False), ("apply", True), ("after", True)])
def test_a_host_that_is_gone_has_failed(record: Any, tmp_path: Path, task: str, stops: bool) -> None:
    record.v2_runner_on_unreachable(result(task, {"msg": "no route"}))
    assert (tmp_path / "stop").exists() == stops


def test_an_event_is_a_line_on_the_disk_also_behind_half_a_line(
    record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    events = tmp_path / "events"
    events.write_text('{"time": "2026-11-29T19:00:0')
    record._path = str(events)
    record.v2_runner_on_ok(result("apply", SOUND))
    torn, line = events.read_text().splitlines()
    assert (torn[-1], json.loads(line)["event"], len(synced)) == ("0", "ended", 1)
    assert not (tmp_path / "stop").exists()


def test_what_cannot_be_recorded_is_not_begun(record: Any, tmp_path: Path) -> None:
    record._path = str(tmp_path / "none" / "events")
    record.v2_runner_on_ok(result("apply", SOUND))
    assert (tmp_path / "stop").exists()
    assert os.environ["OPSKIT_FLEET_STOPPED"] == "yes"  # where the disk does not take that file either


def test_nothing_is_begun_any_more_once_opskit_is_gone(record: Any, tmp_path: Path) -> None:
    heard, wakes = os.pipe()
    try:
        record._path, record._wake = str(tmp_path / "events"), wakes
        record.v2_runner_on_ok(result("apply", SOUND))
        assert (os.read(heard, 9), (tmp_path / "stop").exists()) == (b".", False)
        os.close(heard)
        record.v2_runner_on_ok(result("apply", SOUND))
        assert (tmp_path / "stop").exists()
    finally:
        os.close(wakes)


def test_a_release_whose_actions_fail_ends_before_any_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPSKIT_FLEET_EVENTS", str(tmp_path / "events"))
    monkeypatch.setattr(record_module, "__version__", "2.12.10")
    with pytest.raises(SystemExit):
        CallbackModule()
    assert f"2.12.10 {TOO_OLD} 2.13 or newer" in " ".join(capfd.readouterr().err.split())


def test_what_makes_two_findings_the_same_is_what_opskit_goes_by() -> None:
    assert NUMBER == model.NUMBER
