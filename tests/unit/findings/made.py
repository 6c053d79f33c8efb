"""Every finding that the code can make, by its syntax tree: area, id, severity, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

ROOT = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists())
PACKAGE = ROOT / "opskit"
SEVERITIES = {"info", "warning", "error", "critical"}
Scope = tuple[ast.AST, ...]  # a module, and the functions and classes down to a place in it


class Made(NamedTuple):
    """A finding that is made somewhere."""

    area: str
    id: str
    severity: str
    place: str


class Unresolved(Exception):
    """An expression whose values the syntax tree does not tell."""


class Code:
    """The syntax trees of opskit, and what they tell of the values of an expression."""

    def __init__(self) -> None:
        names = sorted(PACKAGE.rglob("*.py"))
        self.trees = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8")) for path in names}
        self.calls: dict[str, list[tuple[str, Scope, ast.Call]]] = {}
        for name, tree in self.trees.items():
            for scope, node in _walk(tree, (tree,)):
                if isinstance(node, ast.Call):
                    self.calls.setdefault(ast.unparse(node.func).split(".")[-1], []).append((name, scope, node))

    def values(self, node: ast.expr, scope: Scope, depth: int = 0) -> set[str]:
        """The strings that an expression can be. Raises Unresolved."""
        if depth > 8:
            raise Unresolved(ast.unparse(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return {node.value}
        if isinstance(node, ast.IfExp):
            return self.values(node.body, scope, depth + 1) | self.values(node.orelse, scope, depth + 1)
        if isinstance(node, ast.Name):
            return self._of_name(node.id, scope, depth)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for inner in ast.walk(scope[0]):
                if isinstance(inner, ast.FunctionDef) and inner.name == node.func.id:
                    returned = [part.value for part in ast.walk(inner) if isinstance(part, ast.Return) and part.value]
                    return set().union(*(self.values(value, (scope[0], inner), depth + 1) for value in returned))
        raise Unresolved(ast.unparse(node))

    def pairs(self, kind: str, call: ast.Call, scope: Scope) -> set[tuple[str, str]]:
        """The ids and severities of a call of Finding or Reason, or of a function that hands its own on to one."""
        id_ = _argument(call, 0, "id")
        assert id_ is not None
        if kind == "Reason":
            severities = {"critical" if _argument(call, 4, "exit_code") is None else "error"}
            return {(text, severity) for text in self.values(id_, scope) for severity in severities}
        severity_of = _argument(call, 1, "severity")
        assert severity_of is not None
        places = [_parameter(node, scope) for node in (id_, severity_of)]
        if None in places:
            return {(text, each) for text in self.values(id_, scope) for each in self.values(severity_of, scope)}
        pairs: set[tuple[str, str]] = set()
        function = scope[-1]
        assert isinstance(function, ast.FunctionDef)
        for outer, inner in self._calls_of(function.name, scope[0]):
            ids, severities = (self.values(inner.args[place], outer) for place in places if place is not None)
            pairs |= {(text, each) for text in ids for each in severities}
        return pairs

    def _of_name(self, name: str, scope: Scope, depth: int) -> set[str]:
        for number in range(len(scope) - 1, -1, -1):
            inner = scope[: number + 1]
            bound = list(_bound(name, scope[number]))
            if bound:
                return set().union(*(self.values(value, inner, depth + 1) for value in bound))
            function = scope[number]
            if isinstance(function, ast.FunctionDef):
                names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
                if name in names:
                    return self._of_parameter(scope[0], function.name, name, names.index(name), depth)
        for node in ast.walk(scope[0]):
            if isinstance(node, ast.ImportFrom) and any((alias.asname or alias.name) == name for alias in node.names):
                tree = self.trees[(node.module or "").removeprefix("opskit.").replace(".", "/") + ".py"]
                return self._of_name(name, (tree,), depth + 1)
        raise Unresolved(name)

    def _calls_of(self, function: str, module: ast.AST) -> Iterator[tuple[Scope, ast.Call]]:
        for _, scope, call in self.calls.get(function, ()):
            if scope[0] is module or not function.startswith("_"):
                yield scope, call

    def _of_parameter(self, module: ast.AST, function: str, name: str, place: int, depth: int) -> set[str]:
        pairs: set[str] = set()
        for scope, call in self._calls_of(function, module):
            given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
            if given is None and place < len(call.args):
                given = call.args[place]
            if given is not None:
                pairs |= self.values(given, scope, depth + 1)
        return pairs


def _walk(node: ast.AST, scope: Scope) -> Iterator[tuple[Scope, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        yield scope, child
        inner = (*scope, child) if isinstance(child, (ast.FunctionDef, ast.ClassDef)) else scope
        yield from _walk(child, inner)


def _bound(name: str, block: ast.AST) -> Iterator[ast.expr]:
    """What is assigned to a name in a block: by itself, in a tuple, by a loop over a literal."""
    for scope, node in _walk(block, ()):
        if scope:
            continue
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _matched(name, target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value:
            yield from _matched(name, node.target, node.value)
        elif isinstance(node, ast.For) and isinstance(node.iter, (ast.Tuple, ast.List)):
            for item in node.iter.elts:
                yield from _matched(name, node.target, item)


def _matched(name: str, target: ast.expr, value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for inner, other in zip(target.elts, value.elts):
            yield from _matched(name, inner, other)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.IfExp):
        yield from _matched(name, target, value.body)
        yield from _matched(name, target, value.orelse)


def _parameter(node: ast.expr, scope: Scope) -> Optional[int]:
    """The position of the parameter of the innermost function that this is; None for anything else."""
    function = scope[-1]
    if not isinstance(node, ast.Name) or not isinstance(function, ast.FunctionDef):
        return None
    names = [argument.arg for argument in function.args.args]
    return names.index(node.id) if node.id in names else None


def _argument(call: ast.Call, place: int, name: str) -> Optional[ast.expr]:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return given or (call.args[place] if place < len(call.args) else None)


def made(declared: dict[str, set[tuple[str, str]]]) -> tuple[list[Made], list[str], set[str]]:
    """The findings, what the tree does not tell of, and the declarations that were used.

    declared: by `file: expression of the id`, the ids and severities where the syntax tree alone does not tell them.
    """
    code = Code()
    findings, unresolved, used = [], [], set()
    for kind in ("Finding", "Reason"):
        for name, scope, call in code.calls[kind]:
            id_ = _argument(call, 0, "id")
            assert id_ is not None, name
            key = f"{name}: {ast.unparse(id_)}"
            place = f"{name}:{call.lineno}"
            if key in declared:
                used.add(key)
                findings += [Made(area_of(name), id_, severity, place) for id_, severity in declared[key]]
                continue
            try:
                for text, severity in code.pairs(kind, call, scope):
                    findings.append(Made(area_of(name), text, severity, place))
            except (Unresolved, KeyError) as error:
                unresolved.append(f"{place}: {error} is not told by the syntax tree: declare {key!r}")
                continue
    return findings, unresolved, used


def area_of(name: str) -> str:
    """The area of a file; `opskit` for what every area has in common."""
    area = name.split("/", maxsplit=1)[0]
    return "opskit" if area == "core" or area.endswith(".py") else area
