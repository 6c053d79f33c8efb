"""The step of `opskit completion --install`: the file of a shell written."""

from __future__ import annotations

import os
import shlex
from typing import ClassVar, Union

from opskit.core.plan import Change, Record, Step
from opskit.core.record import dataclass
from opskit.core.textfile import Replacement, ReplaceText, replacing, temporary


@dataclass(frozen=True)
class WriteCompletion(ReplaceText):
    """Write the completion script of a shell, or the manual page.

    shell: as `opskit completion` names it
    before: the text of the file until now in a tuple, an empty one for absent
    backup: where that is kept
    """

    kind: ClassVar[str] = "completion.write"

    shell: str
    path: str
    text: str
    before: tuple[str, ...]
    backup: str

    @property
    def replacement(self) -> Replacement:
        return Replacement(self.path, self.text, self.before[0] if self.before else None, self.backup)

    def lines(self) -> tuple[str, ...]:
        """As a person would: opskit prints the text, which is long."""
        path, new = shlex.quote(self.path), shlex.quote(temporary(self.path))
        write = f"opskit completion {self.shell} > {new}"
        if self.before:
            return (f"cp -a -- {path} {shlex.quote(self.backup)}", *replacing(self.path, (write,)))
        return (f"mkdir -p -- {shlex.quote(os.path.dirname(self.path))}", write, f"mv -f -- {new} {path}")

    @property
    def change(self) -> Change:
        before = f"kept as {self.backup}" if self.before else "absent"
        after = "the manual page" if self.shell.startswith("man") else f"completion for {self.shell}"
        return Change("write-completion", self.path, before, after, self.lines(), reversible=True)

    def undo_change(self, record: Record) -> Union[Change, str]:
        after = "as before" if self.before else "absent"
        return Change("restore-completion", self.path, "opskit's", after, self.undo_lines(), reversible=False)


KINDS: dict[str, type[Step]] = {WriteCompletion.kind: WriteCompletion}
