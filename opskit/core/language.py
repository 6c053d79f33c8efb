"""The language of who reads the screen. opskit speaks English; what a finding means it says in Chinese, too."""

from __future__ import annotations

from collections.abc import Mapping


def reads_chinese(environ: Mapping[str, str]) -> bool:
    """Whether the environment asks for messages in Chinese, simplified or not.

    As gettext finds it (info gettext, "The LANGUAGE variable"): the first of LC_ALL, LC_MESSAGES and LANG that is
    not empty; LANGUAGE, a list, comes before it, but not where that is C.
    """
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "C")
    if locale.partition(".")[0] in {"C", "POSIX"}:
        return False
    first = next(filter(None, environ.get("LANGUAGE", "").split(":")), locale)
    return first.partition(".")[0].partition("_")[0] == "zh"
