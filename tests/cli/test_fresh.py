"""Both commands of the README pass on a machine where nothing is installed: a minimal Debian with python3-venv, git
and ca-certificates, in which only what the scripts themselves install can be found.

The tree is made once (mmdebstrap) and kept in .cache/fresh; each test runs in a copy, in namespaces of its own for
mounts and processes: what is mounted or started there ends with it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkout import ROOT

CACHE = ROOT / ".cache" / "fresh"
PACKAGES = "python3-venv,git,ca-certificates"
SUITE = "bookworm"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# $1 is the tree, $2 a list of directories of this host that it gets, too; the rest is run in its /root/opskit.
ENTER = """
set -eu
tree=$1 shared=$2; shift 2
mount --bind "$tree" "$tree"  # a mount of its own: what runs in it makes namespaces, too
cd "$tree"
mount --rbind /dev dev
mount -t proc proc proc
mount -t sysfs sysfs sys
for directory in $shared; do
  mkdir -p ".$directory"
  mount --bind --options ro "$directory" ".$directory"
done
exec chroot . sh -c 'cd /root/opskit && exec "$@"' sh "$@"
"""
pytestmark = [pytest.mark.slow, pytest.mark.host, pytest.mark.timeout(3600), pytest.mark.xdist_group("mounts")]


def run(*argv: str | Path, env: dict[str, str] | None = None, timeout: int = 3000) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False, timeout=timeout, env={**os.environ, "PATH": PATH, **(env or {})},
    )  # fmt: skip


def private(*argv: str | Path, **options: float) -> subprocess.CompletedProcess[str]:
    """Run it where its mounts are its own, and its processes end with it."""
    namespaces = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
    return run("unshare", *namespaces, "--", *argv, **options)  # type: ignore[arg-type]


def apt_settings() -> list[str]:
    """How this host's apt reaches its mirrors: proxies, checks of dates."""
    lines = run("apt-config", "dump").stdout.splitlines()
    return [line for line in lines if re.match(r"Acquire::(https?::|Check-)", line)]


def pip_settings() -> dict[str, str]:
    """pip's settings on this host, those of its files too, as variables of the environment."""
    listed = run(sys.executable, "-m", "pip", "config", "list").stdout
    matches = re.findall(r"^(?:global|install|:env:)\.([\w-]+)=(?:'(.*)'|\"(.*)\")$", listed, re.MULTILINE)
    settings = {f"PIP_{name.upper().replace('-', '_')}": plain or other for name, plain, other in matches}
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {**proxies, **settings}


def make(directory: Path) -> None:
    """The tree, with this host's own certificates and without what only a person would read."""
    unread = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")]
    unread.append("--dpkgopt=force-unsafe-io")  # a tree that was cut off is made anew
    settings = [f"--aptopt={line}" for line in (*apt_settings(), "Apt::Install-Recommends false;")]
    # mmdebstrap sees to its own processes.
    done = run(
        *("unshare", "--mount", "--propagation", "private", "--"),
        *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *unread, *settings, SUITE, directory),
    )
    assert done.returncode == 0, done.stdout[-3000:]
    for certificate in Path("/usr/local/share/ca-certificates").rglob("*.crt"):
        shutil.copy(certificate, directory / "usr/local/share/ca-certificates" / certificate.name)
    done = run("chroot", directory, "update-ca-certificates")
    assert done.returncode == 0, done.stdout
    # No server starts by being installed: it would be this host's.
    policy = directory / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    # Nobody cuts the power of a tree that is made for a test: dpkg need not wait for the disk.
    (directory / "etc/dpkg/dpkg.cfg.d/99-fresh").write_text("force-unsafe-io\n")


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of the tree with this checkout in it, as git would bring it."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a Debian tree is made and entered")
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap is not on this host: no Debian tree can be made")
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / SUITE
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            half = CACHE / "unfinished"
            if half.exists():
                shutil.rmtree(half)
            make(half)
            half.rename(kept)
    copy = tmp_path / "tree"
    assert run("cp", "--archive", "--reflink=auto", kept, copy).returncode == 0
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    shutil.copytree(ROOT, copy / "root/opskit", ignore=shutil.ignore_patterns(".git", *ignored), symlinks=True)
    for name in ("etc/resolv.conf", "etc/hosts"):
        shutil.copy(Path("/") / name, copy / name)
    yield copy
    assert str(copy) not in Path("/proc/self/mountinfo").read_text()
    shutil.rmtree(copy)


def in_tree(tree: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in the tree, as root at login, with this host's settings of pip."""
    settings = {"PATH": PATH, "HOME": "/root", "TERM": "dumb", **pip_settings(), **environment}
    words = [f"{name}={value}" for name, value in settings.items()]
    # A package index or wheels that lie on this host are there, too, at their paths.
    local = re.findall(r"(?:file://)?(/[^\s:]+)", " ".join(pip_settings().values()))
    shared = {str(Path(name).parent) for name in local if os.path.exists(name)} - {"/", "/etc", "/etc/ssl/certs"}
    return private("sh", "-c", ENTER, "sh", tree, " ".join(sorted(shared)), "env", "-i", *words, *argv)


def test_the_demo(tree: Path) -> None:
    # Where apt reaches nothing, it goes on with the saved facts and says what is missing.
    (tree / "etc/no-network").write_text('Acquire::http::Proxy "http://127.0.0.1:9";\nAcquire::Retries "0";\n')
    done = in_tree(tree, "scripts/demo", APT_CONFIG="/etc/no-network")
    assert done.returncode == 0, done.stdout
    assert "sfdisk and parted are missing here: here is the plan" in done.stdout
    done = in_tree(tree, "scripts/demo")
    assert done.returncode == 0, done.stdout
    assert "== installing fdisk parted" in done.stdout
    assert "scripts/demo: done" in done.stdout
    # What it asks for is what it has installed: nothing is missing now.
    again = in_tree(tree, "bash", "-euc", '. scripts/lib.sh; install_needs "$DISK_NEEDS"')
    assert (again.returncode, again.stdout) == (0, "")


def test_the_tests(tree: Path) -> None:
    """A selection of those that ask for programs, which are all installed for it; half a minute without that."""
    yum = ("all_free", "a_plain_rpm", "in_a_transaction_only_waiting_is_safe", "without_any_of_the_tools_it_says_so")
    shells = ("the_shell_can_read_the_script", "zsh_completes", "bash_completes_files_and_directories")
    shells += ("the_manual_pages_render_and_name_every_option_of_the_help",)
    chosen = (
        "golden/yum", "cli/core/test_kernel.py", "cli/core/test_systemd_as_systemd.py",
        "cli/core/test_units_as_gnu.py", "cli/core/test_units_as_systemd.py", "cli/usage/test_ncdu.py",
        "cli/journal/test_entries.py",
        *(f"cli/completion/test_completions_in_shells.py::test_{name}" for name in shells),
        "host/disk/test_mount.py::test_a_blank_disk_goes_into_service_and_a_second_run_changes_nothing",
        *(f"host/yum/test_yum.py::test_{name}" for name in yum),
    )  # fmt: skip
    words = ("--numprocesses", "2", "--dist", "loadgroup", *(f"tests/{name}" for name in chosen))
    done = in_tree(tree, "scripts/test", "-q", *words)
    print(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "== installing" in done.stdout
    assert "could be installed" not in done.stdout
    assert re.search(r"^\d{3,} passed", done.stdout, re.MULTILINE)
    skipped = re.findall(r"^SKIPPED .*$", done.stdout, re.MULTILINE)
    assert not [line for line in skipped if re.search(r"not on this|on this machine|there is no|needs root", line)]
