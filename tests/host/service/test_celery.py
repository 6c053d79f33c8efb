"""`opskit service status --celery` with real workers and a real Redis, on the host and in a container."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host, Namespace
from host.service.engine import HOST_PROGRAMS, Podman, missing
from host.service.test_status import wait_for_state
from host.service.test_status_in_containers import wait_until
from host.tools import ENVIRONMENT, Answer, run
from opskit.service.celery import node_name
from opskit.service.model import Process
from tiers import Agree

pytestmark = pytest.mark.slow
USER = 65534
# Who asks is the worker's user, in its folder and with its environment: any other cannot import this.
APP = f"""\
import os
from celery import Celery
assert os.getuid() == {USER} and os.environ["SECRET"] == "no shell's $business"
print("an app can print anything")
app = Celery("proj", broker=os.environ["BROKER"])
"""
SCRIPT = """\
#!/bin/sh
DAEMON=celery
PIDFILE={place}/%n.pid
exit 0
"""
AS_USER = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--")


@pytest.fixture
def place() -> Path:
    for name in ("celery", "redis-server"):
        if not shutil.which(name, path=ENVIRONMENT["PATH"]):
            pytest.skip(f"{name}: not on this machine")
    place = Path(f"/tmp/celery{os.getpid()}")  # where any user can look
    place.mkdir(mode=0o755)
    (place / "proj.py").write_text(APP)
    os.chown(place, USER, USER)
    return place


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


class Workers:
    """Two workers of the host, their broker, and an init script that always says yes."""

    def __init__(self, host: Host, place: Path) -> None:
        self.host, self.place, self.name = host, place, f"c{os.getpid()}"
        port = free_port()
        words = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place))
        self.broker = host.start("redis-server", *words, stdin=-3, stdout=-3)
        wait_until(lambda: run("redis-cli", "-p", str(port), "ping", check=False).returncode == 0)
        self.environment = {**ENVIRONMENT, "BROKER": f"redis://127.0.0.1:{port}/0", "SECRET": "no shell's $business"}
        for name in ("one", "two"):
            self.start(name)
        wait_until(lambda: all("ready" in (place / f"{name}.log").read_text() for name in ("one", "two")))
        scripts = place / "init.d"
        scripts.mkdir()
        (scripts / self.name).write_text(SCRIPT.format(place=place))
        (scripts / self.name).chmod(0o755)
        self.inside: Namespace = host.namespace(f"mkdir -p /etc/init.d; mount --bind {scripts} /etc/init.d")

    def start(self, name: str) -> None:
        words = ("worker", "-l", "INFO", "-c", "1", "-n", f"{name}@%h", "--pidfile", f"{self.place}/{name}.pid")
        with (self.place / f"{name}.log").open("w") as log:
            self.host.start(
                *AS_USER, "celery", "-A", "proj", *words,
                cwd=self.place, env=self.environment, stdin=-3, stdout=log, stderr=log,
            )  # fmt: skip

    def pid(self, name: str) -> int:
        return int((self.place / f"{name}.pid").read_text())

    def children(self, name: str) -> list[int]:
        pid = self.pid(name)
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def ask(self) -> tuple[Answer, dict[str, Any]]:
        answer = self.host.run("service", "status", "--json", self.name, "--celery", "proj", inside=self.inside)
        (service,) = answer.json["result"]["services"]
        return answer, dict(service)


@pytest.fixture
def workers(host: Host, place: Path) -> Iterator[Workers]:
    try:
        yield Workers(host, place)
    finally:
        host.after.append(lambda: shutil.rmtree(place))


def test_workers_that_answer_of_those_that_run(workers: Workers) -> None:
    answer, service = workers.ask()
    assert (answer.code, service["state"]) == (0, "running"), service
    assert service["why"].endswith("; 2 of 2 workers of proj answer")
    assert {worker["name"].split("@")[0] for worker in service["celery"]["workers"]} == {"one", "two"}
    # A child of a pool is started again by its worker.
    (child,) = workers.children("one")
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: bool(workers.children("one")) and child not in workers.children("one"))
    assert workers.ask()[1]["state"] == "running"
    os.kill(workers.pid("two"), signal.SIGSTOP)
    wait_for_state(workers.pid("two"), "T")
    answer, service = workers.ask()
    assert (answer.code, service["state"], answer.ids) == (4, "not-answering", ["not-answering"])
    assert f"1 of 2 workers of proj answer: two@{os.uname().nodename} does not" in service["why"]
    os.kill(workers.pid("two"), signal.SIGKILL)
    wait_for_state(workers.pid("two"), "Z")
    answer, service = workers.ask()
    assert (answer.code, service["state"]) == (4, "dead-pid-file")
    assert "1 of 1 workers of proj answer, and " in service["why"]
    workers.broker.kill()
    workers.broker.wait()
    answer, service = workers.ask()
    assert (answer.code, service["state"]) == (4, "not-answering")
    assert "Connection refused" in service["why"]
    assert "SECRET" not in answer.out
    # Whatever user asks, the app is not run as another one.
    plain = workers.host.run("service", "status", workers.name, "--celery", "proj; id", inside=workers.inside)
    assert plain.code == 2


def test_in_a_container_as_the_workers_user(host: Host, place: Path, tmp_path: Path) -> None:
    if why := missing():
        pytest.skip(why)
    podman = Podman(tmp_path)
    try:
        if why := podman.cannot_run():
            pytest.skip(why)
        podman("run", "-d", "--name", "c", *HOST_PROGRAMS, "-v", f"{place}:/app", "worker", "/bin/sleep", "100000")
        podman("exec", "-d", "c", "/usr/bin/redis-server", "--bind", "127.0.0.1", "--save", "")
        variables = ("-e", "BROKER=redis://127.0.0.1:6379/0", "-e", "SECRET=no shell's $business", "-e", "HOME=/tmp",
                     "-e", "PATH=/usr/bin:/bin")  # fmt: skip
        podman("exec", "-d", "--user", str(USER), "--workdir", "/app", *variables, "c", "/usr/bin/python3",
               "/usr/bin/celery", "-A", "proj", "worker", "-l", "INFO", "-c", "1", "-f", "/app/w.log")  # fmt: skip
        wait_until(lambda: (place / "w.log").exists() and "ready" in (place / "w.log").read_text())
        words = ("service", "status", "--json", "celery", "--container", "c", "--celery", "proj")
        answer = host.run(*words, inside=podman.inside)
        (service,) = answer.json["result"]["services"]
        assert (answer.code, service["state"]) == (0, "running"), service
        assert service["why"].endswith("; 1 of 1 workers of proj answer")
        podman("exec", "c", "/usr/bin/redis-cli", "shutdown", "nosave", check=False)
        answer = host.run(*words, inside=podman.inside)
        assert (answer.code, answer.ids) == (4, ["not-answering"])
    finally:
        podman.close()
        shutil.rmtree(place)


NAMES = ("", "w", "w@%h", "w@%n", "w@%d", "%n", "%h", "%d@%h", "@x", "w@", "a@b@c", "w@other", "x%n@y%d")
ASK = """
import json, sys
from celery.utils import nodenames
for name, host in json.load(sys.stdin):
    nodenames.gethostname = lambda: host
    print(nodenames.host_format(nodenames.default_nodename(name or None)))
"""


def test_the_name_of_a_worker_is_celerys(place: Path, agree: Agree) -> None:
    cases = [(name, host) for name in NAMES for host in ("h", "web.example.com")]
    shutil.rmtree(place)
    answers = run(
        "/usr/bin/python3", "-c", ASK, input=json.dumps(cases), stdin=None, env=ENVIRONMENT
    ).stdout.splitlines()
    worker = Process(1, 0, 1, 1, 0.0, "celery", "S", ("celery", "worker"))
    own = [node_name(replace(worker, words=("celery", "worker", f"--hostname={name}")), host) for name, host in cases]
    agree("names of workers", sum(a == b for a, b in zip(own, answers)), len(cases))
    assert own == answers
