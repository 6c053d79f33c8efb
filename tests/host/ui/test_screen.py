"""What is shown: colours on a terminal only, names escaped in text and whole in JSON, no traceback in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, OPSKIT, Disk, run

ESCAPE = "\x1b["
BOXES = re.compile("[─-╿]")


def test_a_pipe_gets_no_colour_no_box_and_whole_rows(host: Host, disk: Disk) -> None:
    host.mount(disk, "--label", "sixteen-bytes-ok").well()
    for words in (("list", "--all"), ("show", disk.path), ("fstab", "show"), ("fstab", "check")):
        answer = host.on_disk(
            " ".join(words[:2]) if words[0] == "fstab" else words[0], *words[1 if words[0] != "fstab" else 2 :]
        )
        assert ESCAPE not in answer.out + answer.err
        assert not BOXES.search(answer.out)
    out = host.on_disk("list", "--all").well().out
    row = next(line for line in out.splitlines() if line.strip().startswith(disk.partitions[0]))
    uuid = disk.value("UUID", disk.partitions[0])
    for cell in (disk.partitions[0], uuid, "sixteen-bytes-ok", host.target, "in use"):
        assert cell in row  # longer than 80 columns, and not cut
    assert len(row) > 80


def listing(host: Host, *options: str, **environment: str) -> str:
    terminal = host.terminal(
        "disk", "mount", "/dev/nonesuch", host.target, "--dry-run", *host.own, *options, **environment
    )
    answer = terminal.end()
    assert answer.code == 2
    return answer.out


def test_a_terminal_gets_colour_unless_asked_otherwise(host: Host) -> None:
    assert ESCAPE in listing(host)
    assert ESCAPE not in listing(host, NO_COLOR="1")
    assert ESCAPE not in listing(host, TERM="dumb")
    assert ESCAPE not in listing(host, "--color", "never")
    assert ESCAPE not in listing(host, OPSKIT_COLOR="never")
    assert ESCAPE in listing(host, "--color", "always", NO_COLOR="1")
    assert ESCAPE in listing(host, "--color", "always", OPSKIT_COLOR="never")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_table_on_a_terminal_without_colour(host: Host, disk: Disk, environment: dict[str, str]) -> None:
    answer = host.terminal("disk", "list", "--all", "--fstab", str(host.fstab), columns=200, **environment).end()
    assert answer.code == 0
    assert disk.path in answer.out
    assert ESCAPE not in answer.out


def test_colour_is_decided_for_each_stream(host: Host, disk: Disk) -> None:
    """stdout in a pipe and stderr on the terminal: the plan there has colours, the result has none."""
    terminal_master, terminal = os.openpty()
    argv = [*OPSKIT, "disk", "mount", disk.path, host.target, "--yes", *host.own]
    process = host.start(*argv, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, env=ENVIRONMENT, cwd="/")
    os.close(terminal)
    assert process.stdout
    out = process.stdout.read().decode()
    assert process.wait(timeout=300) == 0
    output = b""
    try:
        while data := os.read(terminal_master, 65536):
            output += data
    except OSError:  # EIO: all was read
        pass
    os.close(terminal_master)
    assert ESCAPE.encode() in output
    assert ESCAPE not in out
    assert "in service" in out


def test_the_question_takes_only_yes(host: Host, disk: Disk) -> None:
    blank = disk.digest()
    for typed in ("n\n", "\n", "\x04", "yes please\n"):
        terminal = host.terminal("disk", "mount", disk.path, host.target, *host.own)
        terminal.read_until("[y/N]")
        terminal.type(typed)
        answer = terminal.end()
        assert answer.code == 5, typed
        assert "Nothing was changed." in answer.out
    assert (disk.digest(), host.state.exists()) == (blank, False)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_at_the_question(host: Host, disk: Disk, number: signal.Signals, code: int) -> None:
    blank = disk.digest()
    terminal = host.terminal("disk", "mount", disk.path, host.target, *host.own)
    terminal.read_until("[y/N]")
    terminal.process.send_signal(number)
    answer = terminal.end()
    assert answer.code == code
    assert "Traceback" not in answer.out
    assert (disk.digest(), host.state.exists()) == (blank, False)


def test_progress_is_gone_afterwards_and_a_pipe_has_none(host: Host, disk: Disk) -> None:
    terminal = host.terminal("disk", "mount", disk.path, host.target, "--yes", *host.own)
    assert terminal.end().code == 0
    host.run("undo", "last", "--yes").well()
    answer = host.mount(disk).well()
    assert not re.search(r"\[\d/\d\]", answer.out + answer.err)


HOSTILE = "\x1b[31mred"


def test_a_label_that_is_an_escape_sequence(host: Host, disk: Disk) -> None:
    partition = disk.make_partition()
    run("mkfs.ext4", "-q", "-L", HOSTILE, partition)
    answers = [host.on_disk("list", "--all"), host.on_disk("show", partition), host.mount(disk, "--label", "other")]
    assert "\x1b" not in host.mount(disk, "-v").well().err
    for answer in answers[:3]:
        assert "\x1b" not in answer.out + answer.err
        assert "[31mred" in answer.out + answer.err
    terminal = host.terminal("disk", "list", "--all", "--fstab", str(host.fstab), columns=250)
    shown = terminal.end().out
    assert "[31mred" in shown
    assert HOSTILE not in shown


@pytest.mark.parametrize("label", ["a b", "ünï-☃", "q\"'$x", "back\\slash", "M-^x"])
def test_json_holds_a_label_without_loss(host: Host, disk: Disk, label: str) -> None:
    host.mount(disk, "--label", label).well()
    rows = host.on_disk("list", "--json").well().json["result"]["devices"]
    assert next(row for row in rows if row["path"] == disk.partitions[0])["label"] == label
    assert host.mount(disk, "--label", label).well().out.startswith("nothing to do")


@pytest.mark.parametrize("label", [HOSTILE, "x\ny", "x\udcff"])
def test_json_holds_a_hostile_label_without_loss(host: Host, disk: Disk, label: str) -> None:
    run("mkfs.ext4", "-q", "-L", label, disk.path)
    rows = host.on_disk("list", "--json").well().json["result"]["devices"]
    assert next(row for row in rows if row["path"] == disk.path)["label"] == label


@pytest.mark.parametrize("name", [b"x\ny", b"x\xff\xfey", b"\x1b]0;title\x07x", b"[bold]x[/bold]", "\u202ex".encode()])
def test_a_mount_point_with_a_hostile_name(host: Host, disk: Disk, name: bytes) -> None:
    target = os.fsdecode(bytes(host.folder / "mnt") + b"/" + name)
    answer = host.mount(disk, "-v", target=target).well()
    text = answer.out + answer.err
    text += host.on_disk("list", "--all").well().out + host.on_disk("show", disk.partitions[0]).well().out
    text += host.run("history").well().out + host.run("history", "show", "last").well().out
    text += host.on_disk("fstab show").well().out + host.on_disk("fstab check").out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\udc80-\udcff\u202e]", text)
    assert "x\ny" not in text
    if name.startswith(b"["):
        assert name.decode() in text
    rows = host.on_disk("list", "--json").well().json["result"]["devices"]
    assert next(row for row in rows if row["path"] == disk.partitions[0])["mount_points"] == [target]
    entries = host.on_disk("fstab show", "--json").well().json["result"]["entries"]
    assert target in [entry["mount_point"] for entry in entries]
    assert host.mounted(target)
    assert (host.state / "opskit.log").read_bytes().count(b"\x1b") == 0
    host.on_disk("umount", target, "--yes").well()
    host.run("undo", "last", "--yes").well()
    assert host.mounted(target)


def test_a_name_that_is_no_device_is_shown_escaped(host: Host) -> None:
    answer = host.run("disk", "show", "/dev/\x1b[31mx\n\udcff", "--fstab", str(host.fstab))
    assert answer.code == 2
    assert r"/dev/\x1b[31mx\n\xff" in answer.err
    assert "\x1b" not in answer.err


@pytest.mark.parametrize("words", ["disk list", "disk facts", "disk list --json", "disk --help", "disk show DEVICE"])
def test_head_gives_no_traceback(host: Host, disk: Disk, words: str) -> None:
    argv = [*OPSKIT, *words.replace("DEVICE", disk.path).split()]
    process = host.start(
        *argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()  # the reader has gone before anything is written
    errors = process.stderr.read().decode()
    process.wait(timeout=300)
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors
    assert process.returncode in {
        0,
        1,
        141,
    }  # 1: click's own, where the help or one long line is what cannot be written


def test_facts_hold_every_byte_of_fstab(host: Host) -> None:
    data = b"# \xff\xfe\x1b[0m\n\tUUID=\xc3\xa4 /x\\040y ext4 defaults 0 0\n"
    host.fstab.write_bytes(data)
    facts = json.loads(host.on_disk("facts").well().out)
    assert os.fsencode(facts["fstab"]["text"]) == data
    assert Path(facts["fstab"]["path"]) == host.fstab


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_started_without_its_streams(host: Host, disk: Disk, closed: str) -> None:
    """No file that is opened, the disk least of all, gets the number of one; and the work is done and reported so."""
    answer = host.mount(disk, "-v", under=("sh", "-c", f'exec "$0" "$@" {closed}'))
    assert (answer.code, "Traceback" in answer.err) == (0, False), answer
    assert host.mounted()


@pytest.mark.parametrize("place", ["/proc", "/sys"])
@pytest.mark.parametrize("verb", ["list", "mount DEVICE /data --yes", "umount DEVICE --yes", "grow DEVICE --yes"])
def test_a_kernel_that_tells_nothing_is_no_host_without_disks(host: Host, disk: Disk, place: str, verb: str) -> None:
    inside = host.namespace(f"mount -t tmpfs none {place}")
    answer = host.on_disk(verb.replace("DEVICE", disk.path), inside=inside)
    assert (answer.code, answer.err.startswith(f"opskit: {place}: ")) == (6, True), answer


def test_an_undo_without_proc_leaves_the_entry_of_what_is_mounted(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    before = host.table()
    inside = host.namespace("mount -t tmpfs none /proc")
    answer = host.run("undo", "last", "--yes", inside=inside)
    assert (answer.code, host.table()) == (6, before), answer
