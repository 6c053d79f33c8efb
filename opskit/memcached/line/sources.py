"""Where a line comes from: a sysconfig file, a unit with its drop-ins, a running process. Parsing is pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opskit.core.finding import Finding
from opskit.core.systemd import parse_assignments
from opskit.memcached.line.numbers import meant_bytes
from opskit.memcached.model import StartLimits

SYSCONFIG = "/etc/sysconfig/memcached"
# ExecStart of the EL family's memcached.service; that of EL7 has the same words in another order.
EL_LINE = "-p ${PORT} -u ${USER} -m ${CACHESIZE} -c ${MAXCONN} $OPTIONS"
EL_DEFAULTS = {"PORT": "11211", "USER": "memcached", "MAXCONN": "1024", "CACHESIZE": "64", "OPTIONS": ""}
VARIABLE = r"\$(?:\{(\w+)\}|(\w+)|(\$))"
DEBIAN_WRAPPER = "systemd-memcached-wrapper"


class LineSource(NamedTuple):
    """A line, and where it is from.

    origin: for a person
    program: that of a unit or process, "" for none
    unit: the one that runs it, "" for none
    syntax: findings about what only a shell would read in its files
    """

    words: tuple[str, ...]
    origin: str
    program: str = ""
    unit: str = ""
    limits: StartLimits = StartLimits()
    syntax: tuple[Finding, ...] = ()


# A comment, or a name up to its =. Compiled where they are used: a line that is typed does without.
ENVIRONMENT_NAME = r"\s*(?:[#;](?:[^\\\n\r]|\\.)*|([^=\n\r]*)(=?))"
# A part of a value of an EnvironmentFile: in quotes, where a line may end, or plain up to the end of its line.
ENVIRONMENT_PART = (
    r"""[ \t]*(?:'(?P<single>[^']*)(?:'|\Z)|"(?P<double>(?:[^"\\]|\\.)*)(?:"|\Z)|(?P<plain>(?:[^\\\n\r]|\\.)+))"""
)


def parse_environment(text: str) -> dict[str, str]:
    """A file of NAME=VALUE lines as systemd reads it (EnvironmentFile= of systemd.exec(5); its env-file.c).

    After quotes more may follow, a # and what is behind it too; a quote behind plain text is a letter like others.
    """
    values = {}
    at = 0
    while at < len(text):
        head = re.compile(ENVIRONMENT_NAME, re.DOTALL).match(text, at)
        if head is None or head.end() == at:
            break
        at = head.end()
        if not head[2]:
            continue
        value, at = _environment_value(text, at)
        values[(head[1] or "").strip()] = value
    return {name: value for name, value in values.items() if name}


def _environment_value(text: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where it ends."""
    value = ""
    while (part := re.compile(ENVIRONMENT_PART, re.DOTALL).match(text, at)) is not None:
        at = part.end()
        if part["plain"] is not None:
            # Unquoted: a backslash takes the meaning from what follows it; one at the end of a line goes on there.
            plain = re.sub(r"\\(\n|.)", lambda m: "" if m[1] == "\n" else m[1], part["plain"], flags=re.DOTALL)
            return value + plain.rstrip(" \t"), at
        if part["double"] is not None:
            value += re.sub(r"\\(.)", _unescaped, part["double"], flags=re.DOTALL)
        else:
            value += part["single"] or ""
    return value, at


def _unescaped(match: re.Match[str]) -> str:
    """What a backslash stands for in double quotes: itself, before most letters."""
    if match[1] == "\n":
        return ""
    return match[1] if match[1] in '"\\`$' else match[0]


# What only a shell would read in a value.
_SHELL = (
    (r"`|\$\(", "a command", "write what it prints"),
    (r"(?:^|\s)#", "a comment, which belongs to the value", "give it a line of its own"),
    (r"\$(?:\w|\{)", "a variable", "write its value"),
)


def shell_syntax(text: str, path: str) -> tuple[Finding, ...]:
    """What of an EnvironmentFile is meant for a shell: systemd takes it as it stands."""
    findings = []
    for name, value in parse_environment(text).items():
        for pattern, what, remedy in _SHELL:
            if re.search(pattern, value):
                title = f"{name}= in {path} has {what}: no shell reads that file"
                findings.append(Finding("shell-syntax", "error", title, f"{name}={value}", remedy))
                break
        if re.match(r"export\s", name):
            title = f"export in {path}: systemd ignores that line, since no shell reads the file"
            findings.append(Finding("shell-syntax", "error", title, f"{name}={value}", "leave export out"))
    return tuple(findings)


def expand(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Variables in words as systemd puts them in: a word that is $NAME becomes as many words as its value has."""
    expanded: list[str] = []
    for word in words:
        if re.fullmatch(r"\$\w+", word):
            expanded += split_words(values.get(word[1:], ""))
        else:
            expanded.append(re.sub(VARIABLE, lambda m: "$" if m[3] else values.get(m[1] or m[2], ""), word))
    return expanded


def split_words(text: str) -> list[str]:
    """Words between blanks, with quotes; a quote that is not closed counts as any other letter."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def from_sysconfig(text: str, path: str) -> LineSource:
    """The line that memcached.service of the EL family makes of its file."""
    values = {**EL_DEFAULTS, **parse_environment(text)}
    limits = StartLimits(root=True, unit_type="simple")  # that unit names no other
    words = tuple(expand(EL_LINE.split(), values))
    return LineSource(words, path, unit="memcached.service", limits=limits, syntax=shell_syntax(text, path))


@dataclass
class Unit:
    """What of a unit counts here, put together from its files in their order."""

    start: str = ""
    kind: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    user: str = ""
    hard_files: int = 0
    memory: int = 0
    memory_percent: int = 0
    locked: int = 0
    capabilities: tuple[str, ...] = ()

    def take(self, text: str) -> None:
        """Read one more file of it: later ones win, an empty assignment takes back (systemd.unit(5))."""
        for section, name, value, *_ in parse_assignments(text):
            if section != "Service":
                continue
            if name == "ExecStart":
                self.start = value
            elif name == "Type":
                self.kind = value
            elif name == "User":
                self.user = value
            elif name == "Environment":
                pairs = (word.partition("=") for word in split_words(value))
                self.environment = {**self.environment, **{k: v for k, _, v in pairs}} if value else {}
            elif name == "EnvironmentFile":
                self.files = [*self.files, value] if value else []
            else:
                self._limit(name, value)

    def _limit(self, name: str, value: str) -> None:
        if name == "LimitNOFILE":
            hard = value.rpartition(":")[2]
            self.hard_files = int(hard) if hard.isdigit() else 0
        elif name in {"MemoryMax", "MemoryLimit"}:
            share = re.fullmatch(r"([0-9]+)(?:\.[0-9]+)?%", value)
            self.memory = int(value) if value.isdigit() else meant_bytes(value) or 0
            self.memory_percent = int(share[1]) if share else 0
        elif name == "LimitMEMLOCK":
            self.locked = -1 if value == "infinity" else int(value) if value.isdigit() else meant_bytes(value) or 0
        elif name == "CapabilityBoundingSet":
            self.capabilities = (*self.capabilities, *value.split()) if value else ()

    @property
    def limits(self) -> StartLimits:
        """Under what its process runs. Raising the limit on open files takes CAP_SYS_RESOURCE (setrlimit(2))."""
        root = self.user in {"", "root", "0"}
        may = not self.capabilities or "CAP_SYS_RESOURCE" in self.capabilities or self.capabilities[0].startswith("~")
        return StartLimits(
            root,
            root and may,
            self.hard_files,
            self.memory,
            unit_type=self.kind or "simple",
            memory_percent=self.memory_percent,
            locked=self.locked,
        )


# Of the specifiers of systemd.unit(5) those that are the same for each unit of the system.
FOLDERS = {"%": "%", "E": "/etc", "t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log"}


def _plain(part: str) -> str:
    """A part of a unit's name without its escapes (systemd-escape(1)): - stands for a slash."""
    return re.sub(r"-|\\x([0-9a-f]{2})", lambda match: chr(int(match[1], 16)) if match[1] else "/", part)


def unit_of(name: str, texts: Sequence[str]) -> Unit:
    """A unit from the texts of its files, in systemd's order, with the specifiers of its name put in."""
    unit = Unit()
    for text in texts:
        unit.take(text)
    stem = name.removesuffix(".service")
    prefix, _, instance = stem.partition("@")
    last = prefix.rpartition("-")[2]
    meant = {"i": instance, "n": name, "N": stem, "p": prefix, "j": last, **FOLDERS}
    meant.update({"I": _plain(instance), "P": _plain(prefix), "J": _plain(last)})

    def put_in(text: str) -> str:
        return re.sub("%([a-zA-Z%])", lambda match: meant.get(match[1], match[0]), text)

    unit.start = put_in(unit.start)
    unit.files = [put_in(path) for path in unit.files]
    unit.environment = {key: put_in(value) for key, value in unit.environment.items()}
    return unit


def unit_words(unit: Unit, texts: Mapping[str, str]) -> list[str]:
    """The words of ExecStart=, program first, with the variables put in. texts: of its environment files, by path."""
    values = dict(unit.environment)
    for path in unit.files:
        values.update(parse_environment(texts.get(path.removeprefix("-"), "")))
    words = split_words(unit.start.lstrip("-@:+!"))
    return [*words[:1], *expand(words[1:], values)]


def debian_words(text: str) -> list[str]:
    """What Debian's wrapper makes of /etc/memcached.conf: its lines, without comments, -d and -h."""
    words: list[str] = []
    for line in text.splitlines():
        line = re.sub(r"(?<!\\)#.*", "", line).strip()  # noqa: PLW2901
        if line.startswith("-") and line[1:2] not in {"d", "h"}:
            words += line.split()
    return words
