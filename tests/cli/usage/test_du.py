"""`opskit du` from the command line: what it shows, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from trees import make_tree

DAY = 86400


def run(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `opskit du`. before: what it is run by."""
    return subprocess.run(
        [*before, sys.executable, "-m", "opskit", "du", *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=300,
    )


def result(*arguments: str) -> dict[str, Any]:
    """The result of --json."""
    result: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)["result"]
    return result


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two directories and four files; sizes in blocks of 4 KiB: 1 to 5 with what is above them."""
    root = tmp_path / "root"
    for name, blocks, days in (("a/one.log", 5, 100), ("a/b/two.LOG", 3, 40), ("c/three.txt", 1, 2), ("four", 2, 0)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 4096 * blocks)
        when = time.time() - days * DAY - 60
        os.utime(path, (when, when))
    return root


def paths(lines: str) -> list[str]:
    """The last path component of each line."""
    return [line.rpartition("/")[2] for line in lines.splitlines()]


def test_the_text_is_that_of_du_sorted_by_exact_size(tree: Path, tmp_path: Path) -> None:
    make_tree(tmp_path / "more", 11)
    for root in (tree, tmp_path):
        human = subprocess.run(["du", "-h", "--max-depth=2", root], capture_output=True, text=True, check=True).stdout
        done = run(str(root))
        assert (done.returncode, done.stderr) == (0, "")
        names = {line.replace("\x1b", "\\x1b").replace("\udcff", "\\xff") for line in human.splitlines()}
        assert {line for line in done.stdout.splitlines() if "\\" not in line} <= names
        sizes = [int(line.split("\t")[0]) for line in run(str(root), "--bytes").stdout.splitlines()]
        assert sizes == sorted(sizes, reverse=True)
        assert len(sizes) == len(done.stdout.splitlines())


def test_equal_sizes_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).mkdir()
    assert paths(run(str(tmp_path)).stdout)[1:] == ["a", "b", "c"]


def test_what_is_selected(tree: Path) -> None:
    assert len(run(str(tree), "--top", "2").stdout.splitlines()) == 2
    assert paths(run(str(tree), "--min-size", "30K").stdout) == ["root", "a"]
    assert paths(run(str(tree), "--files", "--depth", "0", "--top", "3").stdout) == ["root", "one.log", "two.LOG"]
    assert paths(run(str(tree), "--all", "--depth", "1").stdout) == ["root", "a", "c", "four"]
    assert paths(run(str(tree), "--inodes").stdout) == ["root", "a", "b", "c"]
    assert run(str(tree), "--inodes").stdout.startswith("8\t")
    for option, value in (("--min-size", "9" * 400), ("--min-size", "9" * 5000), ("--workers", "251")):
        assert run(str(tree), option, value).returncode == 2


def test_only_what_is_old(tree: Path) -> None:
    assert result(str(tree), "--older-than", "30d")["total_bytes"] == 8 * 4096
    assert result(str(tree), "--older-than", "2w", "--by", "ext")["groups"] == [
        {"name": ".log", "bytes": 8 * 4096, "entries": 2}
    ]
    for span in ("30", "1M", "-1d", "2D", "soon", ""):
        assert run(str(tree), f"--older-than={span}").returncode == 2


def test_sums_by_extension_age_and_user(tree: Path) -> None:
    named = {
        by: {g["name"]: g["bytes"] // 4096 for g in result(str(tree), "--by", by)["groups"]} for by in ("ext", "age")
    }
    assert named["ext"] == {".log": 8, "(directories)": 4, "(no extension)": 2, ".txt": 1}
    assert named["age"] == {"90 to 365 days": 5, "30 to 90 days": 3, "1 to 7 days": 1, "under 1 day": 6}
    (owner,) = result(str(tree), "--by", "user")["groups"]
    assert (owner["bytes"], owner["entries"]) == (15 * 4096, 8)
    assert run(str(tree), "--by", "ext").stdout.splitlines()[-1] == "60K\ttotal"
    assert run(str(tree), "--by", "colour").returncode == 2


def test_several_roots_have_a_total(tree: Path) -> None:
    lines = run(str(tree / "a"), str(tree / "c"), str(tree), "--depth", "0", "--bytes").stdout.splitlines()
    assert lines[-1] == f"{15 * 4096}\ttotal"
    assert sum(int(line.split("\t")[0]) for line in lines[:-1]) == 15 * 4096


@pytest.mark.parametrize("by", ["ext", "age", "user"])
@pytest.mark.parametrize("workers", [(), ("--workers", "3")])
def test_groups_add_up_to_the_total_where_roots_contain_each_other(
    tree: Path, by: str, workers: tuple[str, ...]
) -> None:
    answer = result(str(tree / "a/b"), str(tree / "c"), str(tree), "--by", by, *workers)
    assert sum(group["bytes"] for group in answer["groups"]) == answer["total_bytes"] == 15 * 4096
    assert sum(group["entries"] for group in answer["groups"]) == answer["total_entries"] == 8


def test_json_has_exact_sizes_and_every_name(tmp_path: Path) -> None:
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\n")
    answer = result(str(tmp_path))
    assert {entry["path"] for entry in answer["entries"]} == {str(tmp_path), f"{tmp_path}/\udcff\n"}
    assert (answer["total_bytes"], answer["unreadable"], answer["partial"]) == (8192, [], False)
    assert answer["entries"][0]["entries"] == 2
    assert "\\xff\\n" in run(str(tmp_path)).stdout
    done = run(str(tmp_path), "-0")
    assert done.stdout == f"8.0K\t{tmp_path}\0" + f"4.0K\t{tmp_path}/\udcff\n\0"


def test_a_root_that_is_a_file_is_said_to_be_one(tree: Path) -> None:
    for options in ((), ("--files",), ("--all",)):
        answer = result(str(tree / "four"), str(tree / "c"), *options)["entries"]
        assert {(Path(item["path"]).name, item["kind"]) for item in answer} - {("three.txt", "file")} == {
            ("four", "file"),
            ("c", "directory"),
        }
        assert len(answer) == (3 if options else 2)


def test_what_is_not_there_is_named_and_the_rest_is_right(tree: Path) -> None:
    done = run(str(tree / "no\x1bwhere"), str(tree))
    assert done.returncode == 1
    assert "no\\x1bwhere: No such file or directory" in done.stderr
    assert done.stdout.endswith("60K\ttotal\n")
    answer = json.loads(run("/nowhere", str(tree), "--json").stdout)
    assert (answer["ok"], answer["error"]["exit_code"]) == (False, 1)
    assert answer["result"]["total_bytes"] == 15 * 4096
    alone = run("/nowhere", "--json")
    answer = json.loads(alone.stdout)
    assert (alone.returncode, answer["ok"], answer["error"]["exit_code"]) == (1, False, 1)
    assert result("/nowhere", str(tree))["unreadable"] == [{"path": "/nowhere", "why": "No such file or directory"}]


def test_sparse_files_of_more_bytes_than_a_number_of_the_kernel_holds() -> None:
    """On a tmpfs: ext4 has none that long."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        for number in range(4):
            with open(os.path.join(folder, str(number)), "wb") as file:
                try:
                    file.truncate(7 << 60)
                except OSError:
                    pytest.skip("no file can be that long here")
        expected = (28 << 60) + os.lstat(folder).st_size
        assert result(folder, "--apparent")["total_bytes"] == expected
        assert run("--apparent", "--bytes", "-s", folder).stdout == f"{expected}\t{folder}\n"


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv to be less")
def test_what_may_not_be_read_is_named_and_the_rest_is_right(tree: Path) -> None:
    """Of another user, to a root without the capabilities that would let him read it all the same."""
    (tree / "a").chmod(0o700)
    (tree / "c").chmod(0o744)  # its names can be read, but nothing of what they name
    for name in ("a", "c"):
        os.chown(tree / name, 65534, 65534)
    less = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    done = run(str(tree), "--bytes", before=less)
    expected = subprocess.run([*less, "du", "-B1", tree], capture_output=True, text=True, check=False)
    assert (done.returncode, expected.returncode) == (1, 1)
    assert sorted(done.stdout.splitlines()) == sorted(expected.stdout.splitlines())
    assert f"opskit du: {tree}/a: Permission denied" in done.stderr
    assert f"opskit du: {tree}/c/three.txt: Permission denied" in done.stderr
    assert "2 could not be read" in done.stderr


def test_a_tree_that_changes_all_the_time_does_no_harm(tmp_path: Path) -> None:
    """Directories vanish, and become links to what is outside; nothing outside is ever counted."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * (1 << 22))
    root = tmp_path / "root"
    swap = f"""
import os
while True:
    for number in range(50):
        os.makedirs(f"{root}/{{number}}/x/y", exist_ok=True)
        os.rename(f"{root}/{{number}}/x", f"{root}/{{number}}/z")
        os.symlink("{outside}", f"{root}/{{number}}/x")
        os.remove(f"{root}/{{number}}/x")
        os.rmdir(f"{root}/{{number}}/z/y")
        os.rmdir(f"{root}/{{number}}/z")
"""
    root.mkdir()
    swapping = subprocess.Popen([sys.executable, "-c", swap])
    try:
        for number in range(12):
            done = run(str(root), *(("--workers", "3") if number % 2 else ()), "--json")
            result = json.loads(done.stdout)["result"]
            assert (done.returncode, result["unreadable"]) == (0, []), done.stderr
            assert result["total_bytes"] < 1 << 21
            assert swapping.poll() is None
    finally:
        swapping.kill()
        swapping.wait()


class Terminal:
    """`opskit du` on a terminal, whose stderr it shows too."""

    def __init__(self, *arguments: str, columns: int = 80) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.update(COLUMNS=str(columns), TERM="xterm")
            os.execv(sys.executable, [sys.executable, "-m", "opskit", "du", *arguments])
        self.text = ""

    def end(self, *, until: str = "") -> tuple[int, str]:
        """All that it shows; with until: Ctrl-C is pressed when this has been shown."""
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # EIO: it has ended
                break
            if not data:
                break
            self.text += data.decode("utf-8", "surrogateescape")
            if until and re.search(until, self.text):
                os.write(self.master, b"\x03")
                until = ""
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), self.text


def test_a_terminal_gets_shares_bars_and_a_total(tree: Path) -> None:
    status, text = Terminal(str(tree), "--depth", "1").end()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert status == 0
    assert lines[0].split() == ["60K", "100%", "#" * 20, str(tree)]
    assert lines[1].startswith(" 40K   67%  #############.......")
    assert lines[-1] == " 60K  total, in 8 entries"
    assert "\x1b[" in text
    assert "\x1b[" not in Terminal(str(tree), "--color", "never").end()[1]


def test_ctrl_c_prints_what_is_known_and_progress_is_gone(tmp_path: Path) -> None:
    """A scan of half a minute: the same directories a thousand times, each time by new workers."""
    for number in range(300):
        (tmp_path / f"{number}" / "x" / "y").mkdir(parents=True)
    again = ["--count-links", "--depth", "0", "--top", "3", *[str(tmp_path)] * 2000]
    for workers in (("--workers", "2"), ()):
        status, text = Terminal(*workers, *again).end(until=r"entries .*/s")
        assert status == 130, text
        assert "interrupted: this is what was counted by then" in text
        assert text.rindex("\r\x1b[K") < text.index("total, in")
        assert "Traceback" not in text


def test_a_signal_ends_it_with_its_workers(tmp_path: Path) -> None:
    again = ["--count-links", "--workers", "4", *[str(tmp_path)] * 20000]
    started = subprocess.Popen(
        [sys.executable, "-m", "opskit", "du", *again], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
    while not children.read_text():
        assert started.poll() is None
    started.send_signal(signal.SIGTERM)
    _, errors = started.communicate(timeout=300)  # the workers hold stderr too
    assert started.returncode == 143
    assert b"Traceback" not in errors


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    """As du: it is still there for who is in it."""
    script = 'import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, "-m", *sys.argv[1:]])'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for arguments, code, expected in (
        (("--bytes",), 0, "."),
        (("--bytes", ".", str(tmp_path)), 0, "."),
        (("--save", str(tmp_path / "scan")), 1, "the working directory is gone"),
    ):
        (tmp_path / "gone").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", script, "opskit", "du", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path / "gone",
            env=environment,
        )
        assert done.returncode == code, done.stderr
        assert expected in (done.stderr if code else done.stdout)


def test_globs_come_through_the_pipe_of_the_shell(tree: Path) -> None:
    """`--exclude-from <(…)` as GNU du takes it."""
    sizes = []
    for command in ("du --apparent-size", f"{sys.executable} -m opskit du --apparent --bytes"):
        line = f"{command} --exclude-from <(echo four; echo '*.txt') -a -d 9 {tree}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, cwd=ROOT)
        sizes.append({text.split("\t")[1] for text in done.stdout.splitlines()})
    assert sizes[0] == sizes[1]
    assert str(tree / "four") not in sizes[0]


def test_a_pipe_that_has_no_end_is_waited_for_with_a_limit(tree: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = (
        "import opskit.usage.du.see.patterns as p, sys; p.PIPE_SECONDS = 0.1; from opskit import cli;"
        f"sys.exit(cli.main(['du', '--exclude-from', {str(fifo)!r}, {str(tree)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    assert "did not end within 0.1 s" in done.stderr
    full = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m opskit du --exclude-from <(head -c 70M /dev/zero) {tree}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert full.returncode == 1
    assert "more than 67108864 bytes" in full.stderr
