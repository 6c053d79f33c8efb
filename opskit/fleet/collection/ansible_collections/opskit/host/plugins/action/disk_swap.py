"""opskit.host.disk_swap: `opskit disk swap`.

Written by scripts/collection.py from the tree of commands: do not edit.
"""

from __future__ import annotations

from ansible_collections.opskit.host.plugins.plugin_utils.call import NamedAction


class ActionModule(NamedAction):
    """`opskit disk swap`."""

    NAME = "disk_swap"
