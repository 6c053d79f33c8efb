"""rpm's Berkeley DB after a kill: what `yum lock` says is what the library says, and `yum unlock` makes it usable."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from host.tools import OPSKIT, Answer, run
from host.yum.berkeley import RUN_RECOVERY, failchk, killed, make, missing, start
from host.yum.packages import ENV, SPEC

INNER = "/var/lib/rpm"
FINDING = "rpm-database-recovery"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one package, at rest."""
    if why := missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("berkeley")
    spec = folder / "quick.spec"
    spec.write_text(SPEC.format(name="quick", release=1, post=""))
    defines = {"_topdir": folder / "top", "_dbpath": folder / "db", "_rpmdir": folder}
    options = [word for key, value in defines.items() for word in ("--define", f"{key} {value}")]
    run("rpmbuild", "-bb", "--quiet", *options, str(spec), env=ENV)
    package = next(folder.rglob("quick-*.rpm"))
    run("rpm", "--dbpath", str(folder / "sqlite"), "-i", "--nodeps", str(package), env=ENV)
    make(folder / "made", folder / "sqlite/rpmdb.sqlite")
    return folder / "made"


@pytest.fixture
def database(tmp_path: Path, made: Path) -> Path:
    """The same below an installroot of its own."""
    folder = tmp_path / "root" / INNER.lstrip("/")
    folder.parent.mkdir(parents=True)
    shutil.copytree(made, folder)
    process = start(folder, "rest")
    process.communicate()
    assert (folder / "__db.001").exists()
    return folder


def opskit(database: Path, *words: str, prefix: tuple[str, ...] = ()) -> Answer:
    root = str(database).removesuffix(INNER)
    where = ("--installroot", root) if words[0] == "yum" else ()
    state = str(Path(root).with_name("state"))
    done = run(*prefix, *OPSKIT, *words, *where, check=False, env={**ENV, "OPSKIT_STATE_DIR": state})
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def look(database: Path) -> Answer:
    return opskit(database, "yum", "lock", "--json", "--sample", "0")


@pytest.mark.parametrize("what", ["rest", "read", "write", "library"])
def test_what_a_killed_process_left_is_what_the_library_finds(database: Path, what: str) -> None:
    pid = killed(database, what)
    broken = failchk(database) == RUN_RECOVERY
    assert broken == (what in {"write", "library"})
    answer = look(database)
    assert (FINDING in answer.ids, answer.code) == (broken, 4 if broken else 0)
    if broken:
        (finding,) = [finding for finding in answer.json["findings"] if finding["id"] == FINDING]
        assert f"pid {pid} was killed" in finding["title"]
    plan = opskit(database, "yum", "unlock", "--json", "--dry-run").well().json["result"]["changes"]
    assert [change["action"] for change in plan] == (["copy", "set-aside", "rebuild"] if broken else [])


def test_wait_ends_with_what_mends_it_and_does_not_run_the_command(database: Path) -> None:
    marker = database.parent / "ran"
    killed(database, "write")
    where = ("--installroot", str(database).removesuffix(INNER))
    done = run(*OPSKIT, "yum", "wait", *where, "--timeout", "1m", "--", "touch", str(marker), check=False, env=ENV)
    assert (done.returncode, "DB_RUNRECOVERY" in done.stderr, "opskit yum unlock" in done.stderr) == (4, True, True)
    assert not marker.exists()
    opskit(database, "yum", "unlock", "--yes").well()
    run(*OPSKIT, "yum", "wait", *where, "--timeout", "1m", "--", "touch", str(marker), env=ENV)
    assert marker.exists()


def test_what_the_library_gave_up_is_seen_without_a_pid(database: Path) -> None:
    """The field `panic` of __db.001: the library sets it, and refuses from then on."""
    with open(database / "__db.001", "r+b") as file:
        file.seek(4)
        file.write((1).to_bytes(4, "little"))
    answer = look(database)
    assert FINDING in answer.ids
    assert run("db5.3_stat", "-e", "-h", str(database), check=False).returncode != 0


def test_nothing_is_done_while_a_process_has_it_open(database: Path) -> None:
    process = start(database, "rest")
    killed(database, "write")
    before = {path.name: path.stat().st_mtime_ns for path in database.iterdir()}
    answer = opskit(database, "yum", "unlock", "--yes", "--json")
    assert (answer.code, answer.ids) == (7, ["rpm-database-open"])
    assert f"pid {process.pid}" in answer.json["findings"][0]["title"]
    assert {path.name: path.stat().st_mtime_ns for path in database.iterdir()} == before
    process.communicate()


def test_a_process_at_work_is_no_killed_one(database: Path) -> None:
    process = start(database, "write")
    assert FINDING not in look(database).ids
    process.communicate()


def test_it_is_copied_rebuilt_and_usable(database: Path) -> None:
    killed(database, "write")
    inode = (database / "Packages").stat().st_ino
    done = opskit(database, "yum", "unlock", "--yes", "--json").well().json["result"]
    (copy,) = database.parent.glob("rpm.opskit-*")
    assert (copy / "Packages").read_bytes()[12:16] == b"\x61\x15\x06\x00"
    assert (copy / "__db.001").exists()
    assert list(database.glob("__db.*")) == []
    assert run("rpm", "--dbpath", str(database), "-qa", env=ENV).stdout == "quick-1-1.noarch\n"
    assert inode not in {path.stat().st_ino for path in database.iterdir()}
    assert look(database).code == 0
    assert "nothing" in opskit(database, "yum", "unlock", "--yes").well().out
    # The old regions would damage the new database: an undo leaves all as it is, and says where the old one is.
    undone = opskit(database, "undo", done["run"], "--yes")
    assert (undone.code, str(copy) in undone.out + undone.err) == (5, True)
    assert (copy / "__db.001").exists()


@pytest.mark.parametrize("at", ["stepped:1", "stepped:2", "step:3"])
def test_a_kill_before_the_rebuilding_is_taken_back(database: Path, at: str) -> None:
    killed(database, "write")
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in database.iterdir()}
    crashed = opskit(database, "yum", "unlock", "--yes", prefix=("env", f"OPSKIT_TEST_KILL={at}"))
    assert crashed.code == -9
    opskit(database, "undo", "last", "--yes").well()
    assert {path.name: (path.stat().st_ino, path.read_bytes()) for path in database.iterdir()} == before
    assert list(database.parent.glob("rpm.opskit-*")) == []


def test_a_script_stops_where_it_is_open(database: Path) -> None:
    if shutil.which("fuser") is None:
        pytest.skip("no fuser")
    killed(database, "write")
    script = opskit(database, "yum", "unlock", "--dry-run", "--format", "sh").well().out
    with open(database / "Packages", "rb"):
        stopped = run("sh", "-c", script, check=False, env=ENV)
        assert (stopped.returncode, f"a process has {database} open" in stopped.stderr) == (1, True)
    run("sh", "-c", script, env=ENV)
    assert look(database).code == 0


def test_no_room_is_refused(database: Path) -> None:
    killed(database, "write")
    with open(database / "Packages.large", "wb") as file:
        file.truncate(2**40)
    answer = opskit(database, "yum", "unlock", "--yes", "--json")
    assert (answer.code, answer.ids) == (5, ["rpm-database-no-room"])


def test_the_look_writes_nothing(database: Path) -> None:
    killed(database, "library")
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in database.iterdir()}
    assert look(database).code == 4
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in database.iterdir()} == before
    os.chmod(database / "__db.001", 0o600)
    assert json.loads(look(database).out)["findings"]
