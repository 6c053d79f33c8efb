"""What opskit does with a signal while ansible-playbook runs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opskit.core.errors import Failed, Interrupted, Missing, Refused, UsageFault
from opskit.core.execute import Interrupts
from opskit.fleet.drive.ansible import TOO_OLD, _check_hosts, _Talk
from opskit.fleet.drive.store import RunFolder
from opskit.fleet.model import Event, FleetRun
from opskit.fleet.playbook import Asked

RUN = FleetRun("r", "apply", "t", "0.2.0", ("disk", "list"), ("h,",), hosts={"h": "T"})


class Playbook:
    """ansible-playbook: in its first moment comes Ctrl-C, and what it has written; when no more keys come it ends.

    keys: how often Ctrl-C is pressed
    """

    def __init__(self, interrupts: Interrupts, events: str, path: str, keys: int) -> None:
        self.interrupts, self.events, self.path, self.keys = interrupts, events, path, keys
        self.status: Any = None
        self.was_ended = False
        self.patient: list[bool] = []

    def wait(self, _descriptor: int, *, patient: bool) -> bool:
        self.patient.append(patient)
        if not self.keys:
            self.status = 0
            return False
        came = not Path(self.path).exists()
        Path(self.path).write_text(self.events)
        self.keys -= 1
        self.interrupts.number = 2
        return came

    def end(self) -> None:
        self.was_ended = True


@pytest.mark.parametrize(
    ("events", "stop", "keys", "ends"),
    [
        ('{"time": "1", "event": "batch", "hosts": ["h"]}\n', "stop", 1, False),
        ('{"time": "1", "event": "batch", "hosts": ["h"]}\n', "stop", 2, True),
        ('{"time": "1", "event": "hosts", "hosts": ["h"]}\n', "stop", 1, True),
        # Where the disk does not take the file, there is no other way to have no more hosts begin.
        ('{"time": "1", "event": "batch", "hosts": ["h"]}\n', "none/stop", 1, True),
    ],
    ids=["begun", "again", "not begun", "no disk"],
)
def test_a_signal_waits_for_hosts_that_began_in_the_same_moment_and_a_second_one_does_not(
    tmp_path: Path, events: str, stop: str, keys: int, ends: bool
) -> None:
    folder = RunFolder(str(tmp_path), RUN)
    folder.stop_path = str(tmp_path / stop)
    interrupts = Interrupts()
    ansible: Any = Playbook(interrupts, events, folder.events_path, keys)
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
    assert told[-1] == (keys == 2 or not ends)  # whoever pressed the key sees that it was heard


@pytest.mark.parametrize("person", [True, False])
def test_only_a_person_is_waited_for_without_a_limit(
    person: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inventory's program that hangs would keep what a timer starts for ever."""
    monkeypatch.setattr("opskit.fleet.drive.ansible.at_terminal", lambda: person)
    folder = RunFolder(str(tmp_path), RUN)
    began = '{"time": "1", "event": "batch", "hosts": ["h"]}\n'
    ansible: Any = Playbook(Interrupts(), began, folder.events_path, 1)
    heard, tells = os.pipe()
    os.write(tells, b".")
    try:
        _Talk(folder, Asked(folder.stop_path), Interrupts(), lambda *_: None, 0).listen(ansible, heard)
    finally:
        os.close(heard)
        os.close(tells)
    assert ansible.patient == [person, False]  # and once hosts are asked nobody is


def test_a_run_over_other_hosts_than_those_of_the_plan_is_refused() -> None:
    """The callback has begun none of them."""
    events = [Event("1", "hosts", hosts=("h",))]
    _check_hosts(RUN, events, 0, "")
    for hosts, ids in ((("h", "i"), ["host-not-in-plan"]), (("i",), ["host-not-in-inventory", "host-not-in-plan"])):
        with pytest.raises(Refused) as told:
            _check_hosts(RUN, [replace(events[0], hosts=hosts)], 0, "")
        assert [finding.id for finding in told.value.findings] == ids
    with pytest.raises(UsageFault, match="no host of h, matches"):
        _check_hosts(replace(RUN, hosts={}), [replace(events[0], hosts=())], 0, "")
    with pytest.raises(Failed, match="no such file") as failed:
        _check_hosts(RUN, [], 0, "no such file")
    assert failed.value.state == "Nothing was changed."
    with pytest.raises(Missing, match=r"2\.12\.10 is too old"):
        _check_hosts(RUN, [], 0, f"exit status 1: ERROR! ansible-core 2.12.10 {TOO_OLD} 2.13 or newer")
    with pytest.raises(Interrupted):
        _check_hosts(RUN, [], 2, "")
