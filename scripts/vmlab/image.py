"""What the machine boots from: a root filesystem with Debian's packages and opskit, a kernel, an initrd, an ssh key.

Two layers, each kept by the hash of what it is made from: the base (packages, a minute and a half), which all checkouts
of this user share, and, on a copy of it, opskit from the wheel of this checkout (some seconds).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("OPSKIT_VM_CACHE") or ROOT / ".cache" / "vm")
# The bases of all checkouts: a clean one does not build its own. Another day's are kept for who goes back to them.
BASES = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "opskit" / "vm"
KEPT = 2
# A booted host with what opskit's areas meet there: disks, journald, a memcached unit, dnf.
PACKAGES = HERE / "packages.txt"
INITRAMFS = HERE / "initramfs.sh"
SUITE = "bookworm"
APT_HELPER = "/usr/lib/apt/apt-helper"  # of apt, which has its proxies and mirrors
SIZE = 4 << 30
# What stands beside root.img: of the base, in the order of Image.
BESIDE_ROOT = ("vmlinuz", "initrd", "key", "known_hosts")
UUID = "6f70736b-6974-4d00-8000-000000000001"
# Units that no test meets: under emulation each that starts costs the better part of a second of every boot.
UNUSED = (
    *("systemd-networkd.service", "systemd-networkd.socket", "systemd-networkd-wait-online.service"),
    *("systemd-network-generator.service", "systemd-logind.service", "systemd-pstore.service"),
    *("systemd-binfmt.service", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service"),
    *("lvm2-monitor.service", "blk-availability.service", "mdadm-shutdown.service"),
    *(f"modprobe@{module}.service" for module in ("configfs", "drm", "efi_pstore", "fuse")),
    *("sys-kernel-config.mount", "sys-fs-fuse-connections.mount"),
    *("podman.socket", "podman.service", "podman-restart.service"),
    *("podman-auto-update.service", "podman-auto-update.timer"),
)

# Servers and what goes with them: the one test that needs them starts them itself.
SERVERS = (
    *("nfs-client.target", "nfs-server.service", "rpcbind.service", "rpcbind.socket"),
    *("smbd.service", "nmbd.service", "samba-ad-dc.service"),
)

# program : its package on Debian. mmdebstrap builds, qemu and nbdkit run.
PROGRAMS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "nbdkit": "nbdkit",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "mkfs.ext4": "e2fsprogs",
}


class LabError(Exception):
    """The lab cannot do what it was asked for; the text says why and what to do."""


@dataclass(frozen=True)
class Image:
    """What a machine is started from. root is a raw ext4 image that no machine writes to."""

    root: Path
    kernel: Path
    initrd: Path
    key: Path
    known_hosts: Path


def missing() -> str:
    """Why no machine can be built here, with what to install; empty when one can."""
    if os.geteuid() != 0:
        return "the virtual machine is built as root (chroot)"
    path = environment()["PATH"]
    packages = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)})
    if not packages:
        return ""
    return "the virtual machine needs more programs: apt-get install " + " ".join(packages)


def image() -> Image:
    """The image of this checkout, built if it is not there. Raises LabError."""
    why = missing()
    if why:
        raise LabError(why)
    with locked(CACHE):
        opskit = layer("opskit", _opskit_hash(), _build_opskit)
    # All of it is the checkout's own: another one may remove the base.
    return Image(opskit / "root.img", *(opskit / name for name in BESIDE_ROOT))


@contextlib.contextmanager
def locked(cache: Path) -> Iterator[None]:
    """One builder at a time."""
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def layer(name: str, key: str, build: Callable[[Path], None], *, cache: Path = CACHE, kept: int = 1) -> Path:
    """The directory of a layer; built beside it and renamed, so that half a layer is never taken for one.

    kept: so many of that name, the last ones used: an image is half a gigabyte.
    """
    directory = cache / f"{name}-{key}"
    if directory.exists():
        os.utime(directory)
        return directory
    unfinished = cache / f"{name}-unfinished"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    others = sorted(cache.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in others[kept - 1 :]:
        shutil.rmtree(old)
    print(f"building {directory.name}", file=sys.stderr)
    unfinished.mkdir(mode=0o700)
    build(unfinished)
    unfinished.rename(directory)
    return directory


def digest(*paths: Path, more: str = "") -> str:
    """A short hash of files of the checkout, their names and modes included, and of more."""
    digest = hashlib.sha256(more.encode())
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _recipe() -> str:
    guest = sorted(path for path in (HERE / "guest").rglob("*") if path.is_file())
    return digest(Path(__file__), PACKAGES, INITRAMFS, *guest)


def _base() -> Path:
    """The directory of the base; without a network the last one that was made in this way."""
    recipe, versions = _recipe(), _package_lists()
    others = sorted(BASES.glob(f"base-{recipe}-*"), key=lambda path: path.stat().st_mtime)
    if not versions and others:
        return others[-1]
    key = f"{recipe}-{hashlib.sha256(versions.encode()).hexdigest()[:16]}"
    return layer("base", key, _build_base, cache=BASES, kept=KEPT)


def _archives() -> list[str]:
    """Where this host's apt has the suite from; none on a host of another one."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)dists/$(RELEASE)", "Created-By: Packages"]
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return sorted({line for line in done.stdout.splitlines() if line.rpartition("/")[2].startswith(SUITE)})


def _package_lists() -> str:
    """The hashes of the suite's lists of packages, which change with a package's version; "" where none are had."""
    lists = ""
    with tempfile.TemporaryDirectory() as folder:
        for number, archive in enumerate(_archives()):
            path = Path(folder, str(number))
            try:
                call(APT_HELPER, "download-file", f"{archive}/InRelease", path, timeout=60)
            except (LabError, OSError, subprocess.TimeoutExpired):
                return ""
            lists += "".join(
                re.findall(r"^ [0-9a-f]{64} .* main/binary-amd64/Packages\n", path.read_text(), re.MULTILINE)
            )
    return lists


def _opskit_hash() -> str:
    sources = sorted((ROOT / "opskit").rglob("*.py"))
    return digest(*sources, ROOT / "pyproject.toml", ROOT / "README.md", more=_recipe())


def environment() -> dict[str, str]:
    """The environment of what the lab runs: with the administrator's programs on the PATH."""
    return {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


def call(*argv: str | Path, timeout: float = 600) -> None:
    """Run a command; raises LabError with what it said when it fails."""
    command = [str(word) for word in argv]
    done = subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        env=environment(),
    )
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-4000:]}")


def _build_base(directory: Path) -> None:
    """The packages, set up, in rootfs; no image yet. Nothing is mounted: a build that is killed leaves files only."""
    for name in ("key", "host-key"):
        call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"opskit-{name}", "-f", directory / name)
    host_key = (directory / "host-key.pub").read_text().split()
    (directory / "known_hosts").write_text(f"opskit-vm {host_key[0]} {host_key[1]}\n")
    root = directory / "rootfs"
    _bootstrap(root)
    _configure(root, directory)
    for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd", "initrd.img-*")):
        shutil.copy(next((root / "boot").glob(pattern)), directory / name)


def _bootstrap(rootfs: Path) -> None:
    """Debian's packages into rootfs, without what only a person would read.

    In a mount namespace of its own: what mmdebstrap mounts there is gone with it, also when it is killed.
    """
    unread = ("man", "doc", "locale")
    call(
        *("unshare", "--mount", "--propagation", "private", "--"),
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES.read_text().split())}"),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in unread),
        "--dpkgopt=force-unsafe-io",  # a build that was cut off is begun anew
        *("--aptopt=Apt::Install-Recommends false", f"--customize-hook={INITRAMFS}"),
        *(SUITE, rootfs),
        timeout=1200,
    )


def _configure(rootfs: Path, directory: Path) -> None:
    shutil.copytree(HERE / "guest", rootfs, dirs_exist_ok=True)
    (rootfs / "etc/fstab").write_text(f"UUID={UUID} / ext4 defaults 0 1\n")
    (rootfs / "etc/hostname").write_text("opskit-vm\n")
    (rootfs / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 opskit-vm\n")
    for name in ("etc/ssh", "root/.ssh", "var/log/journal"):
        (rootfs / name).mkdir(parents=True, exist_ok=True)
    for old in (rootfs / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    shutil.copy(directory / "host-key", rootfs / "etc/ssh/ssh_host_ed25519_key")
    shutil.copy(directory / "host-key.pub", rootfs / "etc/ssh/ssh_host_ed25519_key.pub")
    call("chroot", rootfs, "useradd", "--create-home", "--shell", "/bin/bash", "--password", "*", "ops")
    for home in ("root", "home/ops"):
        (rootfs / home / ".ssh").mkdir(mode=0o700, exist_ok=True)
        shutil.copy(directory / "key.pub", rootfs / home / ".ssh/authorized_keys")
    call("chroot", rootfs, "chown", "-R", "ops:ops", "/home/ops")
    call("chroot", rootfs, "systemd-machine-id-setup")
    call("chroot", rootfs, "systemctl", "enable", "lab-network", "ssh", "memcached", "lab-ready")
    call("chroot", rootfs, "systemctl", "disable", *SERVERS)
    call("chroot", rootfs, "systemctl", "set-default", "multi-user.target")
    # What would run by itself while a test runs, or talk on the console.
    timers = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer")
    others = ("e2scrub_reap.service", "serial-getty@ttyS0.service", "getty@tty1.service")
    call("chroot", rootfs, "systemctl", "mask", *timers, *others, *UNUSED)
    _mask_generators(rootfs)


def _mask_generators(rootfs: Path) -> None:
    """Only the generators of fstab and crypttab: the others take half of a daemon-reload under emulation."""
    masks = rootfs / "etc/systemd/system-generators"
    masks.mkdir()
    for generator in (rootfs / "usr/lib/systemd/system-generators").iterdir():
        if generator.name not in {"systemd-fstab-generator", "systemd-cryptsetup-generator"}:
            (masks / generator.name).symlink_to("/dev/null")


def _build_opskit(directory: Path) -> None:
    """The root image: the base, and opskit from a wheel of this checkout in an environment of its own."""
    call(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", directory / "wheels", ROOT)
    rootfs = directory / "rootfs"
    with locked(BASES):
        base = _base()
        call("cp", "--archive", "--reflink=auto", base / "rootfs", rootfs)
        for name in BESIDE_ROOT:
            shutil.copy(base / name, directory / name)
    shutil.move(directory / "wheels", rootfs / "tmp/wheels")
    call("chroot", rootfs, "python3", "-m", "venv", "/opt/opskit")
    pip = ("/opt/opskit/bin/pip", "--quiet", "--disable-pip-version-check", "install", "--no-index")
    call("chroot", rootfs, *pip, "--find-links", "/tmp/wheels", "opskit-chores")
    (rootfs / "usr/local/bin/opskit").symlink_to("/opt/opskit/bin/opskit")
    shutil.rmtree(rootfs / "tmp/wheels")
    with open(directory / "root.img", "wb") as file:
        file.truncate(SIZE)
    # Nothing is left for the guest to initialize in the background.
    options = ("-U", UUID, "-E", "lazy_itable_init=0,lazy_journal_init=0", "-d", rootfs)
    call("mkfs.ext4", "-q", *options, directory / "root.img")
    shutil.rmtree(rootfs)
