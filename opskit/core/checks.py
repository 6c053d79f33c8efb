"""Shell lines that stop the script of `--format sh` when a thing is not the one that was decided on. Pure.

A script can be run days later, and nobody decides again then: it checks everything that it touches before it changes
anything. One function for each kind of thing; those of disks are in disk/script_checks.py. The lines run under
`set -e`, where the failure of `a` in `a && b` does not stop: each condition is a line of its own.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from opskit.core.files import sha256
from opskit.core.units import SECOND


def file_checks(path: str, sha256: str) -> tuple[str, ...]:
    """The file has this content; sha256 "": there is none."""
    if not sha256:
        return absent_checks(path)
    message = shlex.quote(f"{path} was changed since this script was made")
    return (f'[ "$(sha256sum < {shlex.quote(path)})" = "{sha256}  -" ] || {{ echo {message} >&2; exit 1; }}',)


def absent_checks(path: str) -> tuple[str, ...]:
    """There is nothing by this name, no dangling symlink either."""
    return (f"[ ! -e {shlex.quote(path)} ]", f"[ ! -L {shlex.quote(path)} ]")


def names_checks(directory: str, patterns: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """The names in a directory that match one of the patterns are these, and no other has come.

    directory: it may be a symlink to one, as /var/log/journal often is: -H follows that.
    """
    wanted = sha256(b"".join(name + b"\0" for name in sorted(map(os.fsencode, names))))
    match = " -o ".join(f"-name {shlex.quote(pattern)}" for pattern in patterns)
    look = f"LC_ALL=C find -H {shlex.quote(directory)} -maxdepth 1 \\( {match} \\) -printf '%f\\0' | LC_ALL=C sort -z"
    message = shlex.quote(f"{directory} holds other files than when this script was made")
    return (f'[ "$({look} | sha256sum)" = "{wanted}  -" ] || {{ echo {message} >&2; exit 1; }}',)


def no_new_directory_checks(directory: str, since: int) -> tuple[str, ...]:
    """No directory below has come, or changed its names, since; no symlink to one has come.

    directory: as names_checks has it
    since: microseconds since 1970
    """
    moment = f"@{since // SECOND}.{since % SECOND:06}"
    look = f"find -H {shlex.quote(directory)} -mindepth 1 -maxdepth 1 -xtype d -newerct {moment}"
    message = shlex.quote(f"a directory below {directory} is new, or holds other files")
    return (f'[ -z "$({look})" ] || {{ echo {message} >&2; exit 1; }}',)


def time_checks(before: int) -> tuple[str, ...]:
    """It is not that late yet. before: seconds since 1970."""
    message = shlex.quote("by now other files are old enough: make the script anew")
    return (f'[ "$(date +%s)" -lt {before} ] || {{ echo {message} >&2; exit 1; }}',)


def inode_checks(path: str, inode: int, *, size: int = -1) -> tuple[str, ...]:
    """It is the same file by this name. size: in bytes, -1 where it may grow."""
    wanted, form = (f"'{inode} {size}'", "'%i %s'") if size >= 0 else (str(inode), "%i")
    return (f'[ "$(stat -c {form} {shlex.quote(path)})" = {wanted} ]',)


def process_checks(pid: int, start_ticks: int) -> tuple[str, ...]:
    """It is the same process: the 20th field behind the name in stat is its start, in ticks since boot (proc(5))."""
    look = f"sed 's/.*) //' /proc/{pid}/stat | cut -d ' ' -f 20"
    return (f'[ "$({look})" = {start_ticks} ]',)


def unit_checks(unit: str, *, active: bool) -> tuple[str, ...]:
    """The unit of systemd runs, or does not."""
    return (f'[ "$(systemctl is-active {shlex.quote(unit)} || :)" {"=" if active else "!="} active ]',)
