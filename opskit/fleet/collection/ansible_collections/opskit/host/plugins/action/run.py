"""opskit.host.run: any command of opskit."""

from __future__ import annotations

from typing import Any

from ansible_collections.opskit.host.plugins.plugin_utils.call import OpskitAction


class ActionModule(OpskitAction):
    """Run the words of argv."""

    def spec(self) -> dict[str, Any]:
        """Its own parameters, as Ansible has them."""
        return {"argv": {"type": "list", "elements": "str", "default": []}}

    def words(self, parameters: dict[str, Any]) -> list[str]:
        """What is typed behind `opskit`."""
        return list(parameters["argv"])
