"""The steps on fstab. What follows each: relabel, restorecon of the host's own; reload, for systemd to read it."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from typing import ClassVar, Optional, Union

from opskit.core.checks import absent_checks, file_checks
from opskit.core.command import Command, Runner
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sha256
from opskit.core.finding import follow_up
from opskit.core.plan import Change, Record, Step
from opskit.core.reach import check_answers
from opskit.core.record import dataclass
from opskit.core.textfile import (
    changed,
    file_hash,
    read_file,
    remove_file,
    replacing,
    temporary,
    unchanged,
    write_file,
)
from opskit.disk.fstab.sources import names_a_device
from opskit.disk.fstab.text import (
    FstabEntry,
    Line,
    add_line,
    decode,
    encode,
    entries,
    entries_for_target,
    parse,
    put_back_lines,
    remove_line,
    remove_lines,
    split_lines,
    text_hash,
)
from opskit.disk.selinux import restorecon

# systemd makes its mount units from fstab; with stale ones it may unmount what was just mounted.
DAEMON_RELOAD = Command(("systemctl", "daemon-reload"), mutates=True)


class FstabStep(Step):
    """Common to the steps on fstab.

    No text of fstab goes into the ledger beside our own lines: options can hold a password. What an undo needs
    beyond that is in the backup beside fstab, named by the step. So there is nothing to remember.
    """

    @property
    def essence(self) -> Change:
        """Without the commands: they go by the numbers of lines, and a comment above moves those."""
        return replace(self.change, commands=())


def settling(path: str, *, reload: bool, relabel: bool) -> tuple[str, ...]:
    """The shell lines of settle()."""
    return tuple(command.as_shell() for command in _settling(path, reload=reload, relabel=relabel))


def _settling(path: str, *, reload: bool, relabel: bool) -> tuple[Command, ...]:
    """The context first: systemd may not read an fstab with a wrong one."""
    return (*((restorecon(path),) if relabel else ()), *((DAEMON_RELOAD,) if reload else ()))


def _replacing(path: str, edits: tuple[str, ...], *, reload: bool, relabel: bool) -> tuple[str, ...]:
    """Shell lines that edit a copy of fstab, put it in place, and what follows."""
    return replacing(path, edits) + settling(path, reload=reload, relabel=relabel)


def settle(runner: Runner, path: str, *, reload: bool, relabel: bool) -> None:
    """What follows once fstab is in place: its SELinux context, systemd's look at it. Raises what the runner raises."""
    for command in _settling(path, reload=reload, relabel=relabel):
        runner.run(command)


# What a person sees as "before" and "after" of a whole file: enough of its hash to tell two apart.
HASH_SHOWN = 12


@dataclass(frozen=True)
class BackupFstab(FstabStep):
    """Copy fstab to a backup beside it.

    sha256: what fstab was when this was decided.
    """

    kind: ClassVar[str] = "disk.backup-fstab"
    path: str
    backup: str
    sha256: str

    @property
    def checks(self) -> tuple[str, ...]:
        return (*file_checks(self.path, self.sha256), *absent_checks(self.backup))

    @property
    def change(self) -> Change:
        commands = (f"cp -a -- {shlex.quote(self.path)} {shlex.quote(self.backup)}",)
        return Change("backup-fstab", self.path, "no backup of it", self.backup, commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Copy it. Raises Failed."""
        data = unchanged(self.path, self.sha256)
        if os.path.lexists(self.backup):
            raise Failed(self.backup, "this name is already taken", todo="run the command again")
        write_file(self.backup, data, like=self.path)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if file_hash(self.backup) != self.sha256:
            raise Failed(self.backup, f"it is not the same as {self.path}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        path, backup = shlex.quote(self.path), shlex.quote(self.backup)
        commands = (f"cmp -- {path} {backup}", f"rm -- {backup}")
        before = f"a copy of {self.path}"
        return Change("remove-fstab-backup", self.backup, before, "absent", commands, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The backup, if it is there. Raises CannotUndo where it has what fstab has not."""
        if not os.path.lexists(self.backup):
            return None
        if file_hash(self.backup) != file_hash(self.path):
            why = f"the backup is kept: {self.path} is no longer the same as {self.backup}"
            raise CannotUndo(why, keeps_earlier=False, todo=f"rm -- {shlex.quote(self.backup)}")
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Remove the backup, if nothing is lost by that."""
        if self.left(runner, record):
            remove_file(self.backup)


@dataclass(frozen=True)
class RestoreFstab(FstabStep):
    """Put a backup in place of fstab.

    sha256_before: what fstab was when this was decided, "" for absent.
    sha256_after: what the backup was.
    previous: the backup of what is replaced, for the undo; "" when fstab was absent.
    """

    kind: ClassVar[str] = "disk.restore-fstab"
    whole: ClassVar[bool] = True
    path: str
    backup: str
    sha256_before: str
    sha256_after: str
    previous: str = ""
    reload: bool = False
    relabel: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        return (*file_checks(self.path, self.sha256_before), *file_checks(self.backup, self.sha256_after))

    @property
    def change(self) -> Change:
        before = f"sha256 {self.sha256_before[:HASH_SHOWN]}" if self.sha256_before else "absent"
        after = f"{self.backup}, sha256 {self.sha256_after[:HASH_SHOWN]}"
        return Change("restore-fstab", self.path, before, after, self._commands(self.backup), reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Put it in place. Raises Failed when fstab or the backup is not as it was."""
        if file_hash(self.path) != self.sha256_before:
            raise changed(self.path)
        data = unchanged(self.backup, self.sha256_after)
        write_file(self.path, data, like=self.path if self.sha256_before else self.backup)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if file_hash(self.path) != self.sha256_after:
            raise Failed(self.path, f"it is not the same as {self.backup}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        before = f"{self.backup}, sha256 {self.sha256_after[:HASH_SHOWN]}"
        if not self.sha256_before:
            removal = (f"rm -- {shlex.quote(self.path)}", *settling(self.path, reload=self.reload, relabel=False))
            return Change("remove-fstab", self.path, before, "absent", removal, reversible=False)
        return Change(
            "restore-fstab", self.path, before, self.previous, self._commands(self.previous), reversible=False
        )

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Nothing, where fstab is as it was before. Raises CannotUndo where somebody edited since."""
        now = file_hash(self.path)
        if now == self.sha256_before:
            return None
        if now != self.sha256_after:
            kept = f"; what was there before is in {self.previous}" if self.previous else ""
            raise CannotUndo(f"{self.path} is kept: it was changed since{kept}")
        if self.sha256_before and file_hash(self.previous) != self.sha256_before:
            raise CannotUndo(f"{self.path} is kept: {self.previous} no longer holds what was there before")
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Put back what was there, unless somebody edited since. Raises CannotUndo."""
        if self.left(runner, record):
            self._put_back()
        settle(runner, self.path, reload=self.reload, relabel=self.relabel and bool(self.sha256_before))

    def _put_back(self) -> None:
        if not self.sha256_before:
            remove_file(self.path)
        else:
            write_file(self.path, unchanged(self.previous, self.sha256_before), like=self.path)

    def _commands(self, source: str) -> tuple[str, ...]:
        if not self.sha256_before:
            new = shlex.quote(temporary(self.path))
            after = settling(self.path, reload=self.reload, relabel=self.relabel)
            return (f"cp -a -- {shlex.quote(source)} {new}", f"mv -f -- {new} {shlex.quote(self.path)}", *after)
        edit = f"cat -- {shlex.quote(source)} > {shlex.quote(temporary(self.path))}"
        return _replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)


def _is_here(runner: Runner, source: str) -> bool:
    """Whether the source of an entry is on this host: findfs(8) says exit 0 of a tag (UUID=…) that a device has."""
    if source.startswith("/"):
        return os.path.exists(source)
    return runner.run(Command(("findfs", source), mutates=False, accept=(0, 1, 2))).status == 0


def _files_of(entry: FstabEntry) -> tuple[str, ...]:
    """The files without which an entry is good for nothing: a swap file, those with a user and a password."""
    named = (option.partition("=") for option in entry.option_list)
    credentials = tuple(path for name, _, path in named if name in {"credentials", "cred"})
    return (*((entry.source,) if entry.is_swap_file else ()), *credentials)


def _is_absent(path: str) -> bool:
    """Raises Failed where its server does not answer."""
    check_answers([path])
    return not os.path.lexists(path)


@dataclass(frozen=True)
class AddFstabEntry(FstabStep):
    """Put line (without its ending) at the end of fstab.

    sha256_before: what fstab was when this was decided.
    newline_first: its last line had no ending.
    reload: whether systemd has to read it again.
    relabel: whether restorecon gives it its context.
    """

    kind: ClassVar[str] = "disk.add-fstab-entry"
    path: str
    line: str
    sha256_before: str
    newline_first: bool = False
    reload: bool = False
    relabel: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        return file_checks(self.path, self.sha256_before)

    @property
    def change(self) -> Change:
        new = shlex.quote(temporary(self.path))
        newline = (f"printf '\\n' >> {new}",) if self.newline_first else ()
        edits = (*newline, f"printf '%s\\n' {shlex.quote(self.line)} >> {new}")
        commands = _replacing(self.path, edits, reload=self.reload, relabel=self.relabel)
        return Change("add-fstab-entry", self.path, "no entry", self.line, commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Add the line. Raises Failed when fstab is not as it was."""
        text = decode(unchanged(self.path, self.sha256_before))
        write_file(self.path, encode(add_line(text, self.line)), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        text = decode(read_file(self.path))
        restored = self._removed(text)
        if restored == text or text_hash(restored) != self.sha256_before:
            raise Failed(self.path, f"it does not have exactly this one new line: {self.line}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        path, new = shlex.quote(self.path), shlex.quote(temporary(self.path))
        # grep says 1 when no line is left. -a: bytes that are no UTF-8 are text all the same.
        edits = [f"LC_ALL=C grep -avxF -e {shlex.quote(self.line)} -- {path} > {new} || [ $? -eq 1 ]"]
        if self.newline_first:
            edits.append(f"truncate -s -1 -- {new}")
        commands = _replacing(self.path, tuple(edits), reload=self.reload, relabel=self.relabel)
        return Change("remove-fstab-entry", self.path, self.line, "no entry", commands, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """Our line, if it is there. Raises CannotUndo where somebody edited it."""
        data = read_file(self.path)
        text = decode(data)
        if sha256(data) == self.sha256_before:
            return None
        if self._removed(text) != text:
            return super().left(runner, record)
        ours = parse(self.line)[0]
        edited = [e for e in entries(text) if isinstance(ours, FstabEntry) and e.source == ours.source]
        if edited:
            why = f"the entry of {edited[0].source} is kept: it was edited since"
            raise CannotUndo(why, todo=f"take line {edited[0].number} out of {self.path} by hand")
        return None

    def undo(self, runner: Runner, record: Record) -> None:
        """Take out our line and nothing else: that is the text from before, unless somebody edited since."""
        if self.left(runner, record):
            write_file(self.path, encode(self._removed(decode(read_file(self.path)))), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)

    def _removed(self, text: str) -> str:
        return remove_line(text, self.line, newline_added=self.newline_first)


@dataclass(frozen=True)
class RemoveFstabEntry(FstabStep):
    """Take lines out of fstab.

    sha256_before: what it was when this was decided.
    """

    kind: ClassVar[str] = "disk.remove-fstab-entry"
    path: str
    lines: tuple[Line, ...]
    sha256_before: str
    reload: bool = False
    relabel: bool = False

    @property
    def checks(self) -> tuple[str, ...]:
        return file_checks(self.path, self.sha256_before)

    @property
    def change(self) -> Change:
        numbers = ";".join(f"{line.number}d" for line in self.lines)
        edit = f"sed '{numbers}' < {shlex.quote(self.path)} > {shlex.quote(temporary(self.path))}"
        commands = _replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)
        return Change("remove-fstab-entry", self.path, self._text(), "no entry", commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:
        """Take them out. Raises Failed when fstab is not as it was."""
        text = decode(unchanged(self.path, self.sha256_before))
        write_file(self.path, encode(remove_lines(text, self.lines)), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:
        if not self._fits(decode(read_file(self.path))):
            raise Failed(self.path, f"it does not have exactly these lines less: {self._text()}")

    def undo_change(self, record: Record) -> Union[Change, str]:
        path, new = shlex.quote(self.path), shlex.quote(temporary(self.path))
        edit = "{ " + "; ".join(self._put_back_commands(path)) + f"; }} > {new}"
        commands = _replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)
        return Change("put-back-fstab-entry", self.path, "no entry", self._text(), commands, reversible=False)

    def left(self, runner: Runner, record: Record) -> Optional[Change]:
        """The lines that are absent. Raises CannotUndo where one would only harm by now."""
        data = read_file(self.path)
        text = decode(data)
        if sha256(data) == self.sha256_before or (not self._fits(text) and self._appended(text) == text):
            return None
        self._check_use(runner, text)
        return super().left(runner, record)

    def undo(self, runner: Runner, record: Record) -> None:
        """Put the lines back at their place; where somebody edited since, those that are absent at the end."""
        if self.left(runner, record):
            text = decode(read_file(self.path))
            restored = put_back_lines(text, self.lines) if self._fits(text) else self._appended(text)
            write_file(self.path, encode(restored), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)

    def _check_use(self, runner: Runner, text: str) -> None:
        """An entry whose disk is gone, or whose mount point is another's by now, would only harm the next boot."""
        for entry in entries("".join(line.raw for line in self.lines)):
            taken = [e for e in entries_for_target(text, entry.target) if e.raw.strip() != entry.raw.strip()]
            if taken and not self._fits(text):  # else it was there beside ours, too
                raise CannotUndo(f"{self.path} mounts {taken[0].source} on {entry.target} now")
            if names_a_device(entry) and not _is_here(runner, entry.source):
                why = f"{entry.source} is on no device of this host, so its entry is not put back"
                todo = f"{follow_up('disk', 'list')} shows the block devices"
                raise CannotUndo(why, todo=todo, missing=entry.source)
            for path in filter(_is_absent, _files_of(entry)):
                raise CannotUndo(f"{path} is not there any more, so its entry is not put back", missing=path)

    def _fits(self, text: str) -> bool:
        """Whether the text is that from before without our lines."""
        return text_hash(put_back_lines(text, self.lines)) == self.sha256_before

    def _appended(self, text: str) -> str:
        present = {raw.rstrip("\r\n") for raw in split_lines(text)}
        for line in self.lines:
            if line.raw.rstrip("\r\n") not in present:
                text = add_line(text, line.raw.removesuffix("\n"))
        return text

    def _text(self) -> str:
        return "; ".join(line.raw.strip() for line in self.lines)

    def _put_back_commands(self, path: str) -> list[str]:
        """What prints fstab with our lines between its own."""
        commands, printed, following = [], 0, 1
        for line in sorted(self.lines, key=lambda line: line.number):
            between = line.number - following
            if between:
                commands.append(f"sed -n '{printed + 1},{printed + between}p' {path}")
            shape = "%s\\n" if line.raw.endswith("\n") else "%s"
            commands.append(f"printf '{shape}' {shlex.quote(line.raw.removesuffix(chr(10)))}")
            printed, following = printed + between, line.number + 1
        return [*commands, f"sed -n '{printed + 1},$p' {path}"]


STEPS: tuple[type[Step], ...] = (BackupFstab, AddFstabEntry, RemoveFstabEntry, RestoreFstab)
