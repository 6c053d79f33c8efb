"""A host's disk: a sparse image on a loop device, and how that device looks in the host.

A kernel has one /sys and one list of names. A host of the lab sees of them its own disk alone: under the name that the
kernel gave it (/dev/loop3007), and by two links that all hosts have, /dev/vdb and /dev/disk/by-id/virtio-data. It asks
no udev, as in a container; what udev or the kernel would do with the nodes of partitions, a line behind the programs
that make some does there (PARTITIONS).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from fleetlab.layer import LabError

# As in loop(4).
LOOP_CTL_ADD, LOOP_CTL_REMOVE = 0x4C80, 0x4C81
# `losetup -f` takes the lowest number that is free, and nobody else asks for these.
FIRST_NUMBER = 3000
LEAVE_SECONDS = 10.0
LINKS = ("vdb", "disk/by-id/virtio-data")
# After these the kernel may have other partitions than before.
PROGRAMS = ("partx", "sfdisk", "parted", "wipefs", "blockdev")
HERE = "/usr/local/lib/fleet-lab"
SHIM = f"""#!/bin/sh
{HERE}/PROGRAM "$@"
status=$?
{HERE}/partitions
exit $status
"""
PARTITIONS = """#!/bin/sh
# The nodes of the partitions of this host's disk, as devtmpfs has them, and their entries in /sys/class/block.
for disk in /sys/block/*; do
  [ -e "$disk/dev" ] || continue
  disk=${disk##*/}
  for node in /dev/"$disk"p*; do
    name=${node##*/}
    if [ -b "$node" ] && ! [ -e "/sys/block/$disk/$name" ]; then
      rm -f "$node" "/dev/vdb${name#"$disk"p}" "/sys/class/block/$name" "/run/fleet-lab/$name"
    fi
  done
  for folder in "/sys/block/$disk/$disk"p*; do
    [ -e "$folder/dev" ] || continue
    name=${folder##*/}
    IFS=: read -r major minor <"$folder/dev"
    have=
    [ ! -e "/run/fleet-lab/$name" ] || read -r have <"/run/fleet-lab/$name"
    [ "$have" != "$major:$minor" ] || continue
    rm -f "/dev/$name"
    mknod -m 600 "/dev/$name" b "$major" "$minor"
    ln -sfn "$name" "/dev/vdb${name#"$disk"p}"
    ln -sfn "../../devices/virtual/block/$disk/$name" "/sys/class/block/$name"
    echo "$major:$minor" >"/run/fleet-lab/$name"
  done
done
"""


def write_programs(layer: Path) -> None:
    """What keeps the nodes of a host, for the layer of all hosts: in place of the programs that change partitions."""
    place = layer / HERE[1:]
    place.mkdir(parents=True)
    texts = {place / "partitions": PARTITIONS}
    for program in PROGRAMS:
        path = shutil.which(program)
        if path:
            real = os.path.realpath(path)
            shutil.copy(real, place / program)  # by its name: some look at that
            texts[layer / real[1:]] = SHIM.replace("PROGRAM", program)
    for file, text in texts.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)


def _control(request: int, number: int) -> bool:
    descriptor = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, request, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def attach(image: Path) -> str:
    """The image on a loop device of a number that was nobody's: /dev/loop3007. Raises LabError."""
    number = FIRST_NUMBER
    while not _control(LOOP_CTL_ADD, number):
        number += 1
        if number > 2 * FIRST_NUMBER:
            raise LabError("the kernel adds no loop device")
    done = subprocess.run(
        ["losetup", "-P", f"/dev/loop{number}", str(image)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        _control(LOOP_CTL_REMOVE, number)
        raise LabError(f"{image}: {done.stderr.strip()}")
    return f"/dev/loop{number}"


def release(path: str) -> bool:
    """Let go of a loop device. Returns whether it is gone; one that is mounted goes with the last who has it."""
    subprocess.run(["partx", "-d", path], capture_output=True, check=False)
    subprocess.run(["losetup", "-d", path], capture_output=True, check=False)
    return _removed(path)


def release_all(paths: Iterable[str]) -> None:
    """Let go of these, and wait some seconds for those that somebody still has: who has just ended, or looks at all."""
    left = [path for path in paths if not release(path)]
    end = time.monotonic() + LEAVE_SECONDS
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = [path for path in left if not _removed(path)]


def _removed(path: str) -> bool:
    """Whether it is gone; until then nobody else can have one of this number."""
    return _control(LOOP_CTL_REMOVE, int(path.removeprefix("/dev/loop"))) or not os.path.exists(path)


def attached(folder: Path) -> list[str]:
    """The loop devices whose images are in this folder."""
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if file.read_text().startswith(f"{folder}/"):
                found.append(f"/dev/{file.parts[3]}")
    return found


def show(root: Path, disk: str) -> None:
    """Have the host with this root see this disk, and no other; "": none."""
    dev, classes, blocks = root / "dev", root / "sys/class/block", root / "sys/block"
    for old in (*dev.glob("loop*"), *dev.glob("vdb*"), dev / LINKS[1], *classes.iterdir(), *blocks.iterdir()):
        with contextlib.suppress(FileNotFoundError):
            old.unlink()
    for old in (root / "run/fleet-lab").iterdir():
        old.unlink()
    if not disk:
        return
    name = Path(disk).name
    for folder in sorted(Path("/sys/block", name).glob(f"{name}p*/dev")):
        part = folder.parent.name
        _node(dev / part, folder)
        (dev / f"vdb{part[len(name) + 1 :]}").symlink_to(part)
        (classes / part).symlink_to(f"../../devices/virtual/block/{name}/{part}")
        (root / "run/fleet-lab" / part).write_text(folder.read_text())
    _node(dev / name, Path("/sys/block", name, "dev"))
    for folder in (classes, blocks):
        depth = "../.." if folder == classes else ".."
        (folder / name).symlink_to(f"{depth}/devices/virtual/block/{name}")
    (dev / LINKS[0]).symlink_to(name)
    (dev / LINKS[1]).symlink_to(f"../../{name}")


def _node(path: Path, number: Path) -> None:
    major, _, minor = number.read_text().strip().partition(":")
    os.mknod(path, 0o060600, os.makedev(int(major), int(minor)))
