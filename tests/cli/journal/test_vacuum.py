"""`opskit journal vacuum`, from end to end on directories of real journal files."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from journals import DAY, SECOND, Pool, archived, disposed, export, listing, make, missing, write_journal
from tiers import ranges

ID = "ab" * 16
HOUR = 3600 * SECOND


@dataclass
class Done:
    """How an opskit ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def answer(self) -> dict[str, Any]:
        """The envelope of --json."""
        answer: dict[str, Any] = json.loads(self.stdout)
        return answer


@dataclass
class Place:
    """A directory of journals and a state directory."""

    journals: Path
    state: Path

    def opskit(self, *words: str, trace: str = "", **environment: str) -> Done:
        argv = [sys.executable, "-m", "opskit", *words, "--state-dir", str(self.state)]
        if trace:
            argv = ["strace", "-f", "-o", trace, "-e", "trace=%file,%process", *argv]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        done = subprocess.run(argv, capture_output=True, check=False, env=env, stdin=subprocess.DEVNULL)
        return Done(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    def vacuum(self, *words: str) -> Done:
        return self.opskit("journal", "vacuum", *words, "-D", str(self.journals))

    def names(self) -> set[str]:
        return {path.name for path in self.journals.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Five archived files, the oldest five days old, each with an entry an hour for 26 hours, and an active one."""
    if missing():
        pytest.skip(missing())
    made = Place(tmp_path / "journals", tmp_path / "state")
    made.journals.mkdir()
    now = time.time_ns() // 1000
    for number in range(5):
        start = now - (5 - number) * DAY - HOUR // 2
        path = made.journals / archived("system", ID, number * 100 + 1, start)
        write_journal(path, export([start + HOUR * n for n in range(26)]))
    write_journal(made.journals / "system.journal", export([now - 5 * DAY, now]))
    return made


def state_of(directory: Path) -> list[tuple[str, int, int, str]]:
    """Names, sizes, times and contents."""
    listed = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        listed.append((str(path), status.st_size, status.st_mtime_ns, content))
    return listed


def test_what_goes_is_told_before_and_goes(place: Place) -> None:
    before = listing([place.journals])
    dry = place.vacuum("2d", "--dry-run", "--json").answer
    assert listing([place.journals]) == before
    done = place.vacuum("2d", "--yes", "--json")
    assert done.status == 0, done.stderr
    deletes = dry["result"]["deletes"]
    assert done.answer["result"]["deletes"] == deletes
    assert done.answer["result"]["as_predicted"] is True
    gone = {path: size for path, size in before.items() if path not in listing([place.journals])}
    assert {file["path"]: file["bytes"] for file in deletes} == gone
    assert dry["result"]["freed_bytes"] == sum(gone.values())
    assert [file["entries"] for file in deletes] == [26] * 4
    assert all(file["oldest"] < file["newest"] for file in deletes)
    # An hour apart, from half an hour before the day: 25 of the file that begins two days ago, and the last one of the
    # file before.
    assert dry["result"]["newer_entries_lost"] == 26
    assert [file["reason"] for file in dry["result"]["survives"]] == ["active"]
    assert "newer-entries-lost" in [finding["id"] for finding in dry["findings"]]


def test_newer_entries_are_counted_as_journalctl_counts_them(place: Place) -> None:
    answer = place.vacuum("2d", "--dry-run", "--json").answer["result"]
    since = answer["limit"].replace("T", " ").replace("Z", " UTC")
    counted = 0
    for file in answer["deletes"]:
        argv = ["journalctl", f"--file={file['path']}", f"--since={since}", "-q", "-o", "export"]
        output = subprocess.run(argv, capture_output=True, check=True).stdout
        counted += output.count(b"__REALTIME_TIMESTAMP=")
    assert answer["newer_entries_lost"] == counted > 0


@pytest.mark.parametrize("words", [("2d",), ("--size", "1M"), ("--files", "2"), ("1seconds", "--keep-copy", "COPY")])
def test_a_dry_run_changes_nothing_and_starts_no_vacuum(place: Place, words: tuple[str, ...]) -> None:
    if not shutil.which("strace"):
        pytest.skip("no strace on this machine")
    words = tuple(str(place.state.parent / "copy") if word == "COPY" else word for word in words)
    before = state_of(place.journals)
    trace = place.state.parent / "trace"
    argv = ("journal", "vacuum", *words, "-D", str(place.journals), "--dry-run")
    done = place.opskit(*argv, trace=str(trace))
    assert done.status == 0, done.stderr
    assert state_of(place.journals) == before
    calls = trace.read_text(errors="replace").splitlines()
    assert any("execve" in call and "journalctl" in call for call in calls)
    assert not [call for call in calls if "execve" in call and "vacuum-" in call]
    changing = re.compile(r"^\d+ +(unlink|rename|mkdir|rmdir|link|symlink|f?chmod|f?chown|utime|f?setxattr|mknod)\w*\(")
    assert not [call for call in calls if changing.match(call)]
    assert not [call for call in calls if re.search(r"O_(CREAT|WRONLY|RDWR|TRUNC)", call) and "/dev/null" not in call]
    assert not place.state.exists()


def test_copies_are_made_first_and_undo_brings_them_back(place: Place) -> None:
    before = {file[0]: file for file in state_of(place.journals)}
    copy = place.state.parent / "copy"
    done = place.vacuum("2d", "--keep-copy", str(copy), "--yes", "--json")
    assert done.status == 0, done.stderr
    deletes = [file["path"] for file in done.answer["result"]["deletes"]]
    assert sorted(path.name for path in copy.iterdir()) == sorted(os.path.basename(path) for path in deletes)
    for file in state_of(copy):
        name, size, mtime, content = file
        assert before[str(place.journals / os.path.basename(name))][1:] == (size, mtime, content)
    assert subprocess.run(["journalctl", f"-D{copy}", "-q"], capture_output=True, check=True).stdout
    undone = place.opskit("undo", "last", "--yes")
    assert undone.status == 0, undone.stderr
    assert {file[0]: file for file in state_of(place.journals)} == before
    assert not copy.exists()


@pytest.mark.parametrize("at", ["step:1", "stepped:1", "step:2", "stepped:2"])
def test_a_crash_loses_nothing(place: Place, at: str) -> None:
    before = state_of(place.journals)
    copy = place.state.parent / "copy"
    argv = ("journal", "vacuum", "2d", "-D", str(place.journals), "--keep-copy", str(copy), "--yes")
    assert place.opskit(*argv, OPSKIT_TEST_KILL=at).status < 0
    assert place.opskit("undo", "last", "--yes").status == 0
    assert state_of(place.journals) == before
    assert not copy.exists()


def test_without_copies_undo_says_that_they_are_gone(place: Place) -> None:
    assert place.vacuum("2d", "--yes").status == 0
    undone = place.opskit("undo", "last", "--yes")
    assert "--keep-copy" in undone.stdout + undone.stderr


def test_copies_are_not_taken_away_when_they_are_all_that_is_left(place: Place) -> None:
    copy = place.state.parent / "copy"
    assert place.vacuum("2d", "--keep-copy", str(copy), "--yes").status == 0
    first = next(iter(sorted(copy.iterdir())))
    (place.journals / first.name).write_bytes(b"something else by that name")
    place.opskit("undo", "last", "--yes")
    assert first.exists()
    assert (place.journals / first.name).read_bytes() == b"something else by that name"


def test_copies_are_refused_among_the_journals_and_over_something(place: Place) -> None:
    inside = place.vacuum("2d", "--keep-copy", str(place.journals / "copy"), "--dry-run", "--json")
    assert (inside.status, inside.answer["findings"][0]["id"]) == (5, "copy-among-journals")
    copy = place.state.parent / "copy"
    copy.mkdir()
    (copy / min(name for name in place.names() if "@" in name)).touch()
    taken = place.vacuum("2d", "--keep-copy", str(copy), "--yes", "--json")
    assert (taken.status, taken.answer["findings"][0]["id"]) == (5, "copy-exists")
    assert len(place.names()) == 6


def test_a_second_run_has_nothing_to_do(place: Place) -> None:
    assert place.vacuum("2d", "--yes").status == 0
    again = place.vacuum("2d", "--yes", "--json")
    assert (again.status, again.answer["result"]["changed"]) == (0, False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("2",), "write 2s, 2min, 2h or 2d"),
        (("2D",), "2d"),
        (("1mon",), "month"),
        (("-1d",), ""),
        (("yesterday",), "not a span"),
        (("--size", "500m"), "500M"),
        (("500M",), "--size 500M"),
        (("--size", "500"), "500M"),
        ((), "no limit"),
        (("", "--files", "2"), "SPAN: it is empty"),
        (("2d", "--size", ""), "--size: it is empty"),
        (("2d", "--keep-copy", ""), "--keep-copy: it is empty"),
        (("2d", "--files", str(1 << 64)), "more than journalctl takes"),
        (("2d", "--systemd-version", "239"), "--dry-run"),
    ],
)
def test_what_is_no_limit_is_refused_and_nothing_runs(place: Place, words: tuple[str, ...], expected: str) -> None:
    done = place.vacuum(*words, "--yes")
    assert done.status == 2
    assert expected in done.stderr
    assert len(place.names()) == 6
    assert not place.state.exists()


def test_zero_means_no_limit_and_a_size_in_mb_is_read_as_mib(place: Place) -> None:
    zero = place.vacuum("0", "--yes")
    assert (zero.status, len(place.names())) == (0, 6)
    assert "no limit" in zero.stderr
    size = place.vacuum("--size", "20MB", "--dry-run", "--json").answer["result"]
    assert "20M" in size["title"]
    assert len(size["deletes"]) == 4


def test_no_such_directory_and_no_journals(place: Place, tmp_path: Path) -> None:
    assert place.opskit("journal", "vacuum", "2d", "-D", "/no/such", "--dry-run").status == 2
    for command in (("vacuum", "2d", "-n"), ("retain", "30d", "--yes"), ("usage",), ("verify",), ("errors",)):
        done = place.opskit("journal", *command, "--root", str(tmp_path / "no-such"))
        assert (done.status, done.stdout) == (2, ""), command
        assert "no-such" in done.stderr
        for option in ("--root", "-D") if command[0] != "retain" else ("--root",):
            done = place.opskit("journal", *command, option, "")  # it would be this host's journal
            assert (done.status, "it is empty" in done.stderr) == (2, True), command
    assert not (tmp_path / "no-such").exists()
    empty = tmp_path / "empty"
    empty.mkdir()
    done = place.opskit("journal", "vacuum", "2d", "-D", str(empty), "--yes")
    assert done.status == 0
    assert "no journal files" in done.stderr


def test_before_244_the_directory_itself_is_passed_over(place: Place) -> None:
    refused = place.vacuum("2d", "--dry-run", "--systemd-version", "239", "--json")
    assert (refused.status, refused.answer["findings"][0]["id"]) == (2, "directory-ignored")
    no_files = place.vacuum("2d", "--files", "3", "--dry-run", "--systemd-version", "219", "--json")
    assert no_files.answer["findings"][0]["id"] == "no-vacuum-files"


def test_what_is_not_as_it_should_be_is_named_and_not_followed(place: Place, tmp_path: Path) -> None:
    now = time.time_ns() // 1000
    target = tmp_path / "elsewhere"
    target.write_bytes(b"precious")
    (place.journals / archived("link", ID, 900, now - 90 * DAY)).symlink_to(target)
    (place.journals / disposed("hurt", now - 90 * DAY, 1)).write_bytes(b"LPKSHHRH" + bytes(144) + b"\x01" * 300)
    (place.journals / "system@123.journal").write_bytes(b"x" * 400)
    (place.journals / archived("short", ID, 901, now)).write_bytes(b"x" * 100)
    odd = place.journals / "caf\u00e9\n\x1b[31m.journal"
    odd.write_bytes(b"")
    done = place.vacuum("2d", "--yes", "--json")
    assert done.status == 0, done.stderr
    ids = {finding["id"] for finding in done.answer["findings"]}
    assert {"damaged", "no-files", "looks-archived"} <= ids
    assert (place.journals / "system@123.journal").exists()
    assert target.read_bytes() == b"precious"
    assert (place.journals / archived("link", ID, 900, now - 90 * DAY)).is_symlink()
    assert odd.exists()
    assert len(done.answer["result"]["gone"]) == 6
    text = place.vacuum("1seconds", "--dry-run")
    assert "\x1b" not in text.stdout + text.stderr
    for name in (archived("link", ID, 900, now - 90 * DAY), "system@123.journal", "caf\u00e9\\n\\x1b[31m.journal"):
        assert name in text.stdout
    assert f"opskit journal verify -D {place.journals}" in text.stdout


def test_a_file_that_cannot_be_removed_is_told_and_exits_1(place: Place) -> None:
    oldest = min(path for path in place.journals.iterdir() if "@" in path.name)
    if os.geteuid() or subprocess.run(["chattr", "+i", oldest], check=False, capture_output=True).returncode:
        pytest.skip("no immutable files here")
    try:
        dry = place.vacuum("2d", "--dry-run", "--json").answer
        assert "immutable" in [finding["id"] for finding in dry["findings"]]
        assert str(oldest) not in [file["path"] for file in dry["result"]["deletes"]]
        done = place.vacuum("2d", "--yes", "--json")
        assert done.status == 1
        assert done.answer["result"]["as_predicted"] is False
        assert "not-removed" in [finding["id"] for finding in done.answer["findings"]]
        assert oldest.exists()
        assert len(done.answer["result"]["gone"]) == 3
    finally:
        subprocess.run(["chattr", "-i", oldest], check=True)


def test_without_root_nothing_begins(place: Place) -> None:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("needs root, to be somebody else")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-m", "opskit"]
    environment = {**os.environ, "OPSKIT_CONFIG": "/dev/null", "OPSKIT_STATE_DIR": "/no/such"}
    if subprocess.run([*nobody, "--version"], capture_output=True, check=False, env=environment).returncode:
        pytest.skip("another user may not run this Python")
    for words in (("2d", "--yes"), ("2d", "--yes", "-D", str(place.journals)), ("2d", "-n", "-D", str(place.journals))):
        argv = [*nobody, "journal", "vacuum", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 6, done.stderr
        assert "  to do: sudo " in done.stderr
        assert shlex.join(words) in done.stderr
    assert len(place.names()) == 6


def test_piped_it_is_one_line_for_a_file_and_needs_yes(place: Place) -> None:
    done = place.vacuum("2d")
    assert done.status == 5
    assert "--yes" in done.stderr
    assert sum("@" in line and ".journal" in line for line in done.stderr.splitlines()) == 4
    assert len(place.names()) == 6


def test_piped_every_file_that_stays_is_a_line_without_anything_that_a_terminal_acts_on(place: Place) -> None:
    now = time.time_ns() // 1000
    source = min(path for path in place.journals.iterdir() if "@" in path.name)
    for path in place.journals.iterdir():
        if path not in {source, place.journals / "system.journal"}:
            path.unlink()
    source.rename(place.journals / archived("system", ID, 0, now - 9 * DAY))
    write_journal(place.journals / archived("\x1b[31mx\ny", ID, 1, now - HOUR), export([now - HOUR]))
    for number in range(2, 47):
        shutil.copy(place.journals / "system.journal", place.journals / archived("system", ID, number, now - 8 * DAY))
    done = place.vacuum("2d", "--dry-run")
    assert done.status == 0, done.stderr
    behind = [line for line in done.stdout.splitlines() if line.startswith("kept: ") and line.endswith(" stops")]
    assert len(behind) == 45
    assert "\x1b" not in done.stdout
    assert "behind \\x1b[31mx\\ny@" in behind[0]


def refuses_what_the_plan_did_not_name(place: Place, script: str) -> None:
    """A script made on Monday and run on Friday: a file was archived meanwhile, or another has become old enough."""
    before = place.names()
    new = place.journals / "later.journal~"
    new.touch()
    done = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True)
    new.unlink()
    (container := place.journals / ("0" * 32)).mkdir()
    come = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True)
    container.rmdir()
    container.symlink_to("..")
    linked = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True)
    container.unlink()
    for each in (come, linked):
        assert f"a directory below {place.journals} is new" in each.stderr
    assert "holds other files than when this script was made" in done.stderr
    tools = place.state.parent / "tools"
    tools.mkdir()
    (tools / "date").write_text("#!/bin/sh\necho 99999999999\n")
    (tools / "date").chmod(0o755)
    path = {"PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin"}
    late = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True, env=path)
    assert "by now other files are old enough" in late.stderr
    assert done.returncode == come.returncode == late.returncode == 1
    assert "stopped" in done.stderr
    assert place.names() == before


@pytest.mark.parametrize("linked", [False, True], ids=["directory", "symlink"])
def test_the_script_of_a_dry_run_does_the_same(place: Place, linked: bool) -> None:
    if linked:  # as where /var/log/journal leads to a larger disk
        place.journals.symlink_to(place.journals.rename(place.journals.with_name("elsewhere")))
    copy = place.state.parent / "copy"
    (place.journals / ("2" * 32)).mkdir()
    wanted = [file["path"] for file in place.vacuum("2d", "--dry-run", "--json").answer["result"]["deletes"]]
    script = place.vacuum("2d", "--keep-copy", str(copy), "--format", "sh").stdout
    refuses_what_the_plan_did_not_name(place, script)
    subprocess.run(["sh"], input=script, text=True, check=True, capture_output=True)
    assert not [path for path in wanted if os.path.exists(path)]
    assert len(list(copy.iterdir())) == len(wanted)
    again = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True)
    assert again.returncode != 0
    assert "stopped" in again.stderr


def test_the_script_stops_where_the_first_file_of_a_directory_has_come(place: Place) -> None:
    (empty := place.journals / ("1" * 32)).mkdir()
    script = place.vacuum("2d", "--format", "sh").stdout
    before = place.names()
    (empty / archived("system", ID, 1, 0)).touch()
    done = subprocess.run(["sh"], input=script, text=True, check=False, capture_output=True)
    assert (done.returncode, f"{empty} holds other files" in done.stderr) == (1, True)
    assert place.names() == before


@pytest.mark.parametrize("numbers", ranges(6, 54, 1000, 24))  # 200 are compared with journalctl
def test_generated_directories_through_the_command(tmp_path: Path, numbers: range) -> None:
    if missing():
        pytest.skip(missing())
    (tmp_path / "pool").mkdir()
    pool = Pool(tmp_path / "pool")
    rnd = random.Random(1)
    for seed in (5000 + number for number in numbers):
        made = make(pool, tmp_path / str(seed), seed)
        before = listing(made.directories)
        here = Place(made.path, tmp_path / "state")
        words = rnd.choice((("7d",), ("--files", "3"), ("--size", "200K"), ("1day", "--size", "1M", "--files", "5")))
        done = here.vacuum(*words, "--yes", "--json")
        assert done.status == 0, (seed, words, done.stdout, done.stderr)
        gone = {path for path in before if path not in listing(made.directories)}
        assert {file["path"] for file in done.answer["result"]["deletes"]} == gone, (seed, words)


def test_on_a_terminal_no_name_is_read_as_markup(place: Place) -> None:
    (place.journals.parent / "a[").mkdir()
    odd = place.journals.rename(place.journals.parent / "a[" / "red]")
    argv = [sys.executable, "-m", "opskit", "journal"]
    for words in (["verify"], ["vacuum", "2d", "--yes", "--state-dir", str(place.state)]):
        ours, theirs = pty.openpty()
        with subprocess.Popen([*argv, *words, "-D", str(odd)], stdout=subprocess.DEVNULL, stderr=theirs) as child:
            os.close(theirs)
            output = b""
            with contextlib.suppress(OSError):  # EIO: nobody holds the other side any more
                while data := os.read(ours, 65536):
                    output += data
            os.close(ours)
        assert child.returncode == 0, output
    assert len(list(odd.iterdir())) == 2


def test_verify_finds_a_damaged_file(place: Place) -> None:
    (place.journals / "system.journal").rename(place.journals / "odd [a]*?\\name.journal")
    assert place.opskit("journal", "verify", "-D", str(place.journals)).status == 0
    hurt, cut = sorted(path for path in place.journals.iterdir() if "@" in path.name)[:2]
    data = bytearray(hurt.read_bytes())
    at = data.index(b"MESSAGE=entry 7")
    data[at : at + 9] = b"MESSAGX=e"
    hurt.write_bytes(data)
    os.truncate(cut, 100_000)
    done = place.opskit("journal", "verify", "-D", str(place.journals), "--json")
    assert done.status == 4
    assert {file["path"] for file in done.answer["result"]["damaged"]} == {str(hurt), str(cut)}
    assert done.answer["result"]["sound"] == 4
    assert all("a vacuum deletes it by its age" in finding["evidence"] for finding in done.answer["findings"])
    os.truncate(place.journals / "odd [a]*?\\name.journal", 100_000)
    done = place.opskit("journal", "verify", "-D", str(place.journals))
    assert "by its name no vacuum deletes it" in done.stdout
    assert "journalctl --rotate" not in done.stdout  # that is for what this host's journald writes to


def test_verify_tells_sealed_newer_and_never_closed_from_damaged(place: Place) -> None:
    """By the flags and the state in the header; journalctl refuses the first two, and says that they fail."""
    sealed, newer, never_closed, *_ = sorted(path for path in place.journals.iterdir() if "@" in path.name)
    never_closed = never_closed.rename(place.journals / "user-1000.journal")
    for path, at, value in ((sealed, 8, 1), (newer, 12, 0x20), (never_closed, 16, 1)):
        data = bytearray(path.read_bytes())
        data[at] |= value
        path.write_bytes(data)
    done = place.opskit("journal", "verify", "-D", str(place.journals), "--json")
    assert done.status == 0
    result = done.answer["result"]
    states = {name: result[name] for name in ("sealed", "newer", "never_closed", "in_use", "damaged")}
    assert states == {
        "sealed": [str(sealed)], "newer": [str(newer)], "never_closed": [str(never_closed)], "in_use": [],
        "damaged": [],
    }  # fmt: skip
    assert [finding["id"] for finding in done.answer["findings"]] == ["newer-file", "never-closed", "sealed"]
    assert not any("rm --" in finding["remedy"] for finding in done.answer["findings"])
    # What is damaged in a sealed file is known without its key.
    data = bytearray(sealed.read_bytes())
    at = data.index(b"MESSAGE=entry 7") - 100
    data[at : at + 200] = bytes(200)
    sealed.write_bytes(data)
    done = place.opskit("journal", "verify", "-D", str(place.journals), "--json")
    assert done.status == 4
    assert [file["path"] for file in done.answer["result"]["damaged"]] == [str(sealed)]
    key = place.journals.parent / "key"
    key.write_text("c262bd-85187f-0b1b04-877cc5/1c7af8-35a4e900\n")
    shown = place.opskit("journal", "verify", "-D", str(place.journals), "--verify-key", str(key), "-v")
    assert shown.status == 4
    assert "c262bd" not in shown.stdout + shown.stderr


def test_a_full_var_makes_no_file_damaged(place: Place) -> None:
    if os.geteuid():
        pytest.skip("needs root: a mount namespace")
    full = "mount -t tmpfs -o size=4k tmpfs /var/tmp && (yes > /var/tmp/x; true) 2>/dev/null"
    command = f"{full}; exec {sys.executable} -m opskit journal verify -D {place.journals}"
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", command]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "/var/tmp" in done.stderr


def test_usage_counts_and_names_the_limits(place: Place, tmp_path: Path) -> None:
    root, ident = tmp_path / "root", "0123456789abcdef" * 2
    (root / "var/log/journal").mkdir(parents=True)
    (root / "etc/systemd/journald.conf.d").mkdir(parents=True)
    (root / "etc/machine-id").write_text(f"{ident}\n")
    conf = root / "etc/systemd/journald.conf.d/20-x.conf"
    conf.write_text("[Journal]\nSystemMaxUse=16M\n")
    shutil.copytree(place.journals, root / "var/log/journal" / ident)
    answer = place.opskit("journal", "usage", "--root", str(root), "--json").answer
    [row] = answer["result"]["directories"]
    assert (row["active_files"], row["archived_files"], row["machine_id"]) == (1, 5, ident)
    assert row["bytes"] == sum(listing([root / "var/log/journal" / ident]).values())
    assert {"name": "SystemMaxUse", "value": 16 * 1024**2, "source": f"{conf}:2"} in row["limits"]
    assert [finding["id"] for finding in answer["findings"]] == ["over-limit"]


@pytest.mark.parametrize("namespace", ["*", "+x"])
def test_retain_is_for_one_namespace(place: Place, tmp_path: Path, namespace: str) -> None:
    done = place.opskit("journal", "retain", "30d", "--namespace", namespace, "--root", str(tmp_path), "--yes")
    assert (done.status, "one namespace" in done.stderr) == (2, True)
    assert not (tmp_path / "etc").exists()


def test_retain_writes_a_drop_in_that_undo_takes_away(place: Place, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "var/log/journal").mkdir(parents=True)
    (root / "etc/systemd").mkdir(parents=True)
    argv = ("journal", "retain", "30d", "--size", "500M", "--root", str(root))
    before = state_of(root)
    assert place.opskit(*argv, "--dry-run").status == 0
    assert state_of(root) == before
    assert place.opskit(*argv, "--yes").status == 0
    text = (root / "etc/systemd/journald.conf.d/90-opskit-retain.conf").read_text()
    assert text.endswith("[Journal]\nSystemMaxUse=500M\nMaxRetentionSec=30d\nMaxFileSec=90h\n")
    assert "nothing to do" in place.opskit(*argv, "--yes").stdout
    run = place.opskit("history", "--json").answer["result"]["runs"][0]["id"]
    assert place.opskit("undo", run, "--yes").status == 0
    assert [file[0] for file in state_of(root)] == [file[0] for file in before]
