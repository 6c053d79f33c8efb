"""Called by scripts/bench: `opskit du`, `du | sort` and its peers on two trees, warm and cold, interleaved."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench_common import machine, run, write_readme

DU = "du | sort"
# What a tree is made of: files (links among them) and directories.
TREES = {"A": (300_000, 6_014, 20_000), "B": (20_000, 300, 1_000)}
SIZES = (0, 100, 100, 5_000, 20_000)
# What is compared with du; an opskit one has a goal. Peers only where they are installed.
PEERS = {
    "ncdu": ["ncdu", "-0", "-o", "/dev/null"],
    "gdu": ["gdu", "--non-interactive", "--no-progress"],
    "dust": ["dust", "--depth", "2"],
    "dua": ["dua", "aggregate"],
    "diskus": ["diskus"],  # a total only
}
GOALS = {("A", "warm"): 0.85, ("A", "cold"): 0.55}
BEHIND_SECONDS = 0.090  # tree B: at most so far behind du
MEMORY_MIB = 40


def make_tree(root: Path, files: int, links: int, directories: int) -> None:
    """The same tree each time: some directories deep and some wide, sizes of none to five blocks."""
    chance = random.Random(1)
    root.mkdir(parents=True)
    made = [root]
    while len(made) <= directories:
        parent = chance.choice(made[-2000:] if chance.random() < 0.7 else made)
        made.append(parent / f"d{len(made)}")
        made[-1].mkdir()
    names = []
    for number in range(files - links):
        names.append(chance.choice(made) / f"file{number}.dat")
        names[-1].write_bytes(b"x" * chance.choice(SIZES))
    for number in range(links):
        os.link(chance.choice(names), chance.choice(made) / f"link{number}")


def commands(opskit: str, tree: str) -> dict[str, list[str]]:
    """What is measured on a tree, by name; each with its output thrown away."""
    found = {DU: ["sh", "-c", f"du -h --max-depth=2 {tree} | sort -hr"], "opskit": [opskit, "du", tree]}
    for name, argv in PEERS.items():
        if shutil.which(name):
            found[name] = [*argv, tree]
    return found


def drop_caches() -> None:
    """Forget all that was read from the disk (proc(5))."""
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3\n")


def seconds_of(argv: list[str], *, cold: bool) -> tuple[float, float]:
    """Of one run: the wall clock, and the time of all processors (user and system), which others disturb less."""
    if cold:
        drop_caches()
    before, started = os.times(), time.perf_counter()
    run(*argv)
    wall, after = time.perf_counter() - started, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def peak_mib(argv: list[str]) -> float:
    """The most memory that a command and all its processes had at once, shared pages counted once (PSS), in MiB."""
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as child:
        most = 0
        while child.poll() is None:
            most = max(most, _pss(child.pid))
    return most / 1024**2


def _pss(pid: int) -> int:
    total = 0
    with contextlib.suppress(psutil.Error, OSError):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError, ValueError):
                total += _pss_of(process.pid)
    return total


def _pss_of(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def table(
    medians: dict[tuple[str, str, str], float], processor: dict[tuple[str, str, str], float], memory: float
) -> tuple[list[str], bool]:
    """The rows, and whether every goal is met. medians: seconds of the wall clock; processor: of all processors."""
    names = list(dict.fromkeys(name for _, _, name in medians))
    peers = [name for name in names if name not in {DU, "opskit"}]
    out = ["| " + " | ".join(["wall clock, as a ratio to `du \\| sort`", "opskit", *peers, "goal", ""]) + " |"]
    out.append("|---" * (len(peers) + 4) + "|")
    fine = True
    for tree, state in dict.fromkeys((tree, state) for tree, state, _ in medians):
        base = medians[tree, state, DU]
        ratios = [f"{medians[tree, state, name] / base:.2f}" for name in ("opskit", *peers)]
        behind = medians[tree, state, "opskit"] - base
        goal = GOALS.get((tree, state))
        met = behind <= BEHIND_SECONDS if goal is None else float(ratios[0]) <= goal
        bound = f"≤ {goal}" if goal else f"at most {BEHIND_SECONDS * 1000:.0f} ms behind; is {behind * 1000:.0f} ms"
        fine = fine and met
        out.append(
            f"| {tree}, {state} ({base:.3f} s) | {' | '.join(ratios)} | {bound} | {'met' if met else 'MISSED'} |"
        )
        if state == "warm":
            of = processor[tree, state, DU]
            ratios = [f"{processor[tree, state, name] / of:.2f}" for name in ("opskit", *peers)]
            out.append(f"| {tree}, {state}, time of all processors ({of:.3f} s) | {' | '.join(ratios)} |  |  |")
    met = memory <= MEMORY_MIB
    cells = [f"{memory:.0f} MiB", *("" for _ in peers), f"≤ {MEMORY_MIB} MiB", "met" if met else "MISSED"]
    out.append("| A: most memory of all processes | " + " | ".join(cells) + " |")
    return out, fine and met


def versions(measured: dict[str, list[str]]) -> str:
    """What the peers call themselves."""
    told = []
    for name, argv in measured.items():
        if name in PEERS:
            words = run(argv[0], "--version").split()
            told.append(f"{name} {next(word for word in words if word.strip('v')[0].isdigit()).strip('v')}")
    return ", ".join([run("du", "--version").splitlines()[0], *told])


def main() -> int:
    """Measure, tell, and exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", required=True)
    parser.add_argument("--trees", type=Path, required=True, help="where the trees are, or are made")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true", help="every time, wall and processors, in seconds")
    options = parser.parse_args()
    seconds: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    measured: dict[str, list[str]] = {}
    for name, sizes in TREES.items():
        tree = options.trees / name
        if not tree.exists():
            unfinished = tree.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            make_tree(unfinished, *sizes)
            unfinished.rename(tree)
        measured = commands(options.opskit, str(tree))
        for state in ("warm", "cold"):
            for number in range(options.rounds + (state == "warm")):
                for what, argv in measured.items():
                    taken = seconds_of(argv, cold=state == "cold")
                    if number or state == "cold":  # the first warm round fills the caches
                        seconds.setdefault((name, state, what), []).append(taken)
    memory = peak_mib(commands(options.opskit, str(options.trees / "A"))["opskit"])
    if options.json:
        print(json.dumps({" ".join(key): values for key, values in seconds.items()}))
    wall, processor = (
        {key: statistics.median(each[at] for each in values) for key, values in seconds.items()} for at in (0, 1)
    )
    rows, fine = table(wall, processor, memory)
    told = f"{machine()}; {versions(measured)}; medians of {options.rounds} interleaved rounds, cold by `drop_caches`."
    text = "\n".join([told, "", *rows])
    print(text)
    if options.write:
        write_readme("du", text)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
