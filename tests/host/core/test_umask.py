"""What opskit makes has the mode that it says, whatever umask the shell of its caller has."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import Disk, run


def mode(path: object) -> int:
    return stat.S_IMODE(os.stat(str(path)).st_mode)


@pytest.mark.parametrize("umask", ["0077", "0000"])
def test_modes_do_not_follow_the_umask(host: Host, disk: Disk, umask: str) -> None:
    host.fstab.chmod(0o664)
    host.mount(disk, under=("sh", "-c", f'umask {umask}; exec "$@"', "sh")).well()
    parent = Path(host.target).parent
    run("umount", host.target)  # the root directory of a filesystem is mkfs's
    assert (mode(parent), mode(host.target)) == (0o755, 0o755)
    assert (mode(host.state), mode(host.state / "ledger.jsonl"), mode(host.state / "opskit.log")) == (
        0o700,
        0o600,
        0o600,
    )
    assert mode(host.fstab) == 0o664
    backup = next(name for name in host.backups() if name.startswith("fstab.opskit-"))
    assert mode(host.fstab.parent / backup) == 0o664


def test_a_script_does_not_follow_the_umask(host: Host, disk: Disk) -> None:
    script = host.on_disk("mount", disk.path, host.target, "--format", "sh").well().out
    run("sh", "-c", f"umask 0077\n{script}")
    run("umount", host.target)
    assert (mode(Path(host.target).parent), mode(host.target)) == (0o755, 0o755)
