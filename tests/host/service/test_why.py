"""`opskit service why`: what broke a service of an init script or a container, by what is really so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.hosts import Host
from host.service.engine import Engine, made
from host.service.test_status import Service
from host.service.test_status_in_containers import states_in, wait_until
from host.tools import Answer
from tiers import slow


@pytest.fixture
def service(host: Host, tmp_path: Path) -> Service:
    made = Service(host, tmp_path)
    script = tmp_path / "init.d" / made.name
    script.write_text(script.read_text().replace("PIDFILE", f"LOGFILE={tmp_path}/w.log\nPIDFILE", 1))
    made.pid_file.write_text("999999\n")
    return made


def why(service: Service) -> Answer:
    return service.host.run("service", "why", "--json", service.name, inside=service.inside)


def titles(answer: Answer) -> dict[str, str]:
    return {finding["id"]: finding["title"] for finding in answer.json["findings"]}


def test_what_the_log_names_is_looked_up(service: Service) -> None:
    log = service.folder / "w.log"
    config = service.folder / "w.conf"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        log.write_text(f"open {config}: No such file or directory\nbind 127.0.0.1:{port}: Address already in use\n")
        answer = why(service)
        assert (answer.code, answer.ids) == (4, ["file-missing", "port-taken", "nobody-restarts"])
        assert f"port {port} (tcp) is taken: pid " in titles(answer)["port-taken"]
        assert answer.json["result"]["service"]["log"][-1].endswith("Address already in use")
        config.write_text("")
    # Both are as they should be by now.
    answer = why(service)
    assert answer.ids == ["port-taken", "nobody-restarts"]
    assert "not seen now" in titles(answer)["port-taken"]
    log.unlink()
    assert why(service).ids == ["cause-unknown", "nobody-restarts"]


def test_a_disk_that_is_full(service: Service, host: Host) -> None:
    full = service.folder / "full"
    full.mkdir()
    (service.folder / "w.log").write_text(f"write {full}/x: No space left on device\n")
    inside = host.namespace(
        f"mkdir -p /etc/init.d; mount --bind {service.folder}/init.d /etc/init.d; "
        f"mount -t tmpfs -o size=64k none {full}; head -c 100000 /dev/zero > {full}/zero || :"
    )
    answer = host.run("service", "why", "--json", service.name, inside=inside)
    assert titles(answer)["disk-full"] == f"{full}/x: no room is left"


@pytest.fixture(scope="module", params=["podman", slow("docker")])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = made(request.param, tmp_path_factory.mktemp(request.param))
    yield engine
    engine.close()


def test_how_what_is_in_a_container_ended(host: Host, engine: Engine) -> None:
    engine.start("room", "/bin/sleep", "100000")
    engine.shell("room", "/etc/init.d/worker start; kill -KILL $(cat /run/worker.pid)")
    wait_until(lambda: states_in(engine, "room")[1:2] == "Z")
    answer = host.run("service", "why", "--json", "worker", "--container", "room", inside=engine.inside)
    assert answer.code == 4
    assert titles(answer)["ended"].endswith("was killed by SIGKILL")
    assert {"zombie", "no-reaper", "nobody-restarts"} <= set(answer.ids)
    engine("run", "-d", "--name", "fails", "worker", "/bin/false")
    engine("wait", "fails")
    checked = host.run("check", "service", "--json", inside=engine.inside)
    assert checked.code == 4
    first = engine("inspect", "-f", "{{.State.Pid}}", "room").stdout.strip()
    told = {(finding["id"], finding["title"]) for finding in checked.json["findings"]}
    assert ("not-running", "fails is failed") in told
    # Of a zombie that was started a moment ago nobody can tell that it stays one.
    assert not [title for kind, title in told if kind == "zombie" and f": pid {first} (sleep" in title]


def test_how_a_container_ended(host: Host, engine: Engine) -> None:
    engine("run", "-d", "--name", "three", "worker", "/bin/sh", "-c", "echo no config; exit 78")
    engine("run", "-d", "--name", "absent", "worker", "/bin/absent", check=False)
    engine("wait", "three")
    answer = host.run("service", "why", "--json", "three", inside=engine.inside)
    assert (answer.code, answer.ids) == (4, ["ended", "nobody-restarts", "no-health-check"])
    assert titles(answer)["ended"] == "it ended with exit status 78: as a rule its configuration is wrong"
    assert answer.json["findings"][0]["evidence"] == "no config"
    answer = host.run("service", "why", "--json", "absent", inside=engine.inside)
    # podman 4.3 keeps no exit status of a start that failed; others keep 127.
    assert answer.ids[0] in {"never-started", "cannot-execute"}
    engine.start("lives", "/bin/sleep", "100000")
    assert host.run("service", "why", "--json", "lives", inside=engine.inside).code == 0
