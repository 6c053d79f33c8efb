"""Look at the host: all areas at the same time, each in a process of its own with a time limit of its own."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Callable, NamedTuple

from opskit.core.child import SILENT, ask
from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Failed, Missing, OpskitError
from opskit.core.jsonable import from_json, to_json
from opskit.core.report import Report, ReportRequest
from opskit.core.runner import HostRunner, ReadOnlyRunner, Stream, StreamingRunner
from opskit.core.units import seconds_text
from opskit.status.model import Looked

# A program is ended so long before the look that waits for it is given up: it would be left behind.
BEFORE = 0.5


class Question(NamedTuple):
    """A look that is to be taken.

    area, name: of areas.Look
    command: the whole line that shows all of it
    load: gives the function that looks; called in the process that looks
    seconds: how long it may take
    """

    area: str
    name: str
    command: str
    load: Callable[[], Callable[[StreamingRunner, ReportRequest], Report]]
    seconds: float
    request: ReportRequest


class InTimeRunner:
    """Runs the programs of a look, none of them beyond its end. seconds: how long the look may take."""

    def __init__(self, inner: StreamingRunner, seconds: float) -> None:
        self.inner = inner
        self.seconds = seconds
        self.until = time.monotonic() + seconds - BEFORE

    @contextlib.contextmanager
    def _in_time(self, command: Command) -> Iterator[Command]:
        """The command with what is left of the time. Raises Failed once nothing is: it may have had little of it."""
        left = self.until - time.monotonic()
        late = Failed(silence(self.seconds), command.argv[0])
        if left <= 0:
            raise late
        try:
            yield replace(command, timeout=min(command.timeout, left))
        except CommandFailed:
            raise
        except Failed as error:
            raise late if time.monotonic() >= self.until else error from None

    def run(self, command: Command) -> Result:
        """See Runner.run."""
        with self._in_time(command) as in_time:
            return self.inner.run(in_time)

    @contextlib.contextmanager
    def stream(self, command: Command) -> Iterator[Stream]:
        """See StreamingRunner.stream."""
        with self._in_time(command) as in_time, self.inner.stream(in_time) as stream:
            yield stream


def silence(seconds: float) -> str:
    """Why there is nothing of a look that has no answer in its time."""
    return f"no answer within {seconds_text(seconds)}"


def look(questions: Sequence[Question]) -> tuple[Looked, ...]:
    """Take all of these looks at the same time. One that does not end, or fails, holds no other up."""
    _share()
    answers = ask([partial(_answer, each) for each in questions], [each.seconds for each in questions])
    looks = []
    for question, answer in zip(questions, answers):
        where = (question.area, question.name, question.command)
        if answer == SILENT:
            looks.append(Looked(*where, failure=silence(question.seconds)))
        elif answer.value is None:
            looks.append(Looked(*where, failure=answer.why))
        else:
            report = from_json(Report, answer.value)
            looks.append(Looked(*where, report, report.failure))
    return tuple(looks)


def _share() -> None:
    """Import what most looks need before they are forked: each would import it by itself, at the same time."""
    import json  # noqa: F401, PLC0415

    from opskit.core import checks, kernel, lock, packages, plan, systemd  # noqa: F401, PLC0415

    kernel.libc()
    gc.freeze()  # their collections would copy every page of it


def _answer(question: Question) -> dict[str, Any]:
    """What the process that looks says: the report, or why there is none."""
    runner = InTimeRunner(ReadOnlyRunner(HostRunner()), question.seconds)
    try:
        return dict(to_json(question.load()(runner, question.request)))
    except Missing as error:  # an ordinary user is shown what he can be
        if os.geteuid() == 0:
            return dict(to_json(Report(failure=str(error))))
        return dict(to_json(Report(unseen=(str(error),))))
    except OpskitError as error:
        return dict(to_json(Report(failure=str(error))))
    except Exception as error:  # noqa: BLE001 - the other areas are looked at all the same
        return dict(to_json(Report(failure=f"a fault in opskit: {type(error).__name__}: {error}")))
