"""The state of a run on disk."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opskit.core.errors import Busy, Failed, OpskitError, UsageFault
from opskit.fleet.drive.store import OF_THE_HOST, check_kept, create_run, fleet_dir, open_run
from opskit.fleet.findings import inventory_findings
from opskit.fleet.model import FleetPlan, FleetRun, HostPlan, sealed
from opskit.options import DEFAULT_STATE_DIR

RUN = FleetRun("20261129T190000Z-aaaaaa", "apply", "t", "0.2.0", ("disk", "list"), ("h,",), hosts={"h": "T"})
TOKEN = "20261120T190500Z-ab12cd:0123456789abcdef-012345"
PLAN = sealed(
    FleetPlan("opskit-fleet-plan", "t", "0.2.0", RUN.argv, RUN.inventory, "", {"h": HostPlan("changes", 0, TOKEN)})
)
OTHER = replace(RUN, id="20261129T200000Z-bbbbbb")


def test_where_the_runs_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OF_THE_HOST == DEFAULT_STATE_DIR
    assert fleet_dir("/srv/x") == "/srv/x/fleet"
    monkeypatch.setenv("XDG_STATE_HOME", "/home/u/state")
    assert fleet_dir(DEFAULT_STATE_DIR) == "/home/u/state/opskit/fleet"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/u")
    assert fleet_dir(DEFAULT_STATE_DIR) == "/home/u/.local/state/opskit/fleet"


def test_a_run_is_found_by_its_id_the_beginning_of_it_and_last(tmp_path: Path) -> None:
    for run in (RUN, OTHER):
        create_run(str(tmp_path), run, PLAN)
    assert [open_run(str(tmp_path), name).run for name in (RUN.id, RUN.id[:12], "last")] == [RUN, RUN, OTHER]
    assert os.stat(tmp_path / "fleet" / RUN.id).st_mode & 0o777 == 0o700
    for name, why in (("2026", "2 runs begin so"), ("2025", "no such run"), ("", "")):
        with pytest.raises(UsageFault) as told:
            open_run(str(tmp_path), name)
        assert why in told.value.why


def test_the_plan_of_a_run_is_kept(tmp_path: Path) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    assert open_run(str(tmp_path), "last").plan() == PLAN
    assert os.stat(folder.plan_path).st_mode & 0o777 == 0o600
    for text in ("{}", "", "\udcff"):
        Path(folder.plan_path).write_text(text, encoding="utf-8", errors="surrogateescape")
        assert folder.plan() is None
    os.unlink(folder.plan_path)
    assert folder.plan() is None


def test_a_run_of_a_newer_opskit_is_told(tmp_path: Path) -> None:
    path = Path(create_run(str(tmp_path), RUN, PLAN).path, "run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "shard": 1}))
    with pytest.raises(UsageFault, match=r"unknown field 'shard'"):
        open_run(str(tmp_path), "last")


def test_events_are_read_as_they_come_and_half_a_line_waits(tmp_path: Path) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    assert folder.events() == []
    line = '{"time": "1", "event": "begun", "host": "h", "task": "apply"}\n'
    with open(folder.events_path, "w", encoding="ascii") as file:
        for written, count in ((line + line[:20], 1), (line[20:], 2), ("{torn\n" + line, 3)):
            file.write(written)
            file.flush()
            assert len(folder.events()) == count


def test_one_process_has_a_run_at_a_time_and_the_second_is_told_who(tmp_path: Path) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    assert not folder.live()
    with folder.held():
        other = open_run(str(tmp_path), RUN.id)
        assert other.live()
        with pytest.raises(Busy, match=f"pid {os.getpid()} carries it on") as told, other.held():
            pass
        assert "fleet status" in told.value.todo
    assert not folder.live()


def test_a_look_writes_nothing_and_is_told_who_has_the_run(tmp_path: Path) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    with folder.held(look=True) as lock:
        assert (lock, os.path.exists(folder.lock_path)) == (-1, False)
    with folder.held(), pytest.raises(Busy, match=f"pid {os.getpid()} carries it on"), folder.held(look=True):
        pass


def test_a_lock_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    os.symlink("/none/here", folder.lock_path)
    with pytest.raises(Failed, match="the lock of the run cannot be taken") as told, folder.held():
        pass
    assert (told.value.what, told.value.state) == (folder.lock_path, "Nothing was changed.")


def test_who_only_looks_at_a_run_keeps_nobody_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_run(str(tmp_path), RUN, PLAN)
    with folder.held():
        pass
    with open(folder.lock_path, "rb") as looks:
        fcntl.flock(looks, fcntl.LOCK_SH)
        assert not folder.live()
        monkeypatch.setattr(time, "sleep", lambda _seconds: fcntl.flock(looks, fcntl.LOCK_UN))
        with folder.held():
            assert folder.live()


def test_a_state_directory_that_others_can_write_is_not_gone_by(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet").chmod(0o777)
    with pytest.raises(OpskitError, match="others can write there"):
        create_run(str(tmp_path), RUN, PLAN)


def test_no_room_for_the_state_is_told_before_anything_begins(tmp_path: Path) -> None:
    (tmp_path / "fleet").write_text("")
    with pytest.raises(Failed) as told:
        create_run(str(tmp_path), RUN, PLAN)
    assert told.value.state == "Nothing was changed."
    with pytest.raises(Failed, match="Not a directory"):
        check_kept(str(tmp_path))


def test_a_folder_that_cannot_be_written_is_told_before_anybody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_kept(str(tmp_path / "a/b"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(Failed, match="Permission denied") as told:
        check_kept(str(tmp_path / "a/b"))
    assert told.value.todo == "name another place: --state-dir DIR"
    assert list(tmp_path.iterdir()) == []


def test_an_inventory_that_is_not_the_plan_s() -> None:
    run = replace(RUN, hosts={"a": "T", "b": "T"})
    assert inventory_findings(run, ["b", "a"]) == []
    found = [(finding.id, finding.title) for finding in inventory_findings(run, ["b", "c"])]
    assert [ident for ident, _ in found] == ["host-not-in-inventory", "host-not-in-plan"]
    assert found[0][1].startswith("a is not in the inventory (h,)")
