"""What a command and a group of commands are: how words are read, how a wrong one is answered, how help looks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Optional

import typer
from typer.core import TyperCommand, TyperGroup

from opskit.areas import Entry, load_app
from opskit.core.config import NEVER, WANTED, load_config
from opskit.core.errors import ExitCode, UsageFault
from opskit.core.text import nearest, shown, toml_text

# Of click, wherever this release of typer has it.
UsageError: Any = typer.BadParameter.__mro__[1]
ClickContext: Any = typer.Context.__mro__[1]
# The titles of what commands share, in the order of help; a command's own options stand above them.
EVERY_CHANGE = "Every change"
EVERY_COMMAND = "Every command"
# Help uses the room of a terminal up to here: nobody takes in a longer line at one glance.
HELP_COLUMNS = 120
# What a number may be, as click writes it in help.
RANGE = re.compile(r"(?<=[ \[])(?:x>=(?P<least>[\d.]+)|(?P<from>[\d.]+)<=x<=(?P<to>[\d.]+))(?=[];]|$)")
# How click says that a value is no number.
NO_NUMBER = re.compile(r"is not a valid (int|float)\w*(?: range)?")
# A default that is given in words, as typer writes it.
DEFAULT = re.compile(r"(?<=default: )\((.*?)\)(?=[];])")
# What people type who know another tool, and the command that does it.
KNOWN_AS = {"dnf": "yum", "microdnf": "yum", "rpm": "yum", "lsblk": "disk list", "fdisk": "disk list"}

# The variables of all commands; those of opskit's own tests and scripts, and what ansible-playbook has of opskit fleet.
EVERYWHERE = ("OPSKIT_CONFIG", "OPSKIT_COLOR", "OPSKIT_STATE_DIR", "OPSKIT_LOCK_TIMEOUT")
OWN_VARIABLES = (
    "OPSKIT_TEST_", "OPSKIT_VM_", "OPSKIT_VENV", "OPSKIT_RECORD", "OPSKIT_FLEET_LAB", "OPSKIT_FLEET_EVENTS",
    "OPSKIT_FLEET_STOP", "OPSKIT_FLEET_WAKE", "OPSKIT_FLEET_MAX_FAIL", "OPSKIT_FLEET_EXACT",
)  # fmt: skip


# What stands for a hyphen while help is folded: click takes one for a place where a word may end.
NO_BREAK = "\ue000"


class WholeWords(ClickContext.formatter_class):  # type: ignore[misc]
    """Help whose lines end between words: an option, or the name of a page, is never folded at its hyphen."""

    def write(self, string: str) -> None:
        """As click does."""
        super().write(string.replace(NO_BREAK, "-"))

    def write_usage(self, prog: str, args: str = "", prefix: Optional[str] = None) -> None:
        """As click does."""
        super().write_usage(prog, args.replace("-", NO_BREAK), prefix)

    def write_text(self, text: str) -> None:
        """As click does."""
        super().write_text(text.replace("-", NO_BREAK))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """As click does."""
        super().write_dl([(name, text.replace("-", NO_BREAK)) for name, text in rows], col_max, col_spacing)


class HelpContext(ClickContext):  # type: ignore[misc]
    """Where a command is: as click's, with help of whole words."""

    formatter_class = WholeWords


class PlainCommand(TyperCommand):
    """A command that refuses an option whose second value would silently take the place of its first.

    bare: options that are also understood without a value: their names, what is their value then, and the values that
    the next word may be. A word that begins with a dash can be one.
    elsewhere: options of the program whose place the command takes, which it does not have: what to type instead
    """

    context_class = HelpContext
    bare: ClassVar[tuple[frozenset[str], str, re.Pattern[str]]] = (frozenset(), "", re.compile("(?!)"))
    elsewhere: ClassVar[Mapping[str, str]] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """As click does."""
        name_variables(self, ctx)
        take_defaults(self, ctx)
        names, value, values = self.bare
        words: list[str] = []
        for number, word in enumerate(args):
            follows = args[number + 1 : number + 2]
            words.append(word)
            if word == "--":
                words += args[number + 1 :]
                break
            if word in names and not (follows and values.fullmatch(follows[0])):
                words.append(value)
        try:
            with _named_as_given(self, ctx, args):
                return super().parse_args(ctx, words)
        except UsageError as error:
            todo = self.elsewhere.get(getattr(error, "option_name", ""))
            if todo is None:
                raise
            raise UsageFault(ctx.command_path, error.format_message(), todo=todo) from error

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """As click does; what is required stands without braces, as in every other manual."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What is asked, then what all commands share."""
        _write_parameters(self, ctx, formatter)

    def make_parser(self, ctx: Any) -> Any:
        """As click does; the order in which options came names each that came twice."""
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_once(args: list[str]) -> Any:
            parsed = parse(args)
            seen = set()
            option: Any
            for option in parsed[2]:
                if option.param_type_name != "option" or option.is_flag or option.multiple or option.count:
                    continue
                if option.name in seen:
                    name = max(option.opts, key=len)
                    raise UsageFault(name, "it is given twice", todo="name it once")
                seen.add(option.name)
            return parsed

        parser.parse_args = parse_once
        return parser


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    """The arguments and options in --help: the command's own ones first, then those that it shares."""
    titles: dict[str, list[Any]] = {"Arguments": [], "Options": [], EVERY_CHANGE: [], EVERY_COMMAND: []}
    for parameter in command.get_params(ctx):
        title = getattr(parameter, "rich_help_panel", None) or "Options"
        if parameter.param_type_name == "argument":
            title = "Arguments"
        elif parameter.name == "help" and titles[EVERY_COMMAND]:
            title = EVERY_COMMAND
        record = parameter.get_help_record(ctx)
        if record is not None:
            names, text = record
            titles[title].append((names, _in_words(text)))
    for title, records in titles.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


def _in_words(text: str) -> str:
    """The help of a parameter: its range in words, "0 or more", and its default without brackets of its own."""
    text = RANGE.sub(
        lambda match: f"{match['from']} to {match['to']}" if match["to"] else f"{match['least']} or more", text
    )
    return DEFAULT.sub(r"\1", text)


class SuggestingGroup(TyperGroup):
    """A group that names the nearest command for a mistyped one, also where that stands in another group."""

    context_class = HelpContext

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """As click does."""
        name_variables(self, ctx)
        take_defaults(self, ctx)
        with _named_as_given(self, ctx, args):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As click does. Raises UsageFault for an unknown name; what to do is the command that was meant, if any."""
        check_defaults(ctx)
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            meant = _meant(ctx, name)
            quoted = " or ".join(f"'{path}'" for path in meant)
            hint = f"did you mean {quoted}?" if meant else f"{ctx.command_path} --help lists the commands"
            raise UsageFault(f"{ctx.command_path} {name}", "no such command", todo=hint)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """What is asked, then what all commands share, then the commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def _meant(ctx: Any, name: str) -> list[str]:
    """The commands that a wrong word stands for: one of that name elsewhere, else the nearest here, else elsewhere."""
    import difflib  # noqa: PLC0415 - only a wrong word needs it

    root = ctx.find_root()
    paths = list(_paths(root.command, root.command_path))
    same = [path for path in paths if path.split()[-1] == name]
    if same or name in KNOWN_AS:
        return same or [f"{root.command_path} {KNOWN_AS[name]}"]
    here = {path.split()[-1]: path for path in paths if path.rpartition(" ")[0] == ctx.command_path}
    elsewhere: dict[str, str] = {}
    for path in paths:
        elsewhere.setdefault(path.split()[-1], path)
    for names in (here, elsewhere):
        near = difflib.get_close_matches(name, names, 1, 0.6)
        if near:
            return [names[near[0]]]
    return []


def _paths(group: Any, path: str) -> Iterator[str]:
    """The path of each command below a group, as it is typed."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield f"{path} {name}"
        if isinstance(command, TyperGroup):
            yield from _paths(command, f"{path} {name}")


class LazyGroup(SuggestingGroup):
    """A group some of whose commands are imported when they are named; --help has their lines from the entries."""

    entries: ClassVar[dict[str, Entry]] = {}
    built: ClassVar[dict[tuple[str, str], Any]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """The names: its own commands, then those of the entries."""
        return [*super().list_commands(ctx), *self.entries]

    def get_command(self, ctx: Any, name: str) -> Any:
        """The command, imported now if it is one of the entries."""
        if name not in self.entries:
            return super().get_command(ctx, name)
        # Click asks more than once; building a command takes milliseconds.
        entry = self.entries[name]
        command = self.built.get((entry.module, entry.app))
        if command is None:
            command = self.built[entry.module, entry.app] = typer.main.get_command(load_app(entry))
            command.name = name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list in --help, without importing anything."""
        own = [(name, super(LazyGroup, self).get_command(ctx, name)) for name in super().list_commands(ctx)]
        rows = [(name, command.get_short_help_str(80)) for name, command in own if command and not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([*rows, *((name, entry.help) for name, entry in self.entries.items())])


def take_defaults(command: Any, ctx: Any) -> None:
    """Give click what the config files say of a command, by what it calls its parameters, before it parses the line.

    A key is the option as it is typed, whatever the code calls it. What is no option of the command, or no value of
    one, is left for check_defaults and refuse_defaults.
    """
    commands = command.list_commands(ctx) if isinstance(command, TyperGroup) else []
    options = {key: parameter for parameter in command.params for key in _keys(parameter)}
    known: dict[str, Any] = {}
    unknown, faults = [], []
    for key, value in (ctx.default_map or {}).items():
        where = ".".join([*ctx.command_path.split()[1:], key])
        if isinstance(value, dict):
            if key in commands:
                known[key] = value
            else:
                unknown.append(load_config().unknown(where, "no such command", commands))
        elif key in options:
            wanted = _wanted(options[key], value)
            if wanted:
                faults.append(load_config().fault(where, f"{wanted} is wanted, not {toml_text(value)}"))
            else:
                several = _takes_several(options[key]) and not isinstance(value, list)
                given = _as_typed(options[key], value)
                known[options[key].name] = [given] if several else given
                ctx.meta[f"opskit.key {options[key].name}"] = where
        else:
            unknown.append(load_config().unknown(where, "no such option", options))
    ctx.default_map = known
    ctx.meta[f"opskit.unknown {ctx.command_path}"] = unknown
    ctx.meta[f"opskit.faults {ctx.command_path}"] = faults


def check_defaults(ctx: Any) -> None:
    """Warn of a table or key of a config file that the command of ctx does not have; it is passed over."""
    for passed in ctx.meta.pop(f"opskit.unknown {ctx.command_path}", ()):
        warn(passed.text)


def refuse_defaults(ctx: Any) -> None:
    """Raise UsageFault for a value of a config file that is of another kind than the option's."""
    for fault in ctx.meta.pop(f"opskit.faults {ctx.command_path}", ()):
        raise fault


def _takes_several(parameter: Any) -> bool:
    return bool(getattr(parameter, "multiple", False)) or parameter.nargs != 1


# A port, a year, a date are texts to the option that they are for. A number with a point is none: 25.10 would be 25.1.
AS_TYPED = (int,)
# What a config file may say beside a text, by how the name of a parameter's type begins.
VALUES: dict[str, tuple[str, tuple[type, ...]]] = {
    "flag": (WANTED[bool], (bool,)),
    "int": (WANTED[int], (int,)),
    "float": ("a number", (int, float)),
    "span": ("a span of time in quotes", (int, float)),  # numbers were seconds in opskit 0.1.0
    "size": ("a size in quotes", (int,)),  # of bytes
}


def _wanted(parameter: Any, value: Any) -> str:
    """What a config file may say for a parameter, "" where the value is that.

    A text is read as if it were typed. Nothing else is read as what it is not: click takes 1.5 and true for 1.
    """
    text, types = _values_of(parameter)

    def fits(each: Any) -> bool:
        dated = types is AS_TYPED and hasattr(each, "isoformat")  # datetime is not loaded for it
        return isinstance(each, str) or dated or (isinstance(each, types) and isinstance(each, bool) == (bool in types))

    values = value if isinstance(value, list) and _takes_several(parameter) else [value]
    return "" if all(map(fits, values)) else text


def _values_of(parameter: Any) -> tuple[str, tuple[type, ...]]:
    """What a config file may say for a parameter beside a text: in words, and as types."""
    kind = "flag" if getattr(parameter, "is_flag", False) else str(parameter.type.name)
    return next((each for begin, each in VALUES.items() if kind.startswith(begin)), (WANTED[str], AS_TYPED))


def _as_typed(parameter: Any, value: Any) -> Any:
    """The value of a config file as it is handed to the option."""
    if isinstance(value, list):
        return [_as_typed(parameter, each) for each in value]
    return str(value) if _values_of(parameter)[1] is AS_TYPED else value


@contextmanager
def _named_as_given(command: Any, ctx: Any, args: Sequence[str]) -> Iterator[None]:
    """Have the error of a value name what was typed, the variable or the file, not the first name of the option."""
    try:
        yield
    except UsageFault as fault:
        parameter = next((each for each in command.params if fault.what in each.opts), None)
        if parameter is None:
            raise
        raise _fault_of(parameter, ctx, args, fault.why, fault.todo) from fault
    except typer.BadParameter as error:
        if error.param is None or not error.message:  # what is missing has no message
            raise
        raise _fault_of(error.param, ctx, args, why_of(error), "") from error


def why_of(error: Any) -> str:
    """Why a value is none, of click's error."""
    why = NO_NUMBER.sub(lambda match: f"is not a {'whole ' * (match[1] == 'int')}number", error.message)
    why = re.sub(r"is not a valid boolean\b.*", "is neither true nor false", why, flags=re.DOTALL)
    return _in_words(why.rstrip(".").replace("is not in the range", "is out of range:"))


def _fault_of(parameter: Any, ctx: Any, args: Sequence[str], why: str, todo: str) -> UsageFault:
    """The error of a value: where it comes from, why it is none, what to do ("": the help)."""
    name = str(parameter.name)
    source = ctx.get_parameter_source(name)
    if source and source.name == "DEFAULT_MAP":
        return load_config().fault(ctx.meta[f"opskit.key {name}"], why, todo)
    todo = todo or f"{ctx.command_path} --help"
    if source and source.name == "ENVIRONMENT":
        return UsageFault(next(each for each in parameter.envvar if os.environ.get(each)), why, todo=todo)
    if parameter.param_type_name == "argument":
        return UsageFault(parameter.human_readable_name.strip("[]."), why, todo=todo)
    words = [word if word.startswith("--") else word[:2] for word in args]
    typed = [word.partition("=")[0] for word in words if word.partition("=")[0] in parameter.opts]
    return UsageFault(typed[0] if typed else max(parameter.opts, key=len), why, todo=todo)


def _keys(parameter: Any) -> list[str]:
    """What a config file calls a parameter: an option by each of its long names."""
    if parameter.param_type_name != "option":
        return [str(parameter.name)]
    return [word[2:].replace("-", "_") for word in _long_names(parameter)]


def _long_names(option: Any) -> list[str]:
    """`--depth` and `--max-depth`; of an option of memcached's that has none, its letter."""
    return [word for word in option.opts if word.startswith("--")] or list(option.opts)


def warn(text: str) -> None:
    """A warning on stderr: what was asked for is done all the same."""
    from opskit.ui.screen import Screen  # noqa: PLC0415 - hardly any run has one

    print(Screen("").sentence(f"opskit: warning: {shown(text)}", sys.stderr), file=sys.stderr)


def name_variables(command: Any, ctx: Any) -> None:
    """Give each option of a command its variable: OPSKIT_DISK_MOUNT_FSTYPE is the --fstype of `opskit disk mount`."""
    for parameter in command.params if ctx.parent else ():
        if parameter.param_type_name == "option" and not parameter.is_eager and parameter.name not in NEVER:
            before = parameter.envvar or ()
            names = [variable_name(f"{ctx.command_path} {word}") for word in _long_names(parameter)]
            parameter.envvar = [*dict.fromkeys([*names, *([before] if isinstance(before, str) else before)])]
            parameter.show_envvar = False  # the manual tells of all


def variable_name(typed: str) -> str:
    """The variable of an option, from what is typed (`opskit df --check`); of a path, what its options' begin with."""
    return re.sub("[ -]+", "_", typed).upper()


def check_variables(ctx: Any) -> None:
    """Warn of each variable that is nobody's: of no option of this command, and of no other command."""
    for name in sorted(os.environ):
        if name.startswith("OPSKIT_") and not name.startswith(OWN_VARIABLES):
            near = _meant_variable(ctx, name)
            typed = next((option for option in NEVER if name.endswith(f"_{option.upper()}")), "")
            if near is not None and typed:
                warn(f"{name}: this may not come from a variable; type --{typed} where it is meant")
            elif near is not None:
                warn(f"{name}: no such variable" + (f"; did you mean {near}?" if near else ""))


def _meant_variable(ctx: Any, name: str) -> Optional[str]:
    """What a variable may have been meant to be; None where it is known, or of a command that is not this one.

    Those of another command are looked at when that is run: its options are not known here.
    """
    contexts = [ctx]
    while contexts[0].parent is not None:
        contexts.insert(0, contexts[0].parent)
    words: list[str] = list(EVERYWHERE)
    for number, each in enumerate(contexts):
        words += [word for parameter in each.command.params for word in parameter.envvar or ()]
        if name in words:
            return None
        if not isinstance(each.command, TyperGroup):
            break
        paths = [f"{each.command_path} {child}" for child in each.command.list_commands(each)]
        prefixes = {f"{variable_name(path)}_": path for path in paths}
        prefix = next((prefix for prefix in prefixes if name.startswith(prefix)), "")
        if not prefix:
            first, rest = "_".join(name.split("_")[: number + 2]), "_".join(name.split("_")[number + 2 :])
            begin = _nearest(f"{first}_", prefixes)
            return _nearest(name, [*words, begin + rest] if begin and rest else words)
        if contexts[number + 1 :] == [] or contexts[number + 1].command_path != prefixes[prefix]:
            return None
    return _nearest(name, words)


def _nearest(name: str, names: Iterable[str]) -> str:
    """As nearest(); what all variables begin with makes none near."""
    near = nearest(name.removeprefix("OPSKIT_"), [each.removeprefix("OPSKIT_") for each in names])
    return f"OPSKIT_{near}" if near else ""


def bare_group(ctx: typer.Context) -> None:
    """A group without a command prints its help and exits 2, as a usage error does."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(ExitCode.USAGE)


def new_app(text: str, *, group: type[SuggestingGroup] = SuggestingGroup, single: bool = False) -> typer.Typer:
    """The typer app of an area or of a group in one: text is its help, bare it prints that and exits 2.

    single: the app will be one command and not a group. An `@app.callback` of the area takes the place of bare_group.
    """
    paragraphs = [paragraph for paragraph in text.split("\n\n") if not paragraph.startswith("Example:")]
    return typer.Typer(
        cls=group,
        help=text,
        short_help=paragraphs[0] if paragraphs else None,
        callback=None if single else bare_group,
        invoke_without_command=not single,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_COLUMNS},
    )
