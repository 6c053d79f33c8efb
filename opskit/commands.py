"""What a command and a group of commands are: how words are read, how a wrong one is answered, how help looks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Optional

import typer
from typer.core import TyperCommand, TyperGroup

from opskit.areas import Entry, load_app
from opskit.core.config import NEVER, load_config
from opskit.core.errors import ExitCode, UsageFault
from opskit.core.text import nearest, shown

UsageError: Any = typer.BadParameter.__mro__[1]  # click's, wherever this release of typer has it
# The titles of what commands share, in the order of help; a command's own options stand above them.
EVERY_CHANGE = "Every change"
EVERY_COMMAND = "Every command"
# Help uses the room of a terminal up to here: nobody takes in a longer line at one glance.
HELP_COLUMNS = 120
# What a number may be, as click writes it in help.
RANGE = re.compile(r"(?<=[ \[])(?:x>=(?P<least>[\d.]+)|(?P<from>[\d.]+)<=x<=(?P<to>[\d.]+))(?=[];])")
# A default that is given in words, as typer writes it.
DEFAULT = re.compile(r"(?<=default: )\((.*?)\)(?=[];])")
# What people type who know another tool, and the command that does it.
KNOWN_AS = {"dnf": "yum", "microdnf": "yum", "rpm": "yum", "lsblk": "disk list", "fdisk": "disk list"}

# The variables of all commands, and those of opskit's own tests and scripts.
EVERYWHERE = ("OPSKIT_CONFIG", "OPSKIT_COLOR", "OPSKIT_STATE_DIR", "OPSKIT_LOCK_TIMEOUT")
OWN_VARIABLES = ("OPSKIT_TEST_", "OPSKIT_VM_", "OPSKIT_VENV", "OPSKIT_RECORD")


class PlainCommand(TyperCommand):
    """A command that refuses an option whose second value would silently take the place of its first.

    bare: options that are also understood without a value: their names, what is their value then, and the values that
    the next word may be. A word that begins with a dash can be one.
    elsewhere: options of the program whose place the command takes, which it does not have: what to type instead
    """

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

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """As click does."""
        name_variables(self, ctx)
        take_defaults(self, ctx)
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
    one, is left for check_defaults.
    """
    commands = command.list_commands(ctx) if isinstance(command, TyperGroup) else []
    options = {key: parameter for parameter in command.params for key in _keys(parameter)}
    known, unknown, wrong = {}, [], []
    for key, value in (ctx.default_map or {}).items():
        table = isinstance(value, dict)
        where = ".".join([*ctx.command_path.split()[1:], key])
        if table and key in commands:
            known[key] = value
        elif not table and key in options:
            values = value if isinstance(value, list) else [value]
            several = options[key].multiple or options[key].nargs != 1
            if any(isinstance(each, (list, dict)) for each in values) or (isinstance(value, list) and not several):
                wrong.append(load_config().fault(where, f"one value is wanted, not {value!r}"))
            else:
                known[options[key].name] = values if several else value
        else:
            what, words = ("command", commands) if table else ("option", options)
            unknown.append(load_config().unknown(where, f"no such {what}", words))
    ctx.default_map = known
    ctx.meta[f"opskit.unknown {ctx.command_path}"] = unknown
    ctx.meta[f"opskit.wrong {ctx.command_path}"] = wrong


def check_defaults(ctx: Any) -> None:
    """Warn of a table or key of a config file that the command of ctx does not have; it is passed over.

    Raises UsageFault for a value that an option cannot have.
    """
    for fault in ctx.meta.pop(f"opskit.wrong {ctx.command_path}", ()):
        raise fault
    for text in ctx.meta.pop(f"opskit.unknown {ctx.command_path}", ()):
        warn(text)


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
    print(f"opskit: warning: {shown(text)}", file=sys.stderr)


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
