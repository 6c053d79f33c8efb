"""The states that hosts of a fleet are found in; each is made of a host of the lab that has a blank disk."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from fleetlab.lab import Lab
from host.tools import Disk

# What stands for an opskit of before --needs. Nothing but its answers to that and to --version is asked of it.
OLD = """#!/bin/sh
case $1 in
  --version) echo 'opskit 0.1.0' ;;
  *) echo "opskit: no such option: $1" >&2; exit 2 ;;
esac
"""
# In place of mkfs, in a host where it is to be held: it tells, and waits until it may go on; mke2fs looks at the name
# that it is called by.
HOLDS = """#!/bin/bash
touch /run/in-the-middle
while [ ! -e /run/go ]; do sleep 0.1; done
exec -a "$0" /usr/local/lib/fleet-lab/kept "$@"
"""
KEPT = "/usr/local/lib/fleet-lab/kept"
# The same in a host that is to die there.
WAITS = """#!/bin/sh
touch /run/in-the-middle
exec sleep infinity
"""


def shell(lab: Lab, name: str, script: str) -> str:
    """Run a script in a host; its output."""
    return lab.run(name, "sh", "-euc", script).stdout


def plain(text: str) -> str:
    """What a terminal showed, without colours and in one line."""
    return " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split())


def digest(image: Path) -> str:
    """A hash of all that is on a disk."""
    return Disk(image, "").digest()


def files_of(lab: Lab, name: str) -> Path:
    """The host's files, from outside."""
    return Path("/proc", str(lab.hosts[name].pid), "root")


def put_files(lab: Lab, name: str) -> None:
    """A filesystem with a file on the whole disk, not in service."""
    shell(lab, name, "mkfs.ext4 -q /dev/vdb; mount /dev/vdb /mnt; echo kept >/mnt/file; umount /mnt")


def put_bytes(image: Path) -> None:
    """Bytes that nothing knows, as a database has on a raw disk: at the begin and in the middle."""
    with image.open("r+b") as file:
        for offset in (4096, image.stat().st_size // 2):
            file.seek(offset)
            file.write(b"rows of a table\n" * 64)


def put_in_service(lab: Lab, name: str, place: str) -> None:
    """A filesystem that is mounted and in fstab; read-only, so that what is written to it after this is no file."""
    line = f"/dev/vdb {place} ext4 ro 0 2"
    shell(lab, name, f"mkfs.ext4 -q /dev/vdb; mkdir -p {place}; echo '{line}' >>/etc/fstab; mount {place}")


def take_name(lab: Lab, name: str) -> None:
    """A disk, but none of the name that all others have."""
    shell(lab, name, "rm /dev/vdb /dev/disk/by-id/virtio-data")


def take_python(lab: Lab, name: str) -> None:
    """No Python but the one of opskit's own environment, which is in no PATH: as with a build that brings its own."""
    own = Path(sys.prefix, "bin", "python")
    script = f"""
cp --remove-destination "$(readlink -f {own})" {own}
rm -f /usr/bin/python* /usr/local/bin/python*
{own} -c 'import encodings'
! command -v python3
"""
    shell(lab, name, script)


def put_program(lab: Lab, name: str, program: str, text: str) -> None:
    """A script in place of a program, in this host alone."""
    script = f"""
path=$(readlink -f "$(command -v {program})")
cp "$path" {KEPT}; echo "$path" >{KEPT}.path
cat >"$path.new"; chmod 755 "$path.new"; mv "$path.new" "$path"
"""
    lab.run(name, "sh", "-euc", script, text=text)


def put_back(lab: Lab, name: str) -> None:
    """The program that a script is in place of."""
    shell(lab, name, f'mv {KEPT} "$(cat {KEPT}.path)"')


def hold_lock(lab: Lab, name: str) -> subprocess.Popen[bytes]:
    """opskit's lock, held in the host until this process is ended."""
    place = files_of(lab, name) / "var/lib/opskit"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    holder = subprocess.Popen(
        ["flock", "--no-fork", str(place / "lock"), "sh", "-c", "echo held; exec sleep infinity"],
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    return holder


def fill_var(lab: Lab, name: str) -> None:
    """Not a byte free in /var."""
    mount = "mount -t tmpfs -o size=64k,mode=755 full /var"
    shell(lab, name, f"{mount}; ! dd if=/dev/zero of=/var/full bs=4k 2>/dev/null; mkdir -p /var/lib/opskit || true")


def free_var(lab: Lab, name: str) -> None:
    """As it was before fill_var."""
    shell(lab, name, "umount /var")


def put_old(lab: Lab, name: str) -> None:
    """An opskit of before --needs in place of the one that is there."""
    script = "rm /usr/local/bin/opskit; cat >/usr/local/bin/opskit; chmod 755 /usr/local/bin/opskit"
    lab.run(name, "sh", "-euc", script, text=OLD)


def assert_once(lab: Lab, name: str, place: str, *, interrupted: bool = False) -> None:
    """The disk is mounted once and has one entry, by one finished run in the host's ledger.

    interrupted: there was one before it that never ended, and which this one has finished
    """
    mounted = [line.split()[1] for line in shell(lab, name, "cat /proc/mounts").splitlines()]
    entries = [line.split()[1] for line in shell(lab, name, "grep -v '^#' /etc/fstab").splitlines()]
    assert (mounted.count(place), entries.count(place)) == (1, 1), name
    runs = json.loads(shell(lab, name, "opskit history --json"))["result"]["runs"]
    outcomes = sorted(run["outcome"] for run in runs)
    assert outcomes == ["done", *(["finished"] if interrupted else [])], (name, runs)
