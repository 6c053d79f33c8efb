"""The sections [log] and [smtp] of the config files; most hosts have neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, TypeVar

from opskit.core.jsonable import ShapeError, from_json
from opskit.core.record import dataclass

if TYPE_CHECKING:
    from opskit.core.errors import UsageFault

S = TypeVar("S")
# Makes the error for a key: key, why.
Fault = Callable[[str, str], "UsageFault"]
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


def read_log(data: Any, fault: Fault) -> LogConfig:
    """[log] as it was read from TOML. Raises what fault makes."""
    log = _section(LogConfig, "log", data, fault)
    if log.level not in LEVELS:
        raise fault("log.level", f"{log.level!r} is none of {', '.join(LEVELS)}")
    if log.files < 2 or log.max_bytes < 1:
        raise fault("log", "files is at least 2 and max_bytes at least 1")
    return log


def read_smtp(data: Any, fault: Fault) -> SmtpConfig:
    """[smtp] as it was read from TOML. Raises what fault makes."""
    if isinstance(data, dict) and "from" in data:
        data = {"sender" if key == "from" else key: value for key, value in data.items()}
    smtp = _section(SmtpConfig, "smtp", data, fault)
    if smtp.tls not in TLS_PORTS:
        raise fault("smtp.tls", f"{smtp.tls!r} is none of {', '.join(TLS_PORTS)}")
    if not 0 <= smtp.port < 65536:
        raise fault("smtp.port", f"{smtp.port} is no port")
    if not smtp.to:
        raise fault("smtp.to", "it names nobody")
    if smtp.tls == "none" and smtp.credentials_file:
        raise fault("smtp.credentials_file", "a password does not travel without TLS")
    return smtp


def _section(cls: type[S], name: str, data: Any, fault: Fault) -> S:
    try:
        return from_json(cls, data)
    except ShapeError as error:
        raise fault(name, str(error).replace(cls.__name__, f"[{name}]")) from error
