"""What a person must be told, a class for each kind: raised where the cause is known, shown in one place (cli.py).

Each carries what failed, why, what to do about it, and (where it matters) the state the host is in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opskit.core.text import last_lines, masked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from opskit.core.command import Result
    from opskit.core.finding import Finding


class ExitCode:
    """The exit codes of every command; a run that a signal ended exits with 128 and the signal's number."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    CHANGES_PENDING = 3
    FINDINGS = 4
    REFUSED = 5
    MISSING = 6
    BUSY = 7
    TAKEN_BACK = 8
    TAKE_BACK_FAILED = 9
    UNREACHABLE = 10


class OpskitError(Exception):
    """Something a person must be told: `opskit: WHAT: WHY`, then what to do, then the state of the host."""

    exit_code = ExitCode.FAILED
    id = "failed"

    def __init__(self, what: str, why: str, *, todo: str = "", state: str = "") -> None:
        super().__init__(masked(f"{what}: {why}"))
        self.what = masked(what)
        self.why = masked(why)
        self.todo = masked(todo)
        self.state = state
        self.record: dict[str, Any] = {}  # what the ledger keeps of the step that raised this
        self.findings: tuple[Finding, ...] = ()


class Failed(OpskitError):
    """The work was tried and did not succeed."""


class UsageFault(OpskitError):
    """What was typed, or a file that was named, cannot be understood."""

    exit_code = ExitCode.USAGE
    id = "usage"


class Refused(OpskitError):
    """Refused for safety. The reasons are findings, each with its remedy; the first one's code is the exit code."""

    exit_code = ExitCode.REFUSED
    id = "refused"

    def __init__(self, what: str, reasons: Sequence[Finding], *, exit_code: int = ExitCode.REFUSED) -> None:
        super().__init__(what, reasons[0].title, todo=reasons[0].remedy, state="Nothing was changed.")
        self.findings = tuple(reasons)
        self.exit_code = exit_code


class NeedsConfirmation(OpskitError):
    """There is nobody to ask, or the answer was no."""

    exit_code = ExitCode.REFUSED
    id = "needs-confirmation"


class Missing(OpskitError):
    """A tool or a privilege is missing."""

    exit_code = ExitCode.MISSING
    id = "missing"


class TooOld(Missing):
    """Whoever calls this opskit (--needs) needs a newer one."""

    id = "too-old"


class Busy(OpskitError):
    """Somebody else holds what is needed."""

    exit_code = ExitCode.BUSY
    id = "busy"


class TakenBack(OpskitError):
    """Failed, and all that had been done was taken back."""

    exit_code = ExitCode.TAKEN_BACK
    id = "taken-back"


class TakeBackFailed(OpskitError):
    """Failed, and something of it is left: it cannot be taken back, or taking back failed too."""

    exit_code = ExitCode.TAKE_BACK_FAILED
    id = "take-back-failed"


class StillRunning(OpskitError):
    """A program that changes the host outlived SIGKILL: nobody knows yet what it will have done."""

    exit_code = ExitCode.TAKE_BACK_FAILED
    id = "still-running"


class Interrupted(OpskitError):
    """A signal ended the run; what had been done was taken back."""

    id = "interrupted"

    def __init__(self, signal_number: int, *, state: str) -> None:
        super().__init__("interrupted", f"signal {signal_number}", state=state)
        self.exit_code = 128 + signal_number


class CommandFailed(Failed):
    """A program that ran and did not succeed. Keeps its argv, exit status or signal, and its last words."""

    id = "command-failed"

    def __init__(self, result: Result, why: str = "") -> None:
        argv = result.command.argv
        ended = f"ended by signal {-result.status}" if result.status < 0 else f"exit status {result.status}"
        words = last_lines(result.stderr, 5) or last_lines(result.stdout, 5)
        super().__init__(argv[0], why or f"{ended}: {words or 'it printed nothing'}")
        self.result = result


class CannotUndo(OpskitError):
    """This step is kept as it is; the reason is for the person who asked to take it back.

    keeps_earlier: the earlier steps of the run are kept too (a mount that is kept needs its fstab entry). What is kept
        without them is a left-over that harms nobody: a backup, a directory with something in it by now.
    missing: what it would be put back for, and is not on the host any more: a path, or the tag of an entry (UUID=…);
        "" when it is kept for another reason.
    """

    id = "cannot-undo"

    def __init__(self, why: str, *, keeps_earlier: bool = True, todo: str = "", missing: str = "") -> None:
        super().__init__("kept", why, todo=todo)
        self.keeps_earlier = keeps_earlier
        self.missing = missing
