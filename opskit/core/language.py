"""The language of who reads the screen. opskit speaks English; what a finding means it says in Chinese, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional, TextIO


def reads_chinese(environ: Mapping[str, str], stream: Optional[TextIO]) -> bool:
    """Whether the environment asks for messages in Chinese, simplified or not, and the stream can carry them.

    As gettext finds it (info gettext, "The LANGUAGE variable"): the first of LC_ALL, LC_MESSAGES and LANG that is
    not empty; LANGUAGE, a list, comes before it, but not where that is C.
    """
    locale = next((environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(name)), "C")
    if locale.partition(".")[0] in {"C", "POSIX"}:
        return False
    first = next(filter(None, environ.get("LANGUAGE", "").split(":")), locale)
    return first.partition(".")[0].partition("_")[0] == "zh" and _carries(stream)


def _carries(stream: Optional[TextIO]) -> bool:
    """Whether a text in Chinese can be written there: nobody's encoding has to be UTF-8."""
    try:
        "\u4e2d\u6587".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
