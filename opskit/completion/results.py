"""What `opskit completion` answers with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from opskit.core.jsonable import Shape
from opskit.core.results import planned


class ScriptAnswer(TypedDict):
    """A completion script, or the manual page (shell: man)."""

    shell: Annotated[str, Shape(words=("bash", "zsh", "fish", "man"))]
    script: str


class InstallResult(TypedDict):
    """The scripts that --install writes."""

    files: list[str]


RESULTS: dict[str, tuple[Any, ...]] = {"completion": (ScriptAnswer, *planned(InstallResult))}
