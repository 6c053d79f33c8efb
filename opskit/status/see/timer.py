"""Look at what `opskit check --install-timer` meets: its units, and the program that they are to run."""

from __future__ import annotations

import os
import sys

import opskit
from opskit.core.caller import typed_program
from opskit.core.command import Runner
from opskit.core.systemd import is_active, is_booted, unit_file_state
from opskit.core.textfile import read_text
from opskit.core.trust import weak_spot
from opskit.core.unit_files import unit_files
from opskit.status.steps import PLACE, SERVICE, TIMER
from opskit.status.timer import TimerFacts, paths


def see_timer(runner: Runner) -> TimerFacts:
    """What --install-timer meets. Raises Failed for a file of its own that cannot be read."""
    program = _program()
    # A script of root's may still have its Python, or opskit itself, where somebody else can write.
    own = _zipapp() or os.path.dirname(opskit.__file__)
    weak = next(filter(None, map(weak_spot, (program[0], sys.executable, own))), "")
    if not is_booted():
        return TimerFacts(program, weak, systemd=False)
    files = [*unit_files(SERVICE), *unit_files(TIMER)]
    packaged = tuple(path for path in files if path.endswith((SERVICE, TIMER)) and not path.startswith(PLACE))
    texts = {path: text for path in paths(packaged) if (text := read_text(path)) is not None}
    enabled = bool(files) and unit_file_state(runner, TIMER) == "enabled"
    return TimerFacts(program, weak, True, packaged, texts, enabled, is_active(runner, TIMER))


def _program() -> tuple[str, ...]:
    """How opskit is started again: the program that was typed, or this Python with its zipapp or its module."""
    if _zipapp():
        return (sys.executable, "-I", _zipapp())
    program = typed_program()
    return (program,) if program else (sys.executable, "-I", "-m", "opskit")


def _zipapp() -> str:
    """The file that opskit is in as a zipapp, "" for none."""
    return os.path.abspath(archive) if (archive := getattr(opskit.__loader__, "archive", "")) else ""
