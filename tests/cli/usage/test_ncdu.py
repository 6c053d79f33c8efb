"""ncdu's export format: ncdu opens what opskit writes and opskit what ncdu writes, with the same sizes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import UsageFault
from opskit.usage.du.model import ScanRequest
from opskit.usage.du.ncdu import ALL_DEPTHS, export, parse, shallow
from opskit.usage.du.saved import SavedScan
from opskit.usage.du.see.kept import read_saved
from opskit.usage.du.see.scan import scan
from tiers import Agree, seeds
from trees import du, make_tree

needs_ncdu = pytest.mark.skipif(not shutil.which("ncdu"), reason="ncdu is not on this host")


def opskit(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "opskit", "du", *words]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", errors="surrogateescape", check=False)
    assert done.returncode == code, done
    return done


def ncdu(*words: str) -> bytes:
    done = subprocess.run(["ncdu", "-0", *words, "-o", "-"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done
    return done.stdout


def directories(saved: SavedScan) -> list[tuple[str, int]]:
    return sorted((entry.path, entry.bytes) for entry in saved.scan.entries if entry.kind == "directory")


@needs_ncdu
@pytest.mark.parametrize("seed", seeds(3, 20, 200))
def test_both_ways(tmp_path: Path, seed: int, agree: Agree) -> None:
    root = tmp_path / "root"
    make_tree(root, seed, entries=100)
    expected = du("--max-depth=99", str(root))
    apparent = du("--max-depth=99", "--apparent-size", str(root))
    theirs = ncdu(str(root))
    request = ScanRequest((os.fsencode(root),), ALL_DEPTHS, all=True)
    ours = export(SavedScan(datetime.now(timezone.utc), "", request, scan(request)))
    compared = [
        directories(parse(theirs, "")) == expected,
        directories(parse(theirs, "", apparent=True)) == apparent,
        directories(parse(ours, "")) == expected,
    ]
    (tmp_path / "ours.ncdu").write_bytes(ours)
    again = ncdu("-f", str(tmp_path / "ours.ncdu"))
    compared.append(directories(parse(again, "")) == expected)
    agree("scans through ncdu", sum(compared), len(compared))


@needs_ncdu
def test_on_the_command_line(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "a/b/c").mkdir(parents=True)
    (root / "a/b/c/file").write_bytes(b"x" * 9000)
    ours, theirs = str(tmp_path / "ours.ncdu"), str(tmp_path / "theirs")
    done = opskit(str(root), "--save", ours, "--depth", "1")
    assert [line.split("\t")[1] for line in done.stdout.splitlines()] == [str(root), f"{root}/a"]
    Path(theirs).write_bytes(ncdu(str(root)))
    (root / "a/b/more").write_bytes(b"x" * 5000)
    for name in (ours, theirs):
        result: Any = json.loads(opskit("--diff", name, "--json", "--depth", "3").stdout)["result"]
        grown = {change["path"]: change["after_bytes"] - change["before_bytes"] for change in result["changes"]}
        assert grown == {f"{root}/a/b": 8192, f"{root}/a": 8192, str(root): 8192}
    assert "not of" in opskit(str(tmp_path), "--diff", theirs, code=2).stderr
    assert "one root" in opskit(str(root), str(tmp_path), "--save", ours, code=2).stderr
    opskit(str(root), "--save", ours)  # what is there is a scan, and may be replaced
    (tmp_path / "notes.ncdu").write_text("[1, 2]")
    assert "not an export of ncdu" in opskit(str(root), "--save", str(tmp_path / "notes.ncdu"), code=2).stderr


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[]",
        '[1,0,[],[{"name":"/"}]]',
        '[1,0,{"timestamp":1e300},[{"name":"/"}]]',
        '[1,0,{"timestamp":99999999999999999},[{"name":"/"}]]',
        '[1,0,{"timestamp":1},{"name":"/"}]',
        '[1,0,{"timestamp":1},[{"name":"/"},7]]',
        '[1,0,{"timestamp":1},[{"name":"/","dsize":"x"}]]',
        '[1,0,{"timestamp":1},[{"name":"/","dsize":-1}]]',
        '[1,0,{"timestamp":1},[{"name":"/","dsize":9223372036854775808}]]',
        f'[1,0,{{"timestamp":1}},[{{"name":"/","dsize":1{"0" * 400}}}]]',
        '[1,0,{"timestamp":1},[{"name":"/"},{"name":"\\ud800"}]]',  # no bytes are this name
    ],
)
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(UsageFault, match="not an export"):
        parse(text.encode(), "file")
    with pytest.raises(UsageFault, match="version 2"):
        parse(b'[2,0,{"timestamp":1},[{"name":"/"}]]', "file")


def test_what_nests_deeper_than_python_reads_is_told_of() -> None:
    deep = '[{"name":"d"},' * 100_000
    with pytest.raises(UsageFault, match="nested too deep"):
        parse(f'[1,0,{{}},[{{"name":"/"}},{deep}'.encode(), "file")


def test_a_head_without_a_time_and_a_root_that_was_left_out(tmp_path: Path) -> None:
    """ncdu reads nothing of the head; what writes this format beside it may leave the time out."""
    file = tmp_path / "export"
    file.write_text('[1,0,{},[{"name":"/r","dsize":4096,"excluded":"pattern"}]]')
    os.utime(file, (1700000000, 1700000000))
    saved = read_saved(str(file))
    assert (saved.taken.timestamp(), saved.scan.entries, saved.scan.total_bytes) == (1700000000, (), 0)
    file.write_text('[1,0,{},[{"name":"/r","dsize":4096}]]')
    assert directories(read_saved(str(file))) == [("/r", 4096)]


def test_links_and_what_was_left_out() -> None:
    text = """[1,2,{"progname":"ncdu","progver":"1.18","timestamp":1},[{"name":"/r","dsize":4096,"dev":3},
{"name":"a","dsize":8192,"ino":7,"hlnkc":true},{"name":"o","dsize":1,"excluded":"othfs"},
[{"name":"d","dsize":4096},{"name":"b","dsize":8192,"ino":7,"hlnkc":true},{"name":"c","dsize":4096}]]]"""
    saved = parse(text.encode(), "file")
    assert directories(saved) == [("/r", 20480), ("/r/d", 8192)]
    assert (saved.scan.total_entries, saved.taken.timestamp()) == (4, 1)
    assert [entry.path for entry in shallow(saved, 1, files=True).scan.entries] == ["/r", "/r/a", "/r/d"]
