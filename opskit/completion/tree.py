"""The tree of commands as plain data: what a shell has to know to complete them, and a manual page to list them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opskit.core.record import dataclass

# The kinds of values that a shell can complete, each by a function of that name in its script.
DEVICE, MOUNTPOINT, TARGET, RUN, FILE, DIRECTORY = "device", "mountpoint", "target", "run", "file", "directory"
UNIT = "unit"
# The kind by the metavar of an option or argument (opskit/options.py); any other metavar is free text.
KINDS = {
    "DEVICE": DEVICE,
    "DEVICE|MOUNTPOINT": TARGET,
    "DIR": DIRECTORY,
    "FILE": FILE,
    "MOUNTPOINT": DIRECTORY,
    "PATH": DIRECTORY,
    "RUN": RUN,
    "UNIT": UNIT,
}


@dataclass(frozen=True)
class Option:
    """names: ("--dry-run", "-n"). value: its name in the help, "" for a flag. kind: see KINDS; "" for free text."""

    names: tuple[str, ...]
    help: str
    value: str = ""
    kind: Any = ""


@dataclass(frozen=True)
class Argument:
    """A value without a name, by its place."""

    name: str
    help: str
    kind: Any = ""
    required: bool = True
    many: bool = False


@dataclass(frozen=True)
class Node:
    """A command. words: its path, ("opskit", "disk", "mount"). help: its paragraphs."""

    words: tuple[str, ...]
    summary: str
    help: tuple[str, ...]
    options: tuple[Option, ...] = ()
    arguments: tuple[Argument, ...] = ()
    children: tuple[Node, ...] = ()

    @property
    def path(self) -> str:
        """The command as it is typed."""
        return " ".join(self.words)

    @property
    def name(self) -> str:
        """Its last word."""
        return self.words[-1]

    @property
    def runs(self) -> bool:
        """Whether it does something by itself: a group that does has options beside --help."""
        return not self.children or (len(self.words) > 1 and len(self.options) > 1)

    def walk(self) -> Iterator[Node]:
        """This command and all below it, in the order of the help."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(command: Any, words: tuple[str, ...] = ("opskit",)) -> Node:
    """The tree below a click command."""
    parameters = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    options = [_option(p) for p in parameters if p.param_type_name == "option"]
    options.append(Option(("--help", "-h"), "Show this message and exit."))
    arguments = [_argument(p) for p in parameters if p.param_type_name == "argument"]
    names = command.list_commands(None) if hasattr(command, "list_commands") else ()
    return Node(
        words,
        command.get_short_help_str(200),
        tuple(_text(paragraph) for paragraph in (command.help or "").split("\n\n")),
        tuple(options),
        tuple(arguments),
        tuple(read_tree(command.get_command(None, name), (*words, name)) for name in names),
    )


def valued_names(root: Node) -> dict[str, Any]:
    """The kind of each option that takes a value, by its name; by the command and its name where commands differ."""
    meanings: dict[str, set[Any]] = {}
    for node in root.walk():
        for option in node.options:
            for name in option.names:
                meanings.setdefault(name, set()).add((bool(option.value), option.kind))
    kinds = {}
    for node in root.walk():
        for option in node.options:
            for name in option.names if option.value else ():
                kinds[name if len(meanings[name]) == 1 else f"{node.path} {name}"] = option.kind
    return dict(sorted(kinds.items()))


def _option(parameter: Any) -> Option:
    names = tuple(sorted((*parameter.opts, *parameter.secondary_opts), key=lambda name: not name.startswith("--")))
    if parameter.is_flag or parameter.count:
        return Option(names, _text(parameter.help))
    value = parameter.metavar or parameter.name.upper().replace("_", "-")
    return Option(names, _text(parameter.help), value, kind_of(parameter))


def _argument(parameter: Any) -> Argument:
    text = _text(getattr(parameter, "help", ""))
    return Argument(_metavar(parameter), text, kind_of(parameter), parameter.required, parameter.nargs != 1)


def kind_of(parameter: Any) -> Any:
    """What a value is, by its declaration: the words that its parser knows, the kind of its metavar, else ""."""
    words = getattr(getattr(parameter.type, "func", None), "words", ())
    return words or KINDS.get(_metavar(parameter), "")


def _metavar(parameter: Any) -> str:
    """The name of a value, without the marks for one that can be left out or repeated."""
    name = parameter.metavar or parameter.name.upper().replace("_", "-")
    return str(name).strip("[].")


def _text(text: Any) -> str:
    return " ".join(str(text or "").replace("\b", "").split())
