"""The group `opskit memcached`: each of its commands is imported, and built, when it is named."""

from __future__ import annotations

from opskit.areas import Entry
from opskit.commands import LazyGroup, new_app

LINES, INSTANCE = "opskit.memcached.line.cli", "opskit.memcached.instance.cli"


class MemcachedGroup(LazyGroup):
    """All of its commands."""

    entries = {  # noqa: RUF012
        "flags": Entry(LINES, "Show every option of a release.", app="flags_app", single=True),
        "explain": Entry(LINES, "Explain a line word by word.", app="explain_app", single=True),
        "lint": Entry(LINES, "Check a line; exit 4 with findings.", app="lint_app", single=True),
        "start": Entry(INSTANCE, "Start an instance, safely, and check it.", app="start_app", single=True),
        "stop": Entry(INSTANCE, "Stop an instance.", app="stop_app", single=True),
        "status": Entry("opskit.memcached.status.cli", "Show every instance: memory, hits, connections.", single=True),
    }


app = new_app(
    "Example: opskit memcached lint -- -p 11211 -u memcached -m 64 -c 1024\n\n"
    "Launch memcached right, or be told why not.",
    group=MemcachedGroup,
)
