"""A lock that any user can take holds nothing up."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from host.hosts import Host
from host.tools import Disk, run


@pytest.mark.parametrize("verb", ["list", "show", "mount", "grow"])
def test_nobody_locks_the_disks_file_in_sys(host: Host, disk: Disk, verb: str) -> None:
    argv = ["flock", "-x", f"/sys/block/{disk.name}/dev", "sh", "-c", "echo locked; exec sleep 600"]
    holder = host.start(*argv, stdout=subprocess.PIPE, user=65534, group=65534, extra_groups=[])
    assert holder.stdout
    assert holder.stdout.readline() == b"locked\n"
    plan = [disk.path, host.target, "-n"]
    words = {"list": ["--all"], "show": [disk.path], "mount": plan, "grow": [disk.path, "-n"]}[verb]
    # A second in all, a try each tenth of it: counted, for on a busy machine everything takes longer.
    trace = host.folder / "trace"
    under = ("strace", "-f", "-qq", "-y", "-e", "trace=flock", "-o", str(trace))
    if not shutil.which("strace") or run(*under, "true", check=False).returncode:
        under = ()
    answer = host.on_disk(verb, *words, under=under)
    if under:
        tries = [line for line in trace.read_text().splitlines() if f"/{disk.name}/dev>" in line]
        # What only looks takes no lock, nor is it kept by one.
        assert (tries == []) if verb in {"list", "show"} else (0 < len(tries) <= 11), tries
        assert all("EAGAIN" in line for line in tries)
    assert answer.code == (5 if verb == "grow" else 0), answer
    # Others may be held: by a test beside this one.
    assert not [line for line in (answer.out + answer.err).splitlines() if disk.name in line and "held" in line]
    assert os.path.exists(f"/proc/{holder.pid}")
