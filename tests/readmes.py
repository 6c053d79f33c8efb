"""The command lines of README.md and of the one in Chinese: what runs each of them as it stands there."""

from __future__ import annotations

import re

from opskit.completion.cli import tree
from unit.findings.test_chinese_guide import GUIDE, README, lines

# Lines whose words stand for others: `opskit du [PATH]...`, `opskit undo RUN`.
FORM = re.compile(r"[\[\]|…]|\b[A-Z]{2,}\b|运行编号")
# tests/cli/test_readmes.py, in this order: what they may end with. What the host of the test is like is not known.
DONE, FOUND, FAILED, REFUSED = {0}, {0, 4}, {0, 1}, {0, 2, 5}  # 2: no such disk
HERE: dict[str, set[int]] = {
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
    "opskit du": DONE,
    "opskit du --keep": DONE,
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
    "opskit service status web:web_01": {0, 1, 4},
    "opskit service status celeryd --container ecs_develop": {1, 4, 6},
    "opskit service status celeryd --container web": {1, 4, 6},
    "opskit service status celeryd --celery proj": {0, 1, 4},
    "opskit service why nginx": {0, 1, 4},
    "opskit service why celeryd": {0, 1, 4},
}
# tests/vm/test_readmes.py, in this order, on a machine that has what they name: the exit status.
METRICS = "/var/lib/node_exporter/textfile_collector/opskit.prom"
MACHINE: tuple[tuple[str, int], ...] = (
    ("opskit disk mount /dev/vdb /data", 0),
    ("opskit undo last", 0),
    ("opskit disk mount /dev/vda /data", 5),
    ("opskit disk mount nas:/srv/data /data", 0),
    ("opskit disk umount /data", 0),
    ("opskit disk mount nas:/srv/data /data --mount-options vers=3,ro", 0),
    ("opskit disk umount /data", 0),
    ("opskit disk mount //nas/data /data --user ann", 0),
    ("opskit disk umount /data", 0),
    ("opskit disk mount /dev/vdb /data", 0),
    ("opskit disk grow /data", 0),
    ("opskit disk grow /", 0),
    ("opskit disk grow / --size 50G", 2),  # the root of this machine is no logical volume
    ("opskit disk swap 2G", 0),
    ("opskit df --why /", 0),
    ("opskit du -x /", 0),
    ("opskit du --keep -x /", 0),
    ("opskit du --diff last -x /", 0),
    ("opskit du / -x --save web1.ncdu", 0),
    ("opskit du --browse web1.ncdu", 0),
    ("opskit du --browse /var", 0),
    ("opskit du -x --browse /var", 0),
    ("opskit journal vacuum 2d --dry-run", 0),
    ("opskit journal vacuum 2d", 0),
    ("opskit journal retain 7d", 0),
    ("opskit journal verify", 0),
    ("opskit journal errors", 0),
    ("opskit journal errors --since 1h", 0),
    ("opskit memcached start -p 12000 -m 64 -c 1024", 0),
    ("opskit memcached status --watch", 130),
    ("opskit memcached stop --port 12000", 0),
    ("opskit memcached start -m 2048 --unit", 5),  # the machine has 1 GiB; tests/vm/memcached has smaller ones
    ("opskit memcached start --unit memcached@12000", 0),
    ("opskit yum wait -- yum update", 0),
    ("opskit yum why --hold 2h", 0),
    ("opskit service ensure celeryd", 0),
    ("opskit status --watch", 130),
    (f"opskit check --format prometheus --output {METRICS}", 4),
    (f"opskit check --install-timer 10m --format prometheus --output {METRICS}", 0),
    ("opskit completion --install", 0),
)
# tests/fleet/test_readmes.py, in this order, on hosts of scripts/fleet-lab: what they may end with.
FLEET: dict[str, set[int]] = {
    "opskit fleet run -i hosts.ini -- df --why /": DONE,
    "opskit fleet check -i hosts.ini": FOUND,  # the disks of the machine are theirs, too
    "opskit fleet plan -i hosts.ini -l web -- disk mount /dev/vdb /data > plan.json": DONE,
    "opskit fleet show plan.json": DONE,
    "opskit fleet show plan.json --diff": DONE,
    "opskit fleet apply plan.json": DONE,
    "opskit fleet status last": DONE,
    "opskit fleet report last --html run.html": DONE,
    "opskit fleet resume last": DONE,
    "opskit fleet undo last": DONE,
}
# Why nothing runs it as it stands there, and who runs the like.
NOWHERE = {
    "opskit fleet plan -i web1,web2, -u ops -b -K -- journal vacuum 2d": (
        "there is no user of the lab with a password of sudo", "tests/cli/fleet/test_fleet.py",
    ),
    'opskit fleet plan -i "$(scripts/fleet-lab inventory)" -- disk mount /dev/vdb /data > plan.json': (
        "the lab of a test is in another folder", "tests/readmes.py",
    ),
}  # fmt: skip


def of_both() -> list[str]:
    """Each line once, without the forms and what is only the name of a command."""
    names = {node.path for node in tree().walk()}
    run = {*HERE, *FLEET, *(line for line, _ in MACHINE)}
    return [line for line in dict.fromkeys([*lines(README), *lines(GUIDE)])
            if line in run or not (FORM.search(line) or line in names)]  # fmt: skip
