"""CPython for any Linux with glibc 2.17, all in one program: built from Debian's sources by zig's C compiler.

zig can compile against any release of glibc. What comes of it is kept in a cache by the hash of all that it is made
from, for it takes a quarter of an hour: CACHE/python-ARCH-HASH/ has bin/opskit (launcher.c with CPython, OpenSSL and
the others in it), lib/python3.13, and the licences.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import sources
from common import EPOCH, HERE, PackagingError, run

GLIBC = "2.17"
# Not the path patches, with which a Python would look where Debian has its own.
MENDS = re.compile(r"(CVE-|ssl-|dict-use-after-free|traverse-managed-dicts)")
LEFT_OUT = ("_tkinter", "readline", "_curses", "_curses_panel", "_dbm", "_gdbm", "_sqlite3", "_uuid", "_lsprof")
LEFT_OUT += ("_elementtree", "pyexpat", "_multiprocessing", "_posixshmem", "_asyncio")
LEFT_OUT += ("xxlimited", "xxlimited_35", "xxsubtype", "_testexternalinspection")
LICENCES = {
    "python3.13": "LICENSE",
    "openssl": "LICENSE.txt",
    "zlib": "LICENSE",
    "bzip2": "LICENSE",
    "xz-utils": "COPYING.0BSD",
    "libffi": "LICENSE",
}


def cache() -> Path:
    """Where built interpreters are kept: outside of the checkout, for a new one of it to use."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "opskit" / "packaging"


def place(machine: str) -> Path:
    """Where the interpreter for a machine (x86_64, aarch64) is, or will be."""
    text = "".join((HERE / name).read_text() for name in ("interpreter.py", "launcher.c"))
    text += repr([sources.sources("debian"), sources.sources("compiler")])
    return cache() / f"python-{machine}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def interpreter(machine: str) -> Path:
    """The interpreter for a machine, built if it is not there."""
    directory = place(machine)
    if directory.exists():
        return directory
    cache().mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(cache() / f"lock-{machine}", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _build(machine, directory)
    return directory


@dataclass(frozen=True)
class Build:
    """The place, the machine and the compiler of a build."""

    work: Path
    machine: str
    environment: dict[str, str]

    def make(self, folder: Path, *words: object) -> None:
        """Run a program in a folder, with the compiler in its environment."""
        run(*words, env=self.environment, cwd=folder)

    @property
    def host(self) -> str:
        """The machine, as configure scripts name it."""
        return f"{self.machine}-linux-gnu"

    @property
    def jobs(self) -> str:
        """As many at once as there are processors."""
        return f"-j{os.cpu_count() or 1}"


def _build(machine: str, directory: Path) -> None:
    # The same place each time: OpenSSL and Python write it into what they build.
    work = Path(f"/var/tmp/opskit-python-{machine}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    if work.stat().st_uid != os.geteuid():
        raise PackagingError(f"{work} is another user's")
    _say(f"building the interpreter for {machine}, for {directory.name}")
    folders = sources.unpacked(work / "sources")
    build = Build(work, machine, _compiler(work, machine))
    (work / "lib").mkdir()
    for name, library in (("zlib", _zlib), ("bzip2", _bzip2), ("xz-utils", _xz), ("libffi", _libffi)):
        _patch(folders[name])
        library(build, folders[name])
        _say(f"{name} is built")
    _patch(folders["openssl"])
    _openssl(build, folders["openssl"])
    _say("openssl is built")
    patched = _patch(folders["python3.13"], only=MENDS)
    _say(f"python3.13 with {patched} of Debian's patches")
    if machine != os.uname().machine:
        build.environment["OPSKIT_BUILD_PYTHON"] = str(interpreter(os.uname().machine) / "bin" / "python3")
    _python(build, folders["python3.13"])
    _gather(folders, directory)
    shutil.rmtree(work)


def _say(text: str) -> None:
    print(f"scripts/package: {text}", file=sys.stderr, flush=True)


def _compiler(work: Path, machine: str) -> dict[str, str]:
    """The environment that has zig as its compiler, for a machine with this glibc."""
    sources.install("compiler", work / "zig")
    programs = work / "programs"
    programs.mkdir()
    zig = work / "zig" / "ziglang" / "zig"
    target = f"-target {machine}-linux-gnu.{GLIBC}"
    texts = {
        # zig would refuse a date in the code, and have undefined behaviour end the program.
        "cc": f'exec {zig} cc {target} -fno-sanitize=all -Wno-date-time "$@"',
        "ar": f'exec {zig} ar "$@"',
        "ranlib": f'exec {zig} ranlib "$@"',
    }
    for name, text in texts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if key in {"HOME", "TMPDIR", "LANG"}}
    return {
        **kept,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "CC": str(programs / "cc"),
        "AR": str(programs / "ar"),
        "RANLIB": str(programs / "ranlib"),
        "CFLAGS": "-O2 -fPIC",
        "ZIG_LOCAL_CACHE_DIR": str(work / "zig-cache"),
        "ZIG_GLOBAL_CACHE_DIR": str(work / "zig-cache"),
        "SOURCE_DATE_EPOCH": EPOCH,
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _patch(folder: Path, only: re.Pattern[str] = re.compile("")) -> int:
    """Apply Debian's patches in their order; how many."""
    series = folder / "debian" / "patches" / "series"
    names = [line.split()[0] for line in series.read_text().splitlines() if line.strip() and line[0] != "#"]
    names = [name for name in names if only.match(name)]
    for name in names:
        run("patch", "--quiet", "--batch", "--forward", "-p1", "-i", f"debian/patches/{name}", cwd=folder)
    return len(names)


def _zlib(build: Build, folder: Path) -> None:
    build.make(folder, "./configure", "--static")
    build.make(folder, "make", build.jobs, "libz.a")
    shutil.copy(folder / "libz.a", build.work / "lib")


def _bzip2(build: Build, folder: Path) -> None:
    values = [f"{name}={build.environment[name]}" for name in ("CC", "AR", "RANLIB")]
    build.make(folder, "make", "libbz2.a", *values, "CFLAGS=-O2 -fPIC -D_FILE_OFFSET_BITS=64")
    shutil.copy(folder / "libbz2.a", build.work / "lib")


def _xz(build: Build, folder: Path) -> None:
    left_out = ("shared", "nls", "doc", "scripts", "xz", "xzdec", "lzmadec", "lzmainfo")
    options = [f"--disable-{name}" for name in left_out]
    build.make(folder, "./configure", f"--host={build.host}", *options)
    build.make(folder, "make", build.jobs, "-C", "src/liblzma")
    shutil.copy(folder / "src/liblzma/.libs/liblzma.a", build.work / "lib")


def _libffi(build: Build, folder: Path) -> None:
    build.make(folder, "autoreconf", "-fi")
    out = folder / "out"
    options = ("--disable-shared", "--disable-exec-static-tramp", "--disable-docs", "--with-pic")
    build.make(folder, "./configure", f"--host={build.host}", f"--prefix={out}", *options)
    build.make(folder, "make", build.jobs, "install")
    shutil.copy(next(out.rglob("libffi.a")), build.work / "lib")


# What only servers, old hosts and other programs need; engines and modules are files beside the program. The host's
# openssl.cnf is for the host's OpenSSL: this one may not know all that is in it, and would refuse to start TLS.
OPENSSL = ("shared", "module", "apps", "tests", "docs", "legacy", "engine", "dso", "quic", "cmp", "cms", "ts", "srp")
OPENSSL += ("autoload-config",)


def _openssl(build: Build, folder: Path) -> None:
    places = (f"--prefix={build.work / 'openssl'}", "--libdir=lib", "--openssldir=/etc/pki/tls")
    options = [f"no-{name}" for name in OPENSSL]
    build.make(folder, "perl", "./Configure", f"linux-{build.machine}", *places, *options)
    build.make(folder, "make", build.jobs, "build_libs")
    build.make(folder, "make", "install_dev")


def _python(build: Build, folder: Path) -> None:
    """libpython3.13.a with every module of the library that is written in C, and the launcher around it."""
    out, lib, found = folder / "out", build.work / "lib", build.work / "sources"
    out.mkdir()
    included = {
        "ZLIB": (found / "zlib", lib / "libz.a"),
        "BZIP2": (found / "bzip2", lib / "libbz2.a"),
        "LIBLZMA": (found / "xz-utils/src/liblzma/api", lib / "liblzma.a"),
        "LIBFFI": (found / "libffi/out/include", lib / "libffi.a"),
    }
    for name, (include, library) in included.items():
        build.environment.update({f"{name}_CFLAGS": f"-I{include}", f"{name}_LIBS": str(library)})
    build.environment.update({"MODULE_BUILDTYPE": "static", "PKG_CONFIG": "/bin/false", "OPT": "-DNDEBUG -fwrapv -O2"})
    build.environment.update({f"py_cv_module_{name}": "n/a" for name in LEFT_OUT})
    options = [f"--without-{name}" for name in ("ensurepip", "readline", "doc-strings")]
    options += ["--disable-test-modules", "--with-pkg-config=no", f"--with-openssl={build.work / 'openssl'}"]
    builder = build.environment.pop("OPSKIT_BUILD_PYTHON", "")
    if builder:
        options += [f"--host={build.host}", f"--build={os.uname().machine}-linux-gnu", f"--with-build-python={builder}"]
        answers = {"ac_cv_file__dev_ptmx": "yes", "ac_cv_file__dev_ptc": "no", "ac_cv_buggy_getaddrinfo": "no"}
        build.environment.update(answers)
    build.make(out, "../configure", "--prefix=/usr", *options)
    build.make(out, "make", build.jobs, "python", "libpython3.13.a", "pybuilddir.txt")
    libraries = [lib / f"lib{name}.a" for name in ("z", "bz2", "lzma", "ffi")]
    libraries += [build.work / "openssl/lib" / f"lib{name}.a" for name in ("ssl", "crypto")]
    libraries += sorted((out / "Modules").rglob("lib*.a"))  # what CPython brings itself: libmpdec, expat, HACL*
    # All of libpython, and seen from outside: psutil's module finds the C API of Python there.
    whole = ("-Wl,--whole-archive", out / "libpython3.13.a", "-Wl,--no-whole-archive", "-Xlinker", "-export-dynamic")
    argv = [build.environment["CC"], "-O2", "-s", f"-I{folder / 'Include'}", f"-I{out}", "-o", out / "opskit"]
    build.make(out, *argv, HERE / "launcher.c", *whole, *libraries, "-lm", "-ldl", "-lpthread", "-lutil")


def _gather(folders: dict[str, Path], directory: Path) -> None:
    unfinished = directory.with_name(f"{directory.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "bin").mkdir(parents=True)
    python = folders["python3.13"]
    shutil.copy(python / "out/opskit", unfinished / "bin/opskit")
    (unfinished / "bin/python3").symlink_to("opskit")
    shutil.copytree(python / "Lib", unfinished / "lib/python3.13")
    (unfinished / "licences").mkdir()
    for name, file in LICENCES.items():
        shutil.copy(folders[name] / file, unfinished / "licences" / name)
    unfinished.rename(directory)
    # One for each machine is kept: each has sixty megabytes.
    for other in directory.parent.glob(f"{directory.name.rpartition('-')[0]}-*"):
        if other != directory:
            shutil.rmtree(other)
    _say(f"{directory} is built")
