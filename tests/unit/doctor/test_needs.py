"""The table of programs, held against the code that starts them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from opskit import areas
from opskit.core.packages import PACKAGES
from opskit.disk.see.facts import CLIENTS, PRESENT
from opskit.doctor.needs import NEEDS
from opskit.service.see.celery import _as_user

ROOT = Path(areas.__file__).parent
# What every host has, and what is started in the place of a program that the user names.
EVERYWHERE = {"chmod", "cp", "dd", "du", "env", "kill", "mkdir", "mv", "rm", "truncate"}


def started() -> Iterator[tuple[str, str]]:
    """The programs that stand as the first word of a Command in the code, and where."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Command":
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Tuple) and isinstance(first.elts[0], ast.Constant):
                    yield str(first.elts[0].value), f"{path.relative_to(ROOT)}:{node.lineno}"


def test_what_celery_is_asked_with_is_in_it() -> None:
    """Its words are put together: the code above does not see them."""
    command = _as_user(1, (1, 1), None)
    assert command[0] in {need.program for need in NEEDS}


def test_each_program_that_the_code_starts_is_in_the_table_with_its_package() -> None:
    programs = {need.program for need in NEEDS}
    seen = dict(started())
    assert len(seen) > 10
    assert {name: where for name, where in seen.items() if name not in programs | EVERYWHERE} == {}
    assert {*PRESENT, *CLIENTS} <= programs
    assert programs <= PACKAGES.keys()
    assert len(programs) == len(NEEDS)


def test_each_command_of_the_table_is_there() -> None:
    from opskit.completion.cli import tree  # noqa: PLC0415 - it imports every area

    paths = {node.path.partition(" ")[2] for node in tree().walk()}
    for need in NEEDS:
        for command in need.commands:
            assert command.partition(" --")[0] in paths, need
