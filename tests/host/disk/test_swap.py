"""`opskit disk swap`: a swap file on each filesystem, a device, and off again; with the real swapon."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import FSTAB, MIB, Answer, Disk, run
from tiers import slow

SIZE = 16 * MIB
REFUSED, USAGE = 5, 2


def in_use() -> dict[str, int]:
    """What the kernel swaps to, and its size in bytes."""
    lines = Path("/proc/swaps").read_text().splitlines()[1:]
    return {line.split()[0]: int(line.split()[2]) * 1024 for line in lines}


def on(host: Host, fstype: str = "ext4") -> str:
    """A filesystem of this type on the mount point, and the path of a swap file on it."""
    if shutil.which(f"mkfs.{fstype}") is None:
        pytest.skip(f"no mkfs.{fstype}")
    disk = host.new_disk(320 * MIB)
    run(f"mkfs.{fstype}", "-q", disk.path)
    Path(host.target).mkdir(parents=True, exist_ok=True)
    run("mount", disk.path, host.target)
    path = f"{host.target}/swap"
    host.after += [lambda: run("umount", host.target), lambda: run("swapoff", path, check=False)]
    return path


def swap(host: Host, *words: str, **more: str) -> Answer:
    return host.on_disk("swap", *words, "--leave-free", "10M", "--yes", **more)


@pytest.mark.parametrize("fstype", ["ext4", "xfs", slow("ext3"), slow("btrfs")])
def test_a_file_is_made_used_and_taken_out_again(host: Host, fstype: str) -> None:
    path = on(host, fstype)
    swap(host, "16M", path).well()
    # Less the header; and a page that does not lie in one piece is not used.
    assert SIZE - 16 * os.sysconf("SC_PAGE_SIZE") <= in_use()[path] < SIZE
    status = os.stat(path)
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_size) == (0o600, 0, SIZE)
    assert os.listdir(host.target).count("swap") == 1
    assert not [name for name in os.listdir(host.target) if ".opskit-" in name]
    assert host.added() == f"{path} none swap defaults 0 0"
    host.assert_fstab_parses()
    assert "nothing to do" in swap(host, "16M", path).well().out
    other = swap(host, "32M", path, "--json")
    assert (other.code, other.ids) == (REFUSED, ["swap-of-another-size"])
    host.on_disk("swap", "--off", path, "--yes").well()
    assert path not in in_use()
    assert host.fstab.read_text() == FSTAB
    assert os.path.getsize(path) == SIZE
    assert "nothing to do" in host.on_disk("swap", "--off", path, "--yes").well().out
    # What is there is used again, and not made anew.
    again = swap(host, "16M", path, "--json").well().json["result"]
    assert path in in_use()
    assert os.stat(path).st_ino == status.st_ino
    host.run("undo", again["run"], "--yes").well()
    assert path not in in_use()
    assert os.path.exists(path)


def test_an_undo_leaves_nothing(host: Host) -> None:
    path = on(host)
    before = sorted(os.listdir(host.target))
    swap(host, "16M", path).well()
    host.run("undo", "last", "--yes").well()
    assert path not in in_use()
    assert (sorted(os.listdir(host.target)), host.fstab.read_text()) == (before, FSTAB)


@pytest.mark.parametrize("at", [slow("step:1"), "stepped:1", slow("stepped:3"), "stepped:4"])
def test_after_a_crash_the_second_run_finishes(host: Host, at: str) -> None:
    path = on(host)
    assert swap(host, "16M", path, OPSKIT_TEST_KILL=at).code == -9
    swap(host, "16M", path).well()
    assert path in in_use()
    assert host.added() == f"{path} none swap defaults 0 0"


def test_what_a_killed_run_has_left_is_named_and_goes_with_its_undo(host: Host) -> None:
    path = on(host)
    swap(host, "16M", path, OPSKIT_TEST_KILL="step:1")
    run_id = host.ledger()[0]["run"]
    draft = Path(f"{path}.opskit-{run_id}")
    draft.write_bytes(bytes(MIB))
    assert f"{draft} is what" in swap(host, "16M", path).well().err
    assert f"rm {draft}\n" in host.run("history").well().err
    undo = host.run("undo", run_id, "--yes").well()
    assert f"remove-swap-file  {draft}" in undo.err
    assert (draft.exists(), path in in_use()) == (False, True)
    assert "swap-draft-left" not in swap(host, "16M", path, "--json").ids


def test_the_script_does_the_same(host: Host) -> None:
    path = on(host)
    script = host.on_disk("swap", "16M", path, "--leave-free", "10M", "--dry-run", "--format", "sh").well().out
    run("sh", "-c", script)
    assert path in in_use()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert "nothing to do" in swap(host, "16M", path).well().out
    stopped = run("sh", "-c", script, check=False)
    assert (stopped.returncode, "nothing was changed" in stopped.stderr) == (1, True)


def test_swap_is_listed_and_what_became_of_its_entry_is_found(host: Host) -> None:
    path = on(host)
    swap(host, "16M", path).well()
    listed = {row["path"]: row for row in host.on_disk("list", "--json").well().json["result"]["swap"]}
    assert listed[path]["size"] == in_use()[path]
    assert listed[path]["device"].startswith("/dev/loop")
    run("swapoff", path)
    assert "swap-not-active" in host.on_disk("fstab", "check", "--json").ids
    os.unlink(path)
    assert "absent-swap-file" in host.on_disk("fstab", "check", "--json").ids


def test_what_is_there_is_left_alone(host: Host) -> None:
    path = on(host)
    Path(path).write_text("data")
    answer = swap(host, "16M", path, "--json")
    assert (answer.code, answer.ids) == (REFUSED, ["file-exists"])
    assert Path(path).read_text() == "data"
    for words, ids in (
        (("400M", f"{host.target}/other"), ["no-room-for-swap"]),
        (("16M", "/proc/swap"), ["no-swap-there"]),
        (("16M", f"{host.target}/none/swap"), ["no-such-directory"]),
        (("1B", f"{host.target}/other"), ["swap-size"]),
    ):
        answer = swap(host, *words, "--json")
        assert set(ids) <= set(answer.ids), words
        assert answer.code in {REFUSED, USAGE}
    assert swap(host).code == USAGE
    assert swap(host, "2").code == USAGE
    assert host.on_disk("swap", "--off", f"{host.target}/other", "--yes").code == USAGE
    for no_swap in (path, host.target, "/etc/passwd"):
        answer = host.on_disk("swap", "--off", no_swap, "--yes")
        assert (answer.code, "rm " in answer.err) == (USAGE, False)
    assert (host.fstab.read_text(), host.ledger()) == (FSTAB, [])


def test_a_swap_file_that_others_can_replace_is_not_used(host: Host) -> None:
    path = Path(on(host)).parent / "home/swap"
    path.parent.mkdir()
    path.write_bytes(bytes(SIZE))
    path.chmod(0o600)
    run("mkswap", "-q", str(path))
    os.chown(path.parent, 65534, 65534)
    answer = swap(host, "16M", str(path), "--json")
    assert (answer.code, answer.ids) == (REFUSED, ["replaceable"])
    link = path.parent.parent / "link"
    link.symlink_to(path.parent)
    answer = swap(host, "16M", f"{link}/swap", "--json")
    assert answer.ids[0] == "symlink-in-path"
    assert host.fstab.read_text() == FSTAB
    assert not [used for used in in_use() if used.startswith(str(host.folder))]


def test_a_blank_disk_becomes_swap_and_blank_again(host: Host, disk: Disk) -> None:
    host.after.append(lambda: run("swapoff", disk.path, check=False))
    swap(host, disk.path).well()
    assert disk.path in in_use()
    uuid = disk.value("UUID")
    assert host.added() == f"UUID={uuid} none swap defaults 0 0"
    assert "nothing to do" in swap(host, disk.path).well().out
    host.on_disk("swap", "--off", disk.path, "--yes").well()
    assert (disk.path in in_use(), host.fstab.read_text()) == (False, FSTAB)
    again = swap(host, disk.path, "--json").well().json["result"]
    assert disk.value("UUID") == uuid  # it is swap already, and used as it is
    host.run("undo", again["run"], "--yes").well()
    first = host.ledger()[0]["run"]
    assert disk.type_of() == "swap"
    host.run("undo", first, "--yes").well()
    assert disk.type_of() == ""


@pytest.mark.parametrize("what", ["ext4", "partition", "mounted", "in-fstab"])
def test_a_device_that_holds_something_is_refused(host: Host, disk: Disk, what: str) -> None:
    if what == "partition":
        disk.make_partition()
    elif what == "in-fstab":
        host.fstab.write_text(f"{FSTAB}{disk.path} /srv ext4 defaults 0 0\n")
    else:
        run("mkfs.ext4", "-q", disk.path)
    if what == "mounted":
        Path(host.target).mkdir(parents=True)
        run("mount", disk.path, host.target)
    before = disk.digest() if what != "mounted" else ""
    answer = swap(host, disk.path, "--json")
    assert answer.code == REFUSED
    assert answer.ids[0] in {"has-data", "mounted", "named-in-fstab"}
    assert what == "mounted" or disk.digest() == before
    assert disk.path not in in_use()
