"""The host of one test: its fstab, state directory and mount point, its disks, namespaces and terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from host.tools import ENVIRONMENT, FSTAB, MIB, OPSKIT, WARM, WHEEL, Answer, Disk, Mounted, attach, mounts, run


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
    """opskit on a terminal of its own: what it shows is read, what is typed is written; nobody waits by the clock.

    controls: keys are signals there, and programs find it as /dev/tty, where they ask for passwords
    """

    def __init__(
        self, argv: Sequence[str], environment: dict[str, str], columns: int = 80, *, controls: bool = False
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        take = (lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controls else None
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd="/", start_new_session=controls,
            preexec_fn=take,  # noqa: PLW1509 - there are no threads
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    def read_until(self, text: str) -> None:
        """Read until this has been shown."""
        while text not in self.text:
            assert self._read(), f"ended before {text!r}: {self.text}"

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], 300)
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
        return Answer(self.process.wait(timeout=300), self.text, "")

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
    # What is thawed, before anything else: a frozen filesystem holds whoever touches it.
    thaw: list[Callable[[], object]] = field(default_factory=list)
    # What else is to be done after the test, the newest first.
    after: list[Callable[[], object]] = field(default_factory=list)
    # By what name opskit is told of fstab, in a namespace that shows it there; "": where it is.
    name_of_fstab: str = ""

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

    def replaced(self, disk: Disk, size: int = 64 * MIB) -> Disk:
        """Another disk, blank, behind the name that this one had."""
        other = disk.replaced(size)
        self.disks.append(other)
        return other

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
        original = shutil.which(program, path=ENVIRONMENT["PATH"])
        assert original
        folder = self.folder / "real"
        folder.mkdir(exist_ok=True)
        shutil.copy(original, folder / program)  # by its name: mke2fs looks at that
        script = self.folder / f"shim-{program}"
        script.write_text(f"#!/bin/sh\nreal={folder / program}\n{text}\n")
        script.chmod(0o755)
        return f"mount --bind {script} {os.path.realpath(original)}"

    def put_over(self, path: Path, *options: str) -> None:
        """Mount something (a tmpfs unless options say otherwise) over a directory until the test is over."""
        run("mount", *(options or ("-t", "tmpfs", "none")), str(path))
        self.after.append(lambda: run("umount", str(path)))

    def run(
        self, *arguments: str, inside: Optional[Namespace] = None, under: Sequence[str] = (), **environment: str
    ) -> Answer:
        """opskit with these arguments; inside a namespace, under another program (strace)."""
        full = {**ENVIRONMENT, "OPSKIT_STATE_DIR": str(self.state), **environment}
        # Python itself reads variables of other names when it starts.
        if WHEEL and not inside and not under and all(name.startswith("OPSKIT_") for name in environment):
            return WARM.run(arguments, full)
        argv = [*(inside.prefix if inside else ()), *under, *OPSKIT, *arguments]
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
        return ("--fstab", self.name_of_fstab or str(self.fstab), "--state-dir", str(self.state))

    def on_disk(self, verb: str, *arguments: str, **more: Any) -> Answer:
        """`opskit disk VERB …` on this test's fstab and state directory."""
        return self.run("disk", *verb.split(), *arguments, *self.own, **more)

    def mount(self, disk: Disk, *options: str, target: str = "", **more: Any) -> Answer:
        """`opskit disk mount` with --yes."""
        return self.on_disk("mount", disk.path, target or self.target, "--yes", *options, **more)

    def mounted(self, target: str = "", inside: Optional[Namespace] = None) -> Optional[Mounted]:
        """What is mounted on the mount point."""
        here = inside.mounts() if inside else mounts()
        return next((mount for mount in reversed(here) if mount.target == (target or self.target)), None)

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
        for action in self.thaw:
            action()
        for process in self.processes:
            # With what it started, where it was started as the first of a group; one that was reaped has no number.
            if process.returncode is None and os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
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
