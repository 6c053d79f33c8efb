"""A host where something that every other has is missing: the answer names that, and not what comes of it."""

from __future__ import annotations

import pytest

from host.hosts import Host
from host.tools import Disk
from tiers import slow

NO_PROC, NO_SYS, NO_DEV = (f"mount -t tmpfs none /{name}" for name in ("proc", "sys", "dev"))
FEW_FILES = ("sh", "-c", 'ulimit -S -n 8; exec "$@"', "sh")
FEW_FILES_AND_NO_MORE = ("sh", "-c", 'ulimit -n 8; exec "$@"', "sh")
SMALL_FILES = ("sh", "-c", 'ulimit -f 1; exec "$@"', "sh")
NO_ADMIN = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin", "--")


@pytest.mark.parametrize(
    ("setup", "words", "cause"),
    [
        (NO_PROC, "disk list", "/proc: it does not say what is mounted"),
        slow(NO_PROC, "disk grow {target} -n", "/proc: it does not say what is mounted"),
        slow(NO_PROC, "df", "/proc: it does not say what is mounted"),
        (NO_PROC, "yum lock", "/proc: it shows no process"),
        slow(NO_PROC, "yum wait", "/proc: it shows no process"),
        (NO_PROC, "memcached status", "/proc: it shows no process"),
        slow(NO_PROC, "memcached start -s /run/m.sock -n", "/proc: it shows no process"),
        slow(NO_SYS, "disk list", "/sys: it shows no block device at all"),
        slow(NO_SYS, "disk mount {disk} {target} -n", "/sys: it shows no block device at all"),
        (NO_DEV, "disk list", "/dev/null: it is not there"),
    ],
)
def test_what_is_not_mounted(host: Host, disk: Disk, setup: str, words: str, cause: str) -> None:
    inside = host.namespace("true")
    under = ("unshare", "-m", "sh", "-c", f'{setup}; exec "$@"', "sh")
    answer = host.run(*words.format(disk=disk.path, target=host.target).split(), inside=inside, under=under)
    assert answer.code == 6, answer
    assert cause in answer.err


def test_few_open_files(host: Host, disk: Disk) -> None:
    """The limit is raised; who may not is told so."""
    host.mount(disk, under=FEW_FILES).well()
    bound = ("setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", "--")
    answer = host.run("findings", under=(*bound, *FEW_FILES_AND_NO_MORE))
    assert (answer.code, "only 8 files may be open at once" in answer.err) == (6, True), answer


def test_a_limit_for_the_size_of_files(host: Host, disk: Disk) -> None:
    before = host.table()
    for _ in range(2):  # the first line of the ledger may fit
        answer = host.mount(disk, under=SMALL_FILES)
        assert answer.code in {1, 8}, answer
        assert "No space left" not in answer.err
        assert "File too large" in answer.err
    assert host.table() == before


def test_root_that_may_not_mount(host: Host, disk: Disk) -> None:
    before = disk.digest()
    answer = host.mount(disk, under=NO_ADMIN)
    assert (answer.code, "no CAP_SYS_ADMIN" in answer.err) == (6, True), answer
    assert disk.digest() == before
