"""Called by scripts/bench: the preview of a vacuum against `journalctl --disk-usage`, on one directory of files."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_common import machine, measure, write_readme

REMOTE = "/lib/systemd/systemd-journal-remote"
SECOND = 1_000_000
HOUR = 3600 * SECOND
ENTRIES = 200


def make(place: Path, count: int) -> None:
    """So many archived files of a real journal file, an hour apart."""
    now = time.time_ns() // 1000
    text = "".join(
        f"__REALTIME_TIMESTAMP={now - HOUR + n * SECOND}\n_BOOT_ID={'1' * 32}\nMESSAGE=entry {n}\nPRIORITY=6\n\n"
        for n in range(ENTRIES)
    )
    first, sparse = place / "first.journal", place / "sparse"
    subprocess.run([REMOTE, "-o", str(first), "-"], input=text.encode(), capture_output=True, check=True)
    subprocess.run(["cp", "--sparse=always", "--preserve=xattr", first, sparse], check=True)
    first.unlink()
    for number in range(count):
        at = now - (count - number) * HOUR
        path = place / f"system@{'ab' * 16}-{number * ENTRIES + 1:016x}-{at:016x}.journal"
        # With the xattr in which journald keeps the time of creation: each of its files has that.
        subprocess.run(["cp", "--sparse=always", "--preserve=xattr", sparse, path], check=True)
        with path.open("r+b") as file:
            file.seek(184)  # the times of the first and the last entry
            file.write(at.to_bytes(8, "little") + (at + HOUR).to_bytes(8, "little"))
    sparse.unlink()
    os.sync()


def forget(place: Path) -> None:
    """Take the files out of the page cache, as after a boot."""
    for path in place.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def processor_time(folder: str, opskit: str, rounds: int) -> dict[str, tuple[float, float]]:
    """The seconds of processors that opskit and journalctl take above `--version`, and above an empty directory.

    A busy machine makes them longer by a little, and the wall clock it can double. What is compared is run side by
    side in each round, and of its differences the median counts: what changes between the rounds is in neither.
    """
    spent: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="opskit-bench-", dir="/var/tmp") as empty:
        programs = {"start": starts(opskit), "empty": commands(empty, opskit), "files": commands(folder, opskit)}
        for number in range(rounds + 1):
            for what, argv_of in programs.items():
                for name, argv in argv_of.items():
                    taken = measure(argv)[1]
                    if number:
                        spent.setdefault((name, what), []).append(taken)
    return {
        title: (above(spent["opskit", "files"], spent["opskit", below]),
                above(spent["journalctl", "files"], spent["journalctl", below]))
        for title, below in (("above an empty directory", "empty"), ("above `--version`", "start"))
    }  # fmt: skip


def above(taken: list[float], below: list[float]) -> float:
    """By how much the first are above the second: the median of the differences in each round."""
    return statistics.median(each - other for each, other in zip(taken, below))


def processor_rounds(rounds: int) -> int:
    """How often the time of processors is measured, in a bench of so many rounds: differences need more."""
    return max(15, rounds)


def about(files: int, rounds: int) -> str:
    """What the table is made of."""
    medians = f"medians of {rounds} interleaved rounds"
    return f"{files} journal files; {medians}; of {processor_rounds(rounds)} differences for the processor time."


def starts(opskit: str) -> dict[str, list[str]]:
    """What each of the two takes to begin, and to end."""
    return {"journalctl": ["journalctl", "--version"], "opskit": [opskit, "--version"]}


def commands(place: str, opskit: str) -> dict[str, list[str]]:
    """The two that are compared, on this directory."""
    return {
        "journalctl": ["journalctl", "-D", place, "--disk-usage"],
        "opskit": [opskit, "journal", "vacuum", "2d", "-D", place, "--dry-run", "--json"],
    }


def main() -> int:
    """Measure in interleaved rounds, tell, and exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--files", type=int, default=2000)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="opskit-bench-", dir="/var/tmp") as folder:
        place = Path(folder)
        make(place, options.files)
        for number in range(options.rounds + 1):
            for cache in ("not cached", "cached"):
                for name, argv in commands(folder, options.opskit).items():
                    if cache == "not cached":
                        forget(place)
                    taken = measure(argv)[0]
                    if number:  # the first round fills the other caches
                        seconds.setdefault(f"{name} {cache}", []).append(taken)
        above = processor_time(folder, options.opskit, processor_rounds(options.rounds))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    table = ["| preview of a vacuum / `journalctl --disk-usage` | ratio | goal | |", "|---|---|---|---|"]
    ratios = {}
    for cache in ("not cached", "cached"):
        wall = medians[f"opskit {cache}"], medians[f"journalctl {cache}"]
        ratios[cache] = wall[0] / wall[1]
        met = "met" if ratios[cache] <= 1 / 3 else "MISSED, no slower" if ratios[cache] <= 1 else "MISSED"
        table.append(f"| files {cache} ({wall[0]:.3f} s / {wall[1]:.3f} s) | {ratios[cache]:.2f} | ≤ 0.33 | {met} |")
    for title, (ours, theirs) in above.items():
        met = "met" if ours <= theirs else "MISSED"
        row = f"{title}, processor time ({ours:.3f} s / {theirs:.3f} s)"
        table.append(f"| {row} | {ours / theirs:.2f} | ≤ 1 | {met} |")
    text = "\n".join([f"{machine()},\n{about(options.files, options.rounds)}", "", *table])
    print(text)
    if options.write:
        write_readme("journal", text)
    met_all = all(ours <= theirs for ours, theirs in above.values())
    return 0 if met_all and all(ratio <= 1 / 3 for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
