"""Which build of opskit this is: a checkout with its commit, a wheel, or what scripts/package has made.

Little is imported: `opskit --version` asks. A package has a file BUILD beside opskit's modules, of one or two lines:
what it is ("wheel", "zipapp", "standalone x86_64") and, where it is no release, the commit it was made of.
"""

from __future__ import annotations

import os
import re

import opskit

FILE_NAME = "BUILD"
# What can be asked for with --needs.
RELEASE = re.compile(r"\d{1,9}(\.\d{1,9})*\Z", re.ASCII)
# As git(1) writes the name of a commit, and how much of it a person is shown.
COMMIT = re.compile(r"[0-9a-f]{40,64}\Z")
SHOWN = 12


def package_path() -> str:
    """Where opskit's modules are; inside a zipapp that is no directory."""
    return os.path.dirname(os.path.abspath(opskit.__file__))


def build() -> tuple[str, str]:
    """What this build is, and the commit that it was made of, "" for a release or where nothing tells."""
    path = package_path()
    loader = opskit.__loader__
    try:
        lines = loader.get_data(os.path.join(path, FILE_NAME)).decode().splitlines()  # type: ignore[union-attr]
    except (AttributeError, OSError):
        checkout = os.path.dirname(path)
        is_checkout = os.path.exists(os.path.join(checkout, ".git"))
        return ("checkout", head(checkout)) if is_checkout else ("wheel", "")
    kind, commit = [*lines, "", ""][:2]
    return kind, commit if COMMIT.match(commit) else ""


def installed() -> tuple[int, ...]:
    """What tells the opskit at this path from another that has come in its place; () where there is none any more.

    A package manager makes each file anew, and an archive (zipapp) is one file.
    """
    try:
        status = os.stat(getattr(opskit.__loader__, "archive", opskit.__file__))
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_mtime_ns


def head(checkout: str) -> str:
    """The commit that is checked out, by the files of gitrepository-layout(5); "" where they do not tell."""
    place = os.path.join(checkout, ".git")
    pointer = _text(place)  # of a worktree, that is a file
    if pointer.startswith("gitdir: "):
        place = os.path.join(checkout, pointer[8:].strip())
    common = os.path.join(place, _text(os.path.join(place, "commondir")).strip())
    name = _text(os.path.join(place, "HEAD")).strip()
    if name.startswith("ref: "):
        name = name[5:]
        packed = re.search(f"^([0-9a-f]+) {re.escape(name)}$", _text(os.path.join(common, "packed-refs")), re.MULTILINE)
        name = _text(os.path.join(common, name)).strip() or (packed[1] if packed else "")
    return name if COMMIT.match(name) else ""


def version_line() -> str:
    """`opskit 0.2.0`, and what it is where that is not a release: `opskit 0.2.0 (checkout 79d485f)`."""
    kind, commit = build()
    beside = " ".join(filter(None, [kind, commit[:SHOWN]]))
    return f"opskit {opskit.__version__} ({beside})"


def fits(needed: str) -> bool:
    """Whether this opskit is that release or a newer one; what is no release fits none."""
    if not RELEASE.match(needed):
        return False
    own, asked = ([int(number) for number in re.findall("[0-9]+", text)] for text in (opskit.__version__, needed))
    length = max(len(own), len(asked))
    return [*own, *[0] * (length - len(own))] >= [*asked, *[0] * (length - len(asked))]


def _text(path: str) -> str:
    """The text of a file, "" for none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
