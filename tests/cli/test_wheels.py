"""Every dependency can be had as a wheel for glibc 2.17 (CentOS 7) or in pure Python: pip is asked for them.

Asked for are the releases that this environment and that of the oldest Python hold: pip is not made to choose, for an
index that does not tell which Python a release needs has it try every combination for minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT

OLDEST = ROOT / ".cache/oldest/bin/python"  # scripts/test makes it
# The name and release of opskit's dependencies and of theirs, and the Python they are for.
LISTED = """
import importlib.metadata, json, re, sys
pins, names = {}, ["opskit-chores"]
while names:
    name = names.pop()
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        continue  # for another Python, by its marker
    if name not in pins:
        pins[name] = distribution.version
        wanted = [text for text in distribution.requires or () if "extra ==" not in text]
        names += [re.match(r"[A-Za-z0-9._-]+", text)[0].lower().replace("_", "-") for text in wanted]
del pins["opskit-chores"]
print(json.dumps([f"{sys.version_info[0]}.{sys.version_info[1]}", pins]))
"""


def listed(python: str) -> tuple[str, dict[str, str]]:
    """The version of an environment's Python, and the releases of what opskit needs there."""
    version, pins = json.loads(subprocess.check_output([python, "-I", "-c", LISTED], text=True))
    return version, pins


def test_the_dependencies_are_listed() -> None:
    assert set(listed(sys.executable)[1]) >= {"typer", "rich", "psutil", "pyudev", "pymemcache", "pygments"}


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "python"), [("x86_64", str(OLDEST)), ("aarch64", sys.executable)])
def test_every_dependency_has_a_wheel_for_centos_7(tmp_path: Path, machine: str, python: str) -> None:
    if not Path(python).exists():
        pytest.skip(f"{python} is made by scripts/test without arguments")
    version, pins = listed(python)
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(tmp_path)]
    # manylinux2014 is glibc 2.17; older ones are below it. pip wants each named.
    argv += ["--no-deps", "--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    argv += [f"--platform={name}_{machine}" for name in ("manylinux2014", "manylinux_2_17", "manylinux_2_12")]
    wanted = [f"{name}=={release}" for name, release in pins.items()]
    done = subprocess.run([*argv, *wanted], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wheels = {path.name for path in tmp_path.iterdir()}
    assert len(wheels) == len(pins)
    compiled = {name for name in wheels if not name.endswith("-none-any.whl")}
    assert {name.split("-")[0] for name in compiled} <= {"psutil"}
