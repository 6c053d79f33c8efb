"""What a command and a group of commands are: how words are read, how a wrong one is answered, how help looks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from opskit.areas import Entry, load_app
from opskit.core.config import load_config
from opskit.core.errors import ExitCode, UsageFault

UsageError: Any = typer.BadParameter.__mro__[1]  # click's, wherever this release of typer has it


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


class SuggestingGroup(TyperGroup):
    """A group that suggests the nearest command for a mistyped one."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As click does; an unknown name names its neighbour."""
        check_defaults(ctx)
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            import difflib  # noqa: PLC0415

            near = difflib.get_close_matches(name, self.list_commands(ctx), 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"{ctx.command_path} --help lists the commands"
            raise UsageFault(f"{ctx.command_path} {name}", "no such command", todo=hint)
        return super().resolve_command(ctx, args)


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


def check_defaults(ctx: Any) -> None:
    """Raise UsageFault for a table or key of a config file that the command of ctx does not have."""
    commands = ctx.command.list_commands(ctx) if isinstance(ctx.command, TyperGroup) else []
    options = [parameter.name for parameter in ctx.command.params]
    for key, value in (ctx.default_map or {}).items():
        if key not in (commands if isinstance(value, dict) else options):
            where = ".".join([*ctx.command_path.split()[1:], key])
            what = "no such command" if isinstance(value, dict) else "no such option"
            raise load_config().fault(where, what)


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
        context_settings={"help_option_names": ["-h", "--help"]},
    )
