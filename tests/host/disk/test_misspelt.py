"""A mount option that fstab check calls misspelt is refused by the filesystem: each is tried with the real mount."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from host.tools import MIB, run
from opskit.disk.fstab.options import known_options, misspelt
from opskit.disk.fstab.text import entries
from tiers import Agree, slow

# Prints the options with which the filesystem of the image can be mounted.
SCRIPT = """
image=$1 folder=$2 type=$3
shift 3
mount --type tmpfs none "$folder"
mkdir "$folder/mnt"
device=$(losetup --find --show "$image")
trap 'losetup --detach "$device"' EXIT
mount --type "$type" "$device" "$folder/mnt"
umount "$folder/mnt"
for options; do
  if mount --type "$type" -o "$options" "$device" "$folder/mnt" 2> "$folder/said"; then
    echo "$options"
    umount "$folder/mnt"
  fi
done
"""
SIZES = {"btrfs": 128 * MIB, "xfs": 320 * MIB}


def slip(rnd: random.Random, word: str) -> str:
    """The word as a person mistypes it."""
    place = rnd.randrange(len(word) - 1)
    before, first, two, after = word[:place], word[place], word[place + 1], word[place + 2 :]
    return rnd.choice(
        [before + two + first + after, before + two + after, before + first * 2 + two + after, f"{word}e"]
    )


def slips(fstype: str, number: int) -> list[str]:
    """So many words that are no options, by a slip."""
    rnd = random.Random(fstype)
    known = sorted(set(known_options(fstype)))
    typed = (slip(rnd, rnd.choice(known)) for _ in range(number * 10))
    return list(dict.fromkeys(word for word in typed if word not in known))[:number]


@pytest.mark.parametrize(("fstype", "number"), [("ext4", 100), ("xfs", 100), slow("btrfs", 50)])
def test_what_is_called_misspelt_is_refused(
    fstype: str,
    number: int,
    tmp_path: Path,
    agree: Agree,
    loop_devices: None,  # noqa: ARG001 - root
) -> None:
    if not shutil.which(f"mkfs.{fstype}"):
        pytest.skip(f"no mkfs.{fstype} on this machine")
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(SIZES.get(fstype, 64 * MIB))
    run(f"mkfs.{fstype}", str(image))
    words = slips(fstype, number)
    (tmp_path / "folder").mkdir()
    taken = run(
        *("unshare", "--mount", "--propagation", "private", "sh", "-euc", SCRIPT, "sh", str(image)),
        *(str(tmp_path / "folder"), fstype, *words),
    ).stdout.split()
    lines = entries("".join(f"UUID=a /data {fstype} ro,{word} 0 0\n" for word in words))
    findings = [misspelt(entry, fstype) for entry in lines]
    right = [
        word for word, pairs in zip(words, findings) if [pair[0] for pair in pairs] == [word] and word not in taken
    ]
    print(taken, [word for word in words if word not in right])
    agree("misspelt options that are told of and that the filesystem refuses", len(right), number)
