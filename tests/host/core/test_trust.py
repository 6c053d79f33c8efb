"""Files and directories that others could change do not steer what root does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import ENVIRONMENT, Disk, run
from opskit.core.trust import weak_spot
from opskit.memcached.see.host import roots_own

NOBODY = 65534


@pytest.fixture(autouse=True)
def _root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root: files of other users are made")


def foreign(path: Path) -> None:
    os.lchown(path, NOBODY, NOBODY)


# What is done to T/a/b/c, and which part of the path is named then ("" for none). T/open is sticky, as /tmp is.
CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda _: None, ""),
    "foreign at the end": (lambda t: foreign(t / "a/b/c"), "a/b/c"),
    "writable for the group": (lambda t: (t / "a/b/c").chmod(0o770), "a/b/c"),
    "foreign above": (lambda t: foreign(t / "a"), "a"),
    "writable above": (lambda t: (t / "a/b").chmod(0o777), "a/b"),
    "sticky and root's": (lambda t: (t / "a/b").chmod(0o1777), ""),
    "sticky, with something foreign": (lambda t: ((t / "a/b").chmod(0o1777), foreign(t / "a/b/c")), "a/b"),
    "sticky and foreign": (lambda t: ((t / "a/b").chmod(0o1777), foreign(t / "a/b")), "a/b"),
    "not there yet": (lambda t: (t / "a/b/c").rmdir(), ""),
    "not there yet, where others can write": (lambda t: ((t / "a/b/c").rmdir(), (t / "a/b").chmod(0o777)), "a/b"),
    "not there yet, in a sticky one": (lambda t: ((t / "a/b/c").rmdir(), (t / "a/b").chmod(0o1777)), ""),
    "a symlink of root": (lambda t: (replace(t / "a/b", t / "other"), (t / "other/c").mkdir()), ""),
    "a foreign symlink in a sticky one": (
        lambda t: ((t / "a").chmod(0o1777), replace(t / "a/b", t / "other"), foreign(t / "a/b")),
        "a",
    ),
    "behind a symlink": (lambda t: (replace(t / "a/b", t / "other"), foreign(t / "other")), "other"),
    "behind a relative symlink": (lambda t: (replace(t / "a/b", Path("../other")), foreign(t / "other")), "other"),
    "a symlink in a circle": (lambda t: replace(t / "a/b", t / "a/b"), ""),
    "below a file": (lambda t: ((t / "a/b/c").rmdir(), (t / "a/b").rmdir(), (t / "a/b").touch()), ""),
}


def replace(path: Path, target: Path) -> None:
    for inner in path.iterdir():
        inner.rmdir()
    path.rmdir()
    path.symlink_to(target)


@pytest.mark.parametrize("case", CASES)
def test_what_is_named_as_weak(tmp_path: Path, case: str) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    change, weak = CASES[case]
    change(tmp_path)
    weakness = weak_spot(str(tmp_path / "a/b/c"))
    assert weakness.partition(" (owner ")[0] == (str(tmp_path / weak) if weak else ""), weakness
    if weak != "a/b/c":
        assert weak_spot(str(tmp_path / "a/b/c"), itself=False) == weakness


@pytest.mark.parametrize("what", ["file", "directory", "symlink"])
def test_a_config_file_that_others_can_change_is_not_read(host: Host, what: str) -> None:
    folder = host.folder / "config"
    (folder / "opskit").mkdir(parents=True)
    config = folder / "opskit" / "config.toml"
    config.write_text('color = "purple"\n')
    named = config
    if what == "symlink":
        (host.folder / "open").mkdir()
        (host.folder / "open").chmod(0o1777)
        named = host.folder / "open" / "config.toml"
        named.symlink_to(config)
        foreign(named)
    else:
        assert host.run("history", OPSKIT_CONFIG=str(config)).code == 2
        foreign(config if what == "file" else folder)
    answer = host.run("history", OPSKIT_CONFIG=str(named)).well()
    assert answer.err.startswith(f"opskit: warning: {named}: not read, for others can change it: ")
    assert "owner 65534" in answer.err or "mode 1777" in answer.err


def test_under_sudo_the_home_of_who_called_is_not_followed(host: Host) -> None:
    config = host.folder / ".config" / "opskit" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('color = "purple"\n')
    plain = {key: value for key, value in ENVIRONMENT.items() if key != "OPSKIT_CONFIG"}
    environment = {**plain, "HOME": str(host.folder), "OPSKIT_STATE_DIR": str(host.state)}
    from host.tools import OPSKIT  # noqa: PLC0415 - a list that must not look like a test's own

    assert run(*OPSKIT, "history", env=environment, check=False).returncode == 2
    assert run(*OPSKIT, "history", env={**environment, "SUDO_USER": "ann"}).stderr == ""


@pytest.mark.parametrize("how", ["above", "symlink"])
def test_a_state_directory_that_others_could_replace(host: Host, disk: Disk, how: str) -> None:
    above = host.folder / "above"
    above.mkdir()
    if how == "above":
        above.chmod(0o777)
    else:
        above.chmod(0o1777)
        (host.folder / "real").mkdir()
        (above / "state").symlink_to(host.folder / "real")
        foreign(above / "state")
    before = disk.digest(), host.table()
    own = ("--fstab", str(host.fstab), "--state-dir", str(above / "state"))
    answer = host.run("disk", "mount", disk.path, host.target, "--yes", *own)
    assert answer.code == 1, answer
    assert f"others can put another directory in its place, and so forge the ledger: {above} (owner" in answer.err
    assert (disk.digest(), host.table()) == before
    assert not list(host.folder.glob("*/state/*"))


def test_a_log_that_is_a_symlink_is_not_followed(host: Host, disk: Disk) -> None:
    host.state.mkdir(mode=0o700)
    precious = host.folder / "precious"
    precious.write_text("precious\n")
    (host.state / "opskit.log").symlink_to(precious)
    before = host.table()
    answer = host.mount(disk)
    assert (answer.code, "the log cannot be written" in answer.err) == (1, True), answer
    assert (precious.read_text(), host.table()) == ("precious\n", before)


@pytest.mark.parametrize("which", ["the file", "a directory above it"])
def test_a_scan_is_not_saved_through_the_symlink_of_another_user(host: Host, which: str) -> None:
    shared = host.folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (host.folder / "precious").mkdir()
    precious = host.folder / "precious" / "scan"
    host.run("du", "--save", str(precious), str(host.folder)).well()
    before = precious.stat().st_ino
    link = shared / ("scan" if which == "the file" else "folder")
    link.symlink_to(precious if which == "the file" else precious.parent)
    target = link if which == "the file" else link / "scan"
    foreign(link)
    answer = host.run("du", "--save", str(target), str(host.folder / "etc"))
    assert (answer.code, f"{link} is a symlink of another user" in answer.err) == (1, True), answer
    assert precious.stat().st_ino == before
    os.lchown(link, 0, 0)
    host.run("du", "--save", str(target), str(host.folder / "etc")).well()
    assert precious.stat().st_ino != before


def test_a_mount_point_that_others_can_replace_is_told_in_the_plan(host: Host, disk: Disk) -> None:
    above = Path(host.target).parent
    above.mkdir()
    foreign(above)
    dry = host.on_disk("mount", disk.path, host.target, "--dry-run", "--json").well()
    assert "mount-point-replaceable" in dry.ids
    os.chown(above, 0, 0)
    assert "mount-point-replaceable" not in host.on_disk("mount", disk.path, host.target, "-n", "--json").well().ids


@pytest.mark.parametrize("when", ["before the mount", "after the mount"])
def test_a_mount_that_was_led_astray_is_found_and_unmounted(host: Host, disk: Disk, when: str) -> None:
    """Whoever may rename a directory of the path does so in the moment of the mount."""
    above = Path(host.target).parent
    elsewhere = host.folder / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    rename = f"mv {above} {above}.away; ln -s {elsewhere} {above}"
    real = '"$real" "$@"; code=$?'
    both = f"{rename}; {real}" if when.startswith("before") else f"{real}; {rename}"
    script = f'case " $* " in *" -t ext4 "*) {both}; exit $code;; esac\nexec "$real" "$@"'
    inside = host.namespace(host.shim("mount", script))
    before = host.table()
    answer = host.mount(disk, inside=inside)
    astray = elsewhere / "data" if when.startswith("before") else Path(f"{above}.away/data")
    assert (answer.code, f"it came to {astray}: somebody replaced" in answer.err) == (9, True), answer
    assert [mount for mount in inside.mounts() if mount.source.startswith(disk.path)] == []
    assert host.table() == before


def test_a_program_in_a_directory_of_another_is_not_roots(tmp_path: Path) -> None:
    """Between the look and the start of memcached -h he could put another in its place, that root would run."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "memcached").symlink_to("/bin/true")
    assert roots_own(str(tmp_path / "bin" / "memcached"))
    foreign(tmp_path / "bin")
    assert not roots_own(str(tmp_path / "bin" / "memcached"))
