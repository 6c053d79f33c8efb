"""`opskit journal errors` beside journalctl alone and beside what people write: medians of interleaved rounds, ratios.

.venv/bin/python scripts/bench_journal_errors.py [--rounds N] [--entries N] [--json]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_common import machine, write_readme
from journal_entries import entries, write_journal
from opskit.journal.errors.export import FIELDS
from opskit.journal.errors.query import match_words

ROOT = Path(__file__).resolve().parents[1]
# The command itself, and at its end the most memory that it had: journalctl's own is mapped files, and not counted.
OPSKIT = """
import resource, sys
from opskit.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
JSON = "import json, sys\nfor line in sys.stdin: json.loads(line)"
GOAL_EXPORT, GOAL_JSON, GOAL_MEMORY = 1.3, 0.5, 120 * 1024


def run(*argv: str, before: tuple[str, ...] = ()) -> tuple[float, str]:
    """Seconds to the end, and what was said on stderr. before: what writes into its stdin. Ends this on a failure."""
    started = time.perf_counter()
    feed = subprocess.Popen(before, stdout=subprocess.PIPE) if before else None
    done = subprocess.run(
        argv, stdin=feed.stdout if feed else subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    if feed and feed.stdout:
        feed.stdout.close()
        feed.wait()
    if done.returncode:
        sys.exit(f"{argv}: exit {done.returncode}\n{done.stderr}")
    return time.perf_counter() - started, done.stderr


def measure(folder: str, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Seconds of every round, by name, the first one to warm up left out; and opskit's memory in KiB."""
    seconds: dict[str, list[float]] = {}
    memory = 0
    for number in range(rounds + 1):
        for name, priority in (("err", ("-p", "err")), ("all", ("-p", "debug"))):
            # The same filter: that of opskit, which is a little more than -p err.
            journalctl = ("journalctl", "-q", "-D", folder, *match_words(3 if name == "err" else 7))
            took = {}
            took["opskit"], said = run(
                sys.executable, "-c", OPSKIT, "journal", "errors", "-D", folder, *priority, "--json"
            )
            memory = max(memory, int(said.split()[-1]))
            took["export"], _ = run(*journalctl, "-o", "export", f"--output-fields={','.join(FIELDS)}")
            json_too = (*journalctl, "-o", "json")
            took["json"], _ = run(sys.executable, "-c", JSON, before=json_too)
            if number:
                for what, value in took.items():
                    seconds.setdefault(f"{name} {what}", []).append(value)
    return seconds, memory


def lines(seconds: dict[str, list[float]], memories: list[int]) -> tuple[list[str], bool]:
    """The table, and whether every goal is met. memories: with a tenth of the entries, and with all of them."""
    out = ["| median of wall clock | ratio | goal | |", "|---|---|---|---|"]
    fine = True
    for name, text in (("err", "`journal errors`"), ("all", "`journal errors -p debug`")):
        for what, goal in (("export", GOAL_EXPORT), ("json", GOAL_JSON)):
            mine, other = (statistics.median(seconds[f"{name} {one}"]) for one in ("opskit", what))
            beside = "`journalctl -o export`, same filter" if what == "export" else "`journalctl -o json`, json.loads"
            met = mine / other <= goal
            fine = fine and met
            verdict = "met" if met else "MISSED"
            times = f"{mine:.2f} s / {other:.2f} s"
            out.append(f"| {text} / {beside} ({times}) | {mine / other:.2f} | ≤ {goal} | {verdict} |")
    few, most = (memory // 1024 for memory in memories)
    met = most < GOAL_MEMORY // 1024
    what = f"memory, MiB: all entries / a tenth of them ({most} / {few})"
    out.append(f"| {what} | {most / few:.2f} | < 120 MiB | {'met' if met else 'MISSED'} |")
    return out, fine and met


def main() -> int:
    """Measure, tell, and exit 1 when a goal is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--opskit", help="not needed: this interpreter's opskit is measured, for its memory's sake")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--wrong", type=float, default=0.28, help="the share of errors")
    parser.add_argument("--json", action="store_true", help="every single time, in seconds")
    options = parser.parse_args()
    memories = []
    with tempfile.TemporaryDirectory(prefix="opskit-bench-") as folder:
        for count, rounds in ((options.entries // 10, 1), (options.entries, options.rounds)):
            place = Path(folder, str(count))
            place.mkdir()
            write_journal(place / "x.journal", entries(count, wrong=options.wrong))
            seconds, memory = measure(str(place), rounds)
            memories.append(memory)
    if options.json:
        print(json.dumps(seconds))
    table, fine = lines(seconds, memories)
    about = f"{machine()}, {options.entries} entries, {options.wrong:.0%} errors; medians of {options.rounds} rounds."
    text = "\n".join([about, "", *table])
    print(text)
    if options.write:
        write_readme("journal_errors", text)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
