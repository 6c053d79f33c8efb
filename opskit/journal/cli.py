"""The commands of `opskit journal`. What changes the host goes through opskit/act.py; the words are here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Optional

import typer

from opskit.areas import Entry
from opskit.commands import LazyGroup, PlainCommand, new_app
from opskit.core.errors import ExitCode, UsageFault
from opskit.core.finding import follow_up
from opskit.core.text import counted
from opskit.core.units import parse_size, parse_span, size_text
from opskit.options import changes, reads
from opskit.session import Session

if TYPE_CHECKING:
    from opskit.act import Chore
    from opskit.journal.files.model import Scope


class JournalGroup(LazyGroup):
    """The commands here, and those that have a module of their own: imported when they are named."""

    entries: ClassVar[dict[str, Entry]] = {
        "errors": Entry(
            "opskit.journal.errors.cli",
            "What is wrong: similar messages in groups, failed units, OOM, disks.",
            single=True,
        ),
    }


app = new_app(
    "Example: opskit journal vacuum 2d --dry-run\n\n"
    "The journal: what fills it, what a vacuum will delete, what is damaged, a limit that lasts.",
    group=JournalGroup,
)

InDirectory = Annotated[
    str, typer.Option("--directory", "-D", metavar="DIR", help="The journals in this directory instead.")
]
Root = Annotated[str, typer.Option("--root", metavar="DIR", help="The journals of the system below this directory.")]
Namespace = Annotated[
    str, typer.Option("--namespace", metavar="NAME", help="The journal of this namespace; * for all of them.")
]
SystemdVersion = Annotated[
    str, typer.Option("--systemd-version", metavar="VERSION", help="Decide as this systemd does: 239, 252-32.el9.")
]


@reads(app, "usage", example="opskit journal usage")
def usage(session: Session, directory: InDirectory = "", root: Root = "", namespace: Namespace = "*") -> None:
    """Show what the journal takes: per directory, namespace and machine, and the limits with where each comes from."""
    from opskit.journal.releases import NEWEST, rules_of  # noqa: PLC0415
    from opskit.journal.usage.findings import findings, without_journals  # noqa: PLC0415
    from opskit.journal.usage.see import see_settings, see_usage  # noqa: PLC0415
    from opskit.journal.usage.show import draw_usage, usage_json  # noqa: PLC0415
    from opskit.ui.plan import draw_notes  # noqa: PLC0415

    scope = scope_of(directory, root, namespace, everything=True)
    usages = see_usage(scope, rules_of(NEWEST))
    notes = list(findings(usages))
    if not usages and not directory:
        notes += without_journals(*see_settings(scope.root))

    def draw() -> None:
        draw_usage(session.screen, usages)
        if not session.screen.quiet:
            draw_notes(session.screen, notes, sys.stderr)

    session.screen.answer(usage_json(usages), draw, findings=notes)


@reads(app, "verify", example="opskit journal verify")
def verify_(
    session: Session,
    verify_key: Annotated[
        str, typer.Option("--verify-key", metavar="FILE", help="Check the seals (FSS) too, by the key in this file.")
    ] = "",
    directory: InDirectory = "",
    root: Root = "",
    namespace: Namespace = "*",
) -> None:
    """Check every journal file, and say what to do about a damaged one. Exit 4 when there are such.

    What is sealed, made by a newer systemd, or was never closed is told apart from what is damaged.
    """
    from opskit.journal.files.see.directories import read_directories  # noqa: PLC0415
    from opskit.journal.files.see.verify import Check, read_key, verify  # noqa: PLC0415
    from opskit.journal.files.show import draw_verdicts, verdicts_json  # noqa: PLC0415
    from opskit.journal.files.verify import State, findings_of  # noqa: PLC0415
    from opskit.journal.releases import NEWEST, rules_of  # noqa: PLC0415
    from opskit.journal.see import running_version  # noqa: PLC0415
    from opskit.ui.progress import step_line  # noqa: PLC0415

    directories = read_directories(scope_of(directory, root, namespace, everything=True), rules_of(NEWEST))
    key = read_key(verify_key) if verify_key else ""
    check = Check(rules_of(running_version(session.runner)).incompatible, key)
    with step_line(session.screen) as tick:
        verdicts = list(verify(session.runner, directories, check, tick))
    findings = findings_of(verdicts)
    session.screen.answer(
        verdicts_json(verdicts), lambda: draw_verdicts(session.screen, verdicts, findings), findings=findings
    )
    if any(verdict.state in {State.DAMAGED, State.SEAL_BROKEN} for verdict in verdicts):
        raise typer.Exit(ExitCode.FINDINGS)


class VacuumCommand(PlainCommand):
    """Knows the options of journalctl that opskit has by another word."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "--vacuum-time": "the span alone, such as 2d",
        "--vacuum-size": "--size 500M",
        "--vacuum-files": "--files 10",
    }


@changes(app, "vacuum", facts=False, example="opskit journal vacuum 2d --dry-run", command=VacuumCommand)
def vacuum(
    session: Session,
    span: Annotated[str, typer.Argument(metavar="[SPAN]", help="Delete what is older: 2d, 12h, 1w, 1month.")] = "",
    size: Annotated[str, typer.Option("--size", metavar="SIZE", help="Delete until it takes no more: 500M, 2G.")] = "",
    files: Annotated[
        Optional[int], typer.Option("--files", metavar="N", min=0, help="Delete until no more than N files are left.")
    ] = None,
    rotate: Annotated[bool, typer.Option("--rotate", help="Archive the active files first.")] = False,
    keep_copy: Annotated[
        str,
        typer.Option(
            "--keep-copy", metavar="DIR", help="Copy the files there before they are deleted; undo restores them."
        ),
    ] = "",
    namespace: Namespace = "",
    directory: InDirectory = "",
    root: Root = "",
    systemd_version: SystemdVersion = "",
) -> None:
    """Delete old journal files, and show exactly which before.

    The journalctl of this host decides by its rules, and deletes whole files: newer entries can be deleted with older
    ones, and active files are kept. What it did is compared with what was shown.
    """
    from opskit.act import Chore  # noqa: PLC0415
    from opskit.journal.releases import parse_version  # noqa: PLC0415
    from opskit.journal.see import now_microseconds, running_version  # noqa: PLC0415
    from opskit.journal.vacuum.model import VacuumLimits, VacuumRequest  # noqa: PLC0415
    from opskit.journal.vacuum.plan import decide_vacuum  # noqa: PLC0415
    from opskit.journal.vacuum.see import see_vacuum  # noqa: PLC0415

    limits = VacuumLimits(_span(span) if span else None, parse_size("--size", size) if size else None, files)
    if files is not None and files >= 1 << 64:
        raise UsageFault("--files", f"{files} is more than journalctl takes", todo="like 10")
    if limits == VacuumLimits():
        raise UsageFault("opskit journal vacuum", "no limit", todo="a span, such as 2d; or --size 500M, or --files 10")
    if systemd_version and not session.dry_run:
        raise UsageFault(
            "--systemd-version", "a vacuum runs the journalctl that is here", todo="add --dry-run to decide for another"
        )
    request = VacuumRequest(
        scope=scope_of(directory, root, namespace),
        version=parse_version(systemd_version) if systemd_version else running_version(session.runner),
        limits=limits,
        now=now_microseconds(),
        span_text=" ".join(span.split()),
        rotate=rotate,
        keep_copy=os.path.abspath(keep_copy) if keep_copy else "",
    )
    root_needed = not (directory and os.access(directory, os.W_OK))
    chore = Chore(
        lambda _runner: see_vacuum(request),
        lambda facts, _run: decide_vacuum(facts, request),
        root=root_needed,
        by_run=False,
    )
    _carry_out(session, chore, "no file is to be deleted", "vacuumed")


def _carry_out(session: Session, chore: Chore[Any], nothing: str, done: str) -> None:
    """Show which files go, do it, and tell what went; exit 1 when that is not what was to go."""
    from opskit.act import act, tell  # noqa: PLC0415
    from opskit.core.ledger import Ledger  # noqa: PLC0415
    from opskit.journal.vacuum.show import draw_deletes, outcome_findings  # noqa: PLC0415
    from opskit.ui.errors import draw_findings  # noqa: PLC0415

    chore.draw = lambda plan, stream: draw_deletes(session.screen, plan, stream)
    outcome = act(session, chore)
    if outcome.run is None:
        tell(session, outcome, "", nothing)
        return
    steps = Ledger(session.state_dir).find(outcome.run).steps
    record = {"gone": [], "freed": 0, **steps[-1].record}
    findings = (*outcome.plan.notes, *outcome.warnings, *outcome_findings(record))
    failed = len(findings) > len(outcome.plan.notes) + len(outcome.warnings)
    run = str(outcome.run)
    gone, freed = len(record["gone"]), size_text(record["freed"])
    result = {**outcome.result}
    result.update(as_predicted=not failed, gone=record["gone"], freed_bytes=record["freed"])

    def draw() -> None:
        session.screen.done(
            f"{done}: {counted(gone, 'file')} deleted, {freed} freed{'' if failed else ', as predicted'}"
        )
        if steps[-1].change["reversible"]:
            session.screen.done(f"take it back: {follow_up('undo', run)}")
        draw_findings(session.screen, [*outcome.warnings, *outcome_findings(record)])

    code = ExitCode.FAILED if failed else ExitCode.DONE
    session.screen.answer(result, draw, findings=findings, exit_code=code)
    if failed:
        raise typer.Exit(code)


@changes(app, "retain", facts=False, example="opskit journal retain 30d --dry-run")
def retain(
    session: Session,
    span: Annotated[str, typer.Argument(metavar="[SPAN]", help="Keep what is younger: 30d, 4w, 6months.")] = "",
    size: Annotated[str, typer.Option("--size", metavar="SIZE", help="Take no more than this on disk: 500M, 2G.")] = "",
    namespace: Namespace = "",
    root: Root = "",
) -> None:
    """Have journald keep to a limit from now on: a drop-in for journald.conf, and a restart of journald.

    The plan shows what that restart deletes. With --root the drop-in is written for the system there.
    """
    from opskit.act import Chore  # noqa: PLC0415
    from opskit.journal.retain.model import RetainRequest  # noqa: PLC0415
    from opskit.journal.retain.plan import decide_retain  # noqa: PLC0415
    from opskit.journal.retain.see import see_retain  # noqa: PLC0415
    from opskit.journal.see import now_microseconds, running_version  # noqa: PLC0415

    if not (span or size):
        raise UsageFault("opskit journal retain", "no limit", todo="a span, such as 30d; or --size 500M")
    if namespace[:1] in {"*", "+"}:
        raise UsageFault("--namespace", "each namespace has limits of its own", todo="the name of one namespace")
    scope = scope_of("", root, namespace)
    request = RetainRequest(
        span=_span(span) if span else None,
        size=parse_size("--size", size) if size else None,
        span_text=" ".join(span.split()),
        root=scope.root,
        namespace=namespace,
        version=running_version(session.runner),
        now=now_microseconds(),
    )
    root_needed = not (scope.root and os.access(scope.root, os.W_OK))
    chore = Chore(
        lambda _runner: see_retain(request),
        lambda facts, _run: decide_retain(facts, request),
        root=root_needed,
        by_run=False,
    )
    _carry_out(session, chore, "the journal is kept to that already", "the limit is set")


def _span(text: str) -> int:
    """A span, in microseconds. Raises UsageFault, which names --size for what looks like one: `500M`."""
    if re.fullmatch(r"[0-9.]+[KMGT](?:i?B)?", text, re.ASCII):
        todo = f"--size {text}; a span is like 2d, 12h, 1w, 1month"
        raise UsageFault("SPAN", f"{text!r} looks like a size", todo=todo)
    return parse_span("SPAN", text)


def scope_of(directory: str, root: str, namespace: str, *, everything: bool = False) -> Scope:
    """The scope that these options ask for. Raises UsageFault."""
    from opskit.journal.files.model import Scope, valid_namespace  # noqa: PLC0415

    if directory and root:
        raise UsageFault("--root", "it cannot be used with --directory")
    if root and not os.path.isdir(root):
        raise UsageFault("--root", f"{root!r} is not a directory")
    if namespace not in {"", "*"} and (directory or root) and not everything:
        raise UsageFault("--namespace", "journalctl ignores it with --directory and --root", todo="leave it out")
    if namespace.lstrip("+") and namespace != "*" and not valid_namespace(namespace.lstrip("+")):
        raise UsageFault("--namespace", f"{namespace!r} is not a valid name of a namespace")
    return Scope(
        directory=os.path.abspath(directory) if directory else "",
        # "/" is this host, to journalctl too.
        root=os.path.abspath(root).rstrip("/") if root else "",
        namespace=namespace,
        everything=everything,
    )
