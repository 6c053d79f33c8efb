"""The wheel, the sdist and the zipapp as scripts/package builds them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import opskit
from checkout import ROOT
from package.built import HELP_OF_ALL, IMPORT_ALL, build, say
from tiers import Agree

PYTHONS = sorted({sys.executable, str(ROOT / ".cache/oldest/bin/python")})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("dist")
    return {path.suffix: path for path in build(out, "wheel", "sdist", "zipapp")}


@pytest.fixture
def zipapp(built: dict[str, Path]) -> Path:
    return built[".pyz"]


@pytest.fixture(params=PYTHONS)
def python(request: pytest.FixtureRequest) -> str:
    if not os.path.exists(request.param):
        pytest.skip(f"{request.param} is made by scripts/test without arguments")
    return str(request.param)


def test_the_sums_are_those_of_the_files(built: dict[str, Path]) -> None:
    folder = built[".whl"].parent
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    assert {line.split("  ")[1] for line in lines} == {path.name for path in built.values()}
    done = say("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder)
    assert done.returncode == 0, done.stdout


def test_the_same_bytes_twice(built: dict[str, Path], tmp_path: Path) -> None:
    again = build(tmp_path, "wheel", "sdist", "zipapp")
    sums = [{path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
            for paths in (built.values(), again)]  # fmt: skip
    assert sums[0] == sums[1]


def test_the_sdist_has_all_that_a_wheel_is_built_of(built: dict[str, Path], tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", built[".gz"], "-C", tmp_path], check=True)
    (folder,) = tmp_path.iterdir()
    with zipfile.ZipFile(built[".whl"]) as wheel:
        modules = [name for name in wheel.namelist() if name.startswith("opskit/")]
    assert [name for name in modules if not (folder / name).exists()] == []
    for name in ("setup.py", "scripts/packaging/backend/opskit_backend.py", "completions/man/opskit.1", "LICENSE"):
        assert (folder / name).exists()


def test_the_zipapp_has_the_help_of_every_command(zipapp: Path, python: str, agree: Agree) -> None:
    code = f"import sys; sys.path.insert(0, {str(zipapp)!r})\n"
    done = say(python, "-I", "-S", "-c", code + HELP_OF_ALL)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    agree("zipapp: the help of a command", sum(answer == [0, True] for answer in said.values()), len(said))
    assert len(said) > 40
    done = say(python, "-I", "-S", "-c", code + IMPORT_ALL)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["disk", "list", "--json"], 0),
        (["df", "--json"], 0),
        (["du", "--json", "."], 0),
        (["journal", "usage", "--json"], None),
        (["memcached", "status", "--json"], None),
        (["yum", "lock", "--json"], None),
        (["doctor", "--json"], None),
        (["history", "--json"], 0),
    ],
)
def test_the_zipapp_answers_as_the_wheel_does(zipapp: Path, tmp_path: Path, line: list[str], code: int | None) -> None:
    (tmp_path / "file").write_text("x" * 5000)
    options = {"env": {"OPSKIT_STATE_DIR": str(tmp_path / "state"), "OPSKIT_CONFIG": "/dev/null"}, "cwd": tmp_path}
    ours = say(sys.executable, zipapp, *line, **options)
    theirs = say(Path(sys.executable).with_name("opskit"), *line, **options)
    assert ours.returncode == theirs.returncode, ours.stderr
    assert code is None or ours.returncode == code
    assert json.loads(ours.stdout)["result"].keys() == json.loads(theirs.stdout)["result"].keys()


def test_the_zipapp_reads_processes_without_the_compiled_module(zipapp: Path, python: str) -> None:
    """psutil as opskit asks it, against /proc and the name of this user."""
    code = f"""
import sys; sys.path.insert(0, {str(zipapp)!r})
import json, os, psutil
own = next(process for process in psutil.process_iter(["name"]) if process.pid == os.getpid())
with own.oneshot():
    print(json.dumps([psutil.__file__, own.cmdline(), own.username(), own.uids().real, own.memory_info().rss > 0,
                      own.create_time() > 1e9, own.name()]))
"""
    done = say(python, "-I", "-S", "-c", code)
    assert done.returncode == 0, done.stderr
    place, words, user, number, *rest = json.loads(done.stdout)
    assert place.startswith(str(zipapp))
    assert (words[0], words[-1]) == (python, code)
    user_name = subprocess.check_output(["id", "-un"], text=True).strip()
    assert (user, number, rest[:2]) == (user_name, os.getuid(), [True, True])


def test_the_zipapp_says_what_it_is_and_is_moved(zipapp: Path, tmp_path: Path) -> None:
    moved = tmp_path / "ein Ort mit ü"
    moved.mkdir()
    shutil.copy(zipapp, moved / "opskit")
    done = say(sys.executable, "opskit", "--version", cwd=moved)
    assert done.stdout.startswith(f"opskit {opskit.__version__} (zipapp"), done.stderr
    # What lies beside it is not imported.
    (moved / "typing.py").write_text("raise SystemExit('typing of the folder')")
    done = say(sys.executable, "opskit", "df", "--json", cwd=moved, env={"OPSKIT_CONFIG": "/dev/null"})
    assert done.returncode == 0, done.stderr


def test_a_timer_starts_the_zipapp_by_this_python(zipapp: Path) -> None:
    code = f"""
import sys; sys.path.insert(0, {str(zipapp)!r})
from opskit.status.see import timer
print(timer._program())
"""
    done = say(sys.executable, "-I", "-c", code)
    assert done.stdout.strip() == str((sys.executable, "-I", str(zipapp)))


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path) -> None:
    code = f"""
import os, sys
sys.version_info = (3, 6, 8)
os.access = lambda *_: False
__file__ = "/x/opskit.pyz/__main__.py"
exec(open({str(ROOT / "scripts/packaging/zipapp_main.py")!r}).read())
"""
    done = say(sys.executable, "-I", "-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("opskit: ")
    assert "is 3.6, and opskit needs Python 3.9 or newer" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_index_would_take_the_metadata(built: dict[str, Path], tmp_path: Path) -> None:
    tool = tmp_path / "twine"
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--target", tool, "twine"],
        check=True,
    )
    done = say(
        sys.executable, "-m", "twine", "check", "--strict", built[".whl"], built[".gz"], env={"PYTHONPATH": str(tool)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2
