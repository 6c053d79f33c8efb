"""Debian's sshd and sudo for the hosts: unpacked into a folder that lies over this machine's root in theirs.

Nothing is installed here, so nothing is started, and it is the same where this machine has an sshd of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "fleet"
PACKAGES = ("openssh-server", "openssh-sftp-server", "sudo")
PROGRAMS = ("usr/sbin/sshd", "usr/bin/sudo")


class LabError(Exception):
    """What stands in the way of the lab, for a person."""


def missing() -> str:
    """Why there can be no lab on this machine; "" where there can be one."""
    if os.geteuid():
        return "it needs root"
    if "\toverlay\n" not in Path("/proc/filesystems").read_text():
        return "the kernel has no overlayfs"
    for program in ("ssh", "ssh-keygen", "losetup", "nsenter"):
        if not shutil.which(program):
            return f"{program} is not on this host"
    if not shutil.which("apt-get") and not all(Path("/", program).exists() for program in PROGRAMS):
        return "there is neither sshd and sudo nor an apt to get them with"
    return ""


def layer() -> Path:
    """The folder with what this machine lacks of sshd and sudo. Raises LabError."""
    why = missing()
    if why:
        raise LabError(why)
    place = CACHE / "layer"
    if not place.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            fresh = Path(folder, "layer")
            fresh.mkdir(mode=0o755)
            if not all(Path("/", program).exists() for program in PROGRAMS):
                _unpack(Path(folder, "debs"), fresh)
            try:
                fresh.rename(place)
            except OSError:  # another lab was first
                if not place.exists():
                    raise
    return place


def _unpack(archives: Path, layer: Path) -> None:
    (archives / "partial").mkdir(parents=True)
    quiet = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
    _run(*quiet, "update")
    _run(
        *quiet, "-o", f"Dir::Cache::archives={archives}", "-o", "APT::Sandbox::User=root",
        "--download-only", "--yes", "--no-install-recommends", "install", *PACKAGES,
    )  # fmt: skip
    for package in archives.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(layer))
    # A folder of this name in a layer hides the link of this name below it: /lib, on which everything stands.
    for name in ("bin", "sbin", "lib", "lib64"):
        if (layer / name).is_dir() and Path("/", name).is_symlink():
            shutil.copytree(layer / name, layer / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(layer / name)


def _run(*argv: str) -> None:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
