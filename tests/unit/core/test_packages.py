"""core/packages.py: the hint for a program that is missing."""

from __future__ import annotations

import pytest

from opskit.core import packages

CENTOS_7 = 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n'
ROCKY_9 = "NAME='Rocky Linux'\nID='rocky'\nID_LIKE='rhel centos fedora'\nVERSION_ID='9.4'\n"
AMAZON_2 = 'ID="amzn"\nID_LIKE="centos rhel fedora"\nVERSION_ID="2"\n'
FEDORA = "ID=fedora\nVERSION_ID=42\n"
ROLLING_EL = "ID=centos\n"
DEBIAN = 'VERSION_ID="12"\nID=debian\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\n"
SUSE = 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.5"\n'


@pytest.mark.parametrize(
    ("os_release", "manager"),
    [
        (CENTOS_7, "yum"),
        (ROCKY_9, "dnf"),
        (AMAZON_2, "yum"),
        (FEDORA, "dnf"),
        (ROLLING_EL, "yum"),
        (DEBIAN, "apt-get"),
        (UBUNTU, "apt-get"),
        (SUSE, ""),
        ("", "yum"),
        ("garbage\n=\nID\n", "yum"),
    ],
)
def test_the_package_manager_by_os_release(os_release: str, manager: str) -> None:
    assert packages.package_manager_of(os_release) == manager


@pytest.mark.parametrize(
    ("manager", "programs", "line"),
    [
        ("yum", ("sfdisk",), "yum install util-linux"),
        ("dnf", ("mkfs.xfs", "xfs_growfs"), "dnf install xfsprogs"),
        ("apt-get", ("sfdisk",), "apt-get install fdisk"),
        ("apt-get", ("growpart", "sgdisk"), "apt-get install cloud-guest-utils gdisk"),
        ("", ("sfdisk",), "install the package that has sfdisk"),
        ("yum", ("sfdisk", "frobnicate"), "install the package that has sfdisk and frobnicate"),
    ],
)
def test_the_line_that_installs(manager: str, programs: tuple[str, ...], line: str) -> None:
    assert packages.install_line(manager, *programs) == line
