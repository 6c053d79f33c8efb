"""Directories of journal files, made from a seed: real files by systemd-journal-remote, copied, renamed and re-timed.

journalctl's own opinion of them is what opskit's prediction is compared with.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Optional

REMOTE = "/lib/systemd/systemd-journal-remote"
PROFILES = ("plain", "aged", "damaged", "clock-jumps", "namespaces", "remote", "runtime")
# All that is archived is of one id, and nothing is disposed of. Only where a place keeps_creation.
SEQUENCE = "sequence"
SECOND = 1_000_000
DAY = 86_400 * SECOND
# No age lies so near to a limit that the moment in which journalctl looks at its clock matters.
MARGIN = 120 * SECOND
# linux/time.h: what the kernel gives the times of files by; it ticks every 1 to 10 ms.
CLOCK_REALTIME_COARSE = 5
_HEADER_AT = {"seqnum_id": 72, "entries": 152, "head_seqnum": 168, "head": 184, "tail": 192}


def missing() -> str:
    """Why no journal files can be made here, "" where they can."""
    if not os.path.exists(REMOTE):
        return "no systemd-journal-remote on this machine"
    return "" if shutil.which("journalctl") else "no journalctl on this machine"


def export(times: list[int], *, text: str = "entry", **fields: str) -> bytes:
    """Entries at these times (microseconds since 1970) in journalctl's export format."""
    fixed = "".join(f"{name}={value}\n" for name, value in fields.items())
    return "".join(
        f"__REALTIME_TIMESTAMP={at}\n__MONOTONIC_TIMESTAMP={1000 + number}\n_BOOT_ID={'1' * 32}\n{fixed}"
        f"MESSAGE={text} {number}\nPRIORITY={number % 8}\n\n"
        for number, at in enumerate(times)
    ).encode()


def write_journal(path: Path, entries: bytes, **environment: str) -> None:
    """A real journal file of these entries."""
    done = subprocess.run(
        [REMOTE, "-o", str(path), "-"], input=entries, capture_output=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


class Pool:
    """Real journal files to copy from: whole ones, sparsely, and their first bytes."""

    def __init__(self, place: Path) -> None:
        self.files: list[Path] = []
        for number, count in enumerate((1, 3, 40, 300)):
            path = place / f"pool{number}.journal"
            times = [1_700_000_000 * SECOND + 60 * SECOND * n for n in range(count)]
            write_journal(path, export(times), SYSTEMD_JOURNAL_COMPACT=str(number % 2))
            sparse = place / f"sparse{number}.journal"
            subprocess.run(["cp", "--sparse=always", path, sparse], check=True)
            path.unlink()
            self.files.append(sparse)
        self.heads = [path.read_bytes()[:4096] for path in self.files]

    def copy(self, rnd: random.Random, to: Path, *, whole: bool) -> None:
        """A copy of one of them: all of it, or its beginning with some blocks behind."""
        number = rnd.randrange(len(self.files))
        if whole:
            subprocess.run(["cp", "--sparse=always", self.files[number], to], check=True)
            return
        with to.open("wb") as file:
            file.write(self.heads[number])
            if rnd.random() < 0.8:
                os.posix_fallocate(file.fileno(), 0, rnd.randrange(1, 40) * 4096 + rnd.randrange(4096))
            elif rnd.random() < 0.5:
                file.truncate(rnd.randrange(4096, 1 << 20))


def stamp(path: Path, **values: int | bytes) -> None:
    """Write fields of the header."""
    with path.open("r+b") as file:
        for name, value in values.items():
            file.seek(_HEADER_AT[name])
            file.write(value if isinstance(value, bytes) else struct.pack("<Q", value))


def archived(base: str, seqnum_id: str, seqnum: int, realtime: int) -> str:
    """The name that journald gives to an archived file."""
    return f"{base}@{seqnum_id}-{seqnum:016x}-{realtime:016x}.journal"


def disposed(base: str, realtime: int, number: int) -> str:
    """The name that journald gives to a file that it found damaged, or not closed."""
    return f"{base}@{realtime:016x}-{number:016x}.journal~"


@dataclass
class Made:
    """A generated directory and the limits to vacuum it by. directories: what a listing is taken of."""

    path: Path
    now: int
    span: Optional[int] = None
    size: Optional[int] = None
    files: Optional[int] = None
    directories: list[Path] = field(default_factory=list)

    @property
    def limits(self) -> list[str]:
        """The options of journalctl."""
        words = [] if self.span is None else [f"--vacuum-time={self.span}us"]
        words += [] if self.size is None else [f"--vacuum-size={self.size}"]
        return words + ([] if self.files is None else [f"--vacuum-files={self.files}"])

    def with_limits(self, **values: Optional[int]) -> Made:
        """The same directory under other limits."""
        return replace(self, **values)


def listing(directories: list[Path]) -> dict[str, int]:
    """Each file in these directories with the bytes it takes."""
    return {
        str(path): path.lstat().st_blocks * 512 for directory in directories for path in directory.iterdir()
    }  # fmt: skip


def make(pool: Pool, root: Path, seed: int, profile: str = "") -> Made:
    """A directory of journals by this seed, its profile the seed's. profile: another one, as SEQUENCE."""
    rnd = random.Random(seed)
    profile = profile or PROFILES[seed % len(PROFILES)]
    now = time.time_ns() // 1000
    root.mkdir(parents=True)
    made = Made(root, now, directories=[root])
    _fill(pool, rnd, root, profile, now, rnd.choice((0, 1, 2, 5, 9, 9, 14, 24)))
    if profile in {"namespaces", "remote"} or rnd.random() < 0.1:
        for _ in range(rnd.randrange(1, 3)):
            machine = rnd.randbytes(16).hex()
            suffix = rnd.choice(("", "", ".noise", ".a@b", ".not a namespace"))
            directory = root / (machine + suffix)
            directory.mkdir()
            _fill(pool, rnd, directory, profile, now, rnd.randrange(7))
            made.directories.append(directory)
    _choose_limits(rnd, made)
    return made


def _fill(pool: Pool, rnd: random.Random, directory: Path, profile: str, now: int, count: int) -> None:
    """Files in this directory: by the profile, and now and then of another one's kind."""
    ids = [rnd.randbytes(16).hex() for _ in range(rnd.choice((1, 1, 2, 3, 6)))]
    bases = {"remote": ("remote-10.0.0.1", "remote-host a")}.get(profile, ("system", "user-1000"))
    start = now - rnd.randrange(1, 60) * DAY
    step = rnd.choice((0, 3600 * SECOND, DAY, 5 * DAY))
    for number in range(count):
        at = start + step * number + rnd.randrange(1, SECOND)
        if profile == "clock-jumps" and rnd.random() < 0.5:
            at += rnd.choice((-400, -30, 30, 400)) * DAY
        seqnum = rnd.choice((number * 100 + 1, number * 100 + 1, rnd.randrange(1, 3000)))
        name = archived(rnd.choice(bases), ids[0] if profile == SEQUENCE else rnd.choice(ids), seqnum, max(at, 1))
        kind = rnd.uniform(0.2, 0.8) if profile == SEQUENCE else rnd.random()
        if kind < (0.5 if profile == "damaged" else 0.12):
            name = disposed(rnd.choice(bases), max(at, 1), rnd.getrandbits(64))
        elif kind > (0.8 if profile == "damaged" else 0.9):
            name = _odd_name(rnd, name, number)
        path = directory / name
        if os.path.lexists(path):
            continue
        if rnd.random() < 0.04:
            _no_file(rnd, path, directory)
            continue
        pool.copy(rnd, path, whole=rnd.random() < 0.08)
        stamp(path, head_seqnum=seqnum, head=max(at, 1), tail=max(at, 1) + DAY, seqnum_id=bytes.fromhex(ids[0]))
        _hurt(rnd, path, 0.3 if profile == "damaged" else 0.06)
        _time(rnd, path, now, 0.6 if profile in {"aged", "clock-jumps"} else 0.2)
        if profile == SEQUENCE and rnd.random() < 0.5:
            _create(path, (now - rnd.randrange(60) * DAY).to_bytes(8, "little"))
    if profile == "clock-jumps":
        _touch(rnd, directory)
    for name in rnd.sample(("system.journal", "user-1000.journal", "odd.journal~", "x.journal.zst", "fss"), k=2):
        pool.copy(rnd, directory / name, whole=False)


def _touch(rnd: random.Random, directory: Path) -> None:
    """Change files in another order than they were born in."""
    paths = sorted(path for path in directory.glob("*.journal") if path.is_file())
    for path in rnd.sample(paths, k=len(paths) * 2 // 3):
        now = time.clock_gettime_ns(CLOCK_REALTIME_COARSE)
        while time.clock_gettime_ns(CLOCK_REALTIME_COARSE) == now:
            time.sleep(0.001)
        os.utime(path)


def _odd_name(rnd: random.Random, name: str, number: int) -> str:
    """Names that journald never gives: some count as archived all the same."""
    number_of = name.rindex("-")
    return rnd.choice(
        (
            name.upper().replace(".JOURNAL", ".journal"),
            f"{name[: number_of + 1]}0x{name[number_of + 3 :]}",
            f"{name[: number_of + 1]}  {name[number_of + 3 :]}",
            f"{name[: number_of + 1]}+{name[number_of + 2 :]}",
            f"{name[: number_of + 1]}-{name[number_of + 2 :]}",
            f"{name[:number_of]}g{name[number_of + 1 :]}",
            f"{name[: number_of + 9]}zzzzzzzz.journal",
            name.replace("@", "-"),
            name.replace("@", "@@"),
            name[name.index("@") :],
            f"system@{number}.journal",
            f"system@{number}.journal~",
            f"caf\u00e9\n\udcff{name}",
            f".{name}",
            f"{name}.gz",
        )
    )


def _no_file(rnd: random.Random, path: Path, directory: Path) -> None:
    kind = rnd.randrange(3)
    if kind == 0:
        path.symlink_to(rnd.choice((directory / "system.journal", "nowhere")))
    elif kind == 1:
        path.mkdir()
    else:
        os.mkfifo(path)


def _hurt(rnd: random.Random, path: Path, share: float) -> None:
    """Damage that a disk, a crash or a person does."""
    if rnd.random() >= share:
        return
    kind = rnd.randrange(5)
    if kind == 0:
        stamp(path, entries=0)
    elif kind == 1:
        os.truncate(path, rnd.choice((0, 1, 151, 152, 159, 160, 200, 239, 240, 255, 256, 263, 264, 271, 272, 300)))
    elif kind == 2:
        with path.open("r+b") as file:
            file.write(rnd.randbytes(rnd.choice((8, 100, 400))))
    elif kind == 3:
        path.write_bytes(b"no journal at all\n" * 100)
    else:
        stamp(path, entries=rnd.getrandbits(64) | 1)


def _time(rnd: random.Random, path: Path, now: int, share: float) -> None:
    """Another mtime, atime and time of creation than the file was made with."""
    if rnd.random() < share:
        at = (now - rnd.randrange(-3, 500) * DAY) * 1000 + rnd.randrange(1000)
        os.utime(path, ns=(rnd.choice((at, now * 1000, at - 10**15)), at))
    if rnd.random() < share / 2:
        value = rnd.choice((now - rnd.randrange(1, 500) * DAY, 0, (1 << 64) - 1, now + DAY))
        data = struct.pack("<Q", value)
        with contextlib.suppress(OSError):  # not on every filesystem, and there are other times
            _create(path, rnd.choice((data, data, data, data[:4], data + b"\0")))


def _create(path: Path, at: bytes) -> None:
    """Give it this time of creation, as journald does. Raises OSError where the filesystem keeps none."""
    os.setxattr(path, "user.crtime_usec", at)


def keeps_creation(place: Path) -> bool:
    """Whether a file in this directory, which is made where there is none, can be given a time of creation."""
    place.mkdir(parents=True, exist_ok=True)
    trial = place / "trial"
    trial.touch()
    try:
        _create(trial, bytes(8))
    except OSError:
        return False
    finally:
        trial.unlink()
    return True


def _choose_limits(rnd: random.Random, made: Made) -> None:
    """One limit, or several at once; now and then 0, which is none."""
    which = rnd.choice(("t", "t", "t", "s", "s", "f", "ts", "tf", "sf", "tsf"))
    taken = sum(listing(made.directories).values())
    if "t" in which:
        made.span = rnd.choice((1, DAY, 2 * DAY, 7 * DAY, 20 * DAY, 40 * DAY, 3000 * DAY, 10**18, 0))
        if made.span > DAY // 2:
            made.span += rnd.randrange(3600) * SECOND
    if "s" in which:
        made.size = rnd.choice((1, taken // 4, taken // 2, taken - 4096 if taken > 4096 else 1, taken, 10**15, 0))
    if "f" in which:
        made.files = rnd.choice((1, 2, 3, 5, 8, 13, 21, 0))


@dataclass(frozen=True)
class Done:
    """What journalctl did. order: the files that it says it deleted, as it says it (names may be escaped)."""

    gone: dict[str, int]
    order: list[str]
    said: str


# Without /proc it finds no extended attributes.
IN_CHROOT = 'mount --bind /proc "$0/proc" && exec chroot "$0" journalctl "$@"'


def vacuum(made: Made, chroot: str = "") -> Done:
    """Run journalctl's own vacuum on the directory; chroot: the one of another release, the directory is in it."""
    before = listing(made.directories)
    argv = ["journalctl"]
    if chroot:
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", IN_CHROOT, chroot]
    inside = str(made.path).removeprefix(chroot)
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    argv = [*argv, f"--directory={inside}", *made.limits]
    done = subprocess.run(argv, capture_output=True, check=False, env=environment)
    errors = os.fsdecode(done.stderr)
    assert done.returncode == 0, errors
    after = listing(made.directories)
    matches = re.findall(r"^Deleted (?:empty )?archived journal (.*) \([^()]*\)\.$", errors, re.MULTILINE)
    order = [chroot + path for path in matches]
    gone = {path: size for path, size in before.items() if path not in after}
    # A name with a newline is not on one line.
    return Done(gone, order if sorted(order) == sorted(gone) else [], errors)
