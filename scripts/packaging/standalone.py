"""The tree of the standalone build: the interpreter, its library, opskit and what it imports; and the archive of it."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import pure
import sources
from common import ROOT, PackagingError, run
from interpreter import interpreter

# Of the library: what builds, teaches, tests and draws windows, and what opskit and its libraries never import.
# tests/package imports every module of opskit, and runs the commands.
UNUSED = (
    *("test", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "venv", "curses", "sqlite3", "lib2to3"),
    *("pydoc.py", "pydoc_data", "_pyrepl", "asyncio", "xml", "xmlrpc", "wsgiref", "unittest", "doctest.py", "dbm"),
    *("multiprocessing", "pdb.py", "bdb.py", "cProfile.py", "profile.py", "pstats.py", "trace.py", "tracemalloc.py"),
    *("mailbox.py", "imaplib.py", "poplib.py", "ftplib.py", "webbrowser.py", "antigravity.py", "this.py"),
    *("_pydatetime.py", "_pydecimal.py", "pickletools.py", "zipapp.py", "rlcompleter.py", "__phello__", "cmd.py"),
    "site-packages",
    *("_aix_support.py", "_ios_support.py", "_android_support.py", "_apple_support.py", "_osx_support.py"),
    *("ctypes/macholib", "ctypes/test", "tabnanny.py", "pyclbr.py", "modulefinder.py", "symtable.py", "sched.py"),
    *("_pyio.py", "code.py", "codeop.py", "fileinput.py", "graphlib.py", "optparse.py", "shelve.py", "timeit.py"),
    *("wave.py", "_markupbase.py", "html/parser.py", "mimetypes.py", "netrc.py", "socketserver.py"),
    *("logging/config.py", "http/cookiejar.py", "http/cookies.py", "http/server.py"),
    *("urllib/request.py", "urllib/robotparser.py"),
)  # fmt: skip
# Where CPython looks for time zones by default.
ZONES = "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
COMPLETIONS = {
    "opskit.bash": "share/bash-completion/completions/opskit",
    "_opskit": "share/zsh/site-functions/_opskit",
    "opskit.fish": "share/fish/vendor_completions.d/opskit.fish",
}


def tree(machine: str, work: Path) -> Path:
    """Everything below one folder, which can be put anywhere: bin, lib, share, licences."""
    built = interpreter(machine)
    folder = work / f"opskit-{pure.version()}-linux-{machine}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built, folder, symlinks=True)
    library = folder / "lib/python3.13"
    for name in UNUSED:
        path = library / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    # What zoneinfo asks as it is imported; CPython's own tells of the machine that built it.
    (library / f"_sysconfigdata__linux_{machine}-linux-gnu.py").write_text(
        f"build_time_vars = {{'TZPATH': {ZONES!r}}}\n"
    )
    options = ["--python-version=3.13", "--implementation=cp", "--abi=abi3", "--abi=cp313", "--abi=none"]
    options += [f"--platform={name}_{machine}" for name in ("manylinux2014", "manylinux_2_17", "manylinux_2_12")]
    packages = pure.packages("standalone", f"standalone {machine}", work, *options, "--platform=any")
    shutil.move(packages, folder / "lib/packages")
    for path in (work / "standalone-licences").iterdir():
        shutil.move(path, folder / "licences" / path.name)
    shutil.copytree(ROOT / "completions/man", folder / "share/man/man1")
    for name, place in COMPLETIONS.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "completions" / name, folder / place)
    for path in [*folder.rglob("*.pyi"), *folder.rglob("py.typed"), *folder.rglob("__pycache__")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in folder.rglob("*.so"):
        _strip(path, machine)
    _compile(folder)
    _modes(folder)
    return folder


def _strip(path: Path, machine: str) -> None:
    if machine == os.uname().machine:
        run("strip", "--strip-unneeded", path)


def _compile(folder: Path) -> None:
    """Compile all modules, so that no start has to; by the bytecode of this very Python, which both machines share."""
    python = interpreter(os.uname().machine) / "bin/python3"
    argv = [python, "-m", "compileall", "-q", "-s", folder, "-p", "/", "--invalidation-mode", "unchecked-hash"]
    run(*argv, folder / "lib")


def _modes(folder: Path) -> None:
    """What root installs, others may read; nothing but the program may be run."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path == folder / "bin/opskit" else 0o644)
        os.utime(path, (pure.epoch(), pure.epoch()), follow_symlinks=False)


def archive(folder: Path) -> Path:
    """The .tar.xz of a tree, which tar and xz of EL7 unpack."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = pure.epoch()
        return entry

    packed = folder.with_name(f"{folder.name}.tar")
    with tarfile.open(packed, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, f"{folder.name}/{path.relative_to(folder)}".rstrip("./"), recursive=False, filter=owned)
    # One thread: with more, what comes of it depends on their number.
    run("xz", "--force", "--threads=1", "-8", packed)
    return packed.with_name(f"{packed.name}.xz")


def bundled() -> list[tuple[str, str]]:
    """What is inside, with its release: for who looks for hosts with a vulnerable one."""
    found = []
    for name, source in {**sources.sources("debian"), **sources.sources("standalone")}.items():
        release = source.version.split(":")[-1].rpartition("really")[2]
        found.append((name, release.split("-")[0]))
    if not found:
        raise PackagingError("sources.txt names nothing")
    return found
