"""What `opskit disk swap` decides, of facts that no test machine has."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opskit.core.command import Command, Result
from opskit.core.errors import Failed
from opskit.core.plan import Plan, Refusal
from opskit.core.units import GIB, MIB
from opskit.disk.model import BlockDevice, FileFact, HostFacts, PathFact, Signature, SwapArea
from opskit.disk.see.mounts import swap_areas
from opskit.disk.swap.model import SwapFacts, SwapFile, SwapRequest
from opskit.disk.swap.plan import decide_device, decide_file, decide_off
from opskit.disk.swap.see import btrfs_profiles, swap_uuid, unusable
from opskit.disk.swap.steps import MakeSwapFile

PATH = "/swapfile"
RUN, UUID = "20261121T100000Z-abc123", "11111111-2222-4333-8444-555555555555"
UUID_BYTES = bytes.fromhex(UUID.replace("-", ""))
FILE = SwapFile(PATH, fstype="xfs", mount_point="/", room=10 * GIB)
MADE = replace(FILE, exists=True, size=2 * GIB, mode=0o600, allocated=2 * GIB, uuid=UUID)
AREA = SwapArea(PATH, "file", 2 * GIB - 4096, 100 * MIB)
ENTRY = f"{PATH} none swap defaults 0 0\n"


def facts(*, fstab: str = "", real: str = PATH, weak: str = "", symlink: str = "", **more: Any) -> SwapFacts:
    file = FileFact("/etc/fstab", "/etc/fstab", exists=True, text=fstab, directory_free=GIB)
    tools = {"mkswap": "1", "swapon": "1", "chattr": "1"}
    path = PathFact(PATH, "absent", real, symlink_in=symlink, weak=weak)
    host = HostFacts(1, "", "h", True, (), file, replace(file, path="/etc/crypttab"), paths=(path,), tools=tools)
    return SwapFacts(host, **{"file": FILE, "available": GIB, "kernel": (5, 14), **more})


def decide(now: SwapFacts, size: int = 2 * GIB, leave: int = GIB) -> Any:
    return decide_file(now, SwapRequest(PATH, size, leave), RUN, UUID)


def actions(decision: Any) -> list[str]:
    assert isinstance(decision, Plan), decision
    return [change.action for change in decision.changes]


def ids(decision: Any) -> list[str]:
    assert isinstance(decision, Refusal), decision
    assert all(reason.remedy for reason in decision.reasons)
    return [reason.id for reason in decision.reasons]


@pytest.mark.parametrize(
    ("fstype", "kernel", "method"),
    [
        ("ext4", (3, 10), "fallocate"),
        ("xfs", (3, 10), "zeros"),  # EL7: what fallocate sets aside counts as holes there
        ("xfs", (4, 17), "zeros"),
        ("xfs", (4, 18), "fallocate"),  # EL8
        ("ext3", (6, 12), "zeros"),
        ("btrfs", (6, 12), "zeros"),
    ],
)
def test_how_a_file_without_holes_is_made(fstype: str, kernel: tuple[int, int], method: str) -> None:
    (make, *_) = decide(facts(file=replace(FILE, fstype=fstype), kernel=kernel)).steps
    assert (make.method, make.no_copy) == (method, fstype == "btrfs")
    lines = " ; ".join(make.change.commands)
    assert ("fallocate -l 2147483648" in lines) == (method == "fallocate")
    assert ("dd if=/dev/zero" in lines) == (method == "zeros")
    assert ("chattr +C" in lines) == (fstype == "btrfs")


@pytest.mark.parametrize("selinux", [True, False])
def test_it_gets_the_type_of_a_swap_file_where_selinux_is_on(selinux: bool) -> None:
    (make, *_) = decide(facts(selinux=selinux)).steps
    assert any("chcon -t swapfile_t" in line for line in make.change.commands) == selinux


def test_only_what_is_missing_is_done() -> None:
    every = ["make-swap-file", "backup-fstab", "add-fstab-entry", "swap-on"]
    assert actions(decide(facts())) == every
    assert actions(decide(facts(file=MADE))) == every[1:]
    assert actions(decide(facts(file=MADE, fstab=ENTRY))) == ["swap-on"]
    assert actions(decide(facts(file=MADE, areas=(AREA,)))) == every[1:3]
    assert actions(decide(facts(file=MADE, areas=(AREA,), fstab=ENTRY))) == []


def test_what_is_no_swap_file_of_roots_alone_is_not_used() -> None:
    for change in ({"mode": 0o644}, {"owner": 1000}, {"allocated": GIB}, {"uuid": ""}):
        assert ids(decide(facts(file=replace(MADE, **change)))) == ["file-exists"]


def test_a_device_takes_no_size() -> None:
    now = facts(file=replace(MADE, size=0, allocated=0))
    block = PathFact(PATH, "block", PATH)
    refusal = decide(replace(now, host=replace(now.host, paths=(block,))))
    assert (ids(refusal), refusal.exit_code) == (["file-exists"], 2)
    assert refusal.reasons[0].remedy == f"opskit disk swap {PATH}"
    other = decide(facts(file=MADE), size=GIB)
    assert ids(other) == ["swap-of-another-size"]
    # A refusal of --off, for what is in it would not fit into memory, must not go on to the rm.
    assert isinstance(other, Refusal)
    assert other.reasons[0].remedy.endswith(f"--off {MADE.path} && rm {MADE.path}")


def test_a_path_without_a_size_is_a_file_unless_a_device_has_its_name() -> None:
    now = facts()
    decision = decide_device(now, SwapRequest(PATH, 0, GIB), RUN, UUID)
    assert ids(decision) == ["no-such-device"]
    assert isinstance(decision, Refusal)
    assert decision.reasons[0].remedy == f"a file is named behind its size: opskit disk swap 2G {PATH}"
    disk = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 2 * GIB)
    host = replace(now.host, devices=(disk,), paths=(PathFact("/vdb", "absent", "/vdb"),))
    decision = decide_device(replace(now, host=host), SwapRequest("/vdb", 0, GIB), RUN, UUID)
    assert isinstance(decision, Refusal)
    assert decision.reasons[0].remedy.startswith("did you mean /dev/vdb? ")


def test_how_a_btrfs_keeps_its_data(tmp_path: Path) -> None:
    for one, device, group in (("a", "vdb", "data/raid1"), ("a", "vdc", "metadata/dup"), ("b", "vdd", "mixed/single")):
        (tmp_path / one / "devices").mkdir(parents=True, exist_ok=True)
        (tmp_path / one / "devices" / device).touch()
        (tmp_path / one / "allocation" / group).mkdir(parents=True)
        (tmp_path / one / "allocation" / group).with_name("flags").touch()
    (tmp_path / "features").mkdir()
    found = [btrfs_profiles(f"/dev/{name}", str(tmp_path)) for name in ("vdc", "vdd", "vde")]
    assert found == [("raid1",), ("single",), ()]
    assert btrfs_profiles("/dev/vdb", str(tmp_path / "none")) == ()


def test_where_no_swap_file_can_be() -> None:
    assert ids(decide(facts(file=replace(FILE, fstype="btrfs"), kernel=(4, 18)))) == ["no-swap-there"]
    for profiles, refused in ((("raid1",), True), (("raid1", "single"), False), (("single",), False)):
        btrfs = replace(FILE, fstype="btrfs", profiles=profiles)
        assert isinstance(decide(facts(file=btrfs, kernel=(6, 12))), Refusal) == refused
    assert ids(decide(facts(file=replace(FILE, fstype="nfs4")))) == ["no-swap-there"]
    assert ids(decide(facts(file=replace(FILE, read_only=True)))) == ["read-only"]
    assert ids(decide(facts(weak="its directory is anybody's"))) == ["replaceable"]
    assert ids(decide(facts(symlink="/swapfile", real="/other"))) == ["symlink-in-path"]
    assert ids(decide(facts(file=SwapFile(PATH, directory=False)))) == ["no-such-directory"]
    assert ids(decide(facts(file=SwapFile(PATH, directory=False), symlink="/swap"))) == ["symlink-in-path"]
    assert ids(decide(facts(), size=9 * GIB, leave=GIB + 1)) == ["no-room-for-swap"]
    assert actions(decide(facts(), size=9 * GIB))
    assert ids(decide(facts(), size=MIB + 1)) == ["swap-size"]


@pytest.mark.parametrize("fault", [{"weak": "its directory is anybody's"}, {"symlink": "/a"}])
def test_what_is_swap_already_gets_no_entry_by_a_path_that_others_can_lead_elsewhere(fault: dict[str, str]) -> None:
    reason = ["replaceable" if "weak" in fault else "symlink-in-path"]
    assert ids(decide(facts(file=MADE, **fault))) == reason
    assert ids(decide(facts(file=MADE, areas=(AREA,), **fault))) == reason
    assert actions(decide(facts(file=MADE, areas=(AREA,), fstab=ENTRY, **fault))) == []


def test_off_of_what_is_no_swap_tells_nobody_to_remove_it() -> None:
    for path in ("/etc", "/etc/passwd"):
        assert ids(off(facts(file=SwapFile(path, exists=True, size=4096)), path)) == ["no-such-swap"]
    assert [note.id for note in off(facts(file=MADE)).notes] == ["swap-file-kept"]
    stale = off(facts(file=replace(MADE, uuid=""), fstab=ENTRY))
    assert (actions(stale), stale.notes) == (["backup-fstab", "remove-fstab-entry"], ())


def off(now: SwapFacts, path: str = PATH) -> Any:
    return decide_off(now, SwapRequest(path), RUN)


def test_off_is_refused_where_it_is_needed() -> None:
    used = facts(file=MADE, areas=(AREA,), fstab=ENTRY)
    assert actions(off(used)) == ["swap-off", "backup-fstab", "remove-fstab-entry"]
    assert ids(off(replace(used, available=AREA.used - 1))) == ["swap-in-need"]
    assert ids(off(replace(used, resume=("resume=UUID=1", "resume_offset=42")))) == ["resume"]
    assert actions(off(replace(used, resume=("resume=UUID=1",))))  # into a device, and not into this file
    zram = SwapArea("/dev/zram0", "partition", GIB, 0)
    assert ids(off(facts(file=None, areas=(zram,)), "/dev/zram0")) == ["zram"]
    assert ids(off(facts())) == ["no-such-swap"]


def test_zram_is_left_alone() -> None:
    plan = decide(facts(areas=(SwapArea("/dev/zram0", "partition", GIB, 0),)))
    assert [note.id for note in plan.notes] == ["zram"]
    assert not any("zram" in line for change in plan.changes for line in change.commands)


class Looks:
    """A runner that fills the file as its command would, after a look at its mode."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mode = 0

    def run(self, command: Command) -> Result:
        (draft,) = self.path.parent.glob("swap.opskit-*")
        self.mode = draft.stat().st_mode & 0o777
        draft.write_bytes(bytes(MIB))
        return Result(command, 0, "", "", 0.0)


def test_nobody_else_can_read_it_from_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "swap"
    step = MakeSwapFile(str(path), MIB, "zeros", f"{path}.opskit-r")
    runner = Looks(path)
    umask = os.umask(0)
    try:
        record = step.apply(runner, {})
    finally:
        os.umask(umask)
    assert runner.mode == 0o600
    assert record == {"inode": path.stat().st_ino}
    assert list(tmp_path.iterdir()) == [path]
    # What somebody else has there by now is left alone, by a second one too.
    with pytest.raises(Failed, match="somebody has made it since"):
        step.apply(runner, {})
    step.undo(runner, {})
    assert list(tmp_path.iterdir()) == [path]
    step.undo(runner, record)
    step.undo(runner, record)
    assert list(tmp_path.iterdir()) == []


class Makes:
    """A runner that fills the file and makes it swap as the commands would."""

    def run(self, command: Command) -> Result:
        name = command.argv[0]
        if name == "dd":
            Path(command.argv[2].partition("=")[2]).write_bytes(bytes(MIB))
        elif name == "mkswap":
            page = os.sysconf("SC_PAGE_SIZE")
            header = bytes(1036) + UUID_BYTES + bytes(page - 1036 - 16 - 10) + b"SWAPSPACE2"
            with open(command.argv[-1], "r+b") as file:
                file.write(header)
        return Result(command, 0, "", "", 0.0)


class Killed(BaseException):
    """What SIGKILL is to a test."""


@pytest.mark.parametrize("call", ["fsync", "link", "unlink", "after unlink"])
def test_whatever_a_killed_run_leaves_is_known_by_its_undo_and_no_file_that_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path, draft = tmp_path / "swap", tmp_path / f"swap.opskit-{RUN}"
    step = MakeSwapFile(str(path), MIB, "zeros", str(draft), uuid=UUID)

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("opskit.disk.swap.steps.sync_directory" if call == "after unlink" else f"os.{call}", killed)
        with pytest.raises(Killed):
            step.apply(Makes(), {})
    assert (path.exists(), draft.exists()) == (call in {"unlink", "after unlink"}, call != "after unlink")
    assert not path.exists() or swap_uuid(str(path)) == UUID
    left = step.left(Makes(), {})
    assert left
    assert left.commands == tuple(f"rm {each}" for each in (path, draft) if each.exists())
    step.undo(Makes(), {})
    assert list(tmp_path.iterdir()) == []
    assert step.left(Makes(), {}) is None


def test_a_file_that_another_run_made_since_is_not_its_own(tmp_path: Path) -> None:
    path, draft = tmp_path / "swap", tmp_path / f"swap.opskit-{RUN}"
    killed = MakeSwapFile(str(path), MIB, "zeros", str(draft), uuid="99999999-2222-4333-8444-555555555555")
    MakeSwapFile(str(path), MIB, "zeros", f"{path}.opskit-r", uuid=UUID).apply(Makes(), {})
    assert killed.left(Makes(), {}) is None
    draft.write_bytes(b"")
    killed.undo(Makes(), {})
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_has_left_is_named_with_the_line_that_removes_it() -> None:
    left = replace(FILE, drafts=(f"{PATH}.opskit-{RUN}",))
    (note,) = decide(facts(file=left)).notes
    assert (note.id, note.remedy) == ("swap-draft-left", f"opskit undo {RUN}")
    (reason,) = decide(facts(file=left), size=9 * GIB, leave=2 * GIB).reasons
    assert (reason.id, f"opskit undo {RUN} " in reason.remedy) == ("no-room-for-swap", True)


def test_what_the_kernel_shows(tmp_path: Path) -> None:
    (tmp_path / "swaps").write_text(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/dm-1                               partition\t2097148\t\t10\t\t-2\n"
        "/a\\040b                                 file\t\t65512\t\t0\t\t-3\n"
    )
    device, file = swap_areas(str(tmp_path))
    assert device == SwapArea("/dev/dm-1", "partition", 2097148 * 1024, 10240)
    assert (file.path, file.kind) == ("/a b", "file")


def test_a_swap_area_is_known_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "swap"
    path.write_bytes(bytes(8192))
    assert swap_uuid(str(path)) == ""
    assert swap_uuid(str(tmp_path / "none")) == ""


def header(last: int, order: str = "<", version: int = 1) -> bytes:
    page = os.sysconf("SC_PAGE_SIZE")
    fields = struct.pack(f"{order}2I", version, last)
    return bytes(1024) + fields + bytes(4) + UUID_BYTES + bytes(page - 1052 - 10) + b"SWAPSPACE2"


def test_a_swap_area_that_the_kernel_refuses_is_known_before(tmp_path: Path) -> None:
    """Seen with swapon on kernel 6.18: pages of another size (mkswap -p), and a device that was made smaller."""
    page, path = os.sysconf("SC_PAGE_SIZE"), tmp_path / "swap"
    path.write_bytes(header(9))
    assert unusable(str(path), 10 * page) == ""
    assert "are there" in unusable(str(path), 10 * page - 1)
    path.write_bytes(header(9, ">"))  # of a host with the other order of bytes: taken
    assert unusable(str(path), 10 * page) == ""
    for damaged in (header(0), header(9, version=2)):
        path.write_bytes(damaged)
        assert "damaged" in unusable(str(path), 10 * page)
    path.write_bytes(bytes(page))
    assert "another size" in unusable(str(path), 10 * page)
    assert unusable(str(tmp_path / "none"), 10 * page) == ""


def test_a_swap_area_that_the_kernel_refuses_gets_no_entry() -> None:
    why = "it was made for pages of another size"
    assert ids(decide(facts(file=MADE, unusable=why))) == ["swap-unusable"]
    assert actions(decide(facts(file=MADE, areas=(AREA,), fstab=ENTRY, unusable=why))) == []
    now = facts(file=None, unusable=why)
    swap = Signature("swap", "other", UUID)
    disk = BlockDevice("vdb", "/dev/vdb", "disk", "252:16", 2 * GIB, signatures=(swap,), exclusive="free")
    host = replace(now.host, devices=(disk,), paths=(PathFact("/dev/vdb", "block", "/dev/vdb"),))
    request = SwapRequest("/dev/vdb", use_fstab=False)
    (reason,) = decide_device(replace(now, host=host), request, RUN, UUID).reasons
    assert (reason.id, reason.remedy.startswith("mkswap /dev/vdb ")) == ("swap-unusable", True)
    assert actions(decide_device(replace(now, host=host, unusable=""), request, RUN, UUID)) == ["swap-on"]
