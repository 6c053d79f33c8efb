"""Hosts on paper: ansible-playbook is real, the way to a host is local, and opskit there is a program of the test.

What a host is named it hears from its own sudo, a program of the test as well.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

# Its ledger is a line for each token that was carried out; what it does is in HOST.json, by the first word.
OPSKIT = """\
import json, os, sys
words, host, folder = sys.argv[1:], os.environ["FAKE_HOST"], os.path.dirname(os.path.abspath(__file__))
if "--version" in words:
    print("opskit 9.9.9")
    sys.exit()
def path(name):
    return os.path.join(folder, host + "." + name)
does = json.load(open(path("json")))
with open(os.path.join(folder, "calls"), "a") as calls:
    calls.write(json.dumps([host, words]) + "\\n")
dry = "--dry-run" in words
kind = words[0] if words[0] in ("check", "df", "undo") else "dry" if dry else "act"
if os.path.exists(path("wait")) and kind == "act":
    open(path("wait")).read()  # a FIFO: until the test lets go of it
code, findings, error = does.get(kind, 0), [], None
result = {"title": "t", "changes": [], "run": None, "changed": False}
token = "20261120T190500Z-ab12cd:0123456789abcdef-%03x" % len(host)
if kind == "check":
    findings = does["checks"].pop(0) if does.get("checks") else []
    json.dump(does, open(path("json"), "w"))
    code = 4 if findings else 0
elif kind in ("dry", "undo") and dry and not code:
    result["changes"] = [] if does.get("nothing") else [{"action": "mkfs", "target": "/dev/vdb"}]
    result["plan"] = {"token": token}
elif kind in ("act", "undo") and not code:
    with open(path("ledger"), "a+") as ledger:
        ledger.seek(0)
        done = ledger.read().split()
        mark = kind + "=" + words[words.index("--only-plan") + 1]
        if mark not in done:
            ledger.write(mark + "\\n")
            result["changed"] = True
    result["run"] = "run-of-" + host
if code not in (0, 3, 4):
    error = {"id": "x", "exit_code": code, "what": "t", "why": "it is in use", "todo": "look", "state": ""}
if does.get("says"):
    print(does["says"])
else:
    body = {"schema": 1, "ok": code in (0, 3, 4), "command": "opskit x"}
    print(json.dumps({**body, "result": result, "findings": findings, "error": error}))
sys.exit(code)
"""
# Called as: sudo -u other /bin/sh -c '…'
SUDO = '#!/bin/sh\nshift 2\nFAKE_HOST={name} exec "$@"\n'


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def result(self) -> Any:
        return json.loads(self.out)["result"]

    @property
    def states(self) -> dict[str, str]:
        return {name: state["state"] for name, state in self.result["hosts"].items()}


class Fleet:
    """Hosts on paper, and opskit fleet for them."""

    def __init__(self, folder: Path, names: str) -> None:
        self.folder = folder
        self.names = list(names)
        self.tool = folder / "opskit"
        self.tool.write_text(f"#!{sys.executable} -IS\n{OPSKIT}")
        self.tool.chmod(0o755)
        self.environment = {
            **os.environ, "ANSIBLE_HOME": str(folder / "ansible"), "OPSKIT_STATE_DIR": str(folder / "state"),
        }  # fmt: skip
        (folder / "state").mkdir(mode=0o700)
        (folder / "calls").touch()
        for name in self.names:
            self.set(name)
            sudo = folder / f"sudo-{name}"
            sudo.write_text(SUDO.format(name=name))
            sudo.chmod(0o755)
        self.write_inventory(self.names)
        self.plan = folder / "plan.json"

    def write_inventory(self, names: list[str]) -> None:
        hosts = {name: {"ansible_become_exe": str(self.folder / f"sudo-{name}")} for name in names}
        # Another user than the own one: Ansible becomes nobody that it is.
        common = {"ansible_connection": "local", "ansible_become": True, "ansible_become_user": "other"}
        common["ansible_become_flags"] = ""
        (self.folder / "hosts.yml").write_text(json.dumps({"all": {"vars": common, "hosts": hosts}}))

    def set(self, name: str, **does: Any) -> None:
        """What the host does; without a word: all goes well."""
        (self.folder / f"{name}.json").write_text(json.dumps(does))

    def hold(self, name: str) -> Path:
        """The host waits as it is changed, until its FIFO is opened and closed."""
        path = self.folder / f"{name}.wait"
        os.mkfifo(path)
        return path

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "opskit", "fleet", *words]

    def way(self) -> list[str]:
        return ["-i", str(self.folder / "hosts.yml"), "--tool", "path", "--tool-path", str(self.tool)]

    def run(self, *words: str, way: bool = False) -> Ended:
        """Run opskit fleet. way: with the options that lead to the hosts."""
        argv = self.argv(words[0], *(self.way() if way else []), *words[1:])
        ended = subprocess.run(
            argv, env=self.environment, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            check=False, timeout=300,
        )  # fmt: skip
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def planned(self, *words: str) -> Ended:
        """Make the plan."""
        made = self.run("plan", "--", *(words or ("disk", "mount", "/dev/vdb", "/data")), way=True)
        self.plan.write_text(made.out)
        return made

    def apply(self, *more: str) -> Ended:
        return self.run("apply", str(self.plan), "--yes", "--json", *more, way=True)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start opskit fleet apply, in a group of its own as a shell does."""
        argv = self.argv("apply", *self.way(), str(self.plan), "--yes", "--json", *words)
        return subprocess.Popen(
            argv, env=self.environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    @property
    def calls(self) -> list[tuple[str, list[str]]]:
        return [tuple(json.loads(line)) for line in (self.folder / "calls").read_text().splitlines()]

    def acted(self, kind: str = "act") -> list[str]:
        """The hosts that carried something out, each as often as it did."""
        lines = {name: self.folder / f"{name}.ledger" for name in self.names}
        return [
            name
            for name, path in lines.items()
            for line in (path.read_text().split() if path.exists() else [])
            if line.startswith(kind)
        ]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    beside = Path(sys.executable).with_name("ansible-playbook")
    if not (beside.exists() or shutil.which("ansible-playbook")):
        pytest.skip("ansible-core is not here")
    return Fleet(tmp_path, "abc")
