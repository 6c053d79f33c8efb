"""The config files: what stands below the command line and OPSKIT_*, the user's file over /etc's.

Keys on the top level are defaults of every command (SHARED), a table such as `[disk.mount]` has those of one
command; dashes in an option's name may be underscores. `[log]` and `[smtp]` are about the log (core/log_config.py),
`[check.AREA]` and `[[check.ignore]]` about findings (status/settings.py).
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterable
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from opskit.core.caller import own_folder
from opskit.core.errors import UsageFault
from opskit.core.files import read_bytes
from opskit.core.reach import silence_at
from opskit.core.record import dataclass
from opskit.core.text import nearest, toml_text
from opskit.core.trust import weak_spot
from opskit.core.units import configured_span, parse_seconds

if TYPE_CHECKING:
    from opskit.core.log_config import LogConfig, SmtpConfig

FILE_NAME = "opskit/config.toml"
ETC = "/etc"
# The shared options that may be configured for all commands, with their types.
SHARED: dict[str, Any] = {"color": str, "state_dir": str, "lock_timeout": str, "quiet": bool, "verbose": int}
# What each kind of value is to a person.
WANTED: dict[type, str] = {str: "a text in quotes", bool: "true or false", int: "a whole number"}
# A consent is given each time, by a person: these may not come from a file, in any table.
NEVER = ("yes", "wipe", "debug")


class PassedOver(NamedTuple):
    """What of a config file does not count, and why. whole: nothing of it does."""

    path: str
    why: str
    whole: bool = False

    @property
    def text(self) -> str:
        """It as a warning."""
        return f"{self.path}: {self.why}"


@dataclass(frozen=True)
class Config:
    """What the config files say.

    shared: values for the shared options of every command. defaults: click's default_map, by command.
    log: None for the defaults of LogConfig. checks: the tables below [check], and its list `ignore`.
    origin: which file each key ("disk.mount.fstype") and table came from.
    warnings: the files and keys that were passed over.
    """

    shared: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    log: Optional[LogConfig] = None
    smtp: Optional[SmtpConfig] = None
    checks: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    warnings: tuple[PassedOver, ...] = ()

    def fault(self, key: str, why: str, todo: str = "") -> UsageFault:
        """The error for a key, naming its file. todo: what to write there, if that can be told."""
        mend = f"mend the file: {todo}" if todo else "mend the file"
        return UsageFault(self.origin.get(key, "config file"), f"{key}: {why}", todo=mend)

    def unknown(self, key: str, why: str, words: Iterable[str]) -> PassedOver:
        """The warning for a key that nothing reads. words: those that it may have been meant to be."""
        meant = nearest(key.rpartition(".")[2], words)
        why = f"{key}: {why}" + (f"; did you mean {meant}?" if meant else "")
        return PassedOver(self.origin.get(key, "config file"), why)


@functools.lru_cache(maxsize=1)
def load_config() -> Config:
    """What the config files say; read once. Raises UsageFault, naming the file and the key."""
    data: dict[str, Any] = {}
    origin: dict[str, str] = {}
    warnings = []
    for path in config_paths():
        silence = silence_at(path)
        if silence:
            warnings.append(PassedOver(path, f"not read: {silence}", whole=True))
        elif not os.path.exists(path):
            if os.environ.get("OPSKIT_CONFIG"):
                warnings.append(PassedOver(path, "there is no such config file", whole=True))
        elif weak := weak_spot(path):
            todo = "root must own it, and each directory above it, and nobody else may write there"
            warnings.append(PassedOver(path, f"not read, for others can change it: {weak}; {todo}", whole=True))
        else:
            _merge(data, _read(path), path, "", origin)
    shared = {key: data.pop(key) for key in SHARED if key in data}
    config = Config(shared, {}, origin=origin, warnings=tuple(warnings))
    for key, value in shared.items():
        shared[key] = _read_shared(config, key, value)
    log, smtp = data.pop("log", None), data.pop("smtp", None)
    checks = _take_checks(data)
    unknown = [key for key, value in data.items() if not isinstance(value, dict)]
    warnings += [config.unknown(key, "no such option for all commands", SHARED) for key in unknown]
    defaults = {key: value for key, value in data.items() if key not in unknown}
    config = replace(config, defaults=defaults, checks=checks, warnings=tuple(warnings))
    if log is None and smtp is None:
        return config
    from opskit.core.log_config import read_log, read_smtp  # noqa: PLC0415 - most hosts do without

    found_log = None if log is None else read_log(log, config.fault)
    found_smtp = None if smtp is None else read_smtp(smtp, config.fault)
    return replace(config, log=found_log, smtp=found_smtp)


def _take_checks(data: dict[str, Any]) -> dict[str, Any]:
    """What of [check] is about findings, and no option of the command; taken out of data."""
    table = data.get("check")
    if not isinstance(table, dict):
        return {}
    return {key: table.pop(key) for key in [*table] if isinstance(table[key], dict) or key == "ignore"}


def config_paths() -> list[str]:
    """The files, the weakest first. One that OPSKIT_CONFIG names takes the place of both."""
    named = os.environ.get("OPSKIT_CONFIG")
    if named == os.devnull:  # which is as good as empty
        return []
    if named:
        return [named]
    return [os.path.join(folder, FILE_NAME) for folder in (ETC, _users_config()) if folder]


def _users_config() -> str:
    """Where the user's own config is, "" for nowhere. Under sudo it is root's: HOME may be that of who called it."""
    if os.geteuid() == 0 and "SUDO_USER" in os.environ:
        import pwd  # noqa: PLC0415 - only here

        return os.path.join(pwd.getpwuid(0).pw_dir, ".config")
    return own_folder("XDG_CONFIG_HOME")


def _read(path: str) -> dict[str, Any]:
    # Only here: most hosts have no config file, and reading TOML costs start-up time.
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        data: dict[str, Any] = toml.loads(read_bytes(path).decode())
    except OSError as error:
        raise UsageFault(path, f"the config file cannot be read ({error.strerror})", todo=f"ls -l {path}") from error
    except (ValueError, RecursionError) as error:
        raise UsageFault(path, f"not TOML: {error}", todo="mend the file") from error
    return data


def _merge(into: dict[str, Any], data: dict[str, Any], path: str, prefix: str, origin: dict[str, str]) -> None:
    """Put data over into, table by table, noting where each key comes from."""
    for written, value in data.items():
        key = written if isinstance(value, dict) else written.replace("-", "_")
        origin[prefix + key] = path
        if key in NEVER:
            why = f"{prefix + key}: this may not come from a config file"
            raise UsageFault(path, why, todo=f"take it out; type --{key} where it is meant")
        if isinstance(value, dict):
            table = into.get(key)
            into[key] = table if isinstance(table, dict) else {}
            _merge(into[key], value, path, f"{prefix}{key}.", origin)
        else:
            into[key] = value


def _read_shared(config: Config, key: str, value: Any) -> Any:
    """The value of a shared option; seconds for a span, which opskit 0.1.0 had as a number. Raises UsageFault."""
    if key == "lock_timeout" and isinstance(value, (str, int, float)):
        return _seconds(config, key, configured_span(value))
    wanted = SHARED[key]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise config.fault(key, f"{WANTED[wanted]} is wanted, not {toml_text(value)}")
    if isinstance(value, int) and value < 0:
        raise config.fault(key, f"{value} is out of range: 0 or more")
    return value


def _seconds(config: Config, key: str, text: str) -> float:
    try:
        return parse_seconds(key, text)
    except UsageFault as fault:
        raise config.fault(key, fault.why, fault.todo) from fault
