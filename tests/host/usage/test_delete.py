"""What `opskit du --browse` refuses to delete, on real mounts, with real processes; and how much space it frees."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from host.hosts import Host
from host.tools import GIB, attach, make_filesystem, run, until
from opskit.core.errors import CommandFailed
from opskit.core.plan import Plan, Refusal
from opskit.core.runner import HostRunner, ReadOnlyRunner
from opskit.usage.du.delete.model import DeleteFacts
from opskit.usage.du.delete.plan import decide
from opskit.usage.du.delete.see import needs
from opskit.usage.du.delete.see.needs import needs_of
from opskit.usage.du.delete.see.trees import ROOT_MAY_NOT, see_targets
from opskit.usage.du.delete.see.uses import Uses, see_uses
from tiers import Agree

HOLD = """import os, sys
kept = [eval(sys.argv[1])]
print("ready", flush=True)
sys.stdin.read()
"""


def see(*paths: Path) -> DeleteFacts:
    return see_targets([str(path) for path in paths], ReadOnlyRunner(HostRunner()), "/var/lib/opskit")


def against(*paths: Path) -> list[str]:
    """The ids of the reasons against deleting these."""
    decision = decide(see(*paths), "")
    return sorted({reason.id for reason in decision.reasons}) if isinstance(decision, Refusal) else []


def remedies(*paths: Path) -> list[str]:
    """What to do about the reasons against deleting these."""
    decision = decide(see(*paths), "")
    return [reason.remedy for reason in decision.reasons] if isinstance(decision, Refusal) else []


@pytest.fixture
def tree(host: Host) -> Path:
    root = host.folder / "tree"
    (root / "in/deep").mkdir(parents=True)
    (root / "in/deep/file").write_bytes(b"x" * 8192)
    return root


def hold(host: Host, what: str, **more: object) -> subprocess.Popen[bytes]:
    """A process that has something: an expression of Python."""
    argv = (sys.executable, "-c", HOLD, what)
    process = host.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    return process


def test_what_nobody_needs_can_go(tree: Path) -> None:
    facts = see(tree)
    assert facts.hindrances == ()
    assert facts.targets[0].entries == 4
    assert against(tree / "in", tree / "in/deep/file") == []


@pytest.mark.parametrize(
    "setup",
    [
        "mount -t tmpfs none {0}/in/deep",
        "mount --bind {0}/in {0}/in",
        "touch {0}/one && mount --bind /dev/null {0}/one",
        "mkdir {0}/../other && mount --bind {0}/in {0}/../other",
        "mkdir {0}/../over {0}/../low && mount -t overlay -o lowerdir={0}/in:{0}/../low none {0}/../over",
    ],
    ids=["mount in it", "bind on itself", "file bound", "mounted elsewhere", "layer"],
)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "in a namespace"])
def test_mounts(host: Host, tree: Path, setup: str, elsewhere: bool) -> None:
    lines = setup.format(tree)
    if elsewhere:
        host.namespace(lines)
    else:
        run("sh", "-euc", lines)
        target = lines.split()[-1]
        host.after.append(lambda: run("umount", target))
    assert "delete-mount-point" in against(tree)
    assert (tree / "in/deep").exists()


def test_layers_that_are_named_from_the_folder_above_them(host: Host) -> None:
    """As docker and podman mount an overlay of many layers: from there, for the options would be too long."""
    home = host.folder / "home"
    for name in ("id/diff", "id/work", "id/merged", "layer/diff", "other/diff"):
        (home / name).mkdir(parents=True)
    (home / "l").mkdir()
    (home / "l/A").symlink_to("../layer/diff")
    options = "lowerdir=l/A,upperdir=id/diff,workdir=id/work"
    run("mount", "-t", "overlay", "-o", options, "none", str(home / "id/merged"), cwd=home)
    host.after.append(lambda: run("umount", str(home / "id/merged")))
    for name in ("id/diff", "id/work", "layer", "layer/diff"):
        assert against(home / name) == ["delete-mount-point"], name
    assert against(home / "other") == []


def test_a_part_on_another_filesystem_or_subvolume(host: Host) -> None:
    disk = host.new_disk(GIB // 2)
    make_filesystem("btrfs", disk.path)
    at = host.folder / "at"
    at.mkdir()
    host.put_over(at, disk.path)
    (at / "plain").mkdir()
    run("btrfs", "subvolume", "create", str(at / "plain/sub"))
    assert against(at / "plain") == ["delete-other-filesystem"]
    assert against(at / "plain/sub") == ["delete-other-filesystem"]
    assert against(at) == ["delete-mount-point", "delete-other-filesystem"]


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ("os.chdir('{0}/in/deep')", True),
        ("open('{0}/in/deep/file', 'r+b')", True),
        ("open('{0}/in/deep/file', 'ab')", True),
        ("os.open('{0}/in', os.O_RDONLY)", True),
        ("__import__('mmap').mmap(os.open('{0}/in/deep/file', os.O_RDONLY), 0, prot=1)", True),
        ("open('{0}/in/deep/file', 'rb')", False),
    ],
    ids=["works there", "writes", "appends", "directory", "mapped", "reads"],
)
def test_processes(host: Host, tree: Path, what: str, kept: bool) -> None:
    process = hold(host, what.format(tree))
    decision = decide(see(tree), "")
    if kept:
        assert isinstance(decision, Refusal)
        assert {reason.id for reason in decision.reasons} == {"delete-in-use"}
        assert f"(pid {process.pid})" in decision.reasons[0].title
    else:
        assert isinstance(decision, Plan)
        assert "delete-opened" in [note.id for note in decision.notes]
        assert decision.result["frees_bytes"] < 16384 <= sum(target.size for target in see(tree).targets) + 1
    process.communicate()
    assert against(tree) == []


def test_a_program_that_runs_and_the_image_of_a_disk(host: Host, tree: Path) -> None:
    program = tree / "in/sleeper"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    process = host.start(str(program), "100")
    assert against(tree) == ["delete-in-use"]
    process.terminate()
    process.wait()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tree / "s"))
    listener.listen()
    assert against(tree / "s") == ["delete-in-use"]
    listener.close()
    assert against(tree / "s") == []
    (tree / "image").write_bytes(bytes(1 << 20))
    disk = attach(tree / "image")
    host.disks.append(disk)
    assert against(tree / "image") == ["delete-in-use"]


@pytest.mark.parametrize("flag", ["i", "a"])
def test_an_immutable_file(host: Host, flag: str) -> None:
    disk = host.new_disk()
    make_filesystem("ext4", disk.path)
    at = host.folder / "at"
    at.mkdir()
    host.put_over(at, disk.path)
    (at / "d").mkdir()
    (at / "d/file").touch()
    run("chattr", f"+{flag}", str(at / "d/file"))
    assert against(at / "d") == ["delete-immutable"]
    run("chattr", f"-{flag}", str(at / "d/file"))
    assert against(at / "d") == []
    # Of what is in a fixed directory nothing can go, and what is in that could, before its name could not.
    run("chattr", f"+{flag}", str(at / "d"))
    assert remedies(at / "d/file") == [f"chattr -i -a {at / 'd'}"]
    run("chattr", f"-{flag}", str(at / "d"))
    run("mount", "-o", "remount,ro", str(at))
    assert against(at / "d") == ["delete-immutable"]
    assert "findmnt" in remedies(at / "d")[0]


def test_root_without_cap_fowner_in_a_sticky_directory(tree: Path) -> None:
    (tree / "in").chmod(0o1777)
    os.chown(tree / "in", 4321, 4321)
    os.chown(tree / "in/deep", 1234, 1234)
    assert against(tree / "in/deep") == []
    script = (
        "import sys; from opskit.core.runner import HostRunner; "
        "from opskit.usage.du.delete.see.trees import see_targets; "
        "facts = see_targets(sys.argv[1:], HostRunner(), '/var/lib/opskit'); "
        "print([(each.kind, each.remedy) for each in facts.hindrances])"
    )
    without = ("setpriv", "--bounding-set=-fowner", "--inh-caps=-fowner")
    seen = run(*without, sys.executable, "-c", script, str(tree / "in/deep")).stdout
    assert seen == f"{[('delete-unreadable', ROOT_MAY_NOT)]}\n"


@pytest.mark.parametrize(
    "path",
    ["/", "/etc", "/etc/fstab", "/usr", "/usr/bin/env", "/usr/local", "/var", "/var/lib", "/var/log", "/home", "/root",
     "/boot", "/proc/1", "/var/lib/opskit", "/var/lib/opskit/ledger.jsonl", "/tmp"],
)  # fmt: skip
def test_the_system_itself(path: str) -> None:
    kinds = {hindrance.kind for hindrance in needs_of([path], Silent(), "/var/lib/opskit", see_uses())}
    assert "delete-system" in kinds


def test_near_the_system_is_not_in_it() -> None:
    for path in ("/usr/local/old", "/var/log/old", "/var/lib/opskit2", "/opt/old", "/etcetera", "/home/nobody-at-all"):
        kinds = {hindrance.kind for hindrance in needs_of([path], Silent(), "/var/lib/opskit", see_uses())}
        assert "delete-system" not in kinds, path


def test_what_homes_are_in(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "alice:x:1000:1000::/export/people/alice:/bin/sh\nsys:x:3:3::/:/bin/sh\nodd\n"
    monkeypatch.setattr("opskit.usage.du.delete.see.needs.procfs.text", lambda path, *_: text * (path == "/etc/passwd"))
    for path, kept in {"/export": 1, "/export/people": 1, "/export/people/alice/": 0, "/export/peo": 0}.items():
        against_it = list(needs_of([path], Silent(), "/var/lib/opskit", Uses(namespaces={"": (1, [])})))
        assert len(against_it) == kept, (path, against_it)


def test_the_image_of_a_loop_device_by_another_path_and_name(host: Host, tree: Path) -> None:
    """The kernel names it by the bind mount over which it was attached."""
    image, other = tree / "in/image", host.folder / "other"
    image.write_bytes(bytes(1 << 20))
    os.link(image, host.folder / "second")
    other.mkdir()
    run("mount", "--bind", str(tree / "in"), str(other))
    host.after.append(lambda: run("umount", str(other)))
    device = attach(other / "image")
    try:
        assert against(image) == ["delete-in-use"]
        # ": > FILE", as for a log, would destroy what is mounted from it.
        assert all(f"losetup -d {device.path}" in remedy for remedy in remedies(image))
        assert against(host.folder / "second") == ["delete-in-use"]
    finally:
        run("losetup", "-d", device.path)
    until(lambda: not device.attached())  # somebody else may look at it just now
    assert against(image) == []


class Silent:
    """A runner for which no program is there, or rpm with an answer of ours."""

    def __init__(self, stdout: str = "") -> None:
        self.stdout = stdout

    def run(self, command: object) -> object:
        from opskit.core.command import Result  # noqa: PLC0415

        if self.stdout == "fail":
            raise CommandFailed(Result(command, 1, "", "error: rpmdb", 0.0))  # type: ignore[arg-type]
        return Result(command, 0, self.stdout, "", 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stdout", "kinds"),
    [
        ("nginx 0 /srv/www/html\nnginx 0 /usr/sbin/nginx\n", ["delete-packaged"]),
        ("nginx 64 /srv/www/log\n", []),  # a ghost: the package only knows of it
        ("nginx 0 /srv/www2\n", []),
        ("fail", ["delete-unreadable"]),
    ],
)
def test_packages_of_rpm(stdout: str, kinds: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rpmdb.sqlite").touch()
    monkeypatch.setattr("opskit.usage.du.delete.see.needs.RPM_FOLDERS", (str(tmp_path),))
    kept = list(needs_of(["/srv/www"], Silent(stdout), "/var/lib/opskit", see_uses()))  # type: ignore[arg-type]
    assert [hindrance.kind for hindrance in kept] == kinds


SPEC = """Name: site
Version: 1
Release: 1
Summary: s
License: none
BuildArch: noarch
%description
d
%install
mkdir -p %{buildroot}/srv/www/html %{buildroot}/srv/www/log %{buildroot}/srv/own
echo x > "%{buildroot}/srv/www/html/a page.html"
%files
"/srv/www/html/a page.html"
%dir /srv/own
%ghost /srv/www/log/access
"""


def test_a_real_database_of_rpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package is built and installed below a folder; rpm is asked there with opskit's own words."""
    if not (shutil.which("rpmbuild") and shutil.which("rpm")):
        pytest.skip("no rpmbuild here")
    (tmp_path / "site.spec").write_text(SPEC)
    run("rpmbuild", "--quiet", "-bb", "--define", f"_topdir {tmp_path}/build", str(tmp_path / "site.spec"))
    database = ("rpm", "--dbpath", str(tmp_path / "db"))
    (package,) = (tmp_path / "build/RPMS/noarch").iterdir()
    run(*database, "--initdb")
    run(*database, "-i", "--justdb", "--nodeps", str(package))
    monkeypatch.setattr(needs, "RPM_FOLDERS", (str(tmp_path / "db"),))
    monkeypatch.setattr(needs, "_RPM", (*database, *needs._RPM[1:]))
    runner = ReadOnlyRunner(HostRunner())
    for path, owned in {
        "/srv/www": True, "/srv/www/html": True, "/srv/www/html/a page.html": True, "/srv/own": True,
        "/srv/www/log": False, "/srv/www/html/a": False, "/srv/ow": False, "/srv/own/more": False,
    }.items():  # fmt: skip
        hindrances = needs_of([path], runner, "/var/lib/opskit", see_uses())
        assert [each.by for each in hindrances if each.kind == "delete-packaged"] == ["the package site"] * owned, path
    (tmp_path / "db/rpmdb.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 4080)
    kinds = {each.kind for each in needs_of(["/srv/other"], runner, "/var/lib/opskit", see_uses())}
    assert "delete-unreadable" in kinds


def test_packages_of_dpkg() -> None:
    if not Path("/var/lib/dpkg/info").exists():
        pytest.skip("no dpkg here")
    kept = list(needs_of(["/var/cache/apt/archives"], Silent(), "/var/lib/opskit", see_uses()))  # type: ignore[arg-type]
    assert [(hindrance.kind, hindrance.by) for hindrance in kept] == [("delete-packaged", "the package apt")]


@pytest.mark.parametrize("line", ["ExecStart=-{0}/in/deep/file -x", "WorkingDirectory={0}", 'EnvironmentFile="{0}/in"'])
def test_units_of_systemd(line: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opskit.usage.du.delete.see.needs.UNIT_PATHS", (str(tmp_path),))
    unit = tmp_path / "x.service"
    unit.write_text(f"[Service]\n# ExecStart={tree}\n{line.format(tree)}\n")
    assert against(tree) == ["delete-unit"]
    unit.write_text(f"[Service]\n# ExecStart={tree}\nExecStart={tree}2/x\nDescription={tree}\n")
    assert against(tree) == []


@pytest.fixture
def filesystem(host: Host) -> Path:
    disk = host.new_disk(GIB // 2)
    make_filesystem("ext4", disk.path)  # xfs frees some time later
    at = host.folder / "at"
    at.mkdir()
    host.put_over(at, disk.path)
    return at


def test_it_frees_what_it_says(host: Host, filesystem: Path) -> None:
    """With links within, across what is deleted, and to what stays; and a file that is read meanwhile."""
    at = filesystem
    for name in ("x/a", "y/b", "z"):
        (at / name).mkdir(parents=True)
        (at / name / "own").write_bytes(os.urandom(1 << 20))
    for source, link in (("x/a/own", "x/l"), ("x/a/own", "y/l"), ("y/b/own", "z/kept")):
        os.link(at / source, at / link)
    (at / "x/read").write_bytes(os.urandom(1 << 21))
    reader = hold(host, f"open('{at}/x/read', 'rb')")
    decision = decide(see(at / "x", at / "y"), "")
    assert isinstance(decision, Plan)

    def free() -> int:
        os.sync()
        figures = os.statvfs(at)
        return figures.f_bfree * figures.f_frsize

    before = free()
    for step in decision.steps:
        step.apply(HostRunner(), {})
    # ext4 frees a block of a directory or two with the next transaction.
    assert abs(free() - before - decision.result["frees_bytes"]) <= 8192
    assert decision.notes[1].title.startswith("2.0M more is free only when")
    reader.communicate()
    assert abs(free() - before - decision.result["frees_bytes"] - (1 << 21)) <= 8192
    assert sorted(os.listdir(at)) == ["lost+found", "z"]


NOBODY = 65534


def as_nobody(what: Callable[[], list[bool]]) -> list[bool]:
    """What this says in a process of another user."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(write, bytes(what()))
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as file:
        answer = file.read()
    os.waitpid(pid, 0)
    return [bool(byte) for byte in answer]


def test_what_another_user_may_delete(agree: Agree) -> None:
    """Every mode and owner of a directory, and owner of what is in it: as the kernel does it afterwards."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:  # where another user gets
        root = Path(name)
        root.chmod(0o755)
        paths = []
        for number, (mode, owner, inner) in enumerate(
            itertools.product((0o777, 0o1777, 0o755, 0o1755), (0, 7, NOBODY), (0, 7, NOBODY))
        ):
            folder = root / str(number)
            folder.mkdir()
            (folder / "file").touch()
            os.chown(folder / "file", inner, inner)
            os.chown(folder, owner, owner)
            folder.chmod(mode)
            paths.append(folder / "file")

        def predicted() -> list[bool]:
            kept = {hindrance.path for hindrance in see(*paths).hindrances if hindrance.kind == "delete-unreadable"}
            return [str(path) not in kept for path in paths]

        def done() -> list[bool]:
            for path in paths:
                with contextlib.suppress(OSError):
                    path.unlink()
            return [not path.exists() for path in paths]

        expected, prediction = as_nobody(predicted), as_nobody(done)
        assert len(prediction) == len(paths)
        assert 8 < sum(prediction) < len(paths) - 8
        assert expected == prediction
        agree("what another user may delete", sum(map(bool.__eq__, expected, prediction)), len(paths))


def test_an_unseen_process_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    from opskit.usage.du.delete.see import uses  # noqa: PLC0415

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(uses, "_uses_of", denied)
    seen: Uses = see_uses()
    assert seen.unseen > 1
    # What is left is the kernel's: swap, and images of the disks of whatever runs beside this.
    left = {use.how for uses_of_one in seen.of.values() for use in uses_of_one}
    assert left <= {"swaps to it", "has it as its image"}
