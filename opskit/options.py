"""The options that all commands share, and the decorators that give them to a command.

A command is written as `def mount(session: Session, device: Device, …)`; `reads` and `changes` put the shared
options beside its own and hand it the session that they make.

What a value is, its declaration says, and the shells complete it by that: one_of and offered name its words; the
metavar a file (FILE), a directory (DIR, PATH, MOUNTPOINT), a DEVICE, a DEVICE|MOUNTPOINT, a UNIT or a RUN. Any other
value is free text.
"""

from __future__ import annotations

import functools
import gc
import inspect
import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Callable, Optional, get_args, get_origin, get_type_hints

import typer

from opskit.areas import LOOKS, chinese_for
from opskit.commands import (
    EVERY_CHANGE,
    EVERY_COMMAND,
    PlainCommand,
    check_defaults,
    check_variables,
    refuse_defaults,
)
from opskit.core.caller import allow_open_files
from opskit.core.config import Config, PassedOver, load_config
from opskit.core.errors import UsageFault
from opskit.core.reach import check_answers
from opskit.core.units import configured_span, parse_seconds, parse_size
from opskit.session import Session
from opskit.ui.screen import Screen

Function = Callable[..., None]
DEFAULT_STATE_DIR = "/var/lib/opskit"


def span_of(option: str, *, least: float = 0.0, most: float = math.inf, numbers: bool = True) -> Callable[[Any], float]:
    """The parser of an option that takes a span of time and gives seconds, for typer.Option(parser=…).

    option: its name, for the error
    least, most: what it may be, in seconds
    numbers: whether a number is seconds: the default, or from a config file written for opskit 0.1.0
    """

    def span(value: Any) -> float:
        text = configured_span(value) if numbers else str(value)
        return parse_seconds(option, text, least=least, most=most)

    return span


def watch_interval(default: str) -> Any:
    """The declaration of --interval, for what is drawn anew. default: in words."""
    return typer.Option(
        "--interval",
        metavar="SPAN",
        parser=span_of("--interval", least=0.1, most=86400),
        show_default=default,
        help="How long a watch waits between two looks.",
    )


def size_of(option: str) -> Callable[[Any], int]:
    """The parser of an option that takes a size and gives bytes. option: its name, for the error.

    A number is a default, or of a config file, where it can be another one as well.
    """

    def size(value: Any) -> int:
        return value if type(value) is int else parse_size(option, str(value))

    return size


class Words:
    """The parser of an option whose value is one of some words, for typer.Option(parser=…). The shells complete them.

    option: its name, for the error
    words: the words
    others: whether other values are let through, because the decision has more to say about them
    told: the words as the error has them, where they are too many for it
    """

    def __init__(self, option: str, words: Iterable[str], *, others: bool = False, told: str = "") -> None:
        self.option = option
        self.words = tuple(words)
        self.others = others
        self.told = told or ", ".join(self.words)
        self.__name__ = "word"  # typer names a parser's type by it

    def __call__(self, typed: Any) -> str:
        """The value. Raises UsageFault when it is no such word; "" is a default that stands for none of them.

        typed: of a config file it can be a number
        """
        value = str(typed)
        if value and not self.others and value not in self.words:
            raise UsageFault(self.option, f"{value!r} is none of {self.told}")
        return value


def one_of(option: str, *words: str) -> Words:
    """The parser of an option that takes one of these words."""
    return Words(option, words)


def check_format(form: str, output: str, *, json: bool, otherwise: str) -> None:
    """Raise UsageFault for a check's --output that nothing would be written to, and for --json beside another format.

    otherwise: what may have been meant by --output
    """
    if output and form != "prometheus":
        raise UsageFault("--output", "it goes with --format prometheus", todo=f"or: {otherwise}")
    if json and form not in {"text", "json"}:
        raise UsageFault("--json", f"it does not go with --format {form}", todo="leave one of them out")


def offered(option: str, *words: str) -> Words:
    """The parser of an option whose usual values these words are."""
    return Words(option, words, others=True)


def plan_token(text: str) -> str:
    """The parser of --only-plan. Raises UsageFault."""
    from opskit.core.plan import PlanToken  # noqa: PLC0415 - hardly any command needs it

    return PlanToken.parse(text).text if text else ""


COLOR = one_of("--color", "auto", "always", "never")
FORMAT = one_of("--format", "text", "sh", "json")
# An area that `opskit status` and the checks look at.
AREA = Words("AREA", dict.fromkeys(look.area for look in LOOKS))
# What the checks of one host and of many have alike.
Areas = Annotated[Optional[list[str]], typer.Argument(metavar="[AREA]...", parser=AREA, help="Only these areas.")]
MetricsFile = Annotated[
    str, typer.Option("--output", metavar="FILE", help="Where the metrics go, with --format prometheus.")
]
# name → (annotation, default). The same flag means the same everywhere.
READING: dict[str, tuple[Any, Any]] = {
    "json": (Annotated[bool, typer.Option("--json", help="Answer with one JSON envelope.")], False),
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on success.")], False),
    "verbose": (
        Annotated[
            int,
            typer.Option(
                "--verbose", "-v", count=True, show_default=False, help="Show each command; twice: its output too."
            ),
        ],
        0,
    ),
    "color": (
        Annotated[
            str,
            typer.Option("--color", metavar="WHEN", parser=COLOR, envvar="OPSKIT_COLOR", help="auto, always or never."),
        ],
        "auto",
    ),
    "debug": (Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")], False),
    "state_dir": (
        Annotated[
            str,
            typer.Option(
                "--state-dir", metavar="DIR", envvar="OPSKIT_STATE_DIR", help="Where ledger, lock and log are kept."
            ),
        ],
        DEFAULT_STATE_DIR,
    ),
}
CHANGING: dict[str, tuple[Any, Any]] = {
    "dry_run": (Annotated[bool, typer.Option("--dry-run", "-n", help="Show the plan and change nothing.")], False),
    "format": (
        Annotated[
            str,
            typer.Option(
                "--format",
                metavar="FORMAT",
                parser=FORMAT,
                help="The plan as text, sh (a script) or json; implies -n.",
            ),
        ],
        "",
    ),
    "facts": (
        Annotated[
            str,
            typer.Option("--facts", metavar="FILE", help="Decide on the facts in this file (`-`: stdin); implies -n."),
        ],
        "",
    ),
    "exit_code": (
        Annotated[bool, typer.Option("--exit-code", help="With -n: exit 3 when there are changes to make.")],
        False,
    ),
    "yes": (
        Annotated[bool, typer.Option("--yes", "-y", help="Answer the question with yes; gets past no guard.")],
        False,
    ),
    "only_plan": (
        Annotated[
            str,
            typer.Option(
                "--only-plan",
                metavar="TOKEN",
                parser=plan_token,
                help="Carry out the plan of this token, or nothing.",
            ),
        ],
        "",
    ),
    "lock_timeout": (
        Annotated[
            float,
            typer.Option(
                "--lock-timeout",
                metavar="SPAN",
                envvar="OPSKIT_LOCK_TIMEOUT",
                parser=span_of("--lock-timeout"),
                show_default=False,
                help="Wait so long for another opskit: 30s, 5m.",
            ),
        ],
        0.0,
    ),
}
for title, shared_options in ((EVERY_COMMAND, READING), (EVERY_CHANGE, CHANGING)):
    for declaration, _default in shared_options.values():
        declaration.__metadata__[0].rich_help_panel = title
        # A line each: the variables are in the manual.
        declaration.__metadata__[0].show_envvar = False


def reads(
    app: typer.Typer,
    name: str,
    *,
    example: str = "",
    command: type[PlainCommand] = PlainCommand,
    careful: Sequence[str] = (),
    tolerant: bool = False,
) -> Callable[[Function], Function]:
    """Register a command that only looks.

    example: the command line that its help begins with
    command: its class
    careful: the parameters whose paths it looks at with a time limit of its own, and shows what it can of the others
    tolerant: whether it does without a config file that has a fault, and tells of it
    """
    return _register(
        app, name, READING, changing=False, example=example, command_class=command, careful=careful, tolerant=tolerant
    )


def reads_bare(app: typer.Typer) -> Callable[[Function], Function]:
    """Register what a group does when no command of it is named; it only looks. Its help is that of new_app."""

    def register(function: Function) -> Function:
        app.callback(invoke_without_command=True)(_with_shared(function, READING, changing=False))
        return function

    return register


def changes(
    app: typer.Typer,
    name: str,
    *,
    facts: bool = True,
    formats: bool = True,
    example: str = "",
    command: type[PlainCommand] = PlainCommand,
) -> Callable[[Function], Function]:
    """Register a command that changes the host.

    facts: whether it can decide on saved facts
    formats: whether it has the formats of a plan; one with formats of its own has not, and no token of a plan either
    command: its class
    """
    shared = {**CHANGING, **READING}
    if not facts:
        del shared["facts"]
    if not formats:
        del shared["format"], shared["only_plan"]
    return _register(app, name, shared, changing=True, example=example, command_class=command)


def _register(
    app: typer.Typer,
    name: str,
    shared: dict[str, tuple[Any, Any]],
    *,
    changing: bool,
    example: str,
    command_class: type[PlainCommand] = PlainCommand,
    careful: Sequence[str] = (),
    tolerant: bool = False,
) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        help_text = inspect.getdoc(function) or ""
        text = f"Example: {example}\n\n{help_text}" if example else help_text
        short = help_text.split("\n\n", maxsplit=1)[0]
        command = _with_shared(function, shared, changing=changing, careful=careful, tolerant=tolerant)
        app.command(name, cls=command_class, help=text, short_help=short)(command)
        return function

    return register


def _with_shared(
    function: Function,
    shared: dict[str, tuple[Any, Any]],
    *,
    changing: bool,
    careful: Sequence[str] = (),
    tolerant: bool = False,
) -> Function:
    """The function as typer sees it: its own parameters (without the session), then the shared ones."""
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]
    parameters = [p.replace(annotation=_annotated(hints[p.name]), kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in shared.items()
    ]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @functools.wraps(function)
    def command(ctx: typer.Context, **values: Any) -> None:
        given = [name for name in values if _source(ctx, name) == "COMMANDLINE"]
        if ctx.invoked_subcommand:
            if given:
                flag = "--" + given[0].replace("_", "-")
                todo = f"{ctx.command_path} {ctx.invoked_subcommand} … {flag}"
                raise UsageFault(ctx.command_path, f"{flag} goes after {ctx.invoked_subcommand}", todo=todo)
            return
        config = _config_in_force(tolerant=tolerant)  # a fault in it is told before anything else is done
        check_defaults(ctx)
        refuse_defaults(ctx)
        check_variables(ctx)
        _check_values(ctx, {name: values[name] for name in given})
        options = {name: _configured(ctx, name, values.pop(name), config) for name in shared}
        _check_answers(ctx, {name: value for name, value in {**values, **options}.items() if name not in careful})
        gc.freeze()  # what the start made stays to the end: no collection need go through it
        gc.set_threshold(100_000)  # what is made by the thousand has no circles, and the default looks at it often
        gc.enable()  # __main__ begins without
        allow_open_files()
        function(make_session(ctx.command_path, options, config, changing=changing), **values)

    del command.__wrapped__
    command.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in [context, *parameters]}
    return command


def _check_values(ctx: typer.Context, given: dict[str, Any]) -> None:
    """Raise UsageFault for what is typed and means nothing, whatever the command.

    An empty value is a variable of a script that is not set: `--facts ""` would make its dry run a real one, and
    `-D ""` would mean this host.
    """
    for parameter in ctx.command.params:
        value = given.get(str(parameter.name))
        option = parameter.param_type_name == "option"
        label = max(parameter.opts, key=len) if option else parameter.human_readable_name.strip("[].")
        if value == "" or (isinstance(value, (list, tuple)) and "" in value):
            raise UsageFault(label, "it is empty", todo="leave it out, or say what is meant")


# What names a path, by its metavar; `-` is stdin.
PATHS = frozenset({"FILE", "DIR", "PATH", "MOUNTPOINT", "DEVICE", "DEVICE|MOUNTPOINT"})


def _check_answers(ctx: typer.Context, values: dict[str, Any]) -> None:
    """Raise Failed for a path whose server does not answer: whatever looked at it next would wait for ever."""
    paths: list[str] = []
    for parameter in ctx.command.params:
        if str(parameter.metavar).strip("[].") in PATHS:
            value = values.get(str(parameter.name))
            paths += [value] if isinstance(value, str) else value or []
    check_answers([path for path in paths if path not in {"", "-"}])


def _annotated(hint: Any) -> Any:
    """Python before 3.11 puts Optional around a hint whose default is None; typer must see the Annotated."""
    inner = [argument for argument in get_args(hint) if get_origin(argument) is Annotated]
    return inner[0] if inner else hint


def _source(ctx: typer.Context, name: str) -> str:
    """Where the value of a parameter comes from, as click's ParameterSource names it."""
    source = ctx.get_parameter_source(name)
    return source.name if source else ""


def _config_in_force(*, tolerant: bool) -> Config:
    """The config files. Raises UsageFault for a fault in one; where the command is tolerant that is a warning."""
    try:
        return load_config()
    except UsageFault as fault:
        if not tolerant:
            raise
        return Config(warnings=(PassedOver(fault.what, fault.why, whole=True),))


def _configured(ctx: typer.Context, name: str, value: Any, config: Config) -> Any:
    """A shared option's value; the top level of the config files stands in where nothing nearer gave one."""
    return config.shared.get(name, value) if _source(ctx, name) == "DEFAULT" else value


def make_session(command: str, options: dict[str, Any], config: Config, *, changing: bool) -> Session:
    """The session that these options ask for. Raises UsageFault for values that do not go together."""
    # A config file can have given them, past the parser.
    color, shape = COLOR(options["color"]), FORMAT(options.get("format", ""))
    facts = options.get("facts", "")
    dry_run = bool(options.get("dry_run") or shape or facts)
    if options.get("exit_code") and not dry_run:
        raise UsageFault("--exit-code", "it goes with --dry-run")
    json = options["json"] or shape == "json"
    return Session(
        screen=Screen(command, json, options["quiet"], color, chinese_for(os.environ, sys.stdout)),
        state_dir=options["state_dir"],
        config=config,
        verbose=options["verbose"],
        dry_run=dry_run,
        yes=options.get("yes", False),
        exit_code=options.get("exit_code", False),
        format=shape or "text",
        facts=facts,
        only_plan=options.get("only_plan", ""),
        lock_timeout=options.get("lock_timeout", 0.0),
        changes=changing,
    )
