"""`opskit check --install-timer`: its units, what is refused, its steps on a systemd of the test."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import opskit
from opskit.core.command import Command, Result, Runner
from opskit.core.errors import Failed
from opskit.core.plan import Plan, Refusal
from opskit.core.systemd import parse_assignments
from opskit.status import timer
from opskit.status.see import timer as see
from opskit.status.steps import EnableTimer, WriteUnit
from opskit.status.timer import TimerFacts, TimerRequest, decide_timer

REQUEST = TimerRequest(("check", "--format", "prometheus", "--output", "/var/a b/50%.prom"), 600)
RUN = "20261129T110000Z-abcdef"
SERVICE, TIMER = "/etc/systemd/system/opskit-check.service", "/etc/systemd/system/opskit-check.timer"
PACKAGED = ("/usr/lib/systemd/system/opskit-check.service", "/usr/lib/systemd/system/opskit-check.timer")


def plan(facts: TimerFacts, request: TimerRequest = REQUEST) -> Plan:
    decision = decide_timer(facts, request, RUN)
    assert isinstance(decision, Plan)
    return decision


def texts(facts: TimerFacts, request: TimerRequest = REQUEST) -> dict[str, str]:
    return {step.path: step.text for step in plan(facts, request).steps if isinstance(step, WriteUnit)}


def values(text: str) -> dict[str, str]:
    return {each.name: each.value for each in parse_assignments(text)}


def test_units_of_its_own() -> None:
    written = texts(TimerFacts())
    assert list(written) == [SERVICE, TIMER]
    service, every = values(written[SERVICE]), values(written[TIMER])
    assert service["ExecStart"] == '/usr/bin/opskit check --format prometheus --output "/var/a b/50%%.prom"'
    assert (service["SuccessExitStatus"], service["NoNewPrivileges"]) == ("4", "yes")
    assert (every["OnUnitActiveSec"], every["WantedBy"]) == ("600s", "timers.target")
    # In a mount namespace of its own it would take every filesystem for read-only.
    assert not {name for name in service if name.startswith(("Protect", "Private", "ReadOnly"))}
    assert "Environment" not in service
    own = texts(TimerFacts(), replace(REQUEST, config="/etc/my $conf/50%.toml"))
    assert values(own[SERVICE])["Environment"] == '"OPSKIT_CONFIG=/etc/my $conf/50%%.toml"'
    nagios = texts(TimerFacts(), TimerRequest(("check", "--format", "nagios"), 60, nagios=True))
    assert values(nagios[SERVICE])["SuccessExitStatus"] == "1 2 3"


def test_over_units_of_a_package_there_are_drop_ins() -> None:
    written = texts(TimerFacts(packaged=PACKAGED))
    assert list(written) == [f"{SERVICE}.d/opskit.conf", f"{TIMER}.d/opskit.conf"]
    service = [each.value for each in parse_assignments(written[f"{SERVICE}.d/opskit.conf"])]
    with_config = replace(REQUEST, config="/etc/o.toml")
    drop_in = texts(TimerFacts(packaged=PACKAGED), with_config)[f"{SERVICE}.d/opskit.conf"]
    assert values(drop_in)["Environment"] == "OPSKIT_CONFIG=/etc/o.toml"
    assert service == ["", '/usr/bin/opskit check --format prometheus --output "/var/a b/50%%.prom"']
    assert "[Install]" not in written[f"{TIMER}.d/opskit.conf"]


def test_the_second_time_nothing_is_done() -> None:
    there = TimerFacts(texts=texts(TimerFacts()), enabled=True, active=True)
    assert plan(there).steps == ()
    assert [type(step) for step in plan(replace(there, active=False)).steps] == [EnableTimer]
    later = plan(there, replace(REQUEST, seconds=3600)).steps
    assert [getattr(step, "path", "") for step in later] == [TIMER, ""]
    assert later[0].change.before == f"kept as {TIMER}.opskit-{RUN}"
    assert "every 1h" in plan(there, replace(REQUEST, seconds=3600)).title


@pytest.mark.parametrize(
    ("facts", "ident", "code"),
    [
        (TimerFacts(systemd=False), "no-timer", 6),
        (TimerFacts(weak="/opt (owner 1000)"), "timer-program-weak", 5),
    ],
)
def test_refused(facts: TimerFacts, ident: str, code: int) -> None:
    decision = decide_timer(facts, REQUEST, RUN)
    assert isinstance(decision, Refusal)
    assert ([reason.id for reason in decision.reasons], decision.exit_code) == ([ident], code)


class Systemd:
    """Knows whether a timer is enabled and active, and what was asked of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.enabled = self.active = False

    def run(self, command: Command) -> Result:
        words = command.argv
        self.lines.append(" ".join(words[1:]))
        if words[1] in {"enable", "disable"}:
            self.enabled = words[1] == "enable"
        elif words[1] in {"restart", "stop"}:
            self.active = words[1] == "restart"
        elif words[1] == "is-active":
            return Result(words, 0 if self.active else 3, "", "", 0.0)
        elif words[1] == "show":
            return Result(words, 0, f"UnitFileState={'enabled' if self.enabled else 'disabled'}\n", "", 0.0)
        return Result(words, 0, "", "", 0.0)


def test_steps_and_their_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timer, "PLACE", str(tmp_path / "system"))
    host: Any = Systemd()
    steps = plan(TimerFacts()).steps
    records = []
    for step in steps:
        records.append(step.remember(host))
        step.apply(host, records[-1])
        step.verify(host, records[-1])
    assert sorted(path.name for path in (tmp_path / "system").iterdir()) == [
        "opskit-check.service",
        "opskit-check.timer",
    ]
    assert (host.enabled, host.active) == (True, True)
    for _ in range(2):
        for step, record in zip(reversed(steps), reversed(records)):
            if step.left(host, record):
                step.undo(host, record)
    assert (host.enabled, host.active) == (False, False)
    assert not (tmp_path / "system").exists()
    assert host.lines.count("daemon-reload") == 4


def test_a_timer_that_does_not_become_active_is_said_so() -> None:
    host: Any = Systemd()
    host.enabled = True
    with pytest.raises(Failed, match="it is enabled, and not active"):
        EnableTimer("opskit-check.timer").verify(host, {})


@pytest.mark.parametrize("part", ["program", "interpreter", "package"])
def test_each_part_of_what_root_would_run_is_looked_at(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {"program": "/usr/bin/opskit", "interpreter": sys.executable, "package": os.path.dirname(opskit.__file__)}
    monkeypatch.setattr(see, "_program", lambda: (paths["program"],))
    monkeypatch.setattr(see, "is_booted", lambda: False)
    monkeypatch.setattr(see, "weak_spot", lambda path: "/home/u (owner 1000)" if path == paths[part] else "")
    assert see.see_timer(cast("Runner", None)).weak == "/home/u (owner 1000)"
