"""The programs that opskit starts, and for what: a command does without those that it is not asked to start.

Beside them are those of coreutils (cp, dd, mv, rm …), kill and env, which no host lacks. A test holds the table against
the code.
"""

from __future__ import annotations

from typing import NamedTuple


class Need(NamedTuple):
    """A program.

    commands: those that start it, without `opskit`
    only: when, "" for always
    release: what it is asked for its release with; it is not asked where that is empty
    distribution: of a program of Python's, which is looked for where opskit fleet looks: beside opskit's Python, else
        on the caller's PATH. The release is asked of that: the program itself would make a folder in the home
    """

    program: str
    commands: tuple[str, ...]
    only: str = ""
    release: tuple[str, ...] = ()
    distribution: str = ""


_VERSION = ("--version",)
NEEDS = (
    Need("blkid", ("disk",), release=_VERSION),
    Need("wipefs", ("disk mount",), release=_VERSION),
    Need("sfdisk", ("disk mount", "disk grow"), "for a partition, where parted or growpart is not taken", _VERSION),
    Need("parted", ("disk mount",), "for a partition, where sfdisk is older than 2.26", _VERSION),
    Need("partx", ("disk mount", "disk grow"), "for a partition", _VERSION),
    Need("mkfs.ext4", ("disk mount",), "for --fstype ext4", ("-V",)),
    Need("mkfs.ext3", ("disk mount",), "for --fstype ext3", ("-V",)),
    Need("mkfs.xfs", ("disk mount",), "for --fstype xfs", ("-V",)),
    Need("udevadm", ("disk mount",), "where udev runs", _VERSION),
    Need("mount", ("disk mount",), release=_VERSION),
    Need("umount", ("disk mount", "disk umount"), release=_VERSION),
    Need("findfs", ("disk mount", "disk fstab"), "where /dev/disk has no link for it", _VERSION),
    Need("unshare", ("disk mount",), "for --mount-options, which it tries before", _VERSION),
    Need("systemctl", ("disk", "journal retain", "service", "check --install-timer"), "where systemd runs", _VERSION),
    Need("systemd-escape", ("disk mount",), "where systemd runs"),
    Need("growpart", ("disk grow",), "where sfdisk is older than 2.29"),
    Need("sgdisk", ("disk grow",), "for growpart on a gpt table", _VERSION),
    Need("resize2fs", ("disk grow",), "for ext2, ext3, ext4"),
    Need("xfs_growfs", ("disk grow",), "for xfs", ("-V",)),
    Need("lvm", ("disk grow", "disk list"), "where there are logical volumes", ("version",)),
    Need("mkswap", ("disk swap",), release=_VERSION),
    Need("swapon", ("disk swap",), release=_VERSION),
    Need("swapoff", ("disk swap --off",), release=_VERSION),
    Need("chattr", ("disk swap",), "for a file on btrfs"),
    Need("fallocate", ("disk swap",), "for a file", _VERSION),
    Need("restorecon", ("disk mount", "disk swap"), "where SELinux is on"),
    Need("chcon", ("disk swap",), "where SELinux is on", _VERSION),
    Need("mount.nfs", ("disk mount",), "for HOST:/EXPORT", ("-V",)),
    Need("mount.cifs", ("disk mount",), "for //HOST/SHARE", ("-V",)),
    Need("journalctl", ("journal",), release=_VERSION),
    Need("memcached", ("memcached",), "to run one", ("-V",)),
    Need("systemd-run", ("memcached start", "yum why --hold"), "where systemd runs", _VERSION),
    Need("rpm", ("yum unlock", "du --delete"), "on hosts of packages of rpm", _VERSION),
    Need("setpriv", ("service status",), "for --celery", _VERSION),
    Need("podman", ("service",), "for --container", _VERSION),
    Need("docker", ("service",), "for --container", _VERSION),
    Need("ansible-playbook", ("fleet",), "on the control node only", distribution="ansible-core"),
)
