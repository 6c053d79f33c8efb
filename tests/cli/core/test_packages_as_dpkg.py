"""The packages that core/packages.py names on Debian, asked of dpkg where that is."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from opskit.core.packages import APT, PACKAGES, install_line, read_package_manager

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def owner(program: str) -> str:
    """The package a program is from, "" where it is not installed; where / and /usr are one, dpkg may know either."""
    path = shutil.which(program, path=PATH)
    if path is None:
        return ""
    path = path.removeprefix("/usr")
    done = subprocess.run(
        ["dpkg-query", "--search", path, f"/usr{path}"], capture_output=True, text=True, check=False
    ).stdout
    return done.partition(":")[0]


@pytest.mark.skipif(read_package_manager() != APT, reason="the host is no Debian")
def test_each_package_is_the_one_that_dpkg_says() -> None:
    owners = {program: package for program in PACKAGES if (package := owner(program))}
    print(f"{len(owners)} of {len(PACKAGES)} programs are installed here")
    assert {"mount", "partx", "mkfs.ext4"} <= set(owners)
    for program, package in owners.items():
        assert install_line(APT, program) == f"apt-get install {package}"
