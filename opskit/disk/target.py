"""What a mount point must be. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterator

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason
from opskit.disk.model import HostFacts

# Places that are the kernel's, or that nothing may be put over.
FORBIDDEN = ("/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot")


def target_reasons(target: str) -> Iterator[Reason]:
    """What can be said of the name alone."""
    remedy = "name an absolute path, such as /data"
    usage = ExitCode.USAGE
    if not target.startswith("/"):
        yield Reason("relative-mount-point", f"the mount point {target!r} is no absolute path", remedy, exit_code=usage)
    elif ".." in target.split("/"):
        yield Reason("dotdot-mount-point", f"the mount point {target} has `..` in it", remedy, exit_code=usage)
    elif target == "/":
        yield Reason("forbidden-mount-point", "/ is where the system is", remedy)
    elif any(target == place or target.startswith(place + "/") for place in FORBIDDEN):
        yield Reason("forbidden-mount-point", f"{target} is a place of the system", remedy)
    elif "\0" in target or len(os.fsencode(target)) > 4000:
        yield Reason(
            "bad-mount-point", "the mount point's name is too long or has a NUL in it", remedy, exit_code=usage
        )


def mount_point_reasons(facts: HostFacts, target: str) -> Iterator[Reason]:
    """What is at the mount point that must not be covered. An absent one is made; nothing known is no reason."""
    fact = facts.path(target)
    if fact is None:
        return
    remedy = "name another mount point, or make room there first"
    if fact.symlink_in:
        title = f"the mount point {target} goes through the symlink {fact.symlink_in}"
        yield Reason("symlink-mount-point", title, f"name the real path: {fact.real}")
    elif fact.mounted:
        other = next((m.source for m in reversed(facts.mounts) if m.target == fact.real), "something")
        yield Reason("mount-point-in-use", f"{other} is mounted on {target} already", f"findmnt {target}")
    elif fact.kind not in {"absent", "directory"}:
        what = "below a file" if fact.kind == "below-a-file" else f"a {fact.kind}"
        yield Reason("mount-point-no-directory", f"the mount point {target} is {what}, not a directory", remedy)
    elif fact.kind == "directory" and not fact.empty:
        title = f"the directory {target} is not empty: its files would be hidden"
        yield Reason("mount-point-not-empty", title, remedy)
