"""memcached under systemd: `opskit memcached start --unit` on Debian's unit and on one of the EL family, and back."""

from __future__ import annotations

import json

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
    found = answer(vm, "memcached", "lint", "--unit", "memcached")
    assert not [one for one in found["findings"] if one["severity"] in {"error", "critical"}], found
    started = answer(vm, "memcached", "start", "-m", "96", "--unit", "--yes")
    assert started["ok"], started
    assert "ExecStart=/usr/bin/memcached" in read(vm, DROP_IN)
    assert {"-m", "96"} <= set(line(vm))
    shown = answer(vm, "memcached", "status")["result"]["instances"]
    assert [(one["unit"], one["limit_bytes"], one["answered"]) for one in shown] == [(UNIT, 96 << 20, True)]
    again = answer(vm, "memcached", "start", "-m", "96", "--unit", "--yes")
    assert again["result"]["changed"] is False
    # By its port systemd would only start it again.
    refused = answer(vm, "memcached", "stop", "--port", "11211", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "belongs-to-unit")
    # A unit of another program is none of ours.
    other = answer(vm, "memcached", "stop", "--unit", "systemd-journald", "--yes")
    assert (other["status"], other["findings"][0]["id"]) == (5, "not-memcached")
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
