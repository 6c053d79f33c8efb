"""`opskit completion`: print the completion script of a shell, or the manual page, or install it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Callable

import typer

from opskit import __version__, areas
from opskit.commands import new_app
from opskit.completion.bash import bash_script
from opskit.completion.fish import fish_script
from opskit.completion.man import area_page, man_page
from opskit.completion.tree import Node, read_tree
from opskit.completion.zsh import zsh_script
from opskit.core.errors import UsageFault
from opskit.options import Words, changes
from opskit.session import Session

app = new_app("", single=True)


def _area_page(word: str, root: Node) -> str:
    return area_page(root, word, __version__, areas.load_thresholds())


WRITERS: dict[str, Callable[[Node], str]] = {
    "bash": bash_script,
    "zsh": zsh_script,
    "fish": fish_script,
    "man": lambda root: man_page(root, __version__),
    **{f"man-{word}": partial(_area_page, word) for word in areas.ENTRIES},
}


@changes(
    app,
    "completion",
    facts=False,
    formats=False,
    example="opskit completion --install",
)
def completion(
    session: Session,
    shell: Annotated[
        str,
        typer.Argument(
            metavar="[SHELL]",
            parser=Words("SHELL", WRITERS, told="bash, zsh, fish, man, and man-disk and so on"),
            help="bash, zsh or fish; or man for opskit(1), man-disk for opskit-disk(1) and so on.",
        ),
    ] = "",
    install: Annotated[
        bool, typer.Option("--install", help="Write the file: root for all users, another user for himself.")
    ] = False,
) -> None:
    """Print the completion script for a shell, or a manual page; --install puts it where the shell, or man, looks.

    Without SHELL, --install does that for each of the three shells that the host has; `man --install` writes all pages.
    An RPM or a deb of opskit brings these files with it, and --install leaves them to it.
    """
    if install:
        _install(session, shell)
        return
    if not shell:
        raise UsageFault("opskit completion", "which shell?", todo="opskit completion bash; or --install")
    text = WRITERS[shell](tree())
    session.screen.answer({"shell": shell, "script": text}, lambda: session.screen.line(text.rstrip("\n")))


def _install(session: Session, shell: str) -> None:
    from opskit.act import Chore, act, tell  # noqa: PLC0415 - to print a script takes none of it
    from opskit.completion.install import SHELLS, decide_install  # noqa: PLC0415
    from opskit.completion.see import see_install  # noqa: PLC0415

    commands = tree()
    names = [name for name in WRITERS if name.startswith("man")] if shell == "man" else [shell] if shell else SHELLS
    scripts = {name: WRITERS[name](commands) for name in names}
    chore = Chore(
        lambda _: see_install(scripts), lambda facts, run: decide_install(facts, shell, scripts, run), lasting=False
    )
    outcome = act(session, chore)
    files = ", ".join(outcome.plan.result["files"])
    done = f"{outcome.plan.title}: {files}" + ("" if shell.startswith("man") else "; a new shell has it")
    tell(session, outcome, done, f"in place: {files}")


def tree() -> Node:
    """The tree of all commands. Imports every area, which nothing else does."""
    from opskit.cli import app as root  # noqa: PLC0415 (cli imports this module when it is asked for)

    return read_tree(typer.main.get_command(root))
