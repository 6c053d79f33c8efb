"""Programs of a real supervisord, on the host and in a container: each state, why, and what ensure does."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.service.engine import HOST_PROGRAMS, Podman, missing
from host.service.test_status import AS_NOBODY, wait_for_state
from host.service.test_status_in_containers import wait_until
from host.tools import ENVIRONMENT, Answer, run
from tiers import Agree, slow

MAIN = """\
[unix_http_server]
file={place}/s.sock
username=ops ; in plain text, as most have it
password=secret
[supervisord]
logfile={place}/s.log
pidfile={place}/s.pid
childlogdir={place}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{place}/s.sock
username=ops
password=secret
[include]
files = conf.d/*.conf
"""
# A name, its section, the state of opskit, the first finding of why and a part of its title, the exit code of ensure.
PROGRAMS: dict[str, tuple[str, str, str, str, int]] = {
    "runs": ("command=/bin/sleep 600\nautorestart=true", "running", "", "", 0),
    "fatal": ("command=/bin/sh -c 'echo no license; exit 3'\nstartretries=0", "failed", "ended", "exit status 3", 8),
    "absent": (
        "command=/opt/absent\nstartretries=0", "failed", "cannot-execute", "/opt/absent cannot be executed", 8,
    ),
    "backoff": ("command=/bin/sh -c 'exit 4'\nstartretries=9999", "starting", "ended", "exit status 4", 5),
    "ends": ("command=/bin/sh -c 'exit 0'\nstartsecs=0", "stopped", "ended", "exit status 0", 8),
    "bad": (
        "command=/bin/sh -c 'exit 78'\nstartsecs=0\nautorestart=false", "failed", "ended",
        "exit status 78: as a rule its configuration is wrong", 8,
    ),
    "killed": ("command=/bin/sleep 600\nstartsecs=0\nautorestart=false", "failed", "ended", "was killed by SIGKILL", 0),
    "off": ("command=/bin/sleep 600\nstartsecs=0\nautostart=false", "stopped", "never-started", "autostart=false", 0),
    "slow": ("command=/bin/sleep 600\nstartsecs=600", "starting", "ended", "it is being started", 5),
    "stays": (
        "command=/bin/sh -c 'trap : TERM; while :; do sleep 600; done'\nstopwaitsecs=3600", "stopped", "ended", "", 5,
    ),
    "held": ("command=/bin/sleep 600", "not-answering", "ended", "somebody has stopped it by a signal", 5),
    "pair": (
        ("command=/bin/sleep 600\nnumprocs=2\nstartsecs=0\nautorestart=false\n"
        "process_name=%(program_name)s_%(process_num)02d"),
        "failed", "ended", "was killed by SIGKILL", 0,
    ),
}  # fmt: skip
# What each comes to; of those that are left out the state is made in the test.
COMES_TO = {"runs": "RUNNING", "fatal": "FATAL", "absent": "FATAL", "backoff": "BACKOFF", "ends": "EXITED",
            "bad": "EXITED", "killed": "RUNNING", "off": "STOPPED", "slow": "STARTING", "stays": "RUNNING",
            "held": "RUNNING", "pair:pair_00": "RUNNING", "pair:pair_01": "RUNNING"}  # fmt: skip


class Supervised:
    """A supervisord of the test's own, and opskit that is asked about its programs; each name begins with `mark`."""

    def __init__(self, host: Host, folder: Path, podman: Podman | None) -> None:
        self.host, self.folder, self.podman = host, folder, podman
        self.mark = f"s{os.getpid()}"
        self.place = "/conf" if podman else str(folder)
        (folder / "conf.d").mkdir()
        (folder / "supervisord.conf").write_text(MAIN.format(place=self.place))
        text = "".join(f"[program:{self.mark}{name}]\n{each[0]}\n" for name, each in PROGRAMS.items())
        (folder / "conf.d" / "w.conf").write_text(text)
        self.config = f"{self.place}/supervisord.conf"
        daemon = ("/usr/bin/supervisord", "-n", "-c", self.config)
        if podman:
            podman("run", "-d", "--name", "sup", *HOST_PROGRAMS, "-v", f"{folder}:/conf", "worker",
                   "/usr/bin/python3", *daemon)  # fmt: skip
        else:
            self.daemon = host.start(*daemon, start_new_session=True, stdin=-3, stdout=-3, stderr=-3)

    def control(self, *words: str) -> str:
        argv = ("supervisorctl", "-c", self.config, *words)
        if self.podman:
            return self.podman("exec", "sup", "/usr/bin/python3", f"/usr/bin/{argv[0]}", *argv[1:], check=False).stdout
        return run(*argv, check=False, env=ENVIRONMENT, cwd="/").stdout

    def states(self) -> dict[str, str]:
        rows = [line.split()[:2] for line in self.control("status").splitlines()]
        return {row[0].replace(self.mark, ""): row[1] for row in rows if len(row) == 2}

    def ask(self, verb: str, *words: str, **more: Any) -> Answer:
        inside = ("--container", "sup") if self.podman else ()
        if self.podman:
            more["inside"] = self.podman.inside
        names = [self.named(word) if word.split(":")[0] in PROGRAMS else word for word in words]
        return self.host.run("service", verb, *names, *inside, "--json", **more)

    def named(self, name: str) -> str:
        return ":".join(f"{self.mark}{part}" for part in name.split(":"))

    def service(self, name: str) -> dict[str, Any]:
        (each,) = self.ask("status", name).json["result"]["services"]
        return dict(each)

    def pid(self, name: str) -> int:
        return int(self.service(name)["main"][0]["pid"])

    def start_control(self, *words: str) -> None:
        """The same, not waited for."""
        inside = (*self.podman.inside.prefix, "podman", "exec", "sup", "/usr/bin/python3") if self.podman else ()
        self.host.start(*inside, "/usr/bin/supervisorctl", "-c", self.config, *words, stdin=-3, stdout=-3, stderr=-3)

    def kill(self) -> None:
        """End supervisord of the host at once; its programs live on."""
        pid = self.daemon.pid
        self.below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.daemon.kill()
        self.daemon.wait()

    def close(self) -> None:
        if self.podman:
            return
        if self.daemon.poll() is None:
            self.kill()
        for each in self.below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(each), signal.SIGKILL)


@pytest.fixture
def supervised(request: pytest.FixtureRequest, host: Host, tmp_path: Path) -> Iterator[Supervised]:
    if not shutil.which("supervisord", path=ENVIRONMENT["PATH"]):
        pytest.skip("supervisord: not on this machine")
    podman = None
    if getattr(request, "param", "host") == "container":
        if why := missing():
            pytest.skip(why)
        (tmp_path / "podman").mkdir()
        podman = Podman(tmp_path / "podman")
    (tmp_path / "conf").mkdir()
    try:
        if podman and (why := podman.cannot_run()):
            pytest.skip(why)
        made = Supervised(host, tmp_path / "conf", podman)
        yield made
        made.close()
    finally:
        if podman:
            podman.close()


def make_the_others(supervised: Supervised) -> None:
    """What supervisord does not come to by itself."""
    wait_until(lambda: supervised.states() == COMES_TO)
    held = supervised.pid("held")
    os.kill(held, signal.SIGSTOP)
    wait_for_state(held, "T")
    for name in ("killed", "pair:pair_01"):
        os.kill(supervised.pid(name), signal.SIGKILL)
    supervised.start_control("stop", supervised.named("stays"))
    wanted = {**COMES_TO, "killed": "EXITED", "pair:pair_01": "EXITED", "stays": "STOPPING"}
    wait_until(lambda: supervised.states() == wanted)


@pytest.mark.parametrize("supervised", ["host", slow("container")], indirect=True)
def test_each_state_is_told_right_and_what_is_dead_is_started_once(supervised: Supervised, agree: Agree) -> None:
    make_the_others(supervised)
    where = "a container" if supervised.podman else "the host"
    services = supervised.ask("status", *PROGRAMS).json["result"]["services"]
    seen = {service["name"].removeprefix(supervised.mark): service["state"] for service in services}
    assert seen == {name: each[1] for name, each in PROGRAMS.items()}
    agree(f"states of supervisord's programs on {where}", len(seen), len(PROGRAMS))
    assert supervised.service("pair")["why"].startswith("1 of 2 programs run; ")
    assert supervised.service("pair:pair_00")["state"] == "running"
    assert supervised.service("fatal")["log"] == ["no license"]
    right = 0
    for name, (_, state, kind, title, _) in PROGRAMS.items():
        found = supervised.ask("why", name).json["findings"]
        right += (state == "running") == (not found) and (not found or found[0]["id"] == kind)
        assert not found or title in found[0]["title"], (name, found)
    agree(f"causes of supervisord's programs on {where}", right, len(PROGRAMS))
    refused = supervised.ask("ensure", "backoff", "--yes")
    assert "conf.d/w.conf:" in refused.json["error"]["todo"]
    assert "startretries=9999" in refused.json["error"]["todo"]
    ensured = {}
    for name, each in PROGRAMS.items():
        if not supervised.podman or name in {"runs", "pair", "backoff"}:
            ensured[name] = (supervised.ask("ensure", name, "--yes", "--for", "100ms").code, each[4])
    agree(f"programs started once, or left alone, on {where}", sum(a == b for a, b in ensured.values()), len(ensured))
    assert all(a == b for a, b in ensured.values()), ensured
    assert supervised.service("pair")["state"] == "running"
    without_its_socket(supervised)


def without_its_socket(supervised: Supervised) -> None:
    os.unlink(supervised.folder / "s.sock")
    answer = supervised.ask("status", "runs")
    assert (answer.code, answer.ids) == (0, ["supervisord-silent"])
    assert "its socket" in answer.json["findings"][0]["title"]
    assert supervised.service("fatal")["state"] == "unknown"
    assert supervised.ask("ensure", "fatal", "--yes").code == 5


def test_a_supervisord_that_may_not_be_asked_and_one_that_is_dead(supervised: Supervised) -> None:
    wait_until(lambda: supervised.states() == COMES_TO)
    answer = supervised.ask("status", "fatal", under=AS_NOBODY)
    (service,) = answer.json["result"]["services"]
    assert (answer.code, service["state"]) == (4, "unknown")
    assert "this user may not ask" in service["why"]
    runs = supervised.pid("runs")
    supervised.kill()
    inside = supervised.host.namespace(f"mkdir -p /etc/supervisor; mount --bind {supervised.folder} /etc/supervisor")
    answer = supervised.ask("status", "runs", inside=inside)
    (service,) = answer.json["result"]["services"]
    assert (answer.code, answer.ids, service["main"][0]["pid"]) == (0, ["supervisord-dead"], runs)
    assert supervised.ask("status", "pair:pair_01", inside=inside).code == 0
    answer = supervised.ask("status", "bad", inside=inside)
    assert answer.json["result"]["services"][0]["state"] == "stopped"
    answer = supervised.ask("ensure", "bad", "--yes", inside=inside)
    assert (answer.code, answer.ids) == (5, ["supervisord-dead"])
    # One that lives and knows nothing of it, and one that has this configuration.
    other = supervised.folder / "other.conf"
    other.write_text(MAIN.format(place=supervised.folder).replace("conf.d/*.conf", "none"))
    for config, code in ((other, 4), (Path("/etc/supervisor/supervisord.conf"), 1)):
        argv = (*inside.prefix, "/usr/bin/supervisord", "-n", "-c", str(config))
        (supervised.folder / "conf.d" / "w.conf").write_text("[program:nothing]\ncommand=/bin/true\nautostart=false\n")
        living = supervised.host.start(*argv, stdin=-3, stdout=-3, stderr=-3)
        wait_until(lambda: supervised.control("version").startswith("4"))
        text = "" if config == other else "[program:nothing]\ncommand=/bin/true\nautostart=false\n"
        (supervised.folder / "conf.d" / "w.conf").write_text(f"{text}[program:{supervised.named('bad')}]\ncommand=x\n")
        assert supervised.ask("status", "bad", inside=inside).code == code
        living.terminate()
        living.wait()
