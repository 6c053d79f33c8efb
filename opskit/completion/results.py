"""What `opskit completion` answers with --json: types alone (core/results.py)."""

from __future__ import annotations

from typing import Any, TypedDict

from opskit.core.results import planned


class ScriptAnswer(TypedDict):
    """A completion script, or a manual page.

    shell: bash, zsh or fish; man for opskit(1), man-disk for opskit-disk(1) and so on
    """

    shell: str
    script: str


class InstallResult(TypedDict):
    """The scripts that --install writes."""

    files: list[str]


RESULTS: dict[str, tuple[Any, ...]] = {"completion": (ScriptAnswer, *planned(InstallResult))}
