"""The commands of `opskit disk fstab`: check, show, backup, restore."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from opskit.act import Chore, act, tell
from opskit.commands import new_app
from opskit.core.command import Runner
from opskit.core.errors import ExitCode, Failed
from opskit.core.finding import follow_up
from opskit.core.text import counted, masked, shown
from opskit.disk.cli import Fstab
from opskit.disk.fstab.check import check, mounts_at
from opskit.disk.fstab.plan import decide_backup, decide_restore
from opskit.disk.fstab.sources import devices_of
from opskit.disk.fstab.text import entries
from opskit.disk.model import FileFact, HostFacts
from opskit.disk.see.facts import FSTAB, load, see
from opskit.disk.see.files import list_backups, read_file_fact
from opskit.disk.verdict import with_silence
from opskit.options import changes, reads
from opskit.session import Session
from opskit.ui.errors import draw_findings
from opskit.ui.screen import Column, draw_table

if TYPE_CHECKING:
    from opskit.disk.results import FstabRow

app = new_app("Example: opskit disk fstab check\n\nCheck fstab, show what it means here, back it up, restore it.")

Saved = Annotated[
    str, typer.Option("--facts", metavar="FILE", help="Look at facts saved in this file (`-`: stdin) instead.")
]

COLUMNS = (
    Column("LINE", right=True),
    Column("SOURCE", whole=True),
    Column("MOUNT POINT", whole=True),
    Column("TYPE"),
    Column("OPTIONS"),
    Column("DUMP", right=True),
    Column("PASS", right=True),
    Column("DEVICE"),
    Column("MOUNTED"),
)
FIRST_TO_GO = ("DUMP", "PASS", "DEVICE", "TYPE")


@reads(app, "check", example="opskit disk fstab check")
def check_(session: Session, fstab: Fstab = FSTAB, facts: Saved = "") -> None:
    """Check every entry against this host. Exit 4 when there are findings, each with what to do."""
    host = _readable(load(facts) if facts else see(session.runner, fstab=fstab))
    findings = check(host)
    count = len(entries(host.fstab.text))
    result = {"fstab": host.fstab.path, "entries": count, "findings": len(findings), "unseen": list(host.unseen)}

    def draw() -> None:
        draw_findings(session.screen, findings)
        if not findings:
            session.screen.done(f"{shown(host.fstab.path)}: {counted(count, 'entry', 'entries')}, nothing found")
        for unseen in host.unseen:
            session.screen.note(f"not seen: {unseen}")

    session.screen.answer(result, draw, findings=findings)
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


@reads(app, "show", example="opskit disk fstab show")
def show(session: Session, fstab: Fstab = FSTAB, facts: Saved = "") -> None:
    """Show every entry with the device that it names here, and whether that is mounted."""
    host = _readable(load(facts) if facts else see(session.runner, fstab=fstab))
    rows = _rows(host)

    def draw() -> None:
        if not rows:
            session.screen.done(f"{shown(host.fstab.path)} has no entries")
            return
        cells = [[_cell(value) for value in row.values()] for row in rows]
        draw_table(session.screen, COLUMNS, cells, less=FIRST_TO_GO)

    session.screen.answer({"fstab": host.fstab.path, "entries": rows}, draw)


@changes(app, "backup", example="opskit disk fstab backup")
def backup(session: Session, fstab: Fstab = FSTAB) -> None:
    """Copy fstab beside itself, unless there is a copy of just this one already."""

    def read(runner: Runner) -> tuple[HostFacts, tuple[FileFact, ...]]:
        facts = see(runner, fstab=fstab)
        return facts, tuple(read_file_fact(path) for path in list_backups(facts.fstab.real))

    chore = Chore(
        read,
        lambda pair, run: with_silence(decide_backup(*pair, run), pair[0]),
        load=lambda path: (load(path), ()),
        root=_needs_root(fstab),
    )
    outcome = act(session, chore)
    made = shown(outcome.plan.result["backup"])
    tell(session, outcome, f"backup: {made}", f"{made} is the same as {shown(fstab)}")


@changes(app, "restore", facts=False, example="opskit disk fstab restore /etc/fstab.opskit-20261120T190500Z-ab12cd")
def restore(
    session: Session,
    backup: Annotated[Optional[str], typer.Argument(metavar="[FILE]", help="The file to put in place.")] = None,
    fstab: Fstab = FSTAB,
) -> None:
    """Put a backup in place of fstab, which is backed up first; without BACKUP, list the backups there are."""
    if backup is None:
        _list(session, fstab)
        return

    def read(runner: Runner) -> tuple[HostFacts, FileFact]:
        return see(runner, fstab=fstab), read_file_fact(backup)

    chore = Chore(read, lambda pair, run: with_silence(decide_restore(*pair, run), pair[0]), root=_needs_root(fstab))
    outcome = act(session, chore)
    name = shown(fstab)
    tell(session, outcome, f"restored: {name} from {shown(backup)}", f"{name} is the same as {shown(backup)}")


def _readable(facts: HostFacts) -> HostFacts:
    """The facts. Raises Failed when there is no fstab that could be looked at."""
    fstab = facts.fstab
    if not fstab.exists:
        raise Failed(fstab.path, "there is no such file", todo=f"{follow_up('disk', 'fstab', 'restore')} lists backups")
    if fstab.problem:
        raise Failed(fstab.path, fstab.problem)
    return facts


def _needs_root(fstab: str) -> bool:
    """Whether fstab cannot be written by this user."""
    return not os.access(os.path.dirname(os.path.realpath(fstab)), os.W_OK)


def _rows(facts: HostFacts) -> list[FstabRow]:
    """Each entry as --json has it; a table has the same values in the same order."""
    rows: list[FstabRow] = []
    for entry in entries(facts.fstab.text):
        devices = devices_of(facts, entry)
        there = mounts_at(facts, entry.target)[-1:]  # an automount point alone is not what is mounted when it is opened
        mounted = any(d.swap for d in devices) if entry.is_swap else any(m.fstype != "autofs" for m in there)
        rows.append(
            {
                "line": entry.number,
                "source": masked(entry.source),
                "mount_point": entry.target,
                "fstype": entry.fstype,
                "options": masked(entry.options),
                "dump": entry.dump,
                "pass": entry.pass_,
                "devices": [d.path for d in devices],
                "mounted": mounted,
            }
        )
    return rows


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(value) if isinstance(value, list) else str(value)


def _list(session: Session, fstab: str) -> None:
    """The backups beside fstab, oldest first, and which of them are what fstab is now."""
    now = read_file_fact(fstab)
    backups = [read_file_fact(path) for path in list_backups(fstab)]
    rows = [{"backup": b.path, "same": now.exists and not b.problem and b.text == now.text} for b in backups]

    def draw() -> None:
        if rows:
            table = [[str(row["backup"]), "yes" if row["same"] else "no"] for row in rows]
            draw_table(session.screen, (Column("BACKUP"), Column("SAME AS NOW")), table)
        else:
            session.screen.done(f"there are no backups of {shown(fstab)}")

    session.screen.answer({"fstab": fstab, "backups": rows}, draw)
