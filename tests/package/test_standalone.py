"""The standalone build: any Linux with glibc 2.17 runs it, wherever it lies; nothing of the host has a say in it."""

from __future__ import annotations

import ast
import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import opskit
from checkout import ROOT
from package.built import HELP_OF_ALL, IMPORT_ALL, say
from tiers import Agree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
# What glibc 2.17 itself is made of.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "libutil.so.1", "librt.so.1"}
# What opskit imports of others.
BUNDLED = {"psutil", "pymemcache", "pyudev", "rich", "typer"}
UNPACKED, PACKED = 45_000_000, 10_000_000
# $1: a folder that becomes the root; the rest is run in it.
ENTER = 'set -eu; root=$1; shift; mount -t proc proc "$root/proc"; exec chroot "$root" "$@"'


def minimal_root(root: Path) -> None:
    """Make a root with glibc and busybox alone."""
    for name in ("bin", "lib64", "proc", "dev", "opt", "lib/x86_64-linux-gnu", "etc"):
        (root / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for name in ("sh", "tar", "xz", "env"):
        (root / "bin" / name).symlink_to("busybox")
    shutil.copy("/lib64/ld-linux-x86-64.so.2", root / "lib64")
    for name in GLIBC:
        shutil.copy(Path("/lib/x86_64-linux-gnu") / name, root / "lib/x86_64-linux-gnu")


def elf_files(tree: Path) -> list[Path]:
    return [path for path in sorted(tree.rglob("*")) if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


def test_no_file_asks_for_more_than_glibc_2_17(standalone: Path, agree: Agree) -> None:
    files = elf_files(standalone)
    assert {path.name for path in files} == {"opskit", "python3", "_psutil_linux.abi3.so"}
    for path in files:
        asked = say("readelf", "--wide", "--version-info", path).stdout
        releases = [tuple(map(int, text.split("."))) for text in re.findall(r"GLIBC_([0-9.]+)", asked)]
        assert releases
        assert max(releases) <= (2, 17)
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", say("readelf", "--wide", "--dynamic", path).stdout)
        assert {name for name in needed if not name.startswith("ld-linux")} <= GLIBC
        assert not re.search(r"R(UN)?PATH", say("readelf", "--wide", "--dynamic", path).stdout)
    agree("standalone: an ELF file that glibc 2.17 satisfies", len(files), len(files))


def test_its_size(of_a_machine: dict[str, Path], standalone: Path) -> None:
    size = sum(path.lstat().st_size for path in standalone.rglob("*") if path.is_file() and not path.is_symlink())
    packed = {name: path.stat().st_size for name, path in of_a_machine.items()}
    print(f"unpacked {size}, packed {packed}")
    assert size <= UNPACKED
    assert max(packed.values()) <= PACKED


def test_only_the_program_may_be_run(standalone: Path) -> None:
    files = [path for path in standalone.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if path.stat().st_mode & 0o111] == [standalone / "bin/opskit"]
    assert [path for path in files if path.stat().st_mode & 0o022] == []
    assert list(standalone.rglob(".*")) == []


def test_every_command_and_every_module(standalone: Path, agree: Agree) -> None:
    done = say(standalone / "bin/python3", "-c", HELP_OF_ALL)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    agree("standalone: the help of a command", sum(answer == [0, True] for answer in said.values()), len(said))
    done = say(standalone / "bin/python3", "-c", IMPORT_ALL)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_whatever_opskit_imports_of_libraries_is_there(standalone: Path, agree: Agree) -> None:
    """Also what is imported within a function, and not before it is needed; of Python's library and the others."""
    names: set[str] = set()
    for path in (ROOT / "opskit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    there = sys.stdlib_module_names | BUNDLED
    wanted = sorted(name for name in names if name.split(".", 1)[0] in there)
    code = f"""
import importlib
for name in {wanted!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""
    missing = say(standalone / "bin/python3", "-c", code).stdout.splitlines()
    # opskit du --browse says so.
    missing = [line for line in missing if not line.startswith("curses ")]
    print(missing)
    agree("standalone: a module of a library", len(wanted) - len(missing), len(wanted))


def test_what_opskit_calls_is_in_the_os_of_this_python(standalone: Path) -> None:
    """Built against glibc 2.17, it has no memfd_create, copy_file_range, close_range."""
    names: set[str] = set()
    for path in (ROOT / "opskit").rglob("*.py"):
        names |= set(re.findall(r"\bos\.([A-Za-z_]\w*)", path.read_text()))
    code = f"import os; print([name for name in {sorted(names)!r} if not hasattr(os, name)])"
    assert say(standalone / "bin/python3", "-c", code).stdout == "[]\n"


def test_everything_is_compiled(standalone: Path) -> None:
    code = """
import importlib.util, pathlib, sys
for path in sorted(pathlib.Path(sys.prefix, "lib").rglob("*.py")):
    cached = pathlib.Path(importlib.util.cache_from_source(path))
    if not cached.exists() or cached.read_bytes()[:8] != importlib.util.MAGIC_NUMBER + bytes([1, 0, 0, 0]):
        print(path)
"""
    done = say(standalone / "bin/python3", "-c", code)
    # Templates of Python's own library that are no modules.
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="another root is entered")
def test_a_root_with_glibc_and_busybox_alone(of_a_machine: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / "root"
    minimal_root(root)
    archive = of_a_machine[".xz"]
    shutil.copy(archive, root / "opt")

    def inside(*words: str) -> subprocess.CompletedProcess[str]:
        return say("unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", root, *words)

    done = inside("/bin/tar", "-xJf", f"/opt/{archive.name}", "-C", "/opt")
    assert done.returncode == 0, done.stderr
    program = f"/opt/{archive.name.removesuffix('.tar.xz')}/bin/opskit"
    assert inside(program, "--version").stdout.startswith(f"opskit {opskit.__version__} (standalone x86_64")
    for words in (["disk", "list"], ["df"], ["du", "/opt"], ["memcached", "status"], ["history"], ["doctor"]):
        done = inside(program, *words, "--json")
        said = json.loads(done.stdout)
        assert said["ok"] or said["error"]["id"] == "missing", said
    done = inside(program, "journal", "usage")
    assert done.returncode in {0, 6}, done.stderr
    assert "Traceback" not in done.stderr


def test_it_can_be_moved_and_nothing_of_the_host_has_a_say(standalone: Path, tmp_path: Path) -> None:
    moved = tmp_path / "ein Ort mit ü"
    shutil.copytree(standalone, moved, symlinks=True)
    link = tmp_path / "opskit"
    link.symlink_to(moved / "bin/opskit")
    poison = tmp_path / "poison"
    poison.mkdir()
    for name in ("typing.py", "rich.py", "encodings.py", "sitecustomize.py", "opskit.py"):
        (poison / name).write_text("raise SystemExit('imported')")
    environment = {
        "PYTHONHOME": str(poison), "PYTHONPATH": str(poison), "PYTHONSTARTUP": str(poison / "rich.py"),
        "PYTHONINSPECT": "1", "OPSKIT_CONFIG": "/dev/null", "HOME": str(poison),
    }  # fmt: skip
    before = sorted(path for path in moved.rglob("*"))
    for locale in ("C", "C.UTF-8", "en_US.ISO-8859-1"):
        for program in (moved / "bin/opskit", link):
            done = say(program, "df", "--json", cwd=poison, env={**environment, "LC_ALL": locale})
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["ok"] is True
            assert done.stderr == ""
    assert sorted(path for path in moved.rglob("*")) == before
    done = say(moved / "bin/python3", "-c", "import sys; print(sys.path)", cwd=poison, env=environment)
    assert done.stdout == f"{[str(moved / 'lib/python3.13'), str(moved / 'lib/packages')]!r}\n"


def test_codes_reach_the_caller(standalone: Path) -> None:
    assert say(standalone / "bin/opskit", "--no-such-option").returncode == 2
    assert say(standalone / "bin/opskit").returncode == 2
    done = say(standalone / "bin/opskit", "du", "--browse", "/")
    assert (done.returncode, done.stderr.count("\n")) == (6, 2)
    assert "curses" in done.stderr


def test_it_trusts_whom_this_host_trusts(standalone: Path) -> None:
    code = "from opskit.core.log_handlers import tls_context; print(len(tls_context().get_ca_certs()))"
    if not Path("/etc/ssl/certs/ca-certificates.crt").exists():
        pytest.skip("this host has no certificates")
    assert int(say(standalone / "bin/python3", "-c", code).stdout) > 10


def cpu_seconds(argv: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("line", [["--version"], ["disk", "list"], ["--help"]], ids=" ".join)
def test_it_starts_as_fast_as_a_venv(standalone: Path, line: list[str]) -> None:
    """The least processor time of each in turns: what else runs on the machine takes no part in it."""
    programs = (str(standalone / "bin/opskit"), str(Path(sys.executable).with_name("opskit")))
    least = [min(times) for times in zip(*[[cpu_seconds([path, *line]) for path in programs] for _ in range(15)])]
    print(f"{line}: {least[0]:.3f} s, a venv {least[1]:.3f} s: {least[0] / least[1]:.2f}")
    assert least[0] <= 1.2 * least[1]
