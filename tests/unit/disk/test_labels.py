"""restorecon after what was made: the mount point, and the root directory of a new filesystem. Found on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from opskit.core.command import Command, Result
from opskit.disk.model import BlockDevice, DiskPlace
from opskit.disk.mount.steps import mount as mount_steps
from opskit.disk.mount.steps.mount import MakeMountPoint, MountFilesystem
from opskit.disk.see import facts

PLACE = DiskPlace("vdb", "/dev/vdb", "serial:a", 2**31, 512, 0, 2**30)
MOUNT = "mount -t ext4 /dev/vdb '/my data'"
RESTORECON = "restorecon '/my data' || true"


class FakeRunner:
    """Notes what it is asked to run, and what was there by then."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.there: list[bool] = []

    def run(self, command: Command) -> Result:
        self.ran.append(command.as_shell())
        self.there.append(Path(command.argv[-1]).is_dir())
        return Result(command, 0, "sfdisk from util-linux 2.37.4", "", 0.0)


@pytest.mark.parametrize("relabel", [True, False])
def test_a_mount_point_gets_its_context_once_it_is_there(tmp_path: Path, relabel: bool) -> None:
    path = str(tmp_path / "a" / "b")
    step, runner = MakeMountPoint(path, relabel), FakeRunner()
    record = step.remember(runner)
    step.apply(runner, record)
    step.verify(runner, record)
    assert runner.ran == [f"restorecon {path} || true"] * relabel
    assert all(runner.there)
    assert step.change.commands == (f"mkdir -p {path}", *runner.ran)
    step.undo(runner, record)
    assert len(runner.ran) == relabel
    assert not (tmp_path / "a").exists()


def test_a_directory_that_somebody_else_made_meanwhile_is_theirs(tmp_path: Path) -> None:
    step, runner = MakeMountPoint(str(tmp_path / "a" / "b" / "c")), FakeRunner()
    record = step.remember(runner)
    (tmp_path / "a").mkdir()
    record.update(step.apply(runner, record))
    assert record["made"] == [step.path, str(tmp_path / "a" / "b")]
    step.undo(runner, record)
    assert list(tmp_path.rglob("*")) == [tmp_path / "a"]
    assert step.left(runner, record) is None


@pytest.mark.parametrize("relabel", [True, False])
def test_a_new_filesystem_gets_its_context_once_it_is_mounted(monkeypatch: pytest.MonkeyPatch, relabel: bool) -> None:
    monkeypatch.setattr(mount_steps.udev, "is_running", lambda: False)
    monkeypatch.setattr(mount_steps, "device_at", lambda _: BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 2**31))
    step, runner = MountFilesystem(PLACE, "/my data", "ext4", "u", "", relabel=relabel), FakeRunner()
    step.apply(runner, step.remember(runner))
    assert runner.ran == [MOUNT, *[RESTORECON] * relabel]
    assert step.change.commands == tuple(runner.ran)


@pytest.mark.parametrize("there", [True, False])
def test_restorecon_is_found_where_the_runner_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    for name in ("restorecon",) * there + ("mkfs.xfs", "sfdisk"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setitem(facts.ENVIRONMENT, "PATH", f"/nowhere:{tmp_path}")
    label = {"restorecon": "1"} if there else {}
    assert facts.read_restorecon() == label
    assert facts.read_tools(FakeRunner()) == {"mkfs.xfs": "1", "sfdisk": "2.37", **label}
