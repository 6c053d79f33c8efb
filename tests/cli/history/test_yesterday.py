"""`opskit undo` of today takes back what a run of 0.1.0 left, by the ledger that 0.1.0 wrote: files and directories.

What a run on a disk left is taken back in host/disk/test_yesterday.py, a memcached in host/memcached/test_yesterday.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledgers import Sample, sample

# As the fstab of the samples was: a digest of it is in the ledger.
FSTAB = """\
# /etc/fstab of a test: comments,\ttabs and lines that nobody understands stay as they are

UUID=00000000-0000-4000-8000-000000000001\t/\text4\tdefaults\t0\t1
meaningless
  tmpfs   /tmp\ttmpfs defaults,noauto  0 0
"""
ENTRY = "UUID=6a1d4aa6-eb91-442b-a2cd-b33321a5782f {}/mnt/data ext4 defaults,nofail,x-systemd.device-timeout=30s 0 2\n"
OLD = "0.1.0"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="an undo needs root")


def undo(folder: Path, run: Sample, *options: str, code: int = 0) -> str:
    """Take this run of 0.1.0 back, with its paths below the folder; it ends with this code. Returns stdout."""
    Sample(tuple(line.replace("/sample/", f"{folder}/") for line in run.lines)).put(folder / "state")
    argv = [sys.executable, "-m", "opskit", "undo", "last", "--yes", "--state-dir", str(folder / "state"), *options]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done.stdout


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_entry_of_fstab_and_a_mount_point(tmp_path: Path) -> None:
    run = sample(OLD, "disk.add-fstab-entry").only("disk.backup-fstab", "disk.add-fstab-entry", "disk.make-mount-point")
    etc, backup = tmp_path / "etc", Path(run.fields("disk.backup-fstab")["backup"]).name
    etc.mkdir()
    (tmp_path / "mnt" / "data").mkdir(parents=True)
    (etc / backup).write_text(FSTAB)
    (etc / "fstab").write_text(FSTAB + ENTRY.format(tmp_path))
    assert run.fields("disk.add-fstab-entry")["sha256_before"] == digest(FSTAB), "or the sample is of another file"
    undo(tmp_path, run)
    assert ((etc / "fstab").read_text(), names(etc), names(tmp_path)) == (FSTAB, ["fstab"], ["etc", "state"])


def test_an_fstab_that_was_restored(tmp_path: Path) -> None:
    run = sample(OLD, "disk.restore-fstab")
    fields = run.fields("disk.restore-fstab")
    etc, backup = tmp_path / "etc", Path(run.fields("disk.backup-fstab")["backup"]).name
    etc.mkdir()
    (etc / backup).write_text(FSTAB)
    (etc / "fstab").write_text(FSTAB.replace("meaningless\n", ""))
    run = run.replace(
        {fields["sha256_before"]: digest(FSTAB), fields["sha256_after"]: digest(FSTAB.replace("meaningless\n", ""))}
    )
    undo(tmp_path, run)
    assert ((etc / "fstab").read_text(), names(etc)) == (FSTAB, ["fstab"])


def test_a_drop_in_of_journald(tmp_path: Path) -> None:
    run = sample(OLD, "journal.retain")
    fields = run.fields("journal.retain")
    path = tmp_path / "root/etc/systemd/journald.conf.d/90-opskit-retain.conf"
    path.parent.mkdir(parents=True)
    path.write_text(fields["text"])
    undo(tmp_path, run)
    assert names(path.parent.parent) == []


def test_journals_that_were_vacuumed_come_back_from_their_copies(tmp_path: Path) -> None:
    run = sample(OLD, "journal.copy")
    copies, journals = tmp_path / "copies", tmp_path / "journals"
    for folder in (copies, journals):
        folder.mkdir()
    files = [Path(file["copy"]).name for file in run.fields("journal.copy")["files"]]
    assert len(files) == 4
    for number, name in enumerate(files):
        (copies / name).write_bytes(b"journal %d" % number)
    undo(tmp_path, run)
    assert [(journals / name).read_bytes() for name in files] == [b"journal %d" % number for number in range(4)]
    assert not copies.exists()


def test_settings_of_memcached(tmp_path: Path) -> None:
    run = sample(OLD, "memcached.write-settings").only("memcached.write-settings")
    fields = run.fields("memcached.write-settings")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "memcached").write_text(fields["text"])
    (etc / "memcached.opskit-x").write_text(fields["before"][0])
    undo(tmp_path, run)
    assert ((etc / "memcached").read_text(), names(etc)) == (fields["before"][0], ["memcached"])


def test_a_directory_for_a_pid_file(tmp_path: Path) -> None:
    run = sample(OLD, "memcached.make-directory").only("memcached.make-directory")
    (tmp_path / "memcached").mkdir()
    undo(tmp_path, run.replace({"/run/memcached": "/sample/memcached"}))
    assert names(tmp_path) == ["state"]


def test_a_lock_file_that_was_put_aside(tmp_path: Path) -> None:
    run = sample(OLD, "yum.clear")
    backup = tmp_path / Path(run.fields("yum.clear")["backup"]).relative_to("/sample")
    backup.parent.mkdir(parents=True)
    backup.write_text("abc")
    undo(tmp_path, run)
    assert (names(backup.parent), (backup.parent / "metadata_lock.pid").read_text()) == (["metadata_lock.pid"], "abc")


@pytest.mark.parametrize(
    "kind", ["yum.interrupt", "yum.continue", "memcached.remove-pid-file", "journal.rotate", "disk.grow-filesystem"]
)
def test_what_cannot_be_taken_back_is_said_to_stay(tmp_path: Path, kind: str) -> None:
    run = sample(OLD, kind)
    findings = json.loads(undo(tmp_path, run, "--json", code=5))["findings"]
    assert [finding["id"] for finding in findings] == ["cannot-undo" for _ in run.steps()]
