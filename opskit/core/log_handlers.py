"""Where the log goes beside stderr: the rotating file and the mail. Imported only once something is to change."""

from __future__ import annotations

import contextlib
import logging
import logging.handlers
import os
import platform
import stat
import threading
import time
from io import TextIOWrapper
from typing import TYPE_CHECKING, Optional

from opskit.core.errors import UsageFault
from opskit.core.files import check_regular
from opskit.core.log_config import TLS_PORTS, SmtpConfig

if TYPE_CHECKING:
    import ssl

# Seconds that a mail server may take for one answer, and that the end of opskit waits for mail under way.
MAIL_TIMEOUT = 5.0
# Where a host has all the certificates that it trusts in one file: the EL family, Debian.
CERTIFICATES = ("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/certs/ca-certificates.crt")

mail_log = logging.getLogger("opskit.mail")


class LogFile(logging.handlers.RotatingFileHandler):
    """A log of at most `files` files of at most max_bytes, readable by its owner only. Raises OSError."""

    def __init__(self, path: str, max_bytes: int, files: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=files - 1, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        with contextlib.suppress(FileNotFoundError):  # a FIFO without a reader would hold us up
            check_regular(os.lstat(self.baseFilename), self.baseFilename)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return open(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Pass over it: a full disk must not break a run half-way; the ledger, which must be kept, says so."""


class MailHandler(logging.Handler):
    """Mails each record, from a thread of its own: a mail server that does not answer delays no step.

    login: user and password, or None for a server that asks for none.
    """

    def __init__(self, config: SmtpConfig, login: Optional[tuple[str, str]]) -> None:
        super().__init__()
        self.config = config
        self._login = login
        self._threads: list[threading.Thread] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Begin to send the record."""
        thread = threading.Thread(target=self._send, args=(self.format(record),), name="mail", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Wait for what is under way, for at most MAIL_TIMEOUT altogether. logging calls this at the end."""
        deadline = time.monotonic() + MAIL_TIMEOUT
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                mail_log.warning("no mail through %s: no answer after %g s", self.config.host, MAIL_TIMEOUT)
        self._threads.clear()
        super().close()

    def _send(self, text: str) -> None:
        try:
            self._deliver(text)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the mail, the run goes on
            # A server's own words may repeat what was sent to it, credentials too: they are not logged.
            why = error.strerror if isinstance(error, OSError) else None
            mail_log.warning("no mail through %s: %s", self.config.host, why or type(error).__name__)

    def _deliver(self, text: str) -> None:
        import smtplib  # noqa: PLC0415 - together with ssl the slowest import of all; only for a mail
        from email.message import EmailMessage  # noqa: PLC0415

        config = self.config
        message = EmailMessage()
        message["Subject"] = f"opskit failed on {platform.node()}"
        message["From"] = config.sender
        message["To"] = ", ".join(config.to)
        message.set_content(text)
        port = config.port or TLS_PORTS[config.tls]
        if config.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(config.host, port, timeout=MAIL_TIMEOUT, context=tls_context())
        else:
            server = smtplib.SMTP(config.host, port, timeout=MAIL_TIMEOUT)
        with server:
            if config.tls == "starttls":
                server.starttls(context=tls_context())
            if self._login:
                server.login(*self._login)
            server.send_message(message)


def tls_context() -> ssl.SSLContext:
    """Whom this host trusts. The Python of the standalone build looks where the EL family has its certificates."""
    import ssl  # noqa: PLC0415 - only for a mail

    context = ssl.create_default_context()
    if not context.get_ca_certs():  # they may still come from a directory, as one of them is asked for
        for path in filter(os.path.exists, CERTIFICATES):
            context.load_verify_locations(path)
    return context


def read_credentials(path: str) -> tuple[str, str]:
    """User and password: the two lines of the file. Raises UsageFault, also when others may read it."""
    todo = f"chown $USER {path}; chmod 600 {path}; in it two lines: user, password"
    try:
        # Not to wait for the writer of a FIFO.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            lines = file.read(4096).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageFault(path, f"the credentials file cannot be read ({why})", todo=todo) from None
    mode = stat.S_IMODE(status.st_mode)
    if mode != 0o600 or status.st_uid != os.geteuid() or not stat.S_ISREG(status.st_mode):
        why = f"it must have mode 0600 and belong to who runs opskit; it has mode {mode:04o}, uid {status.st_uid}"
        raise UsageFault(path, f"a credentials file, but {why}", todo=todo)
    if len(lines) != 2 or not all(lines):
        raise UsageFault(path, "a credentials file has two lines: user, password", todo=todo)
    return lines[0], lines[1]
