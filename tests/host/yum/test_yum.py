"""`opskit yum` with a real dnf and rpm: held at the prompt, in metadata, download and %post, stopped, killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.tools import OPSKIT, run, until
from host.yum.packages import ENV, OTHERS, WAIT, Root, Server, build, missing
from tiers import more, slow


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if why := missing():
        pytest.skip(why)
    return build(tmp_path_factory.mktemp("packages"))


@pytest.fixture
def root(tmp_path: Path, repo: Path) -> Iterator[Root]:
    server = Server(repo)
    made = Root(tmp_path, repo, server)
    yield made
    server.go.set()
    made.close()
    server.close()


def ended(process: subprocess.Popen[Any]) -> int:
    return process.wait(WAIT)


def state_of(pid: int, wanted: str) -> None:
    """Wait until a process is in this state: nothing tells of it."""
    until = time.monotonic() + WAIT
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != wanted:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_all_free(root: Root) -> None:
    # What dnf 5.2 and 5.3 lock for a moment to see whether they may is no lock that anybody waits for.
    (root.path / "run/dnf").mkdir(parents=True)
    (root.path / "run/dnf/rpmtransaction.lock.tmp").touch()
    answer = root.opskit("lock", "--json").well()
    assert {lock["state"] for lock in answer.json["result"]["locks"]} == {"free"}
    root.opskit("wait", "--timeout", "1h30m").well()
    assert set(answer.ids) <= {OTHERS}
    assert "nothing to do" in root.opskit("unlock", "--yes").well().out


def test_in_a_transaction_only_waiting_is_safe(root: Root) -> None:
    process = root.in_transaction()
    code, lock, ids = root.lock("rpmdb_lock.pid")
    assert (code, lock["state"], lock["phase"], lock["advice"]) == (7, "held", "transaction", "wait")
    assert lock["holder"]["pid"] == process.pid
    assert lock["holder"]["name"] == "dnf"
    assert [child["name"] for child in lock["holder"]["children"]] == ["sh"]
    assert lock["safe_commands"] == [f"opskit yum wait --installroot {root.path}"]
    assert "lock-held" in ids
    _, rpm, _ = root.lock(".rpm.lock")
    assert (rpm["state"], rpm["phase"], rpm["pid"]) == ("held", "transaction", process.pid)
    for options in ((), ("--yes",), ("--yes", "--lock-timeout", "1s"), ("--dry-run",)):
        refused = root.opskit("unlock", *options)
        assert refused.code == 5
        assert "in a transaction" in refused.err
    late = root.opskit("wait", "--timeout", "0.2s")
    assert (late.code, f"opskit yum lock --installroot {root.path} shows" in late.err) == (7, True)
    root.go()
    assert ended(process) == 0
    assert root.opskit("lock").code == 0


def test_a_sample_tells_whether_it_gets_anywhere(root: Root) -> None:
    root.in_transaction()
    _, lock, _ = root.lock("rpmdb_lock.pid")
    assert lock["holder"]["activity"] is None
    assert root.opskit("lock", "--sample", "nan").code == 2
    answer = root.opskit("lock", "--json", "--sample", "0.3s")
    held = [lock for lock in answer.json["result"]["locks"] if lock["state"] == "held"]
    assert held[0]["holder"]["activity"]["seconds"] >= 0.3
    assert (answer.code, answer.json["ok"]) == (7, False)
    root.go()


def test_stopped_in_a_transaction_it_goes_on(root: Root) -> None:
    process = root.in_transaction()
    os.kill(process.pid, signal.SIGSTOP)
    state_of(process.pid, "T")
    code, lock, _ = root.lock("rpmdb_lock.pid")
    assert (code, lock["state"], lock["advice"], lock["phase"]) == (7, "stopped", "continue", "transaction")
    plan = root.opskit("unlock", "--json", "--dry-run").json["result"]
    assert [change["action"] for change in plan["changes"]] == ["continue"]
    assert root.opskit("unlock", "--json", "--yes").json["result"]["changed"]
    root.go()
    assert ended(process) == 0


def test_ctrl_z_stops_the_scriptlet_too_and_both_go_on(root: Root) -> None:
    process = root.in_transaction()
    os.killpg(process.pid, signal.SIGSTOP)  # SIGTSTP does nothing to a group without a shell
    state_of(process.pid, "T")
    plan = root.opskit("unlock", "--json", "--dry-run").json["result"]
    assert [change["action"] for change in plan["changes"]] == ["continue", "continue"]
    assert "opskit undo" not in root.opskit("unlock", "--yes").well().out  # it would say that it cannot
    root.go()
    assert ended(process) == 0


@pytest.mark.parametrize(("hold", "name"), [("repomd.xml", "metadata"), (".rpm", "download")])
def test_in_metadata_and_download_an_interrupt_is_clean(root: Root, hold: str, name: str) -> None:
    root.server.hold = hold
    process = root.start(*root.argv("-y", "install", "quick"))
    assert root.server.arrived.wait(WAIT)
    code, lock, _ = root.lock(f"{name}_lock.pid")
    assert (code, lock["state"], lock["phase"], lock["advice"]) == (7, "held", name, "interrupt")
    assert f"kill -INT {process.pid}" in lock["safe_commands"][-1]
    no = root.opskit("unlock")
    assert (no.code, process.poll()) == (5, None)
    done = root.opskit("unlock", "--yes", "--json")
    assert done.code == 0, done.err
    assert ended(process) != 0
    assert root.opskit("lock").code == 0
    root.server.go.set()
    assert root.dnf("install", "quick").returncode == 0


def holder_by(root: Root, script: str, python: str = sys.executable) -> subprocess.Popen[str]:
    """A process of this Python script whose pid is in the metadata lock, once it has said something."""
    process = subprocess.Popen(
        [python, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV
    )
    assert process.stdout
    process.stdout.readline()
    root.file("metadata").write_text(str(process.pid))
    return process


def test_who_ignores_an_interrupt_is_sent_none(root: Root) -> None:
    """As what a script starts with & : unlock would wait for its end for half a minute, in vain."""
    name = "open('/proc/self/comm','w').write('dnf'); print(1,flush=True); sys.stdin.read()"
    script = f"import signal,sys; signal.signal(signal.SIGINT,signal.SIG_IGN); {name}"
    process = holder_by(root, script)
    _, lock, _ = root.lock("metadata_lock.pid")
    assert (lock["advice"], "ignores SIGINT" in lock["why"]) == ("wait", True)
    assert root.opskit("unlock", "--yes").code == 7
    process.communicate()


def test_the_line_that_is_shown_interrupts(root: Root) -> None:
    root.server.hold = "repomd.xml"
    process = root.start(*root.argv("-y", "makecache"))
    assert root.server.arrived.wait(WAIT)
    _, lock, _ = root.lock("metadata_lock.pid")
    run("sh", "-euc", lock["safe_commands"][-1])
    assert ended(process) != 0


def test_killed_in_a_download_the_tool_takes_it_over(root: Root) -> None:
    root.server.hold = ".rpm"
    process = root.start(*root.argv("-y", "install", "quick"))
    assert root.server.arrived.wait(WAIT)
    process.kill()
    ended(process)
    code, lock, ids = root.lock("download_lock.pid")
    assert (code, lock["state"], lock["advice"], lock["holder"]) == (4, "stale", "nothing", None)
    assert ids == ["lock-stale"]
    assert "nothing to do" in root.opskit("unlock", "--yes").well().out
    root.opskit("wait", "--timeout", "5s").well()
    root.server.go.set()
    assert root.dnf("install", "quick").returncode == 0
    assert root.opskit("lock").code == 0


def test_killed_in_a_transaction_what_to_check_is_said(root: Root) -> None:
    process = root.in_transaction()
    process.kill()
    ended(process)
    code, lock, ids = root.lock("rpmdb_lock.pid")
    assert (code, lock["state"]) == (4, "stale")
    assert {"orphaned-scriptlet", "check-rpm-database", "check-dependencies", "check-duplicates"} <= set(ids)
    notes = root.opskit("unlock", "--yes", "--json").json
    assert notes["result"]["changed"] is False
    assert {"check-rpm-database", "unfinished-transaction"} <= {note["id"] for note in notes["findings"]}
    # In another root it is nobody's affair; in this one a package manager has to wait for the scriptlet.
    (root.folder / "other").mkdir()
    other = root.opskit("lock", "--json", "--installroot", str(root.folder / "other"), below=False).well()
    assert "orphaned-scriptlet" not in other.ids
    waited = root.opskit("wait", "--timeout", "1s")
    assert (waited.code, "a scriptlet that was cut off" in waited.err) == (7, True)
    waiting = root.start(*OPSKIT, "yum", "wait", "--installroot", str(root.path), "--timeout", "10m")
    root.go()
    assert ended(waiting) == 0


def test_a_broken_transaction_is_known_from_the_history_when_its_lock_is_gone(root: Root) -> None:
    """Removed by hand, say; a transaction that ends settles it."""
    process = root.in_transaction()
    assert "unfinished-transaction" not in root.lock("rpmdb_lock.pid")[2]
    process.kill()
    ended(process)
    root.go()
    root.opskit("wait", "--timeout", "1m").well()
    root.file("rpmdb").unlink()
    folder = root.path / "var/lib/dnf"
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    answer = root.opskit("lock", "--json").well()
    assert {"check-rpm-database", "check-dependencies", "check-duplicates", "unfinished-transaction"} <= set(answer.ids)
    assert any("history.sqlite, of 2" in finding["evidence"] for finding in answer.json["findings"])
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before
    assert root.dnf("install", "quick").returncode == 0
    assert set(root.opskit("lock", "--json").well().ids) <= {OTHERS}


def test_what_a_scriptlet_leaves_running_is_no_broken_transaction(root: Root) -> None:
    assert root.dnf("install", "daemon").returncode == 0
    root.ready()
    answer = root.opskit("lock", "--json").well()
    assert set(answer.ids) <= {OTHERS}
    root.opskit("wait", "--timeout", "5s").well()
    root.go()


@pytest.mark.parametrize("how", ["conf", "setopt", "config"])
def test_the_locks_are_where_the_configuration_puts_them(root: Root, how: str) -> None:
    """In dnf.conf of the root, or only on the command line of the dnf that runs, where --setopt has no installroot."""
    outside = str(root.folder) if how == "setopt" else ""
    folders = {"cachedir": f"{outside}/opt/cache", "persistdir": f"{outside}/opt/state"}
    lines = "".join(f"{key}={value}\n" for key, value in folders.items())
    config = root.folder / "dnf.conf"
    conf = config.read_text().replace("[main]\n", f"[main]\n{lines}")
    words = [f"--setopt={key}={value}" for key, value in folders.items()] if how == "setopt" else []
    if how == "conf":
        (root.path / "etc/dnf").mkdir(parents=True)
        (root.path / "etc/dnf/dnf.conf").write_text(conf)
    if how != "setopt":
        config.write_text(conf)
    process = root.start(*root.argv("-y", *words, "install", "slow"))
    root.ready()
    code, lock, _ = root.lock("/opt/state/rpmdb_lock.pid")
    assert (code, lock["state"], lock["phase"]) == (7, "held", "transaction")
    assert root.opskit("wait", "--timeout", "0.1s").code == 7
    root.go()
    assert ended(process) == 0


def test_the_pid_of_init(root: Root) -> None:
    """As in an image that was built by a dnf that was pid 1: dnf would wait for init for ever."""
    path = root.file("metadata")
    path.write_text("1")
    assert root.dnf("--setopt=exit_on_lock=1", "makecache").returncode == 200
    code, lock, _ = root.lock("metadata_lock.pid")
    if lock["state"] == "outside":
        # Who is not on the host itself cannot know; on it, another test has a pid 1 of its own that sees this file.
        on_the_host = os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"
        assert (code, lock["advice"], bool(lock["holder"])) == (7, "wait", on_the_host)
        return
    assert (code, lock["state"], lock["advice"]) == (4, "reused", "clear")
    # A container that sees this very file has a pid 1 of its own, whatever its name is.
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--propagation", "private", "sleep", "600")
    outer = root.start(*inside)
    while not Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text():
        time.sleep(0.01)
    code, lock, _ = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"]) == (7, "outside", "wait")
    child = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text())
    os.kill(child, signal.SIGKILL)
    ended(outer)
    # Another test that has a pid 1 of its own right now ends.
    until(lambda: root.lock("metadata_lock.pid")[1]["state"] == "reused", WAIT)
    root.opskit("unlock", "--yes").well()
    assert root.dnf("makecache").returncode == 0


def test_a_script_that_locks_through_the_api_holds_whatever_the_clock_says(root: Root) -> None:
    """After a step of the clock its lock seems older than itself: what it has loaded tells."""
    process = holder_by(root, "import rpm, signal; print(1, flush=True); signal.pause()", "/usr/bin/python3")
    path = root.file("metadata")
    os.utime(path, (time.time() - 100, time.time() - 100))
    code, lock, _ = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"]) == (7, "held", "wait")
    process.terminate()
    process.communicate()


def test_at_the_prompt_dnf_holds_nothing_but_is_named(root: Root) -> None:
    process = root.start(*root.argv("install", "quick"), terminal=True)
    output = b""
    while b"[y/N]" not in output:
        assert select.select([process.terminal], [], [], WAIT)[0]  # type: ignore[attr-defined]
        output += os.read(process.terminal, 4096)  # type: ignore[attr-defined]
    state_of(process.pid, "S")
    answer = root.opskit("lock", "--json").well()
    titles = [finding["title"] for finding in answer.json["findings"] if finding["id"] == "runs-without-lock"]
    assert any(f"pid {process.pid} " in title and "waits at its prompt" in title for title in titles)
    # yum 3.4.3 has its lock at the prompt, too.
    yum = root.path / "var/run/yum.pid"
    yum.parent.mkdir(parents=True)
    yum.write_text(str(process.pid))
    code, lock, _ = root.lock("yum.pid")
    assert (code, lock["state"], lock["advice"]) == (7, "waiting at a prompt", "interrupt")
    root.opskit("unlock", "--yes").well()
    ended(process)


def test_a_plain_rpm(root: Root) -> None:
    package = next(root.repo.rglob("slow-*.rpm"))
    process = root.start("rpm", "--root", str(root.path), "-U", "--nodeps", str(package))
    root.ready()
    code, lock, _ = root.lock(".rpm.lock")
    assert (code, lock["state"], lock["phase"], lock["pid"]) == (7, "held", "transaction", process.pid)
    assert root.opskit("unlock", "--yes").code == 5
    root.go()
    assert ended(process) == 0
    code, lock, _ = root.lock(".rpm.lock")
    assert (code, lock["state"]) == (0, "free")
    assert Path(lock["path"]).exists()


def test_a_lock_whose_file_was_deleted_is_held_all_the_same(root: Root) -> None:
    """`rm -f .rpm.lock` is what the web advises: the kernel's lock goes on, on a file that nobody else opens."""
    package = next(root.repo.rglob("slow-*.rpm"))
    process = root.start("rpm", "--root", str(root.path), "-U", "--nodeps", str(package))
    root.ready()
    for again in (False, True):
        root.rpm_lock.touch() if again else root.rpm_lock.unlink()
        code, lock, _ = root.lock(".rpm.lock")
        assert (code, lock["state"], lock["phase"], lock["pid"]) == (7, "held", "transaction", process.pid)
        assert lock["why"].endswith("; its file was deleted meanwhile, and keeps no other out")
    assert root.opskit("unlock", "--yes").code == 5
    assert root.opskit("wait", "--timeout", "1s", "--", "true").code == 7
    root.go()
    assert ended(process) == 0
    code, lock, _ = root.lock(".rpm.lock")
    assert (code, lock["state"]) == (0, "free")


def test_in_another_pid_namespace_the_right_process_is_named(root: Root) -> None:
    outer = root.in_transaction("unshare", "--pid", "--fork", "--mount-proc", "--propagation", "private")
    code, lock, ids = root.lock("rpmdb_lock.pid")
    assert (code, lock["state"], lock["phase"], lock["advice"]) == (7, "outside", "transaction", "wait")
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    assert [str(lock["holder"]["pid"])] == children
    assert lock["holder"]["inner_pid"] == lock["pid"] == 1
    assert "lock-outside" in ids
    assert root.opskit("unlock", "--yes").code == 5
    # From inside yet another one the kernel names nobody.
    inside = ("unshare", "--pid", "--fork", "--mount-proc", "--propagation", "private")
    code, lock, _ = root.lock(".rpm.lock", prefix=inside)
    assert (code, lock["state"], lock["pid"], lock["holder"]) == (7, "outside", 0, None)
    root.go()
    assert ended(outer) == 0


BAD = [
    ("", "stale", "nothing"),
    ("abc", "malformed", "clear"),
    ("\n", "malformed", "clear"),
    ("\0\0\0\0", "malformed", "clear"),
    ("-1", "stale", "nothing"),
    ("0", "stale", "nothing"),
    ("9" * 19, "stale", "nothing"),
    ("9" * 300, "stale", "nothing"),
    ("2147483647", "stale", "nothing"),
]


@pytest.mark.parametrize(("content", "state", "advice"), BAD, ids=lambda value: repr(value)[:12])
def test_what_is_in_the_file(root: Root, content: str, state: str, advice: str) -> None:
    """opskit says of each what dnf makes of it: where nothing has to be done dnf works, else it fails until unlock."""
    root.file("metadata").write_text(content)
    code, lock, _ = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"]) == (4, state, advice)
    if advice == "clear":
        assert root.dnf("makecache").returncode == 200
        assert root.opskit("wait").code == 4
        done = root.opskit("unlock", "--yes", "--json").json["result"]
        assert done["changed"]
        kept = [path for path in root.file("metadata").parent.iterdir() if ".opskit-" in path.name]
        assert [path.read_text() for path in kept] == [content]
    assert root.dnf("makecache").returncode == 0


def test_what_was_cleared_comes_back(root: Root) -> None:
    root.file("metadata").write_text("abc")
    done = root.opskit("unlock", "--yes", "--json").json["result"]
    assert not root.file("metadata").exists()
    environment = {**ENV, "OPSKIT_STATE_DIR": str(root.folder / "state")}
    run(*OPSKIT, "undo", done["run"], "--yes", env=environment)
    assert root.file("metadata").read_text() == "abc"


@pytest.mark.parametrize("kind", ["symlink", "directory", "fifo", "device", "socket"])
def test_something_else_in_place_of_the_file(root: Root, kind: str) -> None:
    path = root.file("metadata")
    if kind == "symlink":
        path.symlink_to(root.folder / "dnf.conf")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, 0o20600, os.makedev(5, 0))
    else:
        import socket  # noqa: PLC0415

        with socket.socket(socket.AF_UNIX) as made:
            os.chdir(path.parent)
            made.bind(path.name)
            os.chdir("/")
    code, lock, ids = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"], ids) == (4, "malformed", "nothing", ["lock-malformed"])
    refused = root.opskit("unlock", "--yes")
    assert (refused.code, os.path.lexists(path)) == (5, True)
    assert root.opskit("wait", "--timeout", "5s").code == 4


def of_a_user(root: Root) -> Path:
    """The lock that a dnf has which is not root's, in a folder where its user writes what he likes."""
    folder = root.path / "var/tmp/dnf-ops-x1/locks"
    folder.mkdir(parents=True)
    for made in (folder, folder.parent):
        os.chown(made, 65534, 65534)
    return folder / "metadata_lock.pid"


@pytest.mark.parametrize("content", ["abc", "1", "fifo"])
def test_what_a_user_has_in_his_own_folder_stops_nobody_else(root: Root, content: str) -> None:
    path = of_a_user(root)
    if content == "fifo":
        os.mkfifo(path)
    else:
        path.write_text(content)
    code, lock, ids = root.lock("dnf-ops-x1/locks/metadata_lock.pid")
    assert (code in {4, 7}, lock["state"] != "free", len(ids)) == (True, True, 1)
    assert not any(line.startswith("opskit") for line in lock["safe_commands"])
    root.opskit("wait", "--timeout", "5s").well()
    assert "nothing to do" in root.opskit("unlock", "--yes").well().out
    assert [inner.name for inner in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("link", ["dnf-ops-x1", "dnf-ops-x1/locks"])
def test_a_symlink_of_a_user_leads_to_no_other_folder(root: Root, link: str) -> None:
    """He can make one to a folder of root's with any *.pid in it, and root's unlock would put that aside."""
    other = root.folder / "other" / "locks"
    other.mkdir(parents=True)
    (other / "sshd.pid").write_text("abc")
    path = root.path / "var/tmp" / link
    path.parent.mkdir(parents=True)
    path.symlink_to(other if link.endswith("locks") else other.parent)
    root.opskit("lock").well()
    root.opskit("unlock", "--yes").well()
    assert (other / "sshd.pid").exists()


def test_the_pid_of_another_program(root: Root) -> None:
    """Older than the lock: not proof of a reused pid. Younger: it is, and dnf would wait for ever."""
    process = root.start("sleep", "600")
    path = root.file("metadata")
    path.write_text(str(process.pid))
    code, lock, _ = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"]) == (7, "held", "wait")
    os.utime(path, (time.time() - 100, time.time() - 100))
    code, lock, ids = root.lock("metadata_lock.pid")
    assert (code, lock["state"], lock["advice"], ids) == (4, "reused", "clear", ["lock-reused"])
    root.opskit("unlock", "--yes").well()
    assert process.poll() is None
    assert root.dnf("makecache").returncode == 0


def with_zombie() -> tuple[subprocess.Popen[str], int]:
    """A process that does not collect its dead child, and that child."""
    script = "import os,sys,time\npid=os.fork()\nif not pid: os._exit(0)\nprint(pid,flush=True)\nsys.stdin.read()"
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    state_of(pid, "Z")
    return parent, pid


def test_a_zombie(root: Root) -> None:
    parent, pid = with_zombie()
    root.file("download").write_text(str(pid))
    code, lock, _ = root.lock("download_lock.pid")
    assert (code, lock["state"], lock["advice"]) == (4, "zombie", "clear")
    assert f"pid {parent.pid}" in lock["why"]
    root.opskit("unlock", "--yes").well()
    parent.communicate()
    assert root.opskit("lock").code == 0


def test_a_zombie_beside_a_holder_ends_no_sample_and_no_sleep(root: Root) -> None:
    """A pidfd of a zombie is ready at once, for ever."""
    parent, pid = with_zombie()
    root.file("metadata").write_text(str(parent.pid))
    root.file("download").write_text(str(pid))
    answer = root.opskit("lock", "--json", "--sample", "0.3s")
    acts = {lock["pid"]: lock["holder"]["activity"] for lock in answer.json["result"]["locks"] if lock["holder"]}
    assert acts[parent.pid]["seconds"] >= 0.3
    if run("strace", "-V", check=False).returncode == 0:
        trace = root.folder / "trace"
        waited = root.opskit("wait", "--timeout", "0.5s", prefix=("strace", "-o", str(trace), "-e", "trace=poll"))
        assert waited.code == 7
        assert len([line for line in trace.read_text().splitlines() if "POLLIN" in line]) <= 2
    parent.communicate()


def test_a_name_with_spaces_and_parentheses(root: Root) -> None:
    script = "import sys; open('/proc/self/comm','w').write('a) S 1 (b'); print('ready',flush=True); sys.stdin.read()"
    process = holder_by(root, script)
    _, lock, _ = root.lock("metadata_lock.pid")
    assert lock["holder"]["name"] == "a) S 1 (b"
    assert lock["holder"]["parents"][0]["pid"] == os.getpid()
    process.communicate()


@pytest.mark.parametrize("hidden", [False, True])
def test_without_root_and_with_hidepid(root: Root, hidden: bool) -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if run(*nobody, OPSKIT[0], "--version", check=False).returncode:
        pytest.skip("the Python of the tests is where nobody else may read it")
    for folder in [root.path, *root.path.parents][:-2]:
        os.chmod(folder, 0o755)
    process = root.in_transaction()
    os.chmod(root.path / "root", 0o755)
    prefix: tuple[str, ...] = nobody
    if hidden:
        script = 'mount -t proc -o hidepid=2 proc /proc; exec "$@"'
        prefix = ("unshare", "-m", "--propagation", "private", "sh", "-euc", script, "-", *nobody)
    code, lock, _ = root.lock("rpmdb_lock.pid", prefix=prefix)
    assert (code, lock["state"], lock["phase"], lock["advice"]) == (7, "held", "transaction", "wait")
    assert lock["holder"]["pid"] == process.pid
    assert root.opskit("unlock", "--yes", prefix=prefix).code == 6
    root.go()
    assert ended(process) == 0
    root.opskit("wait", prefix=prefix).well()
    root.rpm_lock.chmod(0o600)
    assert root.opskit("wait", prefix=prefix).code == 6  # whether it is free, only root can see


# `opskit yum wait` as it is, after some lines of Python that are about its module `see`.
WAITS = """
import sys
import opskit.yum.wait.see as see
{}
from opskit import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def wait_in(root: Root, lines: str, *words: str) -> subprocess.Popen[str]:
    """`opskit yum wait` in the background, after these lines."""
    argv = [sys.executable, "-c", WAITS.format(lines), "yum", "wait", "--installroot", str(root.path), *words]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV, cwd="/"
    )
    root.processes.append(process)  # ended after the test, if it has not ended
    return process


def test_wait_returns_at_once_and_becomes_the_command(root: Root) -> None:
    process = root.in_transaction()
    # It does not look again by itself: what wakes it is the release. How soon, scripts/bench measures.
    never = "see.SURE_SECONDS = see.LOOK_SECONDS = 3600.0"
    waiting = wait_in(root, never, "--", sys.executable, "-c", "raise SystemExit(5)")
    assert waiting.stderr
    assert f"pid {process.pid}" in waiting.stderr.readline()
    root.go()
    ended(process)
    assert waiting.communicate(timeout=WAIT) == ("", "")
    assert waiting.returncode == 5


@pytest.mark.parametrize("prefix", [(), ("sh", "-c", 'trap "" HUP; exec "$@"', "nohup")], ids=["", "nohup"])
def test_the_command_of_a_wait_starts_with_the_signals_of_any_other(root: Root, prefix: tuple[str, ...]) -> None:
    look = ("grep", "^SigIgn", "/proc/self/status")
    answers = (root.opskit("wait", "--", *look, prefix=prefix).well().out, run(*prefix, *look).stdout)
    ignored = [int(answer.split()[1], 16) for answer in answers]
    # Only the 31 with names: glibc's posix_spawn, which Python 3.13 sometimes starts a program by, ignores its own two.
    assert len({mask & 0x7FFFFFFF for mask in ignored}) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_a_wait_is_told_that_nothing_was_under_way(root: Root, number: signal.Signals) -> None:
    root.in_transaction()
    words = [*OPSKIT, "yum", "wait", "--installroot", str(root.path)]
    waiting = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV, cwd="/")
    assert waiting.stderr
    waiting.stderr.readline()
    waiting.send_signal(number)
    out, err = waiting.communicate(timeout=WAIT)
    assert (waiting.returncode, out) == (128 + number, "")
    assert "No step was under way" in err
    root.go()


def test_wait_notices_a_sigkill(root: Root) -> None:
    process = root.in_transaction()
    waiting = wait_in(root, "see.SURE_SECONDS = 3600.0", "--json")
    state_of(waiting.pid, "S")
    process.kill()
    ended(process)
    root.go()  # its scriptlet runs on until then, and is waited for as well
    out, _ = waiting.communicate(timeout=WAIT)
    assert waiting.returncode == 0
    assert '"free": true' in out


def test_wait_gives_a_parent_a_moment_to_collect_who_was_killed(root: Root) -> None:
    script = (
        "import subprocess,sys\np=subprocess.Popen(['sleep','60'])\nprint(p.pid,flush=True)\nsys.stdin.read()\np.wait()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENV
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    root.file("metadata").write_text(str(pid))
    # The second time that it sleeps it has seen the zombie. It says so, and wakes up when the parent has collected it.
    waiting = wait_in(
        root,
        "sleep, slept = see._sleep, []\n"
        "def _sleep(*arguments):\n"
        "    slept.append(arguments)\n"
        "    if len(slept) == 1:\n"
        "        return sleep(*arguments)\n"
        "    print('moment', len(slept), flush=True)\n"
        "    sys.stdin.readline()\n"
        "see._sleep = _sleep",
    )
    assert waiting.stdout
    assert waiting.stderr
    waiting.stderr.readline()
    os.kill(pid, signal.SIGKILL)
    assert waiting.stdout.readline() == "moment 2\n"
    parent.communicate()
    out, _ = waiting.communicate("\n", timeout=WAIT)
    assert (waiting.returncode, "moment" in out) == (0, False)


@pytest.mark.parametrize("seconds", [slow(30)])
def test_waiting_for_half_a_minute_wakes_up_three_times_at_most(root: Root, seconds: int) -> None:
    process = root.in_transaction()
    words = [*OPSKIT, "yum", "wait", "--installroot", str(root.path), "--json"]
    waiting = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENV, cwd="/")
    time.sleep(seconds)  # the time itself is what is asked about
    root.go()
    ended(process)
    out, _ = waiting.communicate(timeout=WAIT)
    import json  # noqa: PLC0415

    assert json.loads(out)["result"]["wakeups"] <= 3


@pytest.mark.parametrize("looks", [10, more(500)])
def test_looking_disturbs_no_rpm(root: Root, looks: int) -> None:
    """An rpm that installs again and again, while the locks are looked at: not one fails."""
    package = next(root.repo.rglob("quick-*.rpm"))
    line = f"rpm --root {root.path} -U --nodeps --force {package} || exit 1"
    loop = root.start("sh", "-c", f"trap 'exit 0' TERM; while :; do {line}; done")
    codes = {root.opskit("lock").code for _ in range(looks)}
    assert loop.poll() is None, (root.folder / "said").read_text()
    assert codes <= {0, 7}
    loop.terminate()
    assert ended(loop) == 0


def test_why_answers_on_a_host_without_systemd(root: Root) -> None:
    answer = root.opskit("why", "--json").well()
    if answer.json["result"]["systemd"]:
        pytest.skip("systemd runs here: tests/vm")
    refused = root.opskit("why", "--hold", "2h", "--yes")
    assert (refused.code, "systemd does not run" in refused.err) == (6, True)


def test_an_empty_option_as_of_a_variable_that_is_not_set_is_no_default(root: Root) -> None:
    """`unlock --installroot "$ROOT"` must not unlock the host."""
    for words in (
        ("lock", "--installroot", ""),
        ("wait", "--installroot", ""),
        ("unlock", "--yes", "--installroot", ""),
    ):
        assert root.opskit(*words, below=False).code == 2, words
    assert root.opskit("wait", "--timeout", "").code == 2
    assert root.opskit("why", "--hold", "").code == 2


def test_an_installroot_by_a_relative_path(root: Root) -> None:
    """What is shown, and what the ledger has, holds in any directory."""
    root.file("metadata").write_text("abc")
    there = ("env", "-C", str(root.path))
    answer = root.opskit("lock", "--json", "--installroot", ".", below=False, prefix=there)
    (lock,) = [lock for lock in answer.json["result"]["locks"] if lock["state"] != "free"]
    assert lock["safe_commands"][0] == f"opskit yum unlock --installroot {root.path}"
    for name, why in (("none", "No such file"), ("dnf.conf", "Not a directory")):
        wrong = root.opskit("lock", "--installroot", f"../{name}", below=False, prefix=there)
        assert (wrong.code, why in wrong.err) == (1, True)
    host = root.opskit("lock", "--json", "--installroot", "//", below=False)
    assert host.json["result"]["root"] == "/"


def test_without_any_of_the_tools_it_says_so(root: Root) -> None:
    """Those of the host are covered by what cannot be run, in a mount namespace."""
    hide = "; ".join(f"[ ! -e {path} ] || mount --bind /dev/null {path}" for path in HIDDEN)
    prefix = ("unshare", "-m", "--propagation", "private", "sh", "-uc", f'{hide}; exec "$@"', "-")
    for words in (("lock",), ("wait", "--", "true"), ("unlock", "--yes"), ("why",), ("why", "--hold", "2h", "--yes")):
        answer = root.opskit(*words, prefix=prefix)
        assert answer.code == 6, words
        assert "none of yum, dnf" in answer.err


HIDDEN = [
    f"/usr/{folder}/{name}"
    for folder in ("bin", "sbin", "lib/packagekit", "libexec")
    for name in ("yum", "dnf", "dnf5", "microdnf", "rpm", "pkcon", "packagekitd")
]


def test_the_kernel_is_asked_and_no_lock_is_taken(root: Root) -> None:
    """By a trace of system calls, of a look and of a dry run: F_GETLK and nothing that locks, signals or writes."""
    if run("strace", "-V", check=False).returncode:
        pytest.skip("no strace")
    root.in_transaction()
    root.file("metadata").write_text("abc")
    for words in (("lock",), ("unlock", "--dry-run"), ("wait", "--timeout", "0.3s")):
        trace = root.folder / "trace"
        calls = "fcntl,flock,kill,pidfd_send_signal,unlink,unlinkat,rename,renameat2,link,linkat,mkdir,open,openat"
        root.opskit(*words, prefix=("strace", "-f", "-o", str(trace), "-e", f"trace={calls}"))
        errors = trace.read_text().splitlines()
        assert any("F_GETLK" in line for line in errors)
        bad = ("F_SETLK", "F_OFD_SETLK", "flock(", "kill(", "pidfd_send", "unlink", "rename", "link(", "mkdir(")
        assert [line for line in errors if any(word in line.split(" ", 1)[1] for word in bad)] == []
        written = [line for line in errors if ("O_WRONLY" in line or "O_RDWR" in line) and "/dev/" not in line]
        assert written == []
    root.go()
