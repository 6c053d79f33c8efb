"""The lines of the READMEs that change a host, as they stand there, one after the other on one machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from readmes import MACHINE, METRICS
from tiers import Agree
from vm.guest import Ended, answered, until, wait_for_devices
from vm.shares import NFS_3, SERVE, SMB, SMB_CONFIG, SMB_START
from vmlab.machine import Machine
from vmlab.ssh import PATIENCE

GIB = 1 << 30
SECRET = "hunter2"
# What the lines name: a server `nas` with an NFS export and an SMB share, a service that is dead, a yum.
NAMED = f"""
echo '127.0.0.1 nas' >> /etc/hosts
mkdir -p /srv/data $(dirname {METRICS})
printf '[Service]\\nExecStart=/bin/sleep infinity\\n' > /etc/systemd/system/celeryd.service
printf '#!/bin/sh\\necho yum "$@"\\n' > /usr/local/bin/yum
chmod 755 /usr/local/bin/yum
systemctl daemon-reload
"""
EXPORTS = "/srv/data 127.0.0.1(rw,no_root_squash,fsid=1)\n"
# Those that take the whole terminal, ask for a password, or become another program: what is waited for, and typed then.
DIALOGS = {
    "opskit disk mount //nas/data /data --user ann": (("assword", f"{SECRET}\n"), ("[y/N]", "y\n")),
    "opskit du --browse web1.ncdu": (("q quit", "q"),),
    "opskit du --browse /var": (("q quit", "q"),),
    "opskit du -x --browse /var": (("q quit", "q"),),
    "opskit memcached status --watch": (("ADDRESS", "\x03"),),
    "opskit status --watch": (("disks", "\x03"),),
    "opskit yum wait -- yum update": (),
}
# A terminal as a person has one, which ssh does not make without one; what is waited for in vain has an end.
ALONE = "cd / && stty sane rows 24 cols 120 && exec timeout --foreground 300 env TERM=vt100 {}"


def talked(vm: Machine, line: str) -> Ended:
    """Run a line on a terminal of its own, and answer it."""
    command = vm.start_command("sh", "-c", ALONE.format(line), terminal=True)
    assert command.stdin
    for words, typed in DIALOGS[line]:
        until(command, words)
        command.stdin.write(typed)
        command.stdin.flush()
    rest, _ = command.communicate(timeout=PATIENCE)
    return Ended(command.returncode, rest, "")


def test_the_lines_that_change_a_host(vm: Machine, agree: Agree) -> None:
    vm.run("sh", "-euc", NAMED)
    vm.run("sh", "-euc", SERVE + NFS_3, stdin=EXPORTS)
    vm.run("sh", "-euc", SMB + SMB_START, "sh", SECRET, stdin=SMB_CONFIG)
    before: dict[str, Callable[[], None]] = {
        "opskit disk grow /data": lambda: vm.enlarge("vdb", 3 * GIB),
        "opskit disk grow /": lambda: vm.enlarge("vda", 9 * GIB),
    }
    wrong, right = [], 0
    for line, status in MACHINE:
        before.get(line, lambda: None)()
        ended = talked(vm, line) if line in DIALOGS else answered(vm, *shlex.split(line)[1:])
        if ended.status == status and "Traceback" not in ended.out + ended.err:
            right += 1
        else:
            wrong.append(f"{line}: {ended}")
    assert not wrong, "\n".join(wrong)
    agree("command lines of the READMEs on a machine, as they stand there", right, len(MACHINE))
    wait_for_devices(vm, "/dev/vdb1")
    for path in ("/data/lost+found", METRICS, "/etc/systemd/system/opskit-check.timer", "/web1.ncdu", "/swapfile"):
        vm.run("test", "-e", path)
