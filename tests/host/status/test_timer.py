"""`opskit check --install-timer` and its undo on their whole road. A script in a mount namespace plays systemd."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMCTL = """#!/bin/sh
echo "$*" >> {folder}/log
case "$1" in
  enable) : > {folder}/enabled ;;
  disable) rm -f {folder}/enabled ;;
  restart) : > {folder}/active ;;
  stop) rm -f {folder}/active ;;
  is-active) [ -e {folder}/active ] || exit 3 ;;
  show) if [ -e {folder}/enabled ]; then echo UnitFileState=enabled; else echo UnitFileState=disabled; fi ;;
esac
"""
SCRIPT = """set -eu
mount -t tmpfs none /run
mkdir -p /run/systemd/system
mount -t tmpfs none /etc/systemd/system
mount --bind {folder}/systemctl "$(command -v systemctl)"
check() {{ {python} -m opskit check "$@" --yes --state-dir {folder}/state; }}
check disk --install-timer 10m --format nagios
grep -h -e ExecStart= -e OnUnitActiveSec= /etc/systemd/system/opskit-check.*
check disk --install-timer 10m --format nagios
ls {folder}/active {folder}/enabled
check --install-timer 1h
grep -h -e ExecStart= -e OnUnitActiveSec= /etc/systemd/system/opskit-check.{{timer,service}}
{python} -m opskit undo last --yes --json --state-dir {folder}/state
{python} -m opskit undo {first} --yes --json --state-dir {folder}/state
ls -A /etc/systemd/system {folder}
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_install_again_otherwise_and_take_back(tmp_path: Path) -> None:
    script = tmp_path / "systemctl"
    script.write_text(SYSTEMCTL.format(folder=tmp_path))
    script.chmod(0o755)
    first = f'$(sed -n \'s/.*"run": *"\\([^"]*\\)".*/\\1/p\' {tmp_path}/state/ledger.jsonl | head -n 1)'
    text = SCRIPT.format(folder=tmp_path, python=sys.executable, first=first)
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", text], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    start = f"ExecStart={sys.executable} -I -m opskit check"
    end = f"--state-dir {tmp_path}/state"
    assert [line for line in lines if line.startswith(("ExecStart", "OnUnit", "nothing"))] == [
        f"{start} disk --format nagios {end}",
        "OnUnitActiveSec=600s",
        "nothing to do: opskit-check.timer does that already",
        "OnUnitActiveSec=3600s",
        f"{start} {end}",
    ]
    undone = [json.loads(line) for line in lines if line.startswith("{")]
    assert [each["ok"] for each in undone] == [True, True]
    assert not (tmp_path / "active").exists()
    assert not (tmp_path / "enabled").exists()
    assert "opskit-check.timer" not in lines[lines.index("/etc/systemd/system:") :]
