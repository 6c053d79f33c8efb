"""Where the shells of a host look for completions, and the plan of `opskit completion --install`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from shlex import quote

from opskit.completion.steps import WriteCompletion
from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal

SHELLS = ("bash", "zsh", "fish")
# For all users. bash-completion 2.1 (EL7) looks nowhere else; zsh of Debian and of EL have this folder in fpath.
FOR_ALL = {
    "bash": "/usr/share/bash-completion/completions/opskit",
    "zsh": "/usr/local/share/zsh/site-functions/_opskit",
    "fish": "/usr/share/fish/vendor_completions.d/opskit.fish",
    "man": "/usr/local/share/man/man1/opskit.1",  # man-disk: opskit-disk.1 beside it
}
# For one user, below his folder for data; zsh has no such folder of its own (see zsh-not-in-fpath).
FOR_USER = {
    "bash": "bash-completion/completions/opskit",
    "zsh": "zsh/site-functions/_opskit",
    "man": "man/man1/opskit.1",
}
# And below that for configuration, where every release of fish looks.
FISH_FOR_USER = "fish/completions/opskit.fish"


@dataclass(frozen=True)
class InstallFacts:
    """What --install meets.

    data_home, config_home: the user's own folders for data and configuration, "" for root, who installs for all
    shells: of SHELLS, those that are on this host
    texts: the files that are there, by path
    """

    data_home: str = ""
    config_home: str = ""
    shells: tuple[str, ...] = SHELLS
    texts: dict[str, str] = field(default_factory=dict)

    def path(self, shell: str) -> str:
        """Where the script of a shell belongs, or a manual page."""
        if shell.startswith("man-"):
            return f"{self.path('man').rpartition('/')[0]}/opskit-{shell.partition('-')[2]}.1"
        if not self.data_home:
            return FOR_ALL[shell]
        return f"{self.config_home}/{FISH_FOR_USER}" if shell == "fish" else f"{self.data_home}/{FOR_USER[shell]}"


def decide_install(facts: InstallFacts, shell: str, scripts: dict[str, str], run: str) -> Decision:
    """The plan: a file for each shell of the host that has not got it.

    shell: the one that was asked for, "" for all
    scripts: what is written, by shell
    run: names the backups
    """
    title = "install completion" + (f" for {shell}" if shell in SHELLS else "")
    if shell.startswith("man"):
        title = "install the manual pages" if shell == "man" else f"install the manual page opskit-{shell[4:]}(1)"
    wanted = tuple(scripts) if shell == "man" else (shell,) if shell else facts.shells
    if not wanted:
        why = f"this host has none of {', '.join(SHELLS)}"
        return Refusal(title, (Reason("no-shell", why, "name the shell", exit_code=ExitCode.MISSING),))
    steps = tuple(_steps(facts, wanted, scripts, run))
    written = [step.path for step in steps]
    paths = [facts.path(each) for each in wanted]
    return Plan(title, steps, basis=tuple(written), notes=tuple(_notes(facts, wanted)), result={"files": paths})


def _steps(
    facts: InstallFacts, wanted: tuple[str, ...], scripts: dict[str, str], run: str
) -> Iterator[WriteCompletion]:
    for shell in wanted:
        path = facts.path(shell)
        before = facts.texts.get(path)
        if before != scripts[shell]:
            kept = () if before is None else (before,)
            yield WriteCompletion(shell, path, scripts[shell], kept, f"{path}.opskit-{run}")


def _notes(facts: InstallFacts, wanted: tuple[str, ...]) -> Iterator[Finding]:
    """What the user has to do himself."""
    if facts.data_home and "zsh" in wanted:
        folder = facts.path("zsh").rpartition("/")[0]
        title = f"zsh looks into {folder} only when fpath has it"
        yield Finding(
            "zsh-not-in-fpath", "info", title, remedy=f"in ~/.zshrc, before compinit: fpath+=({quote(folder)})"
        )
