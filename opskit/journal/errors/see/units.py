"""The units that are failed now, as systemd has them; only where it runs."""

from __future__ import annotations

import os

from opskit.core.command import Command
from opskit.core.runner import Runner
from opskit.journal.errors.model import FailedUnit

# What sd_booted(3) looks for.
BOOTED = "/run/systemd/system"
_MARKS = {"\N{BLACK CIRCLE}", "\N{MULTIPLICATION SIGN}", "*", "x"}


def failed_units(runner: Runner) -> tuple[FailedUnit, ...]:
    """Those of the system's manager; none where systemd does not run. Raises CommandFailed when it does not answer."""
    if not os.path.isdir(BOOTED):
        return ()
    words = ("systemctl", "list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager", "--state=failed")
    names = parse_list(runner.run(Command(words, mutates=False)).stdout)
    if not names:
        return ()
    # One -p with a list: 219 has it, too.
    told = ("systemctl", "show", "--no-pager", "--property=Id,Description,Result,InactiveEnterTimestamp", "--", *names)
    return parse_show(runner.run(Command(told, mutates=False)).stdout)


def parse_list(said: str) -> tuple[str, ...]:
    """The names in the output of list-units; 219 has a bullet before each even with --plain."""
    lines = (line.split() for line in said.splitlines())
    return tuple(next(word for word in words if word not in _MARKS) for words in lines if len(words) > 1)


def parse_show(said: str) -> tuple[FailedUnit, ...]:
    """The output of `systemctl show`: a block of `Name=value` for each unit, an empty line between."""
    found = []
    for block in said.strip().split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if name := values.get("Id"):
            since = values.get("InactiveEnterTimestamp", "")
            found.append(FailedUnit(name, values.get("Description", ""), values.get("Result", ""), since))
    return tuple(found)
