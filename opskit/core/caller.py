"""Who called opskit, how, and within which limits."""

from __future__ import annotations

import errno
import os
import re
import shlex
import sys

from opskit.core import procfs
from opskit.core.errors import Missing
from opskit.core.text import masked

# What nobody but the owner may write: a directory that is made on the way to a mount point is 0755.
UMASK = 0o022
_callers_umask = UMASK


def take_umask() -> None:
    """From now on what opskit makes has the mode that it says, whatever umask the caller's shell has."""
    global _callers_umask  # noqa: PLW0603 - the process has one
    _callers_umask = os.umask(UMASK)


def give_umask_back() -> None:
    """Set the umask of who called opskit: for a program that takes its place."""
    os.umask(_callers_umask)


def who() -> str:
    """The person behind the run: who called sudo, else the user's own name (his number where he has none)."""
    import pwd  # noqa: PLC0415 - only a run that changes something is on record

    try:
        return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


# The XDG Base Directory Specification.
_FOLDERS = {
    "XDG_CONFIG_HOME": "~/.config",
    "XDG_DATA_HOME": "~/.local/share",
    "XDG_STATE_HOME": "~/.local/state",
}


def own_folder(variable: str) -> str:
    """The user's own folder for configuration, data or state; "" where he has none.

    One that is not absolute counts for nothing: it would be another one wherever he goes, a `~` in /tmp too.
    """
    named = os.environ.get(variable, "")
    path = named if os.path.isabs(named) else os.path.expanduser(_FOLDERS[variable])
    return path if os.path.isabs(path) else ""


def machine_id(root: str = "") -> str:
    """This host's name for ever (machine-id(5)), "" where it has none. A copied state directory is known by it.

    root: where the /etc of another system is.
    """
    try:
        with open(f"{root}/etc/machine-id", encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


# What the machine's names are hashed for (sd_id128_get_machine_app_specific has such an id, too): for the tokens of
# plans, so that a mark is that of no other program.
_MARK_FOR = b"opskit plan token 1"
_MARK_DIGITS = 6


def machine_mark(root: str = "") -> str:
    """What tells this machine from others in the token of a plan: 6 digits for the system, then 6 for the machine.

    It is the same after a reboot and for every user; a user who may not read the UUID of the machine has the first
    half. The first is of machine-id and host name: containers of one image have the same id, and some have none, and
    then the host name is all that there is. The second is of the UUID that firmware or hypervisor gave the machine, or
    of there being none: systems copied from one image differ in it. No name is shown, only a keyed hash: machine-id(5)
    is confidential.

    root: where the /etc and /sys of another system are
    """
    ident = machine_id(root)
    if re.fullmatch(r"[0-9a-f]{32}", ident) is None:  # systemd's "uninitialized" of an image, too
        ident = ""
    mark = _marked(f"{ident} {os.uname().nodename}")
    try:
        with open(f"{root}/sys/class/dmi/id/product_uuid", encoding="ascii", errors="replace") as file:
            return mark + _marked(file.read().strip().lower())
    except OSError as error:
        return mark + (_marked("") if error.errno in {errno.ENOENT, errno.ENOTDIR} else "")


def _marked(name: str) -> str:
    import hmac  # noqa: PLC0415 - only a plan has a token

    key = b"machine " + name.encode("utf-8", "surrogateescape")  # never so short that a FIPS host refuses it
    return hmac.new(key, _MARK_FOR, "sha256").hexdigest()[:_MARK_DIGITS]


def other_machine(mark: str, here: str) -> str:
    """In which way the machine of a mark is not the one here; "" where it is, as far as both halves are known.

    mark: of a token; "" for one that names no machine
    """
    if mark[:_MARK_DIGITS] not in {"", here[:_MARK_DIGITS]}:
        return "its machine-id or its host name is another"
    if mark.startswith(here) or here.startswith(mark):
        return ""
    return "its system has the same machine-id and host name, and the UUID of the machine (product_uuid) is another"


def command_line() -> tuple[str, ...]:
    """What was typed. No option of opskit takes a secret; what looks like one among mount options is masked."""
    return ("opskit", *map(masked, sys.argv[1:]))


# Where sudo of EL7 to EL9 looks (secure_path of its sudoers), whatever the caller's PATH is.
SECURE_PATH = "/sbin:/bin:/usr/sbin:/usr/bin"


def typed_program() -> str:
    """The program `opskit` that was typed, by its whole path; "" where Python was, with its module or a zipapp."""
    import shutil  # noqa: PLC0415 - hardly any command asks

    path = shutil.which(sys.argv[0]) or ""
    return os.path.abspath(path) if os.path.basename(path) == "opskit" else ""


def own_program(name: str) -> str:
    """The path of a program that comes with this Python, else of who called opskit; "" where neither has it."""
    import shutil  # noqa: PLC0415 - hardly any command asks

    beside = os.path.join(os.path.dirname(sys.executable or ""), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name) or ""


def sudo_line() -> str:
    """The line to type for the same as root; opskit by its whole path where sudo would not find it by its name."""
    import shutil  # noqa: PLC0415 - root is told of no sudo

    found = shutil.which("opskit", path=SECURE_PATH)
    program, *words = command_line()
    return shlex.join(("sudo", program if found else typed_program() or program, *words))


# Of capabilities(7).
CAP_FOWNER = 3
CAP_NET_BIND_SERVICE = 10
CAP_SYS_ADMIN = 21
CAP_SYS_RESOURCE = 24


def has_capability(number: int, mask: str = "CapEff") -> bool:
    """Whether this process has a capability; yes where nothing says so.

    mask: which of its masks (proc(5)): in effect (CapEff), or what root can get at all (CapBnd)
    """
    match = re.search(rf"^{mask}:\s+([0-9a-f]+)$", procfs.text("/proc/self/status"), re.MULTILINE)
    return match is None or bool(int(match[1], 16) >> number & 1)


# opskit opens some files at the same time, and so do the programs that it starts.
OPEN_FILES = 64


def allow_open_files() -> None:
    """See to it that enough files can be open at once. Raises Missing where this user may not raise the limit.

    A look that cannot open a file would take it for one that is not there.
    """
    import resource  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not 0 <= soft < OPEN_FILES:
        return
    try:
        most = hard if hard == resource.RLIM_INFINITY else max(hard, OPEN_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, most))
    except (OSError, ValueError):
        why = f"only {soft} files may be open at once here, and opskit needs {OPEN_FILES}"
        raise Missing("ulimit -n", why, todo=f"ulimit -n {OPEN_FILES}, in a new shell") from None
