"""Where the shells of a host look for completions, and the plan of `opskit completion --install`. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from shlex import quote

from opskit.completion.steps import WriteCompletion
from opskit.core.errors import ExitCode
from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.record import dataclass

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
# An RPM or a deb of opskit is on the host where this is, and has these files (scripts/packaging/system.py).
PACKAGED = "/usr/libexec/opskit/bin/opskit"
OF_A_PACKAGE = {
    "bash": (FOR_ALL["bash"],),
    "zsh": ("/usr/share/zsh/site-functions/_opskit", "/usr/share/zsh/vendor-completions/_opskit"),
    "fish": (FOR_ALL["fish"],),
    "man": ("/usr/share/man/man1/opskit.1.gz",),
}


def package_paths(shell: str) -> tuple[str, ...]:
    """Where a package of opskit has the script of a shell, or a manual page: one of these."""
    if shell.startswith("man-"):
        return tuple(_page(path, shell) for path in OF_A_PACKAGE["man"])
    return OF_A_PACKAGE[shell]


def _page(path: str, shell: str) -> str:
    """The path of opskit-disk(1) from that of opskit(1), for man-disk."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.replace('opskit', f'opskit-{shell[4:]}')}"


@dataclass(frozen=True)
class InstallFacts:
    """What --install meets.

    data_home, config_home: the user's own folders for data and configuration, "" for root, who installs for all
    shells: of SHELLS, those that are on this host
    texts: the files that are there, by path
    brought: by shell, the file that a package of opskit has there: it is the package's to write, and to keep new
    """

    data_home: str = ""
    config_home: str = ""
    shells: tuple[str, ...] = SHELLS
    texts: dict[str, str] = field(default_factory=dict)
    brought: dict[str, str] = field(default_factory=dict)

    def is_brought(self, shell: str) -> bool:
        """Whether a package has it: but a copy of somebody's own is found before that, and goes on to be kept new."""
        path = self.path(shell)
        return shell in self.brought and (path == self.brought[shell] or path not in self.texts)

    def path(self, shell: str) -> str:
        """Where the script of a shell belongs, or a manual page."""
        if shell.startswith("man-"):
            return _page(self.path("man"), shell)
        if not self.data_home:
            return FOR_ALL[shell]
        return f"{self.config_home}/{FISH_FOR_USER}" if shell == "fish" else f"{self.data_home}/{FOR_USER[shell]}"


def decide_install(facts: InstallFacts, shell: str, scripts: dict[str, str], run: str) -> Decision:
    """The plan: a file for each shell of the host that has not got it, of its own or of a package.

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
    own = tuple(each for each in wanted if not facts.is_brought(each))
    steps = tuple(_steps(facts, own, scripts, run))
    written = [step.path for step in steps]
    paths = [facts.path(each) if each in own else facts.brought[each] for each in wanted]
    return Plan(title, steps, basis=tuple(written), notes=tuple(_notes(facts, own)), result={"files": paths})


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
