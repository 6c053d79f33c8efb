"""What was done is on record, and is taken back by it, from one end to the other."""

from __future__ import annotations

from typing import Any

from vm.guest import FSTAB, TARGET, answer, failed_units, ledger, mount, mounted, opskit, read, settled, uuid
from vmlab.machine import Machine


def test_history_show_and_undo(vm: Machine) -> None:
    fstab = read(vm, FSTAB)
    assert _runs(vm) == []
    mount(vm)
    filesystem = uuid(vm, "/dev/vdb1")
    (run,) = _runs(vm)
    assert (run["outcome"], run["user"], run["undoes"]) == ("done", "root", "")
    assert run["command"] == ["opskit", "disk", "mount", "/dev/vdb", TARGET, "--yes"]

    shown = answer(vm, "history", "show", "last")["result"]
    assert shown["id"] == run["id"]
    kinds = ["create-partition", "make-filesystem", "backup-fstab", "add-fstab-entry", "make-mount-point", "mount"]
    assert [(step["change"]["action"], step["outcome"]) for step in shown["steps"]] == [(k, "done") for k in kinds]
    programs = {command["argv"][0] for step in shown["steps"] for command in step["commands"]}
    assert {"sfdisk", "mkfs.ext4", "mount"} <= {program.rpartition("/")[2] for program in programs}
    text = opskit(vm, "history", "show", run["id"][:-2]).stdout
    assert all(kind in text for kind in kinds)

    planned = answer(vm, "undo", "last", "--dry-run")
    assert planned["status"] == 0
    assert mounted(vm)
    undone = answer(vm, "undo", "last", "--yes")
    assert (undone["status"], undone["result"]["changed"]) == (0, True)
    assert mounted(vm) is None
    assert read(vm, FSTAB) == fstab
    assert vm.run("test", "-e", TARGET, check=False).returncode == 1
    assert uuid(vm, "/dev/vdb1") == filesystem
    assert vm.run("systemctl", "list-units", "--all", "--no-legend", "--plain", "data.mount").stdout == ""
    assert failed_units(vm) == ""

    first, second = _runs(vm)
    assert (first["id"], second["undoes"], second["outcome"]) == (run["id"], run["id"], "done")
    assert {line["run"] for line in ledger(vm)} == {first["id"], second["id"]}


def _runs(vm: Machine) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = answer(vm, "history")["result"]["runs"]
    return runs


def test_the_services_that_other_areas_meet(vm: Machine) -> None:
    """A journal on disk and a memcached unit that restarts."""
    assert settled(vm) == "running"
    vm.run("journalctl", "--flush", "--rotate")
    files = vm.run("journalctl", "--header").stdout
    assert "/var/log/journal/" in files
    assert "State: ARCHIVED" in files
    before = _pid(vm)
    vm.run("systemctl", "restart", "memcached")
    assert _pid(vm) not in {before, "0"}
    assert vm.run("systemctl", "is-active", "memcached").stdout.strip() == "active"


def _pid(vm: Machine) -> str:
    return vm.run("systemctl", "show", "memcached", "-p", "MainPID", "--value").stdout.strip()
