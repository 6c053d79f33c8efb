"""Between the plan and its carrying out the host changes; and two opskit at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, FSTAB, GIB, MIB, OPSKIT, REPOSITORY, Disk, run

ROUNDS = 4


def change_meanwhile(host: Host, disk: Disk, what: str) -> Disk:
    if what == "another blank disk":
        return host.replaced(disk)
    if what == "another disk with data":
        other = host.replaced(disk)
        run("mkfs.ext4", "-q", other.path)
        return other
    if what == "a signature":
        run("mkswap", disk.path)
    elif what == "unknown data":
        disk.write(b"somebody's data" * 100000, 30 * MIB)
    elif what == "a table":
        disk.make_partition("dos")
    elif what == "held":
        descriptor = os.open(disk.path, os.O_RDONLY | os.O_EXCL)
        host.after.append(lambda: os.close(descriptor))
    elif what == "larger":
        disk.resize(128 * MIB)
    elif what == "fstab":
        with host.fstab.open("a") as file:
            file.write(f"UUID=1234 {host.target} ext4 defaults 0 0\n")
    elif what == "the mount point":
        Path(host.target).mkdir(parents=True)
        Path(host.target, "file").touch()
    return disk


MEANWHILE = (
    "another blank disk",
    "another disk with data",
    "a signature",
    "unknown data",
    "a table",
    "held",
    "larger",
    "fstab",
    "the mount point",
)


# A process waits a second for the looks of others, all in all, and a busy machine makes each wait longer: not here.
LOOKS = 2_000
LOOKING = """
import sys
from opskit.disk.see import probe
probe._Patience.seconds = 300.0
print(*{probe.exclusive(sys.argv[1]) for _ in range(int(sys.argv[2]))})
"""


@pytest.mark.parametrize("partition", [False, True], ids=["one device", "a disk and its partition"])
def test_two_looks_at_once_do_not_take_each_other_for_a_holder(disk: Disk, partition: bool) -> None:
    paths = [disk.path, disk.make_partition() if partition else disk.path]
    looks = [[sys.executable, "-c", LOOKING, path, str(LOOKS)] for path in paths]
    more = {"stdout": subprocess.PIPE, "text": True, "env": ENVIRONMENT, "cwd": REPOSITORY}
    both = [subprocess.Popen(argv, **more) for argv in looks]
    assert [process.communicate()[0] for process in both] == ["free\n"] * 2


def test_a_look_holds_no_device(host: Host, disk: Disk) -> None:
    """Whoever runs mkfs or mount at that moment would find it busy; what is going to write to a disk does ask so."""
    trace = host.folder / "trace"
    strace = ("strace", "-f", "-o", str(trace), "-e", "trace=openat")

    def held(*words: str) -> bool:
        run(*strace, *OPSKIT, "disk", *words, "--fstab", str(host.fstab), "--json", env=ENVIRONMENT)
        opened = [line for line in trace.read_text().splitlines() if f'"{disk.path}"' in line]
        assert opened
        return any("O_EXCL" in line for line in opened)

    assert not any(held(*words) for words in (("list", "--all"), ("show", disk.path), ("facts",)))
    assert held("mount", disk.path, host.target, "--dry-run")


@pytest.mark.parametrize("what", MEANWHILE)
def test_what_changes_while_the_question_stands_is_refused(host: Host, disk: Disk, what: str) -> None:
    terminal = host.terminal("disk", "mount", disk.path, host.target, *host.own)
    terminal.read_until("[y/N]")
    disk = change_meanwhile(host, disk, what)
    before = disk.digest(), host.table(), host.backups()
    terminal.type("y\n")
    answer = terminal.end()
    assert answer.code == 5, answer
    assert "Nothing was changed." in answer.out
    assert (disk.digest(), host.table(), host.backups()) == before
    assert host.mounted() is None
    assert host.ledger() == []


def test_an_edit_of_fstab_while_the_question_stands_is_kept(host: Host, disk: Disk) -> None:
    """The changes are the same: they are made to fstab as it is now."""
    terminal = host.terminal("disk", "mount", disk.path, host.target, *host.own)
    terminal.read_until("[y/N]")
    with host.fstab.open("a") as file:
        file.write("# edited meanwhile\n")
    text = host.fstab.read_bytes()
    terminal.type("y\n")
    assert terminal.end().code == 0
    assert host.fstab.read_bytes().startswith(text)
    assert [(host.fstab.parent / name).read_bytes() for name in host.backups()] == [text]


def test_nothing_changed_while_the_question_stood(host: Host, disk: Disk) -> None:
    terminal = host.terminal("disk", "mount", disk.path, host.target, *host.own)
    terminal.read_until("[y/N]")
    terminal.type("y\n")
    assert terminal.end().code == 0
    assert host.mounted()


def start(host: Host, *words: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    argv = [*OPSKIT, "disk", *words, *host.own, "--yes", "--json"]
    return host.start(*argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=ENVIRONMENT, cwd="/")


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--lock-timeout", "4m")], ids=["no wait", "waits"])
def test_two_at_once_on_one_disk(host: Host, disk: Disk, options: tuple[str, ...]) -> None:
    """One does the work; the other finds the lock held, the host changed, or nothing left to do."""
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        both = [start(host, "mount", disk.path, host.target, *options) for _ in range(2)]
        ends = []
        for process in both:
            out, _ = process.communicate(timeout=300)
            ends.append((process.returncode, json.loads(out)))
        done = [envelope["result"] for code, envelope in ends if code == 0]
        assert sum(result["changed"] for result in done) == 1, ends
        for code, envelope in ends:
            assert code in {0, 5, 7}, envelope
            # 5: the other had done it between this one's plan and its lock.
            assert code != 5 or envelope["findings"][0]["id"] in {"changed-since-plan", "mounted", "held-exclusively"}
            seen[f"{code} {envelope['error']['id'] if code else envelope['result']['changed']}"] += 1
        assert host.mounted()
        assert host.added().count("\n") == 0
        host.on_disk("umount", host.target, "--yes").well()
        assert host.fstab.read_text() == FSTAB
    assert seen["0 True"] == ROUNDS
    assert Counter(entry["entry"] for entry in host.ledger())["begin"] == 2 * ROUNDS


@pytest.mark.slow
def test_two_at_once_on_two_disks_and_one_fstab(host: Host) -> None:
    """Both lines are in fstab in the end, and every line of the ledger is whole."""
    disks = [host.new_disk(), host.new_disk()]
    targets = [str(host.folder / "mnt" / name) for name in ("a", "b")]
    for _ in range(ROUNDS // 2):
        both = [start(host, "mount", d.path, t, "--lock-timeout", "4m") for d, t in zip(disks, targets)]
        ends = [(process.communicate(timeout=300), process.returncode) for process in both]
        codes = [code for _, code in ends]
        assert codes == [0, 0], ends
        assert sorted(line.split()[1] for line in host.added().splitlines()) == targets
        for target in targets:
            assert host.mounted(target)
            host.on_disk("umount", target, "--yes").well()
        assert host.fstab.read_text() == FSTAB
    host.ledger()


def test_a_crash_in_the_middle_of_a_ledger_line_swallows_no_other(host: Host, disk: Disk) -> None:
    host.mount(disk).well()
    ledger = host.state / "ledger.jsonl"
    with ledger.open("ab") as file:
        file.write(b'{"schema": 1, "entry": "begin", "run": "torn')
    host.on_disk("umount", host.target, "--yes").well()
    runs = host.run("history", "--json").well().json["result"]["runs"]
    assert [run_["outcome"] for run_ in runs] == ["done", "done"]


def test_the_disk_is_locked_for_udev_while_it_is_written(host: Host, large_disk: Disk) -> None:
    """mkfs finds the BSD lock of the whole disk held: flock(1) does not get it."""
    trace = host.folder / "said"
    script = f"flock --nonblock {large_disk.path} true && echo free > {trace} || echo held > {trace}"
    inside = host.namespace(host.shim("mkfs.xfs", f'{script}\nexec "$real" "$@"'))
    host.mount(large_disk, "--fstype", "xfs", inside=inside).well()
    assert trace.read_text() == "held\n"
    assert large_disk.image.stat().st_size == GIB
