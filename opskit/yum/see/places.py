"""Where yum, dnf, PackageKit and rpm keep their locks (dnf/lock.py, libdnf dnf-lock.c)."""

from __future__ import annotations

import glob
import os
import pwd
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from opskit.core.command import Command, Runner
from opskit.core.errors import Missing, OpskitError
from opskit.core.files import read_bytes
from opskit.core.procfs import need_proc
from opskit.core.reach import check_answers, matching
from opskit.core.runner import ENVIRONMENT
from opskit.yum.model import (
    APT,
    DNF,
    DNF5,
    DOWNLOAD,
    FCNTL,
    METADATA,
    MICRODNF,
    OSTREE,
    PACKAGEKIT,
    PID,
    RPM,
    TRANSACTION,
    YUM,
    ZYPPER,
    LockPlace,
)
from opskit.yum.see.config import Setting, settings_of

TOOLS = ("yum", "dnf", "dnf5", "microdnf", "rpm", "pkcon", "zypper", "rpm-ostree", "bootc")
# /usr/libexec/packagekitd (EL), /usr/lib/packagekit/packagekitd (Debian): without pkcon it is there all the same.
DAEMONS = ("/usr/libexec/packagekitd", "/usr/lib/packagekit/packagekitd")

# What dnf keeps in each folder of its configuration (dnf/lock.py; libdnf5/base/base.cpp).
_IN_FOLDER = {
    "cachedir": (("metadata_lock.pid", DNF, PID, METADATA), ("download_lock.pid", DNF, PID, DOWNLOAD)),
    "persistdir": (("rpmdb_lock.pid", DNF, PID, TRANSACTION), ("system-repo.lock", DNF5, FCNTL, "")),
    "logdir": (("log_lock.pid", DNF, PID, ""),),
    "system_state_dir": (("system-repo.lock", DNF5, FCNTL, ""),),
}
# Where they are when no configuration says otherwise.
_FOLDERS = (
    ("cachedir", "/var/cache/dnf"),
    ("persistdir", "/var/lib/dnf"),
    ("logdir", "/var/log"),
    ("system_state_dir", "/usr/lib/sysimage/libdnf5"),
)
_PLACES = (
    # 5.2 and 5.3 lock rpmtransaction.lock.tmp for a moment, to see whether they may, and remove it: nobody waits for
    # that (user_has_privileges() in dnf5/main.cpp of 5.2.10 and 5.3.0, read, not run).
    ("/run/dnf/rpmtransaction.lock", DNF5, FCNTL, TRANSACTION),
    ("/var/run/dnf-metadata.lock", PACKAGEKIT, PID, METADATA),
    ("/var/run/dnf-rpmdb.lock", PACKAGEKIT, PID, TRANSACTION),
    # microdnf/dnf/dnf-main.c: CACHEDIR "/lock".
    ("/var/cache/yum/lock/dnf-metadata.lock", MICRODNF, PID, METADATA),
    ("/var/cache/yum/lock/dnf-rpmdb.lock", MICRODNF, PID, TRANSACTION),
)
# Those of tools that few hosts have: looked at where the program is there.
_RARE = {
    "zypper": (("/run/zypp.pid", ZYPPER, PID, ""),),
    # An OFD lock (libglnx, glnx-lockfile.c), held while a deployment is written: by rpm-ostree, bootc, ostree itself.
    "rpm-ostree": (("/ostree/lock", OSTREE, FCNTL, TRANSACTION),),
    "bootc": (("/ostree/lock", OSTREE, FCNTL, TRANSACTION),),
    # The lock of the front end is taken before the question is asked, dpkg's own with it.
    "apt-get": (
        ("/var/lib/dpkg/lock-frontend", APT, FCNTL, ""),
        ("/var/lib/apt/lists/lock", APT, FCNTL, METADATA),
        ("/var/cache/apt/archives/lock", APT, FCNTL, DOWNLOAD),
    ),
}
# Those of users who are not root; yum's is somewhere below its cache directory.
_OF_USERS = (
    ("/var/tmp/dnf-*/locks/*.pid", DNF),  # noqa: S108 - where dnf has them
    ("/var/tmp/yum-*/yum.pid", YUM),  # noqa: S108
    ("/var/tmp/yum-*/*/*/yum.pid", YUM),  # noqa: S108
)
# The folders of the other places.
_STOOD_IN = ("/var/run", "/var/cache/yum/lock", "/var/tmp", "/run/dnf")  # noqa: S108
_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
_HOME = "/opskit-home"
# The macros that a definition of %_dbpath uses: the RHEL family's, and Debian's.
_MACROS = (
    ("%{_var}", "/var"),
    ("%{_usr}", "/usr"),
    ("%{_prefix}", "/usr"),
    ("%{getenv:HOME}", _HOME),
    ("%(bash -c 'echo ~/.rpmdb')", f"{_HOME}/.rpmdb"),
)
_VARIABLE = re.compile(r"\$(?:\{\w+\}|\w+)")
_DBPATH = re.compile(r"^%_dbpath[ \t]+(.+?)[ \t]*$", re.MULTILINE)


def tools_here() -> tuple[str, ...]:
    """The package managers of this host."""
    tools = [tool for tool in TOOLS if _program(tool)]
    if "pkcon" not in tools and any(os.access(path, os.X_OK) for path in DAEMONS):
        tools.append("pkcon")
    return tuple(tools)


def need_tools() -> tuple[str, ...]:
    """The package managers of this host. Raises Missing when there is none, or nobody can tell whether one runs."""
    need_proc()
    tools = tools_here()
    if not tools:
        raise Missing("package manager", f"none of {', '.join(TOOLS)} is on this host", todo="nothing is locked here")
    return tools


def databases(runner: Runner, tools: Sequence[str]) -> tuple[str, ...]:
    """Every folder that rpm's macros name for its database, with _HOME for the home that Debian has it under.

    Read from the macro files (rpm(8), /usr/lib/rpm/macros and those beside): starting an rpm to ask takes as long as
    everything else together. Where a definition uses other macros than these, rpm is asked.
    """
    if "rpm" not in tools:
        return ()
    folders = []
    for path in _macro_files():
        try:
            text = os.fsdecode(read_bytes(path))
        except OSError:
            continue
        folders += [_expand(value) for value in _DBPATH.findall(text)]
    if not folders or any("%" in folder for folder in folders):
        folders += _ask_rpm(runner)
    return tuple(os.path.normpath(folder) for folder in folders if folder.startswith("/") and "%" not in folder)


def _macro_files() -> list[str]:
    patterns = ("/usr/lib/rpm/macros", "/usr/lib/rpm/*/macros", "/usr/lib/rpm/macros.d/*", "/etc/rpm/macros*")
    home = os.path.join(_home_of_root(), ".rpmmacros")
    return [path for pattern in (*patterns, home) for path in sorted(glob.glob(pattern))]


def _expand(value: str) -> str:
    for name, text in _MACROS:
        value = value.replace(name, text)
    return value


def _ask_rpm(runner: Runner) -> list[str]:
    # The runner's HOME is /: the answer has to serve for other homes.
    command = Command(("env", f"HOME={_HOME}", "rpm", "--eval", "%{_dbpath}"), mutates=False, timeout=10)
    try:
        return [runner.run(command).stdout.strip()]
    except OpskitError:
        return []  # a broken rpm: the usual folders are there all the same


def lock_places(root: str, folders: Sequence[str]) -> tuple[LockPlace, ...]:
    """Every lock that there can be below root ("" for the host): those of the system, of users, of rpm.

    folders: rpm's databases, as `databases` names them.

    Raises Failed for a place on a server that does not answer: who holds a lock there nobody can tell.
    """
    folders = tuple(dict.fromkeys(_databases(folders)))
    check_answers(root + path for path in (*_STOOD_IN, *(path for _, path in _FOLDERS), *folders))
    locks = [LockPlace(f"{root}/var/run/yum.pid", YUM, PID, "", "/var/run/yum.pid")]
    locks += places_in(root, [*(Setting(*folder) for folder in _FOLDERS), *settings_of(root)])
    rare = [place for program in _RARE if _program(program) for place in _RARE[program]]
    locks += [LockPlace(root + path, tool, how, phase, path) for path, tool, how, phase in (*_PLACES, *rare)]
    for pattern, tool in _OF_USERS:
        for path in matching(glob.escape(root) + pattern):
            owner = _owner(root, path)
            if owner is None:
                continue
            phase = os.path.basename(path).partition("_")[0]
            phase = {"metadata": METADATA, "download": DOWNLOAD, "rpmdb": TRANSACTION}.get(phase, "")
            locks.append(LockPlace(path, tool, PID, phase, path[len(root) :], owner))
    places: set[tuple[int, int]] = set()
    for folder in folders:
        try:
            status = os.stat(root + folder)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) not in places:  # one is often a symlink to another
            places.add((status.st_dev, status.st_ino))
            locks.append(LockPlace(f"{root}{folder}/.rpm.lock", RPM, FCNTL, "", f"{folder}/.rpm.lock"))
    readable = [lock for lock in locks if lock.tool != APT or os.access(lock.path, os.R_OK)]  # root's alone
    return tuple({lock.path: lock for lock in reversed(readable)}.values())[::-1]


def places_in(root: str, settings: Iterable[Setting]) -> Iterator[LockPlace]:
    """The locks of dnf and dnf 5 in the folders that settings name, below root.

    A variable in a folder's name ($basearch) stands for whatever is there.
    """
    for setting in settings:
        check_answers([_VARIABLE.split(f"{root}/{setting.value}", 1)[0]])
        for folder in _expanded(root, setting.value):
            inner = folder[len(root) :]
            for name, tool, how, phase in _IN_FOLDER.get(setting.key, ()):
                yield LockPlace(f"{folder}/{name}", tool, how, phase, f"{inner}/{name}")


def _expanded(root: str, folder: str) -> list[str]:
    path = os.path.normpath(f"{root}/{folder.lstrip('/')}")  # of two slashes at the beginning normpath keeps both
    if not _VARIABLE.search(folder):
        return [path]
    return matching(_VARIABLE.sub("*", glob.escape(path)))


def _program(name: str) -> bool:
    return shutil.which(name, path=ENVIRONMENT["PATH"]) is not None


def _owner(root: str, path: str) -> Optional[int]:
    """The owner of a path's folder below /var/tmp; None with a symlink on the way, which anybody can make."""
    folder = f"{root}/var/tmp"  # noqa: S108
    owner = None
    for name in os.path.dirname(path)[len(folder) + 1 :].split("/"):
        folder = f"{folder}/{name}"
        try:
            status = os.lstat(folder)
        except OSError:
            return None
        if not stat.S_ISDIR(status.st_mode):
            return None
        owner = status.st_uid if owner is None else owner
    return owner


def _databases(named: Sequence[str]) -> Iterator[str]:
    """The folders of rpm's database: the usual ones and those of its macros, for each home that can be meant."""
    yield from _DATABASES
    for folder in named:
        if not folder.startswith(_HOME):
            yield folder
            continue
        for home in (_home_of_root(), os.environ.get("HOME", "")):
            if home.startswith("/"):
                yield os.path.normpath(folder.replace(_HOME, home, 1))


def _home_of_root() -> str:
    try:
        return pwd.getpwuid(0).pw_dir
    except KeyError:
        return "/root"
