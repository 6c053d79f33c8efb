"""Which hosts the callback opskit.host.record counts as failed, and how it stops a run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ansible.plugins.callback", reason="ansible-core is not here")

from ansible_collections.opskit.host.plugins.callback.record import NUMBER, CallbackModule

from opskit.fleet import model

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


def test_what_makes_two_findings_the_same_is_what_opskit_goes_by() -> None:
    assert NUMBER == model.NUMBER
