"""`opskit journal errors` with a journald that runs: a unit that fails, the kernel's OOM killer, a sender held back."""

from __future__ import annotations

import json

import pytest

from tiers import Agree
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
    title = "broken.service is failed (exit-code): exit status 1; it failed once in this time"
    assert ("unit-failed", title) in ids(body)
    groups = body["result"]["groups"]
    # In two groups where logger had ended before journald looked for its unit.
    assert sum(group["count"] for group in groups if group["pattern"] == "request <n> failed") == 2
    failed = next(group for group in groups if group["unit"] == "broken.service")
    assert failed["pattern"].startswith("Failed to start broken.service")
    assert "unit broken.service has failed" in failed["catalog"]
    vm.run("systemctl", "reset-failed")
    assert ("unit-failed", "broken.service failed once (exit-code): exit status 1") in ids(answer(vm, *ERRORS))


NOBODY = r"dev-disk-by\x2duuid-0f1e2d3c\x2d1111\x2d4000\x2d8000\x2d00000000abcd.device"
# Each kind of failure: what makes it, the beginning of the title behind the unit's name, and one of its last lines.
KINDS = {
    "status.service": (
        "Type=oneshot\nExecStart=/bin/sh -c 'echo config file /etc/app.conf: no such file; exit 3'",
        "is failed (exit-code): exit status 3", "config file /etc/app.conf: no such file",
    ),
    "exec.service": (
        "ExecStart=/opt/app/missing", "is failed (exit-code): its program cannot be executed",
        "Failed at step EXEC spawning /opt/app/missing: No such file or directory",
    ),
    "nouser.service": (
        "User=nobodyhere\nExecStart=/bin/true", "is failed (exit-code): its User= does not exist",
        "Failed at step USER spawning /bin/true: No such process",
    ),
    "killed.service": ("ExecStart=/bin/sh -c 'kill -9 $$$$'", "is failed (signal): SIGKILL killed it", ""),
    "limit.service": (
        ("Restart=always\nRestartSec=50ms\nExecStart=/bin/sh -c 'echo cannot bind; exit 7'\n[Unit]\n"
        "StartLimitBurst=2\nStartLimitIntervalSec=300"),
        "is failed (exit-code): exit status 7; it failed too often in a short time, and systemd gave up", "cannot bind",
    ),
    "slow.service": (
        "Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 60",
        "is failed (timeout): it took longer than its time limit",
        "start operation timed out. Terminating.",
    ),
    "dog.service": (
        "Type=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 60'",
        "is failed (watchdog): it did not report to its watchdog in time", "Watchdog timeout (limit 1s)!",
    ),
    "pre.service": (
        "ExecStartPre=/bin/sh -c 'echo not today; exit 4'\nExecStart=/bin/true",
        "is failed (exit-code): exit status 4 of a command beside its main process", "not today",
    ),
    "envfile.service": (
        "EnvironmentFile=/etc/missing.env\nExecStart=/bin/true",
        "is failed (resources): systemd could not get what it takes to start it",
        "Failed to load environment files: No such file or directory",
    ),
    "needs.service": (
        "ExecStart=/bin/true\n[Unit]\nRequires=status.service\nAfter=status.service",
        "failed once (dependency): a unit that it needs did not start", "Dependency failed for needs.service",
    ),
    "data.mount": (
        "What=/dev/vdb\nWhere=/data\nType=ext4", "is failed (exit-code), /data is not mounted: exit status 32 of mount",
        "mount: /data: wrong fs type",
    ),
    r"srv-x\x2dy.mount": (
        ("What=/dev/disk/by-uuid/0f1e2d3c-1111-4000-8000-00000000abcd\nWhere=/srv/x-y\n"
        f"[Unit]\nRequires={NOBODY}\nAfter={NOBODY}"),
        "failed once (dependency), /srv/x-y was not mounted: a unit that it needs did not start", "Dependency failed",
    ),
}  # fmt: skip


def test_a_unit_of_each_kind_has_its_cause_and_its_last_lines(vm: Machine, agree: Agree) -> None:
    for name, (text, *_) in KINDS.items():
        section = name.rpartition(".")[2].capitalize()
        vm.run("tee", f"/etc/systemd/system/{name}", stdin=f"[{section}]\n{text}\n")
    vm.run("mkdir", f"/etc/systemd/system/{NOBODY}.d")
    vm.run("tee", f"/etc/systemd/system/{NOBODY}.d/time.conf", stdin="[Unit]\nJobTimeoutSec=1\n")
    vm.run("systemctl", "daemon-reload")
    # The machine boots without those of services, for an emulated one is slow.
    vm.run("systemctl", "service-watchdogs", "yes")
    # Each job is waited for; a service that starts, and fails afterwards, until it does.
    vm.run("systemctl", "start", "--", *KINDS, check=False, timeout=1700)
    for name in ("dog.service", "killed.service", "limit.service"):
        vm.run("timeout", "1600", "sh", "-c", f"until systemctl --quiet is-failed {name}; do sleep 0.2; done")
    vm.run("journalctl", "--sync")
    # A journalctl for each of them: long where everything is emulated.
    findings = answer(vm, *ERRORS)["findings"]
    right = 0
    for name, (_, title, line) in KINDS.items():
        (finding,) = [finding for finding in findings if finding["title"].startswith(f"{name} ")]
        assert finding["title"].startswith(f"{name} {title}")
        assert line in finding["evidence"]
        right += 1
    agree("kinds of failed units with their cause", right, len(KINDS))
    (device,) = [finding for finding in findings if finding["title"].startswith(NOBODY)]
    assert "/dev/disk/by-uuid/0f1e2d3c-1111-4000-8000-00000000abcd: it did not appear in time" in device["title"]
    only = answer(vm, *ERRORS, "--unit", "status")["findings"]
    assert [finding["title"].partition(":")[0] for finding in only if finding["id"] == "unit-failed"] == [
        "status.service is failed (exit-code)"
    ]


def test_what_the_oom_killer_killed(vm: Machine) -> None:
    eater = "x = [bytearray(1 << 20) for _ in range(4000)]"
    start(vm, "eater", "-p", "MemoryMax=30M", "-p", "MemorySwapMax=0", "python3", "-c", eater)
    body = answer(vm, *ERRORS)
    assert ("oom-kill", "python3 was killed once: out of memory (eater.service)") in ids(body)
    assert any(title.startswith("eater.service is failed (oom-kill): memory ran out") for _, title in ids(body))


def test_messages_that_journald_dropped(vm: Machine) -> None:
    limits = ("-p", "LogRateLimitIntervalSec=1s", "-p", "LogRateLimitBurst=10")
    # What was dropped is told with the first line after that second; once the unit has ended, its limits are no more.
    there = "until journalctl -q -u chatty -o cat | grep -qx more; do sleep 0.1; done"
    start(vm, "chatty", *limits, "sh", "-c", f"seq 500; sleep 2; echo more; {there}", check=True)
    body = answer(vm, *ERRORS)
    (lost,) = [loss for loss in body["result"]["messages_lost"] if loss["subject"] == "chatty.service"]
    assert lost["amount"] > 100
    assert any(kind == "messages-lost" and "of chatty.service" in title for kind, title in ids(body))


def test_who_may_read_it(vm: Machine) -> None:
    # Once journald has made a file for his own messages he reads that, and is told of the rest.
    lacking = opskit(vm, *ERRORS, check=False, user=USER)
    assert lacking.returncode == 6 or (lacking.returncode == 0 and "[not-seen]" in lacking.stderr + lacking.stdout)
    assert "systemd-journal" in lacking.stderr + lacking.stdout
    vm.run("usermod", "-aG", "systemd-journal", USER)
    vm.close_ssh()  # groups are those of the login
    whole = vm.run("opskit", *ERRORS, user=USER)
    assert whole.returncode == 0
    assert "[not-seen]" not in whole.stderr + whole.stdout


@pytest.mark.parametrize("words", [(), ("--since", "1h"), ("--unit", "app2")])
def test_follow_sees_what_comes(vm: Machine, words: tuple[str, ...]) -> None:
    with vm.start_command("opskit", *ERRORS[:2], "--follow", "--json", *words) as command:
        start(vm, "app2", "sh", "-c", "echo '<3>disk is gone 7' ")
        output = until(command, "disk is gone")
        command.terminate()
    bodies = [json.loads(line) for line in output.splitlines()[:-1] if line.startswith("{")]
    assert {body["schema"] for body in bodies} <= {1}
