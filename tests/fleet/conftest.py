"""Hosts of the fleet lab (scripts/fleet-lab), as root: namespaces, an sshd and a loop disk each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetlab.lab import Lab
from fleetlab.layer import missing

HERE = Path(__file__).parent
NewLab = Callable[..., Lab]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def new_lab() -> Iterator[NewLab]:
    """Make a lab of so many hosts, and of disks of so many MB; it is gone after the tests of the file."""
    why = missing()
    if why:
        pytest.skip(f"no fleet lab: {why}")
    # Short: the path of a UNIX socket holds 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="opskit-lab-"))
    made: list[Lab] = []

    def make(number: int, megabytes: int = 64) -> Lab:
        made.append(Lab.up(folder / str(len(made)), number, megabytes))
        return made[-1]

    yield make
    for lab in made:
        lab.down()
    shutil.rmtree(folder)
