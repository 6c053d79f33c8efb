"""What scripts/package builds, once for all tests of packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import opskit
from package.built import UNAVAILABLE, built_by

ALL = ("standalone", "rpm", "deb")


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The standalone archive, and an RPM and a deb of release 0 and 1, all of one tree."""
    if not shutil.which("apt-get"):
        pytest.skip("the CPython of the packages is built of Debian's sources, with Debian's tools")
    done = built_by(tmp_path_factory.mktemp("dist"), *ALL, "--release", "0", "--release", "1")
    if done.status == UNAVAILABLE:
        pytest.skip(f"sources.txt names what is no longer to be had: {done.stderr}")
    assert done.status == 0, done.stderr
    return done.paths


@pytest.fixture(scope="session")
def of_a_machine(both: list[Path]) -> dict[str, Path]:
    """The standalone archive, the RPM and the deb of this machine, by their suffix."""
    return {path.suffix: path for path in both if f"{opskit.__version__}-0" not in path.name}


@pytest.fixture(scope="session")
def older(both: list[Path]) -> dict[str, Path]:
    """An older RPM and deb."""
    return {path.suffix: path for path in both if f"{opskit.__version__}-0" in path.name}


@pytest.fixture(scope="session")
def standalone(of_a_machine: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the standalone archive, unpacked."""
    folder = tmp_path_factory.mktemp("standalone")
    os.chmod(folder, 0o755)
    shutil.unpack_archive(of_a_machine[".xz"], folder, filter="data")
    (tree,) = folder.iterdir()
    return tree
