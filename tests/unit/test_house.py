"""The rules of the house, held over the syntax tree of every file of opskit.

cli → area → core and ui → core; an area never imports another area; typer, rich and subprocess each have their
place; no shell, no forced mkfs, no lazy unmount; files and functions stay short.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "opskit"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
# The modules on the top level, and what of opskit each may use: session and act are the road between a cli file
# and core, and know no area.
TOP = {
    "__init__": set(),
    "__main__": {"cli"},
    "cli": {"areas", "core", "options", "ui"},
    "areas": {"core"},
    "session": {"core", "ui"},
    "act": {"core", "ui", "session"},
    "options": {"areas", "core", "ui", "session"},
}
SHARED = {"core", "ui", "act", "session", "options", "areas"}
LINES_AT_MOST = 330
FUNCTION_AT_MOST = 45
ALLOWED_ON_TOP = {
    "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "opskit", "tests", "scripts", "completions",
    ".ci", ".git", ".gitignore",
}  # fmt: skip


def part_of(name: str) -> str:
    """The room a file belongs to: core, ui, an area, or its own name on the top level."""
    return name.split("/", maxsplit=1)[0].removesuffix(".py")


def is_cli(name: str) -> bool:
    """Whether this is a file that talks to the command line."""
    last = name.rsplit("/", 1)[-1]
    return last == "cli.py" or last.endswith("_cli.py") or name == "options.py"


def area_dirs() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()} - SHARED


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports, wherever in the file; `from opskit import x` as opskit.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parse(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text(encoding="utf-8"), name)


def rooms_used(name: str) -> set[str]:
    """The rooms of opskit that a file imports from."""
    found = set()
    for module in imports(parse(name)):
        words = module.split(".")
        if words[0] == "opskit" and len(words) > 1 and words[1] != "__version__":
            found.add(words[1])
    return found - {part_of(name)}


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string literal that is not a docstring."""
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def called(tree: ast.AST) -> Iterator[str]:
    """Every name that is called, as written: os.system, subprocess.run, print."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("name", NAMES)
def test_who_may_import_whom(name: str) -> None:
    room = part_of(name)
    if room == "core":
        allowed: set[str] = set()
    elif room == "ui":
        allowed = {"core"}
    elif room in area_dirs():
        allowed = SHARED if is_cli(name) else {"core"}
        # An area's own drawing: part of its cli, apart only for length.
        if name.endswith("/show.py") or name.rsplit("/", maxsplit=1)[-1].startswith("show_"):
            allowed = {"core", "ui", "session"}
        if name == "completion/cli.py":  # the tree of commands begins at the root
            allowed = SHARED | {"cli"}
    else:
        assert room in TOP, f"{name}: a new file on the top level of opskit needs a line in TOP"
        allowed = TOP[room]
    assert rooms_used(name) <= allowed


@pytest.mark.parametrize("name", [name for name in NAMES if part_of(name) == "core"])
def test_core_is_standard_library_only(name: str) -> None:
    standard = getattr(sys, "stdlib_module_names", None)
    if standard is None:
        pytest.skip("sys.stdlib_module_names is there from Python 3.10 on")
    outside = {module.split(".")[0] for module in imports(parse(name))} - set(standard) - {"opskit", "tomllib"}
    # The standard library reads TOML from Python 3.11 on; until then its backport does.
    assert outside <= {"tomli"}


@pytest.mark.parametrize("name", NAMES)
def test_typer_rich_and_subprocess_have_their_places(name: str) -> None:
    modules = {module.split(".")[0] for module in imports(parse(name))}
    if not (is_cli(name) or name == "cli.py"):
        assert not modules & {"typer", "click"}
    if part_of(name) != "ui":
        assert "rich" not in modules
    if name != "core/runner.py":
        assert not modules & {"subprocess", "pty", "multiprocessing", "pexpect"}


@pytest.mark.parametrize("name", NAMES)
def test_only_the_runner_starts_a_program_and_nobody_uses_a_shell(name: str) -> None:
    tree = parse(name)
    starts = re.compile(r"os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?|fork|forkpty)$")
    # Copies of this process, no programs: one asks what may never be answered, the others walk a tree together.
    if name in {"core/child.py", "usage/walk.py"}:
        starts = re.compile(r"os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?|forkpty)$")
    if name == "core/runner.py":  # it becomes what the user named behind `yum wait --`: os.execvp, and nothing else
        starts = re.compile(r"os\.(system|popen|exec(?!vp$)\w+|spawn\w+|posix_spawnp?|fork|forkpty)$")
    assert [call for call in called(tree) if starts.match(call)] == []
    shells = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False"
    ]
    assert shells == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_killed_but_by_the_runner(name: str) -> None:
    # The child's is its own copy; the ledger's is the hook for the tests of crashes.
    if name in {"core/runner.py", "core/child.py", "core/ledger.py"}:
        return
    tree = parse(name)
    assert not any(isinstance(node, ast.Attribute) and node.attr == "SIGKILL" for node in ast.walk(tree))
    assert not any(call.endswith((".kill", ".killpg")) for call in called(tree))


def argument_lists(tree: ast.AST) -> Iterator[set[str]]:
    """The literal strings of each tuple, list and call: what an argv is made of."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Tuple, ast.List, ast.Call)):
            items = node.args if isinstance(node, ast.Call) else node.elts
            yield {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}


@pytest.mark.parametrize("name", [name for name in NAMES if part_of(name) in area_dirs()])
def test_no_force_and_no_lazy_unmount(name: str) -> None:
    """A file that makes filesystems has no flag of force anywhere, not even apart from the program's name."""
    tree = parse(name)
    texts = set(strings(tree))
    assert not texts & {"--force", "--lazy"}
    if any(re.match(r"mkfs|mke2fs", text) for text in texts):
        assert not texts & {"-f", "-F", "-FF"}
    for words in argument_lists(tree):
        assert not ("umount" in words and words & {"-l", "-f", "-lf", "-fl"})
    assert not any(re.search(r"\bumount\b.*\s-(l|f)\b", text) for text in texts)


@pytest.mark.parametrize("name", NAMES)
def test_files_and_functions_are_short(name: str) -> None:
    text = (PACKAGE / name).read_text(encoding="utf-8")
    assert text.count("\n") <= LINES_AT_MOST
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # Without its signature: a command has a line for each of its options.
            length = (node.end_lineno or 0) - node.body[0].lineno + 1
            assert length <= FUNCTION_AT_MOST, f"{node.name} has {length} lines"


def test_no_file_on_the_top_level_that_the_design_does_not_have() -> None:
    ignored = set((ROOT / ".gitignore").read_text().split())
    found = {path.name + ("/" if path.is_dir() else "") for path in ROOT.iterdir()}
    kept = {name.rstrip("/") for name in found - ignored if not name.endswith(".egg-info/")}
    assert kept <= ALLOWED_ON_TOP
