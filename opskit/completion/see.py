"""Look at what `opskit completion --install` meets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import replace

from opskit.completion.install import PACKAGED, SHELLS, InstallFacts, package_paths
from opskit.core.caller import own_folder
from opskit.core.errors import Missing
from opskit.core.runner import ENVIRONMENT
from opskit.core.textfile import read_text


def see_install(names: Iterable[str]) -> InstallFacts:
    """The shells of this host, and which of these files are there. Raises Failed for an unreadable one, Missing."""
    data, config = ("", "") if os.geteuid() == 0 else map(_home, ("XDG_DATA_HOME", "XDG_CONFIG_HOME"))
    shells = tuple(shell for shell in SHELLS if shutil.which(shell, path=ENVIRONMENT["PATH"]))
    facts = InstallFacts(data, config, shells)
    paths = {name: facts.path(name) for name in names}
    texts = {path: text for path in paths.values() if (text := read_text(path)) is not None}
    return replace(facts, texts=texts, brought=_brought(paths))


def _brought(names: Iterable[str]) -> dict[str, str]:
    """What a package of opskit has on this host of these, by name."""
    if not os.path.exists(PACKAGED):
        return {}
    return {name: path for name in names for path in package_paths(name) if os.path.exists(path)}


def _home(variable: str) -> str:
    """A folder of the user's. Raises Missing where he has no home."""
    folder = own_folder(variable)
    if not folder:
        why = f"user {os.geteuid()} has no home directory: neither HOME nor the user database names one"
        raise Missing(
            "opskit completion --install", why, todo=f"{variable}=DIR before it", state="Nothing was changed."
        )
    return folder
