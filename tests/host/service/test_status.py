"""`opskit service status` of the host: init scripts in a place of the test's own, processes by name, odd names."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host, Namespace
from host.tools import Answer

# Python may be installed where only root can read: that one capability is left.
READS = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *READS)

WAIT = 300.0
SCRIPT = """\
#!/bin/sh
DAEMON={daemon}
PIDFILE={folder}/w.pid
[ -f $PIDFILE ] && kill -0 $(cat $PIDFILE) 2>/dev/null
"""


class Service:
    """An init script, the program that it starts (its name is the test's), and its pid file."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.name = f"w{os.getpid()}"
        self.daemon = folder / f"{self.name}d"
        self.daemon.write_text("#!/bin/sh\nwhile :; do sleep 100000; done\n")
        self.daemon.chmod(0o755)
        scripts = folder / "init.d"
        scripts.mkdir()
        (scripts / self.name).write_text(SCRIPT.format(daemon=self.daemon, folder=folder))
        (scripts / self.name).chmod(0o755)
        self.inside: Namespace = host.namespace(f"mkdir -p /etc/init.d; mount --bind {scripts} /etc/init.d")
        self.pid_file = folder / "w.pid"

    def start(self) -> subprocess.Popen[Any]:
        process = self.host.start(str(self.daemon), start_new_session=True, stdin=subprocess.DEVNULL)
        self.pid_file.write_text(f"{process.pid}\n")
        return process

    def ask(self, *words: str, inside: bool = True) -> Answer:
        return self.host.run("service", "status", "--json", *words, inside=self.inside if inside else None)

    def state(self, *words: str) -> tuple[int, str, list[str]]:
        answer = self.ask(*(words or (self.name,)))
        (service,) = answer.json["result"]["services"]
        return answer.code, service["state"], answer.ids


@pytest.fixture
def service(host: Host, tmp_path: Path) -> Service:
    return Service(host, tmp_path)


def wait_for_state(pid: int, state: str) -> None:
    """Nothing tells of it."""
    until = time.monotonic() + WAIT
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != state:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_an_init_script_of_the_host(service: Service) -> None:
    assert service.ask(service.name, inside=False).code == 1
    # `exit 1` without a pid file: what the script says is not what it means, and nothing is there.
    assert service.state() == (4, "stopped", ["not-running"])
    process = service.start()
    wait_for_state(process.pid, "S")
    assert service.state() == (0, "running", [])
    both = service.ask(service.name, service.daemon.name, "nothing-of-this-name")
    assert (both.code, both.json["ok"]) == (1, False)
    assert [each["kind"] for each in both.json["result"]["services"]] == ["script", "process"]
    os.kill(process.pid, signal.SIGSTOP)
    wait_for_state(process.pid, "T")
    assert service.state() == (4, "not-answering", ["not-answering"])
    os.killpg(process.pid, signal.SIGKILL)
    wait_for_state(process.pid, "Z")  # this test has not reaped it
    assert service.state() == (4, "dead-pid-file", ["not-running", "script-lies", "zombie"])
    assert service.state(service.daemon.name) == (4, "stopped", ["not-running", "zombie"])
    process.wait()
    assert service.state() == (4, "dead-pid-file", ["not-running"])
    # Ourselves: an older process, and another program.
    service.pid_file.write_text(str(os.getpid()))
    assert service.state() == (4, "dead-pid-file", ["not-running", "script-lies"])
    os.utime(service.pid_file, (1, 1))
    answer = service.ask(service.name)
    assert "started after the file was written" in answer.json["result"]["services"][0]["why"]


def test_a_script_that_others_may_change_is_not_run_by_root(service: Service) -> None:
    ran = service.folder / "ran"
    script = service.folder / "init.d" / service.name
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o777)
    answer = service.ask(service.name)
    assert answer.code == 4
    assert "others than root can change" in answer.json["result"]["services"][0]["evidence"][0]["says"]
    assert not ran.exists()


def test_a_script_that_may_not_be_executed(service: Service) -> None:
    script = service.folder / "init.d" / service.name
    script.chmod(0o644)
    answer = service.ask(service.name)
    assert answer.code == 1, answer
    error = answer.json["error"]
    assert error["why"] == f"/etc/init.d/{service.name} is there, and may not be executed"
    assert error["todo"] == f"chmod +x /etc/init.d/{service.name}"
    ensured = service.host.run("service", "ensure", service.name, "--yes", inside=service.inside)
    assert ensured.code == 1, ensured
    assert f"chmod +x /etc/init.d/{service.name}" in ensured.err
    # Many have a script switched off that way, and something else runs the service.
    process = service.start()
    code, state, _ = service.state(f"{service.name}d")
    assert (code, state) == (0, "running")
    script.rename(script.with_name(f"{service.name}d"))
    assert service.state(f"{service.name}d")[:2] == (0, "running")
    assert process.poll() is None


def test_a_pid_file_that_is_no_file(service: Service) -> None:
    os.mkfifo(service.pid_file)
    assert service.state() == (4, "stopped", ["not-running"])
    service.pid_file.unlink()
    for text in ("", "-1", "99999999999999999999", "x\0y", "\udcff"):
        service.pid_file.write_bytes(os.fsencode(text))
        code, state, _ids = service.state()
        assert (code, state) == (4, "dead-pid-file"), text


@pytest.mark.parametrize("name", ["", "-x", "a/b", "..", "--", "/etc/init.d/w"])
def test_what_is_no_name(host: Host, name: str) -> None:
    assert host.run("service", "status", "--", name).code == 2


def test_names_that_can_hold_anything(host: Host) -> None:
    for name in ("a b", "a\nb", "\udcff", "*", "[x]", "$(touch x)", "é", "a" * 300):
        answer = host.run("service", "status", "--json", "--", name)
        assert answer.code == 1, name
        assert answer.json["error"]["what"] == name


def test_a_process_that_hidepid_hides_is_neither_alive_nor_dead(service: Service) -> None:
    process = service.start()
    wait_for_state(process.pid, "S")
    # Since Linux 5.8 each mount of /proc has its own; before, it would be that of the whole machine.
    if tuple(map(int, os.uname().release.split(".")[:2])) < (5, 8):
        pytest.skip("hidepid of one mount takes Linux 5.8")
    hidden = service.host.namespace(
        f"mkdir -p /etc/init.d; mount --bind {service.folder}/init.d /etc/init.d; mount -t proc -o hidepid=2 none /proc"
    )
    words = ("service", "status", "--json", service.name)
    answer = service.host.run(*words, inside=hidden, under=AS_NOBODY)
    (each,) = answer.json["result"]["services"]
    assert (answer.code, each["state"]) == (4, "unknown")
    assert "may not be looked at by this user" in each["why"]
    # root sees it there, too.
    assert service.host.run(*words, inside=hidden).code == 0
