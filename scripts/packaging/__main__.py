"""What scripts/package runs: see there."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import galaxy
import pure
import sources
import standalone
import system
from common import ROOT, NotToBeHadError, PackagingError
from interpreter import interpreter

FORMS = ("wheel", "sdist", "zipapp", "collection", "standalone", "rpm", "deb")
# A source of sources.txt is no longer to be had: nothing in this checkout is wrong (EX_UNAVAILABLE of sysexits.h).
UNAVAILABLE = 69
OF_A_MACHINE = {"standalone", "rpm", "deb"}


def main() -> int:
    """Build what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/package", description="Build what a release of opskit has.")
    parser.add_argument("forms", nargs="*", metavar="FORM", help=f"{', '.join(FORMS)}; without any, all")
    parser.add_argument("--machine", choices=tuple(system.DEBIAN), default=os.uname().machine)
    help_text = "of rpm and deb: a higher one with newer sources, 1 without; given twice, both are built"
    parser.add_argument("--release", type=int, action="append", help=help_text)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder that gets them: dist")
    parser.add_argument("--interpreter", action="store_true", help="only build the interpreter, unless it is kept")
    parser.add_argument("--outdated", action="store_true", help="only tell which sources Debian has newer ones of")
    asked = parser.parse_args()
    unknown = set(asked.forms) - set(FORMS)
    if unknown:
        parser.error(f"no such form: {' '.join(sorted(unknown))}")
    # What was begun is taken away by whoever is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with workplace() as work:
            if asked.outdated:
                return outdated(work)
            if asked.interpreter:
                print(interpreter(asked.machine))
                return 0
            for built in build(asked.forms or FORMS, asked.machine, asked.release or [1], work):
                keep(built, asked.out)
    except (PackagingError, OSError) as error:
        print(f"scripts/package: {error}", file=sys.stderr)
        return UNAVAILABLE if isinstance(error, NotToBeHadError) else 1
    return 0


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="opskit-package-", dir="/var/tmp") as name:
        os.umask(0o022)
        yield Path(name)


def build(forms: list[str] | tuple[str, ...], machine: str, releases: list[int], work: Path) -> Iterator[Path]:
    """Each of these, in the order of FORMS."""
    if "wheel" in forms:
        yield pure.build("wheel", work)
    if "sdist" in forms:
        yield pure.build("sdist", work)
    if "zipapp" in forms:
        yield pure.zipapp(work)
    if "collection" in forms:
        yield galaxy.collection(work)
    if OF_A_MACHINE & set(forms):
        tree = standalone.tree(machine, work)
        if "standalone" in forms:
            yield standalone.archive(tree)
        for release in releases:
            if "rpm" in forms:
                yield system.rpm(tree, machine, release, work)
            if "deb" in forms:
                yield system.deb(tree, machine, release, work)


def keep(built: Path, out: Path) -> None:
    """Put a file where it is wanted, and the sums of all that is there beside it."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copy(built, out / f".{built.name}")
        (out / f".{built.name}").rename(out / built.name)
        print(out / built.name)
        files = sorted(
            path for path in out.iterdir() if path.is_file() and path.name[0] != "." and path.name != "SHA256SUMS"
        )
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
        (out / ".SHA256SUMS").write_text("".join(lines))
        (out / ".SHA256SUMS").rename(out / "SHA256SUMS")


def outdated(work: Path) -> int:
    """Say what Debian has newer; 1 when there is something."""
    found = sources.newer(work)
    print("\n".join(found) or "all sources are Debian's newest")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
