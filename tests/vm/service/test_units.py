"""`opskit service` on a booted host: a real unit for each way to fail, its state, its cause, and what ensure does."""

from __future__ import annotations

from typing import NamedTuple

from tiers import Agree
from vm.guest import each
from vmlab.machine import Machine

PORT = 12055
EATER = "x = [bytearray(1 << 20) for _ in range(4000)]"
# A daemon that leaves the pid file of an earlier run as it is.
STALE = "/bin/sh -c 'sleep 600 & echo 999999 > /run/stale.pid'"
LISTEN = f'import socket, time; s = socket.create_server(("127.0.0.1", {PORT})); time.sleep(600)'


class Way(NamedTuple):
    """A way to fail.

    text: the unit
    state: as `service status` has it
    cause: the id of the first finding of `service why`, and a part of its title
    ensure: the exit code of `service ensure --yes`: 8 is tried once and stopped, 5 is refused
    """

    text: str
    state: str
    cause: tuple[str, str]
    ensure: int


WAYS = {
    "exits": Way("ExecStart=/bin/sh -c 'echo no license; exit 3'", "failed", ("ended", "exit status 3"), 8),
    "killed": Way("ExecStart=/bin/sh -c 'kill -9 $$$$'", "failed", ("ended", "was killed by SIGKILL"), 8),
    "crashed": Way("LimitCORE=0\nExecStart=/bin/sh -c 'kill -SEGV $$$$'", "failed", ("ended", "SIGSEGV"), 8),
    "eater": Way(
        f"MemoryMax=30M\nMemorySwapMax=0\nExecStart=/usr/bin/python3 -c '{EATER}'",
        "failed", ("out-of-memory", "memory ran out"), 8,
    ),
    "absent": Way(
        "ExecStart=/opt/app/absent", "failed",
        ("cannot-execute", "/opt/app/absent cannot be executed: there is no such file"), 8,
    ),
    "nouser": Way("User=nobodyhere\nExecStart=/bin/true", "failed", ("ended", "217/USER"), 8),
    "limit": Way(
        "Restart=on-failure\nRestartSec=50ms\nExecStart=/bin/sh -c 'echo cannot bind; exit 7'\n[Unit]\n"
        "StartLimitBurst=2\nStartLimitIntervalSec=600",
        "failed", ("ended", "exit status 7"), 8,
    ),
    "slow": Way(
        "Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 600", "failed", ("time-limit", "(Type=notify)"), 8
    ),
    "dog": Way(
        "Type=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; sleep 600'",
        "failed", ("time-limit", "watchdog"), 8,
    ),
    "pre": Way(
        "ExecStartPre=/bin/sh -c 'echo not today; exit 4'\nExecStart=/bin/sleep 600", "failed",
        ("ended", "its ExecStartPre=/bin/sh ended with exit status 4"), 8,
    ),
    "stale": Way(
        f"Type=forking\nPIDFile=/run/stale.pid\nTimeoutStartSec=1\nExecStart={STALE}", "failed",
        ("pid-file", "pid 999999 is gone"), 8,
    ),
    "needs": Way(
        "ExecStart=/bin/sleep 600\n[Unit]\nRequires=exits-once.service\nAfter=exits-once.service", "stopped",
        ("dependency-failed", "it requires exits-once.service, and that has failed (exit-code)"), 8,
    ),
    "unmet": Way(
        "ExecStart=/bin/sleep 600\n[Unit]\nConditionPathExists=/opt/app/absent", "stopped",
        ("condition-unmet", "a condition of unmet.service does not hold"), 8,
    ),
    "never": Way("ExecStart=/bin/sleep 600", "stopped", ("never-started", "no start of never.service is known"), 0),
    "file": Way(
        # journald may lose whose line it is when its process has ended before it is read.
        "ExecStart=/bin/sh -c 'cat /etc/app/absent.conf || { journalctl --sync; exit 1; }'", "failed",
        ("file-missing", "/etc/app/absent.conf is not there, and its log names it"), 8,
    ),
    "port": Way(f"ExecStart=/usr/bin/python3 -c '{LISTEN}'", "failed", ("port-taken", "is taken"), 8),
    "again": Way("Restart=always\nRestartSec=600\nExecStart=/bin/false", "starting", ("ended", "exit status 1"), 5),
    "masked": Way("ExecStart=/bin/sleep 600", "stopped", ("masked", "masked.service is masked"), 5),
    "lives": Way("ExecStart=/bin/sleep 600", "running", ("", ""), 0),
}  # fmt: skip
HELPERS = {
    "exits-once": "Type=oneshot\nExecStart=/bin/false",
    "holder": f"Type=exec\nExecStart=/usr/bin/python3 -c '{LISTEN}'",
}
# How systemd has a unit that came to its state; the others are started to their end.
SUB = {"failed": "failed", "starting": "auto-restart"}
# Started again in the test: those that end at once, and those that are refused. Each has so long to live.
ENSURED = {
    **dict.fromkeys(("exits", "eater", "absent", "unmet", "again", "masked", "lives"), "60s"),
    "never": "100ms",
}
POLICY = ("service", "ensure", "--yes", "--json", "--restart-policy", "--for")


def make(vm: Machine) -> None:
    """Every unit, started once but for one, and in the state that it comes to."""
    units = {**{name: way.text for name, way in WAYS.items()}, **HELPERS}
    text = "".join(f"cat > /etc/systemd/system/{name}.service <<'end'\n[Service]\n{body}\nend\n"
                   for name, body in units.items() if name != "masked")  # fmt: skip
    waited = {name: SUB[way.state] for name, way in WAYS.items() if way.state in SUB}
    waits = "\n".join(
        f"until systemctl show -p SubState {name} | grep -qx SubState={sub}; do sleep 0.1; done"
        for name, sub in waited.items()
    )
    script = f"""
{text}
ln -s /dev/null /etc/systemd/system/masked.service
systemctl daemon-reload
systemctl service-watchdogs yes
systemctl start holder
until ss -ltn | grep -q :{PORT}; do sleep 0.1; done
systemctl start --no-block {" ".join(waited)}
systemctl start needs unmet lives
{waits}
journalctl --sync
"""
    # Long where everything is emulated.
    vm.run("timeout", "1600", "sh", "-uc", script, timeout=1700)


def test_each_way_to_fail_is_told_right_and_is_started_once(vm: Machine, agree: Agree) -> None:
    make(vm)
    commands = [
        ("service", "status", "--json", *WAYS),
        *(("service", "why", "--json", name) for name in WAYS),
        *(("service", "ensure", name, "--yes", "--for", lives, "--json") for name, lives in ENSURED.items()),
    ]
    status, *answers = each(vm, commands)
    states = {service["name"]: service["state"] for service in status.json["result"]["services"]}
    assert states == {name: way.state for name, way in WAYS.items()}
    agree("states of units", len(states), len(WAYS))
    causes = dict(zip(WAYS, answers))
    seen = {}
    for name, way in WAYS.items():
        found = causes[name].json["findings"]
        right = bool(found) == bool(way.cause[0]) and (not found or way.cause[1] in found[0]["title"])
        seen[name] = (found[0]["id"] if found else "", causes[name].status, "" if right else found)
    assert seen == {name: (way.cause[0], 0 if name == "lives" else 4, "") for name, way in WAYS.items()}
    agree("causes of units that failed", len(seen), len(WAYS))
    port = causes["port"].json["findings"][0]["title"]
    assert f"port {PORT} (tcp) is taken: pid " in port
    assert "(python3) listens on it" in port
    ensured = dict(zip(ENSURED, answers[len(WAYS) :]))
    assert {name: answer.status for name, answer in ensured.items()} == {name: WAYS[name].ensure for name in ENSURED}
    agree("units started once, or left alone", len(ensured), len(ENSURED))
    for name in ("eater", "absent"):
        assert WAYS[name].cause[1] in ensured[name].json["error"]["why"]


def test_a_restart_policy_is_systemds_and_goes_with_an_undo(vm: Machine) -> None:
    fails = "Type=simple\nExecStart=/bin/false"
    for name, text in (("stays", WAYS["lives"].text), ("fails", fails)):
        vm.run("tee", f"/etc/systemd/system/{name}.service", stdin=f"[Service]\n{text}\n")
    vm.run("systemctl", "daemon-reload")
    words = (*POLICY, "100ms", "stays")
    done, again, failed = each(vm, [words, words, (*POLICY, "60s", "fails")])
    assert (done.status, again.status, failed.status) == (0, 0, 8), failed.out
    assert not again.json["result"]["changed"]
    show = ("systemctl", "show", "-p", "Restart,StartLimitBurst,SubState")
    assert set(vm.run(*show, "stays").stdout.split()) == {"Restart=on-failure", "StartLimitBurst=5", "SubState=running"}
    # Taken back whole: no file, and nothing that systemd would start again.
    assert vm.run("ls", "/etc/systemd/system/fails.service.d", check=False).returncode
    assert {"Restart=no"} < set(vm.run(*show, "fails").stdout.split())
    assert "auto-restart" not in vm.run(*show, "fails").stdout
    (undone,) = each(vm, [("undo", done.json["result"]["run"], "--yes")])
    assert undone.status == 0, undone.err
    assert {"Restart=no", "SubState=dead"} < set(vm.run(*show, "stays").stdout.split())
    assert vm.run("ls", "/etc/systemd/system/stays.service.d", check=False).returncode
