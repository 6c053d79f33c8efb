"""How --unit is typed, wherever a command has it."""

from __future__ import annotations

import re

from opskit.commands import PlainCommand
from opskit.memcached.unit.model import UNIT


class UnitCommand(PlainCommand):
    """--unit alone is memcached.service."""

    bare = (frozenset({"--unit"}), UNIT, re.compile("[^-].*", re.DOTALL))
