"""The first moments of opskit: where it imports from, and signals before the command line is even read."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from checkout import ROOT
from opskit import __version__
from tiers import Agree, ranges

SCRIPT = Path(sys.executable).parent / "opskit"
# A module that says it was run; whose name it has it does not matter.
FOREIGN = "import os\nos.write(2, b'FOREIGN CODE: ' + __name__.encode() + b'\\n')\nraise ImportError(__name__)\n"


def names_in_use(code: str) -> set[str]:
    """The modules that are imported after this code, in an interpreter of its own."""
    argv = [sys.executable, "-I", "-c", f"import sys\n{code}\nprint(*sys.modules)"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a foreign module of each name that opskit imports, but what the interpreter and pip's script do."""
    folder = tmp_path_factory.mktemp("foreign")
    commands = "opskit.cli, opskit.act, opskit.disk.cli, opskit.memcached.cli"
    wanted = names_in_use(f"import {commands}, tempfile, json, uuid, rich.table")
    early = names_in_use("import re") | {"opskit", "usercustomize", "sitecustomize"}
    for name in wanted - early:
        (folder / f"{name}.py").write_text(FOREIGN)
    assert {"typer", "rich", "contextlib", "tempfile", "json", "signal"} <= {path.stem for path in folder.iterdir()}
    return folder


def started(*words: str) -> subprocess.CompletedProcess[str]:
    """opskit as its own process, which reads --needs before anything else is known."""
    return subprocess.run([sys.executable, "-m", "opskit", *words], capture_output=True, text=True, check=False)


def test_an_opskit_that_is_too_old_says_so_before_anything_is_done() -> None:
    done = started("--needs", "99.1", "disk", "mount", "/dev/none", "--json")
    body = json.loads(done.stdout)
    assert (done.returncode, body["command"], body["error"]["id"]) == (6, "opskit disk mount", "too-old")
    assert "99.1 or newer is needed" in body["error"]["why"]
    assert started("--needs", "99.1", "--version").returncode == 6
    for words in (("--needs", "99.1"), ("--needs=99.1",)):
        done = started(*words, "disk", "list")
        told = f"opskit: --needs 99.1: this is opskit {__version__}, and 99.1 or newer is needed\n"
        assert (done.returncode, done.stdout, done.stderr.startswith(told)) == (6, "", True), done
    # Also where the command, or an option, is of a release that is not this one.
    assert started("--needs", "99.1", "no-such-command", "--no-such-option").returncode == 6


def test_an_opskit_that_fits_does_as_without_the_question() -> None:
    assert started("--needs", "0.1.9", "--version").stdout == started("--version").stdout != ""
    several = (("--needs", __version__), (f"--needs={__version__}",), ())
    asked, joined, plain = (started(*words, "findings", "busy", "--json") for words in several)
    assert (asked.returncode, asked.stdout, joined.stdout) == (0, plain.stdout, plain.stdout)


@pytest.mark.parametrize(
    "words",
    [
        ("--needs", "new", "disk", "list"),
        ("--needs", "", "disk", "list"),
        ("--needs=", "--version"),
        ("--needs", "9" * 5000, "--version"),
        ("--needs",),
    ],
    ids=("a word", "nothing", "nothing, joined", "more digits than Python reads", "alone"),
)
def test_what_is_no_release_is_a_wrong_use(words: tuple[str, ...]) -> None:
    done = started(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--needs" in done.stderr


@pytest.mark.parametrize("how", ["PYTHONPATH", "PYTHONPATH with more", "directory", "user"])
@pytest.mark.parametrize("command", ["--version", "history", "disk mount /dev/none /x --dry-run"])
def test_no_foreign_module_is_imported(foreign: Path, tmp_path: Path, how: str, command: str) -> None:
    if not SCRIPT.exists():
        pytest.skip("opskit is not installed")
    environment = {**os.environ, "OPSKIT_STATE_DIR": str(tmp_path / "state")}
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if how == "user":
        base = tmp_path / "home" / "lib" / version
        base.mkdir(parents=True)
        (base / "site-packages").symlink_to(foreign)
        environment["PYTHONUSERBASE"] = str(tmp_path / "home")
    elif how != "directory":
        environment["PYTHONPATH"] = f"{foreign}{'::/usr/lib' if 'more' in how else ''}"
    cwd = foreign if how == "directory" else tmp_path
    done = subprocess.run(
        [str(SCRIPT), *command.split()], capture_output=True, text=True, check=False, env=environment, cwd=cwd
    )
    assert "FOREIGN" not in done.stderr, done.stderr
    assert done.returncode == (2 if "none" in command else 0), done


# Sends itself a signal in the moment when a module is imported.
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
class Finder:
    def find_spec(self, name, *rest):
        if name == "typer":
            os.kill(os.getpid(), {{number}})
import opskit.__main__
sys.meta_path.insert(0, Finder())
sys.argv = ["opskit", "df"]
opskit.__main__.run()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_modules_are_imported(number: signal.Signals) -> None:
    program = PROGRAM.format(number=int(number))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "opskit: interrupted\n")


ONE_LINE = re.compile(r"opskit: interrupted.*\n(?:  .*\n)*")


@pytest.mark.parametrize("numbers", ranges(4, 24, 300, 4))
def test_a_signal_at_any_moment_is_told_in_one_line(numbers: range, tmp_path: Path, agree: Agree) -> None:
    """The moment is told by what opskit has read so far: it is stopped at the Nth file that it opens."""
    if not SCRIPT.exists():
        pytest.skip("opskit is not installed")
    plain = 0
    for number in numbers:
        which = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[number % 3]
        done = at_opened_file(number * 37 % 400 + 1, which, tmp_path)
        ended = done.returncode == 128 + which and ONE_LINE.fullmatch(done.stderr) is not None
        good = ended or (done.returncode, done.stderr) == (0, "")  # it was ready before it had opened so many files
        plain += good
        assert good, (number, which, done)
    agree("signals at a random moment of the start, told in one line", plain, len(numbers))


def at_opened_file(count: int, number: signal.Signals, folder: Path) -> subprocess.CompletedProcess[str]:
    """`opskit history`, with a signal at the file that it opens after so many others (from its own first on)."""
    program = f"""
import os, runpy, sys
left = [{count}]
def hook(event, arguments):
    if event == "open":
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), {int(number)})
import opskit.__main__
sys.argv = ["opskit", "history"]
sys.addaudithook(hook)
opskit.__main__.run()
"""
    environment = {**os.environ, "OPSKIT_STATE_DIR": str(folder / "state")}
    return subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False, env=environment, timeout=300
    )


# Runs a command as the program does, and tells by its end which modules it has imported.
COUNTED = """
import os, sys
import opskit.__main__
def end(code, real=os._exit):
    os.write(2, " ".join(["MODULES", *sys.modules]).encode())
    real(code)
os._exit = end
opskit.__main__.run()
end(0)
"""


@pytest.mark.parametrize(
    ("words", "most"),
    [("--version", 4), ("--help", 21), ("du --bytes EMPTY", 45), ("disk list", 62), ("disk mount --help", 60)],
)
def test_a_command_imports_what_it_needs(words: str, most: int, tmp_path: Path) -> None:
    """So many modules of opskit at most, and none of the libraries that draw or look at hardware. More is slower."""
    argv = [sys.executable, "-I", "-c", COUNTED, *words.replace("EMPTY", str(tmp_path)).split()]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80"})
    modules = done.stderr.rpartition("MODULES ")[2].split()
    assert len(modules) > 30, done.stderr
    own = [name for name in modules if name.partition(".")[0] == "opskit"]
    assert len(own) <= most, own
    assert {"rich", "psutil", "pyudev", "pymemcache", "asyncio"}.isdisjoint(modules)
