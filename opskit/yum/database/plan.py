"""Decide whether rpm's Berkeley DB can be rebuilt now, and by which steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason, Step
from opskit.core.units import size_text
from opskit.yum.database.steps import CopyDatabase, RebuildDatabase, SetAsideRegions
from opskit.yum.model import Facts, RpmDatabase
from opskit.yum.state import opskit_line


def unusable(facts: Facts, databases: Sequence[RpmDatabase]) -> Iterator[Reason]:
    """What stands in the way of rebuilding: somebody has it open, or may have, or there is no room."""
    for database in databases:
        folder = database.folder
        for opener in database.openers:
            title = f"pid {opener.pid} ({opener.name}) has {folder} open: it has to end before the database is rebuilt"
            remedy = opskit_line(facts.root, "lock")
            yield Reason("rpm-database-open", title, remedy, opener.command, exit_code=ExitCode.BUSY)
        if facts.is_root and not facts.whole:
            title = f"a process outside this pid namespace may have {folder} open, and cannot be seen from here"
            yield Reason("rpm-database-open", title, "run opskit on the host itself", exit_code=ExitCode.BUSY)
        if database.room < 2 * database.size:  # the copy, and the new one beside the old one
            need = size_text(2 * database.size)
            title = f"copying and rebuilding {folder} takes {need}, and {size_text(database.room)} is free there"
            yield Reason("rpm-database-no-room", title, f"opskit du {folder.rpartition('/')[0] or '/'}")


def rebuild(facts: Facts, database: RpmDatabase, run: str) -> Iterator[Step]:
    """The steps; run: names the copy."""
    where = (facts.root, database.folder, f"{database.folder}.opskit-{run}", database.inode)
    yield CopyDatabase(*where)
    yield SetAsideRegions(*where, database.regions, database.region_inodes)
    yield RebuildDatabase(*where, database.inner)
