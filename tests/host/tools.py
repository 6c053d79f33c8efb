"""What the tests on real devices work with: the opskit command, disks on loop devices, mount namespaces."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pytest

from checkout import ROOT

MIB = 1024**2
GIB = 1024**3
REPOSITORY = ROOT
BLOCK = 64 * 1024

# Without .pyc files: a trace of system calls then shows what opskit writes and not what Python does.
ENVIRONMENT = {
    **{key: os.environ[key] for key in ("OPSKIT_CONFIG", "PYTHONPATH", "HOME", "LANG") if key in os.environ},
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TERM": "xterm",
}
OPSKIT = [str(Path(sys.executable).with_name("opskit"))]
WHEEL = Path(OPSKIT[0]).exists()
if not WHEEL:
    OPSKIT = [sys.executable, "-m", "opskit"]
    ENVIRONMENT.setdefault("PYTHONPATH", str(REPOSITORY))

FSTAB = """\
# /etc/fstab of a test: comments,\ttabs and lines that nobody understands stay as they are

UUID=00000000-0000-4000-8000-000000000001\t/\text4\tdefaults\t0\t1
meaningless
  tmpfs   /tmp\ttmpfs defaults,noauto  0 0
"""


def run(*argv: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
    """A program of the host, ended well."""
    more.setdefault("env", ENVIRONMENT)
    more.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(
        argv, capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=300, check=False, **more
    )
    assert not check or done.returncode == 0, f"{shlex.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}"
    return done


class Warm:
    """A process that has imported opskit and forks for each command (scripts/vmlab/many.py); begun when it is asked.

    A start of Python and its imports are more than half of what a command costs.
    """

    def __init__(self) -> None:
        self.process: Optional[subprocess.Popen[str]] = None

    def run(self, words: Sequence[str], environment: dict[str, str]) -> Answer:
        """opskit with these words and exactly this environment."""
        request = {"batches": [[list(words)]], "watched": [], "environment": environment}
        try:
            process = self._begun()
            assert process.stdin
            assert process.stdout
            print(json.dumps(request), file=process.stdin, flush=True)
            ended = json.loads(process.stdout.readline())["ended"][0]
        except BaseException:
            self.close()  # the next one gets no answer to this one
            raise
        return Answer(ended["status"], ended["out"], ended["err"])

    def _begun(self) -> subprocess.Popen[str]:
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(ROOT / "scripts" / "vmlab" / "many.py"), "--all"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/", start_new_session=True,
                env={**ENVIRONMENT, "OPSKIT_STATE_DIR": "/nonexistent"},
            )  # fmt: skip
        return self.process

    def close(self) -> None:
        """End it, with what it runs."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


WARM = Warm()


def unescape(text: str) -> str:
    """A field of mountinfo: its octal escapes undone."""
    raw = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match.group(1), 8)]), os.fsencode(text))
    return os.fsdecode(raw)


@dataclass(frozen=True)
class Mounted:
    """A line of mountinfo."""

    number: str
    target: str
    fstype: str
    source: str
    options: tuple[str, ...]


def mounts(pid: str = "self") -> list[Mounted]:
    """The mounts of a process."""
    listed = []
    for line in os.fsdecode(Path(f"/proc/{pid}/mountinfo").read_bytes()).splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        options = (*fields[5].split(","), *rest[2].split(","))
        listed.append(Mounted(fields[2], unescape(fields[4]), rest[0], unescape(rest[1]), options))
    return listed


@dataclass(frozen=True)
class Answer:
    """How a run of opskit ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one envelope on stdout; it says of the exit code what that is."""
        assert self.out.count("\n") == 1, f"not one line: {self.out!r} {self.err!r}"
        envelope = json.loads(self.out)
        assert envelope["ok"] is (self.code in {0, 3, 4}), f"exit {self.code}: {self.out}"
        return envelope

    @property
    def ids(self) -> list[str]:
        """The ids of the findings in the envelope."""
        return [finding["id"] for finding in self.json["findings"]]

    def well(self) -> Answer:
        """This answer, if it is a success."""
        assert self.code == 0, f"exit {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        return self


@dataclass
class Disk:
    """A sparse image on a loop device.

    compared: how many bytes from its beginning digest() goes by; 0: all of it
    """

    image: Path
    path: str  # /dev/loop5
    compared: int = 0

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def number(self) -> str:
        return Path(f"/sys/class/block/{self.name}/dev").read_text().strip()

    @property
    def partitions(self) -> list[str]:
        """The paths of the partitions that the kernel has, by number."""
        files = Path(f"/sys/block/{self.name}").glob(f"{self.name}p*/partition")
        return [f"/dev/{path.parent.name}" for path in sorted(files, key=lambda path: int(path.read_text()))]

    def attached(self) -> bool:
        """Whether the loop device still has our image."""
        return _loop(self.path, "backing_file") == str(self.image)

    def left_behind(self) -> bool:
        """Whether it was forgotten. With autoclear it is let go as soon as somebody's look at it is over."""
        return self.attached() and _loop(self.path, "autoclear") != "1"

    def digest(self) -> str:
        """A hash of the content of the image; holes count as zeros and are passed over."""
        digest = hashlib.sha256(str(self.image.stat().st_size).encode())
        with self.image.open("rb") as file:
            os.fsync(file.fileno())
            offset, end = 0, self.compared or os.fstat(file.fileno()).st_size
            while offset < end:
                try:
                    offset = os.lseek(file.fileno(), offset, os.SEEK_DATA) // BLOCK * BLOCK
                except OSError:  # only a hole from here on
                    break
                data = os.pread(file.fileno(), BLOCK, offset)[: max(end - offset, 0)]
                if data.strip(b"\0"):
                    digest.update(offset.to_bytes(8, "big") + data)
                offset += BLOCK
        return digest.hexdigest()

    def write(self, data: bytes, offset: int) -> None:
        """Put bytes on the device and wait until they are in the image."""
        descriptor = os.open(self.path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, offset)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def type_of(self, path: str = "") -> str:
        """What blkid finds on the device (or on one of its partitions)."""
        return run("blkid", "-p", "-o", "value", "-s", "TYPE", path or self.path, check=False).stdout.strip()

    def value(self, key: str, path: str = "") -> str:
        """One value of `blkid -p`."""
        return run("blkid", "-p", "-o", "value", "-s", key, path or self.path, check=False).stdout.strip()

    def table(self) -> dict[str, Any]:
        """The partition table as sfdisk shows it."""
        answer: dict[str, Any] = json.loads(run("sfdisk", "-J", self.path).stdout)["partitiontable"]
        return answer

    def make_partition(self, table: str = "gpt", *more: str) -> str:
        """A table with one partition (or those of more, in sfdisk's words). Returns the path of the last one."""
        script = f"label: {table}\n" + "\n".join(more or ("start=2048",)) + "\n"
        run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", self.path, input=script, stdin=None)
        run("partx", "-u", self.path)
        return self.partitions[-1]

    def forget_partitions(self) -> None:
        """Have the kernel forget them. It refuses for one that somebody else looks at: that is over in a moment."""
        until(lambda: run("partx", "-d", self.path, check=False).returncode == 0 or not self.partitions)

    def resize(self, size: int) -> None:
        """Make the disk larger, as a cloud does under a running host."""
        os.truncate(self.image, size)
        run("losetup", "-c", self.path)

    def take_down(self) -> None:
        """Unmount, forget the partitions, let go of the loop device. What was not there is no error."""
        if self.attached():
            self._let_go()
            _control(LOOP_CTL_REMOVE, int(self.name.removeprefix("loop")))

    def _let_go(self) -> None:
        devices = (self.path, *self.partitions)
        numbers = {Path(f"/sys/class/block/{Path(path).name}/dev").read_text().strip() for path in devices}
        for mount in reversed(mounts()):
            if mount.number in numbers:
                run("umount", mount.target, check=False)
        swaps = os.fsdecode(Path("/proc/swaps").read_bytes())
        for path in devices:
            if f"{path} " in swaps:
                run("swapoff", path, check=False)
        self.forget_partitions()  # they would outlive the image
        run("losetup", "-d", self.path, check=False)

    def replaced(self, size: int) -> Disk:
        """Another disk, blank, behind the same name: the loop device with another image."""
        image = self.image.with_name(f"other-{self.image.name}")
        with image.open("xb") as file:
            file.truncate(size)
        # Who asks for a free loop device meanwhile gets one of these, and not ours.
        spare = [_control(LOOP_CTL_ADD, -1) for _ in range(SPARE)]
        self._let_go()
        until(lambda: not self.attached())
        run("losetup", self.path, str(image))
        for number in spare:
            _control(LOOP_CTL_REMOVE, number)
        return Disk(image, self.path)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for what comes by itself: somebody else's look at a device ends."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "what was waited for does not come"
        time.sleep(0.01)


# loop(4): both take a number, -1 for any that is free.
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
# Numbers of our own: losetup -f takes the lowest that is free, and nobody else asks for these.
FIRST_NUMBER = 1000
SPARE = 4


def _control(request: int, number: int) -> int:
    """The number of the loop device that was added or removed; -1 when the kernel would not."""
    descriptor = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(descriptor, request, number)
    except OSError:
        return -1
    finally:
        os.close(descriptor)


def _loop(path: str, name: str) -> str:
    try:
        return Path(f"/sys/block/{Path(path).name}/loop/{name}").read_text().rstrip("\n")
    except OSError:
        return ""


def attach(image: Path, *options: str) -> Disk:
    """The image on a loop device of a number that was nobody's."""
    number = FIRST_NUMBER
    for _ in range(20):
        # Of two who add the same number one is refused: what was added is ours.
        while _control(LOOP_CTL_ADD, number) == -1:
            number += 1
            assert number < 2 * FIRST_NUMBER, "the kernel adds no loop device"
        done = run("losetup", *options, f"/dev/loop{number}", str(image), check=False)
        if done.returncode == 0:
            return Disk(image, f"/dev/loop{number}")
        number += 1  # somebody got it who asked for any: all others were taken
    raise AssertionError(done.stderr)


# On the EL family there is no btrfs.
MAKE = {
    "ext3": ("mkfs.ext3", "-q", "-F"),
    "ext4": ("mkfs.ext4", "-q", "-F"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "xfs-rmap": ("mkfs.xfs", "-q", "-f", "-m", "rmapbt=1"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}


def make_filesystem(kind: str, device: str, *options: str) -> None:
    """Make a filesystem on a disk of the test; skips where its program is not on this host."""
    program, *words = MAKE[kind]
    if not shutil.which(program, path=ENVIRONMENT["PATH"]):
        pytest.skip(f"{program} is not on this host")
    run(program, *words, *options, device)
