"""`opskit journal errors` with a journald that runs: a unit that fails, the kernel's OOM killer, a sender held back."""

from __future__ import annotations

import json

import pytest

from vm.guest import answer, opskit, until
from vmlab.machine import Machine

ERRORS = ("journal", "errors", "--boot")
USER = "ops"


def ids(body: dict[str, object]) -> list[tuple[str, str]]:
    """Kind and title of each finding."""
    findings = body["findings"]
    assert isinstance(findings, list)
    return [(finding["id"], finding["title"]) for finding in findings]


def start(vm: Machine, unit: str, *words: str, check: bool = False) -> None:
    """Run a program as a service of its own, to its end."""
    vm.run("systemd-run", f"--unit={unit}", "--wait", "--quiet", *words, check=check)


def test_a_unit_that_is_failed_now(vm: Machine) -> None:
    start(vm, "broken", "--service-type=oneshot", "false")
    vm.run("logger", "-p", "user.err", "--tag", "app", "request 4711 failed")
    vm.run("logger", "-p", "user.err", "--tag", "app", "request 12 failed")
    vm.run("journalctl", "--sync")
    body = answer(vm, *ERRORS, "--check")
    assert body["status"] == 4
    assert body["result"]["units_failed"][0]["name"] == "broken.service"
    assert ("unit-failed", "broken.service is failed (exit-code); it failed once in this time") in ids(body)
    groups = body["result"]["groups"]
    # In two groups where logger had ended before journald looked for its unit.
    assert sum(group["count"] for group in groups if group["pattern"] == "request <n> failed") == 2
    failed = next(group for group in groups if group["unit"] == "broken.service")
    assert failed["pattern"].startswith("Failed to start broken.service")
    assert "unit broken.service has failed" in failed["catalog"]
    vm.run("systemctl", "reset-failed")
    assert ("unit-failed", "broken.service failed once (exit-code)") in ids(answer(vm, *ERRORS))


def test_what_the_oom_killer_killed(vm: Machine) -> None:
    eater = "x = [bytearray(1 << 20) for _ in range(4000)]"
    start(vm, "eater", "-p", "MemoryMax=30M", "-p", "MemorySwapMax=0", "python3", "-c", eater)
    body = answer(vm, *ERRORS)
    assert ("oom-kill", "python3 was killed once: out of memory") in ids(body)
    assert ("unit-failed", "eater.service is failed (oom-kill); it failed once in this time") in ids(body)


def test_messages_that_journald_dropped(vm: Machine) -> None:
    limits = ("-p", "LogRateLimitIntervalSec=1s", "-p", "LogRateLimitBurst=10")
    start(vm, "chatty", *limits, "sh", "-c", "seq 500; sleep 2; echo more", check=True)
    vm.run("journalctl", "--sync")
    body = answer(vm, *ERRORS)
    (lost,) = [one for one in body["result"]["messages_lost"] if one["subject"] == "chatty.service"]
    assert lost["amount"] > 100
    assert any(kind == "messages-lost" and "of chatty.service" in title for kind, title in ids(body))


def test_who_may_read_it(vm: Machine) -> None:
    refused = opskit(vm, *ERRORS, check=False, user=USER)
    assert refused.returncode == 6
    assert "systemd-journal" in refused.stderr
    vm.run("usermod", "-aG", "systemd-journal", USER)
    vm.close_ssh()  # groups are those of the login
    assert opskit(vm, *ERRORS, user=USER).returncode == 0


@pytest.mark.parametrize("words", [(), ("--since", "1h"), ("--unit", "app2")])
def test_follow_sees_what_comes(vm: Machine, words: tuple[str, ...]) -> None:
    with vm.start_command("opskit", *ERRORS[:2], "--follow", "--json", *words) as command:
        start(vm, "app2", "sh", "-c", "echo '<3>disk is gone 7' ")
        said = until(command, "disk is gone")
        command.terminate()
    bodies = [json.loads(line) for line in said.splitlines()[:-1] if line.startswith("{")]
    assert {body["schema"] for body in bodies} <= {1}
