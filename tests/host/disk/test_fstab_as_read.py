"""What opskit says of a line of fstab, against the two that read it: libmount (findmnt) and systemd's generator.

Both run in a folder of their own (chroot), where no device and no sign of a container is: the generator would pass over
swap entries in one.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from host.tools import run
from opskit.disk.fstab.boot import BootUnit, entry_at_boot, unit_at_boot
from opskit.disk.fstab.text import decode, encode, entries
from tiers import Agree, ranges

GENERATORS = ("/usr/lib/systemd/system-generators", "/lib/systemd/system-generators")
GENERATOR = next((f"{path}/systemd-fstab-generator" for path in GENERATORS if os.path.isdir(path)), "")
LINES = 8
# The programs of this host in a root of their own; each folder of fg has an fstab.
SCRIPT = r"""
set -eu
cd "$1"
mkdir -p usr proc sys dev tmp
for folder in usr proc sys; do mount --rbind /$folder $folder; done
mount --bind /dev/null proc/partitions
for name in bin lib lib64 sbin; do if [ -L /$name ]; then ln -s usr/$name $name; fi; done
cd fg
for folder in *; do
  mkdir $folder/units
  units=/fg/$folder/units
  SYSTEMD_FSTAB=/fg/$folder/fstab chroot .. "$2" $units $units $units 2> $folder/said || :
  chroot .. findmnt --verify --tab-file /fg/$folder/fstab > $folder/verified 2>&1 || :
  chroot .. findmnt --tab-file /fg/$folder/fstab --json --list -o SOURCE,TARGET,FSTYPE,OPTIONS,FREQ,PASSNO \
    > $folder/listed 2> $folder/errors || :
done
"""

SOURCES = (
    *(
        "UUID=0a1b2c3d-0000-4000-8000-000000000001",
        "UUID=ABCD-1234",
        'UUID="abc"',
        "UUID='abc'",
        "LABEL=data",
        "LABEL=a/b",
    ),
    *(
        "LABEL=a\\040b",
        "LABEL=\u00e4%n",
        "PARTUUID=ABC-01",
        "PARTLABEL=x,y",
        "/dev/vdb1",
        "/dev/mapper/vg-lv",
        "/swapfile",
    ),
    *("server:/export", "//server/share", "tmpfs", "/srv/x", "UUID=", "\\040", "a\\#b", "ID=x", "/dev/disk/by-id/x"),
)
TARGETS = (
    "/data",
    "/data/",
    "/a//b/./c",
    "/a\\040b",
    "/a\\011b",
    "/\\134x",
    "/x\\101",
    "/\u00e4-b",
    "none",
    "swap",
    "rel",
)
TARGETS += ("/", "/usr", "/proc", "/dev/shm", "/run", "/run/x", "/a%n", "/x\\", "/a\\\\040b", "/.hidden", "/#x", "/a:b")
TYPES = (
    "ext4",
    "xfs",
    "auto",
    "swap",
    "nfs",
    "nfs4",
    "cifs",
    "none",
    "fuse.sshfs",
    "tmpfs",
    "ext4,xfs",
    "btrfs",
    "glusterfs",
)
OPTIONS = (
    *(
        "defaults",
        "nofail",
        "fail",
        "noauto",
        "auto",
        "_netdev",
        "ro",
        "bind",
        "x-systemd.automount",
        "noatime",
        "pri=3",
    ),
    *("x-systemd.device-timeout=30", "x-systemd.device-timeout=5s", "nofail=1", "NOFAIL", "comment=systemd.automount"),
    *(
        "x-systemd.wanted-by=foo.target",
        "x-systemd.required-by=foo.target",
        "bg",
        "subvol=/a",
        "user=a",
        "sw",
        "a%b",
        "",
        "#c",
    ),
    *("x-systemd.idle-timeout=5min", "x-systemd.mount-timeout=9", "nofailx", "xnofail", "\\054nofail"),
)
NUMBERS = (
    "0",
    "0 0",
    "0 2",
    "1 1",
    "0 2x",
    "x 2",
    "# c",
    "0 0 # c",
    "99999999999999999999 1",
    "0 -1",
    "+1 2",
    "0 4294967296",
)
BLANKS = (" ", "  ", "\t", " \t ")
ENDS = ("\n", "\n", "\n", "\n", "\r\n", " \n", "\t\r\n", "\r\r\n")


def make_line(rnd: random.Random) -> str:
    """A line: mostly what a person writes, with the slips of people in it."""
    if rnd.random() < 0.05:
        return rnd.choice(["\n", "# comment\n", " # comment\n", "\t\n", "\r\n", "lonely\n", "#\r\n", "\v x\n"])
    options = ",".join(rnd.choice(OPTIONS) for _ in range(rnd.choice([1, 1, 2, 2, 3])))
    if rnd.random() < 0.1:
        options = options.replace(",", ", ")
    fields = [rnd.choice(SOURCES), rnd.choice(TARGETS), rnd.choice(TYPES), options, rnd.choice(NUMBERS)]
    fields = fields[: rnd.choice([2, 3, 4, 4, 5, 5, 5, 5])]
    begin = rnd.choice(["", "", "", "", " ", "\t"])
    return begin + rnd.choice(BLANKS).join(field for field in fields if field) + rnd.choice(ENDS)


def make(seed: int) -> str:
    """An fstab: some lines, perhaps a mark at its beginning, perhaps no newline at its end."""
    rnd = random.Random(seed)
    text = "".join(make_line(rnd) for _ in range(LINES))
    if rnd.random() < 0.05:
        text = "\ufeff" + text
    if rnd.random() < 0.03:
        text += "/dev/vdb1 /long ext4 " + ",".join(f"option{number}" for number in range(500)) + ",nofail 0 2\n"
    return text.rstrip("\n") if rnd.random() < 0.1 else text


def made_units(folder: Path) -> dict[str, tuple[str, str, str, str, frozenset[tuple[str, str]], bool]]:
    """What the generator made of each mount point and swap area."""
    links: dict[str, set[tuple[str, str]]] = {}
    for link in folder.glob("*.*/*"):
        target, _, need = link.parent.name.rpartition(".")
        if need in {"wants", "requires"}:
            links.setdefault(link.name, set()).add((target, need))
    units = {}
    for path in [*folder.glob("*.mount"), *folder.glob("*.swap")]:
        text = path.read_bytes().decode("utf-8", "surrogateescape").replace("%%", "%")
        value = dict(re.findall(r"^(What|Where|Type|Options)=(.*)$", text, re.MULTILINE))
        automount = path.with_suffix(".automount")
        pulled = links.get(automount.name if automount.exists() else path.name, set())
        wanted = (value.get(key, "") for key in ("What", "Where", "Type", "Options"))
        units[path.name] = (*wanted, frozenset(pulled), automount.exists())
    return units  # type: ignore[return-value]


def expected_units(text: str) -> dict[str, tuple[str, str, str, str, frozenset[tuple[str, str]], bool]]:
    """The same as opskit has it; of two entries with the same unit the generator takes the first."""
    expected = {}
    for entry in entries(text):
        unit = unit_at_boot(entry_at_boot(entry))
        if unit and unit.name not in expected:
            expected[unit.name] = _values(unit)
    return expected


def _values(unit: BootUnit) -> tuple[str, str, str, str, frozenset[tuple[str, str]], bool]:
    return unit.what, unit.where, unit.fstype, unit.options, frozenset(unit.links), unit.automount


def libmount_list(folder: Path) -> list[tuple[object, ...]]:
    """The entries that libmount has."""
    data = (folder / "listed").read_bytes().decode("utf-8", "surrogateescape")
    rows = json.loads(data)["filesystems"] if data.strip() else []
    texts = [tuple(row[key] or "" for key in ("source", "target", "fstype", "options")) for row in rows]
    return [(*text, row["freq"], row["passno"]) for text, row in zip(texts, rows)]


def compare(folder: Path) -> str:
    """ "", or what differs."""
    text = decode((folder / "fstab").read_bytes())
    ours, theirs = expected_units(text), made_units(folder / "units")
    if ours != theirs:
        names = [name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)]
        return f"{[(name, ours.get(name), theirs.get(name)) for name in names]}\n{text}"
    read = [(e.source, e.target, e.fstype, e.options, e.dump, e.pass_) for e in entries(text) if not e.ignored]
    if read != libmount_list(folder):
        return f"{[pair for pair in zip(read, libmount_list(folder)) if pair[0] != pair[1]]}\n{text}"
    errors = re.findall(r"parse error at line (\d+)", decode((folder / "verified").read_bytes()))
    ignored = [str(e.number) for e in entries(text) if e.ignored]
    return "" if errors == ignored else f"libmount passes over {errors}, not {ignored}\n{text}"


@pytest.mark.parametrize("numbers", ranges(20, 200, 2000, size=100))
def test_each_line_is_read_as_both_readers_read_it(
    numbers: Sequence[int],
    tmp_path: Path,
    agree: Agree,
    loop_devices: None,  # noqa: ARG001 - root
) -> None:
    if not GENERATOR or not shutil.which("findmnt"):
        pytest.skip("no systemd-fstab-generator or no findmnt on this machine")
    for number in numbers:
        folder = tmp_path / "root" / "fg" / f"{number:05d}"
        folder.mkdir(parents=True)
        (folder / "fstab").write_bytes(encode(make(number)))
    run("unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", str(tmp_path / "root"), GENERATOR)
    differ = [what for what in map(compare, sorted((tmp_path / "root" / "fg").iterdir())) if what]
    print("\n".join(differ[:5]))
    agree("fstab files as libmount and systemd's generator read them", len(numbers) - len(differ), len(numbers))
