"""A finding: something a person should know, with its evidence and what to do about it."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, NamedTuple

from opskit.core.jsonable import Shape
from opskit.core.record import dataclass
from opskit.core.text import masked

if TYPE_CHECKING:
    from opskit.core.results import FindingAnswer

SEVERITIES = ("info", "warning", "error", "critical")
Severity = Annotated[str, Shape(words=SEVERITIES)]


@dataclass(frozen=True)
class Finding:
    """One entry of the envelope's `findings`. severity is one of SEVERITIES. Passwords in its texts are masked."""

    id: str
    severity: Severity
    title: str
    evidence: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        for key in ("title", "evidence", "remedy"):
            object.__setattr__(self, key, masked(getattr(self, key)))

    def as_json(self) -> FindingAnswer:
        """Its entry of the envelope: also a reason for a refusal is told as any finding is."""
        return {
            "id": self.id,
            "severity": self.severity,
            "title": self.title,
            "evidence": self.evidence,
            "remedy": self.remedy,
        }


def follow_up(*words: str) -> str:
    """The opskit command that follows on this one, as it has to be typed: with what this one had in place of defaults.

    words: without `opskit`; of --state-dir, and --fstab for the commands of disk, they lack what this command was given
    """
    names = ("--state-dir", *(("--fstab",) if words[0] == "disk" else ()))
    typed = sys.argv[1 : sys.argv.index("--") if "--" in sys.argv else None]
    given = []
    for number, word in enumerate(typed):
        name, equals, value = word.partition("=")
        if name in names and name not in words:
            given += [name, value if equals else "".join(typed[number + 1 : number + 2])]
    return shlex.join(("opskit", *words, *given))


def left_over(path: str) -> Finding:
    """The finding for a temporary file of a write that was killed; one of core/files.py has a dot before its name."""
    removed = "; the next run that writes there removes it, too" if path.rpartition("/")[2].startswith(".") else ""
    remedy = f"rm {shlex.quote(path)}{removed}"
    return Finding("left-over", "warning", f"{path} is left of a write that was killed", remedy=remedy)


class FindingKind(NamedTuple):
    """What the registry says of a finding id; each area has its own in `findings.FINDINGS`.

    id: unique in its area
    severities: those that such a finding can have
    meaning: what it means, in one line
    """

    id: str
    severities: tuple[str, ...]
    meaning: str


# Those that any command can have.
FINDINGS = (
    FindingKind("changed-since-plan", ("critical",), "the host is no longer as it was when the plan was made"),
    FindingKind("plan-of-another-machine", ("critical",), "the plan of --only-plan was made on another machine"),
    FindingKind("opskit-replaced", ("critical",), "opskit was upgraded or removed while the command waited"),
    FindingKind("needs-privilege", ("warning",), "what a dry run shows takes root, or a state directory of one's own"),
    FindingKind("plan-taken-back", ("critical",), "the plan of --only-plan was carried out, and taken back since"),
    FindingKind("left-over", ("warning",), "a temporary file of a run that was killed is left"),
    FindingKind("command-failed", ("warning",), "a program failed without harm to what was asked for"),
)
