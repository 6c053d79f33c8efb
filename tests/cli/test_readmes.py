"""The command lines of the READMEs, run as they stand there; those that cannot be run here, with who runs the like."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from opskit.cli import main
from opskit.completion.cli import tree
from opskit.core.config import load_config
from tiers import Agree
from unit.findings.test_chinese_guide import GUIDE, README, ROOT, lines

# Lines whose words stand for others: `opskit du [PATH]...`, `opskit undo RUN`.
FORM = re.compile(r"[\[\]|…]|\b[A-Z]{2,}\b|运行编号")
# As they stand there, in this order: what they may end with. What the host of the test is like is not known.
DONE, FOUND, FAILED, REFUSED = {0}, {0, 4}, {0, 1}, {0, 2, 5}  # 2: no such disk
RUN: dict[str, set[int]] = {
    "opskit --version": DONE,
    "opskit disk list": DONE,
    "opskit disk list --json": DONE,
    "opskit disk facts /data > host.json": DONE,
    "opskit disk mount /dev/vdb /data --facts host.json": REFUSED,
    "opskit disk mount /dev/vdb /data --facts host.json --format sh": REFUSED,
    "opskit disk mount /dev/vdb /data --facts host.json --exit-code --json": {2, 3, 5},
    "opskit disk mount /dev/vdb /data --dry-run": REFUSED,
    "opskit disk fstab check": FOUND,
    "opskit history": DONE,
    "opskit history prune --older-than 1y": DONE,
    "opskit status": FAILED,
    "opskit check": {0, 1, 4},
    "opskit check disk journal --json": {0, 1, 4},
    "opskit check --format nagios": {0, 1, 2, 3},
    "opskit df": DONE,
    "opskit df --deleted": DONE,
    "opskit journal usage": DONE,
    "opskit memcached flags --version 1.4.15": DONE,
    "opskit memcached explain -- -p 12000 -u memcached -m 64 -c 1024 -d": DONE,
    "opskit memcached lint -- -p 70000 -u memcached -m 2g -d": {4},
    "opskit memcached lint --sysconfig /etc/sysconfig/memcached": {0, 2, 4},
    "opskit memcached status": FOUND,
    "opskit yum lock": {0, 4, 6, 7},  # 6: no package manager is here
    "opskit yum why": {0, 6},
    "opskit findings": DONE,
    "opskit findings has-data": DONE,
    "opskit schema": DONE,
    "opskit doctor": FOUND,
    "opskit service status celeryd --json": {0, 1, 4},
    "opskit service status nginx celeryd": {0, 1, 4},
    "opskit service why nginx": {0, 1, 4},
    "opskit service why celeryd": {0, 1, 4},
}
# The others, by how they begin: which test runs the like on disks, services and servers of its own, or why none does.
ELSEWHERE = {
    "opskit disk mount /dev/vd": "tests/vm/disk/test_boot.py",
    "opskit disk mount nas:": "tests/vm/disk/test_shares.py",
    "opskit disk mount //nas": "tests/vm/disk/test_shares.py",
    "opskit disk umount /data": "tests/host/disk/test_umount.py",
    "opskit disk grow": "tests/vm/disk/test_grow.py",
    "opskit disk swap 2G": "tests/host/disk/test_swap.py",
    "opskit undo last": "tests/host/disk/test_undo.py",
    "opskit du": "tests/cli/usage/test_du.py",
    "opskit df --why /": "tests/host/usage/test_df_why.py",
    # They read the whole journal; here that would be the machine's own, of any size.
    "opskit journal errors": "tests/cli/journal/test_errors.py",
    "opskit journal verify": "tests/cli/journal/test_vacuum.py",
    "opskit journal vacuum 2d": "tests/cli/journal/test_vacuum.py",
    "opskit journal retain 7d": "tests/vm/journal/test_vacuum.py",
    "opskit memcached start": "tests/host/memcached/test_memcached.py",
    "opskit memcached stop": "tests/host/memcached/test_memcached.py",
    "opskit memcached status --watch": "tests/host/memcached/test_memcached.py",
    "opskit yum wait -- yum update": "tests/host/yum/test_yum.py",
    "opskit yum why --hold 2h": "tests/vm/yum/test_yum.py",
    "opskit service status web:web_01": "tests/host/service/test_supervisor.py",
    "opskit service status celeryd --container": "tests/host/service/test_status_in_containers.py",
    "opskit service status celeryd --celery proj": "tests/host/service/test_celery.py",
    "opskit service ensure celeryd": "tests/host/service/test_ensure.py",
    "opskit status --watch": "tests/cli/status/test_status.py",
    "opskit check --install-timer 10m": "tests/vm/status/test_status.py",
    "opskit check --format prometheus": "tests/cli/status/test_status.py",
    "opskit completion --install": "tests/cli/completion/test_completions_in_shells.py",
    "opskit fleet": "tests/cli/fleet/test_fleet.py",
}


def of_both() -> list[str]:
    """Each line once, without the forms and what is only the name of a command."""
    names = {node.path for node in tree().walk()}
    return [line for line in dict.fromkeys([*lines(README), *lines(GUIDE)])
            if line in RUN or line in ELSEWHERE or not (FORM.search(line) or line in names)]  # fmt: skip


def test_each_line_is_run_here_or_elsewhere() -> None:
    wanted = of_both()
    assert [line for line in wanted if line not in RUN and not line.startswith(tuple(ELSEWHERE))] == []
    assert sorted(set(RUN) - set(wanted)) == []
    assert [begin for begin in ELSEWHERE if not any(line.startswith(begin) for line in wanted)] == []
    for begin, path in ELSEWHERE.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        words = [word for word in begin.split()[1:3] if word.isalpha()]
        assert all(word in text for word in words), (begin, path)


def test_lines_run_as_they_stand_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agree: Agree
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OPSKIT_CONFIG", os.devnull)
    load_config.cache_clear()
    right = 0
    for line, codes in RUN.items():
        command, _, file = line.partition(" > ")
        words = shlex.split(command)[1:]
        monkeypatch.setattr(sys, "argv", ["opskit", *words])
        code = main(words)
        shown = capsys.readouterr()
        if file:
            Path(file).write_text(shown.out, encoding="utf-8")
        assert code in codes, (line, code, shown)
        assert "Traceback" not in shown.err, shown.err
        assert "fault in opskit" not in shown.err, shown.err
        assert shown.out or code in {1, 2, 5, 6}, (line, shown)
        right += 1
    agree("command lines of the READMEs, run as they stand there", right, len(RUN))
