"""What fills a filesystem: the parts always add up to df's used, and what was not seen is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from opskit.core.config import Config
from opskit.core.errors import Interrupted
from opskit.core.mountinfo import MountLine
from opskit.options import make_session
from opskit.usage.df.cli import command as df_command
from opskit.usage.df.deleted import KernelFile
from opskit.usage.df.model import Filesystem, FilesystemFigures
from opskit.usage.df.see import own, places
from opskit.usage.df.see.hidden import counted_twice, covered
from opskit.usage.df.why import Explanation, HiddenFiles, WhyFacts, explain
from opskit.usage.du.model import Scan, TreeEntry

NOTHING = {"verbose": 0, "state_dir": ""}
FIGURES = FilesystemFigures(4096, 1000, 200, 150, 100, 50)
ONE = Filesystem("/dev/vdb1", "ext4", "/da ta", "252:17", False, False, FIGURES)


def facts(**more: Any) -> WhyFacts:
    fields: dict[str, Any] = {
        "filesystem": ONE,
        "root": "/",
        "du": 700 * 4096,
        "unreadable": (),
        "deleted": 0,
        "deleted_files": 0,
        "unseen": 0,
        "hidden": (),
        "hidden_why": "",
        "own": 0,
        "own_how": "",
        "places": (),
        **more,
    }
    return WhyFacts(**fields)


def sizes(why: Explanation) -> dict[str, int]:
    return {part.id: part.size // 4096 for part in why.parts}


def test_the_parts_add_up() -> None:
    hidden = (HiddenFiles("/da ta/a", 4096), HiddenFiles("/da ta/b", 29 * 4096))
    why = explain(facts(deleted=50 * 4096, deleted_files=2, hidden=hidden, own=10 * 4096))
    assert sizes(why) == {"files": 700, "deleted": 50, "hidden": 30, "own": 10, "unexplained": 10}
    assert [part.id for part in why.parts] == ["files", "deleted", "hidden", "own", "unexplained"]
    assert why.reserved == 50 * 4096
    notes = {part.id: part.note for part in why.parts}
    assert notes["hidden"] == "/da ta/b (116K)"  # the other has a directory and nothing in it
    assert notes["deleted"] == "2 deleted files that are still open"
    assert [part.command for part in why.parts][:2] == ["opskit du -x '/da ta'", "opskit df --deleted '/da ta'"]
    assert why.missing == ()


def test_more_than_there_is() -> None:
    why = explain(facts(du=900 * 4096))
    assert sizes(why)["unexplained"] == -100
    assert "du counts more" in why.parts[-1].note


def test_in_a_container_the_rest_is_what_else_is_on_the_disk_of_the_host() -> None:
    overlay = Filesystem("overlay", "overlay", "/", "252:17", False, False, FIGURES)
    why = explain(facts(filesystem=overlay, own=None, own_how="no"))
    assert "beneath the overlay" in why.parts[-1].note


def test_what_was_not_seen_is_said() -> None:
    why = explain(facts(own=None, own_how="no", unseen=3, hidden_why="only root", unreadable=("/da ta/x", "/da ta/y")))
    assert why.missing == (
        "only root",
        "the filesystem's own: no",
        "deleted files of 3 processes that could not be looked at",
        "2 paths that could not be read, the first: /da ta/x",
    )
    assert "could not be seen" in why.parts[-1].note
    assert "only /sub" in explain(facts(root="/sub")).parts[-1].note


def test_one_thing_is_said_in_the_singular() -> None:
    why = explain(facts(unseen=1, unreadable=("/da ta/x",), deleted=4096, deleted_files=1))
    assert why.missing == ("deleted files of 1 process that could not be looked at", "/da ta/x")
    assert next(part.note for part in why.parts if part.id == "deleted") == "1 deleted file that is still open"


@pytest.mark.parametrize(("most", "held", "rest"), [(60, 60, 40), (500, 100, 0)])
def test_what_the_kernel_holds_takes_at_most_what_is_left(most: int, held: int, rest: int) -> None:
    image = KernelFile("/da ta/image", "252:17", "/da ta", "/dev/loop3", most * 4096, "losetup -d /dev/loop3")
    why = explain(facts(kernel=(image,)))
    assert (sizes(why)["kernel"], sizes(why)["unexplained"]) == (held, rest)
    (part,) = [part for part in why.parts if part.id == "kernel"]
    assert part.note == "/da ta/image (deleted; /dev/loop3)"
    assert part.command == "opskit df --deleted '/da ta'"


def test_the_largest_directories_are_those_to_look_into() -> None:
    """Not what only leads to one, not what is in one that is named, not what is small."""
    sizes = {"/": 800, "/var": 700, "/var/lib": 650, "/var/lib/a": 300, "/var/lib/b": 250, "/var/log": 40, "/home": 9}
    entries = tuple(TreeEntry(path, size * 4096, 1) for path, size in sizes.items())
    assert [entry.path for entry in explain(facts(directories=entries)).largest] == ["/var/lib", "/var/log"]
    more = (*entries, TreeEntry("/var/lib/a/x", 299 * 4096, 1), TreeEntry("/var/lib/c", 90 * 4096, 1))
    assert [entry.path for entry in explain(facts(directories=more)).largest] == ["/var/lib", "/var/log"]
    below = tuple(TreeEntry(f"/d{entry.path}".rstrip("/"), *entry[1:]) for entry in entries)
    assert [entry.path for entry in explain(facts(directories=below)).largest] == ["/d/var/lib", "/d/var/log"]


def test_what_is_covered() -> None:
    targets = ["/", "/data", "/data/one", "/data/one/two", "/data/on", "/database", "/data/on"]
    lines = [MountLine(n, f"0:{n}", "/", target, "tmpfs", "x", "rw") for n, target in enumerate(targets)]
    assert covered(lines[1], lines) == ["/data/on", "/data/one"]
    assert covered(lines[0], lines) == ["/data", "/database"]


def test_what_a_bind_mount_shows_is_not_covered() -> None:
    """A folder that is mounted over itself, as by podman, with an overlay in it; a part that is mounted elsewhere."""
    on = [("8:1", "/", "/d"), ("8:1", "/pod", "/d/pod"), ("0:9", "/", "/d/pod/merged"), ("8:1", "/log", "/d/other")]
    lines = [MountLine(n, device, root, target, "ext4", "x", "rw") for n, (device, root, target) in enumerate(on)]
    assert covered(lines[0], lines) == ["/d/other", "/d/pod/merged"]
    assert counted_twice(lines[0], lines) == ["/d/other"]
    part = MountLine(7, "8:1", "/log", "/d/log", "ext4", "x", "rw")  # where it is in any case
    assert covered(lines[0], [*lines, part]) == ["/d/other", "/d/pod/merged"]
    over = MountLine(8, "0:5", "/", "/d/log", "tmpfs", "x", "rw")  # what is under it can be seen at /d/other
    assert covered(lines[0], [*lines, over]) == ["/d/other", "/d/pod/merged"]


def test_subvolumes_of_a_btrfs_are_no_part_that_is_mounted_twice() -> None:
    on = [("/root", "/", "256"), ("/home", "/home", "257"), ("/root/srv", "/mnt", "256")]
    lines = [
        MountLine(n, "0:35", root, at, "btrfs", "x", f"rw,subvolid={ident}") for n, (root, at, ident) in enumerate(on)
    ]
    assert counted_twice(lines[0], lines) == ["/mnt"]


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "JOURNAL_KEPT", 100)
    names = [
        *("var/log/journal/id/system.journal", "var/log/journal/id/system@1.journal", "var/cache/dnf/x", "usr/bin/dnf"),
        *("boot/vmlinuz-5.14.0-9.el9", "boot/initramfs-5.14.0-9.el9.img", "boot/vmlinuz-5.14.0-70.el9"),
        *("boot/initramfs-5.14.0-9.el9kdump.img", "boot/vmlinuz-0-rescue-abc", "boot/grub2/x"),
        *("lib/modules/5.14.0-9.el9/x", "lib/modules/5.14.0-70.el9/x", "var/lib/containers/x"),
        *("var/lib/systemd/coredump/core.x.zst", "var/cache/apt.not"),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 80)

    def measure(paths: Sequence[str]) -> int:
        files = {file for path in paths for file in [Path(path), *Path(path).rglob("*")] if file.is_file()}
        return sum(file.stat().st_size for file in files)

    seen_places = {place.id: place for place in places.see_places(tmp_path.stat().st_dev, measure, str(tmp_path))}
    assert {name: (place.size, place.frees) for name, place in seen_places.items()} == {
        "journal": (160, 60),
        "package-caches": (80, 80),
        "old-kernels": (320, 320),
        "podman-layers": (80, None),
        "core-dumps": (80, 80),
    }
    assert seen_places["journal"].command == "opskit journal vacuum --size 100M"
    assert seen_places["old-kernels"].command == "dnf remove --oldinstallonly"
    assert {Path(path).name for path in seen_places["old-kernels"].paths} == {
        *("vmlinuz-5.14.0-9.el9", "initramfs-5.14.0-9.el9.img", "initramfs-5.14.0-9.el9kdump.img", "5.14.0-9.el9")
    }
    assert seen_places["core-dumps"].command == f"rm -r {tmp_path}/var/lib/systemd/coredump/*"
    assert places.see_places(-2, measure, str(tmp_path)) == ()  # all of it is on another filesystem


def test_the_running_kernel_stays() -> None:
    paths = [f"/lib/modules/{release}" for release in ("4.9", "4.10", "4.2")]
    assert places._other_kernels(paths, "4.2") == ["/lib/modules/4.9"]


def test_btrfs_by_sysfs(tmp_path: Path) -> None:
    for name, number in (("metadata/disk_used", 30), ("system/disk_used", 2), ("global_rsv_size", 500), ("data/x", 9)):
        path = tmp_path / "uuid" / "allocation" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number}\n")
    (tmp_path / "uuid/devices").mkdir()
    (tmp_path / "uuid/devices/vdx9").touch()
    assert own._btrfs("/dev/vdx9", str(tmp_path)) == 532
    with pytest.raises(OSError, match="does not have vdx8"):
        own._btrfs("/dev/vdx8", str(tmp_path))


def test_a_filesystem_that_nobody_knows() -> None:
    own_size, how = own.own_bytes(Filesystem("x", "bcachefs", "/", "0:9", False, False))
    assert own_size is None
    assert "no way to ask bcachefs" in how


def test_half_a_count_explains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C makes a scan partial; --why ends then, as interrupted."""
    monkeypatch.setattr("opskit.usage.du.see.scan.scan", lambda *_: Scan((), 1, 1, partial=True))
    options = {"json": True, "quiet": False, "color": "auto", **NOTHING}
    session = make_session("opskit df", options, Config(), changing=False)
    with pytest.raises(Interrupted):
        df_command._count(session, ["/"])
