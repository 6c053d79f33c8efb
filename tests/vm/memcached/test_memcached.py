"""memcached under systemd: `start --unit`, instances, daemons of a session, reboots, kills, and back."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tiers import Agree
from vm.guest import answer, opskit, read
from vmlab.machine import Machine

UNIT = "memcached.service"
DROP_IN = "/etc/systemd/system/memcached.service.d/opskit.conf"
SYSCONFIG = "/etc/sysconfig/memcached"
# That of CentOS 8 and later, without the hardening.
EL_UNIT = """[Unit]
Description=memcached daemon
[Service]
EnvironmentFile=/etc/sysconfig/memcached
ExecStart=/usr/bin/memcached -p ${PORT} -u ${USER} -m ${CACHESIZE} -c ${MAXCONN} $OPTIONS
[Install]
WantedBy=multi-user.target
"""
EL_SYSCONFIG = """# a comment stays
PORT="11211"
USER="memcache"
MAXCONN="1024"
CACHESIZE="64"
OPTIONS="-l 127.0.0.1"
"""


def line(vm: Machine) -> list[str]:
    """What the unit runs. systemd calls it started once Debian's wrapper is: that becomes memcached in a moment."""
    pid = vm.run("systemctl", "show", "-p", "MainPID", UNIT).stdout.strip().partition("=")[2]
    vm.run("sh", "-c", f"until [ /proc/{pid}/exe -ef /usr/bin/memcached ]; do sleep 0.1; done")
    return vm.run("cat", f"/proc/{pid}/cmdline").stdout.split("\0")[:-1]


def active(vm: Machine) -> str:
    return vm.run("systemctl", "is-active", UNIT, check=False).stdout.strip()


def put(vm: Machine, path: str, text: str) -> None:
    vm.run("sh", "-c", f"mkdir -p $(dirname {path}); cat > {path} <<'END'\n{text}END\n")


def test_a_drop_in_for_debians_unit_and_back(vm: Machine) -> None:
    vm.run("systemctl", "start", UNIT)
    before = line(vm)
    envelope = answer(vm, "memcached", "lint", "--unit", "memcached")
    assert not [finding for finding in envelope["findings"] if finding["severity"] in {"error", "critical"}], envelope
    started = answer(vm, "memcached", "start", "-m", "96", "--unit", "--yes")
    assert started["ok"], started
    assert "ExecStart=/usr/bin/memcached" in read(vm, DROP_IN)
    assert {"-m", "96"} <= set(line(vm))
    shown = instances(vm)
    assert [(instance["unit"], instance["limit_bytes"], instance["answered"]) for instance in shown] == [
        (UNIT, 96 << 20, True)
    ]
    again = answer(vm, "memcached", "start", "-m", "96", "--unit", "--yes")
    assert again["result"]["changed"] is False
    # By its port systemd would only start it again.
    refused = answer(vm, "memcached", "stop", "--port", "11211", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "belongs-to-unit")
    # A unit of another program is none of ours.
    other = answer(vm, "memcached", "stop", "--unit", "systemd-journald", "--yes")
    assert (other["status"], other["findings"][0]["id"]) == (5, "not-memcached")
    changes = answer(vm, "undo", "last", "--dry-run")["result"]["changes"]
    assert [change["after"] for change in changes if "starts anew" in change["after"]] == [
        f"absent; {UNIT} starts anew: what it holds now is gone"
    ]
    opskit(vm, "undo", "last", "--yes")
    assert line(vm) == before
    assert vm.run("test", "-e", DROP_IN, check=False).returncode == 1


def test_the_sysconfig_file_of_the_el_family_and_back(vm: Machine) -> None:
    vm.run("systemctl", "stop", UNIT)
    put(vm, f"/etc/systemd/system/{UNIT}", EL_UNIT)
    put(vm, SYSCONFIG, EL_SYSCONFIG)
    vm.run("systemctl", "daemon-reload")
    started = answer(vm, "memcached", "start", "-p", "12000", "-m", "64", "-c", "512", "--unit", "--yes")
    assert started["ok"], started
    text = read(vm, SYSCONFIG)
    assert text.splitlines()[:3] == ["# a comment stays", 'PORT="12000"', 'USER="memcache"']
    assert 'MAXCONN="512"' in text
    assert (active(vm), line(vm)[:3]) == ("active", ["/usr/bin/memcached", "-p", "12000"])
    assert vm.run("sh", "-c", f"cat {SYSCONFIG}.opskit-*").stdout == EL_SYSCONFIG
    stopped = answer(vm, "memcached", "stop", "--unit", "memcached", "--yes")
    assert (stopped["ok"], active(vm)) == (True, "inactive")
    opskit(vm, "undo", "last", "--yes")
    assert active(vm) == "active"
    runs = json.loads(opskit(vm, "history", "--json").stdout)["result"]["runs"]
    first = next(run["id"] for run in runs if run["title"].startswith(f"start {UNIT}"))
    opskit(vm, "undo", first, "--yes")
    assert (active(vm), read(vm, SYSCONFIG)) == ("inactive", EL_SYSCONFIG)


INSTANCE = "memcached@12000.service"
# More than it may have.
STORE = """
import socket
client = socket.create_connection(("127.0.0.1", 12000))
for number in range(100):
    client.sendall(b"set k%d 0 0 500000\\r\\n%b\\r\\n" % (number, b"x" * 500000))
    if not client.recv(100):
        break
"""


def state(vm: Machine, unit: str, *names: str) -> list[str]:
    """Properties of a unit, in the order of their names as they are given."""
    stdout = vm.run("systemctl", "show", "-p", ",".join(names), unit).stdout
    values = dict(text.split("=", 1) for text in stdout.splitlines())
    return [values[name] for name in names]


def instances(vm: Machine) -> list[dict[str, Any]]:
    """Those that status shows; the machine may be slow."""
    shown: list[dict[str, Any]] = answer(vm, "memcached", "status", "--timeout", "1min")["result"]["instances"]
    return shown


def until(vm: Machine, condition: str) -> None:
    vm.run("timeout", "1600", "sh", "-c", f"until {condition}; do sleep 0.1; done")


def files(vm: Machine) -> list[str]:
    """What opskit makes for instances."""
    text = vm.run(
        "sh", "-c", "find /etc/systemd /etc/default -name '*memcached*' | grep -v 'default/memcached$' || :"
    ).stdout
    return [path for path in text.split() if "multi-user.target.wants/memcached.service" not in path]


def test_an_instance_is_made_survives_and_is_taken_back(vm: Machine) -> None:
    """It starts at boot; a kill by the kernel and one too many are seen; an undo leaves nothing."""
    before = files(vm)
    start = ("memcached", "start", "-m", "64", "--unit", "memcached@12000", "--yes")
    done = answer(vm, *start)
    assert done["ok"], done
    assert state(vm, INSTANCE, "ActiveState", "UnitFileState", "PrivateTmp") == ["active", "enabled", "yes"]
    first = json.loads(opskit(vm, "history", "--json").stdout)["result"]["runs"][0]["id"]
    shown = {instance["unit"]: instance for instance in instances(vm)}
    assert shown[INSTANCE]["listeners"] == ["tcp 127.0.0.1:12000"]
    assert answer(vm, *start)["result"]["changed"] is False
    lint = answer(vm, "memcached", "lint", "--unit", "memcached@12000")
    assert [finding["severity"] for finding in lint["findings"] if finding["severity"] in {"error", "critical"}] == []
    # What wants it starts it: a boot.
    vm.run("systemctl", "stop", INSTANCE)
    vm.run("systemctl", "start", "multi-user.target")
    until(vm, f"systemctl is-active -q {INSTANCE}")
    # Killed for its memory, it is started again; too often, it has failed, and status says so.
    (pid,) = state(vm, INSTANCE, "MainPID")
    vm.run("systemctl", "set-property", "--runtime", INSTANCE, "MemoryMax=4M", "MemorySwapMax=0")
    vm.run("python3", "-c", STORE, check=False)
    until(vm, f'[ "$(systemctl show -p MainPID --value {INSTANCE})" != {pid} ]')
    assert "oom-kill" in vm.run("journalctl", "-u", INSTANCE, "-o", "cat").stdout
    put(vm, f"/run/systemd/system/{INSTANCE}.d/limit.conf", "[Unit]\nStartLimitIntervalSec=1d\n")
    vm.run("systemctl", "daemon-reload")
    failed = f"systemctl is-failed -q {INSTANCE}"
    until(vm, f"{failed} || ( systemctl kill -s KILL {INSTANCE} 2>/dev/null && {failed} )")
    (envelope,) = (
        finding for finding in answer(vm, "memcached", "status")["findings"] if finding["id"] == "unit-failed"
    )
    assert (INSTANCE in envelope["title"], envelope["evidence"]) == (True, "signal")
    # That -m does not fit, lint knows; a start does it once more, where systemd alone would refuse that for its number.
    lint = answer(vm, "memcached", "lint", "--unit", "memcached@12000")
    assert [finding["id"] for finding in lint["findings"] if finding["severity"] == "error"] == ["memory-over-cgroup"]
    refused = answer(vm, *start)
    assert (refused["status"], [finding["id"] for finding in refused["findings"]]) == (5, ["memory-over-cgroup"])
    vm.run("systemctl", "set-property", "--runtime", INSTANCE, "MemoryMax=1G")
    assert vm.run("systemctl", "start", INSTANCE, check=False).returncode == 1
    assert answer(vm, *start)["result"]["changed"] is True
    assert state(vm, INSTANCE, "ActiveState") == ["active"]
    # A second instance needs the template: the undo of the first leaves it that.
    assert answer(vm, "memcached", "start", "--unit", "memcached@12001", "--no-enable", "--yes")["ok"]
    assert state(vm, "memcached@12001.service", "ActiveState", "UnitFileState") == ["active", "disabled"]
    assert answer(vm, "undo", "last", "--yes")["ok"]
    opskit(vm, "undo", first, "--yes")
    assert files(vm) == before
    assert state(vm, INSTANCE, "ActiveState", "LoadState") == ["inactive", "not-found"]


def test_a_daemon_of_a_session_is_not_that_units(vm: Machine) -> None:
    """One that was started by ssh is in ssh's control group; it is stopped by its pid, and ssh goes on."""
    vm.run("memcached", "-u", "memcache", "-l", "127.0.0.1", "-p", "12005", "-d")
    until(vm, "ss -Hltn | grep -q :12005")
    (mine,) = (instance for instance in instances(vm) if instance["listeners"] == ["tcp 127.0.0.1:12005"])
    assert mine["unit"] is None, read(vm, f"/proc/{mine['pid']}/cgroup")
    refused = answer(vm, "memcached", "stop", "--unit", "ssh", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "not-memcached")
    stopped = answer(vm, "memcached", "stop", "--port", "12005", "--yes")
    assert (stopped["ok"], active_of(vm, "ssh.service")) == (True, "active")
    # What opskit starts outlives the unit that it was typed in.
    vm.run("systemd-run", "--wait", "--unit", "lab-typed", "opskit", "memcached", "start", "-p", "12006", "--yes")
    assert [
        finding["id"] for finding in answer(vm, "memcached", "stop", "--port", "12006", "--dry-run")["findings"]
    ] == []
    (mine,) = (instance for instance in instances(vm) if instance["listeners"] == ["tcp 127.0.0.1:12006"])
    assert ".scope" in read(vm, f"/proc/{mine['pid']}/cgroup")
    assert answer(vm, "memcached", "stop", "--port", "12006", "--yes")["result"]["changed"] is True


def active_of(vm: Machine, unit: str) -> str:
    return vm.run("systemctl", "is-active", unit, check=False).stdout.strip()


def test_a_drop_in_that_comes_later_and_names_that_are_none(vm: Machine) -> None:
    vm.run("systemctl", "start", UNIT)
    before = line(vm)
    put(
        vm, f"/etc/systemd/system/{UNIT}.d/zz.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/memcached -u memcache\n"
    )
    refused = answer(vm, "memcached", "start", "--unit", "-m", "96", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "unit-overridden")
    assert "zz.conf" in refused["findings"][0]["title"]
    assert line(vm) == before
    for name in ("-q", "a/b"):
        assert opskit(vm, "memcached", "stop", f"--unit={name}", "--yes", check=False).returncode == 2
    vm.run("sh", "-c", f"cd /etc/systemd/system && mkdir service.d && mv {UNIT}.d/zz.conf service.d/zz.conf")
    again = answer(vm, "memcached", "start", "--unit", "-m", "96", "--yes")
    assert again["findings"][0]["title"].startswith("/etc/systemd/system/service.d/zz.conf has another ExecStart=")
    vm.run("systemctl", "mask", "--now", UNIT)
    vm.run("rm", "/etc/systemd/system/service.d/zz.conf")
    masked = answer(vm, "memcached", "start", "--unit", "-m", "96", "--yes")
    assert (masked["status"], masked["findings"][0]["id"]) == (5, "unit-masked")


# Drop-ins of a unit by systemd 252: by its name, its template, what is before a dash, and for all services.
PLACES = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
DROPPED = ("my-cache.service", "my-cache@.service", "my-cache@a-b.service", "my--.service", "my-x-y.service")
DIRECTORIES = ("my-.service", "my-@a-b.service", "my-@.service", "my--.service", "my-x-.service", "service")
MAKE_UNITS = """
import json, os, sys
for path in json.load(sys.stdin):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write("[Service]\\nExecStart=/bin/true\\n" if path.endswith(".service") else "[Service]\\n")
"""
SEE_UNITS = "import sys; from opskit.core.unit_files import unit_files; print([unit_files(u) for u in sys.argv[1:]])"


def test_the_drop_ins_of_a_unit_are_those_of_systemd(vm: Machine, agree: Agree) -> None:
    random = Random(5)
    paths = {f"/usr/lib/systemd/system/{unit}" for unit in DROPPED}
    for _ in range(60):
        folder = random.choice((*DROPPED, *DIRECTORIES))
        paths.add(f"{random.choice(PLACES)}/{folder}.d/{random.choice('abcdefgh')}.conf")
    vm.run("python3", "-c", MAKE_UNITS, stdin=json.dumps(sorted(paths)))
    vm.run("systemctl", "daemon-reload")
    vm.run("systemctl", "set-property", "--runtime", "my-x-y.service", "MemoryMax=1G")
    units = ("my-cache.service", "my-cache@a-b.service", "my-cache@c.service", "my--.service", "my-x-y.service")
    shown = vm.run("systemctl", "show", "-p", "DropInPaths", "--value", *units).stdout.split("\n\n")
    seen = json.loads(vm.run("/opt/opskit/bin/python", "-c", SEE_UNITS, *units).stdout.replace("'", '"'))
    same = [text.split() == files[1:] for text, files in zip(shown, seen)]
    print(shown, seen)
    assert min(map(len, seen)) > 5
    agree("units with their drop-ins", sum(same), len(units))
