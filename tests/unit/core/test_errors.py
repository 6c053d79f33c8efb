"""The exit codes are an interface of every command: one class each, and what each error carries."""

from __future__ import annotations

import signal

import pytest

from opskit.core import errors
from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Interrupted, OpskitError, Refused
from opskit.core.finding import Finding
from opskit.core.plan import Reason, Refusal


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Failed", 1),
        ("UsageFault", 2),
        ("NeedsConfirmation", 5),
        ("Missing", 6),
        ("Busy", 7),
        ("TakenBack", 8),
        ("TakeBackFailed", 9),
    ],
)
def test_one_class_for_each_exit_code(name: str, code: int) -> None:
    error: OpskitError = getattr(errors, name)("what", "why", todo="do", state="as it was")
    assert error.exit_code == code
    assert (error.what, error.why, error.todo, error.state) == ("what", "why", "do", "as it was")
    assert str(error) == "what: why"


def test_ids_tell_the_classes_apart() -> None:
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, OpskitError)]
    ids = [cls.id for cls in classes if cls is not OpskitError]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted(number: int, code: int) -> None:
    assert Interrupted(number, state="").exit_code == code


def test_a_refusal_shows_its_first_reason_and_keeps_all() -> None:
    reasons = [Finding("a", "critical", "first", remedy="mend it"), Finding("b", "critical", "second")]
    error = Refused("mount", reasons)
    assert (error.exit_code, error.why, error.todo) == (5, "first", "mend it")
    assert error.findings == tuple(reasons)
    assert error.state == "Nothing was changed."


def test_the_first_reason_decides_the_exit_code() -> None:
    refusal = Refusal("x", (Reason("busy", "in use", exit_code=7), Reason("guard", "no")))
    assert refusal.exit_code == 7
    assert [reason.severity for reason in refusal.reasons] == ["error", "critical"]
    assert refusal.reasons[0].as_json() == Finding("busy", "error", "in use").as_json()


@pytest.mark.parametrize(
    ("status", "stdout", "stderr", "why"),
    [
        (1, "", "boom\n", "exit status 1: boom"),
        (-9, "", "", "ended by signal 9: it printed nothing"),
        (2, "on stdout\n", "", "exit status 2: on stdout"),
        (1, "", "".join(f"{n}\n" for n in range(9)), "exit status 1: 4\n5\n6\n7\n8"),
    ],
)
def test_a_failed_command_keeps_how_it_ended_and_its_last_words(
    status: int, stdout: str, stderr: str, why: str
) -> None:
    result = Result(Command(("mkfs.ext4", "/dev/vdb1"), mutates=True), status, stdout, stderr, 0.1)
    error = CommandFailed(result)
    assert (error.what, error.why, error.exit_code) == ("mkfs.ext4", why, 1)
    assert error.result is result
