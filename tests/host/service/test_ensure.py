"""`opskit service ensure`: a dead service is started once and watched; what lives, or is not known, is left alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.hosts import Host, Namespace
from host.service.engine import made
from host.service.test_status import wait_for_state
from host.service.test_status_in_containers import states_in, wait_until
from tiers import slow

SCRIPT = """\
#!/bin/sh
DAEMON={daemon}
PIDFILE={folder}/w.pid
case $1 in
  start) setsid $DAEMON 100000 >/dev/null 2>&1 </dev/null & echo $! > $PIDFILE ;;
  stop) kill -CONT $(cat $PIDFILE); kill $(cat $PIDFILE); rm $PIDFILE ;;
  status) [ -f $PIDFILE ] && kill -0 $(cat $PIDFILE) ;;
esac
"""


class Started:
    """An init script of a name of its own, and what it starts: a program that stays, or one that ends at once."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.name = f"e{os.getpid()}"
        self.pid_file = folder / "w.pid"
        self.daemon = folder / f"{self.name}d"
        sleep = shutil.which("sleep")
        assert sleep
        shutil.copy(sleep, self.daemon)  # a process with this name
        scripts = folder / "init.d"
        scripts.mkdir()
        (scripts / self.name).write_text(SCRIPT.format(daemon=self.daemon, folder=folder))
        (scripts / self.name).chmod(0o755)
        self.inside: Namespace = host.namespace(f"mkdir -p /etc/init.d; mount --bind {scripts} /etc/init.d")

    def ends_at_once(self) -> None:
        self.daemon.write_text(f"#!/bin/sh\necho x >> {self.folder}/tries\n")
        self.daemon.chmod(0o755)

    def run(self, *words: str) -> int:
        answer = self.host.run("service", "ensure", self.name, *words, inside=self.inside)
        self.said = answer.out + answer.err
        return answer.code

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self.daemon.name in Path(f"/proc/{self.pid}/cmdline").read_text():
                os.kill(self.pid, signal.SIGKILL)


@pytest.fixture
def started(host: Host, tmp_path: Path) -> Iterator[Started]:
    made = Started(host, tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("elsewhere", ["", ">/dev/null", "2>/dev/null"])
def test_a_daemon_that_holds_the_output_of_its_script_is_no_script_that_hangs(started: Started, elsewhere: str) -> None:
    """Started with a bare &; what it prints afterwards is read by somebody, or it would die of SIGPIPE."""
    wait, spoke = started.folder / "wait", started.folder / "spoke"
    os.mkfifo(wait)
    says = "echo more; echo more >&2"
    started.daemon.write_text(f"#!/bin/sh\nread x < {wait}\n{says}\ntouch {spoke}\nread x < {wait}\n")
    script = started.folder / "init.d" / started.name
    script.write_text(
        script.read_text().replace("setsid $DAEMON 100000 >/dev/null 2>&1 </dev/null &", f"$DAEMON {elsewhere} &")
    )
    assert started.run("--yes", "--for", "100ms") == 0, started.said
    wait.write_text("on\n")  # opskit has ended by now
    wait_until(spoke.exists)
    assert started.host.run("undo", "last", "--yes", inside=started.inside).code == 0


def test_started_once_and_stopped_by_an_undo(started: Started) -> None:
    assert started.run() == 5, started.said  # nobody to ask
    assert not started.pid_file.exists()
    assert started.run("--dry-run", "--exit-code") == 3
    assert not started.pid_file.exists()
    assert started.run("--yes", "--for", "100ms") == 0, started.said
    pid = started.pid
    wait_for_state(pid, "S")
    assert started.run("--yes") == 0
    assert "nothing to do" in started.said
    assert started.pid == pid
    # Stopped by a signal it lives: a second one is not started beside it.
    os.kill(pid, signal.SIGSTOP)
    wait_for_state(pid, "T")
    assert started.run("--yes") == 5
    assert "lives and does not answer" in started.said
    os.kill(pid, signal.SIGCONT)
    answer = started.host.run("undo", "last", "--yes", inside=started.inside)
    assert answer.code == 0, answer.out + answer.err
    assert not started.pid_file.exists()
    assert started.run("--dry-run", "--exit-code") == 3


def test_what_ends_again_is_not_tried_twice(started: Started) -> None:
    started.ends_at_once()
    assert started.run("--yes", "--for", "1h") == 8, started.said
    assert (started.folder / "tries").read_text() == "x\n"
    assert "not tried a second time" in started.said


def test_an_undo_leaves_alone_what_somebody_else_has_started(started: Started) -> None:
    assert started.run("--yes", "--for", "100ms") == 0, started.said
    os.kill(started.pid, signal.SIGKILL)
    other = started.host.start(str(started.daemon), "100000")
    started.pid_file.write_text(str(other.pid))
    wait_for_state(other.pid, "S")
    answer = started.host.run("undo", "last", "--yes", inside=started.inside)
    assert answer.code == 5, answer.out + answer.err
    assert "did not start" in answer.out + answer.err
    assert other.poll() is None


def test_a_process_of_which_nobody_knows_who_starts_it(started: Started) -> None:
    started.pid_file.write_text(str(os.getpid()))
    assert started.run("--yes") == 5
    assert "older than the file" in started.said
    started.pid_file.unlink()
    assert started.host.run("service", "ensure", "nothing-of-this-name", "--yes").code == 1


@pytest.mark.parametrize("name", ["podman", slow("docker")])
def test_in_a_container_whose_first_process_does_not_reap(host: Host, tmp_path: Path, name: str) -> None:
    engine = made(name, tmp_path)
    try:
        engine.start("room", "/bin/sleep", "100000")
        words = ("worker", "--container", "room")

        def ensure(*more: str) -> int:
            return host.run("service", "ensure", *more, "--yes", "--for", "100ms", inside=engine.inside).code

        def state() -> int:
            return host.run("service", "status", *words, inside=engine.inside).code

        engine.shell("room", "/etc/init.d/worker start; kill -KILL $(cat /run/worker.pid)")
        wait_until(lambda: states_in(engine, "room")[1:2] == "Z")
        assert engine.shell("room", "/etc/init.d/worker status") == 0
        assert (state(), ensure(*words), state()) == (4, 0, 0)
        assert host.run("undo", "last", "--yes", inside=engine.inside).code == 0
        assert state() == 4
        engine("stop", "-t", "0", "room")
        assert ensure(*words) == 5  # the container comes first
        assert ensure("room") == 0
        if name == "docker":
            engine("run", "-d", "--name", "flaps", "--restart", "always", "worker", "/bin/false")
            # docker waits twice as long before each restart: by the sixth it is seconds, in which there is one answer.
            told = ("container", "inspect", "--format", "{{.State.Status}} {{.RestartCount}}", "flaps")
            wait_until(lambda: engine(*told).stdout.strip() in {f"restarting {count}" for count in range(6, 12)})
            answer = host.run("service", "ensure", "flaps", "--yes", inside=engine.inside)
            assert (answer.code, "docker update --restart=no flaps" in answer.err) == (5, True), answer.err
    finally:
        engine.close()
