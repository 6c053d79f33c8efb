"""What people type by habit: the options of GNU du and df give what those print, or name opskit's word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opskit.cli import main
from tiers import Agree, seeds
from trees import make_tree

ENVIRONMENT = {**os.environ, "TZ": "America/St_Johns", "LC_ALL": "C"}
DU = (
    "-s",
    "-s -c",
    "-sc -t 8K",
    "-c -d 1",
    "--max-depth=3 -t 100K",
    "--time -d 5",
    "--time -s",
    "--time -a --max-depth=9",
    "--time -a -x -l --exclude=*a* -d 9",
    "--exclude-from=FILE -d 4",
    "-X FILE -a -c -d 9",
    "--time --apparent-size -a -0 -c -d 9",
    "-0 -s -c",
)
PATTERNS = "*.log  \n\n[a-c]1*\nc d*\t\n\\*\n"


def gnu(*argv: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, check=False, env=ENVIRONMENT)


def opskit(*words: str) -> subprocess.CompletedProcess[bytes]:
    return gnu(sys.executable, "-m", "opskit", *words)


def records(output: bytes, end: bytes) -> list[bytes]:
    return sorted(output.split(end)[:-1])


@pytest.mark.parametrize("seed", seeds(1, 5, 60))
def test_du(tmp_path: Path, seed: int, agree: Agree) -> None:
    """Names of one line each, in GNU's order or not; two roots, one in the other."""
    root = tmp_path / "root"
    make_tree(root, seed)
    # By day and night, links too. Not before 1970: GNU du begins to look for the newest of a directory at 0 there.
    for path in sorted(root.rglob("*"), reverse=True):
        when = (hash_of(path.name) * 7919) % 1_790_000_000
        os.utime(path, (when, when), follow_symlinks=False)
    (tmp_path / "patterns").write_text(PATTERNS)
    roots = [str(root), *[str(path) for path in root.iterdir() if path.is_dir()][:1]]
    agreed = 0
    for line in DU:
        words = [word.replace("FILE", str(tmp_path / "patterns")) for word in line.split()]
        # Without -0, GNU du writes names as they are.
        expected = gnu("du", "-B1", *([] if "-0" in words else ["-0"]), *words, *roots[seed % 2 :])
        done = opskit("du", "--bytes", *([] if "-0" in words else ["-0"]), *words, *roots[seed % 2 :])
        same = records(done.stdout, b"\0") == records(expected.stdout, b"\0")
        assert same, (line, set(records(done.stdout, b"\0")) ^ set(records(expected.stdout, b"\0")))
        agreed += same
    agree("options of GNU du", agreed, len(DU))


def hash_of(name: str) -> int:
    return sum(position * byte for position, byte in enumerate(os.fsencode(name), 1))


DF = (
    ("-i", "source,itotal,iused,iavail,ipcent,target"),
    ("-i -T", "source,fstype,itotal,iused,iavail,ipcent,target"),
    ("--output=source,fstype,size,target", "source,fstype,size,target"),
    ("-x tmpfs -x overlay --output=target,size", "target,size"),
    ("-t tmpfs --output=target,fstype", "target,fstype"),
    ("--total --output=size,itotal,target", "size,itotal,target"),
    ("-t proc -a --output=target", "target"),
)


def test_df(agree: Agree) -> None:
    """Other tests mount meanwhile: what both have is compared, and there is something."""
    agreed = 0
    for line, fields in DF:
        options = line.split("--output")[0].split()
        expected = gnu("df", "-B1", *[word for word in options if word not in {"-i", "-T"}], f"--output={fields}")
        done = opskit("df", "--bytes", *line.split())
        theirs = {tuple(row.split()) for row in expected.stdout.decode().splitlines()[1:]}
        ours = {tuple(row.split()) for row in done.stdout.decode().splitlines()[1:]}
        if "-i" in options:  # the kernel makes and forgets inodes all the time; without -T there is a type all the same
            theirs = {(row[0], row[-1]) for row in theirs}
            ours = {(row[0], row[-1]) for row in ours}
        sums = {row for row in ours if row[-1] == "total"}
        theirs, ours = ({row for row in rows if row[-1] != "total"} for rows in (theirs, ours))
        steady = {row for row in theirs | ours if not row[-1].startswith("/tmp/")}
        assert steady, line
        same = {row for row in steady if row not in ours or row not in theirs} == set()
        assert same, (line, steady & theirs ^ steady & ours)
        assert ("total" in line) == bool(sums)
        agreed += same
    agree("options of GNU df", agreed, len(DF))


def test_the_sums_are_those_of_the_rows() -> None:
    rows = [
        row.split() for row in opskit("df", "--bytes", "--total", "--output=size,used,target").stdout.splitlines()[1:]
    ]
    for column in (0, 1):
        assert sum(int(row[column]) for row in rows[:-1]) == int(rows[-1][column])
    assert opskit("df", "--output").stdout.splitlines()[0].split()[:2] == [b"SOURCE", b"TYPE"]
    assert opskit("df", "-t", "nonsense").returncode == 1


@pytest.mark.parametrize(
    ("words", "todo"),
    [
        (["du", "-b"], "opskit du --apparent --bytes"),
        (["du", "-k"], "opskit du --bytes has exact sizes"),
        (["du", "-s", "-d", "1"], "leave one of them out"),
        (["du", "-s", "-a"], "leave one of them out"),
        (["df", "-B", "1"], "opskit df --bytes has exact sizes"),
        (["df", "-l"], "opskit df -x nfs4"),
        (["df", "--output=file"], "--output: 'file' is none of"),
    ],
)
def test_the_word_of_opskit_is_named(words: list[str], todo: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert todo in capsys.readouterr().err
