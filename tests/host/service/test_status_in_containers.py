"""`opskit service status --container` with a real engine, in each state in which an init script lies or cannot tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from host.hosts import Host
from host.service.engine import Engine, made
from host.service.test_status import AS_NOBODY
from host.tools import Answer
from tiers import Agree, slow

WAIT = 300.0


@pytest.fixture(scope="module", params=["podman", slow("docker")])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = made(request.param, tmp_path_factory.mktemp(request.param))
    yield engine
    engine.close()


def ask(host: Host, engine: Engine, *words: str) -> Answer:
    return host.run("service", "status", "--json", *words, inside=engine.inside)


def service(answer: Answer) -> dict[str, Any]:
    (each,) = answer.json["result"]["services"]
    return dict(each)


def wait_until(holds: Callable[[], bool]) -> None:
    """Nothing tells of the state of a process in a container: it is looked at."""
    until = time.monotonic() + WAIT
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def states_in(engine: Engine, name: str, pid_file: str = "/run/worker.pid") -> str:
    return engine("exec", name, "sh", "-c", f"cat /proc/$(cat {pid_file})/stat", check=False).stdout.rpartition(")")[2]


# What the engine itself exits with for a status script in such a container.
OF_ENGINE = {"podman": {"stopped": 255, "absent": 125}, "docker": {"stopped": 1, "absent": 1, "paused": 1}}
LIES, DEAD = {"script-lies", "not-running"}, {"not-running"}


class Looks:
    """What the script of a service exits with, and what opskit says of it, in one state after the other."""

    def __init__(self, host: Host, engine: Engine) -> None:
        self.host, self.engine = host, engine
        self.seen: list[tuple[str, int, str, int, set[str]]] = []

    def look(self, what: str, container: str, name: str = "worker") -> None:
        script = self.engine.shell(container, f"/etc/init.d/{name} status")
        answer = ask(self.host, self.engine, name, "--container", container)
        services = answer.json["result"]["services"] if answer.json["result"] else []
        state = services[0]["state"] if services else "no container"
        self.seen.append((what, script, state, answer.code, set(answer.ids)))

    def of_scripts(self) -> None:
        """The states of a service in a container that runs."""
        engine = self.engine
        engine.start("no-reaper", "/bin/sleep", "100000")
        self.look("never started", "no-reaper")
        engine.shell("no-reaper", "/etc/init.d/worker start")
        wait_until(lambda: states_in(engine, "no-reaper")[1:2] == "S")
        self.look("runs", "no-reaper")
        engine.shell("no-reaper", "kill -STOP $(cat /run/worker.pid)")
        wait_until(lambda: states_in(engine, "no-reaper")[1:2] == "T")
        self.look("stopped by a signal", "no-reaper")
        engine.shell("no-reaper", "kill -KILL $(cat /run/worker.pid)")
        wait_until(lambda: states_in(engine, "no-reaper")[1:2] == "Z")
        self.look("zombie", "no-reaper")
        engine.shell("no-reaper", "echo 1 > /run/worker.pid")
        self.look("pid file of another program", "no-reaper")
        engine.shell("no-reaper", "busybox touch -d '1990-01-01 00:00' /run/worker.pid")
        self.look("pid that was used again", "no-reaper")
        engine.shell("no-reaper", "echo 999999 > /run/worker.pid")
        self.look("pid is gone", "no-reaper")
        self.look("always 0", "no-reaper", "always")
        self.look("always 0, and names nothing", "no-reaper", "bare")
        engine.start("reaper", "/bin/sh", "-c", "while :; do sleep 100000; done")
        engine.shell("reaper", "/etc/init.d/worker start")
        engine.shell("reaper", "kill -KILL $(cat /run/worker.pid)")
        wait_until(lambda: engine.shell("reaper", "[ ! -e /proc/$(cat /run/worker.pid) ]") == 0)
        self.look("killed and reaped", "reaper")

    def of_containers(self) -> None:
        """The states of a container in which no script can answer."""
        if "paused" in OF_ENGINE[self.engine.name]:  # podman has no control groups here: see tests/vm/service
            self.engine("pause", "reaper")
            self.look("paused container", "reaper")
            self.engine("unpause", "reaper")
        self.engine("stop", "-t", "0", "reaper")
        self.look("stopped container", "reaper")
        self.look("absent container", "nowhere")


def test_where_the_script_lies(host: Host, engine: Engine, agree: Agree) -> None:
    """Right in each state: what the script exits with, what opskit says, and its exit status."""
    looks = Looks(host, engine)
    looks.of_scripts()
    looks.of_containers()
    codes = OF_ENGINE[engine.name]
    wanted = [
        ("never started", 3, "stopped", 4, DEAD),
        ("runs", 0, "running", 0, set()),
        ("stopped by a signal", 0, "not-answering", 4, {"not-answering"}),
        ("zombie", 0, "dead-pid-file", 4, {*LIES, "zombie"}),
        # What the zombie was is not taken for the living.
        ("pid file of another program", 0, "dead-pid-file", 4, {*LIES, "zombie"}),
        ("pid that was used again", 0, "dead-pid-file", 4, {*LIES, "zombie"}),
        ("pid is gone", 1, "dead-pid-file", 4, {*DEAD, "zombie"}),
        ("always 0", 0, "stopped", 4, LIES),
        ("always 0, and names nothing", 0, "unknown", 4, {"not-known"}),
        ("killed and reaped", 1, "dead-pid-file", 4, DEAD),
        *([("paused container", codes["paused"], "not-answering", 4, {"not-answering"})] if "paused" in codes else []),
        ("stopped container", codes["stopped"], "stopped", 4, DEAD),
        ("absent container", codes["absent"], "no container", 1, set()),
    ]
    differ = [(one, other) for one, other in zip(looks.seen, wanted) if one != other]
    assert not differ, differ
    right = len(looks.seen) - len(differ)
    agree(f"states told right where an init script may lie, in {engine.name}", right, len(wanted))


def test_the_container_comes_first(host: Host, engine: Engine) -> None:
    engine.start("ends", "/bin/sleep", "100000")
    answer = ask(host, engine, "nothing", "--container", "ends")
    assert (answer.code, answer.json["ok"]) == (1, False)
    assert "no init script, program of supervisord or process" in answer.json["error"]["why"]
    # A process by its name, in the container and nowhere else.
    assert service(ask(host, engine, "sleep", "--container", "ends"))["main"][0]["inner_pid"] == 1
    both = ask(host, engine, "ends")
    assert (both.code, service(both)["kind"], service(both)["state"]) == (0, "container", "running")
    engine("stop", "-t", "0", "ends")
    for words in (("worker", "--container", "ends"), ("ends",)):
        answer = ask(host, engine, *words)
        assert (answer.code, service(answer)["kind"], service(answer)["state"]) == (4, "container", "stopped"), words
    assert ask(host, engine, "worker", "--container", "absent").code == 1
    engine("run", "-d", "--name", "fails", "worker", "/bin/false")
    engine("wait", "fails")
    failed = service(ask(host, engine, "fails"))
    assert (failed["state"], failed["ended"]) == ("failed", "exit status 1")


def test_a_container_that_is_unhealthy(host: Host, engine: Engine) -> None:
    # docker's daemon checks it by itself; podman has a timer of systemd for that, or is told to.
    interval = "disable" if engine.name == "podman" else "100ms"
    health = ("--health-cmd", "/bin/false", "--health-retries", "1", "--health-interval", interval)
    engine("run", "-d", "--name", "ill", *health, "worker", "/bin/sleep", "100000")
    if engine.name == "podman":
        engine("healthcheck", "run", "ill", check=False)
    wait_until(lambda: '"unhealthy"' in engine("container", "inspect", "ill").stdout)
    answer = ask(host, engine, "ill")
    assert (answer.code, service(answer)["state"], answer.ids) == (4, "not-answering", ["not-answering"])


def test_without_an_engine_and_without_root(host: Host, engine: Engine) -> None:
    gone = host.namespace("for engine in podman docker; do [ ! -e /usr/bin/$engine ] || "
                          "mount --bind /dev/null /usr/bin/$engine; done")  # fmt: skip
    answer = host.run("service", "status", "worker", "--container", "c", inside=gone)
    assert answer.code == 6
    assert "neither podman nor docker" in answer.err
    answer = host.run("service", "status", "worker", "--container", "c", inside=engine.inside, under=AS_NOBODY)
    assert answer.code == 6
    assert "sudo " in answer.err
    assert host.run("service", "status", "worker", "--container", "--all").code == 2
