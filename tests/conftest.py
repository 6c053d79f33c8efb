"""What every test stands on: no test reads this host's configuration or writes to its state directory.

Unit and golden tests may also start no process, make no child and change nothing outside temporary directories:
an audit hook of the interpreter sees each attempt, whatever code makes it.

`agree` counts what was compared with another program, for a line at the end: N of N. Every envelope of --json that a
test reads is held against the schema of its command (schemas.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import schemas
from checkout import TESTS
from tiers import Agree

MORE = os.environ.get("OPSKIT_TEST_TIER") == "more"
# A busy machine is no fault of the code: pytest-timeout ends what hangs.
settings.register_profile("opskit", deadline=None, database=None, max_examples=3000 if MORE else 100)
settings.load_profile("opskit")

WITHOUT_PROCESSES = (TESTS / "unit", TESTS / "golden")
STARTS = {"subprocess.Popen", "pty.spawn"} | {
    f"os.{name}" for name in ("system", "exec", "posix_spawn", "spawn", "fork", "forkpty")
}
# event → which of its arguments are paths that it changes
WRITES = {
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
}
OFF_LIMITS = ("/etc", "/var/lib/opskit", "/boot", "/dev", "/proc", "/sys", "/mnt")
HARMLESS = ("/dev/null", "/dev/tty")
PLACE = Path(tempfile.mkdtemp(prefix="opskit-test-"))


class Watch:
    """Whether the test under way is one that the audit hook holds back."""

    on = False


def pytest_configure() -> None:
    # A shell that is no terminal's starts what it puts in the background with SIGINT ignored, and so would all be that
    # the tests start.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # The same of nohup and SIGHUP. A handler of our own: what the tests start has none, and this run goes on.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    os.environ["OPSKIT_STATE_DIR"] = str(PLACE / "state")
    # Named and empty: neither /etc/opskit nor the user's own file is read then.
    (PLACE / "config.toml").touch()
    os.environ["OPSKIT_CONFIG"] = str(PLACE / "config.toml")
    # A person is shown the time of the host: here that is UTC, wherever the tests run.
    os.environ["TZ"] = "UTC"
    time.tzset()
    sys.addaudithook(_audit)
    schemas.watch()


def pytest_unconfigure() -> None:
    shutil.rmtree(PLACE, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MORE and getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.more)
            item.add_marker(pytest.mark.timeout(1200))


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Iterator[None]:
    """What a test printed may be no valid Unicode (a name of the host): the process that tells of it needs UTF-8."""
    return _printable((yield))


def _printable(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {key: _printable(value) for key, value in data.items()}
    # Why a test was skipped is a tuple, and pytest asks for one.
    return type(data)(map(_printable, data)) if isinstance(data, (list, tuple)) else data


@pytest.fixture
def agree(record_property: Callable[[str, object], None]) -> Agree:
    """Count what agreed of what was compared; it must be all. The sums of all tests are shown at the end."""

    def count(what: str, agreed: int, of: int) -> None:
        record_property("agree", (what, agreed, of))
        assert agreed == of, f"{what}: {agreed} of {of}"

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    agreed: Counter[str] = Counter()
    compared: Counter[str] = Counter()
    for report in (*terminalreporter.stats.get("passed", []), *terminalreporter.stats.get("failed", [])):
        for name, value in getattr(report, "user_properties", ()):
            if name == "agree" and report.when == "call":
                agreed[value[0]] += value[1]
                compared[value[0]] += value[2]
    for what, number in compared.items():
        terminalreporter.write_line(f"{what}: {agreed[what]} of {number} agree")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    Watch.on = any(directory in item.path.parents for directory in WITHOUT_PROCESSES)
    schemas.Seen.count = 0
    try:
        return (yield)
    finally:
        Watch.on = False
        if read := schemas.Seen.count:
            item.user_properties.append(("agree", ("envelopes by the schemas of their commands", read, read)))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not Watch.on:
        return
    if event in STARTS:
        # An outcome exception is no Exception: no `except Exception` of the code under test hides it.
        pytest.fail(f"a unit test may not start a process: {event} {arguments!r:.200}")
    if event == "open" and _for_writing(arguments[1], arguments[2]):
        _keep_out(event, arguments[0])
    for number in WRITES.get(event, ()):
        _keep_out(event, arguments[number])


def _for_writing(mode: object, flags: object) -> bool:
    if isinstance(flags, int):
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return isinstance(mode, str) and bool(set(mode) & set("wax+"))


def _keep_out(event: str, path: object) -> None:
    if not isinstance(path, (str, bytes, os.PathLike)):
        return
    text = os.path.abspath(os.fsdecode(path))
    if text not in HARMLESS and any(text == place or text.startswith(place + "/") for place in OFF_LIMITS):
        pytest.fail(f"a unit test may not change {text} ({event})")
