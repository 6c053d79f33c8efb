"""The journal of a booted host: a vacuum with and without rotation, a limit that lasts, what journald then does."""

from __future__ import annotations

from typing import Any

from vm.guest import answer, failed_units, opskit, read, settled
from vmlab.machine import Machine

DAY = 86_400
DROP_IN = "/etc/systemd/journald.conf.d/90-opskit-retain.conf"


def journal(vm: Machine) -> str:
    """The directory of this host's journal."""
    return f"/var/log/journal/{read(vm, '/etc/machine-id').strip()}"


def names(vm: Machine) -> set[str]:
    return set(vm.run("ls", journal(vm)).stdout.split())


def grow_old(vm: Machine, days: int) -> str:
    """Archive what journald writes to, and give the archived file a name that is so many days older."""
    before = names(vm)
    vm.run("logger", "an entry")
    vm.run("journalctl", "--sync")
    vm.run("journalctl", "--rotate")
    made = min(name for name in names(vm) - before if name.startswith("system@"))
    stem, _, realtime = made.removesuffix(".journal").rpartition("-")
    old = f"{stem}-{int(realtime, 16) - days * DAY * 1_000_000:016x}.journal"
    vm.run("mv", f"{journal(vm)}/{made}", f"{journal(vm)}/{old}")
    return old


def deletes(result: dict[str, Any]) -> set[str]:
    return {file["path"].rpartition("/")[2] for file in result["deletes"]}


def test_a_vacuum_of_the_hosts_journal(vm: Machine) -> None:
    settled(vm)
    old = grow_old(vm, 40)
    young = grow_old(vm, 1)
    dry = answer(vm, "journal", "vacuum", "2d", "--dry-run")
    assert deletes(dry["result"]) == {old}
    done = answer(vm, "journal", "vacuum", "2d", "--keep-copy", "/root/copy", "--yes")
    assert (done["status"], done["result"]["as_predicted"]) == (0, True)
    assert old not in names(vm)
    assert young in names(vm)
    assert answer(vm, "undo", "last", "--yes")["status"] == 0
    assert old in names(vm)
    assert answer(vm, "journal", "verify")["status"] == 0


def test_with_rotation_the_active_file_goes_too(vm: Machine) -> None:
    settled(vm)
    before = names(vm)
    vm.run("logger", "the last entry")
    vm.run("sleep", "2")
    plain = answer(vm, "journal", "vacuum", "1seconds", "--dry-run")
    assert "active-keep-old" in [finding["id"] for finding in plain["findings"]]
    dry = answer(vm, "journal", "vacuum", "1seconds", "--rotate", "--dry-run")
    assert names(vm) == before
    assert any(name.startswith("system@") for name in deletes(dry["result"]))
    done = answer(vm, "journal", "vacuum", "1seconds", "--rotate", "--yes")
    assert (done["status"], done["result"]["as_predicted"]) == (0, True), done
    assert deletes(done["result"]) == deletes(dry["result"])
    assert not [name for name in names(vm) if "@" in name]
    assert "system.journal" in names(vm)
    assert "the last entry" not in vm.run("journalctl", "-o", "cat").stdout
    assert failed_units(vm) == ""


def test_with_rotation_and_copies_undo_brings_it_all_back(vm: Machine) -> None:
    settled(vm)
    vm.run("logger", "the last entry")
    vm.run("sleep", "2")
    done = answer(vm, "journal", "vacuum", "1seconds", "--rotate", "--keep-copy", "/root/copy", "--yes")
    assert (done["status"], done["result"]["as_predicted"]) == (0, True), done
    assert "the last entry" not in vm.run("journalctl", "-o", "cat").stdout
    copies = f"/root/copy/{read(vm, '/etc/machine-id').strip()}"
    assert set(vm.run("ls", copies).stdout.split()) == deletes(done["result"])
    assert "the last entry" in vm.run("journalctl", "-o", "cat", f"--directory={copies}").stdout
    undone = answer(vm, "undo", "last", "--yes")
    assert undone["status"] == 0
    assert deletes(done["result"]) <= names(vm)
    assert "the last entry" in vm.run("journalctl", "-o", "cat").stdout
    assert vm.run("test", "-e", "/root/copy", check=False).returncode == 1


def test_a_limit_that_lasts(vm: Machine) -> None:
    settled(vm)
    old = grow_old(vm, 40)
    young = grow_old(vm, 1)
    dry = answer(vm, "journal", "retain", "30d", "--size", "500M", "--dry-run")
    assert deletes(dry["result"]) == {old}
    assert "restart-deletes" in [finding["id"] for finding in dry["findings"]]
    assert vm.run("test", "-e", DROP_IN, check=False).returncode == 1
    done = answer(vm, "journal", "retain", "30d", "--size", "500M", "--yes")
    assert (done["status"], done["result"]["as_predicted"]) == (0, True), done
    assert {path.rpartition("/")[2] for path in done["result"]["gone"]} == {old}
    assert young in names(vm)
    assert "MaxRetentionSec=30d" in read(vm, DROP_IN)
    usage = answer(vm, "journal", "usage")["result"]["directories"]
    limits = {limit["name"]: limit for row in usage for limit in row["limits"]}
    assert limits["MaxRetentionSec"] == {"name": "MaxRetentionSec", "value": 30 * DAY, "source": f"{DROP_IN}:4"}
    assert limits["SystemMaxUse"]["value"] == 500 * 1024**2
    assert "nothing to do" in opskit(vm, "journal", "retain", "30d", "--size", "500M", "--yes").stdout
    assert answer(vm, "undo", "last", "--yes")["status"] == 0
    assert vm.run("test", "-e", DROP_IN, check=False).returncode == 1
    assert vm.run("systemctl", "is-active", "systemd-journald").stdout.strip() == "active"
    assert failed_units(vm) == ""


def test_a_limit_that_another_drop_in_beats(vm: Machine) -> None:
    settled(vm)
    vm.run("mkdir", "-p", "/etc/systemd/journald.conf.d")
    vm.run("sh", "-c", "printf '[Journal]\\nSystemMaxUse=1G\\n' > /etc/systemd/journald.conf.d/95-site.conf")
    refused = answer(vm, "journal", "retain", "--size", "500M", "--yes")
    assert (refused["status"], refused["findings"][0]["id"]) == (5, "drop-in-wins")
    assert "95-site.conf:2" in refused["findings"][0]["title"]
