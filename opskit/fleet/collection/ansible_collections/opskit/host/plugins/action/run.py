"""opskit.host.run: any command of opskit."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.opskit.host.plugins.plugin_utils.call import OpskitAction


class ActionModule(OpskitAction):
    """Run the words of argv."""

    SPEC: ClassVar[dict[str, Any]] = {"argv": {"type": "list", "elements": "str", "required": True}}

    def words(self, parameters: dict[str, Any]) -> list[str]:
        """What is typed behind `opskit`."""
        return list(parameters["argv"])
