"""What the options that all commands share make of a session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opskit.core.config import Config
from opskit.core.errors import UsageFault
from opskit.core.runner import HostRunner, ReadOnlyRunner
from opskit.options import make_session, offered, one_of, size_of
from opskit.session import Session


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A session of these options, on a host without a config file."""
    monkeypatch.setattr("opskit.options.load_config", Config)
    plain = {"color": "auto", "json": False, "quiet": False, "verbose": 0, "state_dir": str(tmp_path)}

    def make(*, changing: bool = True, **options: Any) -> Session:
        return make_session("opskit disk mount", {**plain, **options}, Config(), changing=changing)

    return make


@pytest.mark.parametrize(
    ("options", "dry_run"),
    [({}, False), ({"dry_run": True}, True), ({"facts": "host.json"}, True), ({"format": "sh"}, True)],
)
def test_what_is_a_dry_run_and_changes_nothing(made: Any, options: dict[str, Any], *, dry_run: bool) -> None:
    session = made(**options)
    assert session.dry_run == dry_run
    assert isinstance(session.runner, ReadOnlyRunner if dry_run else HostRunner)


def test_a_command_that_only_looks_changes_nothing(made: Any) -> None:
    assert isinstance(made(changing=False).runner, ReadOnlyRunner)


def test_the_exit_code_of_a_dry_run_is_no_real_runs(made: Any) -> None:
    assert made(exit_code=True, dry_run=True).exit_code
    with pytest.raises(UsageFault, match="goes with --dry-run"):
        made(exit_code=True)


@pytest.mark.parametrize(
    ("options", "json", "shape"),
    [
        ({}, False, "text"),
        ({"json": True}, True, "text"),
        ({"format": "json"}, True, "json"),
        ({"format": "sh"}, False, "sh"),
    ],
)
def test_the_form_of_the_answer(made: Any, options: dict[str, Any], *, json: bool, shape: str) -> None:
    session = made(**options)
    assert (session.screen.json, session.format) == (json, shape)


@pytest.mark.parametrize(("name", "value"), [("color", "red"), ("format", "xml")])
def test_what_a_config_file_gave_past_the_parser(made: Any, name: str, value: str) -> None:
    with pytest.raises(UsageFault, match=value):
        made(**{name: value})


def test_what_a_config_file_can_have_in_place_of_a_text() -> None:
    """A number, or true: none of them is a fault of opskit."""
    assert (offered("--priority", "err")(3), size_of("--size")(7)) == ("3", 7)
    with pytest.raises(UsageFault, match="none of err"):
        one_of("--priority", "err")(3)
    for value in (1.5, True, float("nan")):
        with pytest.raises(UsageFault, match="--size"):
            size_of("--size")(value)
