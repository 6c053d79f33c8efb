"""The ten states of a disk that EL7's tools were asked about, as the standalone build meets them on such a host.

Its root has glibc, busybox and stand-ins that answer what CentOS 7's own blkid, wipefs and partx did
(tests/golden/disk/el7). /dev/vdb and /dev/vdb1 are loop devices with the bytes of the state, /sys is made of files.
What the build says of each is what the checkout decides on the same answers: EXPECTED of tests/golden.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.test_fresh import private
from golden.disk.test_el7 import EXPECTED, EXT3, EXT4, FS, GIB, MIB, STATES, SWAP, XFS, Expected, Recorded
from opskit.core.kernel import device_number
from package.test_standalone import minimal_root
from tiers import Agree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="another root is entered, and loop devices are made"),
]
# What was not recorded is noted: there has to be an answer to all that is asked.
STAND_IN = """#!/bin/sh
answer="/answers/$(echo "${0##*/} $*" | tr / :)"
if [ ! -e "$answer" ]; then
  echo "${0##*/} $*" >>/answers/unrecorded
  exit 99
fi
status=$(cat "$answer.status")
if [ "$status" = 0 ]; then cat "$answer"; else cat "$answer" >&2; fi
exit "$status"
"""
ANSWERING = ("blkid", "wipefs", "partx")
# These are only looked for: a dry run starts none of them.
PRESENT = ("mkfs.ext4", "parted")
# $1: the root; $2: what is mounted on /data there, "" for nothing; the rest is run in it.
ENTER = """
set -eu
root=$1 data=$2; shift 2
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
[ -z "$data" ] || mount "$data" data
exec chroot . "$@"
"""
# How the bytes of a state come to be: $1 the disk, $2 its partition.
GPT = "echo 'size=2093056' | sfdisk -q --label gpt $1"
BYTES = {
    "ambivalent-xfs-ext4": "mkfs.xfs -q -f $1",
    "blank": "true",
    "gpt-backup-only": f"{GPT}; dd if=/dev/zero of=$1 bs=1M count=1 status=none",
    "gpt-empty-partition": GPT,
    "gpt-ext4": f"{GPT}; mkfs.ext4 -q -L data -U {EXT4.uuid} $2",
    "lvm-pv": "printf 'LABELONE' | dd of=$1 bs=512 seek=1 status=none",
    "mbr-ext3": f"echo 'size=2095104' | sfdisk -q --label dos $1; mkfs.ext3 -q -U {EXT3.uuid} $2",
    "whole-disk-swap": f"mkswap -q -U {SWAP.uuid} $1",
    "whole-disk-xfs": f"mkfs.xfs -q -f -m uuid={XFS.uuid} $1",
}
BYTES["gpt-ext4-mounted"] = BYTES["gpt-ext4"]


@contextlib.contextmanager
def loop_device(image: Path, offset: int, size: int) -> Iterator[str]:
    argv = ["losetup", "--find", "--show", f"--offset={offset}", f"--sizelimit={size}", str(image)]
    path = subprocess.check_output(argv, text=True).strip()
    try:
        yield path
    finally:
        subprocess.run(["losetup", "--detach", path], check=True)


@pytest.fixture(scope="module")
def root(standalone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which nothing is but glibc, busybox, the standalone build and the stand-ins."""
    root = tmp_path_factory.mktemp("el7") / "root"
    minimal_root(root)
    for name in ("sys", "mnt", "data", "usr/sbin", "var/lib", "run"):
        (root / name).mkdir(parents=True)
    os.mknod(root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    for name in ("cat", "tr", "echo"):
        (root / "bin" / name).symlink_to("busybox")
    for name in (*ANSWERING, *PRESENT):
        (root / "usr/sbin" / name).write_text(STAND_IN)
        (root / "usr/sbin" / name).chmod(0o755)
    (root / "etc/fstab").write_text("# nothing yet\n")
    (root / "etc/os-release").write_text('ID="centos"\nVERSION_ID="7"\nID_LIKE="rhel fedora"\n')
    shutil.copytree(standalone, root / "opt/opskit", symlinks=True)
    return root


def answer(root: Path, argv: tuple[str, ...], status: int, text: str) -> None:
    path = root / "answers" / " ".join(argv).replace("/", ":")
    path.write_text(text)
    path.with_name(f"{path.name}.status").write_text(str(status))


def record(root: Path, recorded: Recorded) -> None:
    """Have the stand-ins answer as EL7's tools did in a state."""
    shutil.rmtree(root / "answers", ignore_errors=True)
    (root / "answers").mkdir()
    for argv, (status, text) in recorded.answers.items():
        answer(root, argv, status, text)
    # The same table in the form that opskit asks for.
    lines = (f"{pair['NR']} {pair['START']} {pair['SECTORS']}\n" for pair in recorded.pairs("partx"))
    answer(root, ("partx", "--raw", "--noheadings", "--output", "NR,START,SECTORS", "/dev/vdb"), 0, "".join(lines))


def show(root: Path, path: str, device: str, size: int, **more: str) -> None:
    """A block device in /sys and /dev of the root: vdb, or vdb/vdb1."""
    folder = root / "sys/block" / path
    (folder / "queue").mkdir(parents=True)
    (folder / "queue/logical_block_size").write_text("512\n")
    number = os.stat(device).st_rdev
    for name, text in {"dev": device_number(number), "size": str(size // 512), "ro": "0", **more}.items():
        (folder / name).write_text(f"{text}\n")
    (root / "sys/class/block").mkdir(parents=True, exist_ok=True)
    (root / "sys/class/block" / folder.name).symlink_to(f"../../block/{path}")
    node = root / "dev" / folder.name
    node.unlink(missing_ok=True)
    os.mknod(node, 0o600 | stat.S_IFBLK, number)


@contextlib.contextmanager
def host(root: Path, path: Path, wanted: Expected) -> Iterator[str]:
    """The root as the host of a state; the device that is mounted on /data there, or ""."""
    recorded = Recorded(path)
    sizes = [int(pair["SIZE"]) for pair in recorded.pairs("lsblk")]
    record(root, recorded)
    image = root.parent / "image"
    image.unlink(missing_ok=True)
    with open(image, "wb") as file:
        file.truncate(GIB)
    shutil.rmtree(root / "sys/block", ignore_errors=True)
    shutil.rmtree(root / "sys/class", ignore_errors=True)
    with contextlib.ExitStack() as devices:
        disk = devices.enter_context(loop_device(image, 0, GIB))
        show(root, "vdb", disk, GIB, serial="data-vol-0001")
        partition = ""
        if len(sizes) > 1:
            partition = devices.enter_context(loop_device(image, MIB, sizes[1]))
            show(root, "vdb/vdb1", partition, sizes[1], partition="1", start=str(MIB // 512))
        subprocess.run(["sh", "-euc", BYTES[path.stem], "sh", disk, partition], check=True, capture_output=True)
        yield partition if wanted.target == "/data" else ""


def ask(root: Path, mounted: str, *words: str) -> dict[str, Any]:
    """What the build answers there."""
    program = ("/bin/env", "-i", "/opt/opskit/bin/opskit")
    done = private("sh", "-c", ENTER, "sh", root, mounted, *program, *words, "--json")
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def outcome(listed: dict[str, Any], answered: dict[str, Any]) -> tuple[object, ...]:
    """The verdict, the last signature, and the ids of a refusal, or the actions of a plan and its entry."""
    devices = {device["path"]: device for device in listed["result"]["devices"]}
    verdict = (devices["/dev/vdb"]["verdict"], devices["/dev/vdb"]["reason"])
    last = list(devices.values())[-1]
    signature = (last["signature"], last["uuid"], last["label"])
    if not answered["ok"]:
        return verdict, signature, tuple(finding["id"] for finding in answered["findings"]), (), ""
    changes = tuple(change["action"] for change in answered["result"]["changes"])
    return verdict, signature, (), changes, answered["result"]["fstab_line"]


def test_each_state_is_what_the_checkout_decides(root: Path, agree: Agree) -> None:
    wrong = {}
    for path in STATES:
        wanted = EXPECTED[path.stem]
        with host(root, path, wanted) as mounted:
            listed = ask(root, mounted, "disk", "list")
            answered = ask(root, mounted, "disk", "mount", "/dev/vdb", wanted.target, "--dry-run")
        unrecorded = root / "answers/unrecorded"
        assert not unrecorded.exists(), unrecorded.read_text()
        said = outcome(listed, answered)
        entry = wanted.entry
        if path.stem == "blank":  # the UUID follows from the run
            entry = entry.replace(FS, answered["result"]["uuid"])
        kept = wanted.signature
        signature = (kept.type, kept.uuid, kept.label) if kept else said[1]
        if said != (wanted.verdict, signature, wanted.refusal, wanted.plan, entry):
            wrong[path.stem] = said
    print(wrong)
    agree("standalone: a state of a disk by the tools of EL7", len(STATES) - len(wrong), len(STATES))
