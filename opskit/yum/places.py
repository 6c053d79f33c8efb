"""Where yum, dnf, PackageKit and rpm keep their locks (dnf/lock.py, libdnf dnf-lock.c)."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
from collections.abc import Iterator, Sequence

from opskit.core.command import Command
from opskit.core.errors import OpskitError
from opskit.core.runner import ENVIRONMENT, Runner
from opskit.yum.model import DNF, DNF5, FCNTL, PACKAGEKIT, PID, RPM, YUM, Place

TOOLS = ("yum", "dnf", "dnf5", "microdnf", "rpm", "pkcon")
# /usr/libexec/packagekitd (EL), /usr/lib/packagekit/packagekitd (Debian): without pkcon it is there all the same.
DAEMONS = ("/usr/libexec/packagekitd", "/usr/lib/packagekit/packagekitd")
METADATA, DOWNLOAD, TRANSACTION = "metadata", "download", "transaction"

_PLACES = (
    ("/var/run/yum.pid", YUM, PID, ""),
    ("/var/cache/dnf/metadata_lock.pid", DNF, PID, METADATA),
    ("/var/cache/dnf/download_lock.pid", DNF, PID, DOWNLOAD),
    ("/var/lib/dnf/rpmdb_lock.pid", DNF, PID, TRANSACTION),
    ("/var/log/log_lock.pid", DNF, PID, ""),
    ("/run/dnf/rpmtransaction.lock", DNF5, FCNTL, TRANSACTION),
    ("/var/lib/dnf/system-repo.lock", DNF5, FCNTL, ""),
    ("/var/run/dnf-metadata.lock", PACKAGEKIT, PID, METADATA),
    ("/var/run/dnf-rpmdb.lock", PACKAGEKIT, PID, TRANSACTION),
)
# Those of users who are not root; yum's is somewhere below its cache directory.
_OF_USERS = (
    ("/var/tmp/dnf-*/locks/*.pid", DNF),  # noqa: S108 - where dnf has them
    ("/var/tmp/yum-*/yum.pid", YUM),  # noqa: S108
    ("/var/tmp/yum-*/*/*/yum.pid", YUM),  # noqa: S108
)
_DATABASES = ("/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm")
_HOME = "/opskit-home"


def tools_here() -> tuple[str, ...]:
    """The package managers of this host."""
    found = [tool for tool in TOOLS if shutil.which(tool, path=ENVIRONMENT["PATH"])]
    if "pkcon" not in found and any(os.access(path, os.X_OK) for path in DAEMONS):
        found.append("pkcon")
    return tuple(found)


def database(runner: Runner, tools: Sequence[str]) -> str:
    """What rpm says its database folder is, with _HOME for the home that Debian has it under; "" without rpm."""
    if "rpm" not in tools:
        return ""
    # The runner's HOME is / : what rpm makes of HOME is wanted for other homes.
    command = Command(("env", f"HOME={_HOME}", "rpm", "--eval", "%{_dbpath}"), mutates=False, timeout=10)
    try:
        said = runner.run(command).stdout.strip()
    except OpskitError:
        return ""  # a broken rpm: the known folders are looked at all the same
    return os.path.normpath(said) if said.startswith("/") else ""


def places(root: str, dbpath: str) -> tuple[Place, ...]:
    """Every lock there can be below root ("" for the host itself): those of the system, of users, of rpm."""
    found = [Place(root + path, tool, how, phase, path) for path, tool, how, phase in _PLACES]
    for pattern, tool in _OF_USERS:
        for path in sorted(glob.glob(glob.escape(root) + pattern)):
            phase = os.path.basename(path).partition("_")[0]
            phase = {"metadata": METADATA, "download": DOWNLOAD, "rpmdb": TRANSACTION}.get(phase, "")
            found.append(Place(path, tool, PID, phase, path[len(root) :]))
    seen: set[tuple[int, int]] = set()
    for folder in dict.fromkeys(_databases(dbpath)):
        try:
            status = os.stat(root + folder)
        except OSError:
            continue
        if (status.st_dev, status.st_ino) not in seen:  # one is often a symlink to another
            seen.add((status.st_dev, status.st_ino))
            found.append(Place(f"{root}{folder}/.rpm.lock", RPM, FCNTL, "", f"{folder}/.rpm.lock"))
    return tuple(found)


def _databases(dbpath: str) -> Iterator[str]:
    """The folders of rpm's database: the known ones, and what it says itself, for each home that may be meant."""
    yield from _DATABASES
    if not dbpath.startswith(_HOME):
        if dbpath:
            yield dbpath
        return
    for home in (_home_of_root(), os.environ.get("HOME", "")):
        if home.startswith("/"):
            yield os.path.normpath(dbpath.replace(_HOME, home, 1))


def _home_of_root() -> str:
    try:
        return pwd.getpwuid(0).pw_dir
    except KeyError:
        return "/root"
