"""The packages for aarch64: built on another machine, looked at as files, and run by qemu-user where it is there.

Where no interpreter for aarch64 is kept (scripts/package --machine aarch64 --interpreter: a quarter of an hour), only
scripts/test --more builds one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import opskit
from checkout import ROOT
from package.built import HELP_OF_ALL, UNAVAILABLE, built_by, say
from package.test_standalone import GLIBC, PACKED, UNPACKED, elf_files
from tiers import Agree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(os.uname().machine == "aarch64", reason="here it is this machine's own build"),
]
FACTS = ROOT / "tests/golden/disk/hosts/el7.json"
QEMU = "qemu-aarch64-static"
LIBRARIES = "/usr/aarch64-linux-gnu"  # Debian's libc6-arm64-cross
PACKAGING = str(ROOT / "scripts/packaging")


def is_kept() -> bool:
    """Whether scripts/package has an interpreter for aarch64, by its own word for it."""
    code = "import interpreter; print(interpreter.place('aarch64').exists())"
    return say(sys.executable, "-B", "-c", code, env={**os.environ, "PYTHONPATH": PACKAGING}).stdout == "True\n"


def built(out: Path, *forms: str) -> list[Path]:
    """These forms for aarch64, or the test is skipped."""
    if not shutil.which("apt-get"):
        pytest.skip("the CPython of the packages is built of Debian's sources, with Debian's tools")
    done = built_by(out, *forms, "--machine", "aarch64")
    if done.status == UNAVAILABLE:
        pytest.skip(f"sources.txt names what is no longer to be had: {done.stderr}")
    assert done.status == 0, done.stderr
    return done.paths


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The standalone archive for aarch64, unpacked."""
    if os.environ.get("OPSKIT_TEST_TIER") != "more" and not is_kept():
        pytest.skip("no interpreter for aarch64 is kept: scripts/test --more builds one")
    folder = tmp_path_factory.mktemp("aarch64")
    (archive,) = built(folder / "dist", "standalone")
    assert archive.name == f"opskit-{opskit.__version__}-linux-aarch64.tar.xz"
    assert archive.stat().st_size <= PACKED
    shutil.unpack_archive(archive, folder, filter="data")
    return folder / archive.name.removesuffix(".tar.xz")


def run(tree: Path, *words: str | Path, name: str = "opskit") -> subprocess.CompletedProcess[str]:
    """Run opskit, or its python3, as a processor of that kind would."""
    if not shutil.which(QEMU) or not Path(LIBRARIES).exists():
        pytest.skip("no qemu-user-static, or no libc6-arm64-cross, is here to run it with")
    return say(QEMU, "-L", LIBRARIES, tree / "bin" / name, *words, env={"OPSKIT_CONFIG": "/dev/null"})


def test_every_file_is_of_that_machine_and_asks_for_glibc_2_17(tree: Path, agree: Agree) -> None:
    files = elf_files(tree)
    assert {path.name for path in files} == {"opskit", "python3", "_psutil_linux.abi3.so"}
    for path in files:
        assert "Machine:                           AArch64" in say("readelf", "--file-header", path).stdout
        asked = say("readelf", "--wide", "--version-info", path).stdout
        assert {tuple(map(int, text.split("."))) for text in re.findall(r"GLIBC_([0-9.]+)", asked)} == {(2, 17)}
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", say("readelf", "--wide", "--dynamic", path).stdout)
        assert {name for name in needed if not name.startswith("ld-linux-aarch64")} <= GLIBC
    size = sum(path.lstat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"unpacked {size}")
    assert size <= UNPACKED
    agree("aarch64: an ELF file that glibc 2.17 satisfies", len(files), len(files))


def test_it_runs(tree: Path, agree: Agree) -> None:
    """What it says is what opskit says here."""
    assert run(tree, "--version").stdout.startswith(f"opskit {opskit.__version__} (standalone aarch64")
    done = run(tree, "-c", HELP_OF_ALL, name="python3")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    agree("aarch64: the help of a command", sum(answer == [0, True] for answer in said.values()), len(said))
    assert run(tree, "completion", "bash").stdout == (ROOT / "completions/opskit.bash").read_text()
    line = ("disk", "mount", "/dev/vdb", "/data", "--facts", FACTS, "--json")
    here = say(Path(sys.executable).with_name("opskit"), *line, env={"OPSKIT_CONFIG": "/dev/null"})
    plans = [json.loads(done.stdout)["result"]["plan"]["fingerprint"] for done in (run(tree, *line), here)]
    assert plans[0] == plans[1]


@pytest.mark.more
def test_its_rpm_and_deb(tree: Path, tmp_path: Path, agree: Agree) -> None:
    """Both have the files of the standalone build, and say which machine they are for."""
    packed = {path.suffix: path for path in built(tmp_path / "dist", "rpm", "deb")}
    assert packed[".rpm"].name == f"opskit-{opskit.__version__}-1.aarch64.rpm"
    assert packed[".deb"].name == f"opskit_{opskit.__version__}-1_arm64.deb"
    assert max(path.stat().st_size for path in packed.values()) <= PACKED
    wanted = {str(path.relative_to(tree)): path.read_bytes() for name in ("bin", "lib")
              for path in (tree / name).rglob("*") if path.is_file()}  # fmt: skip
    for suffix, unpack in ((".rpm", "rpm2cpio $1 | cpio --quiet -id"), (".deb", "dpkg-deb -x $1 .")):
        root = tmp_path / suffix
        root.mkdir()
        subprocess.run(["sh", "-euc", unpack, "sh", packed[suffix]], cwd=root, check=True)
        library = root / "usr/libexec/opskit"
        same = [name for name, data in wanted.items() if (library / name).read_bytes() == data]
        agree(f"aarch64: a file of the {suffix[1:]}", len(same), len(wanted))
        assert run(library, "--version").stdout.startswith(f"opskit {opskit.__version__} (standalone aarch64")
    assert say("rpm", "-qp", "--qf", "%{ARCH}", packed[".rpm"]).stdout == "aarch64"
    requires = say("rpm", "-qp", "--requires", packed[".rpm"]).stdout.splitlines()
    names = {line.partition("(")[0] for line in requires}
    assert names - {"rpmlib", "rtld"} <= GLIBC
    assert not [line for line in requires if re.search(r"GLIBC_(?!2\.17\))", line)]
    assert say("dpkg-deb", "--field", packed[".deb"], "Architecture").stdout == "arm64\n"
