"""What a unit shall be, so that systemd runs a line by it: its settings file, a new instance, or a drop-in. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from opskit.core.plan import Reason
from opskit.core.systemd import parse_assignments
from opskit.memcached.line.edit import is_memcached
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import Release
from opskit.memcached.line.sources import DEBIAN_WRAPPER, EL_LINE, Unit, split_words, unit_of, unit_words
from opskit.memcached.model import Program
from opskit.memcached.unit.model import DROP_IN, TEMPLATE, UnitDesign, UnitFacts, drop_in_order

# Which variable of the EL family's sysconfig file stands for which option.
VARIABLES = {"p": "PORT", "u": "USER", "c": "MAXCONN", "m": "CACHESIZE"}
DEFAULTS = {"c": "1024", "m": "64"}
# What of memcached.service its instances do not have: they have a line and settings of their own, and no pid file,
# and a runtime directory that they shared would go with the first that stops.
OWN = ("Exec", "Environment", "Type", "PIDFile", "BusName", "RuntimeDirectory", "StandardInput")


def designed(facts: UnitFacts, name: str, line: Sequence[str]) -> UnitDesign | Reason:
    """How the unit comes to run this line, or the file that stands in the way of it."""
    for design in _designs(facts, name, line):
        if _runs(design, facts.program, line):
            return design
    path = _later(facts.files, name)
    drop_in = DROP_IN.format(unit=name)
    title = f"{path or name} has another ExecStart= after that of {drop_in}"
    remedy = f"take ExecStart= out of {path}, or write the line there" if path else f"systemctl cat {name}"
    return Reason("unit-overridden", title, remedy, "systemd reads drop-ins by their names, and the last one counts")


def _designs(facts: UnitFacts, name: str, line: Sequence[str]) -> Iterator[UnitDesign]:
    """The ways to do it, the one that changes least first."""
    files = facts.files or {TEMPLATE: instance_template(facts)}
    writes = () if facts.files else (TEMPLATE,)
    unit = unit_of(name, list(files.values()))
    path = unit.files[-1].removeprefix("-") if unit.files else ""
    # A pattern (glob(7)) or a specifier that only systemd knows is no name of a file that could be written.
    if "OPTIONS" in unit.start and path and not any(char in path for char in "%*?["):
        texts = {**facts.texts, path: sysconfig(facts.texts.get(path, ""), line, facts.program)}
        yield UnitDesign(files, texts, unit, (*writes, path))
    path = DROP_IN.format(unit=name)
    words = " ".join(unit_quoted(word) for word in (facts.program.path, *line))
    # The line has no -d: a unit of Type=forking would wait for its first process to end.
    kind = "Type=simple\n" if unit.kind == "forking" or (path in files and "Type=simple\n" in files[path]) else ""
    text = f"# Written by opskit memcached start --unit\n[Service]\n{kind}ExecStart=\nExecStart={words}\n"
    files = dict(sorted({**files, path: text}.items(), key=lambda pair: drop_in_order(pair[0])))
    replaced = () if path in facts.files else _settings_of(unit)
    yield UnitDesign(files, facts.texts, unit_of(name, list(files.values())), (*writes, path), replaced)


def _settings_of(unit: Unit) -> tuple[str, ...]:
    """The files that the unit has the words of its line from."""
    words = split_words(unit.start.lstrip("-@:+!"))
    if words and words[0].endswith(DEBIAN_WRAPPER):
        return tuple(words[1:2])
    return tuple(path.removeprefix("-") for path in unit.files) if "$" in unit.start else ()


def _later(files: Mapping[str, str], name: str) -> str:
    """The last file of the unit that sets ExecStart=, where systemd reads it after opskit's drop-in."""
    own = drop_in_order(DROP_IN.format(unit=name))
    later = [
        path for path, text in files.items()
        if drop_in_order(path) > own
        and any((each.section, each.name) == ("Service", "ExecStart") for each in parse_assignments(text))
    ]  # fmt: skip
    return later[-1] if later else ""


def _runs(design: UnitDesign, program: Program, line: Sequence[str]) -> bool:
    """Whether systemd runs this line by these files."""
    words = unit_words(design.unit, design.texts)
    return is_memcached(words[0]) and _meaning(words[1:], program.release) == _meaning(line, program.release)


def _meaning(words: Sequence[str], release: Release) -> list[tuple[str, str]]:
    """The options of a line, without those that do nothing beside -s, with the defaults that a settings file has."""
    options = [(option.letter, option.value or "") for option in parse(words, release).options]
    letters = {letter for letter, _ in options}
    without = "pUl" if "s" in letters else ""
    options += [(letter, value) for letter, value in DEFAULTS.items() if letter not in letters]
    return sorted(pair for pair in options if pair[0] not in without)


def instance_template(facts: UnitFacts) -> str:
    """memcached@.service: memcached.service, with its limits and its hardening, and a settings file each."""
    source, text = facts.distribution
    sections: dict[str, list[str]] = {
        "Unit": ["Description=memcached daemon, instance %i"],
        "Service": [
            f"EnvironmentFile={facts.settings_place}/memcached.%i",
            f"ExecStart={unit_quoted(facts.program.path)} {EL_LINE}",
        ],
        "Install": [],
    }
    for section, name, value, *_ in parse_assignments(text):
        own = name.startswith(OWN) if section == "Service" else name == "Description" or section == "Install"
        if section in sections and not own:
            sections[section].append(f"{name}={value}")
    wanted = [
        value for section, name, value, *_ in parse_assignments(text) if (section, name) == ("Install", "WantedBy")
    ]
    sections["Install"] += [f"WantedBy={value}" for value in wanted or ["multi-user.target"]]
    parts = [f"[{section}]\n" + "".join(f"{line}\n" for line in lines) for section, lines in sections.items()]
    return f"# Written by opskit memcached start --unit, from {source}\n" + "\n".join(parts)


def sysconfig(text: str, line: Sequence[str], program: Program) -> str:
    """The file with the variables that the line asks for; its other lines stay as they are."""
    options = parse(line, program.release).options
    values = {VARIABLES[letter]: default for letter, default in DEFAULTS.items()}
    rest = []
    for option in options:
        if option.letter in VARIABLES:
            values[VARIABLES[option.letter]] = option.value or ""
        else:
            rest += [f"-{option.letter}"] if option.value is None else [f"-{option.letter}", word_quoted(option.value)]
    values["OPTIONS"] = " ".join(rest)
    lines = []
    for old in text.splitlines():
        name = old.partition("=")[0].strip()
        if name in values:
            lines.append(f"{name}={_quoted(values.pop(name))}")
        else:
            lines.append(old)
    lines += [f"{name}={_quoted(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """A value of an EnvironmentFile (systemd.exec(5))."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unit_quoted(word: str) -> str:
    """A word of a command line in a unit (systemd.service(5)): % and $ doubled, quoted where it has to be."""
    return word_quoted(word.replace("%", "%%").replace("$", "$$"))


def word_quoted(word: str) -> str:
    """A word of a variable that a unit takes apart: nothing in it is put in a second time."""
    if not word or any(char in " \t\n\"'\\;" for char in word):
        escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return word
