"""Called by scripts/bench: one disk put into service on each of many hosts, by opskit.host and by Ansible's modules.

Both go over ssh with pipelining to the hosts of a lab (scripts/fleetlab), which is made anew for each of them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench_common import machine, measure, run, write_readme
from fleetlab.lab import Lab

COLLECTIONS = Path(__file__).resolve().parents[1] / "opskit" / "fleet" / "collection"
PLAYBOOKS = {
    "opskit": """
- hosts: all
  gather_facts: false
  tasks:
    - opskit.host.run: {argv: [disk, mount, /dev/vdb, /data, --fstype, ext4]}
""",
    "modules": """
- hosts: all
  gather_facts: false
  tasks:
    - community.general.parted: {device: /dev/vdb, number: 1, label: gpt, fs_type: ext4, state: present}
    - community.general.filesystem: {dev: /dev/vdb1, fstype: ext4}
    - ansible.posix.mount: {src: /dev/vdb1, path: /data, fstype: ext4, opts: "defaults,nofail", state: mounted}
""",
}
RUNS = ("first", "second")
TICK = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.2
MIB = 1024**2
LARGE = Path(__file__).resolve().parents[1] / ".github" / "LARGE-FLEETS.md"
SCALE = (1000, 10_000)


@dataclass(frozen=True)
class Figures:
    """One run of a playbook: seconds of the clock, of this machine's processors in Ansible, and in all hosts."""

    wall: float
    control: float
    hosts: float


@dataclass(frozen=True)
class Applied:
    """What an apply takes on the control node: seconds of processors, and bytes.

    memory: of opskit, Ansible and ssh together, at the highest
    plan, events: of plan.json, and of what is kept of the run
    """

    control: float
    memory: int
    plan: int
    events: int


@dataclass
class Taken:
    """What was measured, by the number of hosts, the way, and the run."""

    figures: dict[tuple[int, str, str], list[Figures]] = field(default_factory=dict)
    # An apply of opskit fleet, by the number of hosts.
    applied: dict[int, Applied] = field(default_factory=dict)

    def median(self, number: int, way: str, which: str, what: str) -> float:
        """Of the wall clock, or of processor seconds (control, hosts)."""
        return statistics.median(getattr(figures, what) for figures in self.figures[number, way, which])


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def spent(lab: Lab) -> float:
    """Processor seconds of all hosts so far: of what is there, and of what each has waited for."""
    return sum(_ticks(pid) for host in lab.hosts.values() for pid in family(host.pid)) / TICK


def _ticks(pid: int) -> int:
    try:
        return sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
    except OSError:  # it has just ended: its parent has its times
        return 0


class Memory(threading.Thread):
    """Looks at the memory of what this process has started, shared pages shared out, until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        """Look now and then."""
        hosts = {pid for pid in family(os.getpid()) if "fleetlab.keeper" in _line(pid)}
        while not self.over.wait(LOOK_SECONDS):
            ours = [pid for child in _children(os.getpid()) if child not in hosts for pid in family(child)]
            self.peak = max(self.peak, sum(map(_memory, ours)))


def _children(pid: int) -> list[int]:
    return [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]


def _line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _memory(pid: int) -> int:
    try:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


@contextmanager
def lab_of(number: int, folder: Path) -> Iterator[Lab]:
    """A lab of so many hosts, gone afterwards."""
    lab = Lab.up(folder / "lab", number)
    try:
        lab.inventory()
        yield lab
    finally:
        lab.down()


def play(lab: Lab, way: str, options: argparse.Namespace) -> Figures:
    """One run of the playbook over all hosts."""
    playbook = lab.folder / f"{way}.yml"
    playbook.write_text(PLAYBOOKS[way])
    argv = [str(Path(options.ansible, "ansible-playbook")), "-i", str(lab.folder / "inventory.yml"), str(playbook)]
    before = spent(lab)
    wall, control = measure([*argv, "--forks", str(options.forks)])
    return Figures(wall, control, spent(lab) - before)


def measure_all(options: argparse.Namespace, folder: Path) -> Taken:
    """The rounds, interleaved: what slows the machine for a while slows both ways."""
    taken = Taken()
    for number in options.hosts:
        for turn in range(options.rounds + 1):
            for way in PLAYBOOKS:
                with lab_of(number, folder) as lab:
                    for which in RUNS:
                        figures = play(lab, way, options)
                        if turn:  # the first round fills the caches
                            taken.figures.setdefault((number, way, which), []).append(figures)
        with lab_of(number, folder) as lab:
            taken.applied[number] = apply(lab, options)
    return taken


def apply(lab: Lab, options: argparse.Namespace) -> Applied:
    """The same by opskit fleet, once."""
    state, plan = lab.folder / "fleet-state", lab.folder / "plan.json"
    os.environ.update(XDG_STATE_HOME=str(state), PATH=f"{options.ansible}:{os.environ['PATH']}")
    forks = ["--forks", str(options.forks)]
    words = ["disk", "mount", "/dev/vdb", "/data", "--fstype", "ext4"]
    plan.write_text(run(options.opskit, "fleet", "plan", "-i", str(lab.folder / "inventory.yml"), *forks, "--", *words))
    memory = Memory()
    memory.start()
    _, control = measure([options.opskit, "fleet", "apply", str(plan), *forks, "--yes", "--json"])
    memory.over.set()
    memory.join()
    events = sum(file.stat().st_size for file in state.rglob("events.jsonl"))
    return Applied(control, memory.peak, plan.stat().st_size, events)


def lines(taken: Taken, options: argparse.Namespace) -> Iterator[str]:
    """The table of what was measured."""
    columns = ("wall", "control CPU a host", "CPU of a host")
    head = ["hosts", "run", *(f"{way}: {what}" for way in ("modules", "opskit") for what in columns), "ratio of wall"]
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for number in options.hosts:
        for which in RUNS:
            cells = []
            for way in ("modules", "opskit"):
                wall, *spent_by = (taken.median(number, way, which, what) for what in ("wall", "control", "hosts"))
                cells += [f"{wall:.1f} s", *(f"{seconds / number:.2f} s" for seconds in spent_by)]
            ratio = taken.median(number, "modules", which, "wall") / taken.median(number, "opskit", which, "wall")
            yield f"| {number} | {which} | {' | '.join(cells)} | {ratio:.2f} |"


def growth(taken: Taken, options: argparse.Namespace) -> Iterator[str]:
    """Where a straight line leads, through what was measured with as many hosts as forks, and with the most.

    With fewer hosts than forks memory grows by a process a host; with more, by what Ansible keeps of each.
    """
    enough = [number for number in options.hosts if number >= options.forks]
    low, high = enough[0], enough[-1]

    def line(values: dict[int, float]) -> tuple[float, float]:
        slope = (values[high] - values[low]) / (high - low)
        return values[low] - slope * low, slope

    base, each = line({number: taken.applied[number].control for number in enough})
    memory_base, memory_each = line({number: taken.applied[number].memory / MIB for number in enough})
    last = taken.applied[high]
    files = {"plan.json": last.plan / high, "events": last.events / high}
    kept = {name: f"{size / 1024:.1f} KiB" for name, size in files.items()}
    yield f"{machine()}: an apply over {low} and over {high} hosts, with {options.forks} forks, took the control node"
    yield f"{each:.2f} s of processor time and {memory_each:.2f} MiB for each host, and {max(base, 0):.1f} s and"
    yield f"{memory_base:.0f} MiB besides; a host has {kept['plan.json']} in plan.json and {kept['events']} in the"
    yield "events of the run. A straight line through both leads to:"
    yield ""
    yield "| hosts | processor time | memory | plan.json | events |"
    yield "|---|---|---|---|---|"
    for number in (high, *SCALE):
        seconds, most = base + each * number, memory_base + memory_each * number
        sizes = " | ".join(f"{size * number / MIB:.1f} MiB" for size in files.values())
        yield f"| {number:,} | {seconds / 60:.1f} min | {most:.0f} MiB | {sizes} |"


def described(options: argparse.Namespace) -> str:
    """The machine, the version of Ansible, and how it was measured."""
    core = re.search(r"core ([\w.]+)", run(str(Path(options.ansible, "ansible")), "--version"))
    return (
        f"{machine()}, which is the control node and all hosts; ansible-core {core[1] if core else '?'}, over ssh with "
        f"pipelining, {options.forks} forks, opskit installed on the hosts, a blank 512 MB disk each; medians of "
        f"{options.rounds} interleaved rounds, each on new hosts."
    )


def tell(taken: Taken, options: argparse.Namespace) -> None:
    """Print what was measured, and write it down if that is asked for."""
    if options.json:
        print(json.dumps([[*key, *vars(each).values()] for key, figures in taken.figures.items() for each in figures]))
    text = "\n".join([described(options), "", *lines(taken, options)])
    print(text)
    if options.write:
        write_readme("fleet", text)
    if len([number for number in options.hosts if number >= options.forks]) > 1:
        grown = "\n".join(growth(taken, options))
        print(f"\n{grown}")
        if options.write:
            write_readme("growth", grown, LARGE)


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", required=True)
    parser.add_argument("--ansible", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hosts", type=lambda text: sorted(map(int, text.split(","))), default=[1, 20])
    parser.add_argument("--forks", type=int, default=20)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true", help="every single figure")
    options = parser.parse_args()
    options.opskit, options.ansible = os.path.abspath(options.opskit), os.path.abspath(options.ansible)
    folder = Path(tempfile.mkdtemp(prefix="opskit-bench-"))
    (folder / "ansible.cfg").touch()  # no configuration of this user or host is read
    os.environ.update(
        ANSIBLE_CONFIG=str(folder / "ansible.cfg"), ANSIBLE_HOME=str(folder / "a"), ANSIBLE_PIPELINING="1",
        ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS), LC_ALL="C.UTF-8",
    )  # fmt: skip
    try:
        tell(measure_all(options, folder), options)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
