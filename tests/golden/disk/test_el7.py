"""Ten states of a disk as CentOS 7's own tools (util-linux 2.23.2) print them: el7/*.txt, recorded on a real EL7.

What was recorded goes through the probe as if the tools had just run; what comes out is decided on.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

import pytest

from opskit.core.command import Command, Result
from opskit.core.jsonable import from_json
from opskit.core.plan import Plan, Refusal
from opskit.disk.model import BUSY, DATA, FREE, UNREAD, ZERO, BlockDevice, HostFacts, Mount, Signature
from opskit.disk.mount.plan import decide_mount
from opskit.disk.mount.request import MountRequest, NewIds
from opskit.disk.see import probe
from opskit.disk.verdict import verdict

HERE = Path(__file__).parent
STATES = sorted((HERE / "el7").glob("*.txt"))
GIB = 1 << 30
MIB = 1 << 20
RUN = "20261120T190500Z-abc123"
FS = "11111111-1111-4111-8111-111111111111"
IDS = NewIds(RUN, FS, "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333")
_ANSWER = re.compile(r"^\$ (?P<argv>.+)\n(?P<text>(?:(?!\$ ).*\n)*?)\[exit (?P<status>\d+)\]$", re.MULTILINE)
_PAIR = re.compile(r'([A-Z:-]+)="([^"]*)"')


class Recorded:
    """A runner that answers with what EL7 printed; a command that was not recorded is a mistake of the test."""

    def __init__(self, path: Path) -> None:
        matches = _ANSWER.finditer(path.read_text(encoding="utf-8"))
        self.answers = {tuple(shlex.split(m["argv"])): (int(m["status"]), m["text"]) for m in matches}

    def run(self, command: Command) -> Result:
        status, text = self.answers[command.argv]
        assert status in command.accept, f"{command.argv} exits {status} on EL7"
        # blkid's word on an ambivalent result goes to stderr, as does what wipefs cannot do.
        return Result(command, status, text if status == 0 else "", "" if status == 0 else text, 0.0)

    def pairs(self, tool: str) -> list[dict[str, str]]:
        """The lines of NAME="value" pairs that `tool -P` printed."""
        text = next(answer for argv, (_, answer) in self.answers.items() if argv[0] == tool and "-P" in argv)
        return [dict(_PAIR.findall(line)) for line in text.splitlines() if "=" in line]


def devices(path: Path) -> dict[str, BlockDevice]:
    """The disk and its partition as lsblk and partx list them, with what the probe makes of blkid and wipefs."""
    runner = Recorded(path)
    starts = {int(p["NR"]): int(p["START"]) * 512 for p in runner.pairs("partx")}
    listed = {}
    for number, line in enumerate(runner.pairs("lsblk")):
        device = BlockDevice(
            name=line["NAME"],
            path="/dev/" + line["NAME"],
            kind="partition" if number else "disk",
            number=f"252:{16 + number}",
            size=int(line["SIZE"]),
            sector_size=int(line["LOG-SEC"]),
            read_only=line["RO"] == "1",
            serial="" if number else "data-vol-0001",
            disk="vdb" if number else "",
            partition_number=number,
            start=starts.get(number, MIB) if number else 0,
            exclusive=BUSY if line["MOUNTPOINT"] else FREE,
        )
        device = probe.with_wipefs(probe.with_signatures(device, runner), runner)
        if line["MOUNTPOINT"]:
            mount = Mount(device.number, line["MOUNTPOINT"], device.path, device.signatures[0].type, "rw,relatime")
            device = replace(device, mounts=(mount,))
        listed[device.name] = device
    return listed


@dataclass(frozen=True)
class Expected:
    """tools: what blkid and wipefs tell: (table, signatures) of the disk, and of its partition if there is one.

    bytes: the contents of both, and whether only a backup GPT is left: our own look, which no tool replaces.
    """

    tools: tuple[tuple[str, tuple[str, ...]], ...]
    verdict: tuple[str, str]
    refusal: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    entry: str = ""
    contents: tuple[str, ...] = (DATA, DATA)
    backup_only: bool = False
    target: str = "/mnt"
    signature: Optional[Signature] = None


def line(uuid: str, fstype: str, target: str = "/mnt", check: int = 2) -> str:
    return f"UUID={uuid} {target} {fstype} defaults,nofail 0 {check}"


EXT4 = Signature("ext4", "filesystem", "6e241884-0978-4cd7-b54d-34ae22404e56", "data", "1.0")
EXT3 = Signature("ext3", "filesystem", "8ff9fc27-c1da-44e1-b08c-db4e7d2eeeaa", "", "1.0")
XFS = Signature("xfs", "filesystem", "b73eed0c-2b53-4917-a789-2904627f5b24")
PV = Signature("LVM2_member", "raid", "9S92BA-U3U5-xyY9-51ow-cDIX-uldR-MgszPG", "", "LVM2 001")
SWAP = Signature("swap", "other", "47836cbf-1af6-42b9-b6b4-97e61201e012", "", "2")
MOUNT = ("backup-fstab", "add-fstab-entry", "mount")

EXPECTED = {
    "ambivalent-xfs-ext4": Expected(
        tools=(("", ("jbd", "xfs")),),
        verdict=("has data", "two signatures that contradict each other"),
        refusal=("ambivalent",),
    ),
    "blank": Expected(
        tools=(("", ()),),
        verdict=("ready", "blank"),
        plan=("create-partition", "make-filesystem", *MOUNT),
        entry=line(FS, "ext4"),
        contents=(ZERO,),
    ),
    # Both tools are blind: what refuses is our own reading of the last sector.
    "gpt-backup-only": Expected(
        tools=(("", ()), ("", ())),
        verdict=("has data", "a backup GPT without its primary"),
        refusal=("backup-gpt",),
        contents=(DATA, ZERO),
        backup_only=True,
    ),
    "gpt-empty-partition": Expected(
        tools=(("gpt", ()), ("", ())),
        verdict=("has data", "gpt table with 1 partition"),
        refusal=("has-partition",),
        contents=(DATA, ZERO),
    ),
    "gpt-ext4": Expected(
        tools=(("gpt", ()), ("", ("ext4",))),
        verdict=("has data", "gpt table with 1 partition"),
        plan=MOUNT,
        entry=line(EXT4.uuid, "ext4"),
        signature=EXT4,
    ),
    # It is mounted on /data without an entry: that is all that is missing.
    "gpt-ext4-mounted": Expected(
        tools=(("gpt", ()), ("", ("ext4",))),
        verdict=("in use", "/dev/vdb1 is mounted on /data"),
        plan=("backup-fstab", "add-fstab-entry"),
        entry=line(EXT4.uuid, "ext4", "/data"),
        contents=(DATA, UNREAD),
        target="/data",
        signature=EXT4,
    ),
    "lvm-pv": Expected(
        tools=(("", ("LVM2_member",)),), verdict=("has data", "LVM2_member"), refusal=("member",), signature=PV
    ),
    "mbr-ext3": Expected(
        tools=(("dos", ()), ("", ("ext3",))),
        verdict=("has data", "dos table with 1 partition"),
        plan=MOUNT,
        entry=line(EXT3.uuid, "ext3"),
        signature=EXT3,
    ),
    "whole-disk-swap": Expected(
        tools=(("", ("swap",)),), verdict=("has data", "swap"), refusal=("has-data",), signature=SWAP
    ),
    "whole-disk-xfs": Expected(
        tools=(("", ("xfs",)),),
        verdict=("has data", "xfs"),
        plan=MOUNT,
        entry=line(XFS.uuid, "xfs", check=0),
        signature=XFS,
    ),
}


def test_all_ten_states_are_expected() -> None:
    assert {path.stem for path in STATES} == set(EXPECTED)
    assert len(STATES) == 10


def facts_of(path: Path, wanted: Expected) -> HostFacts:
    recorded = list(devices(path).values())
    recorded = [replace(device, contents=contents) for device, contents in zip(recorded, wanted.contents)]
    recorded[0] = replace(recorded[0], table_backup_only=wanted.backup_only)
    host = from_json(HostFacts, json.loads((HERE / "hosts/el7.json").read_text(encoding="utf-8")))
    mounts = tuple(mount for device in recorded for mount in device.mounts)
    others = tuple(device for device in host.devices if device.name != "vdb")
    return replace(host, devices=(*others, *recorded), mounts=host.mounts + mounts)


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
def test_what_the_tools_say(path: Path) -> None:
    wanted = EXPECTED[path.stem]
    recorded = list(devices(path).values())
    assert tuple((d.table, tuple(s.type for s in d.signatures)) for d in recorded) == wanted.tools
    assert recorded[0].ambivalent == (path.stem == "ambivalent-xfs-ext4")
    if wanted.signature:
        assert recorded[-1].signatures == (wanted.signature,)


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
def test_verdict(path: Path) -> None:
    wanted = EXPECTED[path.stem]
    facts = facts_of(path, wanted)
    disk = facts.device("vdb")
    assert disk is not None
    assert verdict(facts, disk) == wanted.verdict


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
def test_decision(path: Path) -> None:
    wanted = EXPECTED[path.stem]
    decision = decide_mount(facts_of(path, wanted), MountRequest("/dev/vdb", wanted.target), IDS)
    if wanted.refusal:
        assert isinstance(decision, Refusal)
        assert tuple(reason.id for reason in decision.reasons) == wanted.refusal
        assert decision.exit_code == 5
        return
    assert isinstance(decision, Plan), decision
    steps = tuple(change.action for change in decision.changes)
    # /data is not among the saved facts of this host, but it is mounted there.
    assert tuple(step for step in steps if step != "make-mount-point") == wanted.plan
    assert decision.result["fstab_line"] == wanted.entry


def test_the_partition_that_parted_makes_is_the_one_that_el7_made() -> None:
    """1 GiB: 2048 to 2095103, as partx shows it in gpt-empty-partition.txt."""
    path = HERE / "el7/blank.txt"
    decision = decide_mount(facts_of(path, EXPECTED["blank"]), MountRequest("/dev/vdb"), IDS)
    assert isinstance(decision, Plan)
    command = decision.changes[0].commands[0]
    assert command == f"parted -s -a none /dev/vdb mklabel gpt mkpart opskit-{RUN} ext2 2048s 2095103s"


def test_the_partitions_own_names_are_read() -> None:
    """What finds a partition again after a crash on EL7: its name and its PARTUUID."""
    partition = devices(HERE / "el7/gpt-ext4.txt")["vdb1"]
    assert partition.partition_name == "primary"
    assert partition.partition_uuid == "901ab1f8-5787-4c88-ab39-acfb6f5eaa74"
    assert partition.partition_type == "0fc63daf-8483-4772-8e79-3d69d8477de4"
    assert (partition.start, partition.size) == (MIB, GIB - 2 * MIB)
