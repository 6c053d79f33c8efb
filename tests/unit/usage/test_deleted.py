"""Deleted but open files: which links count, what unit a process is of, what frees them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opskit.core.systemd import control_group, outermost_unit
from opskit.usage.df.deleted import DeletedFile, DeletedFiles, Holder, frees, totals, truncate
from opskit.usage.df.see import deleted
from opskit.usage.df.see.deleted import see_deleted

PODMAN = "podman restart 0123456789ab"
CONTAINER = "0123456789ab" + "c" * 52


def holder(cgroup: str = "", *, pid: int = 812, descriptors: tuple[int, ...] = (3, 5), mapped: bool = False) -> Holder:
    return Holder(pid, "nginx", "web", descriptors, mapped, cgroup)


def file(*holders: Holder, mount_point: str = "/var", size: int = 4096) -> DeletedFile:
    return DeletedFile("252:17", 12, "/var/log/x", size, 4000, mount_point, holders)


@pytest.mark.parametrize(
    ("cgroup", "unit", "remedy"),
    [
        ("/system.slice/nginx.service", "nginx.service", "systemctl restart nginx.service"),
        ("/system.slice/system-x.slice/x@1.service/sub", "x@1.service", "systemctl restart x@1.service"),
        ("/user.slice/user-0.slice/session-3.scope", "session-3.scope", "end or restart nginx (pid 812)"),
        (
            "/user.slice/user-7.slice/user@7.service/app.slice/sync.service",
            "sync.service",
            "systemctl --user restart sync.service (as web)",
        ),
        ("/user.slice/user-7.slice/user@7.service/init.scope", "init.scope", "end or restart nginx (pid 812)"),
        (
            f"/machine.slice/libpod-{CONTAINER}.scope/container",
            f"libpod-{CONTAINER}.scope",
            "podman restart 0123456789ab",
        ),
        (f"/system.slice/docker-{CONTAINER}.scope", f"docker-{CONTAINER}.scope", "docker restart 0123456789ab"),
        (f"/docker/{CONTAINER}", "", "docker restart 0123456789ab"),
        ("/system.slice/auditd.service", "auditd.service", "service auditd restart"),
        ("", "", "end or restart nginx (pid 812)"),
        ("/", "", "end or restart nginx (pid 812)"),
    ],
)
def test_the_unit_and_what_frees(cgroup: str, unit: str, remedy: str) -> None:
    assert outermost_unit(cgroup)[0] == unit
    assert frees(holder(cgroup)) == remedy


def test_systemd_itself_executes_itself_anew() -> None:
    assert frees(holder("/init.scope", pid=1)) == "systemctl daemon-reexec"


def test_the_hierarchy_of_systemd() -> None:
    both = "5:memory:/x\n1:name=systemd:/system.slice/a.service\n0::/b\n"
    assert control_group(both) == "/system.slice/a.service"
    assert control_group("0::/system.slice/a:b.service\n") == "/system.slice/a:b.service"
    assert control_group("") == ""


def test_the_line_that_empties_a_file() -> None:
    assert truncate(file(holder())) == "truncate -s 0 /proc/812/fd/3"
    # Who has it mapped would die of SIGBUS, whoever has it open beside them.
    assert truncate(file(holder(), holder(pid=9, descriptors=(), mapped=True))) == ""


def test_totals() -> None:
    files = (file(holder(), size=1), file(holder(), mount_point="/", size=5), file(holder(), size=2))
    assert [(total.mount_point, total.size) for total in totals(files)] == [("/", 5), ("/var", 3)]
    assert DeletedFiles(files).size == 8


def test_processes_that_proc_does_not_name_are_said_to_be_unseen(tmp_path: Path) -> None:
    """With hidepid (proc(5)) only those of this user are there."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
    (tmp_path / "812/fd").mkdir(parents=True)
    (tmp_path / "812/maps").touch()
    assert see_deleted(str(tmp_path)).unseen == 1
    (tmp_path / "1/fd").mkdir(parents=True)
    (tmp_path / "1/maps").touch()
    assert see_deleted(str(tmp_path)).unseen == 0


def test_a_mount_of_a_container_that_may_not_answer_is_not_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is only mounted in the namespace of the process: by its path alone the file would be on our /."""
    for pid, namespace, more in (
        ("self", "1", ""),
        ("1", "1", ""),
        ("812", "2", "9 7 0:9 / /vol rw - nfs4 nas:/v rw\n"),
    ):
        (tmp_path / pid / "fd").mkdir(parents=True)
        (tmp_path / pid / "fdinfo").mkdir()
        (tmp_path / pid / "ns").mkdir()
        (tmp_path / pid / "ns/mnt").symlink_to(f"mnt:[{namespace}]")
        (tmp_path / pid / "maps").touch()
        (tmp_path / pid / "mountinfo").write_text("7 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + more)
    for number, mount in (("3", 9), ("4", 7)):
        (tmp_path / "812/fd" / number).symlink_to("/vol/x (deleted)")
        (tmp_path / "812/fdinfo" / number).write_text(f"pos:\t0\nmnt_id:\t{mount}\n")
    touched: list[str] = []

    def stat(path: str) -> os.stat_result:
        touched.append(os.path.basename(path))
        raise FileNotFoundError

    with monkeypatch.context() as patched:
        patched.setattr(deleted.os, "stat", stat)
        see_deleted(str(tmp_path))
    assert touched == ["4"]
