"""Saved facts: what is read back, and what is refused with a word on why."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from checkout import HOSTS
from opskit.core.envelope import envelope
from opskit.core.errors import UsageFault
from opskit.core.jsonable import from_json, to_json
from opskit.disk.model import HostFacts
from opskit.disk.see.facts import load


@pytest.fixture
def saved() -> Any:
    return json.loads(HOSTS[0].read_text(encoding="utf-8"))


def write(path: Path, data: Any) -> str:
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(path)


def fault(path: str) -> str:
    with pytest.raises(UsageFault) as caught:
        load(path)
    assert caught.value.exit_code == 2
    assert caught.value.what == path
    assert "opskit disk facts" in caught.value.todo
    return caught.value.why


@pytest.mark.parametrize("path", HOSTS, ids=lambda path: path.stem)
def test_round_trip(path: Path, tmp_path: Path) -> None:
    facts = load(str(path))
    again = load(write(tmp_path / "host.json", to_json(facts)))
    assert again == facts


def test_an_envelope_is_as_good(saved: Any, tmp_path: Path) -> None:
    facts = from_json(HostFacts, saved)
    assert load(write(tmp_path / "host.json", envelope("opskit disk facts", facts))) == facts


def test_names_that_are_no_utf8_come_back(saved: Any, tmp_path: Path) -> None:
    saved["fstab"]["text"] = "LABEL=\udcff\ud83d\ude00 /x ext4\n"
    path = write(tmp_path / "host.json", json.dumps(saved))
    assert load(path).fstab.text.startswith("LABEL=\udcff")


def test_standard_input(saved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(saved)))
    assert load("-") == from_json(HostFacts, saved)


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_version(saved: Any, tmp_path: Path, version: Any) -> None:
    why = fault(write(tmp_path / "host.json", {**saved, "schema": version}))
    assert f"version {version}" in why
    assert "reads version 1" in why


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1,}', "\x00", "[1, 2"])
def test_broken_json(tmp_path: Path, text: str) -> None:
    assert "no facts" in fault(write(tmp_path / "host.json", text))


@pytest.mark.parametrize("data", [[], "x", 3, {}, {"result": 3, "schema": 1}])
def test_json_that_is_no_facts(tmp_path: Path, data: Any) -> None:
    assert "version None" in fault(write(tmp_path / "host.json", json.dumps(data)))


def test_bytes_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_bytes(b'{"schema": 1, "host": "\xff"}')
    assert "no facts" in fault(str(tmp_path / "host.json"))


def test_no_file_and_a_directory(tmp_path: Path) -> None:
    assert "no facts" in fault(str(tmp_path / "absent"))
    assert "no facts" in fault(str(tmp_path))


def test_a_field_that_this_opskit_does_not_know(saved: Any, tmp_path: Path) -> None:
    saved["devices"][0]["colour"] = "red"
    assert "HostFacts.devices[0]: unknown field 'colour'" in fault(write(tmp_path / "host.json", saved))


def test_a_field_that_is_absent(saved: Any, tmp_path: Path) -> None:
    del saved["devices"][1]["size"]
    assert "HostFacts.devices[1]: the field 'size' is absent" in fault(write(tmp_path / "host.json", saved))


@pytest.mark.parametrize(("field", "value"), [("size", "20G"), ("size", True), ("signatures", {}), ("name", None)])
def test_a_field_of_another_type(saved: Any, tmp_path: Path, field: str, value: Any) -> None:
    saved["devices"][0][field] = value
    assert f"HostFacts.devices[0].{field}" in fault(write(tmp_path / "host.json", saved))


def test_facts_saved_before_the_package_manager_was_one_of_them_are_of_the_el_family(
    saved: Any, tmp_path: Path
) -> None:
    del saved["package_manager"]
    assert load(write(tmp_path / "host.json", saved)).package_manager == "yum"
