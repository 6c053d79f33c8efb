"""Why a share was not mounted although its server answers, from the error numbers of the mount and the kernel. Pure.

mount.cifs(8) says `mount error(13)`: the kernel's errno, whose meanings are those of fs/smb/client/cifsfs.c and
smb2maperror.c (Linux 6.1; made happen for 2 and 13 on ksmbd). mount.nfs(8) has words only, which are shown as they are.
"""

from __future__ import annotations

import errno
import re
from typing import NamedTuple, Optional

from opskit.disk.network.share import Share

_NUMBER = re.compile(r"mount error\((\d+)\)")


class ShareCause(NamedTuple):
    """Why, and what mends it."""

    why: str
    todo: str


def share_cause(share: Share, stderr: str, *, known: bool, credentials: str) -> Optional[ShareCause]:
    """The cause, as far as it can be known; None for one that only the words of the mount tell.

    stderr: of the mount
    known: whether the kernel has this type of filesystem
    credentials: the path of the file with user and password, "" for none
    """
    if not known:
        package = "the kernel's own packages (kernel-modules on EL 8 and later) have it; uname -r"
        return ShareCause(f"this kernel has no {share.kind}", package)
    match = _NUMBER.search(stderr)
    number = int(match[1]) if match and share.kind == "cifs" else 0
    name, server = share.path.partition("/")[0], share.host
    if number in {errno.EACCES, errno.EPERM}:
        todo = f"check user, domain and password in {credentials}" if credentials else "name a user: --user NAME"
        why = f"{server} denies access to {name}: the user or the password is wrong, or the share is not for this user"
        return ShareCause(why, todo)
    if number in {errno.ENOENT, errno.ENXIO}:
        return ShareCause(f"{server} has no share {name}, or no such folder in it", f"smbclient -L {server} lists them")
    if number in {errno.EHOSTDOWN, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT}:
        why = f"{server} does not speak the version of SMB that was asked for"
        return ShareCause(why, "--mount-options vers=3.0, or vers=2.1 for an old server")
    if number == errno.ENOKEY:
        return ShareCause("there is no Kerberos ticket for the mount", "kinit, or a keytab; klist shows them")
    if number == errno.EINVAL:
        return ShareCause("the kernel does not take one of the options", "dmesg | tail names it; man mount.cifs")
    return None
