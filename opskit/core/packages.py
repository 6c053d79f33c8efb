"""How a missing program is installed on a host: its package manager, and the package there that has the program."""

from __future__ import annotations

import contextlib
import re

# What reads os-release(5), in its order.
OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
YUM, DNF, APT = "yum", "dnf", "apt-get"
# program: its package on the EL family, on Debian
PACKAGES = {
    "ansible-playbook": ("ansible-core", "ansible-core"),
    "blkid": ("util-linux", "util-linux"),
    "chattr": ("e2fsprogs", "e2fsprogs"),
    "chcon": ("coreutils", "coreutils"),
    "docker": ("podman-docker", "docker.io"),
    "fallocate": ("util-linux", "util-linux"),
    "findfs": ("util-linux", "util-linux"),
    "growpart": ("cloud-utils-growpart", "cloud-guest-utils"),
    "journalctl": ("systemd", "systemd"),
    "losetup": ("util-linux", "mount"),
    "lvm": ("lvm2", "lvm2"),
    "memcached": ("memcached", "memcached"),
    "mkfs.ext3": ("e2fsprogs", "e2fsprogs"),
    "mkfs.ext4": ("e2fsprogs", "e2fsprogs"),
    "mkfs.xfs": ("xfsprogs", "xfsprogs"),
    "mkswap": ("util-linux", "util-linux"),
    "mount": ("util-linux", "mount"),
    "mount.cifs": ("cifs-utils", "cifs-utils"),
    "mount.nfs": ("nfs-utils", "nfs-common"),
    "parted": ("parted", "parted"),
    "partx": ("util-linux", "util-linux"),
    "podman": ("podman", "podman"),
    "resize2fs": ("e2fsprogs", "e2fsprogs"),
    "restorecon": ("policycoreutils", "policycoreutils"),
    "rpm": ("rpm", "rpm"),
    "setpriv": ("util-linux", "util-linux"),
    "sfdisk": ("util-linux", "fdisk"),
    "sgdisk": ("gdisk", "gdisk"),
    "swapoff": ("util-linux", "mount"),
    "swapon": ("util-linux", "mount"),
    "systemctl": ("systemd", "systemd"),
    "systemd-escape": ("systemd", "systemd"),
    "systemd-run": ("systemd", "systemd"),
    "udevadm": ("systemd-udev", "udev"),
    "umount": ("util-linux", "mount"),
    "unshare": ("util-linux", "util-linux"),
    "wipefs": ("util-linux", "util-linux"),
    "xfs_growfs": ("xfsprogs", "xfsprogs"),
}
# What has ansible-playbook where the package of the host is too old, or opskit is in an environment of its own.
ANSIBLE = "pip install ansible-core, where opskit is installed"
_FIELD = re.compile(r"""^(\w+)=["']?(.*?)["']?\s*$""", re.MULTILINE)


def install_line(package_manager: str, *programs: str) -> str:
    """The line that installs what brings these programs, or words for it where no line is known.

    package_manager: the host's, as package_manager_of names it
    programs: those of PACKAGES, or others
    """
    column = 1 if package_manager == APT else 0
    packages = [PACKAGES[program][column] for program in programs if program in PACKAGES]
    if not package_manager or len(packages) < len(programs):
        return f"install the package that has {' and '.join(programs)}"
    return f"{package_manager} install {' '.join(dict.fromkeys(packages))}"


def package_manager_of(os_release: str) -> str:
    """A host's package manager, by the text of its os-release: yum, dnf or apt-get; "" where it is another one.

    EL7 has yum. Where nothing is said it is yum, too, which later releases of the EL family still know.
    """
    fields = os_release_fields(os_release)
    family = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    if family & {"debian", "ubuntu"}:
        return APT
    if family & {"rhel", "centos", "fedora"}:
        major = fields.get("VERSION_ID", "").partition(".")[0]
        return DNF if major.isdigit() and int(major) > 7 else YUM
    return "" if fields.get("ID") else YUM


def os_release_fields(text: str) -> dict[str, str]:
    """The fields of the text of an os-release."""
    return dict(_FIELD.findall(text))


def read_os_release() -> str:
    """The text of this host's os-release, "" without one."""
    for path in OS_RELEASE:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    return ""


def read_package_manager() -> str:
    """That of this host."""
    return package_manager_of(read_os_release())
