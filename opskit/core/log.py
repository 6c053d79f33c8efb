"""The log, in the standard library's logging: stderr at -v, a rotating file, and mail for errors if configured.

The logger is "opskit". What is logged is escaped: no name from the host can forge a line. Passwords are masked.
"""

from __future__ import annotations

import logging
import os
import sys
import time

from opskit.core.config import Config
from opskit.core.errors import Failed
from opskit.core.text import masked, shown

FILE_NAME = "opskit.log"

logger = logging.getLogger("opskit")


class ScreenFormatter(logging.Formatter):
    """For stderr: a program's output keeps its lines, indented so that none looks like a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's text, control characters escaped."""
        return "\n    ".join(shown(line) for line in masked(super().format(record)).split("\n"))


class LineFormatter(logging.Formatter):
    """For the file: one line for each record, with RFC 3339 times in UTC."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        line = "%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(name)s: %(message)s"
        super().__init__(line, "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, control characters escaped."""
        return shown(masked(super().format(record)))


def log_to_stderr(verbose: int) -> None:
    """Show records on stderr: from INFO at 1, from DEBUG at 2, none at 0. Takes the place of an earlier call."""
    # Without a handler there, logging prints the warnings of libraries on stderr by itself.
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    _forget_handlers()
    if not verbose:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ScreenFormatter())
    _add(handler, logging.INFO if verbose == 1 else logging.DEBUG)


def log_to_file(state_dir: str, config: Config) -> None:
    """Keep a log in state_dir (made with mode 0700), and mail errors where config.smtp says so.

    Raises UsageFault for a credentials file that others could read, Failed when the log cannot be written.
    """
    from opskit.core.log_config import LogConfig  # noqa: PLC0415
    from opskit.core.log_handlers import LogFile, MailHandler, read_credentials  # noqa: PLC0415

    smtp, log = config.smtp, config.log or LogConfig()
    login = read_credentials(smtp.credentials_file) if smtp and smtp.credentials_file else None
    path = os.path.join(state_dir, FILE_NAME)
    try:
        os.makedirs(state_dir, mode=0o700, exist_ok=True)
        handler = LogFile(path, log.max_bytes, log.files)
    except OSError as error:
        todo = "make room, or name another place with --state-dir"
        raise Failed(path, f"the log cannot be written ({error.strerror})", todo=todo) from error
    handler.setFormatter(LineFormatter())
    _add(handler, getattr(logging, log.level.upper()))
    if smtp:
        # After the file: handlers are closed last first, and what mail has to say at its end goes into the file.
        _add(MailHandler(smtp, login), logging.ERROR)


def _add(handler: logging.Handler, level: int) -> None:
    handler.setLevel(level)
    logger.addHandler(handler)
    logger.setLevel(min(level, logger.level or level))


def _forget_handlers() -> None:
    for handler in reversed(logger.handlers[:]):
        handler.close()
        logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
