"""The config files: what stands below the command line and OPSKIT_*, the user's file over /etc's.

Keys on the top level are defaults of every command (SHARED), a table such as `[disk.mount]` has those of one
command; dashes in an option's name may be underscores. `[log]` and `[smtp]` are about the log (core/log.py).
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Optional

from opskit.core.errors import UsageFault
from opskit.core.jsonable import ShapeError, from_json

FILE_NAME = "opskit/config.toml"
ETC = "/etc"
# The shared options that may be configured for all commands, with their types.
SHARED: dict[str, Any] = {"color": str, "state_dir": str, "lock_timeout": float, "quiet": bool, "verbose": int}
# A consent is given each time, by a person: these may not come from a file, in any table.
NEVER = ("yes", "wipe", "debug")
LEVELS = ("debug", "info", "warning", "error")
# How mail may be sent, with the usual port of each.
TLS_PORTS = {"none": 25, "starttls": 587, "tls": 465}


@dataclass(frozen=True)
class LogConfig:
    """The log in the state directory. level: one of LEVELS. files: how many are kept, each up to max_bytes."""

    level: str = "info"
    files: int = 20
    max_bytes: int = 10 * 1024 * 1024


@dataclass(frozen=True)
class SmtpConfig:
    """Where errors are mailed to. tls: a key of TLS_PORTS. port: 0 for the usual one.

    credentials_file: two lines, user and password; mode 0600. Empty for a server that asks for none.
    """

    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 0
    tls: str = "starttls"
    credentials_file: str = ""


@dataclass(frozen=True)
class Config:
    """What the config files say.

    shared: values for the shared options of every command. defaults: click's default_map, by command.
    origin: which file each key ("disk.mount.fstype") and table came from.
    """

    shared: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    log: LogConfig = field(default_factory=LogConfig)
    smtp: Optional[SmtpConfig] = None
    origin: dict[str, str] = field(default_factory=dict)

    def fault(self, key: str, why: str) -> UsageFault:
        """The error for a key, naming its file."""
        return UsageFault(self.origin.get(key, "config file"), f"{key}: {why}", todo="mend the file")


@functools.lru_cache(maxsize=1)
def load_config() -> Config:
    """What the config files say; read once. Raises UsageFault, naming the file and the key."""
    data: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for path in _paths():
        _merge(data, _read(path), path, "", origin)
    shared = {key: data.pop(key) for key in SHARED if key in data}
    config = Config(shared, {}, origin=origin)
    for key, value in shared.items():
        _check_shared(config, key, value)
    log = _section(config, LogConfig, "log", data.pop("log", {}))
    smtp = data.pop("smtp", None)
    for key, value in data.items():
        if not isinstance(value, dict):
            raise config.fault(key, "no such option for all commands; they are " + ", ".join(SHARED))
    config = Config(shared, data, log, None if smtp is None else _section(config, SmtpConfig, "smtp", smtp), origin)
    _check_log(config)
    return config


def _paths() -> list[str]:
    """The files that there are, the weakest first. One that OPSKIT_CONFIG names takes the place of both."""
    named = os.environ.get("OPSKIT_CONFIG")
    user = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    paths = [named] if named else [os.path.join(ETC, FILE_NAME), os.path.join(user, FILE_NAME)]
    return [path for path in paths if os.path.exists(path)]


def _read(path: str) -> dict[str, Any]:
    # Only here: most hosts have no config file, and reading TOML costs start-up time.
    toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        with open(path, "rb") as file:
            data: dict[str, Any] = toml.load(file)
    except OSError as error:
        raise UsageFault(path, f"the config file cannot be read ({error.strerror})", todo=f"ls -l {path}") from error
    except ValueError as error:
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


def _check_shared(config: Config, key: str, value: Any) -> None:
    wanted = (int, float) if SHARED[key] is float else SHARED[key]
    if not isinstance(value, wanted) or (isinstance(value, bool) and SHARED[key] is not bool):
        raise config.fault(key, f"{SHARED[key].__name__} is wanted, not {value!r}")
    if isinstance(value, (int, float)) and value < 0:
        raise config.fault(key, f"{value!r} is less than 0")


def _section(config: Config, cls: Any, name: str, data: Any) -> Any:
    """[log] or [smtp] as its dataclass."""
    if isinstance(data, dict) and "from" in data:
        data = {"sender" if key == "from" else key: value for key, value in data.items()}
    try:
        return from_json(cls, data)
    except ShapeError as error:
        raise config.fault(name, str(error).replace("SmtpConfig", "[smtp]").replace("LogConfig", "[log]")) from error


def _check_log(config: Config) -> None:
    log, smtp = config.log, config.smtp
    if log.level not in LEVELS:
        raise config.fault("log.level", f"{log.level!r} is none of {', '.join(LEVELS)}")
    if log.files < 2 or log.max_bytes < 1:
        raise config.fault("log", "files is at least 2 and max_bytes at least 1")
    if smtp is None:
        return
    if smtp.tls not in TLS_PORTS:
        raise config.fault("smtp.tls", f"{smtp.tls!r} is none of {', '.join(TLS_PORTS)}")
    if not 0 <= smtp.port < 65536:
        raise config.fault("smtp.port", f"{smtp.port} is no port")
    if not smtp.to:
        raise config.fault("smtp.to", "it names nobody")
    if smtp.tls == "none" and smtp.credentials_file:
        raise config.fault("smtp.credentials_file", "a password does not travel without TLS")
