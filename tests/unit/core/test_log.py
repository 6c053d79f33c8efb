"""The log: what goes where, that nothing in it can forge a line, and that mail delays and tells nothing."""

from __future__ import annotations

import logging
import smtplib
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opskit.core import log_handlers
from opskit.core.config import Config
from opskit.core.errors import Failed, UsageFault
from opskit.core.log import log_to_file, log_to_stderr
from opskit.core.log_config import LogConfig, SmtpConfig
from opskit.core.log_handlers import read_credentials

LOGGER = logging.getLogger("opskit.test")
SMTP = SmtpConfig("mail.example", "opskit@example", ("a@example", "b@example"))


@pytest.fixture(autouse=True)
def _handlers_gone_afterwards() -> Iterator[None]:
    log_to_stderr(0)
    yield
    log_to_stderr(0)


class FakeServer:
    """Stands in for smtplib.SMTP: keeps what was asked of it."""

    calls: list[tuple[Any, ...]] = []  # noqa: RUF012 - each test sets its own
    fails: Exception | None = None
    waits: threading.Event | None = None

    def __init__(self, host: str, port: int, **more: Any) -> None:
        self.calls.append((type(self).__name__, host, port, more["timeout"]))
        if self.waits:
            self.waits.wait(60)
        if self.fails:
            raise self.fails

    def __enter__(self) -> FakeServer:  # noqa: PYI034 - Self is there from Python 3.11 on
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.append(("quit",))

    def starttls(self, context: ssl.SSLContext) -> None:
        self.calls.append(("starttls", context.verify_mode))

    def login(self, user: str, password: str) -> None:
        self.calls.append(("login", user, password))

    def send_message(self, message: Any) -> None:
        self.calls.append(("send", message["From"], message["To"], message.get_content()))


class FakeTlsServer(FakeServer):
    pass


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    monkeypatch.setattr(FakeServer, "calls", [])
    monkeypatch.setattr(FakeServer, "fails", None)
    monkeypatch.setattr(FakeServer, "waits", None)
    monkeypatch.setattr(smtplib, "SMTP", FakeServer)
    monkeypatch.setattr(smtplib, "SMTP_SSL", FakeTlsServer)
    return FakeServer.calls


@pytest.mark.parametrize(
    ("verbose", "shown"), [(0, []), (1, ["warned", "run: mkfs"]), (2, ["warned", "run: mkfs", "said"])]
)
def test_what_stderr_shows(capsys: pytest.CaptureFixture[str], verbose: int, shown: list[str]) -> None:
    log_to_stderr(verbose)
    LOGGER.warning("warned")
    LOGGER.info("run: mkfs")
    LOGGER.debug("said")
    assert capsys.readouterr().err.splitlines() == shown


def test_asking_again_shows_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(1)
    log_to_stderr(1)
    LOGGER.info("once")
    assert capsys.readouterr().err == "once\n"


def test_warnings_of_libraries_are_silent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log_to_stderr(0)
    logging.getLogger("library").warning("noise")
    assert capsys.readouterr().err == ""


def test_stderr_keeps_a_programs_lines_apart_from_records(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(2)
    LOGGER.debug("exit 0\nrun: forged \x1b[31m \udcff")
    assert capsys.readouterr().err == "exit 0\n    run: forged \\x1b[31m \\xff\n"


def test_the_file_has_one_line_for_each_record_with_the_time_in_utc(tmp_path: Path) -> None:
    log_to_file(str(tmp_path / "state"), Config())
    record = logging.LogRecord("opskit.test", logging.INFO, "", 0, "a\nb\x1b[0m \udcff", (), None)
    record.created, record.msecs, record.process = 0.25, 250, 77
    logging.getLogger("opskit").handle(record)
    LOGGER.debug("not at level info")
    path = tmp_path / "state" / "opskit.log"
    assert path.read_text() == "1970-01-01T00:00:00.250Z INFO 77 opskit.test: a\\nb\\x1b[0m \\xff\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_an_exceptions_traceback_stays_one_line(tmp_path: Path) -> None:
    log_to_file(str(tmp_path), Config())
    LOGGER.error("failed", exc_info=ValueError("x"))
    assert (tmp_path / "opskit.log").read_text().count("\n") == 1


def test_the_files_turn_over(tmp_path: Path) -> None:
    log_to_file(str(tmp_path), Config(log=LogConfig(files=3, max_bytes=200)))
    for number in range(50):
        LOGGER.info("line %d", number)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["opskit.log", "opskit.log.1", "opskit.log.2"]
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert "line 49" in (tmp_path / "opskit.log").read_text()


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="cannot be written"):
        log_to_file(str(tmp_path / "file"), Config())


def test_a_full_disk_does_not_break_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    log_to_file(str(tmp_path), Config())
    monkeypatch.setattr(log_handlers.LogFile, "shouldRollover", full)
    LOGGER.info("x")
    assert (tmp_path / "opskit.log").read_text() == ""
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("tls", "first", "greeting"),
    [
        ("none", ("FakeServer", "mail.example", 25, 5.0), []),
        ("starttls", ("FakeServer", "mail.example", 587, 5.0), [("starttls", ssl.CERT_REQUIRED)]),
        ("tls", ("FakeTlsServer", "mail.example", 465, 5.0), []),
    ],
)
def test_errors_are_mailed(
    tmp_path: Path, calls: list[Any], tls: str, first: tuple[Any, ...], greeting: list[Any]
) -> None:
    log_to_file(str(tmp_path), Config(smtp=SmtpConfig(SMTP.host, SMTP.sender, SMTP.to, tls=tls)))
    LOGGER.warning("a warning is not")
    LOGGER.error("run r: failed")
    log_to_stderr(0)  # closes the handlers, as the end of opskit does
    sent = ("send", "opskit@example", "a@example, b@example", "run r: failed\n")
    assert calls == [first, *greeting, sent, ("quit",)]


def test_the_credentials_are_used_and_told_to_nobody(tmp_path: Path, calls: list[Any]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("user\nhunter2\n")
    secret.chmod(0o600)
    FakeServer.fails = smtplib.SMTPAuthenticationError(535, b"user hunter2 is wrong")
    log_to_file(str(tmp_path), Config(smtp=SmtpConfig("m", "a", ("b",), credentials_file=str(secret))))
    LOGGER.error("failed")
    log_to_stderr(0)
    FakeServer.fails = None
    log_to_file(str(tmp_path), Config(smtp=SmtpConfig("m", "a", ("b",), credentials_file=str(secret))))
    LOGGER.error("failed")
    log_to_stderr(0)
    assert ("login", "user", "hunter2") in calls
    text = (tmp_path / "opskit.log").read_text()
    assert "WARNING" in text
    assert "no mail through m: SMTPAuthenticationError" in text
    assert "hunter2" not in text


def test_a_server_that_is_not_there_is_a_warning_in_the_local_log(
    tmp_path: Path, calls: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    FakeServer.fails = ConnectionRefusedError(111, "Connection refused")
    log_to_file(str(tmp_path), Config(smtp=SMTP))
    LOGGER.error("failed")
    log_to_stderr(0)
    assert len(calls) == 1, "the warning is not mailed in its turn"
    assert "WARNING" in (tmp_path / "opskit.log").read_text()
    assert "no mail through mail.example: Connection refused" in (tmp_path / "opskit.log").read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("calls")
def test_a_server_that_does_not_answer_delays_nothing_but_the_end_and_that_by_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeServer.waits = threading.Event()
    monkeypatch.setattr(log_handlers, "MAIL_TIMEOUT", 0.0)
    log_to_file(str(tmp_path), Config(smtp=SMTP))
    LOGGER.error("failed")
    mails = [thread for thread in threading.enumerate() if thread.name == "mail"]
    log_to_stderr(0)
    assert mails
    assert "no mail through mail.example: no answer" in (tmp_path / "opskit.log").read_text()
    FakeServer.waits.set()
    for thread in mails:
        thread.join(60)


def credentials(tmp_path: Path, text: str, mode: int) -> str:
    path = tmp_path / "secret"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_credentials_are_two_lines(tmp_path: Path) -> None:
    assert read_credentials(credentials(tmp_path, "user\npass word\n", 0o600)) == ("user", "pass word")


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("user\nhunter2\n", 0o640),
        ("user\nhunter2\n", 0o604),
        ("user\nhunter2\n", 0o644),
        ("hunter2\n", 0o600),
        ("user\nhunter2\nmore\n", 0o600),
        ("\nhunter2\n", 0o600),
    ],
)
def test_credentials_that_are_refused(tmp_path: Path, text: str, mode: int) -> None:
    path = credentials(tmp_path, text, mode)
    with pytest.raises(UsageFault) as caught:
        read_credentials(path)
    assert caught.value.what == path
    assert "hunter2" not in repr(vars(caught.value))


def test_credentials_of_somebody_else_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = credentials(tmp_path, "user\nhunter2\n", 0o600)
    monkeypatch.setattr(log_handlers.os, "geteuid", lambda: 12345)
    with pytest.raises(UsageFault, match="belong to who runs opskit"):
        read_credentials(path)


def test_refused_credentials_begin_no_log(tmp_path: Path) -> None:
    path = credentials(tmp_path, "user\nhunter2\n", 0o644)
    with pytest.raises(UsageFault):
        log_to_file(str(tmp_path / "state"), Config(smtp=SmtpConfig("m", "a", ("b",), credentials_file=path)))
    assert not (tmp_path / "state").exists()


def test_starting_up_imports_neither_mail_nor_rotation() -> None:
    """opskit.core.log itself, which each command imports, does not need them: only log_to_file does."""
    source = Path(sys.modules["opskit.core.log"].__file__ or "").read_text()
    assert not [line for line in source.splitlines() if line.startswith(("import logging.h", "import smtplib"))]
