"""The commands of `opskit journal`. What changes the host goes through opskit/act.py; the words are here."""

from __future__ import annotations

import os
from typing import Annotated, ClassVar

import typer

from opskit.areas import Entry
from opskit.core.caller import machine_id
from opskit.core.errors import Missing, UsageFault
from opskit.journal.model import Directory, Version
from opskit.journal.scope import Scope, read_scope, valid_namespace
from opskit.journal.version import Rules, parse_version, rules_of, running_version
from opskit.options import LazyGroup, new_app, reads
from opskit.session import Session


class JournalGroup(LazyGroup):
    """The commands here, and those that have a module of their own: imported when they are named."""

    entries: ClassVar[dict[str, Entry]] = {}


app = new_app(
    "Example: opskit journal vacuum 2d --dry-run\n\n"
    "The journal: what fills it, what a vacuum will delete, what is damaged, a limit that lasts.",
    group=JournalGroup,
)

InDirectory = Annotated[
    str, typer.Option("--directory", "-D", metavar="DIR", help="The journals in this directory instead.")
]
Root = Annotated[str, typer.Option("--root", metavar="DIR", help="The journals of the system below this directory.")]
Namespace = Annotated[
    str, typer.Option("--namespace", metavar="NAME", help="The journal of this namespace; * for all of them.")
]
SystemdVersion = Annotated[
    str,
    typer.Option("--systemd-version", metavar="VERSION", help="Decide as this systemd does: 239, 252-32.el9."),
]


@reads(app, "usage", example="opskit journal usage")
def usage(session: Session, directory: InDirectory = "", root: Root = "", namespace: Namespace = "*") -> None:
    """Show what the journal takes: per directory, namespace and machine."""
    from opskit.journal.show import draw_usage, usage_json  # noqa: PLC0415

    scope = scope_of(directory, root, namespace, everything=True)
    directories = read_all(scope, rules_of(Version(257)))
    session.screen.answer(usage_json(directories), lambda: draw_usage(session.screen, directories))


def scope_of(directory: str, root: str, namespace: str, *, everything: bool = False) -> Scope:
    """The scope that these options ask for. Raises UsageFault."""
    if directory and root:
        raise UsageFault("--root", "it does not go with --directory")
    if namespace.lstrip("+") and namespace != "*" and not valid_namespace(namespace.lstrip("+")):
        raise UsageFault("--namespace", f"{namespace!r} is no name of a namespace")
    return Scope(
        directory=os.path.abspath(directory) if directory else "",
        root=os.path.abspath(root) if root else "",
        namespace=namespace,
        everything=everything,
    )


def rules_for(session: Session, text: str) -> tuple[Version, Rules]:
    """The systemd to decide for: the one named, else the one on this host."""
    version = parse_version(text) if text else running_version(session.runner)
    return version, rules_of(version)


def read_all(scope: Scope, rules: Rules) -> tuple[Directory, ...]:
    """The directories of a scope. Raises UsageFault when -D is not there, Missing when it may not be read."""
    try:
        return read_scope(scope, rules, machine_id())
    except PermissionError as error:
        raise Missing(scope.directory, "this user may not read it", todo="the same with sudo") from error
    except OSError as error:
        raise UsageFault(scope.directory, f"no directory to look at ({error.strerror})") from error
