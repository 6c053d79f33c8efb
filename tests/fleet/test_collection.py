"""An opskit that is sent to a host over ssh, by users with and without sudo, and started there in one round trip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from fleet.conftest import NewLab
from fleetlab.lab import Lab

HOST = "host01"
TOOLS = "/var/lib/opskit/tools"
# The standalone build of the test: it tells its version, and how it was called.
BUILD = """#!/bin/sh
case "$1 $3" in "--needs --version") echo "opskit 0.2.0 (of the test)"; exit 0 ;; esac
[ -t 0 ] || [ -t 1 ] || [ -t 2 ] && terminal=true
printf '{"schema": 1, "ok": true, "command": "x", "findings": [], "error": null, "newer": 0, '
printf '"result": {"uid": "%s", "terminal": "%s"}}\\n' "$(id -u)" "$terminal"
"""
KEEP = """
import json, os
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "aggregate", "keep"
    def keep(self, result, *_, **more):
        with open(os.environ["KEPT"], "w") as file:
            json.dump(result._result, file)
    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = keep
"""


@pytest.fixture(scope="module")
def lab(new_lab: NewLab) -> Lab:
    return new_lab(1)


class Control:
    """A control node with a folder of builds."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        (folder / "builds").mkdir()
        (folder / "plugins").mkdir()
        (folder / "plugins/keep.py").write_text(KEEP)
        program = folder / "opskit"
        program.write_text(BUILD)
        program.chmod(0o755)
        with tarfile.open(folder / f"builds/opskit-0.2.0-linux-{os.uname().machine}.tar.xz", "w:xz") as tar:
            tar.add(program, "opskit-0.2.0-linux/bin/opskit")

    def run(self, *, user: str = "root", pipelining: bool = False, **variables: Any) -> dict[str, Any]:
        """The result of a task that has opskit sent. trips: how often the host was asked to run something."""
        task = {"opskit.host.run": {"argv": ["disk", "list"], "tool": "send", "tool_dir": str(self.folder / "builds")}}
        play = [{"hosts": HOST, "gather_facts": False, "become": user != "root", "tasks": [task]}]
        (self.folder / "play.json").write_text(json.dumps(play))
        given = {"ansible_python_interpreter": "/no/python", "ansible_user": user, **variables}
        kept = self.folder / "kept"
        kept.unlink(missing_ok=True)
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "opskit/fleet/collection"), "ANSIBLE_HOME": str(self.folder),
            "ANSIBLE_CALLBACK_PLUGINS": str(self.folder / "plugins"), "ANSIBLE_CALLBACKS_ENABLED": "keep",
            "KEPT": str(kept), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": str(pipelining),
            # A connection that an earlier play kept open would be its user's.
            "ANSIBLE_SSH_CONTROL_PATH": f"{self.folder}/%%r",
        }  # fmt: skip
        argv = [Path(sys.executable).parent / "ansible-playbook", "-vvv", "-i", self.lab.inventory({HOST: given})]
        done = subprocess.run(
            [*argv, self.folder / "play.json"], capture_output=True, text=True, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, **settings},
        )  # fmt: skip
        result: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {"msg": done.stdout + done.stderr}
        result["trips"] = done.stdout.count("SSH: EXEC")
        return result


@pytest.fixture
def control(lab: Lab, tmp_path: Path) -> Control:
    lab.run(HOST, "rm", "-rf", TOOLS)
    return Control(lab, tmp_path)


@pytest.mark.parametrize(
    ("user", "variables"),
    [("root", {}), ("ops", {}), ("ops", {"pipelining": True}), ("asked", {"ansible_become_password": "fleet-lab"})],
)
def test_it_is_sent_once_and_then_started_in_one_round_trip(
    control: Control, user: str, variables: dict[str, Any]
) -> None:
    first, second = control.run(user=user, **variables), control.run(user=user, **variables)
    for result in (first, second):
        assert result["tool"]["how"] == "sent", result["msg"]
        assert result["answer"]["result"] == {"uid": "0", "terminal": ""}
    assert second["trips"] == 1 < first["trips"]
    assert control.lab.run(HOST, "stat", "-c", "%u:%a", TOOLS).stdout == "0:700\n"
    left = control.lab.run(
        HOST, "sh", "-c", "ls -A ~root/.ansible/tmp ~ops/.ansible/tmp ~asked/.ansible/tmp", check=False
    )
    assert "ansible-tmp" not in left.stdout


def test_who_is_not_root_is_told_what_is_missing(control: Control) -> None:
    assert "sudo" in control.run(user="guest")["msg"]
    wrong = control.run(user="asked", ansible_become_password="wrong")
    assert wrong.get("rc") is None
    assert "password" in wrong["msg"].lower()
    nobody = control.run(user="guest", ansible_become="false")
    assert (nobody["rc"], "become: true" in nobody["msg"]) == (6, True)


def test_nothing_is_run_from_a_folder_for_temporary_files(control: Control) -> None:
    control.lab.run(HOST, "mount", "-t", "tmpfs", "-o", "noexec", "none", "/tmp")
    control.lab.run(HOST, "mount", "-t", "tmpfs", "-o", "noexec", "none", "/root")
    try:
        result = control.run()
    finally:
        control.lab.run(HOST, "umount", "/tmp", "/root")
    assert result["tool"]["how"] == "sent", result["msg"]


def test_a_full_disk_is_told(control: Control) -> None:
    control.lab.run(HOST, "mkdir", "-p", "-m", "700", TOOLS)
    control.lab.run(HOST, "mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "none", TOOLS)
    try:
        result = control.run()
    finally:
        control.lab.run(HOST, "umount", TOOLS)
    assert (result["rc"], "No space left on device" in result["msg"]) == (6, True)
