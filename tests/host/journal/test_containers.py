"""What real containers write, through a real journald: under their names, a stack trace as one message."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from host.hosts import Host
from host.journal.journald import Journald, missing
from host.service.engine import Engine, made
from host.tools import until
from tiers import slow

TRACE = (
    "java.lang.IllegalStateException: no database",
    "\tat com.example.Pool.open(Pool.java:316)",
    "\tat com.example.Main.main(Main.java:12)",
    "Caused by: java.net.ConnectException: Connection refused",
    "\t... 2 more",
)


@pytest.fixture(scope="module", params=["podman", slow("docker")])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if why := missing():
        pytest.skip(why)
    engine = made(request.param, tmp_path_factory.mktemp(request.param))
    yield engine
    engine.close()


def test_a_containers_errors_have_its_name_and_a_trace_is_one_message(host: Host, engine: Engine) -> None:
    journald = Journald(engine.inside)
    journald.start()
    try:
        lines = ["request 4711 failed with status 503", *TRACE, "request 12 failed with status 503"]
        script = "".join(f"echo '{line}' >&2; " for line in lines) + "echo all is well"
        for name in ("shop", "store"):
            engine("run", "-d", "--name", name, "--log-driver=journald", "worker", "/bin/sh", "-c", script)
            engine("wait", name)
        wanted = ("-o", "export", "CONTAINER_NAME=store")
        until(lambda: journald.journalctl(*wanted).count("__CURSOR=") == len(lines) + 1)
        answer = host.run("journal", "errors", "-D", journald.directory, "--json", inside=engine.inside)
    finally:
        journald.close()
    groups = answer.json["result"]["groups"]
    assert sorted((group["unit"], group["count"], group["pattern"]) for group in groups) == sorted(
        (f"container {name}", count, pattern)
        for name in ("shop", "store")
        for count, pattern in ((2, "request <n> failed with status 503"), (1, TRACE[0]))
    )
    assert {group["example"] for group in groups if group["trace_lines"]} == {"\n".join(TRACE)}
