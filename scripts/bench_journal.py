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

from bench_common import machine, write_readme

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
    subprocess.run(["cp", "--sparse=always", first, sparse], check=True)
    first.unlink()
    for number in range(count):
        at = now - (count - number) * HOUR
        path = place / f"system@{'ab' * 16}-{number * ENTRIES + 1:016x}-{at:016x}.journal"
        subprocess.run(["cp", "--sparse=always", sparse, path], check=True)
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


def measure(argv: list[str]) -> float:
    """The wall clock of a program, in seconds. Ends this one when it fails."""
    started = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"scripts/bench: {argv}: exit {done.returncode}\n{done.stderr}")
    return time.perf_counter() - started


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
        opskit = [options.opskit, "journal", "vacuum", "2d", "-D", folder, "--dry-run", "--json"]
        journalctl = ["journalctl", "-D", folder, "--disk-usage"]
        for number in range(options.rounds + 1):
            for cache in ("not cached", "cached"):
                for name, argv in (("journalctl", journalctl), ("opskit", opskit)):
                    if cache == "not cached":
                        forget(place)
                    taken = measure(argv)
                    if number:  # the first round fills the other caches
                        seconds.setdefault(f"{name} {cache}", []).append(taken)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    table = ["| preview of a vacuum / `journalctl --disk-usage` | ratio | goal | |", "|---|---|---|---|"]
    ratios = {}
    for cache in ("not cached", "cached"):
        ours, theirs = medians[f"opskit {cache}"], medians[f"journalctl {cache}"]
        ratios[cache] = ours / theirs
        met = "met" if ratios[cache] <= 1 / 3 else "MISSED, no slower" if ratios[cache] <= 1 else "MISSED"
        table.append(f"| files {cache} ({ours:.3f} s / {theirs:.3f} s) | {ratios[cache]:.2f} | ≤ 0.33 | {met} |")
    about = f"{machine()}, {options.files} journal files; medians of {options.rounds} interleaved rounds."
    text = "\n".join([about, "", *table])
    print(text)
    if options.write:
        write_readme("journal", text)
    return 0 if all(ratio <= 1 / 3 for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
