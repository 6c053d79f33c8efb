"""Steps that put an entry into fstab or take one out, and take that back to the byte."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import ClassVar, Union

from opskit.core.command import Command
from opskit.core.errors import CannotUndo, Failed
from opskit.core.files import sha256
from opskit.core.plan import Change, Record, Step
from opskit.core.runner import Runner
from opskit.disk.fstab import (
    Entry,
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
)
from opskit.disk.fstab_backup import BackupFstab, RestoreFstab
from opskit.disk.fstab_write import FstabStep, read, replacing, settle, temporary, text_hash, unchanged, write


def _is_here(runner: Runner, source: str) -> bool:
    """Whether the source of an entry is on this host: findfs(8) says exit 0 of a tag (UUID=…) that a device has."""
    if source.startswith("/"):
        return os.path.exists(source)
    return runner.run(Command(("findfs", source), mutates=False, accept=(0, 1, 2))).status == 0


@dataclass(frozen=True)
class AddFstabEntry(FstabStep):
    """Put line (without its ending) at the end of fstab.

    sha256_before: what fstab was when this was decided. newline_first: its last line had no ending.
    reload: whether systemd has to read it again. relabel: whether restorecon gives it its context.
    """

    kind: ClassVar[str] = "disk.add-fstab-entry"
    path: str
    line: str
    sha256_before: str
    newline_first: bool = False
    reload: bool = False
    relabel: bool = False

    @property
    def change(self) -> Change:
        """See Step.change."""
        new = shlex.quote(temporary(self.path))
        newline = (f"printf '\\n' >> {new}",) if self.newline_first else ()
        edits = (*newline, f"printf '%s\\n' {shlex.quote(self.line)} >> {new}")
        commands = replacing(self.path, edits, reload=self.reload, relabel=self.relabel)
        return Change("add-fstab-entry", self.path, "no entry", self.line, commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Add the line. Raises Failed when fstab is not as it was."""
        text = decode(unchanged(self.path, self.sha256_before))
        write(self.path, encode(add_line(text, self.line)), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step.verify."""
        text = decode(read(self.path))
        restored = self._removed(text)
        if restored == text or text_hash(restored) != self.sha256_before:
            raise Failed(self.path, f"it does not hold just one more line: {self.line}")

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        path, new = shlex.quote(self.path), shlex.quote(temporary(self.path))
        # grep says 1 when no line is left. -a: bytes that are no UTF-8 are text all the same.
        edits = [f"LC_ALL=C grep -avxF -e {shlex.quote(self.line)} -- {path} > {new} || [ $? -eq 1 ]"]
        if self.newline_first:
            edits.append(f"truncate -s -1 -- {new}")
        commands = replacing(self.path, tuple(edits), reload=self.reload, relabel=self.relabel)
        return Change("remove-fstab-entry", self.path, self.line, "no entry", commands, reversible=False)

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Take out our line and nothing else: that is the text from before, unless somebody edited since."""
        data = read(self.path)
        text = decode(data)
        restored = self._removed(text)
        ours = parse(self.line)[0]
        if restored == text and isinstance(ours, Entry) and any(e.source == ours.source for e in entries(text)):
            raise CannotUndo(f"the entry of {ours.source} stays: it was edited since")
        if sha256(data) != self.sha256_before and restored != text:
            write(self.path, encode(restored), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)

    def _removed(self, text: str) -> str:
        return remove_line(text, self.line, newline_added=self.newline_first)


@dataclass(frozen=True)
class RemoveFstabEntry(FstabStep):
    """Take lines out of fstab. sha256_before: what it was when this was decided."""

    kind: ClassVar[str] = "disk.remove-fstab-entry"
    path: str
    lines: tuple[Line, ...]
    sha256_before: str
    reload: bool = False
    relabel: bool = False

    @property
    def change(self) -> Change:
        """See Step.change."""
        numbers = ";".join(f"{line.number}d" for line in self.lines)
        edit = f"sed '{numbers}' < {shlex.quote(self.path)} > {shlex.quote(temporary(self.path))}"
        commands = replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)
        return Change("remove-fstab-entry", self.path, self._text(), "no entry", commands, reversible=True)

    def apply(self, runner: Runner, record: Record) -> Record:  # noqa: ARG002
        """Take them out. Raises Failed when fstab is not as it was."""
        text = decode(unchanged(self.path, self.sha256_before))
        write(self.path, encode(remove_lines(text, self.lines)), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)
        return {}

    def verify(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """See Step.verify."""
        if not self._fits(decode(read(self.path))):
            raise Failed(self.path, f"it does not hold all but these lines: {self._text()}")

    def undo_change(self, record: Record) -> Union[Change, str]:  # noqa: ARG002
        """See Step.undo_change."""
        path, new = shlex.quote(self.path), shlex.quote(temporary(self.path))
        edit = "{ " + "; ".join(self._put_back_commands(path)) + f"; }} > {new}"
        commands = replacing(self.path, (edit,), reload=self.reload, relabel=self.relabel)
        return Change("put-back-fstab-entry", self.path, "no entry", self._text(), commands, reversible=False)

    def undo(self, runner: Runner, record: Record) -> None:  # noqa: ARG002
        """Put the lines back at their place; where somebody edited since, those that are absent at the end."""
        data = read(self.path)
        if sha256(data) != self.sha256_before:
            text = decode(data)
            self._check_use(runner, text)
            restored = put_back_lines(text, self.lines) if self._fits(text) else self._appended(text)
            write(self.path, encode(restored), like=self.path)
        settle(runner, self.path, reload=self.reload, relabel=self.relabel)

    def _check_use(self, runner: Runner, text: str) -> None:
        """An entry whose disk is gone, or whose mount point is another's by now, would only harm the next boot."""
        for entry in entries("".join(line.raw for line in self.lines)):
            taken = [e for e in entries_for_target(text, entry.target) if e.raw.strip() != entry.raw.strip()]
            if taken and not self._fits(text):  # else it was there beside ours, too
                raise CannotUndo(f"{self.path} mounts {taken[0].source} on {entry.target} by now")
            if not entry.is_swap and not _is_here(runner, entry.source):
                raise CannotUndo(f"{entry.source} is on no device of this host, so its entry is not put back")

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
KINDS: dict[str, type[Step]] = {step.kind: step for step in STEPS}
