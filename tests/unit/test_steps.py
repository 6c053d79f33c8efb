"""Every step can be found again from the ledger: its class by its kind, its fields by their type hints."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
from pathlib import Path

import pytest

import opskit
from opskit.areas import load_step
from opskit.core.errors import Failed
from opskit.core.jsonable import from_json, to_json
from opskit.core.ledger import StepRecord
from opskit.core.plan import Step
from opskit.disk.fstab.steps import AddFstabEntry, RemoveFstabEntry, RestoreFstab
from opskit.disk.model import DiskPlace, MadeRecord
from opskit.disk.mount.steps.make import CreatePartition
from opskit.disk.mount.steps.mount import MakeMountPoint, MountFilesystem, UnmountFilesystem, check_writable

PLACE = DiskPlace("vdb", "/dev/vdb", "serial:a", 2**31, 512, 2**20, 2**30, "gpt", "t", 1, "p", "n")


AREAS = sorted(entry.name for entry in pkgutil.iter_modules(opskit.__path__) if entry.ispkg)


def step_classes(area: str) -> list[type[Step]]:
    """Every step class that a module of the area defines, wherever in it."""
    classes = []
    package = importlib.import_module(f"opskit.{area}")
    for module in pkgutil.walk_packages(package.__path__, f"opskit.{area}."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if cls.__module__ == module.name and issubclass(cls, Step) and hasattr(cls, "kind"):
                classes.append(cls)
    return classes


@pytest.mark.parametrize("area", [area for area in AREAS if area not in {"core", "ui", "history"}])
def test_every_step_of_an_area_is_in_its_kinds(area: str) -> None:
    """One that is left out could never be taken back. (That of the history takes others back, and is not itself.)"""
    classes = {cls.kind: cls for cls in step_classes(area)}
    kinds = importlib.import_module(f"opskit.{area}.steps").KINDS if classes else {}
    assert classes == kinds
    assert all(kind.startswith(f"{area}.") for kind in kinds)


# What these touch the plan checks, which has the facts; the last two touch nothing that is there.
CHECKED_BY_THE_PLAN = {
    "disk.try-mount-options",
    "disk.erase-signatures",
    "disk.create-partition",
    "disk.make-filesystem",
    "disk.make-mount-point",
    "disk.mount",
    "disk.umount",
    "disk.mount-share",
    "disk.umount-share",
    "disk.grow-partition",
    "disk.grow-filesystem",
    "disk.make-swap",
    "disk.make-swap-device",
    "journal.vacuum",
    "journal.rotate",
    "memcached.start",
    "service.start",
}


def test_a_script_checks_what_each_step_touches() -> None:
    """A step without checks of its own is one that somebody has thought about."""
    without = {cls.kind for area in AREAS for cls in step_classes(area) if cls.checks is Step.checks}
    assert without - {"history.undo", "history.prune"} == CHECKED_BY_THE_PLAN  # these are no scripts


@pytest.mark.parametrize("area", AREAS)
def test_every_step_says_how_it_is_taken_back_or_why_not(area: str) -> None:
    """That it cannot be is a decision, and not what a step has that was not thought through to its undo."""
    assert not [cls.kind for cls in step_classes(area) if cls.undo_change is Step.undo_change]


def test_a_field_that_came_later_has_a_default() -> None:
    """A ledger of an older opskit must still be good for an undo."""
    step = from_json(CreatePartition, {"place": to_json(PLACE), "tool": "sfdisk"})
    assert (step.before, step.stale) == ("blank", False)
    old = from_json(UnmountFilesystem, {"target": "/data", "device": "vdb1", "fstype": "ext4", "options": "rw"})
    assert not old.uuid
    entry = {"path": "/etc/fstab", "line": "a b c", "sha256_before": ""}
    assert not from_json(AddFstabEntry, entry).relabel
    assert not from_json(RemoveFstabEntry, {"path": "/etc/fstab", "lines": [], "sha256_before": ""}).relabel
    assert not from_json(
        RestoreFstab, {"path": "/etc/fstab", "backup": "", "sha256_before": "", "sha256_after": ""}
    ).relabel
    mount = {"place": to_json(PLACE), "target": "/data", "fstype": "ext4", "uuid": "u", "options": ""}
    assert not from_json(MountFilesystem, mount).relabel
    assert not from_json(MakeMountPoint, {"path": "/data"}).relabel


def test_the_ledger_of_an_older_opskit_and_its_facts_tell_nothing_of_a_first_mount() -> None:
    """What is not known to be fresh is left as it is."""
    assert not from_json(MadeRecord, {"run": "r", "place": to_json(PLACE), "mkfs_done": True}).never_mounted


@pytest.mark.parametrize("kind", ["disk.no-such-step", "usage.x", "undo.x", "history.undo", "x", ""])
def test_a_step_that_nobody_knows_is_a_lookup_error(kind: str) -> None:
    with pytest.raises(LookupError):
        load_step(StepRecord(1, kind, {}, {}, {}, "done"))


def test_a_mounted_filesystem_is_written_to_once_and_keeps_its_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(tmp_path, ns=(1, 2))
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(os.readlink(f"/proc/self/fd/{number}")))
    check_writable(str(tmp_path))
    status = tmp_path.stat()
    assert (status.st_atime_ns, status.st_mtime_ns) == (1, 2)
    assert flushed == [str(tmp_path)]


def test_a_disk_that_fails_below_a_mount_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(Failed, match="it cannot be written") as caught:
        check_writable(str(tmp_path))
    assert "dmesg" in caught.value.todo
