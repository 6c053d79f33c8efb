"""`opskit doctor` on this host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from opskit.core.runner import HostRunner
from opskit.doctor import see
from opskit.doctor.needs import NEEDS

CONFIG = """
lock_timeout = "30s"
[disk.mount]
fstype = "xfs"
[smtp]
host = "127.0.0.1"
from = "a@example.org"
to = ["hunter2@example.org"]
"""


def doctor(tmp_path: Path, config: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "config.toml"
    path.write_text(config)
    path.chmod(0o600)
    environment = {"PATH": "/usr/bin:/bin", "OPSKIT_CONFIG": str(path), **variables}
    command = [sys.executable, "-m", "opskit", "doctor", "--state-dir", str(tmp_path / "state"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd="/", timeout=300)


def examined(done: subprocess.CompletedProcess[str]) -> tuple[Any, list[str]]:
    body = json.loads(done.stdout)
    assert done.returncode == (4 if body["findings"] else 0), done.stderr
    return body["result"], [finding["id"] for finding in body["findings"]]


def test_what_is_in_force_and_where_it_comes_from_without_what_is_secret(tmp_path: Path) -> None:
    done = doctor(tmp_path, CONFIG, "--json", OPSKIT_DISK_MOUNT_MOUNT_OPTIONS="user=ann,password=hunter2")
    seen, findings = examined(done)
    assert "config-passed-over" not in findings
    settings = {each["name"]: (each["value"], each["origin"]) for each in seen["settings"]}
    path = str(tmp_path / "config.toml")
    assert settings["disk.mount.fstype"] == ("xfs", path)
    assert settings["lock_timeout"] == ("30s", path)
    assert settings["smtp.host"] == ("(not shown)", path)
    assert settings["OPSKIT_CONFIG"] == (path, "environment")
    assert "hunter2" not in done.stdout + done.stderr + doctor(tmp_path, CONFIG).stdout
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("config", "told"), [("x = [\n", "not TOML"), ('lock_timeout = "soon"', "lock_timeout"), ("colour = 1", "colour")]
)
def test_a_fault_in_a_config_file_is_a_finding_and_stops_nothing(tmp_path: Path, config: str, told: str) -> None:
    done = doctor(tmp_path, config)
    assert done.returncode == 4, done.stderr
    assert "[config-passed-over]" in done.stdout
    assert told in done.stdout


def test_each_key_that_is_passed_over_is_a_finding(tmp_path: Path) -> None:
    done = doctor(tmp_path, "colour = 1\nquite = true\nquiet = true\n", "--json")
    body = json.loads(done.stdout)
    path = str(tmp_path / "config.toml")
    titles = [each["title"] for each in body["findings"] if each["id"] == "config-passed-over"]
    assert [title.split(": ")[:2] for title in titles] == [[path, "colour"], [path, "quite"]]
    (file,) = body["result"]["config_files"]
    assert (file["problem"], len(body["result"]["unread"])) == ("", 2)


TABLES = """
[disk.mount]
fstype = "xfs"
mount_option = "a"
[disk.mont]
fstype = "xfs"
[du]
max_depth = "x"
[memcached.start]
enable_sasl = 1
[status]
interval = "soon"
[check.disk]
full_percent = 900
"""


def test_what_is_wrong_in_the_table_of_any_command_is_a_finding(tmp_path: Path) -> None:
    done = doctor(tmp_path, TABLES, "--json")
    seen, _ = examined(done)
    path = str(tmp_path / "config.toml")
    assert seen["unread"] == [
        f"{path}: {text}"
        for text in (
            "disk.mont: no such command; did you mean mount?",
            "disk.mount.mount_option: no such option; did you mean mount_options?",
            "du.max_depth: 'x' is not a whole number",
            "memcached.start.enable_sasl: true or false is wanted, not 1",
            "status.interval: 'soon' is not a span of time",
            "check.disk.full_percent: a number of percent is wanted, 1 to 100, not 900",
        )
    ]


def test_the_programs_are_those_that_the_host_has(tmp_path: Path) -> None:
    seen, _ = examined(doctor(tmp_path, "", "--json"))
    *tools, ansible = seen["tools"]
    for tool in tools:
        path = shutil.which(tool["name"], path="/usr/sbin:/usr/bin:/sbin:/bin")
        assert (tool["path"], bool(tool["install"])) == (path or "", path is None)
    releases = {tool["name"]: tool["release"] for tool in seen["tools"]}
    told = subprocess.run(["mount", "--version"], capture_output=True, text=True, check=True).stdout
    assert f" {releases['mount']} " in told
    told = subprocess.run(["/sbin/mkfs.ext4", "-V"], capture_output=True, text=True, check=True).stderr
    assert f" {releases['mkfs.ext4']} " in told
    # It is looked for as opskit fleet does, and by no means started: that would make it a folder.
    beside = Path(sys.executable).with_name("ansible-playbook")
    path = str(beside) if beside.exists() else shutil.which("ansible-playbook", path="/usr/bin:/bin") or ""
    assert (ansible["name"], ansible["path"], bool(ansible["install"])) == ("ansible-playbook", path, not path)
    if beside.exists():
        assert ansible["release"] == metadata.version("ansible-core")


def test_the_release_of_an_ansible_elsewhere_is_asked_of_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "ansible-playbook"
    monkeypatch.setattr(see, "weak_spot", lambda _path: "")
    for options in ("", " -s", " -sP"):  # the packages of Fedora and EL have one
        script.write_text(f"#!{sys.executable}{options}\n")
        assert see._distribution(str(script), "x")[0] == sys.executable
    # Others could have root start what they want.
    for weak in (str(script), sys.executable):
        monkeypatch.setattr(see, "weak_spot", lambda path, weak=weak: "open" if path == weak else "")
        assert see._distribution(str(script), "x") == ()
    monkeypatch.setattr(see, "weak_spot", lambda _path: "")
    for first in ("#!/bin/sh", "#!python3", "", "\xff"):
        script.write_bytes(first.encode("latin-1"))
        assert see._distribution(str(script), "x") == ()


def test_an_ansible_beside_another_python_is_asked_by_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "ansible-playbook"
    script.write_text(f"#!{sys.executable} -s\n")
    need = next(need for need in NEEDS if need.distribution)._replace(distribution="pytest")
    monkeypatch.setattr(see, "own_program", lambda _name: str(script))
    monkeypatch.setattr(see, "weak_spot", lambda _path: "")
    # As where /usr/bin/python3 has opskit, and /usr/bin/ansible-playbook is of python3.12.
    monkeypatch.setattr(see.sys, "executable", str(tmp_path / "python3"))
    monkeypatch.setattr(see, "_library", lambda _name: "")
    assert see._tool(HostRunner(), need, "dnf").release == see.RELEASE.search(pytest.__version__)[0]  # type: ignore[index]


def test_without_ansible_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    need = next(need for need in NEEDS if need.distribution)
    monkeypatch.setattr(see, "own_program", lambda _name: "")
    tool = see._tool(HostRunner(), need, "dnf")
    assert (tool.path, tool.release) == ("", "")
    assert tool.install == "pip install ansible-core, where opskit is installed; or dnf install ansible-core"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_without_a_capability() -> None:
    command = [sys.executable, "-m", "opskit", "doctor", "--json"]
    environment = {"PATH": "/usr/bin:/bin", "OPSKIT_CONFIG": os.devnull}
    kept = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    done = subprocess.run([*kept, *command], capture_output=True, text=True, check=False, env=environment, cwd="/")
    seen, findings = examined(done)
    assert "capability-missing" in findings
    assert "CAP_SYS_ADMIN" in seen["user"]["lacks"]  # and what this machine itself lacks
