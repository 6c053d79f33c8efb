"""Places that often fill a host and can be emptied: what is in each, what of it can go, and by which command."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from typing import Callable, Optional

from opskit.core.finding import follow_up
from opskit.core.reach import matching
from opskit.usage.df.why import Reclaimable

# What `opskit journal vacuum --size` is told to leave; it removes archived files only.
JOURNAL_KEPT = 100 * 1024**2
_OF_KERNEL = re.compile(
    r"(?:vmlinuz|initramfs|initrd\.img|System\.map|config|symvers)-(\d.*?)(?:kdump)?(?:\.img|\.gz|\.xz)?$"
)
Measure = Callable[[Sequence[str]], int]


def see_places(device: int, measure: Measure, root: str = "/") -> tuple[Reclaimable, ...]:
    """The places on the filesystem with this st_dev from which something can go.

    measure: the bytes below some paths, hard links once.
    """

    def here(*patterns: str) -> list[str]:
        paths = (path for pattern in patterns for path in matching(os.path.join(glob.escape(root), pattern)))
        return [path for path in paths if _device(path) == device]

    dnf = os.path.exists(os.path.join(root, "usr/bin/dnf"))
    apt = os.path.exists(os.path.join(root, "usr/bin/apt-get"))
    places = [_journal(here, measure)]
    tidy = "apt-get clean" if apt else f"{'dnf' if dnf else 'yum'} clean all"
    caches = here("var/cache/dnf", "var/cache/yum", "var/cache/libdnf5", "var/cache/PackageKit", "var/cache/apt")
    places.append(_whole("package-caches", "package caches", caches, measure, tidy))
    kernels = _other_kernels(here("boot/*", "lib/modules/*"), os.uname().release)
    remove = "dnf remove --oldinstallonly" if dnf else "package-cleanup --oldkernels --count=1"
    remove = "apt-get autoremove --purge" if apt else remove
    places.append(_whole("old-kernels", "kernels other than the running one and the newest", kernels, measure, remove))
    for name, folder in (("docker", "var/lib/docker"), ("podman", "var/lib/containers")):
        places.append(
            _whole(f"{name}-layers", f"containers of {name}", here(folder), measure, f"{name} system prune", all_=False)
        )
    dumps = here("var/lib/systemd/coredump/*", "var/crash/*")
    folders = " ".join(sorted({os.path.dirname(path) + "/*" for path in dumps}))
    places.append(_whole("core-dumps", "core dumps", dumps, measure, f"rm -r {folders}"))
    return tuple(place for place in places if place and place.size and place.frees != 0)


def _whole(
    name: str, title: str, paths: Sequence[str], measure: Measure, command: str, *, all_: bool = True
) -> Optional[Reclaimable]:
    """A place that can be emptied as a whole; without all_ only the command knows how much of it."""
    if not paths:
        return None
    size = measure(paths)
    return Reclaimable(name, title, tuple(paths), size, size if all_ else None, command)


def _journal(here: Callable[..., list[str]], measure: Measure) -> Optional[Reclaimable]:
    """The journal: archived files can go (their names have an @), until so much is left."""
    folders = here("var/log/journal", "run/log/journal")
    if not folders:
        return None
    archived = here("var/log/journal/*/*@*", "run/log/journal/*/*@*")
    size = measure(folders)
    frees = min(measure(archived) if archived else 0, max(0, size - JOURNAL_KEPT))
    vacuum = follow_up("journal", "vacuum", "--size", "100M")
    return Reclaimable("journal", "the journal", tuple(folders), size, frees, vacuum)


def _other_kernels(paths: Sequence[str], running: str) -> list[str]:
    """The files in /boot and the modules of kernels that are neither running nor the newest; not the rescue image."""
    named = {path: _release(path) for path in paths}
    releases = {release for release in named.values() if release}
    newest = max(releases, key=_by_number, default="")
    return [path for path, release in named.items() if release and release not in {running, newest}]


def _release(path: str) -> str:
    """The kernel release that a file in /boot or a folder of modules is of, "" when it is of none."""
    name = os.path.basename(path)
    if os.path.basename(os.path.dirname(path)) == "modules":
        return name
    match = _OF_KERNEL.match(name)
    return match.group(1) if match and "rescue" not in name else ""


def _by_number(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]


def _device(path: str) -> int:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return -1
