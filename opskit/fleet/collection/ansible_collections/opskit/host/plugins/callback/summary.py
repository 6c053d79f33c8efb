"""The hosts of a run by what happened to them, at its end."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
short_description: Tells hosts that fared alike once, at the end of a run
version_added: "0.2.0"
description:
  - For each task of the collection opskit.host, the hosts by what happened to them, and by equal findings and changes;
    what somebody has to do something about stands first.
  - With C(--diff) equal diffs are shown once, too.
requirements:
  - enable it with C(callbacks_enabled = opskit.host.summary) in C(ansible.cfg), or C(ANSIBLE_CALLBACKS_ENABLED)
author:
  - The opskit authors (@opskit)
"""

from typing import Any

from ansible import constants, context
from ansible.plugins.callback import CallbackBase
from ansible_collections.opskit.host.plugins.plugin_utils.summary import Told, summarize, tell

COLORS = {
    "changed": constants.COLOR_CHANGED,
    "to change": constants.COLOR_CHANGED,
    "nothing to do": constants.COLOR_OK,
    "info": constants.COLOR_OK,
    "findings": constants.COLOR_WARN,
    "warning": constants.COLOR_WARN,
    "not begun": constants.COLOR_SKIP,
    "unreachable": constants.COLOR_UNREACHABLE,
}


def is_of_collection(task: Any) -> bool:
    """Whether a task is one of this collection, also where its play names the collection, and the task only `run`."""
    return str(task.resolved_action or task.action).startswith("opskit.host.")


class CallbackModule(CallbackBase):
    """Collects the results of the collection's tasks, and tells them at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "opskit.host.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **options: Any) -> None:
        """Begin with nothing."""
        super().__init__(*args, **options)
        self.tasks: dict[Any, tuple[str, list[Told]]] = {}

    def _add(self, result: Any, told: Told) -> None:
        task = result._task  # noqa: SLF001 - all that 2.16 has
        self.tasks.setdefault(task._uuid, (task.get_name(), []))[1].append(told)  # noqa: SLF001

    def _take(self, result: Any, *, failed: bool = False) -> None:
        task, answer = result._task, result._result  # noqa: SLF001
        if not is_of_collection(task) or "results" in answer:  # those of a loop are told one by one
            return
        host = result._host.get_name()  # noqa: SLF001
        item = answer.get("_ansible_item_label", answer.get("item"))
        name = host if item is None else f"{host} ({item})"
        diff = bool(context.CLIARGS.get("diff")) or bool(task.diff)
        self._add(result, tell(name, answer, failed=failed, check=bool(task.check_mode), diff=diff))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take the result."""
        self._take(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take the result."""
        del ignore_errors
        self._take(result, failed=True)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Take the result, where the task was not begun."""
        if result._result.get("not_begun"):  # noqa: SLF001
            self._take(result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Take the result of one item of a loop."""
        self._take(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Take the result of one item of a loop."""
        self._take(result, failed=True)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Take the result of one item of a loop, where it was not begun."""
        self.v2_runner_on_skipped(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Take a host that could not be reached, or was lost while the task ran."""
        if is_of_collection(result._task):  # noqa: SLF001
            words = str(result._result.get("msg", "")).strip()  # noqa: SLF001
            self._add(result, Told(result._host.get_name(), "unreachable", words))  # noqa: SLF001

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tell it."""
        del stats
        for title, told in self.tasks.values():
            self._display.display("")
            for line in summarize(title, told):
                self._display.display(line.text, color=COLORS.get(line.outcome, constants.COLOR_ERROR)
                                      if line.outcome else None)  # fmt: skip
