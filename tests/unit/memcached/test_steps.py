"""The directory of a pid file: made, and taken back as long as it is the one that was made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import CannotUndo, Failed
from opskit.memcached.instance.steps import MakeDirectory

RUNNER: Any = None


@pytest.fixture
def step(tmp_path: Path) -> MakeDirectory:
    return MakeDirectory(str(tmp_path / "run"))


def test_the_directory_that_was_made_goes_while_it_is_empty(step: MakeDirectory) -> None:
    record = step.apply(RUNNER, {})
    file = Path(step.path, "other.pid")
    file.touch()
    for look in (step.left, step.undo):
        with pytest.raises(CannotUndo, match=r"it holds other\.pid"):
            look(RUNNER, record)
    file.unlink()
    assert step.left(RUNNER, record)
    step.undo(RUNNER, record)
    step.undo(RUNNER, record)
    assert not os.path.exists(step.path)


def test_another_directory_by_its_name_stays(step: MakeDirectory) -> None:
    record = step.apply(RUNNER, {})
    os.rename(step.path, f"{step.path}.old")
    os.mkdir(step.path)
    assert step.left(RUNNER, record) is None
    step.undo(RUNNER, record)
    assert os.path.isdir(step.path)
    # A ledger of before does not say which it was.
    step.undo(RUNNER, {})
    assert not os.path.exists(step.path)


def test_an_inode_that_is_anothers_by_now_is_told_by_its_birth(step: MakeDirectory) -> None:
    record = step.apply(RUNNER, {})
    if not record["birth"]:
        pytest.skip("the filesystem of the tests, or the kernel, has no times of birth")
    step.undo(RUNNER, {**record, "birth": record["birth"] - 1})
    assert os.path.isdir(step.path)


def test_a_directory_that_somebody_made_just_before_stays(step: MakeDirectory) -> None:
    os.mkdir(step.path)
    with pytest.raises(Failed, match="somebody has made it since") as failed:
        step.apply(RUNNER, {})
    step.undo(RUNNER, failed.value.record)
    assert os.path.isdir(step.path)
