"""How --unit is typed, wherever a command has it."""

from __future__ import annotations

import re

from opskit.memcached.unit.model import UNIT
from opskit.options import PlainCommand


class UnitCommand(PlainCommand):
    """--unit alone is memcached.service."""

    bare = (frozenset({"--unit"}), UNIT, re.compile("[^-].*", re.DOTALL))
