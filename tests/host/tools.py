"""What the tests on real devices work with: the opskit command, disks on loop devices, mount namespaces."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shlex
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

MIB = 1024**2
GIB = 1024**3
REPOSITORY = Path(__file__).parents[2]
BLOCK = 64 * 1024

# Without .pyc files: a trace of system calls then shows what opskit writes and not what Python does.
ENVIRONMENT = {
    **{key: os.environ[key] for key in ("OPSKIT_CONFIG", "PYTHONPATH", "HOME", "LANG") if key in os.environ},
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TERM": "xterm",
}
OPSKIT = [str(Path(sys.executable).with_name("opskit"))]
if not Path(OPSKIT[0]).exists():
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
        argv, capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=60, check=False, **more
    )
    assert not check or done.returncode == 0, f"{shlex.join(argv)}: {done.returncode}: {done.stdout}{done.stderr}"
    return done


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
    found = []
    for line in os.fsdecode(Path(f"/proc/{pid}/mountinfo").read_bytes()).splitlines():
        left, _, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        options = (*fields[5].split(","), *rest[2].split(","))
        found.append(Mounted(fields[2], unescape(fields[4]), rest[0], unescape(rest[1]), options))
    return found


@dataclass(frozen=True)
class Answer:
    """How a run of opskit ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one envelope on stdout."""
        assert self.out.count("\n") == 1, f"not one line: {self.out!r} {self.err!r}"
        return json.loads(self.out)

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
    """A sparse image on a loop device."""

    image: Path
    path: str  # /dev/loop5

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def number(self) -> str:
        return Path(f"/sys/class/block/{self.name}/dev").read_text().strip()

    @property
    def partitions(self) -> list[str]:
        """The paths of the partitions that the kernel has, by number."""
        found = Path(f"/sys/block/{self.name}").glob(f"{self.name}p*/partition")
        return [f"/dev/{path.parent.name}" for path in sorted(found, key=lambda path: int(path.read_text()))]

    def attached(self) -> bool:
        """Whether the loop device still has our image."""
        return _loop(self.path, "backing_file") == str(self.image)

    def left_behind(self) -> bool:
        """Whether it was forgotten. With autoclear it is let go as soon as somebody's look at it is over."""
        return self.attached() and _loop(self.path, "autoclear") != "1"

    def digest(self) -> str:
        """A hash of the content of the image; holes count as zeros and are passed over."""
        found = hashlib.sha256(str(self.image.stat().st_size).encode())
        with self.image.open("rb") as file:
            os.fsync(file.fileno())
            offset, end = 0, os.fstat(file.fileno()).st_size
            while offset < end:
                try:
                    offset = os.lseek(file.fileno(), offset, os.SEEK_DATA) // BLOCK * BLOCK
                except OSError:  # only a hole from here on
                    break
                data = os.pread(file.fileno(), BLOCK, offset)
                if data.strip(b"\0"):
                    found.update(offset.to_bytes(8, "big") + data)
                offset += BLOCK
        return found.hexdigest()

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
        found: dict[str, Any] = json.loads(run("sfdisk", "-J", self.path).stdout)["partitiontable"]
        return found

    def make_partition(self, table: str = "gpt", *more: str) -> str:
        """A table with one partition (or those of more, in sfdisk's words). Returns the path of the last one."""
        script = f"label: {table}\n" + "\n".join(more or ("start=2048",)) + "\n"
        run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", self.path, input=script, stdin=None)
        run("partx", "-u", self.path)
        return self.partitions[-1]

    def resize(self, size: int) -> None:
        """Make the disk larger, as a cloud does under a running host."""
        os.truncate(self.image, size)
        run("losetup", "-c", self.path)

    def take_down(self) -> None:
        """Unmount, forget the partitions, let go of the loop device. What was not there is no error."""
        if not self.attached():
            return
        devices = (self.path, *self.partitions)
        numbers = {Path(f"/sys/class/block/{Path(path).name}/dev").read_text().strip() for path in devices}
        for mount in reversed(mounts()):
            if mount.number in numbers:
                run("umount", mount.target, check=False)
        swaps = Path("/proc/swaps").read_text()
        for path in devices:
            if f"{path} " in swaps:
                run("swapoff", path, check=False)
        run("partx", "-d", self.path, check=False)
        run("losetup", "-d", self.path, check=False)


def _loop(path: str, name: str) -> str:
    try:
        return Path(f"/sys/block/{Path(path).name}/loop/{name}").read_text().rstrip("\n")
    except OSError:
        return ""


def attach(image: Path, *options: str) -> Disk:
    """The image on a free loop device."""
    # Others take loop devices at the same time: losetup says EBUSY then, and the next one is tried.
    for _ in range(20):
        done = run("losetup", "--show", "-f", *options, str(image), check=False)
        if done.returncode == 0:
            return Disk(image, done.stdout.strip())
    raise AssertionError(done.stderr)


class Namespace:
    """A mount namespace of our own with some things changed in it, kept by a process of ours."""

    def __init__(self, setup: str) -> None:
        # The copy must not pin what others have mounted on their loop devices.
        free = 'while read -r source target rest; do case $source in /dev/loop*) umount -l "$(printf %b "$target")";; '
        script = f"{free} esac; done < /proc/mounts\n{setup}\necho ready; exec cat"
        argv = ["unshare", "-m", "--propagation", "private", "sh", "-euc", script]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, cwd="/"
        )
        assert self.process.stdout
        assert self.process.stderr
        if self.process.stdout.readline() != b"ready\n":
            self.close()
            raise AssertionError(f"no namespace: {script}")

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command in the namespace."""
        return ("nsenter", f"--mount=/proc/{self.process.pid}/ns/mnt", "--")

    def mounts(self) -> list[Mounted]:
        """What is mounted in it."""
        return mounts(str(self.process.pid))

    def close(self) -> None:
        """Unmount what is on a loop device in it (the kernel would do so some time later), and end it."""
        if self.process.poll() is None:
            for mount in reversed(self.mounts()):
                if mount.source.startswith("/dev/loop"):
                    run(*self.prefix, "umount", mount.target, check=False)
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


class Terminal:
    """opskit on a terminal of its own: what it shows is read, what is typed is written; nobody waits by the clock."""

    def __init__(self, argv: Sequence[str], environment: dict[str, str], columns: int = 80) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd="/")
        os.close(slave)
        self.text = ""

    def read_until(self, text: str) -> None:
        """Read until this has been shown."""
        while text not in self.text:
            assert self._read(), f"ended before {text!r}: {self.text}"

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 60)
        assert ready, f"it says nothing more: {self.text}"
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other end was closed
            return False
        self.text += data.decode("utf-8", "surrogateescape")
        return bool(data)

    def type(self, text: str) -> None:
        """What a person types."""
        os.write(self.master, text.encode())

    def end(self) -> Answer:
        """All that was shown, and the exit status."""
        while self._read():
            pass
        return Answer(self.process.wait(timeout=60), self.text, "")

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@dataclass
class Host:
    """One test's fstab, state directory and mount point, its disks and namespaces."""

    folder: Path
    disks: list[Disk] = field(default_factory=list)
    namespaces: list[Namespace] = field(default_factory=list)
    processes: list[subprocess.Popen[Any]] = field(default_factory=list)
    # What else is to be done after the test, the newest first.
    after: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "etc").mkdir()
        self.fstab.write_text(FSTAB)
        self.fstab.chmod(0o644)

    @property
    def fstab(self) -> Path:
        return self.folder / "etc" / "fstab"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def target(self) -> str:
        return str(self.folder / "mnt" / "data")

    def new_disk(self, size: int = 64 * MIB, *options: str) -> Disk:
        """A blank disk; options go to losetup."""
        image = self.folder / f"disk{len(self.disks)}.img"
        with image.open("xb") as file:
            file.truncate(size)
        return self.attach(image, *options)

    def attach(self, image: Path, *options: str) -> Disk:
        """A disk with this image; it is taken down after the test."""
        disk = attach(image, *options)
        self.disks.append(disk)
        return disk

    def namespace(self, setup: str) -> Namespace:
        """A mount namespace in which these shell lines were run."""
        made = Namespace(setup)
        self.namespaces.append(made)
        return made

    def start(self, *argv: str, **more: Any) -> subprocess.Popen[Any]:
        """A process that is ended after the test."""
        more.setdefault("env", ENVIRONMENT)
        process = subprocess.Popen(argv, **more)
        self.processes.append(process)
        return process

    def shim(self, program: str, text: str) -> str:
        """A setup line for a namespace that puts a script in place of a program; `$real` in it is the program."""
        found = shutil.which(program, path=ENVIRONMENT["PATH"])
        assert found
        folder = self.folder / "real"
        folder.mkdir(exist_ok=True)
        shutil.copy(found, folder / program)  # by its name: mke2fs looks at that
        script = self.folder / f"shim-{program}"
        script.write_text(f"#!/bin/sh\nreal={folder / program}\n{text}\n")
        script.chmod(0o755)
        return f"mount --bind {script} {os.path.realpath(found)}"

    def put_over(self, path: Path, *options: str) -> None:
        """Mount something (a tmpfs unless options say otherwise) over a directory until the test is over."""
        run("mount", *(options or ("-t", "tmpfs", "none")), str(path))
        self.after.append(lambda: run("umount", str(path)))

    def run(
        self, *arguments: str, inside: Optional[Namespace] = None, under: Sequence[str] = (), **environment: str
    ) -> Answer:
        """opskit with these arguments; inside a namespace, under another program (strace)."""
        argv = [*(inside.prefix if inside else ()), *under, *OPSKIT, *arguments]
        full = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(self.state), **environment}
        done = run(*argv, check=False, env=full, cwd="/")
        return Answer(done.returncode, done.stdout, done.stderr)

    def terminal(self, *arguments: str, columns: int = 80, **environment: str) -> Terminal:
        """opskit with these arguments on a terminal."""
        full = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(self.state), **environment}
        made = Terminal([*OPSKIT, *arguments], full, columns)
        self.after.append(made.close)
        return made

    @property
    def own(self) -> tuple[str, ...]:
        """The options that name this test's fstab and state directory."""
        return ("--fstab", str(self.fstab), "--state-dir", str(self.state))

    def on_disk(self, verb: str, *arguments: str, **more: Any) -> Answer:
        """`opskit disk VERB …` on this test's fstab and state directory."""
        return self.run("disk", *verb.split(), *arguments, *self.own, **more)

    def mount(self, disk: Disk, *options: str, target: str = "", **more: Any) -> Answer:
        """`opskit disk mount` with --yes."""
        return self.on_disk("mount", disk.path, target or self.target, "--yes", *options, **more)

    def mounted(self, target: str = "", inside: Optional[Namespace] = None) -> Optional[Mounted]:
        """What is mounted on the mount point."""
        found = inside.mounts() if inside else mounts()
        return next((mount for mount in reversed(found) if mount.target == (target or self.target)), None)

    def table(self) -> tuple[bytes, int, int]:
        """fstab: its bytes, mode and owner."""
        status = self.fstab.stat()
        return self.fstab.read_bytes(), status.st_mode, status.st_uid

    def added(self) -> str:
        """The line that was added to fstab, which is otherwise as it was."""
        text = self.fstab.read_text()
        assert text.startswith(FSTAB)
        return text[len(FSTAB) :].rstrip("\n")

    def backups(self) -> list[str]:
        """What lies beside fstab."""
        return sorted(path.name for path in self.fstab.parent.iterdir() if path != self.fstab)

    def ledger(self) -> list[dict[str, Any]]:
        """The entries of the ledger: every line must be whole."""
        path = self.state / "ledger.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def outcome(self) -> str:
        """How the last run ended."""
        return str(self.ledger()[-1].get("outcome", "")) if self.ledger() else ""

    def assert_fstab_parses(self) -> None:
        """libmount understands what it understood before; a tool that is no part of opskit says so."""
        done = run("findmnt", "--verify", "--tab-file", str(self.fstab), check=False)
        errors = re.findall(r"parse error at line (\d+)", done.stdout + done.stderr)
        assert errors == ["4"], done.stdout + done.stderr  # that one was there before

    def close(self) -> None:
        """Take everything down, the newest first."""
        for process in self.processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for namespace in self.namespaces:
            namespace.close()
        for action in reversed(self.after):
            action()
        for disk in reversed(self.disks):
            disk.take_down()
