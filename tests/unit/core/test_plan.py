"""A plan as a script, and its fingerprint: what it stands on, and what it does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from opskit.core import plan as plan_module
from opskit.core.command import Command, Result, shell_lines
from opskit.core.errors import CannotUndo
from opskit.core.finding import Finding
from opskit.core.plan import Change, Plan, Record, Step, differences


@dataclass(frozen=True)
class Said(Step):
    """A step that only has a change."""

    kind: ClassVar[str] = "test.said"
    change: Change


@dataclass(frozen=True)
class Toggled(Step):
    """A step that is its commands, and is taken back by others."""

    kind: ClassVar[str] = "test.toggled"
    name: str

    @property
    def change(self) -> Change:
        return Change("toggle", self.name, "off", "on", shell_lines(self.commands), True)

    @property
    def commands(self) -> tuple[Command, ...]:
        return (Command(("toggle", self.name, "on"), mutates=True, accept=(0, 3)),)

    def undo_commands(self, record: Record) -> tuple[Command, ...]:  # noqa: ARG002
        return (Command(("toggle", self.name, "off"), mutates=True),)

    def undo_change(self, record: Record) -> Change:
        return Change("toggle", self.name, "on", "off", shell_lines(self.undo_commands(record)), True)


class Runs:
    """A runner that keeps what it is to run."""

    def __init__(self) -> None:
        self.argvs: list[tuple[str, ...]] = []

    def run(self, command: Command) -> Result:
        self.argvs.append(command.argv)
        return Result(command, 0, "", "", 0.0)


def test_a_step_runs_the_commands_that_it_shows() -> None:
    step, runner = Toggled("lamp"), Runs()
    assert step.change.commands == ("toggle lamp on || [ $? -eq 3 ]",)
    assert (step.remember(runner), step.apply(runner, {})) == ({}, {})
    step.verify(runner, {})
    step.undo(runner, {})
    assert runner.argvs == [("toggle", "lamp", "on"), ("toggle", "lamp", "off")]


def test_a_step_that_says_nothing_of_its_undo_stays() -> None:
    step, runner = Said(CHANGE), Runs()
    with pytest.raises(CannotUndo, match="it cannot be taken back"):
        step.undo(runner, {})
    assert not runner.argvs


CHANGE = Change("mount", "/data", "not mounted", "ext4", ("udevadm settle", "mount /dev/vdb1 /data"), True)
PLAN = Plan("put /dev/vdb into service", (Said(CHANGE),), basis=("vdb", "252:16"), checks=("[ -b x ]",))


def test_the_script() -> None:
    assert PLAN.as_shell() == (
        "#!/bin/sh\n"
        "# put /dev/vdb into service\n"
        "set -eu\n"
        "umask 022\n"
        "trap 'echo \"stopped: the host is not as it was when this script was made; nothing was changed\" >&2' EXIT\n"
        "[ -b x ]\n"
        "trap - EXIT\n"
        "\n"
        "# mount: /data\n"
        "udevadm settle\n"
        "mount /dev/vdb1 /data\n"
    )


def test_nothing_to_do_is_a_script_as_well() -> None:
    empty = replace(PLAN, steps=())
    assert empty.as_shell() == "#!/bin/sh\n# put /dev/vdb into service\nset -eu\numask 022\n# nothing to do\n"


def test_a_newline_in_a_name_stays_a_comment() -> None:
    change = replace(CHANGE, target="/srv/a\nrm -rf x")
    script = replace(PLAN, title="put x\nrm -rf y into service", steps=(Said(change),)).as_shell()
    assert not [line for line in script.splitlines() if line.startswith("rm")]


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, basis=("vdb", "252:32")),
        replace(PLAN, basis=("vdb",)),
        replace(PLAN, steps=()),
        replace(PLAN, steps=(Said(CHANGE), Said(CHANGE))),
        *(
            replace(PLAN, steps=(Said(replace(CHANGE, **changed)),))
            for changed in (
                {"action": "umount"},
                {"target": "/mnt"},
                {"before": "mounted"},
                {"after": "xfs"},
                {"commands": ("mount /dev/vdc1 /data",)},
                {"reversible": False},
            )
        ),
    ],
)
def test_the_fingerprint_is_of_what_is_done_and_to_what(other: Plan) -> None:
    assert other.fingerprint != PLAN.fingerprint


@pytest.mark.parametrize(
    "fields",
    [
        {"notes": (Finding("mount-only", "info", "x"),)},
        {"title": "take /dev/vdb out of service"},
        {"result": {"device": "/dev/vdb1"}},
        {"checks": ()},
    ],
)
def test_the_fingerprint_is_not_of_what_is_only_said(fields: Any) -> None:
    assert replace(PLAN, **fields).fingerprint == PLAN.fingerprint


def test_basis_and_changes_do_not_run_into_each_other() -> None:
    assert replace(PLAN, basis=("vdb252:16",)).fingerprint != PLAN.fingerprint


def test_two_parts_with_the_same_digits_hide_no_difference_and_name_no_wrong_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The digits of a part only find the sentence: whether plans differ, the whole tells."""
    first, other = Plan("t", basis=("a",)), Plan("t", basis=("b",))
    assert list(differences(first.fingerprint, other, other)) == ["what it acts on is not the same: it is now b"]
    whole = plan_module.sha256

    def colliding(data: bytes) -> str:
        return whole(data) if data.startswith(b"[[") else "0" * 64

    monkeypatch.setattr(plan_module, "sha256", colliding)
    assert first.fingerprint != other.fingerprint
    assert list(differences(first.fingerprint, other, other)) == []


def test_names_that_are_no_utf8_have_a_fingerprint() -> None:
    assert replace(PLAN, basis=("\udcff",)).fingerprint != PLAN.fingerprint


def test_what_a_command_reads_is_fed_to_it() -> None:
    command = Command(("sfdisk", "-q", "/dev/my disk"), mutates=True, input='label: gpt\n\nname="x y"\n')
    assert command.as_shell() == "printf '%s\\n' 'label: gpt' '' 'name=\"x y\"' | sfdisk -q '/dev/my disk'"


def test_an_exit_status_that_is_an_answer_does_not_end_the_script() -> None:
    """Measured: partx -d says 1 when wipefs has made the kernel forget the partitions already."""
    command = Command(("partx", "-d", "/dev/vdb"), mutates=True, accept=(0, 1))
    assert command.as_shell() == "partx -d /dev/vdb || [ $? -eq 1 ]"
    several = Command(("systemctl", "stop", "x"), mutates=True, accept=(0, 1, 5))
    assert several.as_shell() == "systemctl stop x || case $? in 1|5) ;; *) exit 1 ;; esac"


def test_a_command_that_may_fail_does_not_end_the_script() -> None:
    command = Command(("restorecon", "/my data"), mutates=True, may_fail=True)
    assert command.as_shell() == "restorecon '/my data' || true"
