"""`opskit journal errors` on real journals, read by the real journalctl."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

from checkout import ROOT
from journal_entries import REMOTE, SECOND, START, entries, entry, write_journal
from opskit.journal.files.layout import read_layout

pytestmark = pytest.mark.skipif(
    not (os.path.exists(REMOTE) and shutil.which("journalctl")), reason="no systemd-journal-remote, or no journalctl"
)

ARGV = [sys.executable, "-m", "opskit", "journal", "errors"]
KERNEL = {"_TRANSPORT": "kernel", "SYSLOG_IDENTIFIER": "kernel"}
COREDUMP = {
    "PRIORITY": 2, "MESSAGE_ID": "fc2e22bc6ee647b6b90729ab34a250b1", "COREDUMP_UNIT": "foo.service",
    "_SYSTEMD_UNIT": "systemd-coredump@0-1-0.service", "COREDUMP_PID": 1234, "COREDUMP_COMM": "foo",
    "SYSLOG_IDENTIFIER": "systemd-coredump", "_UID": 0,
}  # fmt: skip
SYSTEMD = {"_PID": 1, "SYSLOG_IDENTIFIER": "systemd", "_SYSTEMD_UNIT": "init.scope", "UNIT": "foo.service"}
START_FAILED = {**SYSTEMD, "PRIORITY": 3, "MESSAGE_ID": "be02cf6855d2428ba40df7e9d022f03d", "JOB_ID": 7}
LONG = b"long " + b"x" * 9000 + b"\nits end"


def trouble(start: int = START) -> list[bytes]:
    """Something of everything; times a second apart."""
    lines: list[tuple[Any, dict[str, Any]]] = [
        ("no priority", {"SYSLOG_IDENTIFIER": "app", "_TRANSPORT": "journal"}),
        ("avc: denied", {"SYSLOG_IDENTIFIER": "audit", "_TRANSPORT": "audit"}),
        (b"Process 1234 (foo) of user 0 dumped core.\n\nStack trace of thread 1:\n#0 0x1", COREDUMP),
        ("Failed to start Foo.", {**START_FAILED, "JOB_RESULT": "failed"}),
        ("foo.service: Failed with result 'exit-code'.", {**SYSTEMD, "PRIORITY": 4}),
        ("Suppressed 120 messages from foo.service", {"_TRANSPORT": "driver", "PRIORITY": 6}),
        ("imjournal: 55 messages lost due to rate-limiting", {"SYSLOG_IDENTIFIER": "rsyslogd", "PRIORITY": 6}),
        ("net_ratelimit: 12 callbacks suppressed", {**KERNEL, "PRIORITY": 4}),
        ("blk_update_request: I/O error, dev vdb, sector 7", {**KERNEL, "PRIORITY": 3}),
        ("blk_update_request: I/O error, dev vdb, sector 19", {**KERNEL, "PRIORITY": 3}),
        (b"\x1b[31mred\x1b[0m [bold]x[/bold] \xff\xfe 42", {"SYSLOG_IDENTIFIER": "bad", "PRIORITY": 3}),
        (LONG, {"SYSLOG_IDENTIFIER": "long", "PRIORITY": 3}),
        ("Killed process 77 (java) total-vm:1kB, anon-rss:1kB", {**KERNEL, "PRIORITY": 3}),
        ("harmless", {"SYSLOG_IDENTIFIER": "x", "PRIORITY": 6}),
        ("a warning", {"SYSLOG_IDENTIFIER": "x", "PRIORITY": 4}),
    ]
    return [entry(text, start + number * SECOND, **fields) for number, (text, fields) in enumerate(lines)]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a real journal of the above."""
    place = tmp_path_factory.mktemp("journal")
    write_journal(place / "x.journal", iter(trouble()))
    return place


def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command; PYTHONPATH, for a user who has no opskit."""
    more.setdefault("env", {**os.environ, "PYTHONPATH": str(ROOT)})
    return subprocess.run(
        [*more.pop("before", ()), *ARGV, *arguments],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=300,
        **more,
    )


def said(*arguments: str) -> dict[str, Any]:
    """The whole envelope."""
    done = run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def journalctl(*arguments: str) -> str:
    """What journalctl itself says."""
    return subprocess.run(["journalctl", "-q", *arguments], capture_output=True, text=True, check=True).stdout


def test_everything_is_found(journal: Path) -> None:
    body = said("-D", str(journal))
    result = body["result"]
    assert result["entries"] == 7 == len(journalctl("-D", str(journal), "-p", "err", "-o", "json").splitlines())
    groups = {group["unit"]: group for group in result["groups"]}
    assert list(groups) == ["foo.service", "kernel", "long", "bad"]
    assert [group["count"] for group in result["groups"]] == [1, 1, 1, 1, 2, 1]
    ids = [finding["id"] for finding in body["findings"]]
    kinds = ["disk-error", "oom-kill", "unit-failed", "core-dump", *["messages-lost"] * 3, "no-priority"]
    assert ids == kinds
    assert [loss["amount"] for loss in result["messages_lost"]] == [120, 55, 12]
    assert result["without_priority"] == {"entries": 2, "audit": 1}
    assert result["disk_errors"][0] | {"example": ""} == {
        "subject": "vdb", "unit": "kernel", "count": 2, "amount": 0, "example": "",
        "first": "2026-09-21T14:13:28.000000Z", "last": "2026-09-21T14:13:29.000000Z",
    }  # fmt: skip


def test_messages_are_whole_and_without_loss_in_json(journal: Path) -> None:
    groups = {group["identifier"]: group for group in said("-D", str(journal))["result"]["groups"]}
    assert groups["long"]["example"] == LONG.decode()
    assert groups["bad"]["example"] == "\x1b[31mred\x1b[0m [bold]x[/bold] \udcff\udcfe 42"
    assert groups["bad"]["pattern"] == "red [bold]x[<path>] \udcff\udcfe <n>"
    assert groups["systemd-coredump"]["example"].endswith("#0 0x1")


def test_the_catalogue_is_filled_from_the_entry(journal: Path) -> None:
    if "be02cf6855d2428ba40df7e9d022f03d" not in journalctl("--list-catalog"):
        pytest.skip("this host has no compiled catalogue")
    groups = {group["identifier"]: group for group in said("-D", str(journal))["result"]["groups"]}
    assert "unit foo.service has failed" in groups["systemd"]["catalog"]
    assert "job identifier is 7 and the job result is failed" in groups["systemd"]["catalog"]
    assert "Process 1234 (foo) crashed and dumped core" in groups["systemd-coredump"]["catalog"]
    assert groups["long"]["catalog"] is None


def test_a_pipe_has_one_record_a_line_and_nothing_that_a_terminal_acts_on(journal: Path) -> None:
    done = run("-D", str(journal))
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + 6 + 8
    assert "\x1b" not in done.stdout + done.stderr
    assert next(line for line in lines if " bad " in line).endswith(
        "red [bold]x[<path>] \\xff\\xfe <n>  like: \\x1b[31mred\\x1b[0m [bold]x[/bold] \\xff\\xfe 42"
    )
    assert any(line.endswith("\\nits end") for line in lines)
    assert lines[7].startswith("critical: disk vdb: 2 kernel error messages [disk-error]; seen: blk_update")
    assert done.stderr == "7 entries in 6 groups\n"
    assert run("-D", str(journal), "-q").stderr == ""


def test_what_is_selected(journal: Path) -> None:
    place = ("-D", str(journal))
    assert len(said(*place, "--top", "2")["result"]["groups"]) == 2
    assert len(said(*place, "--top", "0")["result"]["groups"]) == 6
    assert said(*place, "-p", "crit")["result"]["entries"] == 1
    assert said(*place, "-p", "warning")["result"]["entries"] == 10
    everything = said(*place, "-p", "debug")
    assert everything["result"]["entries"] == 15
    assert "no-priority" not in [finding["id"] for finding in everything["findings"]]
    assert {None, "err", "info"} <= {group["priority"] for group in everything["result"]["groups"]}
    assert said(*place, "--unit", "foo")["result"]["entries"] == 2  # journalctl adds .service
    assert said(*place, "--since", "2026-09-21 14:13:30 UTC")["result"]["entries"] == 3
    assert said(*place, "--until", "2026-09-21 14:13:23 UTC")["result"]["entries"] == 2
    assert said(*place, "--since", "1h")["result"]["entries"] == 0
    assert said(*place, "--boot")["result"]["entries"] == 7
    assert said(*place, "--unit", "foo", "--unit", "none*", "-u", "x.service")["result"]["entries"] == 2
    assert said(*place, "--since", "2026-09-21T14:13:30Z")["result"]["entries"] == 3
    assert said(*place, "--until", "2026-09-21T16:13:23+02:00")["result"]["entries"] == 2


def test_the_boot_before_this_one(tmp_path: Path) -> None:
    boots = [
        entry(f"of boot {number}", START + number * 100 * SECOND, PRIORITY=3).replace(b"b" * 32, letter * 32)
        for number, letter in enumerate((b"b", b"c", b"d"))
    ]
    write_journal(tmp_path / "x.journal", iter(boots))
    for words, message in (((), 2), (("0",), 2), (("-1",), 1), (("-2",), 0), (("c" * 32,), 1)):
        for flag in ("--boot", "-b"):
            (group,) = said("-D", str(tmp_path), flag, *words)["result"]["groups"]
            assert group["example"] == f"of boot {message}"
    done = run("-D", str(tmp_path), "--boot", "-7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "journalctl --list-boots" in done.stderr
    assert run("-D", str(tmp_path), "--boot=last").returncode == 2


def test_a_damaged_file_of_a_boot_and_a_unit(journal: Path, tmp_path: Path) -> None:
    """What is asked for is asked of a file that journalctl does not read, too."""
    data = bytearray((journal / "x.journal").read_bytes())
    layout = read_layout(bytes(data[:272]), len(data))
    items = struct.unpack_from("<4I" if layout.compact else "<4Q", data, layout.arrays + 24)
    data[items[3] : items[3] + 16] = bytes(16)
    (tmp_path / "x.journal").write_bytes(data)
    for words, count in ((("-b",), 6), (("-b", "-u", "foo"), 1), (("-u", "f*.service"), 1), (("-u", "y"), 0)):
        body = said("-D", str(tmp_path), *words)
        assert body["result"]["entries"] == count
        (loss,) = body["result"]["damaged"]
        assert (loss["entries"], loss["lost"], loss["path"]) == (15, 1, f"{tmp_path}/x.journal")
        (finding,) = [finding for finding in body["findings"] if finding["id"] == "journal-damaged"]
        times = "from 2026-09-21T14:13:22Z to 2026-09-21T14:13:24Z"
        assert finding["title"].endswith(f"x.journal: 1 of 15 entries cannot be read, {times}")


def test_the_exit_status(journal: Path, tmp_path: Path) -> None:
    assert run("-D", str(journal)).returncode == 0
    assert run("-D", str(journal), "--check").returncode == 4
    assert run("-D", str(journal), "--check", "--since", "1h").returncode == 0
    write_journal(tmp_path / "x.journal", iter([entry("fine", START, PRIORITY=6)]))
    done = run("-D", str(tmp_path), "--check")
    assert (done.returncode, done.stdout) == (0, "nothing found\n")
    assert run("-D", str(tmp_path), "-q").stdout == ""


def test_a_unit_that_failed_is_enough_for_check(tmp_path: Path) -> None:
    failed = entry("foo.service: Failed with result 'exit-code'.", START, **SYSTEMD, PRIORITY=4)
    write_journal(tmp_path / "x.journal", iter([failed]))
    assert run("-D", str(tmp_path), "--check").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("--since", "2"), 2, "--since: '2' has a number without a unit\n  to do: write 2s, 2min, 2h or 2d"),
        (("--since", "2D"), 2, "Failed to parse timestamp: 2D"),
        (("--until", "tomorrowish"), 2, "Failed to parse timestamp"),
        (("-p", "bad"), 2, "'bad' is none of emerg, alert"),
        (("--check", "--follow"), 2, "it cannot be used with --follow"),
        (("--unit", "nosuch*"), 1, "no unit with entries matches this pattern"),
        (("--since", "1h", "--until", "2h"), 2, "it is later than --until 2h"),
        (("--since", "1h", "--since", "2h"), 2, "--since: it is given twice"),
        (("--unit", ""), 2, "--unit: it is empty"),
        (("--since", "2 days 3"), 2, "has a number without a unit"),
        (("--root", "/"), 2, "--root: it cannot be used with --directory"),
        (("--sinc", "1h"), 2, "--since"),
    ],
)
def test_bad_words(journal: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    done = run("-D", str(journal), *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_where_there_is_nothing(tmp_path: Path) -> None:
    done = run("-D", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "there are no journal files in it" in done.stderr
    missing = run("-D", str(tmp_path / "nonesuch"))
    assert missing.returncode in {1, 2}
    assert "nonesuch" in missing.stderr
    error = json.loads(run("-D", str(tmp_path), "--json").stdout)
    assert (error["ok"], error["error"]["exit_code"]) == (False, 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_not_root_and_not_in_the_group(journal: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    shutil.copy(journal / "x.journal", tmp_path / "x.journal")
    (tmp_path / "x.journal").chmod(0o640)
    before = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if subprocess.run([*before, *ARGV, "--help"], capture_output=True, check=False, cwd="/").returncode:
        pytest.skip("another user may not run this Python")
    done = run("-D", str(tmp_path), before=before, cwd="/")
    assert done.returncode == 6, done.stderr
    assert "this user may not read it" in done.stderr
    assert "sudo " in done.stderr
    assert "systemd-journal" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_may_be_read_is_read_and_the_rest_is_named(journal: Path, tmp_path: Path) -> None:
    # Without these a process of root's may read no more than another user: his Python may be where nobody else reads.
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    for name in ("x", "y"):
        shutil.copy(journal / "x.journal", tmp_path / f"{name}.journal")
    (tmp_path / "y.journal").chmod(0o600)
    os.chown(tmp_path / "y.journal", 65534, 65534)
    done = run("-D", str(tmp_path), "--json", before=before)
    body = json.loads(done.stdout)
    assert (done.returncode, body["result"]["entries"]) == (0, 7)
    (finding,) = [finding for finding in body["findings"] if finding["id"] in {"not-seen", "journal-damaged"}]
    assert finding["title"].startswith(f"this user may not read 1 of 2 files in {tmp_path}")
    assert run("-D", str(tmp_path), "--check", before=before).returncode == 4
    (tmp_path / "x.journal").unlink()
    assert run("-D", str(tmp_path), before=before).returncode == 6


def test_damaged_files_are_told_of(journal: Path, tmp_path: Path) -> None:
    shutil.copy(journal / "x.journal", tmp_path / "x.journal")
    (tmp_path / "y.journal").write_bytes((journal / "x.journal").read_bytes()[:5000])
    (tmp_path / "z.journal").write_bytes(b"no journal" * 100)
    body = said("-D", str(tmp_path))
    assert body["result"]["entries"] == 7
    assert "journal-damaged" in [finding["id"] for finding in body["findings"]]
    # Where the hash tables are, by a header that was written over: far behind any file's end.
    hurt = bytearray((journal / "x.journal").read_bytes())
    hurt[120:128] = b"\xff" * 8
    (tmp_path / "w.journal").write_bytes(hurt)
    assert said("-D", str(tmp_path))["result"]["entries"] >= 7


def test_text_that_was_changed_in_place(journal: Path, tmp_path: Path) -> None:
    """Nothing of the structure is damaged: errors shows the text, as journalctl does; verify finds it by its hash."""
    data = (journal / "x.journal").read_bytes()
    assert data.count(b"Failed to start Foo.") == 1
    (tmp_path / "x.journal").write_bytes(data.replace(b"Failed to start Foo.", b"Failed to start Bar."))
    body = said("-D", str(tmp_path))
    assert "Failed to start Bar." in json.dumps(body["result"])
    assert "journal-damaged" not in [finding["id"] for finding in body["findings"]]
    argv = [*ARGV[:-1], "verify", "-D", str(tmp_path), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 4
    assert [finding["id"] for finding in json.loads(done.stdout)["findings"]] == ["damaged"]


def test_a_root_directory(journal: Path, tmp_path: Path) -> None:
    place = tmp_path / "var" / "log" / "journal" / ("a" * 32)
    place.mkdir(parents=True)
    shutil.copy(journal / "x.journal", place / "system.journal")
    assert said("--root", str(tmp_path))["result"]["entries"] == 7


def test_many_entries_the_counts_of_journalctl_and_bounded_memory(tmp_path: Path) -> None:
    """What every group adds up to is what journalctl counts, without PRIORITY and per unit too."""
    made = 20_000
    write_journal(tmp_path / "x.journal", entries(made, seed=5))
    everything = said("-D", str(tmp_path), "-p", "debug", "--top", "0")["result"]
    assert everything["entries"] == sum(group["count"] for group in everything["groups"]) == made
    assert everything["groups_total"] < 60
    err = said("-D", str(tmp_path), "--top", "0")["result"]
    lines = journalctl("-D", str(tmp_path), "-p", "err", "-o", "json", "--output-fields=_SYSTEMD_UNIT,_TRANSPORT")
    counted: dict[str, int] = {}
    for line in map(json.loads, lines.splitlines()):
        unit = line.get("_SYSTEMD_UNIT", "kernel")
        counted[unit] = counted.get(unit, 0) + 1
    mine: dict[str, int] = {}
    for group in err["groups"]:
        mine[group["unit"]] = mine.get(group["unit"], 0) + group["count"]
    assert mine == counted
    assert {error["subject"] for error in err["disk_errors"]} == {"sda", "sdb", "vdb", "dm-3", "nvme0n1"}


def test_compact_and_older_files_are_counted_alike(tmp_path: Path) -> None:
    for value in "01":
        (tmp_path / value).mkdir()
        os.environ["SYSTEMD_JOURNAL_COMPACT"] = value
        try:
            write_journal(tmp_path / value / "x.journal", iter(trouble()))
        finally:
            del os.environ["SYSTEMD_JOURNAL_COMPACT"]
        assert said("-D", str(tmp_path / value))["result"]["without_priority"] == {"entries": 2, "audit": 1}


AGAIN = entry("blk_update_request: I/O error, dev vdb, sector 99", START + 60 * SECOND, **KERNEL, PRIORITY=3)


class Growing:
    """A journal that entries come into while it is read: journal-remote holds it open."""

    def __init__(self, place: Path) -> None:
        argv = [REMOTE, "-o", str(place / "x.journal"), "-"]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def add(self, *data: bytes) -> None:
        assert self.process.stdin
        for part in data:
            self.process.stdin.write(part)
        self.process.stdin.flush()

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=300)


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[Growing]:
    growing_file = Growing(tmp_path)
    growing_file.add(*trouble())
    until = time.monotonic() + 300
    while not (tmp_path / "x.journal").exists() or "java" not in journalctl("-D", str(tmp_path)):
        assert time.monotonic() < until
    yield growing_file
    growing_file.close()


class Reader:
    """opskit --follow: what it says is read until something has been said."""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self.descriptor = descriptor
        self.process = process
        self.text = ""

    def until(self, text: str) -> None:
        while text not in self.text:
            ready, _, _ = select.select([self.descriptor], [], [], 60)
            assert ready, f"nothing more than {self.text}"
            data = os.read(self.descriptor, 65536)
            assert data, f"it ended: {self.text}"
            self.text += data.decode()

    def end(self, number: Optional[signal.Signals]) -> int:
        if number:
            self.process.send_signal(number)
        return self.process.wait(timeout=300)


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_follow_in_a_pipe(growing: Growing, tmp_path: Path, number: signal.Signals, code: int) -> None:
    argv = [*ARGV, "-D", str(tmp_path), "--follow"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        reader = Reader(process.stdout.fileno(), process)
        reader.until("error: java was killed once")
        growing.add(AGAIN)
        growing.add(entry(b"a new\x1b one", START + 61 * SECOND, SYSLOG_IDENTIFIER="n", PRIORITY=3))
        reader.until("a new")
        (child,) = children(process.pid)
        assert reader.end(number) == code
        assert process.stderr
        errors = process.stderr.read().decode()
        # Ctrl-C is how one leaves; a signal of somebody else's is told of.
        assert (errors == "") == (number == signal.SIGINT)
        assert "Traceback" not in errors
    assert not os.path.exists(f"/proc/{child}")
    lines = reader.text.splitlines()
    # A line for each group and each trouble, when it is new: the disk's error was one already.
    assert len([line for line in lines if "blk_update" in line and line.startswith("err")]) == 1
    assert len(lines) == 6 + 7 + 1
    assert lines[-1].startswith("err  n  2026-09-21T14:14:21Z")
    assert "\x1b" not in reader.text


def test_follow_as_json_has_an_envelope_a_line(growing: Growing, tmp_path: Path) -> None:
    argv = [*ARGV, "-D", str(tmp_path), "--follow", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        reader = Reader(process.stdout.fileno(), process)
        reader.until("java was killed")
        assert reader.end(signal.SIGINT) == 130
    bodies = [json.loads(line) for line in reader.text.splitlines()]
    assert {body["schema"] for body in bodies} == {1}
    assert [body["result"]["group"]["unit"] for body in bodies if body["result"]].count("kernel") == 2
    assert growing


def test_verify_leaves_a_file_alone_that_is_written_to(growing: Growing, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "opskit", "journal", "verify", "-D", str(tmp_path), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["result"]["in_use"] == [f"{tmp_path}/x.journal"]
    assert growing


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("columns", [80, 200])
def test_follow_on_a_terminal_draws_the_table_anew(growing: Growing, tmp_path: Path, columns: int) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "LINES": "40", "TERM": "xterm"}
    argv = [*ARGV, "-D", str(tmp_path), "--follow"]
    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    reader = Reader(master, process)
    try:
        reader.until("7 entries in 6 groups")
        assert "disk vdb: 2 kernel error messages" in reader.text
        frame = ESCAPES.sub("", reader.text).rpartition("COUNT")[2]
        for cell in ("kernel", "foo.service", "err", "crit"):
            assert cell in frame
        assert all(len(line.rstrip("\r")) <= columns for line in frame.split("\n"))
        growing.add(AGAIN)
        reader.until("8 entries in 6 groups")
        reader.until("disk vdb: 3 kernel error messages")
        (child,) = children(process.pid)
        assert reader.end(signal.SIGINT) == 130
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert "\x1b[31m" not in ESCAPES.sub("", reader.text)
    assert not os.path.exists(f"/proc/{child}")


def test_a_pager_that_has_enough_is_no_error(growing: Growing, tmp_path: Path) -> None:
    argv = [*ARGV, "-D", str(tmp_path), "--follow"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        Reader(process.stdout.fileno(), process).until("java")
        process.stdout.close()
        growing.add(entry("something new", START + 60 * SECOND, SYSLOG_IDENTIFIER="n", PRIORITY=3))
        errors = process.stderr.read()
        # 141, or 1 where click saw it first.
        assert process.wait(timeout=300) in {1, 141}
        assert errors == b""


UNIQUE = """
import random, sys
from opskit.journal.errors.export import ExportParser
from opskit.journal.errors.groups import Tally
rnd, tally, parser = random.Random(1), Tally(7), ExportParser()
for number in range(int(sys.argv[1])):
    text = "".join(rnd.choices("ghijk lmnop", k=40)) + "x" * 3000 + "/" * 3000
    unit = f"u{rnd.randrange(2000)}-{'x' * 200}.service"
    head = f"__CURSOR=s={number}\\n__REALTIME_TIMESTAMP={10**15 + number}\\n_BOOT_ID={'1' * 32}\\n"
    tally.add(parser.feed(f"{head}PRIORITY=3\\nUNIT={unit}\\nMESSAGE={text}\\n\\n".encode()))
assert tally.chosen == int(sys.argv[1])
# Not ru_maxrss: that has what the process was before its exec, which is pytest (getrusage(2)).
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_memory_has_a_bound_when_no_message_is_like_another() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    used = []
    for count in ("20000", "60000"):  # what is remembered is full with the first
        argv = [sys.executable, "-c", UNIQUE, count]
        done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment, timeout=300)
        used.append(int(done.stdout))
    assert used[1] < 120
    assert used[1] - used[0] < 20
