"""What the golden screens show of commands that judge lines and files, of help, and of what is wrong."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from golden.screens.made import locks
from opskit.areas import load_findings
from opskit.cli import app, main
from opskit.core.errors import Busy
from opskit.findings.cli import _draw as draw_kinds
from opskit.journal.files.model import ACTIVE, JournalFile, Loss, ParsedName
from opskit.journal.files.show import draw_verdicts
from opskit.journal.files.verify import State, Verdict, findings_of
from opskit.memcached.line.explain import explained, flags_json, result_of
from opskit.memcached.line.lint import judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.show import draw_explained, draw_flags, draw_lint
from opskit.memcached.line.sources import LineSource
from opskit.ui.errors import draw_error
from opskit.ui.screen import Screen
from opskit.yum.wait import cli as yum_wait
from opskit.yum.wait.see import Blocking, Waited

# What people type, with its mistakes; and a line with all that can be in one.
LINE = "-p 12000 -u memcached -m 64 -c 1024 -d"
LONG = (
    "-p 12000 -U 11211 -l 0.0.0.0,192.168.100.200 -u nobody -m 64g -c 1024 -d -t 128 -I 2m -o modern,slab_reassign"
    " -P /run/memcached/memcached-12000.pid -S -vv -M maxconns_fast"
)


def _line(rows: int) -> tuple[LineSource, Any]:
    words = tuple(shlex.split(LONG if rows > 3 else LINE))
    return LineSource(words, "line"), judge(parse(words, (1, 6, 18)))


def lint(screen: Screen, rows: int) -> None:
    source, judgement = _line(rows)
    draw_lint(screen, result_of(source, judgement), judgement.findings)


def lint_right(screen: Screen, rows: int) -> None:  # noqa: ARG001 - one line
    words = tuple(shlex.split("-p 12000 -U 0 -l 127.0.0.1 -u memcached -m 64 -c 1024"))
    judgement = judge(parse(words, (1, 6, 18)))
    draw_lint(screen, result_of(LineSource(words, "line"), judgement), judgement.findings)


def explain(screen: Screen, rows: int) -> None:
    source, judgement = _line(rows)
    draw_explained(screen, {**result_of(source, judgement), "words": explained(judgement)}, judgement.findings)


def flags(screen: Screen, rows: int) -> None:
    result = flags_json((1, 6, 18))
    draw_flags(screen, {**result, "options": result["options"][:rows], "extended": result["extended"][:rows]})


def verify(screen: Screen, rows: int) -> None:
    states = (State.DAMAGED, State.SOUND, State.NEVER_CLOSED, State.SEALED)

    def verdict(number: int) -> Verdict:
        name = f"system@0123456789abcdef0123456789abcdef-{number:016x}-0005e1c2b3a49{number:03x}.journal"
        path = f"/var/log/journal/0123456789abcdef0123456789abcdef/{name}"
        file = JournalFile(name, ParsedName(ACTIVE), 8 << 20, 8 << 20)
        state = states[number % len(states)]
        broken = state is State.DAMAGED
        return Verdict(path, file, state, "entry array object is invalid" * broken, Loss(12345 * broken, 17 * broken))

    verdicts = [verdict(number) for number in range(rows)]
    draw_verdicts(screen, verdicts, findings_of(verdicts))


def wait(screen: Screen, rows: int) -> None:
    """The line that is overwritten, as it is while somebody holds the lock; then the end of the wait."""
    _facts, verdicts = locks(rows)
    taken = tuple(verdict for verdict in verdicts if verdict.holder)
    line = yum_wait._Line(SimpleNamespace(screen=screen))  # type: ignore[arg-type]
    line.tell(Blocking(taken), 75)
    screen.note()
    ended = Waited(Blocking(taken), 600.0, 3)
    with pytest.raises(Busy) as busy:
        yum_wait._check_free(SimpleNamespace(screen=screen), ended, "")  # type: ignore[arg-type]
    draw_error(screen, busy.value)


def kind(screen: Screen, rows: int) -> None:
    wanted = "nearly-full" if rows > 3 else "restart-deletes"
    chosen = [(area, each) for area, each in load_findings() if each.id == wanted]
    draw_kinds(SimpleNamespace(screen=screen), chosen)  # type: ignore[arg-type]


def help_of(*words: str) -> Any:
    def draw(screen: Screen, rows: int) -> None:  # noqa: ARG001 - one help
        context = command = None
        command = typer.main.get_command(app)
        context = command.make_context("opskit", [], resilient_parsing=True)
        for word in words:
            command = command.get_command(context, word)  # type: ignore[attr-defined]
            context = command.make_context(word, [], parent=context, resilient_parsing=True)
        screen.line(command.get_help(context))

    return draw


# What goes wrong before a host is looked at, as it is typed.
WRONG = (
    "mount /dev/vdb /data", "disk mount", "disk mount /dev/vdb --lable x", "du --threshold 5", "journal vacuum 2",
    "journal vacuum 500M", "history prune", "findings nearly-ful", "memcached lint", "yum wait --timeout 5",
    "service ensure nginx --for 9y", "df --warn 1.5", "disk swap 2", "check diks", "completion csh",
)  # fmt: skip


def wrong(screen: Screen, rows: int) -> None:
    for words in WRONG[:rows]:
        screen.line(f"$ opskit {words}")
        code = main(words.split())
        screen.line(f"  (exit {code})")


WORDS = {
    "memcached-lint": lint,
    "memcached-lint-right": lint_right,
    "memcached-explain": explain,
    "memcached-flags": flags,
    "journal-verify": verify,
    "yum-wait": wait,
    "findings-id": kind,
    "help": help_of(),
    "help-disk": help_of("disk"),
    "help-disk-mount": help_of("disk", "mount"),
    "help-completion": help_of("completion"),
    "wrong-words": wrong,
}
