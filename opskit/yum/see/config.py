"""Which folders dnf's configuration, and the command line of a dnf that runs, name for its locks (dnf.conf(5))."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from opskit.core.files import read_bytes
from opskit.core.reach import check_answers

_KEYS = ("cachedir", "persistdir", "logdir", "system_state_dir")
_NAMED = re.compile(rf"^({'|'.join(_KEYS)})[ \t]*[=:]", re.MULTILINE)
# A configuration of a megabyte is none.
_MOST_BYTES = 1_000_000


class Setting(NamedTuple):
    """key: cachedir, persistdir, logdir or system_state_dir; value: the folder, absolute, below the installroot."""

    key: str
    value: str


class DnfOptions(NamedTuple):
    """What the command line of a dnf says of the places of its locks.

    installroot: absolute; "" for the host.
    config: the file that -c names, "" without one.
    settings: those of --setopt.
    """

    installroot: str
    config: str
    settings: tuple[Setting, ...]


_DROP_INS = ("/usr/share/dnf5/libdnf.conf.d", "/etc/dnf/libdnf5.conf.d")


def settings_of(root: str) -> Iterator[Setting]:
    """The folders that the configuration below root names; dnf takes the host's where the root has none."""
    check_answers(root + path for path in ("/etc/dnf/dnf.conf", *_DROP_INS))
    own = [f"{root}/etc/dnf/dnf.conf", *_drop_ins(root)]
    if root and not os.path.exists(own[0]):
        own = ["/etc/dnf/dnf.conf", *_drop_ins("")]
    for path in own:
        yield from read_settings(path)


def _drop_ins(root: str) -> list[str]:
    """What dnf 5 reads after its dnf.conf: the distribution's, then the host's own."""
    paths = []
    for folder in _DROP_INS:
        try:
            names = sorted(os.listdir(root + folder))
        except OSError:
            continue
        paths += [f"{root}{folder}/{name}" for name in names if name.endswith(".conf")]
    check_answers(paths)
    return paths


def read_settings(path: str) -> Iterator[Setting]:
    """The folders that section [main] of this file names; none where it cannot be read."""
    text = _text(path)
    if not _NAMED.search(text):
        return
    import configparser  # noqa: PLC0415 - few hosts have such a setting

    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return  # dnf refuses it as well
    for key in _KEYS:
        value = parser.get("main", key, fallback="") or ""
        if value.startswith("/"):
            yield Setting(key, value)


def _text(path: str) -> str:
    try:
        return read_bytes(path, _MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def dnf_options(words: Sequence[str]) -> DnfOptions:
    """What a command line says: `--setopt=cachedir=/c`, `--setopt cachedir=/c`, `-c FILE`, `--installroot DIR`."""
    root, config, settings = "", "", []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in {"--setopt", "--config", "-c", "--installroot"}:
            value = value if equals else next(rest, "")
        if name == "--setopt":
            key, _, folder = value.partition("=")
            if key in _KEYS and folder.startswith("/"):
                settings.append(Setting(key, folder))
        elif name in {"--config", "-c"}:
            config = value
        elif name == "--installroot":
            root = os.path.normpath(value).rstrip("/") if value else ""
    return DnfOptions(root, config, tuple(settings))
