"""What the command line promises, a line each, asked of each command of the tree: a new one is covered by itself.

How many commands keep a line is told at the end of the run.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import importlib
import json
import os
import pkgutil
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Optional

import pytest
import typer

import opskit
from cli.test_contract import ANSWERED, COMMANDS, arguments
from opskit.cli import main
from opskit.completion.cli import tree
from opskit.completion.tree import Node
from opskit.core import runner
from opskit.core.config import load_config
from opskit.core.envelope import OK
from screens import left_of
from tiers import Agree

GROUPS = {node.path.partition(" ")[2]: node for node in tree().walk() if node.children}
BOXES = re.compile("[\u2500-\u257f]")
ASKED = {**ANSWERED, "history prune": ["--older-than", "1y", "--dry-run"]}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {
    f"os.{name}" for name in ("mkdir", "rename", "remove", "rmdir", "link", "symlink", "chmod", "chown", "truncate")
}


NOBODY = 65534
EXIT_CODES = {*range(11), 130, 143}
# What a name on a host can be: lines, an escape sequence, no UTF-8, words of a shell.
HOSTILE = "a\nb\x1b[31m\udcff $(c) %s [red]"
FLAG = ("--color", "of-a-flag")


class Said(NamedTuple):
    code: int
    out: str
    err: str


Say = Callable[..., Said]
# Whether a command keeps a line; None where the line is not about it.
Line = Callable[[Node, Say], Optional[bool]]


def help_is_on_stdout_with_an_example_first(node: Node, say: Say) -> bool:
    long, short = say(node, "--help"), say(node, "-h")
    return long == short and (long.code, long.err) == (0, "") and "Example: opskit" in long.out.split("\n\n")[1]


def help_fits_the_screen(node: Node, say: Say) -> bool:
    return max(map(len, say(node, "--help").out.splitlines())) <= 80


def a_mistyped_option_names_the_nearest(node: Node, say: Say) -> bool:
    said = say(node, "--jsno")
    return (said.code, said.out) == (2, "") and "--json" in said.err


def each_short_option_has_a_long_form(node: Node, _say: Say) -> Optional[bool]:
    # `memcached` takes memcached's own letters.
    return None if node.words[1] == "memcached" else all(option.names[0].startswith("--") for option in node.options)


def a_bare_number_is_no_span(node: Node, say: Say) -> Optional[bool]:
    names = [option.names[0] for option in node.options if option.value == "SPAN"]
    told = [say(node, name, "30", *required(node)) for name in names]
    return all(said.code == 2 and "without a unit" in said.err for said in told) if told else None


def an_error_is_one_envelope(node: Node, say: Say) -> bool:
    said = say(node, "--json", "--no-such-option")
    body = json.loads(said.out)
    return (said.code, body["ok"], body["error"]["exit_code"], said.out.count("\n")) == (2, False, 2, 1)


def an_error_says_what_and_why_on_stderr(node: Node, say: Say) -> bool:
    said = say(node, "--no-such-option")
    return (said.code, said.out) == (2, "") and said.err.startswith("opskit: ") and "\n  to do: " in said.err


def a_pipe_gets_no_colours_and_no_boxes(node: Node, say: Say) -> bool:
    said = say(node, *asked(node))
    text = said.out + said.err
    return "\x1b" not in text and not BOXES.search(text) and "Traceback" not in text


def colours_are_given_when_they_are_asked_for(node: Node, say: Say) -> bool:
    return "\x1b[" in say(node, "--color", "always", "--no-such-option").err


def each_option_has_its_variable(node: Node, say: Say) -> bool:
    name = "_".join(node.words).upper().replace("-", "_")
    said = say(node, *asked(node), **{f"{name}_COLOR": "purple"})
    return said.code == 2 and "'purple' is none of auto, always, never" in said.err


def a_broken_config_file_stops_a_command_and_not_its_help(node: Node, say: Say) -> Optional[bool]:
    if node.name == "doctor":  # it tells of that file, beside all else
        return None
    broken = {"OPSKIT_CONFIG": "/etc/passwd"}
    helped, ran = say(node, "--help", **broken), say(node, *asked(node), **broken)
    return (helped.code, helped.err, ran.code, ran.out) == (0, "", 2, "") and "/etc/passwd: not TOML" in ran.err


def quiet_and_json_leave_nothing_beside_an_answer(node: Node, say: Say) -> Optional[bool]:
    quiet, json_ = say(node, "--quiet", *asked(node)), say(node, "--json", *asked(node))
    answers = [said for said in (quiet, json_) if said.code in OK]
    return all(said.err == "" for said in answers) if answers else None


def verbose_shows_each_program_as_it_starts_and_how_it_ended(node: Node, _say: Say) -> Optional[bool]:
    ended, started = programs(*node.words[1:], "-vv", *asked(node))
    shown = ended.err.replace("opskit: ", "")
    told = [f"run: {shlex.join(each['argv'])}" in shown for each in started]
    ends = shown.count("exit ") >= len(started) or ended.code not in OK
    return all(told) and ends if started else None


def each_program_has_a_time_limit_and_nothing_on_stdin(node: Node, _say: Say) -> Optional[bool]:
    _, started = programs(*node.words[1:], "-vv", *asked(node))
    sound = [0 < each["limit"] < 86400 and each["stdin"] == subprocess.DEVNULL for each in started]
    return all(sound) if sound else None


def head_gives_no_traceback(node: Node, _say: Say) -> bool:
    reading, writing = os.pipe()
    os.close(reading)
    ended = watched([*node.words[1:], *asked(node)], out=writing)
    os.close(writing)
    return "Traceback" not in ended.err and "fault in opskit" not in ended.err and "ignored" not in ended.err


def progress_is_on_a_terminal_and_gone_afterwards(node: Node, say: Say) -> bool:
    master, slave = pty.openpty()
    text = []

    def read() -> None:
        os.close(slave)
        text.append(read_all(master))

    # As wide as that of left_of: no sentence is folded.
    with patched_environment(NO_COLOR="1", TERM="xterm", COLUMNS="400"):
        watched([*node.words[1:], *asked(node)], meanwhile=read, err=slave)
    os.close(master)
    piped = say(node, *asked(node))
    left = {re.sub(r"\d+", "0", line) for line in left_of(text[0])}
    known = {re.sub(r"\d+", "0", shown).rstrip() for shown in piped.err.split("\n")}
    return "\r" not in piped.out + piped.err and not left - known - {""}


def what_destroys_is_named_by_its_target(node: Node, _say: Say) -> bool:
    names = {name for option in node.options for name in option.names}
    bare = {name for option in node.options if not option.value for name in option.names}
    forces = {"--force", "--overwrite", "--destroy", "--purge", "--no-check", "--skip-checks"}
    # `memcached` takes memcached's own letters.
    short = "-f" in names and "--follow" not in names and node.words[1] != "memcached"
    return not names & forces and "--wipe" not in bare and not short


def another_user_is_shown_what_he_may_see_or_told_the_line_with_sudo(node: Node, _say: Say) -> Optional[bool]:
    if os.geteuid() != 0:
        return None
    import_all()

    def prepare(_tell: Tell) -> None:
        os.chdir("/")
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)

    ended = watched([*node.words[1:], *asked(node)], prepare)
    sound = "Traceback" not in ended.err and "fault in opskit" not in ended.err and ended.code in EXIT_CODES
    return sound and (ended.code != 6 or "\n  to do: " in ended.err)


def a_hostile_name_is_shown_escaped_and_kept_in_json(node: Node, say: Say) -> Optional[bool]:
    """For each value that is no word of a few: as an argument, as an option."""
    words = required(node)
    asks = [[*words[:number], HOSTILE, *words[number + 1 :]] for number, _ in enumerate(words)]
    asks += [[HOSTILE, *words]] if any(not argument.required for argument in node.arguments) else []
    valued = [each for each in node.options if each.value and not isinstance(each.kind, tuple)]
    asks += [[option.names[0], HOSTILE, *words] for option in valued]
    return all(map(partial(_escaped, node, say), asks)) if asks else None


def _escaped(node: Node, say: Say, words: list[str]) -> bool:
    dry = ["--dry-run"] if any("--dry-run" in option.names for option in node.options) else []
    said, json_ = say(node, *dry, *words), say(node, "--json", *dry, *words)
    raw = any(mark in said.out + said.err + json_.err for mark in ("\x1b", "Traceback", "fault in opskit", "a\nb"))
    whole = json_.out.isascii() and json_.out.count("\n") == 1 and isinstance(json.loads(json_.out), dict)
    told = HOSTILE not in json_.out  # it is escaped there, too
    return not raw and whole and told and {said.code, json_.code} <= EXIT_CODES


def flags_go_over_variables_over_the_config(node: Node, say: Say) -> bool:
    table = ".".join(node.words[1:])
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(f'[{table}]\ncolor = "of-the-file"\n')
        file.flush()
        files = {"OPSKIT_CONFIG": file.name}
        variables = {**files, "_".join(node.words).upper().replace("-", "_") + "_COLOR": "of-a-variable"}
        load_config.cache_clear()
        said = say(node, *asked(node), **files)
        over = say(node, *asked(node), **variables)
        flag = say(node, *FLAG, *asked(node), **variables)
    load_config.cache_clear()
    return "'of-the-file'" in said.err and "'of-a-variable'" in over.err and "'of-a-flag'" in flag.err


def a_dry_run_writes_nothing(node: Node, _say: Say) -> Optional[bool]:
    if not any("--dry-run" in option.names for option in node.options):
        return None
    return written([*node.words[1:], "--dry-run", *required(node)]) == []


LINES: tuple[Line, ...] = (
    help_is_on_stdout_with_an_example_first,
    help_fits_the_screen,
    a_mistyped_option_names_the_nearest,
    each_short_option_has_a_long_form,
    a_bare_number_is_no_span,
    an_error_is_one_envelope,
    an_error_says_what_and_why_on_stderr,
    a_pipe_gets_no_colours_and_no_boxes,
    colours_are_given_when_they_are_asked_for,
    each_option_has_its_variable,
    a_broken_config_file_stops_a_command_and_not_its_help,
    a_dry_run_writes_nothing,
    quiet_and_json_leave_nothing_beside_an_answer,
    verbose_shows_each_program_as_it_starts_and_how_it_ended,
    each_program_has_a_time_limit_and_nothing_on_stdin,
    head_gives_no_traceback,
    progress_is_on_a_terminal_and_gone_afterwards,
    what_destroys_is_named_by_its_target,
    another_user_is_shown_what_he_may_see_or_told_the_line_with_sudo,
    flags_go_over_variables_over_the_config,
    a_hostile_name_is_shown_escaped_and_kept_in_json,
)


@contextlib.contextmanager
def patched_environment(**variables: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def read_all(master: int) -> str:
    """What a terminal was shown, once nobody has it open."""
    data = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # EIO: the other end was closed
            more = b""
        if not more:
            return data.decode("utf-8", "surrogateescape")
        data += more


@functools.cache
def import_all() -> None:
    """Another user may not read where opskit is: what a command imports only when it needs it is there then."""
    for codec in ("ascii", "latin-1"):
        codecs.lookup(codec)
    for package in (opskit, typer):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError, AssertionError):  # of another system
                    importlib.import_module(module.name)


def required(node: Node) -> list[str]:
    """A word for each argument that it must have: one that names nothing."""
    return arguments(node)[len(node.words[1:]) + 1 :]


def asked(node: Node) -> list[str]:
    """What an answer is asked for with."""
    return ASKED.get(node.path.partition(" ")[2], required(node))


class Watched(NamedTuple):
    """How a command ended that ran in a child, and what was told of it there."""

    code: int
    out: str
    err: str
    told: list[str]


Tell = Callable[[str], object]


def watched(
    words: list[str],
    prepare: Callable[[Tell], object] = lambda _tell: None,
    meanwhile: Callable[[], object] = lambda: None,
    **streams: int,
) -> Watched:
    """A command in a child of this process: what is done to that for it never goes.

    prepare: what is done there before; what it is given takes what is to be told, also in children of the child
    meanwhile: what is done here
    streams: descriptors for out and err, in place of files that are read here
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile("a+b") as told:
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(streams.get("out", out.fileno()), 1)
                os.dup2(streams.get("err", err.fileno()), 2)
                for number, name in enumerate(("stdin", "stdout", "stderr")):
                    stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", errors="surrogateescape")
                    setattr(sys, name, stream)
                prepare(lambda text: os.write(told.fileno(), json.dumps(text).encode() + b"\n"))
                sys.argv = ["opskit", *words]
                code = main(words)
                sys.stdout.flush()
                sys.stderr.flush()
            except BaseException:  # noqa: BLE001 - this process ends in any case
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(code)
        meanwhile()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err, told):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "surrogateescape"))
        return Watched(status, texts[0], texts[1], [json.loads(line) for line in texts[2].splitlines()])


def written(words: list[str]) -> list[str]:
    """What a command changes, as Python's audit events tell."""

    def prepare(tell: Tell) -> None:
        def hook(event: str, values: Any) -> None:
            opened = event == "open" and isinstance(values[2], int) and values[2] & WRITES
            if event in CHANGES or (opened and not str(values[0]).startswith(("/dev/", "/proc/"))):
                tell(f"{event} {values}")

        sys.addaudithook(hook)

    return watched(words, prepare).told


@functools.cache
def programs(*words: str) -> tuple[Watched, list[dict[str, Any]]]:
    """What it starts, with the stdin and the time limit of each."""

    def prepare(tell: Tell) -> None:
        started = runner.subprocess.Popen
        start = runner._start
        limits = []

        def popen(argv: Any, **options: Any) -> Any:
            tell(json.dumps({"argv": list(argv), "stdin": options.get("stdin"), "limit": limits[-1]}))
            return started(argv, **options)

        def limited(command: Any, **more: Any) -> Any:
            limits.append(command.timeout)
            return start(command, **more)

        runner.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": popen})  # type: ignore[attr-defined]
        runner._start = limited

    ended = watched([*words], prepare)
    return ended, [json.loads(text) for text in ended.told]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command in an empty folder. Its options, and variables for it by their names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))

    def run(node: Node, *words: str, **variables: str) -> Said:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            load_config.cache_clear()  # it is read once for a process
            code = main([*node.words[1:], *words])
            load_config.cache_clear()
        return Said(code, *capsys.readouterr())

    return run


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_each_command_keeps_each_line(line: Line, say: Say, agree: Agree) -> None:
    kept = {name: line(node, say) for name, node in COMMANDS.items()}
    about = {name: value for name, value in kept.items() if value is not None}
    assert [name for name, value in about.items() if not value] == []
    agree(f"commands: {line.__name__.replace('_', ' ')}", sum(map(bool, about.values())), len(about))


def test_each_group_prints_its_help_and_names_no_command_by_half(say: Say, agree: Agree) -> None:
    for node in GROUPS.values():
        if not node.runs:
            said = say(node)
            assert (said.code, said.err, said.out) == (2, "", say(node, "--help").out), node.path
        child = node.children[0].name
        if len(child) > 2:
            said = say(node, child[:-1])
            assert (said.code, said.out) == (2, "")
            assert child in said.err, node.path
    agree("groups: help when bare, no command by half its name", len(GROUPS), len(GROUPS))


# What is asked where there is nothing: what is answered then, on stdout as any answer, and not with -q.
EMPTY = {
    "history": "no runs recorded in ",
    "journal usage -D {empty}": "there are no journals here",
    "journal verify -D {empty}": "0 files: 0 sound, 0 damaged",
    "disk fstab show --fstab {file}": "{file} has no entries",
    "disk fstab restore --fstab {file}": "there are no backups of {file}",
    "df --deleted /proc/sys": "no deleted file is still open",
    "memcached lint --version 1.6.21 -- -u nobody -m 64 -l 127.0.0.1 -U 0 -d -P /run/x.pid": "no findings",
}


def test_help_before_a_command_and_its_last_word_alone_lead_to_it(
    capsys: pytest.CaptureFixture[str], agree: Agree
) -> None:
    tops = {node.words[1] for node in tree().walk() if len(node.words) == 2}
    nodes = [node for node in tree().walk() if len(node.words) > 1]
    for node in nodes:
        assert main(["help", *node.words[1:]]) == 0
        helped = capsys.readouterr()
        assert main([*node.words[1:], "--help"]) == 0
        assert helped == capsys.readouterr(), node.path
        if node.name not in tops:
            assert main([node.name]) == 2
            assert f"'{node.path}'" in capsys.readouterr().err
    agree("commands and groups by opskit help, and by their last word", len(nodes), len(nodes))


def test_an_empty_answer_is_one_on_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agree: Agree
) -> None:
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "fstab").touch()
    names = {"empty": str(tmp_path / "empty"), "file": str(tmp_path / "fstab")}
    monkeypatch.setattr("opskit.memcached.status.cli.see_instances", lambda *_: ())
    monkeypatch.setattr("opskit.memcached.status.cli.see_units", lambda *_: ())
    for words, told in {**EMPTY, "memcached status": "no memcached runs on this host"}.items():
        line, text = words.format(**names), told.format(**names)
        own, _, rest = line.partition(" -- ")
        behind = ["--", *rest.split()] if rest else []
        assert main([*own.split(), *behind]) == 0, line
        said = capsys.readouterr()
        assert text in said.out, line
        assert main([*own.split(), "--quiet", *behind]) == 0, line
        quiet = capsys.readouterr()
        assert (text in quiet.out, quiet.err) == (False, ""), line
    agree("empty answers on stdout, and none with -q", len(EMPTY) + 1, len(EMPTY) + 1)
