"""The collection opskit.host as ansible-playbook runs it, on hosts each of which has another opskit; and its script."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.opskit.host.plugins.plugin_utils import script
from ansible_collections.opskit.host.plugins.plugin_utils.answer import make_result
from ansible_collections.opskit.host.plugins.plugin_utils.script import Heard, Sending, make_script, read_output

import collection as generator
from checkout import ROOT

ANSIBLE = Path(sys.executable).parent / "ansible-playbook"
# With a key more, or it would be held against the schema of its command.
ENVELOPE = {"schema": 1, "ok": True, "command": "opskit something", "findings": [], "error": None, "newer": None}
CHANGED = json.dumps({**ENVELOPE, "result": {"title": "Mount", "plan": {"token": "T"}, "changed": True, "changes": []}})
# What an opskit of the test does beside telling its version: sh, in which "$@" are the words it was given.
FAKES = {
    "words": 'for word; do printf "%s\\0" "$word"; done >"$0.words"; ANSWER',
    "banner": "echo '** Authorized use only **'; echo 'opskit: warning: old key' >&2; ANSWER; echo goodbye",
    "no-json": "echo '<html>'; echo no",
    "long": """printf '%s' '{"schema": 1, "ok": true, "command": "x", "findings": [], "error": null, "result": "'
        head -c 1000000 /dev/zero | tr '\\0' x; echo '"}'""",
    "killed": "kill -9 $$",
    "surrogate": """printf '%s' '{"schema": 1, "ok": true, "command": "x", "findings": [], "error": null, '
        echo '"result": "\\udcff"}'""",
    "bytes": "printf '\\377\\n'; ANSWER",
}
SAYS = """#!/bin/sh
case "$1 $3" in "--needs --version") echo "opskit 0.2.0 (fake)"; exit 0 ;; esac
"""
KEEP = """
import json, os
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "keep"
    def keep(self, result, *_, failed=False, **more):
        with open(os.environ["KEPT"], "a") as file:
            kept = {**result._result, "failed": failed}  # as a playbook sees it
            file.write(json.dumps([result._host.get_name(), result._task.get_name(), kept]) + "\\n")
    def v2_runner_on_failed(self, result, **more):
        self.keep(result, failed=True)
    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = keep
"""
ODD = ["disk", "mount", "/dev/v d'b\"\n$(touch evil)", "-x;y", "", "*", "\\n"]


def fake(path: Path, does: str) -> Path:
    path.write_text(SAYS + does.replace("ANSWER", f"echo '{CHANGED}'") + "\n")
    path.chmod(0o755)
    return path


class Ended(NamedTuple):
    results: dict[tuple[str, str], dict[str, Any]]
    out: str
    code: int


def play(folder: Path, hosts: dict[str, dict[str, Any]], tasks: list[dict[str, Any]], *words: str) -> Ended:
    """Run these tasks on these hosts, none of which has a Python that Ansible could use."""
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins/keep.py").write_text(KEEP)
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "/no/python"}
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
    (folder / "play.json").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    (folder / "kept").unlink(missing_ok=True)
    settings = {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "opskit/fleet/collection"), "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CALLBACK_PLUGINS": str(folder / "plugins"), "ANSIBLE_CALLBACKS_ENABLED": "opskit.host.summary,keep",
        "KEPT": str(folder / "kept"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "2",
    }  # fmt: skip
    done = subprocess.run(
        [str(ANSIBLE), "-i", str(folder / "hosts.json"), *words, str(folder / "play.json")],
        capture_output=True, text=True, check=False, cwd=folder, stdin=subprocess.DEVNULL,
        env={**os.environ, **settings},
    )  # fmt: skip
    kept = [json.loads(line) for line in (folder / "kept").read_text().splitlines()]
    return Ended({(host, task): result for host, task, result in kept}, done.stdout + done.stderr, done.returncode)


needs_ansible = pytest.mark.skipif(not ANSIBLE.exists(), reason="ansible-core is for Python 3.10 and newer")


@needs_ansible
@pytest.mark.slow
def test_what_a_task_answers_of_hosts_each_of_which_is_odd(tmp_path: Path) -> None:
    hosts: dict[str, dict[str, Any]] = {
        name: {"opskit_path": str(fake(tmp_path / name, does))} for name, does in FAKES.items()
    }
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\n[ $# = 1 ] && echo 'opskit 0.1.0' && exit\necho 'no such option' >&2; exit 2\n")
    old.chmod(0o755)
    hosts |= {"old": {"opskit_path": str(old)}, "none": {"opskit_path": "/no/opskit"}}
    hosts["stopped"] = {"opskit_path": hosts["words"]["opskit_path"], "opskit_fleet_stop": str(tmp_path)}
    task = {"name": "run", "opskit.host.run": {"argv": ODD, "tool": "path", "tool_path": "{{ opskit_path }}"}}
    task["ignore_errors"] = True
    named = {
        "name": "named", "when": "inventory_hostname == 'words'", "check_mode": True,
        "opskit.host.disk_mount": {
            "device": "/dev/vdb", "fstype": "xfs", "no_fstab": True, "tool": "path", "tool_path": "{{ opskit_path }}2",
        },
    }  # fmt: skip
    fake(tmp_path / "words2", FAKES["words"])
    wrong: dict[str, Any] = {
        "name": "wrong", "when": "inventory_hostname == 'words'", "opskit.host.run": {"argv": ["disk", "{{ item }}"]},
        "loop": ["lst", "mont"], "ignore_errors": True,
    }  # fmt: skip
    ended = play(tmp_path, hosts, [task, named, wrong])
    results = {host: result for (host, name), result in ended.results.items() if name == "run"}
    assert set(results) == set(hosts), ended.out
    given = (tmp_path / "words.words").read_text().split("\0")[:-1]
    assert given == ["disk", "mount", "--json", "--yes", *ODD[2:]]
    assert not (tmp_path / "evil").exists()
    given = (tmp_path / "words2.words").read_text().split("\0")[:-1]
    assert given == ["disk", "mount", "--json", "--dry-run", "--fstype=xfs", "--no-fstab", "--", "/dev/vdb"]
    told = {host: (result.get("rc"), result["failed"], result["changed"]) for host, result in results.items()}
    assert told == {
        "words": (0, False, True), "banner": (0, False, True), "bytes": (0, False, True), "long": (0, False, False),
        "surrogate": (0, False, False), "no-json": (0, True, False), "killed": (137, True, False),
        "old": (6, True, False), "none": (6, True, False), "stopped": (None, False, False),
    }  # fmt: skip
    assert results["stopped"]["not_begun"]
    assert len(results["long"]["answer"]["result"]) == 1_000_000
    assert results["words"]["tool"] == {"how": "path", "path": str(tmp_path / "words"), "version": "0.2.0 (fake)"}
    assert results["surrogate"]["answer"]["result"] == "\\udcff"
    assert "goodbye" in results["banner"]["stdout_lines"]
    assert results["killed"]["msg"].startswith("opskit was ended by signal 9")
    assert f"({old}: opskit 0.1.0)" in results["old"]["msg"]
    summary = ended.out[ended.out.index("\nrun (10 hosts)") :]
    assert "  2 hosts: missing" not in summary  # each for another reason
    assert "  3 hosts: changed\n      banner, bytes, words\n" in summary
    assert "\nwrong (1 host)\n  1 host: failed: no such command: opskit disk lst\n      words (lst)\n" in summary
    # A path is broken nowhere, and that of this test may be longer than a line.
    assert all(len(line) <= 80 or len(line.split()[-1]) > 60 for line in summary.splitlines()), summary


class Tools(NamedTuple):
    """A folder for builds that are sent, and the build of the test there is to send."""

    folder: Path
    build: Path
    sha256: str

    def run(self, *, send: bool = False, check: bool = False, remove: bool = False) -> Heard:
        """The script, as it is run on a host."""
        mark = "opskit-0123456789abcdef"
        sending = Sending(str(self.build), self.sha256, packed=True) if send else None
        text = make_script(mark, ["disk", "list"], tool="send", builds=[self.sha256], sending=sending, remove=remove)
        done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=check)
        return read_output(mark, done.stdout)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    if os.geteuid() != 0:
        pytest.skip("what is sent is root's")
    program = tmp_path / "opskit"
    fake(program, FAKES["words"])
    build = tmp_path / "build"
    with tarfile.open(build, "w:xz") as tar:
        tar.add(program, "opskit-0.2.0-linux-x86_64/bin/opskit")
    folder = tmp_path / "state" / "tools"
    folder.parent.mkdir(mode=0o700)
    monkeypatch.setattr(script, "TOOLS", str(folder))
    return Tools(folder, build, sha256(build.read_bytes()).hexdigest())


def test_a_build_is_put_there_once_and_run_from_there(tools: Tools) -> None:
    first = tools.run()
    assert (first.how, first.begun, first.host.uid) == ("", True, "0")
    assert first.host.machine == os.uname().machine
    assert first.host.unpacks
    sent = tools.run(send=True)
    assert (sent.how, sent.status, sent.fault) == ("sent", 0, "")
    assert sent.path == f"{tools.folder}/{tools.sha256}/bin/opskit"
    assert tools.folder.stat().st_mode & 0o777 == 0o700
    again = tools.run()
    assert (again.how, again.version) == ("sent", "0.2.0 (fake)")
    assert again.output == CHANGED
    assert [path.name for path in tools.folder.iterdir()] == [tools.sha256]
    assert tools.run(remove=True).removed
    assert not tools.folder.exists()


def test_a_build_that_another_has_sent_meanwhile_is_not_taken_away_from_it(tools: Tools) -> None:
    """Two control nodes are told that there is none, and both send it: the one that was first may be at work."""
    tools.run(send=True, check=True)
    place = tools.folder / tools.sha256
    first = place.stat().st_ino
    again = tools.run(send=True)
    assert (again.how, again.status, place.stat().st_ino) == ("sent", 0, first)
    assert list(tools.folder.iterdir()) == [place]


def test_what_came_is_verified_before_it_runs(tools: Tools) -> None:
    tools.build.write_bytes(tools.build.read_bytes() + b"\n")
    sent = tools.run(send=True)
    assert (sent.how, sent.fault) == ("", "what came is not what was sent")
    assert list(tools.folder.iterdir()) == []


def test_after_a_boot_it_is_verified_again(tools: Tools) -> None:
    tools.run(send=True)
    place = tools.folder / tools.sha256
    (place / "boot").write_text("another\n")
    assert tools.run().how == "sent"
    assert (place / "boot").read_text() == Path("/proc/sys/kernel/random/boot_id").read_text()
    # A crash took what had not reached the disk: what is left may run all the same.
    (place / "boot").write_text("another\n")
    with (place / "bin/opskit").open("a") as file:
        file.write("#\n")
    assert tools.run().how == ""
    assert tools.run(send=True).how == "sent"


def test_where_nothing_tells_of_a_boot_it_is_verified_each_time(tools: Tools) -> None:
    mark = "opskit-0123456789abcdef"
    hidden = "mount --bind /dev/null /proc/sys/kernel/random/boot_id || exit 77\n"

    def run(*, send: bool) -> Heard:
        sending = Sending(str(tools.build), tools.sha256, packed=True) if send else None
        text = make_script(mark, ["df"], tool="send", builds=[tools.sha256], sending=sending)
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hidden + text]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip("no mount namespace here")
        return read_output(mark, done.stdout)

    assert (run(send=True).how, run(send=False).how) == ("sent", "sent")
    with (tools.folder / tools.sha256 / "bin/opskit").open("a") as file:
        file.write("#\n")
    assert run(send=False).how == ""


@pytest.mark.parametrize("what", ["mode", "owner", "parent", "link"])
def test_what_is_not_roots_alone_is_not_run(tools: Tools, what: str, tmp_path: Path) -> None:
    tools.run(send=True)
    if what == "mode":
        tools.folder.chmod(0o755)
    elif what == "owner":
        os.chown(tools.folder, 65534, 65534)
    elif what == "parent":
        tools.folder.parent.chmod(0o777)
    else:
        tools.folder.rename(tmp_path / "elsewhere")
        tools.folder.symlink_to(tmp_path / "elsewhere")
    assert tools.run().how == ""
    sent = tools.run(send=True)
    assert sent.how == ""
    assert "is not a folder of root alone" in sent.fault


def test_a_full_disk_is_told_and_nothing_of_it_is_left(tools: Tools) -> None:
    tools.folder.mkdir(mode=0o700)
    mark = "opskit-0123456789abcdef"
    sending = Sending(str(tools.build), tools.sha256, packed=True)
    text = make_script(mark, ["disk", "list"], tool="send", sending=sending)
    mount = f"mount -t tmpfs -o size=4k,mode=0700 none {tools.folder} || exit 77\n"
    after = f"\nls -A {tools.folder} >&2"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount + f"({text})" + after]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mount namespace here")
    heard = read_output(mark, done.stdout)
    assert (heard.how, "No space left on device" in heard.fault) == ("", True)
    assert done.stderr == ""


def packed(tools: Tools, name: str) -> Tools:
    """A build like the others that is another one."""
    program, build = tools.build.with_name("opskit"), tools.build.with_name(name)
    fake(program, f"# {name}\nANSWER")
    with tarfile.open(build, "w:xz") as tar:
        tar.add(program, "x/bin/opskit")
    return tools._replace(build=build, sha256=sha256(build.read_bytes()).hexdigest())


def test_of_earlier_builds_the_last_stays_and_what_runs_or_is_named_by_a_unit(tools: Tools) -> None:
    def there() -> list[str]:
        return sorted(path.name for path in tools.folder.iterdir())

    builds = [packed(tools, f"build{number}") for number in range(6)]
    for number, build in enumerate(builds[:4]):
        assert build.run(send=True).how == "sent"
        os.utime(tools.folder / build.sha256, (1000 + number, 1000 + number))
        (tools.folder / "notes").mkdir(exist_ok=True)
    assert there() == sorted([builds[2].sha256, builds[3].sha256, "notes"])
    # The oldest is at work: as a zipapp is, whose program is Python.
    running = tools.folder / builds[2].sha256 / "opskit.pyz"
    running.write_text("import sys; print(flush=True); sys.stdin.read()")
    os.utime(running.parent, (1002, 1002))
    with subprocess.Popen([sys.executable, running], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert builds[4].run(send=True).how == "sent"
        assert there() == sorted([*(build.sha256 for build in builds[2:5]), "notes"])
        removed = builds[4].run(remove=True)
        assert (removed.removed, removed.fault) == (False, f"something still runs from {running.parent}")
        assert there() == sorted([*(build.sha256 for build in builds[2:5]), "notes"])
    os.utime(tools.folder / builds[4].sha256, (1004, 1004))
    os.utime(tools.folder / builds[2].sha256, (1002, 1002))
    # Now it is a program of its own.
    program = shutil.copy2(shutil.which("sleep") or "", tools.folder / builds[2].sha256 / "sleep")
    os.utime(running.parent, (1002, 1002))
    with subprocess.Popen([program, "infinity"]) as process:
        assert builds[3].run(send=True).how == "sent"
        assert there() == sorted([*(builds[number].sha256 for number in (2, 3, 4)), "notes"])
        process.kill()
    os.utime(tools.folder / builds[3].sha256, (1003, 1003))
    assert builds[5].run(send=True).how == "sent"
    assert there() == sorted([builds[4].sha256, builds[5].sha256, "notes"])


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_an_answer_is_taken_as_far_as_the_limit_and_opskit_goes_on(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not here")
    mark = "opskit-0123456789abcdef"
    most = script.LIMIT
    for size, over in ((most, 0), (most + 1, 1), (10 * most, 9 * most)):
        program = fake(tmp_path / "opskit", f"head -c {size} /dev/zero | tr '\\0' x; touch {tmp_path}/{size}; exit 4")
        text = make_script(mark, ["disk", "list"], tool="path", path=str(program))
        argv = [*(["busybox", "sh"] if shell == "busybox" else [shell]), "-c", text]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        heard = read_output(mark, done.stdout)
        assert (heard.status, heard.over, len(heard.output)) == (4, over, min(size, most))
        assert (tmp_path / str(size)).exists()  # it came to its end
    assert "answered 41,943,040 bytes, and no more than 4 MiB" in make_result(heard, "", dry_run=False)["msg"]


def test_where_nothing_can_be_started_it_says_so(tools: Tools) -> None:
    mark = "opskit-0123456789abcdef"
    state = tools.folder.parent
    sending = Sending(str(tools.build), tools.sha256, packed=True)
    zipapp = tools.build.with_name("zipapp")
    zipapp.write_text("raise SystemExit('no zlib')\n")
    scripted = Sending(str(zipapp), sha256(zipapp.read_bytes()).hexdigest(), packed=False)
    told = []
    for way in ({}, {"tool": "send", "sending": sending}, {"tool": "send", "sending": scripted}):
        text = make_script(mark, ["df"], **way)
        mount = f"mount -t tmpfs -o noexec,mode=0700 none {state} || exit 77\n"
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount + text]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            pytest.skip("no mount namespace here")
        told.append(read_output(mark, done.stdout))
    assert (told[0].host.noexec, tools.run().host.noexec) == (True, False)
    assert (
        told[1].fault == f"nothing starts from {tools.folder}, which is mounted noexec: install opskit there (RPM, deb)"
    )
    if told[0].host.python:  # it runs what is no program itself, and says what is wrong
        assert told[2].fault == "it does not run: no zlib"


def test_a_build_that_does_not_run_says_why(tools: Tools) -> None:
    program = tools.build.parent / "opskit"
    program.write_text("#!/bin/sh\necho 'bad interpreter' >&2; exit 1\n")
    with tarfile.open(tools.build, "w:xz") as tar:
        tar.add(program, "x/bin/opskit")
    sent = tools._replace(sha256=sha256(tools.build.read_bytes()).hexdigest()).run(send=True)
    assert (sent.how, sent.fault) == ("", "it does not run: bad interpreter")


def test_the_folder_of_the_collection_is_where_it_is_looked_for() -> None:
    assert (ROOT / generator.PLACE / "plugins/action/run.py").exists()
