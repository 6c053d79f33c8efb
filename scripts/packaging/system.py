"""The RPM and the deb, of the standalone tree."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import pure
from common import HERE, run
from standalone import COMPLETIONS, bundled

DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}
# What opskit itself would write for `opskit check --install-timer 10m`, without the head that says so.
UNITS = """
import sys
from opskit.status.timer import SERVICE_TEXT, SUCCESS, TIMER_TEXT
start = "ExecStart=/usr/bin/opskit check"
every = "OnActiveSec=1s\\nOnBootSec=1min\\nOnUnitActiveSec=600s\\nAccuracySec=1s"
for name, text in (
    ("service", SERVICE_TEXT.format(start=start, success=SUCCESS)), ("timer", TIMER_TEXT.format(every=every))
):
    with open(f"{sys.argv[1]}/opskit-check.{name}", "w") as file:
        file.write(text)
"""


def root(tree: Path, work: Path, *, debian: bool) -> Path:
    """The files as they are on a host, below a folder."""
    folder = work / ("debian-root" if debian else "rpm-root")
    shutil.rmtree(folder, ignore_errors=True)
    # Not usr/lib: there SELinux's policies label a program as a library, which init may not start (README.md).
    library = folder / "usr/libexec/opskit"
    library.mkdir(parents=True)
    for name in ("bin", "lib"):
        shutil.copytree(tree / name, library / name, symlinks=True)
    licences = folder / ("usr/share/doc/opskit/licences" if debian else "usr/share/licenses/opskit")
    shutil.copytree(tree / "licences", licences)
    for place in ("usr/bin", "usr/lib/systemd/system", "usr/lib/tmpfiles.d", "usr/share/man/man1", "etc/opskit"):
        (folder / place).mkdir(parents=True)
    (folder / "usr/bin/opskit").symlink_to("../libexec/opskit/bin/opskit")
    for path in COMPLETIONS.values():
        place = path.replace("site-functions", "vendor-completions") if debian else path
        (folder / "usr" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tree / path, folder / "usr" / place)
    for page in (tree / "share/man/man1").iterdir():
        packed = gzip.compress(page.read_bytes(), mtime=0)
        (folder / "usr/share/man/man1" / f"{page.name}.gz").write_bytes(packed)
    shutil.copyfile(HERE / "config.toml.example", folder / "etc/opskit/config.toml.example")
    shutil.copyfile(HERE / "tmpfiles.conf", folder / "usr/lib/tmpfiles.d/opskit.conf")
    code = f"import sys; sys.path.insert(0, {str(tree / 'lib/packages')!r})\n{UNITS}"
    run(sys.executable, "-I", "-B", "-c", code, folder / "usr/lib/systemd/system")
    state = folder / "var/lib/opskit"
    state.mkdir(parents=True)
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            program = path == library / "bin/opskit"
            path.chmod(0o700 if path == state else 0o755 if path.is_dir() or program else 0o644)
        os.utime(path, (pure.epoch(), pure.epoch()), follow_symlinks=False)
    return folder


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()  # dpkg --verify knows no other


def rpm(tree: Path, machine: str, release: int, work: Path) -> Path:
    """opskit-VERSION-RELEASE.MACHINE.rpm, as rpm 4.11 reads it."""
    folder = root(tree, work, debian=False)
    top = work / "rpmbuild"
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir()
    provides = "\n".join(f"Provides: bundled({name}) = {release}" for name, release in bundled())
    spec = (HERE / "opskit.spec").read_text().replace("@BUNDLED@", provides)
    (top / "opskit.spec").write_text(spec)
    definitions = {
        "_topdir": top,
        "_rpmdir": work,
        "_rpmfilename": "%{name}-%{version}-%{release}.%{arch}.rpm",
        "opskit_version": pure.version(),
        "opskit_release": release,
        "opskit_root": folder,
        "opskit_date": time.strftime("%a %b %d %Y", time.gmtime(pure.epoch())),
    }
    defined = [word for name, value in definitions.items() for word in ("--define", f"{name} {value}")]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(pure.epoch())}
    run("rpmbuild", "-bb", "--nodeps", "--target", f"{machine}-linux", *defined, top / "opskit.spec", env=environment)
    return work / f"opskit-{pure.version()}-{release}.{machine}.rpm"


def deb(tree: Path, machine: str, release: int, work: Path) -> Path:
    """opskit_VERSION-RELEASE_MACHINE.deb."""
    folder = root(tree, work, debian=True)
    control = folder / "DEBIAN"
    control.mkdir()
    names = ", ".join(f"{name} {release}" for name, release in bundled())
    shutil.copyfile(HERE / "debian/copyright", folder / "usr/share/doc/opskit/copyright")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and control not in path.parents)
    size = sum(path.lstat().st_size for path in files) // 1024
    text = (HERE / "debian/control").read_text()
    for mark, value in (
        ("@VERSION@", f"{pure.version()}-{release}"), ("@MACHINE@", DEBIAN[machine]), ("@SIZE@", str(size)),
        ("@BUNDLED@", names),
    ):  # fmt: skip
        text = text.replace(mark, value)
    (control / "control").write_text(text)
    (control / "conffiles").write_text("/etc/opskit/config.toml.example\n")
    sums = (f"{_md5(path)}  {path.relative_to(folder)}\n" for path in files if not path.is_symlink())
    (control / "md5sums").write_text("".join(sums))
    for name in ("postinst", "prerm", "postrm"):
        shutil.copyfile(HERE / "debian" / name, control / name)
        (control / name).chmod(0o755)
    packed = work / f"opskit_{pure.version()}-{release}_{DEBIAN[machine]}.deb"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(pure.epoch())}
    run("dpkg-deb", "--root-owner-group", "-Zxz", "--threads-max=1", "--build", folder, packed, env=environment)
    return packed
