"""What scripts/package builds, and how the tests of packages start it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

from checkout import ROOT

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# In any Python that finds opskit: each command of the tree prints its help, and each module can be imported.
HELP_OF_ALL = """
import contextlib, io, json
from opskit.cli import main
from opskit.completion.cli import tree
said = {}
for node in tree().walk():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        code = main([*node.words[1:], "--help"])
    said[node.path] = [code, "Usage" in text.getvalue()]
print(json.dumps(said))
"""
IMPORT_ALL = """
import importlib, json, pkgutil, opskit
failed = []
for module in pkgutil.walk_packages(opskit.__path__, "opskit.", onerror=failed.append):
    if module.name != "opskit.__main__":
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            if error.name not in {"curses", "_curses"}:  # opskit du --browse says what is missing
                failed.append(f"{module.name}: {error}")
print(json.dumps(failed))
"""


# scripts/package: a source that is fixed by its checksum is no longer to be had.
UNAVAILABLE = 69


class Built(NamedTuple):
    """How scripts/package ended: what it built is in the order that it tells."""

    status: int
    paths: list[Path]
    stderr: str


def built_by(out: Path, *words: str) -> Built:
    """Have scripts/package build these into a folder."""
    argv = [str(ROOT / "scripts/package"), "--out", str(out), *words]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    paths = [Path(line) for line in done.stdout.splitlines() if line.startswith(str(out))]
    return Built(done.returncode, paths, done.stderr)


def build(out: Path, *forms: str) -> list[Path]:
    """The same, for what can always be built."""
    done = built_by(out, *forms)
    assert done.status == 0, done.stderr
    return done.paths


def say(*argv: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run it with nothing of this test's environment but a PATH."""
    environment = {"PATH": PATH, "LC_ALL": "C", **options.pop("env", {})}  # type: ignore[dict-item]
    words = [str(word) for word in argv]
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment, **options
    )
