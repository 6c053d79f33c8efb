"""Called by scripts/bench: how long each form of opskit takes to start, and a bare Python."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tarfile
import tempfile
from pathlib import Path

from bench_common import machine, measure, write_readme

COMMANDS = {
    "`--version`": ("--version",),
    "`disk list`": ("disk", "list"),
    "`completion bash`": ("completion", "bash"),
}
# The standalone build is to start at most so much slower than one in a venv.
GOAL = 1.2


def forms(opskit: str, dist: Path, place: Path) -> dict[str, list[str]]:
    """How each form is started."""
    found = {"venv": [opskit]}
    for archive in sorted(dist.glob(f"opskit-*-linux-{os.uname().machine}.tar.xz")):
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
        found["standalone"] = [str(next(place.glob("opskit-*/bin/opskit")))]
    for zipped in sorted(dist.glob("opskit-*.pyz")):
        found["zipapp"] = [sys.executable, "-I", str(zipped)]
    return found


def main() -> int:
    """Measure in interleaved rounds, tell, and exit 1 when the goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", required=True)
    parser.add_argument("--dist", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    taken: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="opskit-bench-", dir="/var/tmp") as folder:
        started = forms(options.opskit, options.dist, Path(folder))
        bare = [sys.executable, "-I", "-c", "pass"]
        for number in range(options.rounds + 1):
            runs = {(form, name): [*argv, *words] for form, argv in started.items() for name, words in COMMANDS.items()}
            for key, argv in {("bare Python", ""): bare, **runs}.items():
                figures = measure(argv)
                if number:  # the first round fills the caches
                    taken.setdefault(key, []).append(figures)
    wall = {key: statistics.median(each[0] for each in figures) for key, figures in taken.items()}
    spent = {key: min(each[1] for each in figures) for key, figures in taken.items()}
    table = ["| start | wall | least processor time | of that in a venv | goal | |", "|---|---|---|---|---|---|"]
    python = "bare Python", ""
    table.append(f"| a bare Python | {wall[python]:.3f} s | {spent[python]:.3f} s | | | |")
    missed = False
    for (form, name), seconds in wall.items():
        if name:
            ratio = spent[form, name] / spent["venv", name]
            held = form == "standalone"
            missed |= held and ratio > GOAL
            goal = f"≤ {GOAL} | {'met' if ratio <= GOAL else 'MISSED'}" if held else " |"
            row = f"| {form}: {name} | {seconds:.3f} s | {spent[form, name]:.3f} s | {ratio:.2f} | {goal} |"
            table.append(row)
    about = f"{machine()}; {options.rounds} interleaved rounds, medians of the wall clock."
    text = "\n".join([about, "", *table])
    print(text)
    if options.write:
        write_readme("startup", text)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
