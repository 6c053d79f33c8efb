"""Which mounts -x need not even look at."""

from __future__ import annotations

import pytest

from opskit.core.mountinfo import MountLine
from opskit.usage.mounts import silent_on

FAR = "server:/x"


def line(number: int, parent: int, target: str, source: str = "/dev/vda1", device: str = "8:1") -> MountLine:
    return MountLine(number, device, "/", target, "ext4" if "/dev" in source else "nfs4", source, "rw", parent)


ROOT, NFS = line(1, 0, "/"), line(2, 1, "/a/far", FAR, "0:9")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ROOT, NFS], ["/a/far"]),
        ([ROOT, NFS, line(3, 2, "/a/far", FAR, "0:10")], ["/a/far"]),
        ([ROOT, NFS, line(3, 2, "/a/far/b", FAR, "0:10")], ["/a/far"]),  # which is not mounted on the root's mount
        ([ROOT, NFS, line(3, 2, "/a/far")], []),  # covered by a part of the root's filesystem
        ([ROOT, NFS, line(3, 1, "/a")], []),  # the mount point cannot be seen any more
        ([ROOT, line(2, 7, "/a/far", FAR, "0:9")], []),
        ([ROOT, line(2, 1, "/a/far", FAR, "8:1")], []),  # of the root's own filesystem: it counts
        ([ROOT, line(2, 1, "/a/far", FAR, "8:2")], []),
        ([ROOT, line(2, 1, "/a/near", device="8:3")], []),
    ],
)
def test_only_what_is_surely_of_another_filesystem_is_left_out(lines: list[MountLine], expected: list[str]) -> None:
    """8:2 is what st_dev of the root is, where that is not what mountinfo says."""
    assert silent_on("/", 1, "8:2", lines) == expected
    assert silent_on("/b", 1, "8:2", lines) == []
    assert silent_on("/a", 1, "8:2", [ROOT, NFS]) == ["/a/far"]
