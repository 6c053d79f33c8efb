"""What opskit does with a signal while ansible-playbook runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from opskit.core.execute import Interrupts
from opskit.fleet.drive.ansible import _Talk
from opskit.fleet.drive.store import RunFolder
from opskit.fleet.model import FleetRun
from opskit.fleet.playbook import Asked

RUN = FleetRun("r", "apply", "t", "0.2.0", ("disk", "list"), ("h,",), hosts={"h": "T"})


class Playbook:
    """ansible-playbook: in its first moment comes Ctrl-C, and what it has written; in its second it ends."""

    def __init__(self, interrupts: Interrupts, events: str, path: str) -> None:
        self.interrupts, self.events, self.path = interrupts, events, path
        self.status: Any = None
        self.was_ended = False

    def wait(self, _descriptor: int, **_options: bool) -> bool:
        if not self.events:
            self.status = 0
            return False
        Path(self.path).write_text(self.events)
        self.events = ""
        self.interrupts.number = 2
        return True

    def end(self) -> None:
        self.was_ended = True


@pytest.mark.parametrize(
    ("events", "stop", "ends"),
    [
        ('{"time": "1", "event": "batch", "hosts": ["h"]}\n', "stop", False),
        ('{"time": "1", "event": "hosts", "hosts": ["h"]}\n', "stop", True),
        # Where the disk does not take the file, there is no other way to have no more hosts begin.
        ('{"time": "1", "event": "batch", "hosts": ["h"]}\n', "none/stop", True),
    ],
    ids=["begun", "not begun", "no disk"],
)
def test_a_signal_waits_for_hosts_that_began_in_the_same_moment(
    tmp_path: Path, events: str, stop: str, ends: bool
) -> None:
    folder = RunFolder(str(tmp_path), RUN)
    folder.stop_path = str(tmp_path / stop)
    interrupts = Interrupts()
    ansible: Any = Playbook(interrupts, events, folder.events_path)
    heard, tells = os.pipe()
    os.write(tells, b".")
    try:
        told: list[bool] = []
        talk = _Talk(folder, Asked(folder.stop_path), interrupts, lambda _states, stopping: told.append(stopping), 0)
        assert talk.listen(ansible, heard) == 2
    finally:
        os.close(heard)
        os.close(tells)
    assert ansible.was_ended == ends
    assert told[-1] != ends  # whoever pressed the key sees that it was heard
