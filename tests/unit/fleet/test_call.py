"""The one call that all actions of opskit.host share: whether a host is begun, and with which words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("ansible.plugins.action", reason="ansible-core is not here")

from ansible_collections.opskit.host.plugins.action.run import ActionModule
from ansible_collections.opskit.host.plugins.plugin_utils import call

MOUNT = ["disk", "mount", "--fstype", "xfs", "/dev/vdb", "/data"]


class Asked(Exception):
    """The host is asked. words: with which."""

    def __init__(self, words: list[str]) -> None:
        self.words = words


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An action that ends where the host would be asked."""

    def ask(_action: Any, words: list[str], _command: Any, _parameters: Any) -> None:
        raise Asked(words)

    made = object.__new__(ActionModule)
    made._task = SimpleNamespace(check_mode=False)
    monkeypatch.setenv(call.STOPPED, "")
    monkeypatch.setattr(call.ActionBase, "run", lambda *_: {})
    monkeypatch.setattr(ActionModule, "_opskit", ask)
    monkeypatch.setattr(
        ActionModule, "validate_argument_spec", lambda *_: (None, {"argv": MOUNT, "only_plan": "T", "tool": "auto"})
    )
    return made


@pytest.mark.parametrize("way", ["file", "variable"])
def test_once_the_run_is_to_stop_no_host_is_asked(
    action: Any, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = tmp_path / "stop"
    variables = {call.STOP: str(stop)}
    with pytest.raises(Asked):
        action.run(task_vars=variables)
    if way == "file":
        stop.touch()
    else:
        monkeypatch.setenv(call.STOPPED, "yes")
    result = action.run(task_vars=variables)
    assert (result["not_begun"], result["skipped"]) == (True, True)
    with pytest.raises(Asked):  # a playbook of somebody else
        action.run(task_vars={})


@pytest.mark.parametrize(("check_mode", "given"), [(True, "--dry-run"), (False, "--yes")])
def test_check_mode_is_a_dry_run(action: Any, check_mode: bool, given: str) -> None:
    action._task.check_mode = check_mode
    with pytest.raises(Asked) as asked:
        action.run(task_vars={})
    assert asked.value.words == ["disk", "mount", "--json", given, "--only-plan", "T", *MOUNT[2:]]
