"""The last lines of units that failed, whatever their priority, and whose process the OOM killer chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opskit.core.command import Command
from opskit.core.errors import OpskitError
from opskit.core.record import dataclass
from opskit.core.runner import StreamingRunner
from opskit.core.systemd import innermost_unit
from opskit.journal.errors.export import ExportParser, fields_of
from opskit.journal.errors.failures import NEVER_STARTED, failure_of, oom_group
from opskit.journal.errors.incidents import Incident
from opskit.journal.errors.model import UnitFailure
from opskit.journal.errors.moments import journalctl_moment
from opskit.journal.errors.see.entries import host_zone
from opskit.journal.files.model import Scope
from opskit.journal.releases import Version, rules_of

# So many units, and processes that were killed, are looked at; each is a journalctl of its own.
MOST = 20
LINES = 60
SECOND = 1_000_000
_FIELDS = "MESSAGE,_PID,INVOCATION_ID,_SYSTEMD_INVOCATION_ID"


@dataclass(frozen=True)
class LastLines:
    """A journal that is asked for the last lines before a moment."""

    runner: StreamingRunner
    scope: Scope
    version: Version

    def failures(self, units: Mapping[str, tuple[str, int]]) -> tuple[UnitFailure, ...]:
        """The failures of these units, the last lines of MOST of them.

        units: by name the result, and when it was, 0 for not known
        """
        failures = []
        asked = 0
        for name, (result, moment) in units.items():
            # What it wrote last can reach journald behind systemd's word that it failed.
            until = moment + SECOND if moment else 0
            if result in NEVER_STARTED or asked == MOST:
                failures.append(UnitFailure(name, result, left_out=result not in NEVER_STARTED))
                continue
            asked += 1
            # Not --unit: what the forked child says before it becomes the program is of another process than 1.
            own = (f"_SYSTEMD_UNIT={name}", "+", f"UNIT={name}", "_UID=0", "+", f"COREDUMP_UNIT={name}", "_UID=0")
            entries = self._entries((f"--lines={LINES}", *own), until=until)
            failures.append(failure_of(name, result, entries))
        return tuple(failures)

    def killed_in(self, kills: Sequence[Incident]) -> dict[str, str]:
        """The unit of the last process of each name that the OOM killer chose, where the kernel tells."""
        units = {}
        for kill in kills[:MOST]:
            words = ("_TRANSPORT=kernel",)
            entries = self._entries(words, since=kill.last - 2 * SECOND, until=kill.last + SECOND)
            group = oom_group((entry.get("MESSAGE", "") for entry in entries), kill.detail)
            if unit := innermost_unit(group):
                units[kill.subject] = unit
        return units

    def _entries(self, words: Sequence[str], *, since: int = 0, until: int = 0) -> list[dict[str, str]]:
        """The entries, their fields by name; none where journalctl fails: the answer is the same without them."""
        rules = rules_of(self.version)
        zone = None if rules.at_sign else host_zone()
        argv = ["journalctl", "--quiet", "--no-pager", "--output=export", *self.scope.options]
        argv += [f"--output-fields={_FIELDS}"] if rules.output_fields else []
        argv += [f"--since={journalctl_moment(since, zone)}"] if since else []
        argv += [f"--until={journalctl_moment(until, zone)}"] if until else []
        parser = ExportParser(every=True)
        entries: list[dict[str, str]] = []
        try:
            with self.runner.stream(Command((*argv, *words), mutates=False)) as stream:
                while data := stream.read():
                    entries += [fields_of(entry) for entry in parser.feed(data)]
        except OpskitError:
            return []
        return entries
