"""A lock that any user can take holds nothing up."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from host.hosts import Host
from host.tools import Disk


@pytest.mark.parametrize("verb", ["list", "show", "mount", "grow"])
def test_nobody_locks_the_disks_file_in_sys(host: Host, disk: Disk, verb: str) -> None:
    argv = ["flock", "-x", f"/sys/block/{disk.name}/dev", "sh", "-c", "echo locked; exec sleep 600"]
    holder = host.start(*argv, stdout=subprocess.PIPE, user=65534, group=65534, extra_groups=[])
    assert holder.stdout
    assert holder.stdout.readline() == b"locked\n"
    words = {"list": [], "show": [disk.path], "mount": [disk.path, host.target, "-n"], "grow": [disk.path, "-n"]}[verb]
    started = time.monotonic()
    answer = host.on_disk(verb, *words)
    assert time.monotonic() - started < 10
    assert answer.code == (5 if verb == "grow" else 0), answer
    assert "held" not in answer.out + answer.err
    assert os.path.exists(f"/proc/{holder.pid}")
