"""What is refused changes nothing: disk, fstab and state directory are as before. One case for each bad input."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

import opskit
from host.disk import cases_disk, cases_other  # noqa: F401 - they fill CASES
from host.disk.cases import BUSY, CASES, MISSING, REFUSED, USAGE
from host.hosts import Host
from host.tools import FSTAB, OPSKIT, Answer, Disk, mounts, run
from mount_flags import MOUNT_FLAGS


def snapshot(host: Host) -> tuple[object, ...]:
    fstab = host.table() if host.fstab.is_file() else None
    state = sorted((path.name, path.read_bytes()) for path in host.state.iterdir()) if host.state.exists() else None
    return [disk.digest() for disk in host.disks if disk.image.is_file()], fstab, host.backups(), state


@pytest.mark.parametrize("name", list(CASES))
def test_bad_input_is_refused_dry_or_not_and_nothing_is_changed(host: Host, name: str) -> None:
    case = CASES[name](host)
    arguments = (case.device, case.target or host.target, *case.options)
    before = snapshot(host)
    dry = host.on_disk("mount", *arguments, "--dry-run", inside=case.inside)
    assert (dry.code, dry.out) == (case.code, "")
    assert dry.err.startswith("opskit: ")
    assert snapshot(host) == before
    for wipe in [(), ("--wipe", case.device)] if case.wipe else [()]:
        answer = host.on_disk("mount", *arguments, *wipe, "--yes", "--json", inside=case.inside)
        assert snapshot(host) == before
        assert answer.code == case.code, answer
        envelope = answer.json
        assert (envelope["ok"], envelope["error"]["exit_code"]) == (False, case.code)
        assert case.id in answer.ids, envelope
        text = "".join(finding["title"] + finding["remedy"] for finding in envelope["findings"])
        assert all(word in text for word in case.words), text


def root_disk() -> str:
    """The disk that / is on."""
    number = next(mount.number for mount in reversed(mounts()) if mount.target == "/")
    folder = Path(f"/sys/dev/block/{number}")
    if not folder.exists():
        pytest.skip("/ is on no block device here")
    folder = folder.resolve()
    return f"/dev/{(folder.parent if (folder / 'partition').exists() else folder).name}"


FLAGS = (
    *MOUNT_FLAGS,
    ("--yes",),
    ("--quiet",),
)


@pytest.mark.parametrize("flags", [(), *FLAGS, ("--whole-disk", "--no-fstab", "--yes", "--no-discard")], ids=" ".join)
def test_the_root_disk_is_refused_with_every_flag_there_is(host: Host, flags: tuple[str, ...]) -> None:
    disk, before = root_disk(), snapshot(host)
    for wipe in ((), ("--wipe", disk)):
        # A dry run decides as a real run does: should the guard ever fail, this test must not be what finds out.
        answer = host.on_disk("mount", disk, host.target, *flags, *wipe, "--dry-run", "--json")
        assert (answer.code, answer.ids) == (REFUSED, ["system-disk"]), answer
    assert snapshot(host) == before


@pytest.mark.parametrize("verb", ["umount", "umount /"])
def test_the_root_filesystem_is_not_unmounted(host: Host, verb: str) -> None:
    what = "/" if verb.endswith("/") else root_disk()
    answer = host.on_disk("umount", what, "--dry-run", "--json")
    assert (answer.code, answer.ids[0]) == (REFUSED, "system-disk")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "new": 2}']
)
def test_facts_that_are_none_or_of_another_version(host: Host, text: str) -> None:
    facts = host.folder / "facts.json"
    facts.write_text(text)
    answer = host.on_disk("mount", "/dev/vdb", host.target, "--facts", str(facts), "--json")
    assert (answer.code, answer.json["error"]["what"]) == (USAGE, str(facts))
    assert not host.state.exists()


def test_facts_that_are_absent(host: Host) -> None:
    answer = host.on_disk("mount", "/dev/vdb", host.target, "--facts", str(host.folder / "none.json"), "--json")
    assert answer.code == USAGE


def test_facts_saved_here_give_the_same_plan_without_the_disk(host: Host, disk: Disk) -> None:
    saved = host.on_disk("facts", host.target).well().out
    facts = host.folder / "facts.json"
    facts.write_text(saved)
    live = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json").well().json["result"]
    disk.take_down()
    later = host.on_disk("mount", disk.path, host.target, "--facts", str(facts), "--json").well().json["result"]
    actions = [[change["action"], change["target"], change["before"]] for change in live["changes"]]
    assert [[change["action"], change["target"], change["before"]] for change in later["changes"]] == actions
    assert later["basis"] == live["basis"]
    assert not host.state.exists()


def as_nobody(host: Host, *arguments: str) -> Answer:
    """opskit as a user without any privilege, on an fstab that anybody may read."""
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all")
    # root's own Python (pyenv's) is nothing that nobody may read; the system's can run what is installed all the same.
    libraries = Path(opskit.__file__).parents[1]
    programs = (tuple(OPSKIT), ("/usr/bin/env", f"PYTHONPATH={libraries}", "/usr/bin/python3", "-m", "opskit"))
    tried = {program: run(*nobody, *program, "--version", check=False, cwd="/") for program in programs}
    program = next((program for program, result in tried.items() if result.returncode == 0), None)
    if program is None:
        pytest.skip(f"nobody cannot run opskit here: {[result.stderr.strip()[-200:] for result in tried.values()]}")
    place = Path("/run") if os.access("/run", os.W_OK) else Path("/tmp")
    fstab = place / f"opskit-test-{os.getpid()}-fstab"
    fstab.write_text(FSTAB)
    fstab.chmod(0o644)
    host.after.append(fstab.unlink)
    done = run(*nobody, *program, *arguments, "--fstab", str(fstab), check=False, cwd="/")
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("verb", ["mount DEVICE /data", "umount DEVICE", "grow DEVICE"])
def test_not_root(host: Host, disk: Disk, verb: str) -> None:
    before = snapshot(host)
    words = [disk.path if word == "DEVICE" else word for word in verb.split()]
    answer = as_nobody(host, "disk", *words, "--yes")
    assert answer.code == MISSING
    assert f"sudo opskit disk {' '.join(words)} --yes" in answer.err
    assert snapshot(host) == before


def test_what_can_be_shown_without_root_is_shown(host: Host, disk: Disk) -> None:
    answer = as_nobody(host, "disk", "list", "--json").well()
    assert disk.path in [row["path"] for row in answer.json["result"]["devices"]]
    assert answer.json["result"]["unseen"]


def test_the_lock_is_held_by_another_opskit(host: Host, disk: Disk) -> None:
    host.state.mkdir(mode=0o700)
    with (host.state / "lock").open("w+") as lock:
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = disk.digest(), host.table(), host.backups(), host.ledger()
        for timeout in ("0", "0.2s"):
            answer = host.mount(disk, "--json", "--lock-timeout", timeout)
            assert answer.code == BUSY
            assert f"pid {os.getpid()} holds {host.state}/lock" in answer.json["error"]["why"]
        assert (disk.digest(), host.table(), host.backups(), host.ledger()) == before
        dry = ("mount", disk.path, host.target, "--dry-run")
        assert host.on_disk(*dry).code == BUSY
        host.on_disk(*dry, "--lock-timeout", "1m").well()  # as long as the real run would wait
    host.mount(disk).well()


@pytest.mark.slow  # it waits ten seconds for udev's lock
def test_the_lock_of_the_disk_is_held(host: Host, disk: Disk) -> None:
    before = disk.digest(), host.table(), host.backups()
    descriptor = os.open(disk.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        answer = host.mount(disk, "--json")
    finally:
        os.close(descriptor)
    assert answer.code == BUSY
    assert disk.path in answer.json["error"]["what"]
    assert (disk.digest(), host.table(), host.backups(), host.ledger()) == (*before, [])
