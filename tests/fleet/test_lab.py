"""The lab itself: each host is its own, dies and boots alone, and nothing of it outlives its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from fleet.conftest import NewLab
from fleetlab.disks import attached
from fleetlab.lab import Lab
from fleetlab.users import PASSWORD
from host.tools import until


@pytest.fixture(scope="module")
def lab(new_lab: NewLab) -> Lab:
    return new_lab(3)


def ssh(lab: Lab, name: str, *words: str, user: str = "root", text: str = "") -> subprocess.CompletedProcess[str]:
    argv = [*lab.ssh(name, user), *words]
    return subprocess.run(argv, input=text, capture_output=True, text=True, check=False, timeout=300)


def test_each_host_has_a_name_processes_and_a_disk_of_its_own(lab: Lab) -> None:
    for name, host in lab.hosts.items():
        assert ssh(lab, name, "hostname").stdout == f"{name}\n"
        assert ssh(lab, name, "readlink /dev/vdb; ls /sys/class/block").stdout.split() == [Path(host.disk).name] * 2
        assert ssh(lab, name, "ls -d /proc/[1-9]*").stdout.split()[0] == "/proc/1"
        assert ssh(lab, name, "cat /proc/[1-9]*/cmdline").stdout.count("fleetlab.keeper") == 1
    ids = {ssh(lab, name, "cat /etc/machine-id").stdout for name in lab.hosts}
    assert len(ids) == 3
    lab.run("host01", "touch", "/etc/only-here", "/var/only-here")
    assert lab.run("host02", "ls", "/etc/only-here", "/var/only-here", check=False).returncode
    assert not Path("/etc/only-here").exists()
    # Where the checkout is on another filesystem, a host sees that by a mount more.
    mark = Path(sys.prefix, "only-here")
    lab.run("host01", "touch", str(mark))
    assert not mark.exists()


def test_who_may_become_root(lab: Lab) -> None:
    sudo = ("sudo", "-S", "-p", "''", "id", "-u")
    assert ssh(lab, "host01", *sudo, user="ops").stdout == "0\n"
    assert ssh(lab, "host01", *sudo, user="asked", text=f"{PASSWORD}\n").stdout == "0\n"
    assert ssh(lab, "host01", *sudo, user="asked", text="another\n").returncode
    assert ssh(lab, "host01", *sudo, user="guest", text=f"{PASSWORD}\n").returncode


def test_the_key_of_a_host_is_checked(lab: Lab) -> None:
    known = lab.folder / "known_hosts"
    text = known.read_text()
    keys = [line.split()[-2] for line in text.splitlines()]
    try:
        known.write_text(text.replace(keys[0], keys[1]))
        done = ssh(lab, "host01", "id")
        assert (done.returncode, "Host key verification failed" in done.stderr) == (255, True), done
    finally:
        known.write_text(text)


def test_opskit_puts_the_disk_into_service(lab: Lab) -> None:
    dry = json.loads(ssh(lab, "host01", "opskit disk mount /dev/vdb /data --dry-run --json").stdout)
    words = f"opskit disk mount /dev/vdb /data --yes --json --only-plan {dry['result']['plan']['token']}"
    done = ssh(lab, "host01", words)
    assert done.returncode == 0, done
    host = lab.hosts["host01"]
    assert ssh(lab, "host01", "findmnt -no SOURCE /data").stdout == f"{host.disk}p1\n"
    assert ssh(lab, "host01", "readlink -f /dev/vdb1").stdout == f"{host.disk}p1\n"
    assert "put /dev/vdb into service" in ssh(lab, "host01", "opskit history").stdout
    # Nothing of it is to be seen from elsewhere.
    assert "/data" not in Path("/proc/self/mounts").read_text()


def test_a_host_that_is_killed_boots_again_as_it_was(lab: Lab) -> None:
    lab.run("host02", "sh", "-c", "echo kept >/etc/mark")
    lab.kill("host02")
    done = ssh(lab, "host02", "id")
    assert (done.returncode, "Connection refused" in done.stderr) == (255, True), done
    assert ssh(lab, "host03", "hostname").returncode == 0
    lab.boot("host02")
    assert ssh(lab, "host02", "cat", "/etc/mark").stdout == "kept\n"


def test_another_disk_is_behind_the_name(lab: Lab) -> None:
    before = lab.hosts["host03"].image
    assert before in ssh(lab, "host03", "opskit disk mount /dev/vdb /data --dry-run --json").stdout
    lab.plug("host03", lab.blank("another", 80))
    after = ssh(lab, "host03", "opskit disk mount /dev/vdb /data --dry-run --json").stdout
    assert "another.img" in after
    assert before not in after
    lab.plug("host03", "")
    assert ssh(lab, "host03", "ls /dev/vdb").returncode


def test_nothing_outlives_the_process_that_began_it(new_lab: NewLab, tmp_path: Path) -> None:  # noqa: ARG001 - it skips
    folder = tmp_path / "l"
    program = f"""
import sys
from pathlib import Path
from fleetlab.lab import Lab
lab = Lab.up(Path({str(folder)!r}), 2, 8)
print(*(host.pid for host in lab.hosts.values()), flush=True)
sys.stdin.read()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        assert parent.stdout
        pids = parent.stdout.readline().split()
        assert len(pids) == 2
        assert len(attached(folder)) == 2
        parent.kill()
    until(lambda: not any(Path("/proc", pid).exists() for pid in pids))
    until(lambda: not attached(folder))
