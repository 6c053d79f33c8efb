"""`opskit df --deleted` as JSON and as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from opskit.core.systemd import outermost_unit
from opskit.core.text import shown
from opskit.ui.screen import Column, Screen, draw_table
from opskit.usage.df.deleted import (
    TRUNCATE_RISK,
    DeletedFile,
    DeletedFiles,
    Holder,
    KernelFile,
    frees,
    totals,
    truncate,
)
from opskit.usage.df.show.filesystems import size

if TYPE_CHECKING:
    from opskit.usage.results import DeletedList, DeletedRow, HolderRow, KernelRow

COLUMNS = (
    Column("SIZE", right=True),
    Column("MOUNTED ON"),
    Column("PATH"),
    Column("PID"),
    Column("COMMAND"),
    Column("USER"),
    Column("FD"),
    Column("UNIT"),
    Column("FREED BY"),
    Column("EMPTIED BY (RISK: SEE STDERR)"),
)


def deleted_json(deleted: DeletedFiles) -> DeletedList:
    """The result of `df --deleted --json`; sizes in bytes."""
    return {
        "deleted": [_file_json(file) for file in deleted.files],
        "kernel": [_kernel_json(file) for file in deleted.kernel],
        "total_bytes": deleted.size,
        "filesystems": [
            {"mount_point": t.mount_point, "bytes": t.size, "namespace": t.namespace} for t in totals(deleted.files)
        ],
        "unseen_processes": deleted.unseen,
        "truncate_risk": TRUNCATE_RISK,
    }


def _file_json(file: DeletedFile) -> DeletedRow:
    return {
        "path": file.path,
        "bytes": file.size,
        "apparent_bytes": file.apparent_size,
        "mount_point": file.mount_point,
        "namespace": file.namespace,
        "overlay": file.overlay,
        "device": file.device,
        "inode": file.inode,
        "holders": [_holder_json(holder) for holder in file.holders],
        "truncate": truncate(file),
    }


def _kernel_json(file: KernelFile) -> KernelRow:
    return {
        "path": file.path,
        "most_bytes": file.most,
        "mount_point": file.mount_point,
        "device": file.device,
        "holder": file.holder,
        "frees": file.frees,
    }


def _holder_json(holder: Holder) -> HolderRow:
    return {
        "pid": holder.pid,
        "command": holder.command,
        "user": holder.user,
        "descriptors": list(holder.descriptors),
        "mapped": holder.mapped,
        "unit": outermost_unit(holder.cgroup)[0],
        "frees": frees(holder),
    }


def draw_deleted(screen: Screen, deleted: DeletedFiles, *, exact: bool) -> None:
    """A few lines for each file on a terminal, one line elsewhere; then the totals."""
    if not deleted.files and not deleted.kernel:
        screen.done("no deleted file is still open" + (", as far as could be seen" if deleted.unseen else ""))
    elif sys.stdout.isatty():
        for file in deleted.files:
            _draw_file(screen, file, exact=exact)
        for image in deleted.kernel:
            most = size(image.most, exact=exact)
            text = f"at most {most}  {shown(image.path)}  on {shown(image.mount_point)}"
            screen.line(screen.sentence(text, sys.stdout))
            screen.line(f"    the kernel ({image.holder})")
            screen.line(f"    frees it: {shown(image.frees)}")
    else:
        rows = [_cells(file, exact=exact) for file in deleted.files]
        draw_table(screen, COLUMNS, [*rows, *(_kernel_cells(file, exact=exact) for file in deleted.kernel)])
    for total in totals(deleted.files):
        where = f"{shown(total.mount_point)}{_elsewhere(total.namespace)}"
        screen.note(f"all that are on {where}: {size(total.size, exact=exact)}")
    if any(truncate(file) for file in deleted.files):
        screen.note(screen.sentence(f"truncate frees without a restart; its risk: {TRUNCATE_RISK}", sys.stderr))


def _elsewhere(namespace: int) -> str:
    return f" (as pid {namespace} sees it)" if namespace else ""


def _held(holder: Holder) -> str:
    ways = [f"fd {','.join(map(str, holder.descriptors))}"] if holder.descriptors else []
    return ", ".join([*ways, *(["mapped"] if holder.mapped else [])])


def _draw_file(screen: Screen, file: DeletedFile, *, exact: bool) -> None:
    through = f", through {shown(file.overlay)}" if file.overlay else ""
    where = f"on {shown(file.mount_point)}{_elsewhere(file.namespace)}{through}"
    screen.line(screen.sentence(f"{size(file.size, exact=exact)}  {shown(file.path)}  {where}", sys.stdout))
    for holder in file.holders:
        unit = outermost_unit(holder.cgroup)[0]
        of = f", {shown(unit)}" if unit else ""
        screen.line(f"    pid {holder.pid} {shown(holder.command)} ({shown(holder.user)}), {_held(holder)}{of}")
        screen.line(f"    frees it: {shown(frees(holder))}")
    if line := truncate(file):
        screen.line(f"    or, at a risk: {line}")


def _kernel_cells(file: KernelFile, *, exact: bool) -> list[str]:
    most = f"<={size(file.most, exact=exact)}"
    return [most, file.mount_point, file.path, "-", "-", "-", file.holder, "-", file.frees, ""]


def _cells(file: DeletedFile, *, exact: bool) -> list[str]:
    holders = file.holders
    descriptors = [",".join(map(str, h.descriptors)) or "mapped" for h in holders]
    return [
        size(file.size, exact=exact),
        file.mount_point + _elsewhere(file.namespace),
        file.path,
        ";".join(str(h.pid) for h in holders),
        ";".join(h.command for h in holders),
        ";".join(h.user for h in holders),
        ";".join(descriptors),
        ";".join(outermost_unit(h.cgroup)[0] or "-" for h in holders),
        "; ".join(dict.fromkeys(frees(h) for h in holders)),
        truncate(file),
    ]
