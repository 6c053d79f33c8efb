"""A mount that never answers (a FUSE one stands in for a dead NFS server) holds no command of the tree up.

In fstab it is named, and what has nothing to do with it goes on as always; as the place of any path that a command
takes it ends that command, with its name.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest
import typer

from host.hosts import Host
from host.tools import ENVIRONMENT, OPSKIT, Answer, Disk
from host.usage.test_du_silent_mount import HANG
from opskit.cli import app
from opskit.completion.tree import Node, read_tree
from opskit.options import PATHS
from tiers import Agree

# With these words, and {disk}, a blank disk, {data}, one that is mounted on {target}, each command does something; and
# its exit status is one of these. A new command needs a line.
COMMANDS: dict[str, tuple[str, tuple[int, ...]]] = {
    "disk list": ("", (0,)),
    "disk show": ("{disk}", (0,)),
    "disk facts": ("", (0,)),
    "disk mount": ("{disk} {target}2 -n", (0,)),
    "disk umount": ("{target} -n", (0,)),
    "disk grow": ("{target} -n", (0,)),
    "disk swap": ("16M {target}/swap -n --leave-free 1M", (0,)),
    "disk fstab check": ("", (4,)),
    "disk fstab show": ("", (0,)),
    "disk fstab backup": ("-n", (0,)),
    "disk fstab restore": ("", (0,)),
    "du": ("{target}", (0,)),
    "df": ("{target}", (0,)),
    "journal usage": ("", (0, 6)),
    "journal verify": ("", (0, 4, 6)),
    "journal vacuum": ("30d -n", (0, 6)),
    "journal retain": ("30d -n", (0, 5, 6)),
    "journal errors": ("", (0, 1, 6)),
    "memcached flags": ("", (0,)),
    "memcached explain": ("-- -m 64", (0,)),
    "memcached lint": ("-- -m 64 -l 127.0.0.1 -U 0", (0, 4)),
    "memcached start": ("-p 21987 -n", (0, 5, 6)),
    "memcached stop": ("-p 21987 -n", (0, 5)),
    "memcached status": ("", (0,)),
    "service ensure": ("nothing-of-this-name -n", (1,)),
    "service status": ("nothing-of-this-name", (1,)),
    "service why": ("nothing-of-this-name", (1,)),
    "status": ("", (0, 4)),
    "check": ("", (0, 4)),
    "yum lock": ("", (0, 6)),
    "yum wait": ("--timeout 1s", (0, 6, 7)),
    "yum unlock": ("-n", (0, 5, 6)),
    "yum why": ("", (0, 6)),
    "fleet plan": ("-i /nothing-of-this-name -- disk mount {disk} {target}2", (2,)),
    "fleet show": ("/nothing-of-this-name", (2,)),
    "fleet apply": ("/nothing-of-this-name", (2,)),
    "fleet resume": ("last", (2,)),
    "fleet undo": ("last", (2,)),
    "fleet status": ("last", (2,)),
    "fleet report": ("last", (2,)),
    "fleet run": ("-i /nothing-of-this-name -- df", (2,)),
    "fleet check": ("-i /nothing-of-this-name", (2,)),
    "history": ("", (0,)),
    "history show": ("last", (0,)),
    "history prune": ("--older-than 1y -n", (0,)),
    "undo": ("last -n", (0,)),
    "findings": ("", (0,)),
    "schema": ("", (0,)),
    "doctor": ("", (0, 4)),
    "completion": ("bash", (0,)),
}
# They go on with what answers.
NAMES_IT_AND_GOES_ON = ("du PATH", "df MOUNTPOINT")
AT_ONCE = 16
# So long may a command take, on an idle machine: the seconds in which it wanted no processor are counted, but not those
# in which what it has forked waited for one. So on a busy machine it may take LIMIT.
SECONDS, LIMIT = 10, 60
T = TypeVar("T")


def tree() -> Iterator[Node]:
    """Every command that does something."""
    return (node for node in read_tree(typer.main.get_command(app)).walk() if node.runs and len(node.words) > 1)


def name_of(node: Node) -> str:
    return " ".join(node.words[1:])


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """What runs at the same time: nearly all the while each waits."""
    left = iter(items)
    while some := list(islice(left, AT_ONCE)):
        yield some


class Silent:
    """Where opskit runs: a host with a mount that never answers, in its fstab by its name and through a link."""

    def __init__(self, host: Host, disk: Disk, data: Disk) -> None:
        self.host = host
        self.mount = host.folder / "silent"
        self.mount.mkdir()
        (host.folder / "link").symlink_to(self.mount)
        # Nobody has the mounts but who runs in this namespace.
        self.inside = host.namespace("true")
        host.mount(data, "--fstype", "ext4", inside=self.inside).well()
        with host.fstab.open("a") as file:
            file.write(f"server:/x {self.mount} nfs nofail 0 0\n")
            file.write(f"server:/y {host.folder}/link/deeper nfs nofail 0 0\n")
        self.words = {"disk": disk.path, "target": host.target}
        server = host.start(
            *self.inside.prefix, sys.executable, str(HANG), str(self.mount), "silent", stdout=subprocess.PIPE, cwd="/"
        )
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"

    def start(self, node: Node, words: Iterable[str], **environment: str) -> subprocess.Popen[Any]:
        own = {"OPSKIT_STATE_DIR": str(self.host.state)}
        fstab = ["--fstab", str(self.host.fstab)] if any(o.names[0] == "--fstab" for o in node.options) else []
        words = [*node.words[1:], *(fstab if "--fstab" not in words else ()), *words]
        streams = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        environment = {**ENVIRONMENT, **own, **environment}
        return self.host.start(
            *self.inside.prefix, *OPSKIT, *words, env=environment, cwd="/", stdin=subprocess.DEVNULL, **streams
        )

    def usual(self, node: Node) -> list[str]:
        return COMMANDS[name_of(node)][0].format(**self.words).split()


def ended(process: subprocess.Popen[bytes]) -> Answer:
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


class Clock(threading.Thread):
    """How long a process has waited when it ends: without the time that it had a processor, or stood in line for one.

    So the load of the host is not counted (the second number of /proc/PID/schedstat; without it, it is).
    """

    def __init__(self, process: subprocess.Popen[Any]) -> None:
        super().__init__(daemon=True)
        self.pid, self.began, self.waited = process.pid, time.monotonic(), 0.0
        self.start()

    def run(self) -> None:
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.waited = time.monotonic() - self.began
        with contextlib.suppress(OSError):
            self.waited -= sum(map(int, Path(f"/proc/{self.pid}/schedstat").read_text().split()[:2])) / 1e9

    def answer(self, process: subprocess.Popen[bytes]) -> Answer:
        """What the process has said when it has ended."""
        assert process.stdout
        assert process.stderr
        with ThreadPoolExecutor(1) as reader:  # a full pipe would keep it from its end
            err = reader.submit(process.stderr.read)
            out = process.stdout.read()
        self.join(120)
        process.wait(1)
        return Answer(process.returncode, out.decode(errors="replace"), err.result().decode(errors="replace"))


@pytest.fixture
def silent(host: Host, disk: Disk) -> Silent:
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    return Silent(host, disk, host.new_disk())


def in_time(waited: dict[str, float], agree: Agree) -> None:
    """Count what ended in time."""
    late = {name: round(seconds, 1) for name, seconds in waited.items() if seconds >= SECONDS}
    assert max(waited.values()) < LIMIT, late
    busy = f", {len(late)} of them later on this busy machine" if late else ""
    agree(f"commands that end within {SECONDS} s beside a mount that does not answer{busy}", len(waited), len(waited))


def test_every_command_goes_on_beside_it(silent: Silent, agree: Agree) -> None:
    nodes = list(tree())
    assert {name_of(node) for node in nodes} == set(COMMANDS)
    answers: dict[str, Answer] = {}
    waited: dict[str, float] = {}
    for some in batches(nodes):
        running = [(name_of(node), silent.start(node, silent.usual(node))) for node in some]
        clocks = [Clock(process) for _, process in running]
        answers.update({name: clock.answer(process) for clock, (name, process) in zip(clocks, running)})
        waited.update({name: clock.waited for clock, (name, _) in zip(clocks, running)})
    in_time(waited, agree)
    wrong = {name: answer for name, answer in answers.items() if answer.code not in COMMANDS[name][1]}
    assert not wrong
    about = f"{silent.mount} (fuse.silent, silent) did not answer within 4 s"
    for name in ("disk list", "disk mount", "disk umount", "disk grow", "disk fstab check", "disk fstab backup"):
        assert about in answers[name].out + answers[name].err, name
    assert "[silent-mount]" in answers["disk fstab check"].out


def test_a_home_there_is_no_reason_to_wait(silent: Silent) -> None:
    node = next(node for node in tree() if name_of(node) == "findings")
    answer = ended(silent.start(node, [], HOME=f"{silent.mount}/home", OPSKIT_CONFIG=""))
    assert answer.code == 0
    assert f"{silent.mount}/home/.config/opskit/config.toml" in answer.err


def cases(silent: Silent) -> Iterator[tuple[str, Node, list[str], str]]:
    """For each path that a command takes: its name, the command and its words, with a path on the mount there."""
    for node in tree():
        usual = silent.usual(node)
        for option in node.options:
            if option.value in PATHS:
                path = f"{silent.mount}/{option.names[0].strip('-')}"
                before, dash, line = " ".join(usual).partition("-- ")
                yield (
                    f"{name_of(node)} {option.names[0]}",
                    node,
                    [*before.split(), option.names[0], path, *(dash + line).split()],
                    path,
                )
        for place, argument in enumerate(node.arguments):
            if argument.name in PATHS | {"SIZE|DEVICE"}:
                path = f"{silent.mount}/{place}"
                # No file and no option of one goes with a device.
                behind = usual[place + 1 :] if argument.name in PATHS else ["-n"]
                words = [*usual[:place], path, *behind]
                yield f"{name_of(node)} {argument.name}", node, words, path


@pytest.mark.slow
def test_every_path_that_a_command_takes(silent: Silent, agree: Agree) -> None:
    waited = {}
    for some in batches(cases(silent)):
        running = [(name, path, silent.start(node, words)) for name, node, words, path in some]
        clocks = [Clock(process) for _, _, process in running]
        for clock, (name, path, process) in zip(clocks, running):
            answer = clock.answer(process)
            waited[name] = clock.waited
            goes_on = name in NAMES_IT_AND_GOES_ON
            assert (str(silent.mount) if goes_on else path) in answer.out + answer.err, (name, answer)
            assert "did not answer" in answer.out + answer.err, (name, answer)
            assert answer.code == 1 or goes_on, (name, answer)
    assert len(waited) > 60
    in_time(waited, agree)
