"""The file with user and password of an SMB share: what of it may be known; and the password that a person names."""

from __future__ import annotations

import getpass
import os
import stat
import sys

from opskit.core.errors import UsageFault
from opskit.core.files import read_bytes
from opskit.core.trust import weak_spot
from opskit.disk.network.model import CredentialsFact

# A password of more is taken for something else (mount.cifs, MOUNT_PASSWD_SIZE).
_LONGEST = 512
_LIMIT = 64 * 1024


def read_credentials(path: str) -> CredentialsFact:
    """What is known of the file: its user and domain, and whether it is root's alone. The password is let go of."""
    weak = weak_spot(path, itself=False)
    try:
        status = os.lstat(path)
    except OSError:
        return CredentialsFact(path, weak=weak)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o077:
        return CredentialsFact(path, exists=True, weak=weak)
    user, domain = names_in(path)
    return CredentialsFact(path, exists=True, safe=True, user=user, domain=domain, weak=weak)


def names_in(path: str) -> tuple[str, str]:
    """The user and the domain in a credentials file (mount.cifs(8)); "" for what it does not name."""
    try:
        lines = os.fsdecode(read_bytes(path, _LIMIT)).split("\n")
    except OSError:
        return "", ""
    named = dict(line.lstrip(" \t").partition("=")[::2] for line in lines)
    return named.get("username", named.get("user", "")), named.get("domain", named.get("dom", ""))


def read_password(path: str) -> str:
    """The password in a file: its one line. Raises UsageFault, also where others than its owner may read it."""
    name = "--password-file"
    try:
        status = os.stat(path)
        data = read_bytes(path, _LIMIT)
    except OSError as error:
        raise UsageFault(name, f"{path} cannot be read ({error.strerror})") from None
    if status.st_mode & 0o077:
        raise UsageFault(name, f"{path} can be read by others than its owner", todo=f"chmod 600 {path}")
    text = os.fsdecode(data).removesuffix("\n")
    return _checked(name, text, path)


def ask_password(prompt: str) -> str:
    """The password that the person types, without an echo. Raises UsageFault where there is nobody to ask."""
    if not sys.stdin.isatty():
        todo = "--password-file FILE names a file that holds it"
        raise UsageFault("--user", "its password is asked for on a terminal, and stdin is none", todo=todo)
    return _checked("password", getpass.getpass(prompt), "what was typed")


def _checked(name: str, text: str, where: str) -> str:
    if not text:
        raise UsageFault(name, f"{where} is empty")
    if "\n" in text or "\r" in text or "\0" in text or len(os.fsencode(text)) > _LONGEST:
        raise UsageFault(name, f"{where} is no password: it has more than one line, or over {_LONGEST} bytes")
    return text
