"""What `service status` shows a person: times of the host's zone, and numbers with what they count."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from opskit.service.model import RUNNING, UNIT, Process, ServiceFacts, Verdict
from opskit.service.show import draw_status, service_json
from opskit.ui.screen import Screen

NOON = 1_764_072_000.0  # 2025-11-25 12:00:00 UTC
WORKER = Process(8, 0, 7, 8, NOON, "w", "S")


@pytest.fixture
def far_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "TEST-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_zone")
@pytest.mark.parametrize("terminal", [False, True])
def test_times_are_local_to_a_person_and_exact_in_json(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = ServiceFacts("w")
    verdict = Verdict("w", UNIT, RUNNING, "", workers=(WORKER,), since=NOON, restarts=1)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    draw_status(Screen("service status"), [(facts, verdict)], [])
    text = capsys.readouterr().out
    assert "2025-11-25T17:30:00+05:30" in text
    assert not terminal or ("1 worker," in text and "started again once" in text)
    assert service_json(facts, verdict)["since"] == "2025-11-25T12:00:00Z"
