"""A plan is for the machine that it was made on: not for another one that has its name, and looks the same, by then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.conftest import NewLab
from fleet.control import Control
from fleetlab.lab import Lab
from host.tools import Answer

# A plan that has nothing in it of the machine.
WORDS = ("journal", "retain", "--size", "100M")
FILE = "/etc/systemd/journald.conf.d/90-opskit-retain.conf"


@pytest.fixture(scope="module")
def lab(new_lab: NewLab) -> Lab:
    return new_lab(2)


def apply(control: Control, plan: Path, inventory: str) -> tuple[Answer, dict[str, str]]:
    """Carry the plan out; what became of its host."""
    done = control.run("apply", str(plan), "-i", inventory, "--yes", "--json")
    return done, json.loads(done.out)["result"]["hosts"]["host01"]


def test_the_plan_of_a_host_is_refused_by_another_that_answers_to_its_name(lab: Lab) -> None:
    control = Control(lab)
    plan = control.folder / "plan.json"
    made = control.run("plan", "-i", control.inventory(), "-l", "host01", "-u", "ops", "-b", "--", *WORDS)
    assert made.code == 0, made
    plan.write_text(made.out)
    ident = lab.run("host01", "cat", "/etc/machine-id").stdout
    assert ident.strip() not in made.out
    own = lab.run("host02", "cat", "/etc/machine-id").stdout
    port = {"host01": {"ansible_port": lab.hosts["host02"].port}}
    try:
        # The second time it is of the same image, down to its machine-id.
        for machine in (own, ident):
            lab.run("host02", "sh", "-c", "cat >/etc/machine-id", text=machine)
            done, host = apply(control, plan, control.inventory(port))
            assert (done.code, host["state"], host["exit_code"]) == (5, "refused", 5), done
            assert "was made on another machine: its machine-id or its host name is another" in host["why"]
            assert lab.run("host02", "ls", FILE, check=False).returncode
    finally:
        lab.run("host02", "sh", "-c", "cat >/etc/machine-id", text=own)
    # The one that it was made on is the same after a reboot.
    lab.kill("host01")
    lab.boot("host01")
    done, host = apply(control, plan, control.inventory())
    assert (done.code, host["state"]) == (0, "done"), done
    assert lab.run("host01", "ls", FILE).stdout == f"{FILE}\n"
