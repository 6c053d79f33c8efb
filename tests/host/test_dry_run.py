"""A dry run, and every command that only looks, changes nothing: shown by a trace of its system calls."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, GIB, Disk, run
from tiers import slow

# What changes a file, a directory, a mount or a device, whatever its arguments are.
CHANGING = re.compile(
    r"mkdir(at)?|rmdir|rename(at2?)?|link(at)?|unlink(at)?|symlink(at)?|mknod(at)?|creat|f?truncate|fallocate"
    r"|f?chmod(at2?)?|[fl]?chown(at)?|utime(s|nsat)?|futimesat|[fl]?(set|remove)xattr|u?mount2?|move_mount|fsopen|fsmount"
    r"|mount_setattr|pivot_root|swapon|swapoff|sethostname|copy_file_range|sendfile|splice|quotactl"
)
OPENING = ("open", "openat", "openat2")
# Whom everybody may write to.
HARMLESS = ("/dev/null", "/dev/tty")
# ioctls that change a device: partitions, loops, discards, read-only, freezing.
IOCTLS = re.compile(
    r"BLKPG|BLKRRPART|BLKDISCARD|BLKSECDISCARD|BLKZEROOUT|BLKROSET|BLKFLSBUF|LOOP_(?!GET)|FIFREEZE|FITHAW|FITRIM"
)
CALL = re.compile(r"^(?:\d+\s+)?(?:\[pid +\d+\] )?(\w+)\((.*)$")


def changes(trace: str) -> list[str]:
    """The lines of a trace that tell of a change that was tried."""
    listed = []
    for line in trace.splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        call, rest = match.groups()
        path = re.search(r'"([^"]*)"', rest)
        if call in OPENING and re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE", rest):
            if path is None or path.group(1) not in HARMLESS:
                listed.append(line)
        elif CHANGING.fullmatch(call) or (call == "ioctl" and IOCTLS.search(rest)):
            listed.append(line)
    return listed


Traced = Callable[..., str]


@pytest.fixture
def traced(host: Host) -> Traced:
    if not shutil.which("strace", path=ENVIRONMENT["PATH"]):
        pytest.skip("strace is not on this host")
    trace = host.folder / "trace"
    under = ("strace", "-f", "-qq", "-s", "200", "-o", str(trace))
    if run(*under, "true", check=False).returncode:
        pytest.skip("strace may not trace here")

    def go(*arguments: str, code: int = 0) -> str:
        answer = host.run(*arguments, under=under)
        assert answer.code == code, answer
        text = trace.read_text(errors="surrogateescape")
        assert "execve(" in text
        return text

    return go


def state_of(host: Host, disk: Disk) -> tuple[object, ...]:
    here = sorted(str(path) for path in host.folder.rglob("*") if path.name != "trace")
    return disk.digest(), host.table(), here


def test_the_trace_would_show_a_real_run(host: Host, disk: Disk, traced: Traced) -> None:
    """What the other tests look for is there when something is changed."""
    own = ("--fstab", str(host.fstab), "--state-dir", str(host.state), "--yes")
    output = "\n".join(changes(traced("disk", "mount", disk.path, host.target, *own)))
    for sign in ("ledger.jsonl", "mkdir(", "mount", "rename", disk.path, "BLKPG", str(host.state / "lock")):
        assert sign in output


VERBS = ["umount", "umount-entry", "grow", "fstab backup", "undo"]


@pytest.mark.parametrize(
    ("verb", "shape"),
    [
        *[("mount", shape) for shape in ("text", "sh", "json")],
        *[(verb, "text") for verb in VERBS],
        # An undo is no script: test_shell_plan.py.
        *[slow(verb, shape) for verb in VERBS for shape in ("sh", "json") if (verb, shape) != ("undo", "sh")],
    ],
)
def test_a_dry_run_changes_nothing(host: Host, disk: Disk, traced: Traced, verb: str, shape: str) -> None:
    own = ("--fstab", str(host.fstab), "--state-dir", str(host.state), "--dry-run", "--format", shape)
    if verb == "grow":  # an ext takes CAP_SYS_RESOURCE
        disk = host.new_disk(GIB)
        host.mount(disk, "--fstype", "xfs").well()
    elif verb != "mount":
        host.mount(disk, "--fstype", "ext4", "--no-lazy-init").well()
        if verb == "umount-entry":
            run("umount", host.target)
        else:  # a mounted filesystem writes when it likes
            run("mount", "-o", "remount,ro", host.target)
    before = () if verb == "grow" else state_of(host, disk)
    if verb == "grow":
        disk.resize(2 * GIB)
    words = {
        "mount": ("disk", "mount", disk.path, host.target, *own),
        "umount": ("disk", "umount", host.target, *own),
        "umount-entry": ("disk", "umount", host.target, *own),
        "grow": ("disk", "grow", host.target, *own),
        "fstab backup": ("disk", "fstab", "backup", *own),
        "undo": ("undo", "last", *own[2:]),
    }[verb]
    assert changes(traced(*words)) == []
    if before:
        assert state_of(host, disk) == before


@pytest.mark.parametrize("shape", ["text", "sh", "json"])
def test_a_dry_run_on_saved_facts_changes_nothing(host: Host, disk: Disk, traced: Traced, shape: str) -> None:
    facts = host.folder / "facts.json"
    facts.write_text(host.on_disk("facts", host.target).well().out)
    before = state_of(host, disk)
    own = ("--facts", str(facts), "--state-dir", str(host.state), "--format", shape)
    trace = traced("disk", "mount", disk.path, host.target, *own)
    assert changes(trace) == []
    programs = re.findall(r'execve\("([^"]+)"', trace)
    assert not [path for path in programs if Path(path).name in {"blkid", "wipefs", "sfdisk", "mkfs.ext4"}]
    assert state_of(host, disk) == before


@pytest.mark.parametrize("verb", ["list", "list --json", "show", "facts", "fstab check", "fstab show", "history"])
def test_what_only_looks_changes_nothing(host: Host, disk: Disk, traced: Traced, verb: str) -> None:
    before = state_of(host, disk)
    state = ("--state-dir", str(host.state))
    if verb == "history":
        trace = traced("history", *state)
    else:
        words = [*verb.split(), *([disk.path] if verb == "show" else [])]
        trace = traced("disk", *words, "--fstab", str(host.fstab), *state, code=4 if verb == "fstab check" else 0)
    assert changes(trace) == []
    assert state_of(host, disk) == before


def test_a_refused_run_and_one_that_is_not_confirmed_change_nothing(host: Host, disk: Disk, traced: Traced) -> None:
    own = ("--fstab", str(host.fstab), "--state-dir", str(host.state))
    before = state_of(host, disk)
    assert changes(traced("disk", "mount", disk.path, host.target, *own, code=5)) == []
    assert changes(traced("disk", "mount", disk.path, "/etc", *own, "--yes", code=5)) == []
    assert state_of(host, disk) == before


def test_exit_code_tells_of_changes_to_make(host: Host, disk: Disk) -> None:
    arguments = ("mount", disk.path, host.target, "--dry-run", "--exit-code")
    assert host.on_disk(*arguments).code == 3
    host.mount(disk).well()
    assert host.on_disk(*arguments).code == 0


def test_a_dry_run_and_the_real_run_make_the_same_changes(host: Host, disk: Disk) -> None:
    dry = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json").well().json["result"]
    host.mount(disk).well()
    real = [entry["change"] for entry in host.ledger() if entry["entry"] == "step"]

    def without_ids(changes: list[dict[str, object]]) -> str:
        text = re.sub(
            r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}",
            "UUID",
            str([[c["action"], c["target"], c["commands"]] for c in changes]),
        )
        return re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", text)

    assert without_ids(dry["changes"]) == without_ids(real)


@pytest.mark.parametrize("option", ["--facts", "--format"])
def test_an_empty_variable_does_not_make_a_dry_run_a_real_one(host: Host, disk: Disk, option: str) -> None:
    before = disk.digest(), host.table()
    answer = host.mount(disk, option, "")
    assert (answer.code, f"{option}: it is empty" in answer.err) == (2, True), answer
    assert (disk.digest(), host.table(), host.ledger()) == (*before, [])


def test_a_time_limit_that_is_no_number(host: Host, disk: Disk) -> None:
    assert host.mount(disk, "--lock-timeout", "nan").code == 2
    assert host.ledger() == []
