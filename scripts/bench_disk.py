"""Called by scripts/bench: `opskit disk mount`, the bare commands and an Ansible playbook on one loop device."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench_common import machine, run, write_readme

SIZE = 2 * 1024**3
START_ROUNDS = 20

PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - community.general.parted: {device: LOOP, number: 1, label: gpt, fs_type: ext4, state: present}
    - community.general.filesystem: {dev: LOOPp1, fstype: ext4}
    - ansible.posix.mount:
        {src: LOOPp1, path: TARGET, fstype: ext4, opts: "defaults,nofail", fstab: FSTAB, backup: true, state: mounted}
"""
BARE = """set -eu
printf 'label: gpt\\n;\\n' | sfdisk -q LOOP
partx -u LOOP
mkfs.ext4 -q LOOPp1
cp -p FSTAB FSTAB.bak
echo "UUID=$(blkid -s UUID -o value LOOPp1) TARGET ext4 defaults,nofail 0 2" >> FSTAB
mkdir -p TARGET
mount LOOPp1 TARGET
"""


@dataclass
class Place:
    """One loop device and the private files around it."""

    loop: str
    folder: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @property
    def fstab(self) -> Path:
        """The private fstab."""
        return self.folder / "fstab"

    @property
    def target(self) -> Path:
        """The private mount point."""
        return self.folder / "data"

    def filled(self, text: str) -> str:
        """The text with this place's names."""
        for name, value in (("LOOP", self.loop), ("TARGET", self.target), ("FSTAB", self.fstab)):
            text = text.replace(name, str(value))
        return text

    def blank(self) -> None:
        """The disk as it came: unmounted, no partition, every byte zero; fstab without an entry."""
        if self.target.is_mount():
            run("umount", str(self.target))
        run("partx", "--delete", self.loop, accept=(0, 1))
        # Half the image may still be on its way to the disk: the next one must not wait for it.
        run("blkdiscard", "--force", self.loop)
        run("sync")
        self.fstab.write_text("# a private fstab\n")

    def measure(self, name: str, argv: list[str], environment: dict[str, str] | None = None) -> None:
        """Run to the end and note the wall clock. Ends the program when the command fails."""
        started = time.perf_counter()
        run(*argv, environment=environment)
        self.seconds.setdefault(name, []).append(time.perf_counter() - started)

    def median(self, name: str) -> float:
        """Seconds."""
        return statistics.median(self.seconds[name])


@contextmanager
def place() -> Iterator[Place]:
    """A blank 2 GiB disk; gone afterwards, whatever happened."""
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as folder:
        image = Path(folder, "disk.img")
        with image.open("wb") as file:
            file.truncate(SIZE)
        made = Place(run("losetup", "--find", "--show", str(image)).strip(), Path(folder))
        try:
            yield made
        finally:
            if made.target.is_mount():
                run("umount", str(made.target))
            run("partx", "--delete", made.loop, accept=(0, 1))
            run("losetup", "--detach", made.loop)


def measure_all(here: Place, options: argparse.Namespace) -> None:
    """The rounds, interleaved: what slows the machine for a while slows all of them."""
    ansible_home = here.folder / "ansible"
    playbook = here.folder / "playbook.yml"
    playbook.write_text(here.filled(PLAYBOOK))
    interpreter = str(Path(options.ansible, "python").absolute())
    ansible = [str(Path(options.ansible, "ansible-playbook")), "-i", "localhost,", str(playbook)]
    ansible += ["-e", f"ansible_python_interpreter={interpreter}"]
    # Ansible as it comes: an empty file, so that no configuration of this user or host is read.
    (here.folder / "ansible.cfg").touch()
    environment = {"ANSIBLE_HOME": str(ansible_home), "ANSIBLE_CONFIG": str(here.folder / "ansible.cfg")}
    environment["LC_ALL"] = "C.UTF-8"
    files = ["--fstab", str(here.fstab), "--state-dir", str(here.folder / "state")]
    opskit = [options.opskit, "disk", "mount", here.loop, str(here.target), *files, "--yes", "--quiet"]
    bare = ["sh", "-c", here.filled(BARE)]
    for number in range(options.rounds + 1):
        # The first round fills the caches; it is not counted.
        mark = "" if number else "warm-up "
        here.blank()
        here.measure(mark + "bare", bare)
        here.blank()
        here.measure(mark + "opskit first", opskit)
        here.measure(mark + "opskit second", opskit)
        here.blank()
        here.measure(mark + "ansible first", ansible, environment)
        here.measure(mark + "ansible second", ansible, environment)
    here.blank()
    for number in range(START_ROUNDS + 1):
        mark = "" if number else "warm-up "
        here.measure(mark + "pass", [sys.executable, "-c", "pass"])
        here.measure(mark + "version", [options.opskit, "--version"])
        here.measure(mark + "list", [options.opskit, "disk", "list", "--json"])


def lines(here: Place) -> tuple[list[str], bool]:
    """The table, and whether every goal is met."""
    rows = [
        # what is told, the slower and the faster one, the goal as a bound of the ratio
        ("first run: Ansible / opskit", "ansible first", "opskit first", 3.5, True),
        ("first run: opskit / bare commands", "opskit first", "bare", 1.8, False),
        ("second run, nothing to do: Ansible / opskit", "ansible second", "opskit second", 10, True),
        ("`opskit --version` / `python -c pass`", "version", "pass", 5, False),
        ("`opskit disk list --json` / `python -c pass`", "list", "pass", 12, False),
    ]
    out = ["| median of wall clock | ratio | goal | |", "|---|---|---|---|"]
    fine = True
    for text, above, below, goal, at_least in rows:
        ratio = here.median(above) / here.median(below)
        met = ratio >= goal if at_least else ratio <= goal
        fine = fine and met
        times = f"{here.median(above):.3f} s / {here.median(below):.3f} s"
        bound = f"{'≥' if at_least else '≤'} {goal}"
        out.append(f"| {text} ({times}) | {ratio:.2f} | {bound} | {'met' if met else 'MISSED'} |")
    return out, fine


def described(options: argparse.Namespace) -> str:
    """The machine, the version of Ansible, and what was measured on."""
    blocks = len(list(Path("/sys/class/block").iterdir()))
    core = re.search(r"core ([\w.]+)", run(str(Path(options.ansible, "ansible")), "--version"))
    return (
        f"{machine()}, ansible-core {core[1] if core else '?'}, a sparse 2 GiB disk on a loop device, {blocks} block "
        f"devices; medians of {options.rounds} interleaved rounds ({START_ROUNDS} for the last two)."
    )


def main() -> int:
    """Measure, tell, and exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", required=True)
    parser.add_argument("--ansible", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true", help="every single time, in seconds")
    options = parser.parse_args()
    with place() as here:
        measure_all(here, options)
        if options.json:
            print(json.dumps(here.seconds))
        table, fine = lines(here)
    text = "\n".join([described(options), "", *table])
    print(text)
    if options.write:
        write_readme("disk", text)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
