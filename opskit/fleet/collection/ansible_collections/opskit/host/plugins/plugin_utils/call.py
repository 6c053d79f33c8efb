"""The one call of opskit that every action shares. It needs no Python on the host, and no module."""

from __future__ import annotations

import os
import secrets
from typing import Any, ClassVar, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.opskit.host.plugins.plugin_utils.answer import (
    as_text,
    make_failure,
    make_removed,
    make_result,
    not_begun,
)
from ansible_collections.opskit.host.plugins.plugin_utils.arguments import make_words, parameter_spec
from ansible_collections.opskit.host.plugins.plugin_utils.builds import Build, choose, find_builds
from ansible_collections.opskit.host.plugins.plugin_utils.commands import ACTIONS, COMMANDS, Command, Parameter
from ansible_collections.opskit.host.plugins.plugin_utils.script import (
    LIMIT,
    Heard,
    Sending,
    make_removal,
    make_script,
    read_output,
)

# The variable that names a file: once it is there, no task of these begins any more.
STOP = "opskit_fleet_stop"
# The callback opskit.host.record sets it in the process that all tasks are forked from: it needs no disk.
STOPPED = "OPSKIT_FLEET_STOPPED"
# What every action takes beside the options of its command.
COMMON: dict[str, Any] = {
    "only_plan": {"type": "str", "default": ""},
    "fail_on_findings": {"type": "bool", "default": False},
    "tool": {"type": "str", "default": "auto", "choices": ["auto", "installed", "send", "path"]},
    "tool_path": {"type": "str", "default": ""},
    "tool_dir": {"type": "path", "default": ""},
    "tool_state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
}


class OpskitAction(ActionBase):
    """An action that runs one command of opskit on the host. A subclass says how its parameters become words."""

    TRANSFERS_FILES = False

    def spec(self) -> dict[str, Any]:
        """Its own parameters, as Ansible has them."""
        raise NotImplementedError

    def words(self, parameters: dict[str, Any]) -> list[str]:
        """What is typed behind `opskit`; nothing where only what was sent is to be removed."""
        raise NotImplementedError

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        stop = (task_vars or {}).get(STOP)
        if stop and (os.path.exists(str(stop)) or os.environ.get(STOPPED)):
            return {**result, **not_begun()}
        _, parameters = self.validate_argument_spec({**COMMON, **self.spec()})
        words = self.words(parameters)
        if not words:
            return {**result, **self._remove(parameters)}
        words, command = self._command_line(words, parameters["only_plan"])
        if parameters["tool"] == "path" and not parameters["tool_path"]:
            raise AnsibleActionFail("tool: path needs tool_path: where opskit is on the host")
        return {**result, **self._opskit(words, command, parameters)}

    def _opskit(self, words: list[str], command: Command, parameters: dict[str, Any]) -> dict[str, Any]:
        """Run it with what the host has; where that is none, send one and run it with that."""
        builds = self._builds(parameters)
        heard, stderr = self._ask(words, parameters, builds)
        if builds and heard.begun and not heard.how:
            if heard.host.uid != "0":
                why = "only root can put it there (become: true)"
                return make_failure(f"the host has no opskit that fits, and {why}")
            build, why = choose(builds, heard.host)
            if build is None:
                why += "; install opskit there (RPM, deb)"
                return make_failure(f"the host has no opskit that fits, and none can be sent: {why}")
            heard, stderr = self._ask(words, parameters, builds, self._send(build))
        dry_run = command.changes and bool(self._task.check_mode)
        return make_result(heard, stderr, dry_run=dry_run, fail_on_findings=parameters["fail_on_findings"])

    def _ask(
        self, words: list[str], parameters: dict[str, Any], builds: list[Build], sending: Optional[Sending] = None
    ) -> tuple[Heard, str]:
        """Run the script. Returns what it said, and what was said where it did not begin."""
        mark = f"opskit-{secrets.token_hex(8)}"
        script = make_script(
            mark,
            words,
            tool=parameters["tool"],
            path=parameters["tool_path"],
            environment=self._compute_environment_string(),
            builds=[build.sha256 for build in builds],
            sending=sending,
            remove=self._removes(parameters),
            finish="--yes" in words,
        )
        return self._run_script(mark, script)

    def _run_script(self, mark: str, script: str) -> tuple[Heard, str]:
        done = self._low_level_execute_command(script)
        # The script keeps to the limit; a host need not keep to the script.
        stdout, stderr = (as_text(done[name][: 2 * LIMIT]) for name in ("stdout", "stderr"))
        heard = read_output(mark, stdout)
        return heard, "" if heard.begun else f"{stdout}\n{stderr}"

    def _removes(self, parameters: dict[str, Any]) -> bool:
        return parameters["tool_state"] == "absent" and not self._task.check_mode

    def _remove(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Only remove what was sent."""
        if parameters["tool_state"] != "absent":
            raise AnsibleActionFail("argv is missing: the words behind opskit")
        mark = f"opskit-{secrets.token_hex(8)}"
        return make_removed(*self._run_script(mark, make_removal(mark, dry_run=bool(self._task.check_mode))))

    def _builds(self, parameters: dict[str, Any]) -> list[Build]:
        """What can be sent; none where nothing is to be."""
        folder = parameters["tool_dir"]
        if parameters["tool"] not in {"auto", "send"} or not (folder or parameters["tool"] == "send"):
            return []
        if not folder:
            raise AnsibleActionFail("tool: send needs tool_dir: the folder with the builds of opskit")
        folder = self._loader.path_dwim(folder)
        try:
            builds = find_builds(folder)
        except OSError as error:
            raise AnsibleActionFail(f"tool_dir: {folder}: {error.strerror}") from error
        if not builds:
            raise AnsibleActionFail(f"tool_dir: {folder} has no opskit-*.pyz and no opskit-*-linux-*.tar.xz that fits")
        return builds

    def _send(self, build: Build) -> Sending:
        """Lay the build into a folder of the user's on the host, which Ansible removes."""
        source = self._connection._shell.join_path(self._make_tmp_path(), "build")  # noqa: SLF001
        self._transfer_file(build.path, source)
        return Sending(source, build.sha256, packed=bool(build.machine))

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


class NamedAction(OpskitAction):
    """An action of one command, whose parameters are the command's options. NAME: its own."""

    NAME: ClassVar[str]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Its parameters."""
        return ACTIONS[self.NAME][1]

    def spec(self) -> dict[str, Any]:
        """As Ansible has them."""
        return {parameter.name: parameter_spec(parameter) for parameter in self.parameters}

    def words(self, parameters: dict[str, Any]) -> list[str]:
        """The command, its options, and behind `--` what is told by its place: that can begin with a dash."""
        return [*ACTIONS[self.NAME][0].split(), *make_words(self.parameters, parameters)]

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Run the task."""
        result = super().run(tmp, task_vars)
        if self.NAME == "facts" and result["answer"] and result["answer"]["ok"]:
            result["ansible_facts"] = {"opskit": result["answer"]["result"]}
        return result


def find_command(words: list[str]) -> tuple[str, Command]:
    """The command that these words begin with, by its name: the longest that fits."""
    for length in range(min(3, len(words)), 0, -1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name, COMMANDS[name]
    raise AnsibleActionFail(f"no such command: opskit {' '.join(words[:3])}".rstrip())
