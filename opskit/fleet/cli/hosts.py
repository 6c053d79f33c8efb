"""Which hosts, and how they are reached: the options that the commands of fleet share, spelled as Ansible's."""

from __future__ import annotations

import configparser
import errno
import functools
import inspect
import os
import shlex
import stat
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Callable, NamedTuple, Optional, get_type_hints

import typer

from opskit import __version__
from opskit.core.errors import UsageFault
from opskit.core.ledger import new_run_id
from opskit.core.reach import check_answers
from opskit.core.units import now, time_text
from opskit.fleet.drive.ansible import ansible_config
from opskit.fleet.model import FleetRun
from opskit.options import one_of
from opskit.session import Session

Inventory = Annotated[
    Optional[list[str]],
    typer.Option(
        "--inventory", "-i", metavar="INVENTORY", help="What Ansible reads: a file, a folder, h1,h2, with commas."
    ),
]
Limit = Annotated[str, typer.Option("--limit", "-l", metavar="PATTERN", help="Only these hosts of it.")]
Forks = Annotated[int, typer.Option("--forks", metavar="N", min=0, help="So many hosts at once; 0: as Ansible is set.")]
User = Annotated[str, typer.Option("--user", "-u", metavar="NAME", help="Log in as this user.")]
PrivateKey = Annotated[str, typer.Option("--private-key", metavar="FILE", help="The key to log in with.")]
AskPass = Annotated[bool, typer.Option("--ask-pass", "-k", help="Ask for the password of the login.")]
Become = Annotated[bool, typer.Option("--become", "-b", help="Become root there, by sudo or as Ansible is set.")]
AskBecomePass = Annotated[bool, typer.Option("--ask-become-pass", "-K", help="Ask for the password to become root.")]
AskVaultPass = Annotated[bool, typer.Option("--ask-vault-pass", "-J", help="Ask for the password of the vault.")]
VaultId = Annotated[Optional[list[str]], typer.Option("--vault-id", metavar="ID", help="As Ansible's; several add up.")]
VaultFile = Annotated[
    str, typer.Option("--vault-password-file", metavar="FILE", help="Where the password of the vault is.")
]
Tool = Annotated[
    str,
    typer.Option(
        "--tool",
        metavar="HOW",
        parser=one_of("--tool", "auto", "installed", "send", "path"),
        help="Which opskit runs there: auto, installed, send, or path.",
    ),
]
ToolDir = Annotated[
    str, typer.Option("--tool-dir", metavar="DIR", help="Where the builds are that are sent to hosts without one.")
]
ToolPath = Annotated[str, typer.Option("--tool-path", metavar="PROGRAM", help="Where opskit is there, with path.")]
FleetRunName = Annotated[str, typer.Argument(metavar="FLEET-RUN", help="The run's id, the beginning of it, or `last`.")]


class Way(NamedTuple):
    """How the hosts are reached, of the options."""

    inventory: tuple[str, ...]
    limit: str
    forks: int
    ansible: tuple[str, ...]
    tool: dict[str, str]


def way(
    inventory: Inventory = None,
    limit: Limit = "",
    forks: Forks = 0,
    user: User = "",
    private_key: PrivateKey = "",
    ask_pass: AskPass = False,
    become: Become = False,
    ask_become_pass: AskBecomePass = False,
    ask_vault_pass: AskVaultPass = False,
    vault_id: VaultId = None,
    vault_password_file: VaultFile = "",
    tool: Tool = "auto",
    tool_dir: ToolDir = "",
    tool_path: ToolPath = "",
) -> Way:
    """The way of these options. Raises UsageFault for files that are not there."""
    if tool_path and tool != "path":
        raise UsageFault("--tool-path", "it goes with --tool path")
    if tool == "path" and not tool_path:
        raise UsageFault("--tool path", "it is not said where opskit is there", todo="--tool-path PROGRAM")
    if tool_dir and not os.path.isdir(tool_dir):
        raise UsageFault("--tool-dir", f"{tool_dir} is no directory")
    words: list[str] = []
    for name, value in (("--user", user), ("--private-key", _file("--private-key", private_key))):
        words += [f"{name}={value}"] if value else []
    flags = {
        "--ask-pass": ask_pass,
        "--become": become,
        "--ask-become-pass": ask_become_pass,
        "--ask-vault-pass": ask_vault_pass,
    }
    words += [name for name, wanted in flags.items() if wanted]
    words += [f"--vault-id={ident}" for ident in vault_id or ()]
    if vault_password_file:
        words.append(f"--vault-password-file={_file('--vault-password-file', vault_password_file)}")
    places = tuple(map(_place, inventory or ()))
    options = {"tool": tool, "tool_dir": os.path.abspath(tool_dir) if tool_dir else "", "tool_path": tool_path}
    return Way(places, limit, forks, tuple(words), {key: value for key, value in options.items() if value})


def reaching(function: Callable[..., None]) -> Callable[..., None]:
    """A command with all options of `way`; what they say it gets as its parameter `way`."""
    return _reaching(function, lambda given: _named(way(**given)))


def reaching_again(function: Callable[..., None]) -> Callable[..., None]:
    """The same for hosts that are known: without --limit, and without --inventory it is what it was."""
    return _reaching(function, lambda given: way(**given), without=("limit",))


def _named(chosen: Way) -> Way:
    """The way, if it says which hosts. Raises UsageFault."""
    if not chosen.inventory and not _has_own_inventory():
        raise UsageFault("--inventory", "it is not said which hosts", todo="-i FILE, or -i host1,host2,")
    return chosen


def _reaching(
    function: Callable[..., None], choose: Callable[[dict[str, Any]], Way], without: Sequence[str] = ()
) -> Callable[..., None]:
    own = list(inspect.signature(function).parameters.values())
    hints = {**get_type_hints(way, include_extras=True), **get_type_hints(function, include_extras=True)}
    options = [each for each in inspect.signature(way).parameters.values() if each.name not in without]

    def command(session: Session, **values: Any) -> None:
        chosen = {each.name: values.pop(each.name) for each in options}
        function(session, way=choose(chosen), **values)

    parameters = [*(each for each in own if each.name != "way"), *options]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters[1:]]
    functools.update_wrapper(command, function)
    del command.__wrapped__  # type: ignore[attr-defined]
    first = inspect.Parameter("session", inspect.Parameter.POSITIONAL_ONLY)
    command.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: hints[each.name] for each in parameters}
    return command


def _file(option: str, path: str) -> str:
    if path:
        _look_for(option, path)
    return os.path.abspath(path) if path else ""


def _look_for(option: str, path: str, todo: str = "") -> None:
    """Raise UsageFault where the path leads nowhere, or the caller may not see where.

    todo: what may have been meant, where there is nothing of that name
    """
    try:
        mode = os.stat(path).st_mode
        # An inventory or a password can be a program's, and one that is compiled need not be read.
        needed = os.R_OK | os.X_OK if stat.S_ISDIR(mode) else os.R_OK
        if not (os.access(path, needed) or (stat.S_ISREG(mode) and os.access(path, os.X_OK))):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = f"there is no file or folder {path}" if missing else f"{path} cannot be read ({error.strerror})"
        raise UsageFault(option, why, todo=todo if missing else "") from error


def _place(text: str) -> str:
    """An inventory as it means the same from anywhere. Raises UsageFault for what is none."""
    if "," in text:
        return text
    check_answers([text])
    _look_for("--inventory", text, f"-i {shlex.quote(text + ',')} for a host of that name")
    return os.path.abspath(text)


def _has_own_inventory() -> bool:
    """Whether Ansible has been told elsewhere which hosts there are."""
    if os.environ.get("ANSIBLE_INVENTORY") or os.path.exists("/etc/ansible/hosts"):
        return True
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(configparser.Error):
        parser.read_string(ansible_config().text)
    return bool(parser.get("defaults", "inventory", fallback=""))


def new_run(kind: str, argv: Sequence[str], way: Way) -> FleetRun:
    """A run over these hosts that begins now."""
    return FleetRun(
        new_run_id(),
        kind,
        time_text(now()),
        __version__,
        tuple(argv),
        way.inventory,
        limit=way.limit,
        forks=way.forks,
        ansible=way.ansible,
        tool=way.tool,
    )
