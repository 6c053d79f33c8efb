"""One plan for twenty hosts, each in another state: where each of them ends, and that no disk with data is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet import hosts
from fleet.conftest import NewLab
from fleet.control import Control, ended
from fleetlab.lab import Lab
from host.tools import Answer, until
from tiers import Agree

BLANK = ("host01", "host02", "host03", "host04", "host05")
FILES, BYTES, IN_SERVICE, SYSTEM, NO_DISK = "host06", "host07", "host08", "host09", "host10"
DEAD, DIES, SWAPPED, NO_PYTHON, NO_INTERPRETER = "host11", "host12", "host13", "host14", "host15"
OLD, LOCKED, FULL, FILLS, NO_OPSKIT = "host16", "host17", "host18", "host19", "host20"
WORDS = ("disk", "mount", "/dev/vdb", "/data")

# Where each ends: in the plan, after apply, after a resume, and after a new plan of what is left then. Between them is
# mended what can be.
ENDS = {
    **dict.fromkeys(BLANK, ("changes", "done", "done", "")),
    FILES: ("changes", "done", "done", ""),
    BYTES: ("refused", "", "", ""),
    IN_SERVICE: ("refused", "", "", ""),
    SYSTEM: ("refused", "", "", ""),
    NO_DISK: ("failed", "", "", ""),
    DEAD: ("unreachable", "", "", ""),
    # It has a partition by now, and no filesystem: that is another plan than the one that was approved.
    DIES: ("changes", "unreachable", "refused", "done"),
    SWAPPED: ("changes", "refused", "refused", ""),
    NO_PYTHON: ("changes", "done", "done", ""),
    NO_INTERPRETER: ("changes", "done", "done", ""),
    OLD: ("failed", "", "", ""),
    LOCKED: ("changes", "busy", "done", ""),
    FULL: ("failed", "", "", ""),
    FILLS: ("changes", "failed", "done", ""),
    NO_OPSKIT: ("failed", "", "", ""),
}
DONE = [name for name, ends in ENDS.items() if "done" in ends]
FILE = "cat /data/file"


@dataclass
class Story:
    """What was made of the twenty, from the plan to the last resume.

    digests: of the disks with data that are to stay as they are, before and after
    """

    lab: Lab
    control: Control
    answers: dict[str, Answer] = field(default_factory=dict)
    digests: list[dict[str, str]] = field(default_factory=list)

    def look(self) -> None:
        """Note what is on the disks that are to stay as they are."""
        told = self.lab.hosts
        images = {name: Path(told[name].image) for name in (BYTES, IN_SERVICE, SYSTEM, DEAD, OLD, FULL, NO_OPSKIT)}
        images["other"] = self.lab.folder / "disks" / "other.img"
        self.digests.append({name: hosts.digest(image) for name, image in images.items()})


def prepare(lab: Lab) -> None:
    hosts.put_files(lab, FILES)
    hosts.put_bytes(Path(lab.hosts[BYTES].image))
    hosts.put_in_service(lab, IN_SERVICE, "/srv/db")
    hosts.put_in_service(lab, SYSTEM, "/boot")
    hosts.take_name(lab, NO_DISK)
    lab.kill(DEAD)
    hosts.put_program(lab, DIES, "mkfs.ext4", hosts.WAITS)
    hosts.put_bytes(Path(lab.blank("other", 64)))
    hosts.take_python(lab, NO_PYTHON)
    hosts.put_old(lab, OLD)
    hosts.fill_var(lab, FULL)
    lab.run(NO_OPSKIT, "rm", "/usr/local/bin/opskit")


def carry_out(story: Story) -> None:
    """From the plan to resume; between them things happen to the hosts."""
    lab, control, answers = story.lab, story.control, story.answers
    inventory = control.inventory({NO_INTERPRETER: {"ansible_python_interpreter": "/nonexistent/python3"}})
    file = control.folder / "plan.json"
    answers["plan"] = control.run("plan", "-i", inventory, "--forks", "20", "--", *WORDS)
    file.write_text(answers["plan"].out)
    lab.plug(SWAPPED, str(lab.folder / "disks" / "other.img"))
    hosts.fill_var(lab, FILLS)
    holder = hosts.hold_lock(lab, LOCKED)
    applying = control.start("apply", str(file), "--forks", "20", "--max-fail", "20", "--yes", "--json")
    middle = hosts.files_of(lab, DIES) / "run/in-the-middle"
    until(lambda: middle.exists() or applying.poll() is not None, 600)
    lab.kill(DIES)
    answers["apply"] = ended(applying)
    holder.kill()
    holder.communicate()
    hosts.free_var(lab, FILLS)
    lab.boot(DIES)
    hosts.put_back(lab, DIES)
    answers["resume"] = control.run("resume", "last", "--yes", "--json")
    answers["plan again"] = control.run("plan", "-i", inventory, "-l", DIES, "--", *WORDS)
    file.write_text(answers["plan again"].out)
    answers["apply again"] = control.run("apply", str(file), "--yes", "--json")


@pytest.fixture(scope="module")
def story(new_lab: NewLab) -> Story:
    lab = new_lab(20)
    prepare(lab)
    told = Story(lab, Control(lab))
    told.look()
    carry_out(told)
    told.look()
    return told


def column(answer: Answer, key: str) -> dict[str, str]:
    """The word of each host of an answer; an answer keeps to what it is to say."""
    return {name: host[key] for name, host in answer.json["result"]["hosts"].items()}


def test_each_host_ends_in_the_right_column(story: Story, agree: Agree) -> None:
    planned = column(story.answers["plan"], "outcome")
    runs = [column(story.answers[name], "state") for name in ("apply", "resume", "apply again")]
    came = {name: (planned.get(name), *(run.get(name, "") for run in runs)) for name in ENDS}
    assert came == ENDS
    agree("hosts of a fleet in the right column", len(came), len(ENDS))


def test_the_exit_code_is_the_worst_of_all_hosts(story: Story) -> None:
    assert [answer.code for answer in story.answers.values()] == [1, 1, 1, 0, 0]


def test_no_disk_with_data_is_written(story: Story, agree: Agree) -> None:
    before, after = story.digests
    wrong = [name for name in before if before[name] != after[name]]
    assert not wrong
    assert hosts.shell(story.lab, FILES, FILE) == "kept\n"
    agree("disks of a fleet with data as they were", len(before) + 1, len(before) + 1)


def test_each_disk_that_is_done_is_in_service_once(story: Story, agree: Agree) -> None:
    for name in DONE:
        hosts.assert_once(story.lab, name, "/data", interrupted=name == DIES)
    agree("disks of a fleet in service once, by one run of the host's ledger", len(DONE), len(DONE))
