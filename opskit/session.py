"""What one command was asked for beside its own arguments: output, state directory, dry run, the runner."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional

from opskit.core.caller import CAP_SYS_ADMIN, has_capability, sudo_line
from opskit.core.config import Config
from opskit.core.errors import Missing
from opskit.ui.screen import Screen

if TYPE_CHECKING:
    from opskit.core.plan import PlanToken
    from opskit.core.runner import StreamingRunner


@dataclass
class Session:
    """The shared options of one command, and what follows from them.

    lock_timeout: seconds to wait for another opskit.
    format: text, sh or json.
    facts: a file of saved facts.
    only_plan: the token of the plan that is carried out if any is; "" for whichever is made.
    """

    screen: Screen
    state_dir: str
    config: Config
    verbose: int = 0
    dry_run: bool = False
    yes: bool = False
    exit_code: bool = False
    format: str = "text"
    facts: str = ""
    only_plan: str = ""
    lock_timeout: float = 0.0
    changes: bool = False

    @functools.cached_property
    def runner(self) -> StreamingRunner:
        """What runs programs, and tells of them at -v. For a command that only reads, and a dry run: no changes."""
        from opskit.core.log import log_to_stderr  # noqa: PLC0415 - du does without a program
        from opskit.core.runner import HostRunner, ReadOnlyRunner  # noqa: PLC0415

        log_to_stderr(self.verbose)
        host = HostRunner()
        return host if self.changes and not self.dry_run else ReadOnlyRunner(host)

    @functools.cached_property
    def token(self) -> Optional[PlanToken]:
        """What --only-plan names, None without it. Raises UsageFault."""
        from opskit.core.plan import PlanToken  # noqa: PLC0415 - a command that only looks does without

        return PlanToken.parse(self.only_plan) if self.only_plan else None

    @functools.cached_property
    def run(self) -> str:
        """The run id of the plan: its new UUIDs and the names of its backups follow from it. Raises UsageFault."""
        from opskit.core.ledger import new_run_id  # noqa: PLC0415 - a command that only looks does without

        return self.token.run if self.token else new_run_id()

    def log_to_file(self) -> None:
        """Begin the log in the state directory: only once something is about to change."""
        from opskit.core.log import log_to_file  # noqa: PLC0415

        log_to_file(self.state_dir, self.config)

    @property
    def sudo(self) -> str:
        """The line to type as an ordinary user for what needs root, "" for root."""
        return sudo_line() if os.geteuid() != 0 else ""

    def need_root(self, *, mounts: bool = False) -> None:
        """Raise Missing, with the sudo line to type, before any work.

        mounts: whether it will mount: root in a container may not
        """
        if self.sudo:
            raise Missing("not root", "this needs root", todo=self.sudo, state="Nothing was changed.")
        if mounts and not has_capability(CAP_SYS_ADMIN):
            why = "root may not mount here (no CAP_SYS_ADMIN, as in a container)"
            raise Missing("root", why, todo="run it on the host itself", state="Nothing was changed.")
