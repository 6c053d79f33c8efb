"""The root command: loads an area only when it is named; the one place where an error becomes a message and a code."""

from __future__ import annotations

import errno
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn, Optional

import typer
from typer.core import TyperGroup

from opskit import __version__, areas
from opskit.commands import LazyGroup, bare_group, new_app, variable_name, warn
from opskit.core.caller import take_umask
from opskit.core.config import Config, load_config
from opskit.core.errors import ExitCode, Failed, Interrupted, OpskitError, TooOld, UsageFault
from opskit.core.finding import follow_up
from opskit.core.text import masked
from opskit.ui.screen import Screen

# typer 0.28 brings its own click and typer 0.23 (Python 3.9) uses click: the classes are found through typer.
UsageError: Any = typer.BadParameter.__mro__[1]

EXAMPLE = """Example: opskit disk mount /dev/vdb /data --dry-run

Every change shows its plan and asks; --dry-run stops after the plan; opskit undo takes a run back.

opskit help COMMAND explains a command."""


class RootGroup(LazyGroup):
    """The top level: its names are known, their modules are imported when one is named."""

    entries = areas.ENTRIES

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """As click does; `opskit help disk mount` is `opskit disk mount --help`."""
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)


app = new_app(EXAMPLE, group=RootGroup)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Give the root its --version; a bare `opskit` prints its help and exits 2."""
    if version:
        from opskit.core.build import version_line  # noqa: PLC0415

        print(version_line())
        raise typer.Exit
    bare_group(ctx)


def main(arguments: list[str], needed: Optional[str] = None) -> int:
    """Run the command line. Returns the exit code; every error has been shown by then, an unwritable stdout as well.

    needed: the release of opskit that the caller needs, None for any
    """
    take_umask()
    for number, handler in HANDLERS.items():
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup, for what opskit starts, too
            signal.signal(number, handler)
    stdout = sys.stdout
    try:
        code = _invoke(arguments, needed)
        sys.stdout.flush()
    except Interrupted as signalled:  # when the command had ended, before the answer was written
        return _show(signalled, [])
    except KeyboardInterrupt:
        return _show(Interrupted(signal.SIGINT, state=_nothing_under_way()), [])
    except BrokenPipeError:
        _forget_stdout()  # `| head -1` has read enough
        return 128 + signal.SIGPIPE
    except OSError as error:
        _forget_stdout()
        why = f"the answer cannot be written ({error.strerror})"
        execute = sys.modules.get("opskit.core.execute")  # hardly any command has loaded it
        state = f"What was changed: {follow_up('history')}." if execute and execute.begun_runs else ""
        _show(Failed("stdout", why, todo="make room", state=state), [])
        return ExitCode.FAILED
    if sys.stdout is not stdout:  # typer puts another there where nobody reads any more, and says 1
        _forget_stdout()
        return 128 + signal.SIGPIPE
    return code


def _forget_stdout() -> None:
    """Python would complain once more when it flushes stdout at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted(number: int, _frame: Optional[FrameType]) -> NoReturn:
    raise Interrupted(number, state=_nothing_under_way())


HANDLERS: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: _interrupted,
    signal.SIGHUP: _interrupted,
}


def _nothing_under_way() -> str:
    return f"No step was under way; {follow_up('history')} lists what has been done."


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _invoke(arguments: list[str], needed: Optional[str]) -> int:
    try:
        check_release(needed)
        config = _config()
        for warning in config.warnings:
            warn(warning.text)
        result = typer.main.get_command(app).main(
            arguments, "opskit", standalone_mode=False, default_map=config.defaults
        )
    except OpskitError as error:
        return _show(error, arguments)
    except UsageError as error:
        return _show(_usage(error, arguments), arguments)
    except (KeyboardInterrupt, typer.Abort):
        return _show(Interrupted(signal.SIGINT, state=_nothing_under_way()), arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    except BrokenPipeError:
        raise
    except Exception as error:
        # Whoever writes a file tells of a full disk himself; what is left is stdout.
        if "--debug" in arguments or (isinstance(error, OSError) and error.errno in FULL):
            raise
        return _show(_fault(error), arguments)
    if result == 128 + signal.SIGINT:  # what typer makes of a KeyboardInterrupt
        return _show(Interrupted(signal.SIGINT, state=_nothing_under_way()), arguments)
    return result if isinstance(result, int) else ExitCode.DONE


def _fault(error: Exception) -> Failed:
    """What nobody had foreseen, as an error."""
    if isinstance(error, FileNotFoundError) and error.filename is None and _homeless():
        return Failed("the working directory", "it has been removed: no relative path leads anywhere", todo="cd /")
    todo = "the same command with --debug shows where; please report it"
    if isinstance(error, ImportError):  # each module is loaded when it is needed, and a package may be another by then
        todo = f"where opskit was upgraded or removed meanwhile, the same command again; else: {todo}"
    return Failed("a fault in opskit", f"{type(error).__name__}: {error}", todo=todo)


def _homeless() -> bool:
    """Whether the directory that this was started in is gone, as that of a release that was replaced."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def check_release(needed: Optional[str]) -> None:
    """Raise TooOld where this opskit is older than that release; UsageFault for what is no release. None is any."""
    if needed is None:
        return
    from opskit.core.build import RELEASE, fits  # noqa: PLC0415 - only --needs asks

    if not RELEASE.match(needed):
        raise UsageFault("--needs", f"{needed!r} is no release, such as {__version__}")
    if not fits(needed):
        raise TooOld(
            f"--needs {needed}",
            f"this is opskit {__version__}, and {needed} or newer is needed",
            todo=f"install opskit {needed}",
            state="Nothing was changed.",
        )


def _config() -> Config:
    """The config files; one with a fault stops neither --help nor --version, and a command when it begins (options)."""
    try:
        return load_config()
    except UsageFault:
        return Config()


def _usage(error: Any, arguments: list[str]) -> UsageFault:
    """A click usage error in opskit's form; it names the nearest option by itself."""
    path = error.ctx.command_path if error.ctx else _command_name(arguments)
    return UsageFault(path, error.format_message(), todo=f"{path} --help")


def _show(error: OpskitError, arguments: list[str]) -> int:
    if "--debug" in arguments:
        import traceback  # noqa: PLC0415

        lines = traceback.format_exception(type(error), error, error.__traceback__)
        print(masked("".join(lines)), end="", file=sys.stderr)
    command = _command_name(arguments)
    form = _value(arguments, "--format") or _variable(command, "--format")
    json = "--json" in arguments or form == "json" or _variable(command, "--json").lower() in TRUE
    installs = _value(arguments, "--install-timer") or _variable(command, "--install-timer")  # a person reads that
    asks = (command, form) == ("opskit check", "nagios") and not json and not installs
    if asks and not isinstance(error, Interrupted):
        from opskit.ui.errors import NAGIOS_UNKNOWN, nagios_unknown  # noqa: PLC0415

        print(nagios_unknown(error))  # 2, a wrong use to opskit, is critical to Nagios
        return NAGIOS_UNKNOWN
    color = _value(arguments, "--color") or _variable(command, "--color") or os.environ.get("OPSKIT_COLOR") or "auto"
    screen = Screen(command, json=json, color=color, chinese=areas.chinese_for(os.environ, sys.stdout))
    if screen.json:
        from opskit.core.envelope import envelope  # noqa: PLC0415

        print(envelope(screen.command, findings=error.findings, error=error))
    else:
        from opskit.ui.errors import draw_error  # noqa: PLC0415

        try:
            draw_error(screen, error)
        except BrokenPipeError:
            raise
        except OSError:  # a terminal that is gone, a full disk: what happened is told by the exit code alone
            pass
    return error.exit_code


def _value(arguments: list[str], option: str) -> str:
    """What was given to an option; here it may have been typed wrongly, so nothing has been parsed."""
    for number, word in enumerate(arguments):
        if word == option:
            return "".join(arguments[number + 1 : number + 2])
        if word.startswith(f"{option}="):
            return word[len(option) + 1 :]
    return ""


# What click takes for yes in the variable of a flag.
TRUE = {"1", "true", "t", "yes", "y", "on"}


def _variable(command: str, option: str) -> str:
    """The variable of an option of a command; nothing has been parsed, as in _value."""
    return os.environ.get(variable_name(f"{command} {option}"), "")


def _command_name(arguments: list[str]) -> str:
    """The command that was named, as a success has it in its envelope."""
    words: list[str] = ["opskit"]
    command: Any = typer.main.get_command(app)
    ctx: Any = None  # the groups know their commands without one
    for word in arguments:
        inner = command.get_command(ctx, word) if isinstance(command, TyperGroup) else None
        if inner is None:
            break
        words.append(word)
        command = inner
    return " ".join(words)
