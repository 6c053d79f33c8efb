"""A plan that somebody has read is carried out tomorrow, by its token: that one, or none (--only-plan)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from host.disk.cases import REFUSED
from host.hosts import Host
from host.tools import FSTAB, GIB, MIB, Disk, run


def plan(host: Host, disk: Disk, *options: str) -> dict[str, str]:
    """What a dry run of a mount says its plan is called."""
    answer = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json", *options)
    result = json.loads(answer.well().out)["result"]["plan"]
    assert result["token"].partition("@")[0] == f"{result['run']}:{result['fingerprint']}"
    return dict(result)


def basis_digits(plan: dict[str, str]) -> str:
    """The part of a fingerprint that is of what the plan acts on (core.plan.Plan.fingerprint)."""
    return plan["fingerprint"].partition("-")[2][:3]


def test_three_dry_runs_have_one_fingerprint(host: Host, disk: Disk) -> None:
    plans = [plan(host, disk) for _ in range(3)]
    assert len({each["fingerprint"] for each in plans}) == 1
    assert len({each["run"] for each in plans}) == 3


def test_the_plan_of_saved_facts_is_carried_out_as_it_was_shown(host: Host, disk: Disk) -> None:
    """Same UUIDs, same line, same name of the backup; a comment in fstab since does not matter."""
    saved = host.folder / "host.json"
    saved.write_text(host.on_disk("facts", host.target).well().out)
    shown = host.run("disk", "mount", disk.path, host.target, "--facts", str(saved)).well().out
    token = re.findall(r"--only-plan (\S+)", shown)[0]
    assert token.partition(":")[2] == plan(host, disk)["fingerprint"]
    with host.fstab.open("a") as file:
        file.write("# somebody was here\n")
    answer = json.loads(host.mount(disk, "--only-plan", token, "--json").well().out)["result"]
    assert (answer["plan"]["token"], answer["run"]) == (token, token.partition(":")[0])
    assert answer["fstab_line"] in shown
    assert host.table()[0].decode().endswith(f"# somebody was here\n{answer['fstab_line']}\n")
    assert disk.value("UUID", answer["device"]) == answer["uuid"]
    assert [name for name in host.backups() if name.endswith(answer["run"])]
    # Once more: done. The plain command has nothing to do either.
    ledger = host.ledger()
    for more in ((), ("--dry-run",)):
        again = host.mount(disk, "--only-plan", token, *more).well()
        assert again.out.startswith(f"nothing to do: done in run {answer['run']}")
    assert host.ledger() == ledger
    host.run("undo", answer["run"], "--yes").well()
    refused = host.mount(disk, "--only-plan", token)
    assert (refused.code, host.mounted()) == (REFUSED, None)
    assert "took it back" in refused.err


def _other_data(host: Host, disk: Disk) -> None:  # noqa: ARG001
    run("mkfs.ext4", "-q", disk.path)


def _other_disk(host: Host, disk: Disk) -> None:
    host.replaced(disk)


def _larger(host: Host, disk: Disk) -> None:  # noqa: ARG001
    disk.resize(128 * MIB)


def _mount_point(host: Host, disk: Disk) -> None:  # noqa: ARG001
    Path(host.target).mkdir(parents=True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_other_data, "what it acts on is not the same: it is now"),
        (_other_disk, "what it acts on is not the same"),
        (_larger, f"{128 * MIB} bytes"),
        (_mount_point, "the plan had 6 changes, and has 5 changes now"),
    ],
)
def test_another_host_by_now(host: Host, disk: Disk, change: Callable[[Host, Disk], None], why: str) -> None:
    then = plan(host, disk)
    change(host, disk)
    now = host.disks[-1]
    before = now.digest(), host.table(), host.backups()
    for more in ((), ("--dry-run",)):
        refused = host.mount(disk, "--only-plan", then["token"], *more)
        assert refused.code == REFUSED
        assert "no longer as it was when the plan was made: " in refused.err
        # Of 4096 other disks or contents one has the three digits of the old ones, and only the rest is told then.
        assert why in refused.err or basis_digits(then) == basis_digits(plan(host, disk))
    assert (now.digest(), host.table(), host.backups()) == before
    assert host.mounted() is None


def test_the_loss_of_other_data_was_not_agreed_to(host: Host, disk: Disk) -> None:
    run("mkfs.ext4", "-q", disk.path)
    wipe = ("--wipe", disk.path)
    token = plan(host, disk, *wipe)["token"]
    run("mkfs.ext4", "-q", "-U", "random", disk.path)
    before = disk.digest()
    refused = host.mount(disk, *wipe, "--only-plan", token)
    assert (refused.code, disk.digest()) == (REFUSED, before)
    host.mount(disk, *wipe, "--only-plan", plan(host, disk, *wipe)["token"]).well()


def test_a_umount_and_a_grow(host: Host, large_disk: Disk) -> None:
    """The numbers of lines in fstab are no part of a plan."""
    host.mount(large_disk, "--fstype", "xfs").well()
    large_disk.resize(2 * GIB)
    for verb in ("grow", "umount"):
        arguments = (verb, host.target)
        answer = host.on_disk(*arguments, "--dry-run", "--json").well()
        token = json.loads(answer.out)["result"]["plan"]["token"]
        host.fstab.write_text("# a comment above\n" + host.fstab.read_text())
        done = json.loads(host.on_disk(*arguments, "--only-plan", token, "--yes", "--json").well().out)
        assert done["result"]["plan"]["token"] == token
    assert host.mounted() is None
    assert host.fstab.read_text() == "# a comment above\n" * 2 + FSTAB
