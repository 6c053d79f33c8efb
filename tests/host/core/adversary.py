"""What an adversary's scripts are made of: random fstab files, mutated facts, command lines, and how each ended."""

from __future__ import annotations

import contextlib
import copy
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import typer

from opskit import cli
from opskit.core.config import load_config

# What any command may exit with (README: exit codes), and 141: `| head -1` has read enough.
CODES = {*range(11), 130, 143, 141}
# Seconds; what is left alone for longer hangs. On a busy machine a look at all disks takes some seconds, too.
LIMIT = 60.0


class Ended(NamedTuple):
    """How one command line ended. seconds: wall clock; code: -1 when it was ended for taking too long."""

    words: Sequence[str]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def fault(self) -> str:
        """What is wrong with that: a fault of opskit, an exit code that means nothing, a hang; "" for nothing."""
        if self.code == -1:
            return "hang"
        text = self.out + self.err
        signs = ("a fault in opskit", "Traceback", "Exception ignored", "a dry run tried to change")
        return next((sign for sign in signs if sign in text), "" if self.code in CODES else f"exit {self.code}")


def run_here(words: Sequence[str], folder: str, stdin: bytes = b"") -> Ended:
    """opskit with these words in a forked copy of this process, in a folder of its own: modules are imported once."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as feed:
        feed.write(stdin)
        feed.seek(0)
        pid = os.fork()
        if pid == 0:
            _child(words, folder, (feed.fileno(), out.fileno(), err.fileno()))
        code = _wait(pid, began + LIMIT)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
    return Ended(words, code, texts[0], texts[1], time.monotonic() - began)


def _child(words: Sequence[str], folder: str, streams: tuple[int, int, int]) -> None:
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, "w" if number else "r", encoding="utf-8", errors="surrogateescape") for number in range(3)
        )
        sys.argv = ["opskit", *words]
        load_config.cache_clear()
        code = cli.main(list(words))
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - whatever it was is a fault of opskit
        with contextlib.suppress(BaseException):
            import traceback  # noqa: PLC0415

            os.write(2, traceback.format_exc().encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _wait(pid: int, until: float) -> int:
    """The exit code, minus the number of a signal less 1000; -1 when it took too long, and was killed."""
    descriptor = os.pidfd_open(pid)
    try:
        import select  # noqa: PLC0415

        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            os.killpg(pid, signal.SIGKILL)
    finally:
        os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return -1 if not ready else code if code >= 0 else code - 1000


# What fields of fstab are made of, likely and not.
SOURCES = [
    "UUID=1-2", "LABEL=a\\040b", "/dev/sdb1", "//nas/x", "nas:/x", "none", "tmpfs", "UUID=", 'PARTUUID="x',
    "\udcff", "/dev/mapper/vg-lv", "overlay", "LABEL=\\777", "\\", "a\u2028b", "ID=", "x" * 5000,
]  # fmt: skip
TARGETS = [
    "/", "/data", "/data/", "none", "swap", "relative", "/a\\040b", "/\udcfe", "/x\\000y", "//", "/..",
    "/data/../etc", "/proc", "/" + "d/" * 900, "\\011", "/mnt#x",
]  # fmt: skip
TYPES = ["ext4", "xfs", "swap", "auto", "nfs", "ext4,xfs", "", "none", "noext4", "btrfs", "\udc80", "fuse.x", "cifs"]
OPTIONS = [
    "defaults", "nofail", "ro,,", ",,", "noauto,x-systemd.automount", "subvol=@,compress",
    "password=x,user=a%b", "\\", "x-systemd.device-timeout=", "x-systemd.requires=/a b", 'a="b,c', "bind",
    "loop", "_netdev", "\u0130",
]  # fmt: skip
NUMBERS = ["0", "1", "2", "", "x", "-1", "00000000000000000000", "99999999999999999999", "1.5", "0 0", "\u0661"]
BLANKS = [" ", "\t", "  \t ", "\v", "\u00a0", "\r"]
ENDS = ["\n", "\r\n", "", "\n\n", "\x00\n", "\\\n", " # x\n", "\x85", "\r"]


def random_fstab(chance: random.Random) -> bytes:
    """A text that somebody could take for an fstab; every fourth has bytes of anything in it."""
    lines = []
    for _ in range(chance.choice([0, 1, 2, 5, 40])):
        kinds = (SOURCES, TARGETS, TYPES, OPTIONS, NUMBERS, NUMBERS)[: chance.choice([1, 3, 4, 6, 6, 6])]
        fields = [chance.choice(kind) for kind in kinds]
        line = chance.choice(BLANKS).join(fields)
        lines.append(chance.choice(["", "", "", "#", " ", "\ufeff"]) + line + chance.choice(ENDS))
    data = bytearray(os.fsencode("".join(lines)))
    for _ in range(chance.choice([0, 0, 0, 6]) if data else 0):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


ODD: list[Any] = [
    None, True, -1, 0, 1.5, 2**70, "", "x", "/", "\udcff", "../..", [], {}, [None], {"": 0}, "8:0", "a\nb",
    "UUID=", "0" * 4000, float("inf"),
]  # fmt: skip


def mutate(facts: Any, chance: random.Random) -> Any:
    """Saved facts with one to three values changed, removed, doubled or of another type."""
    changed = copy.deepcopy(facts)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        holder, key = chance.choice(list(_places(changed)))
        value = holder[key]
        what = chance.randrange(6)
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(value, list) and value:
            value.append(copy.deepcopy(chance.choice(value)))
        elif what == 2 and isinstance(value, (int, str)) and not isinstance(value, bool):
            holder[key] = value * chance.choice([-1, 2, 3]) if isinstance(value, int) else value[::-1] + value
        elif what == 3:
            holder[key] = copy.deepcopy(chance.choice([inner[name] for inner, name in _places(changed)]))
        else:
            # Mostly of the same type: what is of another one is refused at once.
            same = [odd for odd in ODD if type(odd) is type(value)]
            holder[key] = chance.choice(same if same and chance.random() < 0.7 else ODD)
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


WORDS = [
    "", "x", "-1", "0", "1", "7", "nan", "inf", "1e999", "30s", "2 days", "1M", "500M", "1.5G",
    "99999999999999999999", "é", "\udcff", "a\nb", "%s", "../..", "/dev/null", "/nonexistent/x", "/", ".",
    "last", "UUID=x", "*", "'", "\x1b[31m", "a" * 5000, "/etc/passwd", "/proc/self/mem", "system", "json",
    "sh", "text", "ext4", "[", "{}", "\u202e", "-",
]  # fmt: skip
# Options that never end by themselves, change the host without a question or write anywhere, or show a traceback.
NEVER = {"--watch", "--follow", "--yes", "--state-dir", "--debug"}


def commands() -> list[tuple[list[str], list[Any]]]:
    """Every command of opskit with its parameters, from the tree of commands."""
    listed: list[tuple[list[str], list[Any]]] = []

    def walk(command: Any, words: list[str]) -> None:
        listed.append((words, [parameter for parameter in command.params if not NEVER & set(parameter.opts)]))
        if hasattr(command, "list_commands"):
            for name in command.list_commands(None):
                inner = command.get_command(None, name)
                if inner is not None:
                    walk(inner, [*words, name])

    walk(typer.main.get_command(cli.app), [])
    return listed


FITTING = {
    "SPAN": ["30s", "2 days", "0s", "infinity", "1ms", "5000 weeks"],
    "SIZE": ["500M", "1.5G", "0", "16E", "1K"],
    "RUN": ["last", "2", "20261128T180000Z-abc123"],
    "FLAGS": ["-m 64", "-p 11211 -c 10", "-m 64k -vv -S", "-o modern,hashpower=99 -l ::1"],
}


def fitting(parameter: Any, paths: Sequence[str]) -> list[str]:
    """Values that a parameter may take: its words, numbers, spans, sizes; else one of the paths."""
    words = getattr(getattr(parameter.type, "func", None), "words", ())
    kind = str(parameter.metavar or parameter.type.name).strip("[].").upper()
    numbers = ["0", "1", "7", "-1", "4294967296", "99999999999999999999"]
    return list(words) or FITTING.get(kind) or (numbers if kind.startswith(("INTEGER", "N", "PORT")) else list(paths))


def _value(parameter: Any, chance: random.Random, values: Sequence[str], paths: Sequence[str]) -> str:
    return chance.choice(fitting(parameter, paths) if chance.random() < 0.85 else values)


def random_line(chance: random.Random, tree: Sequence[tuple[list[str], list[Any]]], paths: Sequence[str]) -> list[str]:
    """A command line: words of one command, its options with values of any kind, in any order."""
    words, parameters = chance.choice(tree)
    parts: list[list[str]] = []
    values = [*WORDS, *paths]
    options = [parameter for parameter in parameters if parameter.param_type_name != "argument"]
    for parameter in chance.sample(options, min(len(options), chance.choice([0, 1, 2, 3, 5]))):
        option, value = chance.choice(parameter.opts), _value(parameter, chance, values, paths)
        joined = [f"{option}={value}"] if chance.random() < 0.3 and option.startswith("--") else [option, value]
        parts.append([option] if parameter.is_flag or parameter.count else joined)
    parts += [
        [_value(parameter, chance, values, paths)]
        for parameter in parameters
        if parameter not in options and chance.random() < (0.9 if parameter.required else 0.4)
    ]
    if chance.random() < 0.2:
        parts.append([chance.choice(["--bogus", "--", "-Z", "--json", "--help", "x y"])])
    chance.shuffle(parts)
    line = [word for part in parts for word in part]
    if words[:2] == ["yum", "wait"]:  # whatever follows would be run
        line = [word for word in line if word.startswith("-") and word != "--"] + chance.choice([[], ["--", "true"]])
    if words[:1] == ["du"]:  # of a small folder, and not of all disks
        line = [word for word in line if word not in {"/", "*", "../.."}] + [chance.choice(paths)]
    return [*words, *line]
