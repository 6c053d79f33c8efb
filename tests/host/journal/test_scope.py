"""Which directories a vacuum looks at, and when access times count: against the journalctl of this machine.

In a mount namespace with a /run and a /var/log of its own: the journals of this machine are not in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT, TESTS
from journals import Pool, missing

OTHER = "fedcba98" * 4
UUID = "01234567-89ab-cdef-0123-456789abcdef"
INSIDE = """
import json, os, random, shutil, subprocess, sys, time
from pathlib import Path

sys.path[:0] = {tests!r}
from journals import DAY, SECOND, archived, listing, stamp

pool, options, noatime, future_names = Path({pool!r}), {options!r}, {noatime!r}, {future!r}
for place in ("/run", "/var/log"):
    flags = ["-o", "noatime"] if noatime else []
    subprocess.run(["mount", "-t", "tmpfs", *flags, "tmpfs", place], check=True)
own = Path("/etc/machine-id").read_text().strip()
rnd = random.Random({seed})
made = []
for root in ("/run/log/journal", "/var/log/journal", "/var/log/journal/remote", "/var/log/other/var/log/journal"):
    names = ("", own, own + ".one", own + ".two", own + ".a b", {other!r}, {other!r} + ".one", {uuid!r}, "no-id")
    for name in names:
        directory = Path(root, name)
        directory.mkdir(parents=True, exist_ok=True)
        made.append(directory)
        now = time.time_ns() // 1000
        for number in range(rnd.randrange(1, 5)):
            at = now - rnd.randrange(1, 40) * DAY - 7 * 3600 * SECOND
            path = directory / archived("system", "ab" * 16, number + 1, at)
            shutil.copy(rnd.choice(sorted(pool.iterdir())), path)
            if future_names:
                # Names from the future: only the times of the file count.
                future = directory / archived("system", "ab" * 16, number + 1, now + 90 * DAY)
                path.rename(future)
                os.utime(future, ns=((now - rnd.randrange(1, 40) * DAY) * 1000, now * 1000))
        shutil.copy(sorted(pool.iterdir())[0], directory / "system.journal")
Path("/var/log/journal/link").symlink_to(Path("/var/log/journal", {other!r}))
before = {{path: size for path, size in listing(made).items() if Path(path).is_file()}}
argv = [{python!r}, "-m", "opskit", "journal", "vacuum", *options, "--json", "--yes", "--state-dir", "/run/state"]
done = subprocess.run(argv, capture_output=True, text=True)
after = listing(made)
gone = sorted(path for path in before if path not in after)
print(json.dumps([done.returncode, json.loads(done.stdout), gone, own, done.stderr]))
"""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.geteuid() != 0:
        pytest.skip("needs root: a mount namespace is made")
    if missing():
        pytest.skip(missing())
    place = tmp_path_factory.mktemp("pool")
    Pool(place)
    return place


def run(
    pool: Path, *options: str, noatime: bool = False, future: bool = False, seed: int = 1
) -> tuple[int, dict[str, Any], list[str], str]:
    """What opskit answers in that namespace, what went, and this machine's id."""
    code = INSIDE.format(
        tests=[str(TESTS), str(ROOT)], pool=str(pool), options=options,
        noatime=noatime, future=future, seed=seed, other=OTHER, uuid=UUID, python=sys.executable,
    )  # fmt: skip
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    status, answer, gone, own, errors = json.loads(done.stdout)
    assert answer["error"] is None or status, errors
    return status, answer, gone, own


CASES = [
    (),
    ("--namespace", "one"),
    ("--namespace", "+two"),
    ("--namespace", "*"),
    ("-D", "/var/log/journal"),
    ("-D", f"/var/log/journal/{OTHER}"),
    ("-D", "/var/log/journal/remote"),
    ("--root", "/var/log/other"),
    ("--root", "/"),
]


@pytest.mark.parametrize("options", CASES, ids=" ".join)
def test_the_directories_are_those_of_journalctl(pool: Path, options: tuple[str, ...]) -> None:
    for number, limit in enumerate((("2d",), ("--files", "2"), ("--size", "1M", "20d"))):
        status, answer, gone, _ = run(pool, *limit, *options, seed=number)
        assert status == 0, answer
        assert [file["path"] for file in answer["result"]["deletes"] if file["path"] not in gone] == []
        assert sorted(file["path"] for file in answer["result"]["deletes"]) == gone
        assert gone
        assert answer["result"]["as_predicted"] is True


@pytest.mark.parametrize("noatime", [True, False])
def test_access_times_count_where_reading_leaves_them_alone(pool: Path, *, noatime: bool) -> None:
    _, answer, gone, own = run(pool, "10d", noatime=noatime, future=True)
    deletes = answer["result"]["deletes"]
    assert sorted(file["path"] for file in deletes) == gone
    assert any(own in path for path in gone) == noatime
