"""opskit memcached on a real memcached: started, refused, saturated, asked, stopped, taken back. On loopback only."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

from host.hosts import Terminal
from host.test_dry_run import changes
from host.tools import ENVIRONMENT, OPSKIT, Answer, run

NULL = subprocess.DEVNULL
USERS = ("memcached", "memcache")
# Python may be installed where only root can read: that one capability is left.
READS = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
AS_NOBODY = ("setpriv", "--reuid=nobody", "--clear-groups", *READS)
# Seconds: only a limit. What does not listen is refused at once.
PATIENCE = 300.0
# For `status`: a busy machine may need it for an instance that answers.
LONG = ("--timeout", "30s")
BUSY, REFUSED, USAGE, TAKEN_BACK, MISSING = 7, 5, 2, 8, 6


class Place:
    """A directory that memcached's user can write, a state directory, and the instances that were started."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder = folder
        self.user = user
        self.pids: list[int] = []

    def path(self, name: str) -> str:
        return str(self.folder / "run" / name)

    def run(self, *words: str, under: tuple[str, ...] = (), cwd: str = "/", **more: str) -> Answer:
        environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(self.folder / "state"), **more}
        done = run(*under, *OPSKIT, *words, check=False, env=environment, cwd=cwd)
        return Answer(done.returncode, done.stdout, done.stderr)

    def json(self, *words: str, **more: Any) -> dict[str, Any]:
        answer = self.run("memcached", *words, "--json", **more)
        assert answer.out, answer.err
        return {**json.loads(answer.out), "status": answer.code}

    def start(self, port: int, *words: str, **more: Any) -> dict[str, Any]:
        """Start on this port, with a pid file of ours; it is ended after the test."""
        file = self.path(f"{port}.pid")
        answer = self.json("start", "-p", str(port), "-P", file, *words, "--yes", **more)
        with contextlib.suppress(OSError, ValueError):
            self.pids.append(int(Path(file).read_text()))
        return answer

    def directly(self, *words: str) -> subprocess.Popen[str]:
        """memcached itself, in the foreground."""
        line = ["memcached", "-u", self.user, *words]
        return subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> None:
        """End what was started here, by pid: memcached, and with this test's directory in its line."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (folder / "cmdline").read_bytes()
                ours = os.fsencode(self.folder) in line or int(folder.name) in self.pids
                if ours and (folder / "comm").read_text() == "memcached\n":
                    os.kill(int(folder.name), signal.SIGKILL)
        shutil.rmtree(self.folder)


@pytest.fixture
def place() -> Iterator[Place]:
    if os.geteuid() != 0:
        pytest.skip("needs root: memcached changes its user")
    if not shutil.which("memcached", path=ENVIRONMENT["PATH"]):
        pytest.skip("there is no memcached on this host")
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = next((name for name in USERS if name in names), "nobody")
    folder = Path(tempfile.mkdtemp(prefix="opskit-memcached-"))
    folder.chmod(0o755)
    (folder / "run").mkdir()
    shutil.chown(folder / "run", user)
    made = Place(folder, user)
    yield made
    made.end()


def free_port() -> int:
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        return int(connection.getsockname()[1])


def wait(holds: Any, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def answers(port: int, address: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((address, port), PATIENCE) as connection:
            connection.sendall(b"version\r\n")
            return connection.recv(100).startswith(b"VERSION")
    except OSError:
        return False


def pid_of(place: Place, port: int) -> int:
    return int(Path(place.path(f"{port}.pid")).read_text())


def test_started_twice_stopped_and_taken_back(place: Place) -> None:
    port = free_port()
    dry = place.json("start", "-p", str(port), "-P", place.path(f"{port}.pid"), "--dry-run")
    assert dry["result"]["line"][1:5] == ["-p", str(port), "-U", "0"]
    assert not answers(port)
    assert not (place.folder / "state").exists()
    first = place.start(port, "-m", "96", "-c", "500", "-t", "2")
    assert (first["ok"], first["result"]["changed"]) == (True, True), first
    pid = pid_of(place, port)
    line = Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    assert line == first["result"]["line"]
    assert Path(f"/proc/{pid}").owner() == place.user
    assert answers(port)
    again = place.start(port, "-m", "96", "-c", "500", "-t", "2")
    assert (again["result"]["changed"], pid_of(place, port)) == (False, pid)
    stopped = place.json("stop", "--port", str(port), "--yes")
    assert stopped["ok"], stopped
    assert not answers(port)
    assert not Path(place.path(f"{port}.pid")).exists()
    assert place.json("stop", "--port", str(port), "--yes")["result"]["changed"] is False
    # The stop is taken back: the same line runs again. Then the start is: nothing of it runs.
    assert place.run("undo", "last", "--yes").code == 0
    assert answers(port)
    place.pids.append(pid_of(place, port))
    undone = place.json("stop", "--pidfile", place.path(f"{port}.pid"), "--yes")
    assert undone["ok"]
    assert not answers(port)


@pytest.mark.parametrize(
    "words",
    [
        "-M -C -b 512 -R 10 -B ascii -D : -f 1.1 --slab-min-size 64 -A -F -X -W -o idle_timeout=60,hashpower=18",
        "-l ::1",
        "-l localhost",
        "-B binary",
        "--memory-limit=96 --threads 2 -I 2m",
    ],
)
def test_options_of_every_kind(place: Place, words: str) -> None:
    """Each is started, and what it says of itself agrees with what was asked for."""
    port = free_port()
    answer = place.start(port, *words.split())
    assert answer["ok"], answer
    assert place.json("stop", "--port", str(port), "--yes")["ok"]


def test_the_script_of_a_plan_starts_and_stops_it(place: Place) -> None:
    port = free_port()
    file = place.path("script.pid")
    for words in (("start", "-p", str(port), "-P", file), ("stop", "--port", str(port))):
        script = place.run("memcached", *words, "--format", "sh")
        assert script.code == 0, script.err
        run("sh", "-c", script.out, cwd="/")
        if words[0] == "start":
            wait(lambda: answers(port) and Path(file).exists())
            place.pids.append(int(Path(file).read_text()))
    wait(lambda: not answers(port))


def test_a_start_is_taken_back(place: Place) -> None:
    port = free_port()
    place.start(port)
    assert place.run("undo", "last", "--yes").code == 0
    assert not answers(port)
    assert not Path(place.path(f"{port}.pid")).exists()


@pytest.mark.parametrize(
    "words",
    ["start -p {free} --dry-run", "stop --port {port} --dry-run", "status", "lint --pid {pid}", "explain --pid {pid}"],
)
def test_what_only_looks_changes_nothing(place: Place, words: str) -> None:
    """Shown by a trace of its system calls, and of those of the programs that it runs."""
    port = free_port()
    place.start(port)
    trace = place.folder / "trace"
    under = ("strace", "-f", "-qq", "-s", "200", "-o", str(trace))
    if not shutil.which("strace") or run(*under, "true", check=False).returncode:
        pytest.skip("strace is not on this host, or may not trace here")
    before = (place.folder / "state" / "ledger.jsonl").read_bytes()
    line = words.format(free=free_port(), port=port, pid=pid_of(place, port)).split()
    answer = place.run("memcached", *line, under=under)
    assert answer.code in {0, 4}, answer.err
    assert changes(trace.read_text(errors="surrogateescape")) == []
    assert (place.folder / "state" / "ledger.jsonl").read_bytes() == before
    assert answers(port)


def test_a_taken_port_names_who_has_it(place: Place) -> None:
    with socket.socket() as connection:
        connection.bind(("127.0.0.1", 0))
        connection.listen()
        port = int(connection.getsockname()[1])
        refused = place.start(port)
        assert (refused["status"], refused["findings"][0]["id"]) == (BUSY, "port-taken")
        assert f"pid {os.getpid()}" in refused["findings"][0]["title"]
        stop = place.json("stop", "--port", str(port), "--yes")
        assert (stop["status"], stop["findings"][0]["id"]) == (REFUSED, "not-memcached")
        assert connection.fileno() >= 0


def test_what_memcached_would_misread_is_refused(place: Place) -> None:
    port = free_port()
    refused = place.start(port, "-m", "2g")
    assert (refused["status"], refused["findings"][0]["remedy"]) == (USAGE, "-m 2048")
    for words in (("-c", "0"), ("-t", "four"), ("-o", "nonsense"), ("-I", "33m"), ("-R", "-1")):
        assert place.start(port, *words)["status"] == USAGE, words
    assert place.start(port, "-l", "0.0.0.0")["status"] == REFUSED
    assert place.start(port, "--expose", "")["status"] == USAGE
    assert not (place.folder / "state" / "ledger.jsonl").exists()


@pytest.mark.parametrize("kind", ["foreign", "unwritable", "stale", "no directory", "dangling"])
def test_the_pid_file(place: Place, kind: str) -> None:
    port = free_port()
    file = Path(place.path("own.pid"))
    if kind == "foreign":
        file.write_text(f"{os.getpid()}\n")
    elif kind == "unwritable":
        (place.folder / "roots").mkdir(mode=0o755)
        file = place.folder / "roots" / "own.pid"
    elif kind == "no directory":
        file = place.folder / "nowhere" / "own.pid"
    elif kind == "dangling":
        (place.folder / "run" / "link").symlink_to("/nonexistent")
        file = place.folder / "run" / "link" / "own.pid"
    else:
        gone = subprocess.Popen(["true"])
        gone.wait()
        file.write_text(f"{gone.pid}\n")
    answer = place.json("start", "-p", str(port), "-P", str(file), "--yes")
    if kind == "stale":
        assert answer["ok"], answer
        place.pids.append(int(file.read_text()))
        return
    unwritable = kind in {"unwritable", "no directory", "dangling"}
    wanted = "pid-file-unwritable" if unwritable else "pid-file-foreign"
    assert (answer["status"], answer["findings"][0]["id"]) == (REFUSED, wanted)
    assert not answers(port)


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda file: file.write_text("mine\n"), lambda file: file.symlink_to("/etc/hosts")]
)
def test_what_is_no_pid_file_is_left_alone(place: Place, make: Any) -> None:
    file = Path(place.path("own.pid"))
    make(file)
    before = file.lstat()  # following a symbolic link changes its atime
    answer = place.json("start", "-p", str(free_port()), "-P", str(file), "--yes")
    assert (answer["status"], answer["findings"][0]["id"]) == (REFUSED, "pid-file-foreign")
    assert place.json("stop", "--pidfile", str(file), "--yes")["result"]["changed"] is False
    after = file.lstat()
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)


def test_stop_never_ends_what_is_not_memcached(place: Place) -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        file = Path(place.path("wrong.pid"))
        file.write_text(f"{sleeper.pid}\n")
        refused = place.json("stop", "--pidfile", str(file), "--yes")
        assert (refused["status"], refused["findings"][0]["id"]) == (REFUSED, "not-memcached")
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()
    removed = place.json("stop", "--pidfile", str(file), "--yes")
    assert (removed["ok"], file.exists()) == (True, False)


def test_a_start_that_fails_says_what_memcached_said(place: Place) -> None:
    port = free_port()
    failed = place.start(port, "-o", "ext_path=/nonexistent/cache:64m")
    assert failed["status"] == TAKEN_BACK, failed
    assert "extstore open: No such file or directory" in failed["error"]["why"]
    assert not answers(port)


def test_saturated_until_it_rejects(place: Place) -> None:
    port = free_port()
    started = place.start(port, "-c", "60")
    assert [finding["id"] for finding in started["findings"]] == ["few-clients", "gone-after-reboot"]
    claimed = place.json("explain", "--pid", str(pid_of(place, port)))["result"]["effect"]["clients"]
    clients: list[socket.socket] = []
    served = 0
    with contextlib.suppress(OSError):
        for _ in range(70):
            connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
            clients.append(connection)
            connection.sendall(b"version\r\n")
            if not connection.recv(100).startswith(b"VERSION"):
                break
            served += 1
    assert claimed["least"] <= served <= claimed["most"]
    for connection in clients[-3:]:
        connection.close()
    del clients[-3:]
    wait(lambda: answers(port))
    answer = place.json("status", "--check", *LONG)
    (mine,) = [instance for instance in answer["result"]["instances"] if instance["pid"] == pid_of(place, port)]
    assert mine["rejected"] > 0
    assert "rejected-connections" in {finding["id"] for finding in answer["findings"] if f":{port}" in finding["title"]}
    assert answer["status"] == 4
    for connection in clients:
        connection.close()


def test_stores_that_fail_are_seen_by_class(place: Place) -> None:
    """With -M nothing is evicted: what does not fit is refused, and few clients say so."""
    port = free_port()
    place.start(port, "-M", "-m", "64", "-I", "8m")
    refused = 0
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client, client.makefile("rb") as file:
        for number in range(200):
            client.sendall(b"set k%d 0 0 500000\r\n%b\r\n" % (number, b"x" * 500000))
            refused += file.readline().startswith(b"SERVER_ERROR")
        client.sendall(b"set big 0 0 9000000\r\n%b\r\n" % (b"x" * 9000000))
        assert file.readline().startswith(b"SERVER_ERROR object too large")
    answer = place.json("status", "--slabs", *LONG)
    (mine,) = [instance for instance in answer["result"]["instances"] if instance["pid"] == pid_of(place, port)]
    assert refused > 0
    assert (mine["failed_stores"], mine["too_large_stores"]) == (refused, 1)
    assert sum(each["items"] for each in mine["slabs"]) == 200 - refused
    ids = {finding["id"] for finding in answer["findings"] if f":{port}" in finding["title"]}
    assert ids == {"stores-fail", "items-too-large"}
    table = place.run("memcached", "status", "--slabs", *LONG).out.splitlines()
    assert table[0].split()[:3] == ["ADDRESS", "CLASS", "ITEM"]
    assert sum(f"127.0.0.1:{port} " in row for row in table) == len(mine["slabs"])


def test_the_table_has_whole_words_on_eighty_columns(place: Place) -> None:
    """Of an instance that holds nothing, too, there is a row by class: it was not among them at all."""
    port = free_port()
    place.start(port)
    assert f"127.0.0.1:{port} - - " in " ".join(place.run("memcached", "status", "--slabs").out.split())
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(place.folder / "state"), "NO_COLOR": "1"}
    for more, title in (([], "EVICTED"), (["--slabs"], "FAILED")):
        terminal = Terminal([*OPSKIT, "memcached", "status", *LONG, *more], environment, 80)
        try:
            terminal.read_until("\n")
            shown = terminal.end().out
            assert title in shown.splitlines()[0]
        finally:
            terminal.close()


def test_a_unix_socket(place: Place) -> None:
    path = place.path("m.sock")
    answer = place.json("start", "-s", path, "-P", place.path("sock.pid"), "--yes")
    assert answer["ok"], answer
    place.pids.append(int(Path(place.path("sock.pid")).read_text()))
    (mine,) = [
        instance for instance in place.json("status", *LONG)["result"]["instances"] if instance["socket"] == path
    ]
    assert (mine["answered"], mine["listeners"]) == (True, [])
    # Of its socket, too, nothing is left: by a stop, or by an undo of the start.
    assert place.json("stop", "--unix-socket", path, "--yes")["ok"]
    assert os.listdir(place.path("")) == []
    assert place.run("undo", "last", "--yes").code == 0
    wait(Path(place.path("sock.pid")).exists)  # memcached listens first
    place.pids.append(int(Path(place.path("sock.pid")).read_text()))
    assert Path(path).is_socket()
    runs = json.loads(place.run("history", "--json").out)["result"]["runs"]
    (first,) = (each["id"] for each in runs if each["title"].startswith("start memcached"))
    assert place.run("undo", first, "--yes").code == 0
    assert os.listdir(place.path("")) == []


def test_paths_that_are_relative(place: Place) -> None:
    """They count from where they are typed; a daemon would take them for files in /."""
    answer = place.json("start", "-s", "m.sock", "-P", "m.pid", "--yes", cwd=place.path(""))
    assert answer["ok"], answer
    assert Path(place.path("m.pid")).exists()
    assert place.json("stop", "-s", "m.sock", "--yes", cwd=place.path(""))["result"]["changed"]
    assert not Path(place.path("m.pid")).exists()
    # One in the foreground stays where it was started; who looks is somewhere else.
    line = ["memcached", "-u", place.user, "-s", "other.sock"]
    with subprocess.Popen(line, cwd=place.path(""), stdin=NULL, stdout=NULL, stderr=NULL) as process:
        wait(lambda: Path(place.path("other.sock")).exists())
        (mine,) = [
            instance
            for instance in place.json("status", *LONG)["result"]["instances"]
            if instance["pid"] == process.pid
        ]
        assert place.json("stop", "-s", place.path("other.sock"), "--yes")["ok"]
        assert not Path(place.path("other.sock")).exists()
    assert (mine["socket"], mine["answered"]) == (place.path("other.sock"), True)
    lint = place.run("memcached", "lint", "--", "-u", place.user, "-d", "-P", "m.pid", cwd=place.path(""))
    assert "pid-file-unwritable" in lint.out


def test_an_instance_whose_program_was_updated(place: Place) -> None:
    """/proc has it as `/usr/bin/memcached (deleted)`: nobody can type that."""
    port = free_port()
    program = place.path("memcached")
    shutil.copy(str(shutil.which("memcached", path=ENVIRONMENT["PATH"])), program)
    line = [program, "-u", place.user, "-p", str(port), "-l", "127.0.0.1"]
    with subprocess.Popen(line, stdin=NULL, stdout=NULL, stderr=NULL) as process:
        wait(lambda: answers(port))
        Path(program).unlink()
        answer = place.json("lint", "--pid", str(process.pid))
        process.kill()
    assert answer["result"]["line"] == " ".join(line)


def test_which_of_two_on_one_port_is_stopped_a_person_tells(place: Place) -> None:
    port = free_port()
    place.start(port, "-l", "127.0.0.1")
    second = place.path("second.pid")
    assert place.json("start", "-p", str(port), "-P", second, "-l", "127.0.0.2", "--yes")["ok"]
    refused = place.json("stop", "--port", str(port), "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (REFUSED, "several-instances")
    assert answers(port)
    assert answers(port, "127.0.0.2")
    assert place.json("stop", "--pidfile", second, "--yes")["ok"]
    assert place.json("stop", "--port", str(port), "--yes")["result"]["changed"]


def test_an_instance_that_asks_for_a_password(place: Place) -> None:
    port = free_port()
    secret = Path(place.path("passwords"))
    secret.write_text("ops:not-shown-anywhere\n")
    shutil.chown(secret, place.user)
    secret.chmod(0o600)
    answer = place.start(port, "-Y", str(secret))
    assert answer["ok"], answer
    outcome = place.run("memcached", "status", "--json", *LONG)
    (mine,) = [
        instance
        for instance in json.loads(outcome.out)["result"]["instances"]
        if instance["listeners"] == [f"tcp 127.0.0.1:{port}"]
    ]
    assert mine["answered"]
    assert "not-shown-anywhere" not in outcome.out + (place.folder / "state" / "ledger.jsonl").read_text()


def test_a_secret_that_the_instances_user_cannot_read_is_not_handed_out(place: Place) -> None:
    """Anybody can run something named memcached with -Y and a file of root's: it must not learn what is in there."""
    secret = place.folder / "roots"
    secret.write_text("root:hash\n")
    secret.chmod(0o600)
    heard = place.path("heard")
    listener = f"""
import socket, os
open('/proc/self/comm', 'w').write('memcached')
one = socket.create_server(('127.0.0.1', 0)); print(one.getsockname()[1], flush=True)
while True:
    peer = one.accept()[0]; open({heard!r}, 'ab').write(peer.recv(4096) or b'-'); peer.close()
"""
    (place.folder / "run").chmod(0o777)
    argv = [*AS_NOBODY, sys.executable, "-c", listener, "-Y", str(secret)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        try:
            rows = place.json("status")["result"]["instances"]
        finally:
            process.kill()
    (mine,) = [instance for instance in rows if instance["listeners"] == [f"tcp 127.0.0.1:{port}"]]
    assert not mine["answered"]
    assert not Path(heard).exists() or b"hash" not in Path(heard).read_bytes()


def test_what_is_named_memcached_and_speaks_something_else(place: Place) -> None:
    """It is told, and the others are shown as ever: no traceback, whatever it says."""
    port = free_port()
    place.start(port)
    sayings = [r"VALUE a 0 1\r\nx\r\nEND\r\n", r"STAT uptime \xc2\xb2\r\nEND\r\n", r"\xff\r\n"]
    for saying in sayings:
        script = f"""
import socket
open('/proc/self/comm', 'w').write('memcached')
one = socket.create_server(('127.0.0.1', 0)); print(one.getsockname()[1], flush=True)
while True:
    peer = one.accept()[0]
    while said := peer.recv(4096):
        peer.sendall(b'VERSION 1.6.18\\r\\n' if said.startswith(b'version') else b'{saying}')
"""
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                other = int(process.stdout.readline())
                answer = place.run("memcached", "status", "--json", "--timeout", "5s")
            finally:
                process.kill()
        envelope = json.loads(answer.out)
        rows = {
            instance["listeners"][0]: instance for instance in envelope["result"]["instances"] if instance["listeners"]
        }
        assert rows[f"tcp 127.0.0.1:{port}"]["uptime_seconds"] is not None
        assert rows[f"tcp 127.0.0.1:{other}"]["uptime_seconds"] is None
        assert answer.err == ""


def test_exposed_only_by_name(place: Place) -> None:
    """In a network namespace of its own: nobody else can reach it."""
    script = f"""
    ip link set lo up
    {OPSKIT[0]} {" ".join(OPSKIT[1:])} memcached start -p 11211 -P {place.path("e.pid")} --expose 0.0.0.0 --yes --json
    {OPSKIT[0]} {" ".join(OPSKIT[1:])} memcached status --json
    {OPSKIT[0]} {" ".join(OPSKIT[1:])} memcached stop --port 11211 --yes --json
    """
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(place.folder / "state")}
    done = run(
        "unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc", script, env=environment
    )
    started, status, stopped = (json.loads(line) for line in done.stdout.splitlines())
    assert ("exposed", "warning") in [(finding["id"], finding["severity"]) for finding in started["findings"]]
    (mine,) = status["result"]["instances"]
    assert mine["listeners"] == ["tcp *:11211"]
    assert [finding["id"] for finding in status["findings"]] == ["exposed"]
    assert stopped["ok"]


def test_one_in_another_network_namespace_is_named_and_not_asked(place: Place) -> None:
    path = place.path("apart.pid")
    script = f"ip link set lo up; exec memcached -u {place.user} -p 11211 -l 127.0.0.1 -P {path}"
    process = subprocess.Popen(["unshare", "--net", "sh", "-euc", script], stdin=NULL, stdout=NULL, stderr=NULL)
    try:
        wait(Path(path).exists)
        (mine,) = [
            instance for instance in place.json("status")["result"]["instances"] if instance["pid"] == process.pid
        ]
        assert (mine["answered"], mine["why"]) == (False, "in another network namespace: not asked")
        # Its ports are not ours: the same line is started here all the same.
        other = place.path("here.pid")
        dry = place.json("start", "-p", "11311", "-P", other, "--dry-run")
        subprocess.run(
            ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *dry["result"]["line"]], check=True
        )
        wait(Path(other).exists)
        place.pids.append(int(Path(other).read_text()))
        again = place.json("start", "-p", "11311", "-P", other, "--dry-run")
        assert "pid-file-foreign" in [finding["id"] for finding in again["findings"]]
    finally:
        process.kill()
        process.wait()


def test_a_crash_leaves_what_an_undo_needs(place: Place) -> None:
    port = free_port()
    words = ("start", "-p", str(port), "-P", place.path(f"{port}.pid"), "--yes")
    crashed = place.run("memcached", *words, OPSKIT_TEST_KILL="stepped:1")
    assert crashed.code == -signal.SIGKILL
    assert answers(port)
    place.pids.append(pid_of(place, port))
    assert place.run("undo", "last", "--yes").code == 0
    assert not answers(port)


def test_an_ordinary_user(place: Place) -> None:
    port = free_port()
    state = place.folder / "theirs"
    state.mkdir(mode=0o700)
    shutil.chown(state, "nobody")
    words = ("start", "-p", str(port), "--yes")
    answer = place.json(*words, under=AS_NOBODY, OPSKIT_STATE_DIR=str(state))
    assert answer["ok"], answer
    pid = int((state / f"memcached-{port}.pid").read_text())
    place.pids.append(pid)
    assert Path(f"/proc/{pid}").owner() == "nobody"
    assert "-u" not in answer["result"]["line"]
    stopped = place.json("stop", "--port", str(port), "--yes", under=AS_NOBODY, OPSKIT_STATE_DIR=str(state))
    assert stopped["ok"], stopped
    # The first run of all: its state directory is not there yet.
    fresh = state / "fresh"
    answer = place.json(*words, under=AS_NOBODY, OPSKIT_STATE_DIR=str(fresh))
    assert answer["ok"], answer
    place.pids.append(int((fresh / f"memcached-{port}.pid").read_text()))
    # Root's directory, and none of its own named.
    (place.folder / "roots").mkdir(mode=0o755)
    other = ("start", "-p", str(free_port()), "--yes")
    refused = place.json(*other, under=AS_NOBODY, OPSKIT_STATE_DIR=str(place.folder / "roots"))
    assert (refused["status"], refused["error"]["id"]) == (MISSING, "missing"), refused
    # Before the plan and the question, where nobody has answered it yet.
    before = place.run("memcached", *other[:-1], under=AS_NOBODY, OPSKIT_STATE_DIR=str(place.folder / "roots"))
    assert (before.code, before.out) == (MISSING, "")
    assert "Plan" not in before.err


def test_the_default_pid_file_is_where_the_user_can_write(place: Place) -> None:
    """In a /run of its own, which the daemon keeps."""
    port = free_port()
    covered = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh")
    answer = place.json("start", "-p", str(port), "-u", "nobody", "--yes", under=covered)
    assert answer["ok"], answer
    shown = place.json("status", *LONG)["result"]["instances"]
    (pid,) = (instance["pid"] for instance in shown if instance["listeners"] == [f"tcp 127.0.0.1:{port}"])
    place.pids.append(pid)
    folder = Path(f"/proc/{pid}/root/run/memcached-nobody")
    file = folder / f"memcached-{port}.pid"
    wait(file.exists)  # memcached listens first
    assert (folder.owner(), file.owner(), file.read_text().strip()) == ("nobody", "nobody", str(pid))


def test_without_proc_nothing_is_taken_for_absent(place: Place) -> None:
    """Whether an instance runs could not be told: start would start it, and take back one that runs."""
    port = str(free_port())
    covered = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
    for words in (("start", "-p", port, "--yes"), ("stop", "--port", port, "--yes"), ("status",)):
        answer = place.json(*words, under=covered)
        assert (answer["status"], answer["error"]["what"]) == (MISSING, "/proc"), answer
    assert not answers(int(port))
    # Who may not start a unit is told before anything is looked at.
    refused = place.json("start", "--unit", "--yes", under=AS_NOBODY)
    assert (refused["status"], refused["error"]["id"]) == (MISSING, "missing"), refused


def processor_time() -> float:
    """Seconds of processor time that ended children have taken: what a busy machine does not make longer."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_fifty_instances_are_asked_in_a_second(place: Place) -> None:
    """The goal is a second, half of which is the time limit of the dead one: half a second of work is left."""
    count = 50
    running = [place.directly("-p", "0", "-s", place.path(f"{n}.sock"), "-t", "1", "-m", "2") for n in range(count)]
    try:
        wait(lambda: all(Path(place.path(f"{n}.sock")).exists() for n in range(count)))
        os.kill(running[7].pid, signal.SIGSTOP)  # one that never answers
        best: Optional[float] = None
        for _ in range(3):
            began = processor_time()
            answer = place.json("status", "--timeout", "5s")
            spent = processor_time() - began
            best = spent if best is None else min(best, spent)
            mine = [
                instance
                for instance in answer["result"]["instances"]
                if (instance["socket"] or "").startswith(str(place.folder))
            ]
            assert len(mine) == count
            assert [instance["pid"] for instance in mine if not instance["answered"]] == [running[7].pid]
            if best < 1.0:
                break
        print(f"status of {count} instances, one of them dead: {best:.2f} s of work")
        assert best is not None
        assert best < 1.0
    finally:
        for process in running:
            process.kill()
            process.communicate()


def test_watch_draws_until_it_is_interrupted(place: Place) -> None:
    port = free_port()
    place.start(port)
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(place.folder / "state")}
    terminal = Terminal([*OPSKIT, "memcached", "status", "--watch", "--interval", "100ms", *LONG], environment, 240)
    try:
        terminal.read_until(f"127.0.0.1:{port}")
        terminal.read_until("MEMORY")
        terminal.process.send_signal(signal.SIGINT)
        ended = terminal.end()
        assert ended.code == 130
        assert "Traceback" not in ended.out
    finally:
        terminal.close()
    assert "terminal" in place.run("memcached", "status", "--watch").err
    for name in ("--interval", "--timeout"):
        answer = [place.run("memcached", "status", name, text).code for text in ("inf", "nan", "1e300", "0", "-1")]
        assert answer == [USAGE] * 5


def test_watch_on_eighty_columns_has_whole_figures_and_a_graph(place: Place) -> None:
    port = free_port()
    place.start(port)
    environment = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(place.folder / "state"), "NO_COLOR": "1"}
    terminal = Terminal([*OPSKIT, "memcached", "status", "--watch", "--interval", "100ms", *LONG], environment, 80)
    try:
        terminal.read_until("▁▁")
        terminal.process.send_signal(signal.SIGINT)
        shown = terminal.end().out
        row = next(line for line in shown.splitlines() if f"127.0.0.1:{port}" in line)
        assert "1024" in row
        assert "…" not in row
    finally:
        terminal.close()


def test_lint_is_quick(place: Place) -> None:
    """The goal is 8 times a bare Python. Measured with Python 3.13: 6.9."""
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def cost(*argv: str) -> float:
        best = 1e9
        for _ in range(9):
            began = processor_time()
            subprocess.run(argv, stdout=NULL, stderr=NULL, check=False, env=environment, cwd="/")
            best = min(best, processor_time() - began)
        return best

    bare = cost(sys.executable, "-c", "pass")
    lint = cost(*OPSKIT, "memcached", "lint", "--", "-p", "11211", "-u", place.user, "-l", "127.0.0.1")
    print(f"lint: {lint * 1000:.0f} ms, bare Python: {bare * 1000:.0f} ms: {lint / bare:.1f}")
    assert lint < 16 * bare
