"""A booted host for each test: the virtual machine of scripts/vm, with this checkout's opskit in it.

`vm` is a machine that has just reached multi-user.target, with its system disk /dev/vda and a blank /dev/vdb of
2 GiB; every test gets it as new, in about a second. Each worker of pytest-xdist has one of its own.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmlab.booted import booted
from vmlab.image import image, missing
from vmlab.machine import SEVERAL, Machine

HERE = Path(__file__).parent
TEST_SECONDS = 3600
STARTED = time.monotonic()
# What the tests count (the fixture `count`), in the order of the closing line.
FIGURES = ("cuts survived", "faults injected", "refusals")

Count = Callable[..., None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.vm)
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def snapshot() -> Path:
    """The booted machine of this checkout, as it is when the session begins."""
    why = missing()
    if why:
        pytest.skip(why)
    return booted()


@pytest.fixture(scope="session")
def machine(snapshot: Path) -> Iterator[Machine]:  # noqa: ARG001 - for what it skips
    """The machine of this session, not in any particular state: tests take `vm`."""
    # Short: the path of a UNIX socket holds 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="opskit-vm-"))
    made = Machine(directory / "m", image())
    yield made
    made.stop()
    shutil.rmtree(directory)


@pytest.fixture
def vm(machine: Machine, snapshot: Path) -> Machine:
    """A machine that has just booted."""
    machine.reset(snapshot)
    return machine


@pytest.fixture
def smp_vm(machine: Machine) -> Machine:
    """The same with two processors: what is tested is to happen at the same moment."""
    machine.reset(booted(SEVERAL))
    return machine


@pytest.fixture
def losing_vm(machine: Machine, snapshot: Path) -> Machine:
    """The same, and cut(lose=True) loses what the guest had not flushed to its disks."""
    machine.reset(snapshot, losing=True)
    return machine


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Count a figure of the closing line: count("refusals"), count("cuts survived", outcome="in service")."""

    def add(figure: str, number: int = 1, *, outcome: str = "") -> None:
        assert figure in FIGURES
        record_property(figure, number)
        if outcome:
            record_property("outcome", outcome)

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    sums: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in getattr(report, "user_properties", ()):
            if report.when == "call" and name in FIGURES:
                sums[name] += value
            elif report.when == "call" and name == "outcome":
                outcomes[value] += 1
    if not sums:
        return
    seconds = time.monotonic() - STARTED
    figures = ", ".join(f"{sums[name]} {name}" for name in FIGURES)
    if outcomes:
        terminalreporter.write_line("after the cuts: " + ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))
    terminalreporter.write_line(f"virtual machine: {figures}, {seconds:.0f} s")
