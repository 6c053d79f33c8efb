"""Shell lines that stop the script of `--format sh` when a thing is not the one that was decided on. Pure.

A script can be run days later, and nobody decides again then: it checks everything that it touches before it changes
anything. One function for each kind of thing; those of disks are in disk/script_checks.py. The lines run under
`set -e`, where the failure of `a` in `a && b` does not stop: each condition is a line of its own.
"""

from __future__ import annotations

import shlex


def file_checks(path: str, sha256: str) -> tuple[str, ...]:
    """The file has this content; sha256 "": there is none."""
    if not sha256:
        return absent_checks(path)
    message = shlex.quote(f"{path} was changed since this script was made")
    return (f'[ "$(sha256sum < {shlex.quote(path)})" = "{sha256}  -" ] || {{ echo {message} >&2; exit 1; }}',)


def absent_checks(path: str) -> tuple[str, ...]:
    """There is nothing by this name, no dangling symlink either."""
    return (f"[ ! -e {shlex.quote(path)} ]", f"[ ! -L {shlex.quote(path)} ]")


def inode_checks(path: str, inode: int, *, size: int = -1) -> tuple[str, ...]:
    """It is the same file by this name. size: in bytes, -1 where it may grow."""
    wanted, form = (f"{inode} {size}", "'%i %s'") if size >= 0 else (str(inode), "%i")
    return (f'[ "$(stat -c {form} {shlex.quote(path)})" = {shlex.quote(wanted)} ]',)


def process_checks(pid: int, start_ticks: int) -> tuple[str, ...]:
    """It is the same process: the 20th field behind the name in stat is its start, in ticks since boot (proc(5))."""
    look = f"sed 's/.*) //' /proc/{pid}/stat | cut -d ' ' -f 20"
    return (f'[ "$({look})" = {start_ticks} ]',)


def unit_checks(unit: str, *, active: bool) -> tuple[str, ...]:
    """The unit of systemd runs, or does not."""
    return (f'[ "$(systemctl is-active {shlex.quote(unit)} || :)" {"=" if active else "!="} active ]',)
