"""Runs that stand on each other, taken back in every order: all of it comes back, with the commands that are printed.

Two and three runs of mount, umount, grow, fstab restore; of retain; of memcached's start and stop. Every order of
undos, then every command that these printed: the host is as it was before the first run, and a further undo has nothing
to do.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.memcached.test_memcached import Place, free_port, place  # noqa: F401 - a fixture
from host.tools import ENVIRONMENT, FSTAB, MIB, OPSKIT, Answer, Disk, mounts, run
from tiers import Agree, more, slow

Order = tuple[str, ...]
# What an undo says at its end, and what of it can be typed.
_TO_DO = re.compile(r"^ *(?:to do|or): ((?:opskit undo|rm --) .*)$", re.MULTILINE)
# No undo makes a filesystem smaller.
NEVER = {"grow"}
ROUNDS = 10


def sequences(*kinds: str, allowed: Callable[[Order], bool]) -> Iterator[tuple[Order, Order]]:
    """Each sequence of two and three runs that is possible, with each order of its undos (by their numbers)."""
    for length in (2, 3):
        for runs in itertools.product(kinds, repeat=length):
            if allowed(runs):
                for order in itertools.permutations(range(length)):
                    yield runs, tuple(map(str, order))


def disk_allowed(runs: Order) -> bool:
    """Whether each run finds something to do."""
    mounted, restored = set(), False
    for kind in runs:
        name = kind[-1]
        if kind.startswith("mount"):
            if name in mounted:
                return False
            mounted.add(name)
        elif kind.startswith("umount"):
            if name not in mounted:
                return False
            mounted.discard(name)
        elif kind == "grow":
            if "1" not in mounted or runs.count("grow") > 1:
                return False
        elif restored:
            return False
        restored = kind == "restore"
    return True


def cases(
    found: Iterator[tuple[Order, Order]], quick: Sequence[int], every: int, full: Sequence[int] = ()
) -> list[Any]:
    """Those in the quick suite, by their numbers; of the others those of full and each `every`-th in --full.

    All are in --more.
    """
    marked = []
    for number, case in enumerate(found):
        mark: Callable[..., Any] = (
            pytest.param if number in quick else slow if number in full or number % every == 0 else more
        )
        runs, order = case
        marked.append(pytest.param(*case, marks=mark(*case).marks, id=f"{'-'.join(runs)}:{''.join(order)}"))
    return marked


class Undoing:
    """opskit without the variable that names the state directory: what it prints must name that itself."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.printed: list[str] = []

    def type(self, line: str) -> Answer:
        """A printed command, answered with yes; what it prints in turn is kept."""
        argv = shlex.split(line)
        if argv[0] == "opskit":
            argv = [*OPSKIT, *argv[1:], "--yes"]
        done = run(*argv, check=False, env=ENVIRONMENT, cwd="/")
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in answer.err
        print(f"$ {line}\n{answer.code}: {answer.out}{answer.err}")
        self.printed += _TO_DO.findall(answer.out + answer.err)
        return answer

    def undo(self, ident: str) -> Answer:
        return self.type(shlex.join(["opskit", "undo", ident, "--state-dir", str(self.state)]))

    def all(self, runs: Order, ids: Sequence[str], order: Order) -> None:
        """Undo the runs in this order, then what was printed, until nothing new is."""
        for number in map(int, order):
            printed = len(self.printed)
            answer = self.undo(ids[number])
            assert answer.code in {0, 1, 5}, answer
            if answer.code and runs[number] not in NEVER:
                assert self.printed[printed:], f"no command that finishes it: {answer}"
        typed: set[str] = set()
        for _ in range(ROUNDS):
            lines = [line for line in dict.fromkeys(self.printed) if line not in typed]
            if not lines:
                break
            self.printed.clear()
            for line in lines:
                self.type(line)
                typed = {line}
        else:
            raise AssertionError(f"there is no end of it: {self.printed}")
        for kind, ident in zip(runs, ids):
            again = self.undo(ident)
            if kind in NEVER:
                assert (again.code, "the filesystem cannot be made smaller" in again.err) == (5, True), again
            else:
                assert (again.code, "nothing to do" in again.out) == (0, True), again


def seen(host: Host) -> tuple[Any, ...]:
    """What the runs changed: fstab and what lies beside it, mounts, mount points."""
    mounted = [(mount.target, mount.source) for mount in mounts() if mount.target.startswith(str(host.folder))]
    return host.fstab.read_bytes(), host.backups(), mounted, (host.folder / "mnt").exists()


def prepared(host: Host) -> tuple[Disk, Disk]:
    """Two disks with a filesystem each; that on the first, which any kernel lets root grow, does not fill it."""
    first, second = host.new_disk(320 * MIB), host.new_disk(32 * MIB)
    run("mkfs.xfs", "-q", first.path)
    run("mkfs.ext4", "-q", second.path)
    first.resize(400 * MIB)
    return first, second


@pytest.mark.parametrize(
    ("runs", "order"),
    cases(sequences("mount1", "umount1", "mount2", "grow", "restore", allowed=disk_allowed), (0, 1), 11, (28, 73)),
)
def test_disks(host: Host, agree: Agree, runs: Order, order: Order) -> None:
    first, second = prepared(host)
    saved = host.folder / "saved"
    saved.write_text(FSTAB.replace("meaningless\n", "") + "# saved\n")
    targets = {"1": str(host.folder / "mnt/one"), "2": str(host.folder / "mnt/two/deep")}
    before, ids = seen(host), []
    for kind in runs:
        if kind.startswith("mount"):
            answer = host.mount(first if kind == "mount1" else second, "--json", target=targets[kind[-1]])
        elif kind == "restore":
            answer = host.on_disk("fstab restore", str(saved), "--yes", "--json")
        else:
            answer = host.on_disk(kind.rstrip("1"), targets["1"], "--yes", "--json")
        ids.append(answer.well().json["result"]["run"])
        assert ids[-1], answer
    Undoing(host.state).all(runs, ids, order)
    assert seen(host) == before
    agree("orders of undo", 1, 1)


@pytest.mark.parametrize(
    ("runs", "order"),
    cases(sequences("30d", "60d", allowed=lambda runs: all(a != b for a, b in zip(runs, runs[1:]))), (0, 1), 4),
)
def test_retain(tmp_path: Path, agree: Agree, runs: Order, order: Order) -> None:
    root, state = tmp_path / "root", tmp_path / "state"
    (root / "etc/systemd").mkdir(parents=True)
    undoing, ids = Undoing(state), []
    for span in runs:
        words = ("journal", "retain", span, "--root", str(root), "--state-dir", str(state), "--yes", "--json")
        done = run(*OPSKIT, *words, cwd="/")
        ids.append(Answer(done.returncode, done.stdout, done.stderr).json["result"]["run"])
    undoing.all(runs, ids, order)
    assert list((root / "etc/systemd").iterdir()) == []
    agree("orders of undo", 1, 1)


def memcached_allowed(runs: Order) -> bool:
    """Whether it is started first, and each start and stop finds something to do."""
    return all(kind == ("start", "stop")[number % 2] for number, kind in enumerate(runs))


@pytest.mark.xdist_group("memcached")
@pytest.mark.parametrize(("runs", "order"), cases(sequences("start", "stop", allowed=memcached_allowed), (0, 1), 4))
def test_memcached(place: Place, agree: Agree, runs: Order, order: Order) -> None:  # noqa: F811
    port, ids = free_port(), []
    for kind in runs:
        done = place.start(port, "-m", "8") if kind == "start" else place.json("stop", "--port", str(port), "--yes")
        ids.append(done["result"]["run"])
    Undoing(place.folder / "state").all(runs, ids, order)
    running = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(place.folder) in _read(path)]
    assert not running
    assert list((place.folder / "run").iterdir()) == []
    agree("orders of undo", 1, 1)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended
        return ""


def swap_allowed(runs: Order) -> bool:
    """Whether it is taken into use first, and each run finds something to do."""
    return all(kind == ("swap", "off")[number % 2] for number, kind in enumerate(runs))


@pytest.mark.parametrize(("runs", "order"), cases(sequences("swap", "off", allowed=swap_allowed), (0, 1), 4))
def test_swap(host: Host, agree: Agree, runs: Order, order: Order) -> None:
    disk = host.new_disk(32 * MIB)
    run("mkfs.ext4", "-q", disk.path)
    Path(host.target).mkdir(parents=True)
    run("mount", disk.path, host.target)
    path = f"{host.target}/swap"
    host.after += [lambda: run("umount", host.target), lambda: run("swapoff", path, check=False)]
    before, ids = (host.fstab.read_bytes(), sorted(Path(host.target).iterdir())), []
    for kind in runs:
        words = ("8M", path, "--leave-free", "1M") if kind == "swap" else ("--off", path)
        ids.append(host.on_disk("swap", *words, "--yes", "--json").well().json["result"]["run"])
    Undoing(host.state).all(runs, ids, order)
    assert path not in Path("/proc/swaps").read_text()
    assert (host.fstab.read_bytes(), sorted(Path(host.target).iterdir())) == before
    agree("orders of undo", 1, 1)
