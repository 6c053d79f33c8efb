"""Look at what `opskit completion --install` meets."""

from __future__ import annotations

import os
import shutil

from opskit.completion.install import FOR_ALL, SHELLS, InstallFacts
from opskit.core.command import Runner
from opskit.core.runner import ENVIRONMENT
from opskit.core.textfile import read_text


def see_install(_runner: Runner) -> InstallFacts:
    """The shells of this host, and which files are there. Raises Failed for one that cannot be read."""
    home = "" if os.geteuid() == 0 else os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    shells = tuple(shell for shell in SHELLS if shutil.which(shell, path=ENVIRONMENT["PATH"]))
    facts = InstallFacts(home, shells)
    paths = [facts.path(shell) for shell in FOR_ALL]
    return InstallFacts(home, shells, {path: text for path in paths if (text := read_text(path)) is not None})
