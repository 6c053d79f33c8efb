"""The one call of opskit that every action shares. It needs no Python on the host, and no module."""

from __future__ import annotations

import os
import secrets
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.opskit.host.plugins.plugin_utils.answer import make_result, not_begun
from ansible_collections.opskit.host.plugins.plugin_utils.commands import COMMANDS, Command
from ansible_collections.opskit.host.plugins.plugin_utils.script import make_script, read_output

# The variable that names a file: once it is there, no task of these begins any more.
STOP = "opskit_fleet_stop"
# What every action takes beside the options of its command.
COMMON: dict[str, Any] = {
    "only_plan": {"type": "str", "default": ""},
    "fail_on_findings": {"type": "bool", "default": False},
    "tool": {"type": "str", "default": "auto", "choices": ["auto", "installed", "path"]},
    "tool_path": {"type": "path", "default": ""},
}


class OpskitAction(ActionBase):
    """An action that runs one command of opskit on the host. A subclass says how its parameters become words."""

    TRANSFERS_FILES = False
    SPEC: ClassVar[dict[str, Any]] = {}

    def words(self, parameters: dict[str, Any]) -> list[str]:
        """What is typed behind `opskit`."""
        raise NotImplementedError

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        stop = (task_vars or {}).get(STOP)
        if stop and os.path.exists(str(stop)):
            return {**result, **not_begun()}
        _, parameters = self.validate_argument_spec({**COMMON, **self.SPEC})
        words, command = self._command_line(self.words(parameters), parameters["only_plan"])
        if parameters["tool"] == "path" and not parameters["tool_path"]:
            raise AnsibleActionFail("tool: path needs tool_path: where opskit is on the host")
        dry_run = command.changes and bool(self._task.check_mode)
        mark = f"opskit-{secrets.token_hex(8)}"
        script = make_script(
            mark,
            words,
            tool=parameters["tool"],
            path=parameters["tool_path"],
            environment=self._compute_environment_string(),
        )
        done = self._low_level_execute_command(script)
        heard = read_output(mark, done["stdout"])
        said = done["stderr"] or ("" if heard.begun else done["stdout"])
        made = make_result(heard, said, dry_run=dry_run, fail_on_findings=parameters["fail_on_findings"])
        return {**result, **made}

    def _command_line(self, words: list[str], only_plan: str) -> tuple[list[str], Command]:
        """The words with the options that a machine gives, right behind the command: behind `--` they were a value."""
        name, command = find_command(words)
        length = len(name.split())
        given = ["--json"]
        if command.changes:
            given.append("--dry-run" if self._task.check_mode else "--yes")
        if only_plan:
            if not command.plans:
                raise AnsibleActionFail(f"opskit {name} takes no only_plan")
            given += ["--only-plan", only_plan]
        return [*words[:length], *given, *words[length:]], command


def find_command(words: list[str]) -> tuple[str, Command]:
    """The command that these words begin with, by its name: the longest that fits."""
    for length in range(min(3, len(words)), 0, -1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name, COMMANDS[name]
    raise AnsibleActionFail(f"no such command: opskit {' '.join(words[:3])}".rstrip())
