"""The rules of the house, held over the syntax tree of every file of opskit.

A path says what a module may do. A component is a folder or a file of that name, anywhere below an area:

  see      looks at the host, and changes nothing
  steps    acts: the steps of a plan, and what only they use
  cli      commands: the only place for typer, beside opskit/options.py and opskit/commands.py
  show     draws
  drive    of fleet alone: starts ansible-playbook, and keeps the state of a run
  (else)   decides: a pure function of facts. No host, no clock, no random; of the steps it takes the classes alone.

cli → area → core and ui → core; an area never imports another area; rich and the start of programs have their place.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists())
PACKAGE = ROOT / "opskit"
EVERY_NAME = [str(path.relative_to(PACKAGE)) for path in sorted(PACKAGE.rglob("*.py"))]
# What Ansible runs on a control node, where there need be no opskit: another program, by Ansible's rules.
COLLECTION = [name for name in EVERY_NAME if name.startswith("fleet/collection/")]
NAMES = [name for name in EVERY_NAME if name not in COLLECTION]
# The modules on the top level, and what of opskit each may use: session and act are the road between a cli file
# and core, and know no area.
TOP = {
    "__init__": set(),
    "__main__": {"cli", "core"},
    "cli": {"areas", "commands", "core", "ui"},
    "areas": {"core"},
    "session": {"core", "ui"},
    "act": {"core", "ui", "session"},
    "commands": {"areas", "core", "ui"},
    "options": {"areas", "commands", "core", "ui", "session"},
}
WITH_TYPER = {"options.py", "commands.py", "cli.py"}
SHARED = {"core", "ui", "act", "session", "commands", "options", "areas"}
ROLES = ("cli", "show", "steps", "see", "drive")
LINES_AT_MOST = 500
FUNCTION_AT_MOST = 45
ALLOWED_ON_TOP = {
    "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "opskit", "tests", "scripts", "completions",
    ".ci", ".git", ".github", ".gitignore", ".pre-commit-config.yaml",
}  # fmt: skip
# What asks the host, the clock or chance: by the module, and by the call.
HOST_MODULES = {
    "psutil", "pyudev", "pymemcache", "ctypes", "fcntl", "socket", "select", "subprocess", "mmap", "tempfile",
}  # fmt: skip
HOST_CALLS = re.compile(
    r"open|os\.(open|stat|lstat|fstat|statvfs|listdir|scandir|readlink|walk|access|listxattr|getxattr|uname|sysconf"
    r"|geteuid|getuid|getpid|getenv|environ\.get|cpu_count|sched_getaffinity|path\.(exists|lexists|is\w+|real\w+|get\w+"
    r"|samefile))|os\.(mkdir|makedirs|unlink|rename|replace|rmdir)|glob\.i?glob|shutil\.\w+|time\.(time|monotonic|sleep)"
    r"|datetime\.(now|today|utcnow)|uuid\.uuid[14]|random\.\w+|secrets\.\w+"
)


def module_of(name: str) -> str:
    """`disk/see/udev.py` → `opskit.disk.see.udev`; of a package its own name."""
    return ".".join(("opskit", *name.removesuffix(".py").split("/"))).removesuffix(".__init__")


NAME_OF = {module_of(name): name for name in NAMES}


def part_of(name: str) -> str:
    """The room a file belongs to: core, ui, an area, or its own name on the top level."""
    return name.split("/", maxsplit=1)[0].removesuffix(".py")


def area_dirs() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()} - SHARED


AREAS = area_dirs()


def role(name: str) -> str:
    """What a file of an area may do, by the folders and the file of that name; "" for deciding."""
    components = name.removesuffix(".py").split("/")[1:]
    return next((role for role in ROLES if role in components), "")


@functools.cache
def parse(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text(encoding="utf-8"), name)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module a file imports, wherever in the file; `from opskit import x` as opskit.x."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class _WithoutTyping(ast.NodeTransformer):
    """The tree without `if TYPE_CHECKING:`, which no run enters."""

    def visit_If(self, node: ast.If) -> ast.AST:
        return ast.Pass() if ast.unparse(node.test) == "TYPE_CHECKING" else self.generic_visit(node)


@functools.cache
def imports_of(name: str) -> frozenset[str]:
    """Every module a file imports, for its types only too."""
    return frozenset(imports(parse(name)))


@functools.cache
def at_run_time(name: str) -> frozenset[str]:
    """The modules a file imports when it runs."""
    tree = _WithoutTyping().visit(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
    return frozenset(imports(tree))


def rooms_used(name: str) -> set[str]:
    """The rooms of opskit that a file imports from."""
    modules = (module.split(".") for module in imports_of(name))
    rooms = {words[1] for words in modules if words[0] == "opskit" and len(words) > 1 and words[1] != "__version__"}
    return rooms - {part_of(name)}


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


def none(faults: list[str]) -> None:
    """Fail with every line of faults, if there is one."""
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def allowed_rooms(name: str) -> set[str]:
    room = part_of(name)
    if room == "core":
        return set()
    if room == "ui":
        return {"core"}
    if room not in AREAS:
        assert room in TOP, f"{name}: a new file on the top level of opskit needs a line in TOP"
        return TOP[room]
    if role(name) == "cli":
        # The completion's tree of commands begins at the root, and so do the tables that doctor looks at.
        return SHARED | ({"cli"} if room in {"completion", "doctor"} else set())
    return {"core", "ui", "session"} if role(name) == "show" else {"core"}


def test_who_may_import_whom() -> None:
    none([f"{name} imports {rooms_used(name) - allowed}" for name in NAMES
          if not rooms_used(name) <= (allowed := allowed_rooms(name))])  # fmt: skip


def test_the_collection_and_opskit_import_nothing_of_each_other() -> None:
    """Who has the collection's tarball has no opskit; and opskit starts ansible-playbook, wherever that is."""
    foreign = {"opskit", "typer", "click", "rich", "psutil", "pyudev", "pymemcache"}
    assert COLLECTION
    none([f"{name} imports {m}" for name in COLLECTION for m in imports_of(name) if m.split(".")[0] in foreign]
         + [f"{name} imports {m}" for name in NAMES for m in imports_of(name)
            if m.split(".")[0] in {"ansible", "ansible_collections", "ansible_runner"}])  # fmt: skip


def test_no_circle() -> None:
    """No module imports, at its top, one that imports it."""
    graph = {module: top_imports(name) & set(NAME_OF) for module, name in NAME_OF.items()}
    state: dict[str, int] = {}
    circles: list[str] = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        state[module] = 1
        for other in sorted(graph[module] - {module}):
            if state.get(other) == 1:
                circles.append(" → ".join((*path[path.index(other) :], other)))
            elif other not in state:
                visit(other, (*path, other))
        state[module] = 2

    for module in graph:
        if module not in state:
            visit(module, (module,))
    none(circles)


def top_imports(name: str) -> set[str]:
    """The modules imported at the top of a file; a function's own imports make no circle."""
    modules = set()
    for node in parse(name).body:
        if isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from package import module` needs the module; `from module import name` the module itself.
            modules |= (inner & set(NAME_OF)) or {node.module or ""}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
    return modules


def test_typer_rich_and_subprocess_have_their_places() -> None:
    faults = []
    for name in NAMES:
        modules = {module.split(".")[0] for module in imports_of(name)}
        if modules & {"typer", "click"} and not (role(name) == "cli" or name in WITH_TYPER):
            faults.append(f"{name} imports typer")
        if "rich" in modules and part_of(name) != "ui":
            faults.append(f"{name} imports rich")
        if modules & {"subprocess", "pty", "multiprocessing", "pexpect"} and name != "core/runner.py":
            faults.append(f"{name} imports what starts programs")
        standard = getattr(sys, "stdlib_module_names", None)  # from Python 3.10 on
        # The standard library reads TOML from Python 3.11 on; until then its backport does.
        if part_of(name) == "core" and standard and modules - set(standard) - {"opskit", "tomllib", "tomli"}:
            faults.append(f"{name}: core is standard library only")
    none(faults)


def test_only_the_runner_starts_a_program_and_nobody_uses_a_shell() -> None:
    starts = r"os\.(system|popen|exec\w+|spawn\w+|posix_spawnp?|fork|forkpty)$"
    but = {
        # Copies of this process, no programs: one asks what may never be answered, the other walks a tree together.
        "core/child.py": r"os\.fork$",
        "usage/du/see/walk.py": r"os\.fork$",
        # It becomes what the user named behind `yum wait --`.
        "core/runner.py": r"os\.execvp$",
    }
    faults = [
        f"{name} calls {call}"
        for name in NAMES
        for call in called(parse(name))
        if re.match(starts, call) and not re.match(but.get(name, r"\b\B"), call)
    ]
    faults += [
        f"{name}:{node.value.lineno} uses a shell"
        for name in NAMES
        for node in ast.walk(parse(name))
        if isinstance(node, ast.keyword) and node.arg == "shell" and ast.unparse(node.value) != "False"
    ]
    none(faults)


def test_nothing_is_killed_but_by_the_runner() -> None:
    # The child's is its own copy; the ledger's is the hook for the tests of crashes.
    faults = []
    for name in set(NAMES) - {"core/runner.py", "core/child.py", "core/ledger.py"}:
        tree = parse(name)
        if any(isinstance(node, ast.Attribute) and node.attr == "SIGKILL" for node in ast.walk(tree)):
            faults.append(f"{name} names SIGKILL")
        faults += [f"{name} calls {call}" for call in called(tree) if call.endswith((".kill", ".killpg"))]
    none(faults)


def test_who_has_waited_for_an_answer_looks_whether_opskit_is_still_the_same() -> None:
    faults = []
    for name in NAMES:
        for node in ast.walk(parse(name)):
            calls = set(called(node)) if isinstance(node, ast.FunctionDef) else set()
            if "confirm" in calls and "check_build" not in calls:
                faults.append(f"{name}: {node.name} asks, and then does not call check_build()")
    none(faults)


def argument_lists(tree: ast.AST) -> Iterator[set[str]]:
    """The literal strings of each tuple, list and call: what an argv is made of."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Tuple, ast.List, ast.Call)):
            items = node.args if isinstance(node, ast.Call) else node.elts
            yield {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}


def test_what_a_step_imports_late_is_loaded_before_the_question() -> None:
    """Step.late_modules names it: while an answer is waited for, opskit may be upgraded or removed."""
    faults = []
    for name in (name for name in NAMES if {"steps", "steps.py"} & set(name.split("/"))):
        functions = [node for node in ast.walk(parse(name)) if isinstance(node, ast.FunctionDef)]
        late = {node.module for each in functions for node in ast.walk(each) if isinstance(node, ast.ImportFrom)}
        named = {text for each in functions if each.name == "late_modules" for text in strings(each)}
        faults += [
            f"{name}: {module}" for module in late if module and module.startswith("opskit.") and module not in named
        ]
    none(faults)


def test_no_force_and_no_lazy_unmount() -> None:
    """A file that makes filesystems has no flag of force anywhere, not even apart from the program's name."""
    faults = []
    for name in (name for name in NAMES if part_of(name) in AREAS):
        texts = set(strings(parse(name)))
        makes = any(re.match(r"mkfs|mke2fs", text) for text in texts)
        if texts & {"--force", "--lazy"} or (makes and texts & {"-f", "-F", "-FF"}):
            faults.append(f"{name} has a flag of force")
        lists = argument_lists(parse(name))
        if any("umount" in words and words & {"-l", "-f", "-lf", "-fl"} for words in lists) or any(
            re.search(r"\bumount\b.*\s-(l|f)\b", text) for text in texts
        ):
            faults.append(f"{name} unmounts lazily or by force")
    none(faults)


def touching(name: str) -> set[str]:
    """The functions and classes at the top of a file that ask the host, the clock or chance, themselves or through
    one another.
    """
    bodies = {
        node.name: node
        for node in parse(name).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    touch = {
        key
        for key, node in bodies.items()
        if any(HOST_CALLS.fullmatch(call) for call in called(node))
        or {module.split(".")[0] for module in imports(node)} & HOST_MODULES
    }
    while True:
        more = {
            key
            for key, node in bodies.items()
            if key not in touch and any(isinstance(n, ast.Name) and n.id in touch for n in ast.walk(node))
        }
        if not more:
            return touch
        touch |= more


def decides(name: str) -> bool:
    return part_of(name) in AREAS - {"history", "completion", "findings"} and not role(name)


def reached(name: str) -> set[str]:
    """The modules of opskit that a deciding file comes to by its imports; what a step imports is the step's."""
    behind: set[str] = set()
    heads = [module_of(name)]
    while heads:
        module = heads.pop()
        for other in sorted(at_run_time(NAME_OF[module]) & set(NAME_OF) - behind):
            behind.add(other)
            if role(NAME_OF[other]) != "steps" or part_of(NAME_OF[other]) == "core":
                heads.append(other)
    return behind


def test_deciding_does_not_see() -> None:
    """A deciding file asks nothing itself, takes no function of core that does, and comes to no file that looks."""
    readers = {f"opskit.core.{Path(n).stem}.{item}" for n in NAMES if part_of(n) == "core" for item in touching(n)}
    faults = []
    for name in filter(decides, NAMES):
        tree = parse(name)
        faults += [f"{name} calls {call}" for call in called(tree) if HOST_CALLS.fullmatch(call)]
        faults += [f"{name} imports {m}" for m in imports_of(name) if m.split(".")[0] in HOST_MODULES or m in readers]
        # Also as a type only: who is given a runner can ask the host.
        faults += [f"{name} imports {m}" for m in imports_of(name) if m in {"opskit.core.runner", "opskit.core.child"}]
        for other in sorted(reached(name)):
            if role(NAME_OF[other]) == "see" and part_of(NAME_OF[other]) in AREAS:
                faults.append(f"{name} comes to {NAME_OF[other]}")
            if part_of(NAME_OF[other]) in AREAS and role(NAME_OF[other]) in {"cli", "show"}:
                faults.append(f"{name} comes to {NAME_OF[other]}")
            if other in {"opskit.core.runner", "opskit.core.child", "opskit.core.procfs"}:
                faults.append(f"{name} comes to {other}")
    none(sorted(set(faults)))


def test_files_and_functions_are_short() -> None:
    faults = []
    for name in NAMES:
        text = (PACKAGE / name).read_text(encoding="utf-8")
        if text.count("\n") > LINES_AT_MOST:
            faults.append(f"{name} has {text.count(chr(10))} lines")
        for node in ast.walk(parse(name)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                # Without its signature: a command has a line for each of its options.
                length = (node.end_lineno or 0) - node.body[0].lineno + 1
                if length > FUNCTION_AT_MOST:
                    faults.append(f"{name}: {node.name} has {length} lines")
    none(faults)


# The commands whose answer depends on --state-dir or --fstab.
STATEFUL = re.compile(
    r"\bopskit (disk|history|undo|journal (vacuum|retain)|memcached (start|stop)|yum (unlock|why --hold)|du --keep"
    r"|service ensure)\b"
)


def shown_to_nobody_as_a_hint(tree: ast.AST) -> Iterator[str]:
    """Examples, the name of what failed, and what a file that opskit writes says of its origin."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "example":
            yield from strings(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"UsageFault", "Failed"}:
            yield from strings(node.args[0])
    yield from (text for text in strings(tree) if text.startswith(("Example: ", "# Written by opskit ")))


# A noun of several behind a number, with a word before it or without: ` files`, ` damaged files`.
COUNTED = re.compile(r" (?!of )(?:[a-z]+ )?[a-z]{3,}s\b")


def test_a_hint_carries_what_its_command_needs() -> None:
    """`opskit disk umount /data`, pasted, would take the entry out of another fstab than this command was given."""
    faults = []
    for name in (name for name in NAMES if part_of(name) != "completion"):
        if name.endswith("/findings_zh.py"):  # what an id means to all, beside the hint of the finding itself
            continue
        tree = parse(name)
        hints = set(strings(tree)) - set(shown_to_nobody_as_a_hint(tree))
        faults += [
            f"{name}: {text!r}: make it with follow_up() of core/finding.py" for text in hints if STATEFUL.search(text)
        ]
    none(faults)


def test_what_is_counted_is_named_by_its_number() -> None:
    """`1 damaged files` is no English: counted() of core/text.py has the noun for one, and for several."""
    faults = []
    for name in (name for name in NAMES if not name.endswith("/findings_zh.py")):
        tree = parse(name)
        chosen = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.IfExp) for part in (node.body, node.orelse)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.JoinedStr) or id(node) in chosen:
                continue
            texts = [part.value if isinstance(part, ast.Constant) else "" for part in node.values]
            for before, number, noun in zip(["", *texts], node.values, [*texts[1:], ""]):
                is_count = isinstance(number, ast.FormattedValue) and ast.unparse(number.value).startswith("len(")
                if is_count and COUNTED.match(noun) and not before.endswith(" of "):  # 1 of 3 files
                    faults.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    none(faults)


def test_no_file_on_the_top_level_that_the_design_does_not_have() -> None:
    ignored = set((ROOT / ".gitignore").read_text().split())
    present = {path.name + ("/" if path.is_dir() else "") for path in ROOT.iterdir()}
    kept = {name.rstrip("/") for name in present - ignored if not name.endswith(".egg-info/")}
    assert kept <= ALLOWED_ON_TOP


def test_what_tests_one_area_lies_in_its_folder() -> None:
    """So that who changes an area finds its tests. completion has the tree of all commands, for any test."""
    faults = []
    for path in sorted((ROOT / "tests").glob("*/*/**/test_*.py")):
        folder, text = path.relative_to(ROOT / "tests").parts[1], path.read_text(encoding="utf-8")
        areas = set(re.findall(r"^ *from opskit\.(\w+)", text, re.MULTILINE)) & AREAS
        if {folder} <= AREAS - areas and len(areas - {"completion"}) == 1:
            faults.append(f"{path.relative_to(ROOT)} tests {areas - {'completion'}}")
    none(faults)


def test_the_deliberate_faults_fit_the_code() -> None:
    """scripts/mutate changes a text that stands in the code exactly once; who edits that edits the list, too."""
    listed = (ROOT / "scripts/mutations.toml").read_text(encoding="utf-8")
    faults = tomllib.loads(listed)["fault"]
    none([f"{f['path']}: {f['old']!r} stands there {n} times" for f in faults
          if (n := (ROOT / f["path"]).read_text(encoding="utf-8").count(f["old"])) != 1])  # fmt: skip
