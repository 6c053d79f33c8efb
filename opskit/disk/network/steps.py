"""The steps of a share: the file with user and password, the mount, and its end."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import ClassVar, Optional, Union

from opskit.core.checks import absent_checks
from opskit.core.child import ask
from opskit.core.command import Command, Runner, shell_lines
from opskit.core.errors import Busy, CannotUndo, CommandFailed, Failed
from opskit.core.files import leftovers, write_atomic
from opskit.core.finding import Finding
from opskit.core.plan import Change, Record, Step
from opskit.core.reach import Look, look_at, silence_at
from opskit.core.record import dataclass
from opskit.core.textfile import remove_file
from opskit.disk.mount.steps.mount import make_directories, missing_directories, systemd_unit, umount, unmount
from opskit.disk.network.causes import share_cause
from opskit.disk.network.request import ShareRequest
from opskit.disk.network.see.credentials import names_in
from opskit.disk.network.share import Share, parse
from opskit.disk.see.kernel_log import knows_filesystem
from opskit.disk.see.mounts import mounted_at
from opskit.disk.see.paths import in_the_way
from opskit.disk.selinux import restorecon

# mount.nfs itself gives up after two minutes (nfs(5), retry=); the server was asked just before.
MOUNT_SECONDS = 130.0
# How long a write is waited for: a server of NFS 4 opens no new file for 90 s after its start (nfsd(7)).
WRITE_SECONDS = 100.0


@dataclass(frozen=True)
class WriteCredentials(Step):
    """A file with user and password for mount.cifs: root's alone from its first byte.

    The password is no field: it is in no ledger, no plan and no comparison.

    password_file: where a script reads it from, "" for its standard input
    """

    kind: ClassVar[str] = "disk.write-credentials"
    path: str
    user: str
    domain: str = ""
    password_file: str = ""
    relabel: bool = False

    def with_password(self, password: str) -> WriteCredentials:
        """The step that writes this password."""
        # Not by an InitVar, which would be no field either: Python 3.9 cannot evaluate its annotation.
        step = replace(self)
        object.__setattr__(step, "_password", password)
        return step

    @property
    def checks(self) -> tuple[str, ...]:
        return absent_checks(self.path)

    @property
    def change(self) -> Change:
        path, directory = shlex.quote(self.path), shlex.quote(os.path.dirname(self.path))
        value = f"$(cat -- {shlex.quote(self.password_file)})" if self.password_file else "$password"
        read = () if self.password_file else ('echo "the password, on standard input:" >&2', "IFS= read -r password")
        words = " ".join([*map(shlex.quote, self._head), f'"password={value}"'])
        lines = (
            f"[ -d {directory} ] || mkdir -m 700 -- {directory}",
            *read,
            f"(umask 077; set -C; printf '%s\\n' {words} > {path})",
            *((restorecon(self.path).as_shell(),) if self.relabel else ()),
        )
        after = f"user {self.user} and the password, mode 0600"
        return Change("write-credentials", self.path, "absent", after, lines, reversible=True)

    @property
    def _head(self) -> tuple[str, ...]:
        return (f"username={self.user}", *((f"domain={self.domain}",) if self.domain else ()))

    def remember(self, runner: Runner) -> Record:
        """Raises Failed when somebody has made it since."""
        if os.path.lexists(self.path):
            raise Failed(self.path, "somebody has made it since", todo="run the same command again")
        return {"made": missing_directories(os.path.dirname(self.path))}

    def apply(self, runner: Runner, record: Record) -> Record:
        password: str = getattr(self, "_password", "")
        text = "".join(f"{line}\n" for line in (*self._head, f"password={password}"))
        made = make_directories(record["made"], mode=0o700)
        try:
            write_atomic(self.path, text.encode("utf-8", "surrogateescape"), mode=0o600)
        except OSError as error:
            raise Failed(self.path, f"it cannot be written ({error.strerror})") from error
        if self.relabel:
            runner.run(restorecon(self.path))
        return {"inode": os.lstat(self.path).st_ino, "made": made}

    def verify(self, runner: Runner, record: Record) -> None:
        status = os.lstat(self.path)
        if status.st_mode & 0o7777 != 0o600 or status.st_uid != 0:
            raise Failed(self.path, "it is not root's alone", todo=f"ls -l {shlex.quote(self.path)}")
        if names_in(self.path) != (self.user, self.domain):
            raise Failed(self.path, "it does not hold what was written")

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = f"user {self.user} and the password"
        line = f"rm -- {shlex.quote(self.path)}"
        return Change("remove-credentials", self.path, after, "absent", (line,), reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The file, if it is ours. Raises CannotUndo where it is another one by now, with another user in it."""
        if not os.path.lexists(self.path):
            return super().left(runner, record) if leftovers(self.path) else None
        same = os.lstat(self.path).st_ino == record.get("inode")
        if not same and names_in(self.path) != (self.user, self.domain):
            raise CannotUndo(f"{self.path} is another file by now", keeps_earlier=False)
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove it, what a write that was killed has left, and the directory if it was made and holds nothing else."""
        if self.left(runner, record):
            for path in (*leftovers(self.path), self.path):
                remove_file(path)
        for path in record["made"]:
            with contextlib.suppress(OSError):
                os.rmdir(path)


class _ShareMount(Step):
    """Common to the mount of a share and its end."""

    source: str
    target: str
    fstype: str
    options: str

    def _mount_command(self) -> Command:
        options = ("-o", self.options) if self.options else ()
        argv = ("mount", "-t", self.fstype, *options, self.source, self.target)
        return Command(argv, mutates=True, timeout=MOUNT_SECONDS)

    @property
    def _options(self) -> dict[str, str]:
        return dict(option.partition("=")[::2] for option in self.options.split(","))

    @property
    def _share(self) -> Share:
        share = parse(self.source)
        if share is None:
            raise Failed(self.source, "it is not the name of a share")
        return share

    def _is_mounted(self) -> bool:
        """Whether the share is mounted there. Raises CannotUndo where something else is."""
        mount = mounted_at(self.target)
        if mount is not None and not self._share.is_mount(mount):
            why = f"something else is mounted on {mount.target} now ({mount.source})"
            raise CannotUndo(why, todo=f"findmnt {shlex.quote(mount.target)}; unmount it first if it is in the way")
        return mount is not None

    def _mount(self, runner: Runner) -> None:
        """Raises CommandFailed with the cause, as far as it can be known."""
        try:
            runner.run(self._mount_command())
        except CommandFailed as error:
            share, known, credentials = self._share, knows_filesystem(self.fstype), self._options.get("credentials", "")
            cause = share_cause(share, error.result.stderr, known=known, credentials=credentials)
            if cause is None:
                error.todo = error.todo or f"dmesg | tail; the log of {share.host} may say more"
                raise
            explained = CommandFailed(error.result, f"{cause.why} (exit status {error.result.status})")
            explained.todo = cause.todo
            raise explained from error

    def _server_gives_it(self) -> None:
        """Raise CannotUndo where the server does not: mount.nfs(8) would try for two minutes."""
        from opskit.disk.network.see.server import ask_server  # noqa: PLC0415 - only this undo asks
        from opskit.disk.network.server import server_reasons  # noqa: PLC0415

        request = ShareRequest(self._share, self.target, self.fstype, self.options)
        for reason in server_reasons(request, ask_server(request)):
            raise CannotUndo(reason.title, todo=reason.remedy)

    def _unmount(self, runner: Runner) -> None:
        """Raises Busy where somebody uses it, or its server does not answer: umount would wait for it."""
        why = silence_at(self.target)
        if why:
            raise Busy(self.target, why, todo="see to its server; once it answers, try again")
        unmount(runner, self.target)


@dataclass(frozen=True)
class MountShare(_ShareMount):
    """Mount a share, and write to it.

    systemd: it runs here: a unit of this mount point that failed before is forgotten, or the mount is ended at once.
    write: try to; it is not to be mounted read-only
    """

    kind: ClassVar[str] = "disk.mount-share"
    source: str
    target: str
    fstype: str
    options: str
    systemd: bool = False
    write: bool = True

    @property
    def change(self) -> Change:
        lines = []
        if self.systemd:
            unit = f'"$(systemd-escape --path --suffix=mount {shlex.quote(self.target)})"'
            lines.append(f"systemctl reset-failed {unit} || true")
        lines.append(self._mount_command().as_shell())
        if self.write:
            trial = f"{shlex.quote(self.target.rstrip('/'))}/.opskit-$$"
            denied = f"echo {shlex.quote(f'{self.target} cannot be written to')} >&2"
            lines.append(f"if (set -C; : > {trial}); then rm -- {trial}; else {denied}; fi")
        after = f"{self.fstype} of {self.source}" + ("" if self.write else ", read-only")
        return Change("mount-share", self.target, "not mounted", after, tuple(lines), reversible=True)

    def remember(self, runner: Runner) -> Record:
        """Raises Failed when the mount point is no longer what it was."""
        (answer,) = look_at([Look(self.target, partial(in_the_way, self.target, mounted_at(self.target)))])
        why = answer.value if answer.came and not answer.error else answer.why
        if why:
            raise Failed(self.target, why, todo="run the same command again and read the new plan")
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:
        if self.systemd:
            unit = systemd_unit(runner, self.target)
            # Exit 1: it is not loaded, which is as good.
            runner.run(Command(("systemctl", "reset-failed", unit), mutates=True, accept=(0, 1, 5)))
        self._mount(runner)
        return {"unwritable": self._written()} if self.write else {}

    def _written(self) -> str:
        """Why it cannot be written to, "" if it can. Raises Failed where the server does not answer, or its disk fails.

        What a user of this host may is not what root may: root_squash makes root nobody, so that is no failure.
        """
        (answer,) = ask([partial(try_to_write, self.target)], WRITE_SECONDS)
        if not answer.came:
            why = f"it is mounted, and its server did not answer a write within {WRITE_SECONDS:g} s"
            raise Failed(self.target, why, todo="look at the server; its log may say more")
        if answer.error in {errno.EACCES, errno.EPERM, errno.EROFS, errno.EDQUOT, errno.ENOSPC}:
            return str(answer.why)
        if answer.error:
            raise Failed(self.target, f"it cannot be written ({answer.why})", todo="dmesg | tail may say why")
        return ""

    def verify(self, runner: Runner, record: Record) -> None:
        """The kernel shows the share there."""
        mount = mounted_at(self.target)
        if not self._share.is_mount(mount):
            raise Failed(self.target, f"{self.source} is not mounted there", todo="dmesg | tail")

    def warnings(self, record: Record) -> Iterator[Finding]:
        """It is mounted, and root cannot write to it."""
        why = record.get("unwritable")
        if why:
            title = f"{self.target} is mounted, and root of this host cannot write to it: {why}"
            remedy = f"ls -ld {shlex.quote(self.target)}; for NFS, root is nobody there without no_root_squash"
            yield Finding("not-writable", "warning", title, remedy=remedy)

    def undo_change(self, record: Record) -> Union[Change, str]:
        before, lines = f"{self.fstype} of {self.source}", shell_lines((umount(self.target),))
        return Change("umount", self.target, before, "not mounted", lines, reversible=True)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The mount. Raises CannotUndo when something else is mounted there."""
        return super().left(runner, record) if self._is_mounted() else None

    def undo(self, runner: Runner, record: Record) -> None:
        """Unmount, if it is still our share that is mounted there. Raises Busy when somebody uses it."""
        if self._is_mounted():
            self._unmount(runner)


@dataclass(frozen=True)
class UnmountShare(_ShareMount):
    """Unmount a share; taking it back mounts it again.

    options: those of its entry, or what the kernel showed, to mount it by again
    """

    kind: ClassVar[str] = "disk.umount-share"
    source: str
    target: str
    fstype: str
    options: str

    @property
    def late_modules(self) -> tuple[str, ...]:
        return ("opskit.disk.network.see.server", "opskit.disk.network.server")

    @property
    def change(self) -> Change:
        before, lines = f"{self.fstype} of {self.source}", shell_lines((umount(self.target),))
        return Change("umount", self.target, before, "not mounted", lines, reversible=True)

    def remember(self, runner: Runner) -> Record:
        """Raises Failed when the share is no longer mounted there."""
        if not self._share.is_mount(mounted_at(self.target)):
            raise Failed(self.target, f"{self.source} is not mounted there now", todo="run the same command again")
        return {}

    def apply(self, runner: Runner, record: Record) -> Record:
        self._unmount(runner)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if self._share.is_mount(mounted_at(self.target)):
            raise Failed(self.target, "it is still mounted (it was mounted more than once)", todo="umount it again")

    def undo_change(self, record: Record) -> Union[Change, str]:
        after, lines = f"{self.fstype} of {self.source}", shell_lines((self._mount_command(),))
        return Change("mount-share", self.target, "not mounted", after, lines, reversible=True)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The mount that is missing. Raises CannotUndo when something is in its way, or the server does not give it."""
        if self._is_mounted():
            return None
        why = in_the_way(self.target, None)
        if why and os.path.realpath(self.target) != self.target:
            raise CannotUndo(f"{self.target}: {why}", todo=f"ls -la {shlex.quote(self.target)}")
        credentials = self._options.get("credentials", "")
        if credentials and not os.path.lexists(credentials):
            raise CannotUndo(f"{credentials}, with user and password, is not there any more", missing=credentials)
        self._server_gives_it()
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Mount it again, unless it is mounted."""
        if self.left(runner, record):
            make_directories(missing_directories(self.target))
            self._mount(runner)


def try_to_write(target: str) -> None:
    """In a child: make a file that nobody has, write to it, and remove it. Raises OSError."""
    path = os.path.join(target, f".opskit-{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, b"opskit\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        os.unlink(path)


STEPS: tuple[type[Step], ...] = (WriteCredentials, MountShare, UnmountShare)
