"""`opskit completion`: print the completion script of a shell, or the manual page."""

from __future__ import annotations

from typing import Annotated, Callable

import typer

from opskit import __version__
from opskit.commands import new_app
from opskit.completion.bash import bash_script
from opskit.completion.fish import fish_script
from opskit.completion.man import man_page
from opskit.completion.tree import Node, read_tree
from opskit.completion.zsh import zsh_script
from opskit.options import one_of, reads
from opskit.session import Session

app = new_app("", single=True)

WRITERS: dict[str, Callable[[Node], str]] = {
    "bash": bash_script,
    "zsh": zsh_script,
    "fish": fish_script,
    "man": lambda root: man_page(root, __version__),
}


@reads(app, "completion", example="opskit completion bash > /usr/share/bash-completion/completions/opskit")
def completion(
    session: Session,
    shell: Annotated[
        str,
        typer.Argument(
            metavar="SHELL", parser=one_of("SHELL", *WRITERS), help="bash, zsh or fish; or man for the manual page."
        ),
    ],
) -> None:
    """Print the completion script for a shell, or the manual page."""
    text = WRITERS[shell](tree())
    session.screen.answer({"shell": shell, "script": text}, lambda: session.screen.line(text.rstrip("\n")))


def tree() -> Node:
    """The tree of all commands. Imports every area, which nothing else does."""
    from opskit.cli import app as root  # noqa: PLC0415 (cli imports this module when it is asked for)

    return read_tree(typer.main.get_command(root))
