"""`opskit du` and a mount that does not answer: Ctrl-C ends it with what is known, and a root on it is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from checkout import ROOT
from host.hosts import Host
from host.tools import ENVIRONMENT
from opskit.core.child import directory_of_call

HANG = Path(__file__).with_name("fuse_hang.py")


@pytest.fixture
def tree(host: Host) -> tuple[tuple[str, ...], Path]:
    """A tree with a FUSE mount in it that was served once: what a command is run by to see it, and the tree."""
    return make_tree(host, "silent")


def make_tree(host: Host, manner: str) -> tuple[tuple[str, ...], Path]:
    """The same. manner: when it falls silent (fuse_hang.py)."""
    if not os.path.exists("/dev/fuse"):
        pytest.skip("no /dev/fuse here")
    root = host.folder / "tree"
    for name in ("silent", "there"):
        (root / name).mkdir(parents=True)
    (root / "there/file").write_bytes(b"x" * 40_000)
    inside = host.namespace("true")
    server = host.start(
        *inside.prefix, sys.executable, str(HANG), str(root / "silent"), manner, stdout=subprocess.PIPE, cwd="/"
    )
    assert server.stdout
    assert server.stdout.readline() == b"ready\n"
    return inside.prefix, root


def start_du(host: Host, prefix: tuple[str, ...], *words: str) -> subprocess.Popen[bytes]:
    """Begin `opskit du` of this checkout where the tree is mounted."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    argv = (*prefix, sys.executable, "-m", "opskit", "du", *words)
    return host.start(*argv, **streams, env=ENVIRONMENT, cwd=ROOT)


@pytest.mark.parametrize("workers", [(), ("--workers", "3")])
def test_ctrl_c_shows_what_is_known(workers: tuple[str, ...], host: Host) -> None:
    """A mount that falls silent after it was asked whether it is there."""
    prefix, root = make_tree(host, "later")
    du = start_du(host, prefix, str(root), *workers)
    _wait_until_a_worker_waits_in(du.pid, str(root))
    for _ in range(2):  # as timeout(1) sends it
        du.send_signal(signal.SIGINT)
    out, err = du.communicate(timeout=300)
    assert b"\t" + os.fsencode(root) in out
    assert f"{root}: Connection timed out".encode() in err
    assert b"interrupted" in err
    assert b"silent (fuse.silent)" in err
    assert du.returncode == 130


@pytest.mark.parametrize("named", ["{}", "{}/", "{}//", "{}/."])
def test_with_x_it_holds_nothing_up(tree: tuple[tuple[str, ...], Path], named: str, host: Host) -> None:
    """GNU du waits for it, and then leaves it out all the same."""
    prefix, root = tree
    du = start_du(host, prefix, "-x", "--bytes", named.format(root))
    out, err = du.communicate(timeout=300)
    assert (du.returncode, err) == (0, b"")
    assert [line.split(b"\t")[0] for line in out.splitlines()] == [b"49152", b"45056"]


def test_it_is_named_and_the_rest_is_counted(tree: tuple[tuple[str, ...], Path], host: Host) -> None:
    """GNU du waits for ever."""
    prefix, root = tree
    du = start_du(host, prefix, "--bytes", str(root))
    out, err = du.communicate(timeout=300)
    assert f"opskit du: {root}/silent: it did not answer\n".encode() in err
    assert [line.split(b"\t")[0] for line in out.splitlines()] == [b"49152", b"45056"]
    assert du.returncode == 1


def test_a_root_that_does_not_answer_is_named_and_the_others_are_counted(
    tree: tuple[tuple[str, ...], Path], host: Host
) -> None:
    prefix, root = tree
    du = start_du(host, prefix, str(root / "silent"), str(root / "there"))
    out, err = du.communicate(timeout=300)
    assert f"{root}/silent: it did not answer".encode() in err
    assert f"\t{root}/there\n".encode() in out
    assert du.returncode == 1


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _wait_until_a_worker_waits_in(pid: int, directory: str) -> None:
    until = time.monotonic() + 300
    while time.monotonic() < until:
        for worker in _children(pid):
            if directory_of_call(worker) == os.fsencode(directory):
                return
        time.sleep(0.02)
    raise AssertionError("no worker came to the mount")
