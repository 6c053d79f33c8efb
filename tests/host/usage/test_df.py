"""`opskit df` against GNU df, to the byte; and a mount that does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from host.hosts import Host, Namespace
from host.tools import ENVIRONMENT, GIB, MAKE, Answer, make_filesystem, run, until

FIELDS = "source,fstype,size,used,avail,pcent,itotal,iused,iavail,ipcent,target"
HANG = Path(__file__).with_name("fuse_hang.py")


def percent(value: Any) -> str:
    return "-" if value is None else f"{value}%"


def rows(answer: Any) -> list[list[str]]:
    """The result of `opskit df --json` as GNU df writes it."""
    listed = []
    for filesystem in answer["result"]["filesystems"]:
        inodes = filesystem["inodes"]
        sizes = [filesystem["size_bytes"], filesystem["used_bytes"], filesystem["available_bytes"]]
        counts = [inodes["total"], inodes["used"], inodes["free"]]
        head = [filesystem["source"], filesystem["fstype"], *sizes, percent(filesystem["used_percent"]), *counts]
        listed.append([str(v) for v in (*head, percent(inodes["used_percent"]), filesystem["mount_point"])])
    return listed


def gnu(*arguments: str, inside: Namespace) -> list[list[str]]:
    """GNU df's table; no name in these tests has a space."""
    done = run(*inside.prefix, "df", "-B1", f"--output={FIELDS}", *arguments)
    return [line.split() for line in done.stdout.splitlines()[1:]]


def filled(host: Host, fstype: str, options: str = "") -> tuple[Namespace, str]:
    """A filesystem of this type with some files, mounted in a namespace of its own."""
    target = host.folder / f"at-{fstype}"
    target.mkdir()
    if fstype == "tmpfs":
        setup = f"mount -t tmpfs -o size=64m,nr_inodes=500 filled {target}\n"
    else:
        disk = host.new_disk(GIB // 2)
        make_filesystem(fstype, disk.path)
        setup = f"mount {options} {disk.path} {target}\n"
    files = f"head -c 20000001 /dev/urandom > {target}/large; mkdir {target}/d; cd {target}/d; touch $(seq 200); sync"
    return host.namespace(setup + files), str(target)


@pytest.mark.parametrize("fstype", [*MAKE, "tmpfs"])
def test_the_figures_are_those_of_gnu_df(host: Host, fstype: str) -> None:
    inside, target = filled(host, fstype)
    answer = host.run("df", "--json", target, inside=inside).well()
    assert rows(answer.json) == gnu(target, inside=inside)
    (result,) = answer.json["result"]["filesystems"]
    assert result["used_bytes"] > 20_000_000
    # A path in it, a file in it, and the device that it is on, stand for it.
    for path in (f"{target}/d", f"{target}/large", *([result["source"]] if fstype != "tmpfs" else [])):
        outcome = host.run("df", "--json", path, inside=inside).well()
        assert rows(outcome.json) == gnu(path, inside=inside)
    human = run(*inside.prefix, "df", "-h", "--output=size,used,avail,pcent", target).stdout.split()[-4:]
    assert host.run("df", target, inside=inside).well().out.splitlines()[1].split()[2:6] == human


def steady(rows: list[list[str]], folder: Path) -> list[list[str]]:
    """The rows with their figures only where nobody else writes: the others have their names."""
    return [row if row[-1].startswith(str(folder)) else [row[0], row[1], row[-1]] for row in rows]


@pytest.mark.parametrize("everything", [False, True])
def test_the_list_is_that_of_gnu_df(host: Host, everything: bool) -> None:
    """Bind mounts, a mount over a mount, one of a part, subvolumes, pseudo filesystems: what df leaves out."""
    disk, second = host.new_disk(), host.new_disk(GIB // 2)
    make_filesystem("ext4", disk.path)
    make_filesystem("btrfs", second.path)
    at = host.folder
    for name in ("long-name", "s", "part", "over", "sub", "vol", "empty"):
        (at / name).mkdir()
    inside = host.namespace(
        f"mount {disk.path} {at}/long-name; mkdir {at}/long-name/deep; mount --bind {at}/long-name {at}/s\n"
        f"mount --bind {at}/long-name/deep {at}/part\n"
        f"mount -t tmpfs one {at}/over; mount -t tmpfs two {at}/over\n"
        f"mount {second.path} {at}/vol; btrfs -q subvolume create {at}/vol/x >/dev/null\n"
        f"mount -o subvol=x {second.path} {at}/sub; mount -t proc proc {at}/empty"
    )
    flags = ["--all"] if everything else []
    mine = rows(host.run("df", "--json", *flags, inside=inside).well().json)
    theirs = gnu(*(["-a"] if everything else []), inside=inside)
    if everything:  # df shows "-" for the type too where something else is mounted over it
        mine = [[row[0], row[-1]] for row in mine]
        theirs = [[row[0], row[-1]] for row in theirs]
        assert mine == theirs
    else:
        assert steady(mine, at) == steady(theirs, at)
        assert str(at / "s") in [row[-1] for row in mine]
        assert str(at / "long-name") not in [row[-1] for row in mine]


def test_reserved_blocks_used_up_by_root(host: Host) -> None:
    """Available is none and use is 100 % although the filesystem has free blocks."""
    disk = host.new_disk()
    make_filesystem("ext4", disk.path, "-m", "20")
    at = host.folder / "full"
    at.mkdir()
    inside = host.namespace(f"mount {disk.path} {at}; head -c 50000000 /dev/zero > {at}/x; sync")
    answer = host.run("df", "--json", "--check", str(at), inside=inside)
    assert answer.code == 4
    assert rows(answer.json) == gnu(str(at), inside=inside)
    assert answer.json["result"]["filesystems"][0]["used_percent"] == 100
    (finding,) = answer.json["findings"]
    assert (finding["id"], finding["severity"]) == ("nearly-full", "error")


def test_inodes(host: Host) -> None:
    at = host.folder / "small"
    at.mkdir()
    inside = host.namespace(f"mount -t tmpfs -o size=64m,nr_inodes=20 none {at}; cd {at}; touch $(seq 17); cd /")
    answer = host.run("df", "--json", str(at), inside=inside).well()
    assert answer.ids == ["nearly-out-of-inodes"]
    assert answer.json["findings"][0]["severity"] == "warning"
    expected = run(*inside.prefix, "df", "--output=source,fstype,itotal,iused,iavail,ipcent,target", str(at)).stdout
    for words in ("-i",), ("-i", "-T"):
        shown = host.run("df", *words, str(at), inside=inside).well().out.splitlines()
        assert shown[0].split()[:6] == ["SOURCE", "TYPE", "INODES", "IUSED", "IFREE", "IUSE%"]
        assert shown[1].split() == expected.splitlines()[1].split()
    piped = host.run("df", str(at), inside=inside).well()
    assert piped.out.count("\n") == 2
    assert "nearly-out-of-inodes" in piped.err


def test_a_path_that_is_not_there(host: Host) -> None:
    answer = host.run("df", "/opskit-is-not-there")
    assert answer.code == 1
    assert "No such file or directory" in answer.err
    asked = host.run("df", "/opskit-is-not-there", "--json")
    error = {name: asked.json["error"][name] for name in ("exit_code", "why")}
    assert (asked.code, asked.json["ok"], error) == (1, False, {"exit_code": 1, "why": "No such file or directory"})


def test_a_path_that_is_not_there_does_not_hide_the_others(host: Host) -> None:
    answer = host.run("df", "/opskit-is-not-there", "/")
    assert answer.code == 1
    assert "/opskit-is-not-there: No such file or directory" in answer.err
    assert [line.split()[-1] for line in answer.out.splitlines()[1:]] == ["/"]
    result = host.run("df", "/opskit-is-not-there", "/", "--json").json["result"]
    assert [place["path"] for place in result["unreadable"]] == ["/opskit-is-not-there"]
    assert [filesystem["mount_point"] for filesystem in result["filesystems"]] == ["/"]


class Hung:
    """A mount namespace with a FUSE mount that was served once."""

    def __init__(self, host: Host, manner: str) -> None:
        self.target = host.folder / "hung"
        self.target.mkdir()
        self.inside = host.namespace("true")
        argv = [*self.inside.prefix, sys.executable, str(HANG), str(self.target), manner]
        self.server = host.start(*argv, stdout=subprocess.PIPE, cwd="/")
        assert self.server.stdout
        assert self.server.stdout.readline() == b"ready\n"
        if manner == "dead":
            self.server.wait(timeout=300)


def about(hung: Hung, answer: Answer) -> list[dict[str, Any]]:
    """The findings on this mount: the disks of the host may be full."""
    return [finding for finding in answer.json["findings"] if finding["title"].startswith(f"{hung.target}:")]


@pytest.fixture
def hung(host: Host) -> Hung:
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    return Hung(host, "silent")


@pytest.mark.parametrize("named", [False, True])
def test_a_mount_that_does_not_answer_is_named_and_holds_nothing_up(host: Host, hung: Hung, named: bool) -> None:
    paths = [str(hung.target / "below"), "/"] if named else []
    # Named, each path is asked for in a child: long enough for that on a busy machine. That it ends is what counts.
    answer = host.run("df", "--json", "--timeout", "10s" if named else "3s", *paths, inside=hung.inside).well()
    (finding,) = about(hung, answer)
    assert (finding["id"], finding["severity"]) == ("not-answering", "error")
    silent = next(filesystem for filesystem in answer.json["result"]["filesystems"] if not filesystem["answered"])
    assert (silent["mount_point"], silent["size_bytes"]) == (str(hung.target), None)
    if not named:  # the others are as without it
        theirs = run(*hung.inside.prefix, "df", "-x", "fuse.silent", "--output=target").stdout.split("\n")[1:-1]
        assert [row[-1] for row in rows(answer.json) if row[-1] != str(hung.target)] == theirs
    text = host.run("df", "--timeout", "1s", *paths, inside=hung.inside).well()
    assert f"error: {hung.target}: no answer [not-answering]" in text.err


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e300", "0", "soon"])
def test_how_long_to_wait_is_a_number_of_seconds(host: Host, seconds: str) -> None:
    assert host.run("df", "--timeout", seconds).code == 2


def test_a_dead_fuse_mount_is_named(host: Host) -> None:
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    dead = Hung(host, "dead")
    answer = host.run("df", "--json", inside=dead.inside).well()
    (finding,) = about(dead, answer)
    assert finding["id"] == "not-answering"
    assert "not connected" in finding["evidence"]


def test_ctrl_c_while_a_mount_is_silent(host: Host, hung: Hung) -> None:
    """It ends at once, and leaves no child that asks on."""
    argv = [*hung.inside.prefix, sys.executable, "-m", "opskit", "df", "--timeout", "1m"]
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    process = host.start(*argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env=environment)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not children.read_text():
        assert process.poll() is None
    pids = children.read_text().split()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)
    assert process.returncode == 130
    # Killed; what is left of it until init has waited for it is no process that runs.
    until(lambda: not any(map(runs, pids)))


def runs(pid: str) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


@pytest.mark.parametrize("option", [(), ("/",), ("--deleted",), ("--why", "/")])
def test_without_proc_nothing_is_said_to_be_all_there_is(host: Host, option: tuple[str, ...]) -> None:
    """As in a chroot into which nobody has mounted it."""
    bare = host.namespace("mount -t tmpfs none /proc")
    answer = host.run("df", *option, "--json", inside=bare)
    assert (answer.code, answer.json["error"]["what"]) == (6, "/proc")


@pytest.mark.parametrize(("columns", "bars"), [(60, False), (80, True)])
def test_a_narrow_terminal_has_room_for_figures_and_not_for_bars(host: Host, columns: int, bars: bool) -> None:
    shown = host.terminal("df", "/", columns=columns).end().well().out
    assert ("..." in shown or "###" in shown) == bars
