"""`opskit service why`: what broke a service of an init script or a container, by what is really so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.hosts import Host
from host.service.engine import Podman, missing
from host.service.test_status import Service
from host.service.test_status_in_containers import states_in, wait_until
from host.tools import Answer


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


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    if reason := missing():
        pytest.skip(reason)
    made = Podman(tmp_path_factory.mktemp("podman"))
    try:
        if reason := made.cannot_run():
            pytest.skip(reason)
        yield made
    finally:
        made.close()


def test_how_what_is_in_a_container_ended(host: Host, podman: Podman) -> None:
    podman.start("c", "/bin/sleep", "100000")
    podman.shell("c", "/etc/init.d/worker start; kill -KILL $(cat /run/worker.pid)")
    wait_until(lambda: states_in(podman, "c")[1:2] == "Z")
    answer = host.run("service", "why", "--json", "worker", "--container", "c", inside=podman.inside)
    assert answer.code == 4
    assert titles(answer)["ended"].endswith("was killed by SIGKILL")
    assert {"zombie", "no-reaper", "nobody-restarts"} <= set(answer.ids)
    podman("run", "-d", "--name", "fails", "worker", "/bin/false")
    podman("wait", "fails")
    checked = host.run("check", "service", "--json", inside=podman.inside)
    assert checked.code == 4
    first = podman("inspect", "-f", "{{.State.Pid}}", "c").stdout.strip()
    told = {(finding["id"], finding["title"]) for finding in checked.json["findings"]}
    assert ("not-running", "fails is failed") in told
    # Of a zombie that was started a moment ago nobody can tell that it stays one.
    assert not [title for kind, title in told if kind == "zombie" and f": pid {first} (sleep" in title]


def test_how_a_container_ended(host: Host, podman: Podman) -> None:
    podman("run", "-d", "--name", "three", "worker", "/bin/sh", "-c", "echo no config; exit 78")
    podman("run", "-d", "--name", "absent", "worker", "/bin/absent", check=False)
    podman("wait", "three")
    answer = host.run("service", "why", "--json", "three", inside=podman.inside)
    assert (answer.code, answer.ids) == (4, ["ended", "nobody-restarts", "no-health-check"])
    assert titles(answer)["ended"] == "it ended with exit status 78: as a rule its configuration is wrong"
    assert answer.json["findings"][0]["evidence"] == "no config"
    answer = host.run("service", "why", "--json", "absent", inside=podman.inside)
    # podman 4.3 keeps no exit status of a start that failed; others keep 127.
    assert answer.ids[0] in {"never-started", "cannot-execute"}
    podman.start("lives", "/bin/sleep", "100000")
    assert host.run("service", "why", "--json", "lives", inside=podman.inside).code == 0
