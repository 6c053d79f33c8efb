"""What a release needs that no test of the code tells: run by scripts/release, in the checkout."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Where texts name the files of a release by its version.
NAMED = re.compile(r"opskit[-_](\d+\.\d+\.\d+)(?=[-_.])")


@dataclass(frozen=True)
class Checkout:
    """What is looked at.

    version: of the code
    changelog: its text
    texts: those that name files of a release, by their path
    changed: what git tells is not committed
    tags: of git
    unrecorded: kinds of steps that no recorded ledger has (tests/golden/history)
    """

    version: str
    changelog: str
    texts: dict[str, str]
    changed: Sequence[str] = ()
    tags: Sequence[str] = ()
    unrecorded: Sequence[str] = ()


def problems(checkout: Checkout) -> Iterator[str]:
    """What keeps it from being released, a line each."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", checkout.version):
        yield f"opskit/__init__.py: {checkout.version} is no version of a release, such as 0.2.0"
    if f"v{checkout.version}" in checkout.tags:
        yield f"v{checkout.version} is released: give opskit/__init__.py the next version"
    sections = re.findall(r"^## (.*)$", checkout.changelog, re.MULTILINE)
    first = sections[0] if sections else ""
    if not re.fullmatch(rf"{re.escape(checkout.version)} \(\d{{4}}-\d\d-\d\d\)", first):
        yield f"CHANGELOG.md begins with {first!r}, not with {checkout.version} and the day in brackets"
    for section in sections[1:]:
        if "unreleased" in section:
            yield f"CHANGELOG.md: {section}: it came before, and has no day"
    for path, text in checkout.texts.items():
        for other in sorted({name for name in NAMED.findall(text) if name != checkout.version}):
            yield f"{path} names files of {other}"
    for line in checkout.changed:
        yield f"not committed: {line}"
    for kind in checkout.unrecorded:
        yield f"no ledger of a run with {kind} is recorded: tests/host/history/record.py"


def look() -> Checkout:
    """This checkout."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from golden.history.test_yesterday import UNRECORDED  # noqa: PLC0415
    from opskit import __version__  # noqa: PLC0415

    paths = [ROOT / "README.md", *sorted((ROOT / ".github").glob("*.md"))]
    return Checkout(
        version=__version__,
        changelog=(ROOT / "CHANGELOG.md").read_text(),
        texts={str(path.relative_to(ROOT)): path.read_text() for path in paths},
        changed=_git("status", "--porcelain"),
        tags=_git("tag", "--list"),
        unrecorded=sorted(UNRECORDED),
    )


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def main() -> None:
    """Tell the problems. Exits 1 with any."""
    told = list(problems(look()))
    for line in told:
        print(line)
    print(f"{len(told)} of these keep it from being released" if told else "nothing keeps it from being released")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
