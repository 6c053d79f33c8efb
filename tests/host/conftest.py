"""Real loop devices, as root: everything here runs through the installed `opskit` command.

Each test has an fstab, a state directory and a mount point of its own, and sparse images on loop devices that are
taken down after it, whatever came of it. Nothing that another process made on this machine is touched.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, WARM, Disk, mounts

HERE = Path(__file__).parent
GIB = 1024**3
# linux/sched.h
CLONE_NEWNS = 0x00020000


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.host)
        if HERE / "memcached" in item.path.parents:
            # Every instance of the host is looked at, and ports are the host's.
            item.add_marker(pytest.mark.xdist_group("memcached"))
        if HERE / "yum" in item.path.parents:
            # Every package manager that runs on the host is looked at.
            item.add_marker(pytest.mark.xdist_group("yum"))


@pytest.fixture(scope="session", autouse=True)
def warm(mounts_of_our_own: None) -> Iterator[None]:  # noqa: ARG001 - it begins in that namespace
    """What the commands of this process are forked from ends with it."""
    yield
    WARM.close()


@pytest.fixture(scope="session")
def mounts_of_our_own() -> None:
    """A mount namespace for this process and all that it starts.

    Without it every namespace that a test makes would hold for a moment what the tests beside it have mounted: a disk
    that should be free is in use then.
    """
    if os.geteuid() or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        return
    subprocess.run(["mount", "--make-rprivate", "/"], env=ENVIRONMENT, check=False)
    for mount in reversed(mounts()):
        if mount.source.startswith("/dev/loop") and mount.target != "/":
            subprocess.run(["umount", "--lazy", mount.target], env=ENVIRONMENT, check=False)


@pytest.fixture(scope="session")
def loop_devices() -> None:
    """Skip, saying why, where there is no root or no loop device."""
    if os.geteuid() != 0:
        pytest.skip("needs root: loop devices are made and mounted")
    for program in ("losetup", "partx", "unshare", "nsenter"):
        if not shutil.which(program, path=ENVIRONMENT["PATH"]):
            pytest.skip(f"{program} is not on this host")
    done = subprocess.run(["losetup", "-f"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no loop devices here: {done.stderr.strip()}")


@pytest.fixture
def host(tmp_path: Path, loop_devices: None) -> Iterator[Host]:  # noqa: ARG001 - for what it skips
    """An fstab, a state directory and a mount point for one test; its namespaces and disks are taken down after it."""
    made = Host(tmp_path)
    yield made
    made.close()
    left = [loop for loop in made.disks if loop.left_behind()]
    assert not left, f"loop devices are left behind: {left}"
    mounted = [mount for mount in mounts() if mount.target.startswith(str(tmp_path))]
    assert not mounted, f"mounts are left behind: {mounted}"


@pytest.fixture
def disk(host: Host) -> Disk:
    """A blank disk of 64 MiB: enough for ext."""
    return host.new_disk()


@pytest.fixture
def large_disk(host: Host) -> Disk:
    """A blank (sparse) disk of 1 GiB: enough for xfs."""
    return host.new_disk(GIB)
