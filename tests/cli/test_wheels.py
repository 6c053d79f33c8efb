"""Every dependency can be had as a wheel for glibc 2.17 (CentOS 7) or in pure Python: pip is asked for them."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT


def dependencies() -> list[str]:
    """The strings of `dependencies` in pyproject.toml (no TOML reader is there before Python 3.11)."""
    block = re.search(r"^dependencies = \[$(.*?)^\]$", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert block
    lines = [line.strip() for line in block[1].splitlines() if line.strip() and not line.strip().startswith("#")]
    return [line.rstrip(",").strip('"') for line in lines]


def requirement(text: str, version: str) -> str:
    """The requirement without its marker; "" when the marker is not for this version.

    pip reads a marker with the interpreter it runs on, not with --python-version.
    """
    name, _, marker = text.partition(";")
    if not marker:
        return name.strip()
    bound = re.fullmatch(r"\s*python_version < '3\.(\d+)'\s*", marker)
    assert bound, f"a marker this test does not know: {marker}"
    return name.strip() if int(version.split(".")[1]) < int(bound[1]) else ""


def test_the_dependencies_are_found() -> None:
    names = {re.split(r"[<>=;]", text)[0] for text in dependencies()}
    assert {"typer", "rich", "psutil", "pyudev", "pymemcache"} <= names


def pip(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """What pip answers. A download that the index leaves hanging is begun again, twice."""
    for _ in range(2):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return _pip(argv)
    return _pip(argv)


def _pip(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=90)


@pytest.mark.slow
@pytest.mark.parametrize(("machine", "version"), [("x86_64", "3.9"), ("aarch64", "3.13")])
def test_every_dependency_has_a_wheel_for_centos_7(tmp_path: Path, machine: str, version: str) -> None:
    wanted = [found for found in (requirement(text, version) for text in dependencies()) if found]
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(tmp_path)]
    # manylinux2014 is glibc 2.17; older ones are below it. pip wants each named.
    argv += ["--only-binary=:all:", "--implementation", "cp", "--python-version", version]
    argv += [f"--platform={name}_{machine}" for name in ("manylinux2014", "manylinux_2_17", "manylinux_2_12")]
    done = pip([*argv, *wanted])
    assert done.returncode == 0, done.stderr
    wheels = {path.name for path in tmp_path.iterdir()}
    assert {name.split("-")[0] for name in wheels} >= {"typer", "rich", "psutil", "pyudev"}
    compiled = {name for name in wheels if not name.endswith("-none-any.whl")}
    assert {name.split("-")[0] for name in compiled} <= {"psutil"}
