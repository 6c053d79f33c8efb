"""opskit.host.fstab_check: `opskit disk fstab check`.

Written by scripts/collection.py from the tree of commands: do not edit.
"""

from __future__ import annotations

from ansible_collections.opskit.host.plugins.plugin_utils.call import NamedAction


class ActionModule(NamedAction):
    """`opskit disk fstab check`."""

    NAME = "fstab_check"
