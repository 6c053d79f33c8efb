"""Whose folder scripts/fleet-lab believes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from fleetlab import cli

HOST = {"port": 2201, "pid": 0, "disk": "", "image": "", "upper": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a lab, as `up` makes it."""
    made = tmp_path / "lab"
    made.mkdir(mode=0o700)
    (made / "lab.json").write_text(json.dumps({"hosts": {"host01": HOST}}))
    return made


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *words: str) -> int:
    monkeypatch.setattr(cli, "FOLDER", folder)
    monkeypatch.setattr(sys, "argv", ["fleet-lab", *words])
    return cli.main()


def test_a_lab_of_this_user_is_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, folder, "list") == 0
    assert capsys.readouterr().out == "host01\t127.0.0.1:2201\tdown\t-\n"


def test_where_there_is_none_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path / "none", "list") == 1
    assert "there is no lab in" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["up 1", "exec host01 id", "inventory", "list", "down"])
@pytest.mark.parametrize("how", ["mode", "symlink", "file", "owner"])
def test_what_may_be_of_another_user_is_not_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str, words: str
) -> None:
    named = folder
    if how == "mode":
        folder.chmod(0o750)
    elif how == "owner":
        other = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: other)
    else:
        named = folder.with_name("named")
        named.symlink_to(folder) if how == "symlink" else named.write_text("")
    assert run(monkeypatch, named, *words.split()) == 1
    shown = capsys.readouterr()
    assert (shown.out, f"{named} is no lab of this user" in shown.err) == ("", True), shown
    assert [path.name for path in folder.iterdir()] == ["lab.json"]
