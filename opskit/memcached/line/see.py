"""See: the line of a sysconfig file, of a unit with its drop-ins, of a running process."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opskit.core.errors import UsageFault
from opskit.core.files import read_bytes
from opskit.core.reach import check_answers
from opskit.core.systemd import service_name
from opskit.core.unit_files import UNIT_PATHS, unit_files
from opskit.memcached.line.edit import is_memcached
from opskit.memcached.line.sources import (
    DEBIAN_WRAPPER,
    LineSource,
    Unit,
    debian_words,
    from_sysconfig,
    shell_syntax,
    unit_of,
    unit_words,
)
from opskit.memcached.model import StartLimits
from opskit.memcached.see import proc


def read_sysconfig(path: str) -> LineSource:
    """The line of a sysconfig file. Raises UsageFault."""
    return from_sysconfig(_read(path), path)


def from_unit(name: str, paths: Sequence[str] = UNIT_PATHS) -> LineSource:
    """The line of a unit: its ExecStart with the variables put in. Raises UsageFault."""
    name = service_name("--unit", name)
    unit = read_unit(name, paths)
    texts = {}
    for path in unit.files:
        optional, path = path.startswith("-"), path.removeprefix("-")  # noqa: PLW2901
        check_answers([path])
        if os.path.exists(path) or not optional:
            texts[path] = _read(path)
    words = unit_words(unit, texts)
    if not words:
        raise UsageFault(name, "it has no ExecStart")
    program, *arguments = words
    if program.endswith(DEBIAN_WRAPPER) and arguments:
        return LineSource(tuple(debian_words(_read(arguments[0]))), arguments[0], "", name, unit.limits)
    if not is_memcached(program):
        raise UsageFault(name, f"it runs {program}, not memcached", todo="its words behind `--`: lint -- LINE")
    syntax = tuple(finding for path, text in texts.items() for finding in shell_syntax(text, path))
    return LineSource(tuple(arguments), f"unit {name}", program, name, unit.limits, syntax)


def read_unit(name: str, paths: Sequence[str] = UNIT_PATHS) -> Unit:
    """A unit as its files say, with drop-ins; systemd itself is not asked. Raises UsageFault when there is none."""
    files = unit_files(name, paths)
    if not files:
        raise UsageFault(name, "there is no such unit", todo="systemctl list-unit-files '*memcached*'")
    return unit_of(name, [_read(path) for path in files])


def from_pid(pid: int) -> LineSource:
    """The line of a running memcached. Raises UsageFault for another process."""
    process = proc.process(pid)
    if process is None:
        raise UsageFault(f"--pid {pid}", "there is no such process", todo="opskit memcached status lists them")
    if process.name != "memcached":
        raise UsageFault(f"--pid {pid}", f"that is {process.text}", todo="opskit memcached status lists them")
    root = process.user == "root" or any(word.startswith(("-u", "--u")) for word in process.line)
    return LineSource(process.line[1:], f"pid {pid}", proc.program_of(pid), limits=StartLimits(root, pid=pid))


def _read(path: str) -> str:
    """A file's text. Raises UsageFault, and Failed where it is on a mount that does not answer."""
    check_answers([path])
    try:
        return read_bytes(path).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageFault(path, f"it cannot be read ({error.strerror})", todo=f"ls -l {path}") from error
