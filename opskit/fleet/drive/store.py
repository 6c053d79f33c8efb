"""A run on disk: what is being done (run.json, plan.json), what happened (events.jsonl), who has it (lock), stop."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator
from typing import Optional

from opskit.core.caller import own_folder
from opskit.core.errors import Busy, Failed, Missing, UsageFault
from opskit.core.files import existing_part, sync_directory, write_atomic
from opskit.core.finding import follow_up
from opskit.core.jsonable import ShapeError, from_json, to_json
from opskit.core.lock import check_state_dir, make_state_dir, wait_for_flock
from opskit.fleet.model import Event, FleetPlan, FleetRun, read_events, read_plan

# Where a host keeps its ledger (options.DEFAULT_STATE_DIR): that is none of a fleet's.
OF_THE_HOST = "/var/lib/opskit"
# `status` looks whether the lock is free by having it for a moment: that is no reason to be turned away.
MOMENT_SECONDS = 1.0


def fleet_dir(state_dir: str) -> str:
    """Where the runs are: in the folder that --state-dir names, else in the user's own.

    Raises Missing for a user that has none.
    """
    if state_dir != OF_THE_HOST:
        return os.path.join(os.path.abspath(state_dir), "fleet")
    own = own_folder("XDG_STATE_HOME")
    if not own:
        raise Missing("the state of the run", "this user has no home directory", todo="name a folder: --state-dir DIR")
    return os.path.join(own, "opskit", "fleet")


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: str, run: FleetRun) -> None:
        self.path = path
        self.run = run
        self.events_path = os.path.join(path, "events.jsonl")
        self.stop_path = os.path.join(path, "stop")
        self.output_path = os.path.join(path, "ansible.log")
        self.playbook_path = os.path.join(path, "playbook.yml")
        self.lock_path = os.path.join(path, "lock")
        self.plan_path = os.path.join(path, "plan.json")
        self._read = 0
        self._events: list[Event] = []

    def events(self) -> list[Event]:
        """What has happened up to now; only what came since the last time is read. Raises Failed.

        Half a line is left for the next time: it is being written, or a crash cut it off.
        """
        try:
            with open(self.events_path, "rb") as file:
                file.seek(self._read)
                data = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Failed(self.events_path, f"it cannot be read ({error.strerror})") from error
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        self._events += read_events(whole.decode("utf-8", "surrogateescape").split("\n"))
        return list(self._events)

    def plan(self) -> Optional[FleetPlan]:
        """The plan that the run carries out; None where it cannot be read."""
        try:
            with open(self.plan_path, encoding="utf-8", errors="surrogateescape") as file:
                return read_plan(self.plan_path, file.read())
        except (OSError, UsageFault):
            return None

    def live(self) -> bool:
        """Whether somebody carries the run on just now."""
        try:
            descriptor = os.open(self.lock_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # others that only look have it as well
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    @contextlib.contextmanager
    def held(self, *, look: bool = False) -> Iterator[int]:
        """Have the run for oneself; what is given is the lock's descriptor, for ansible-playbook to hold it too.

        look: only see that nobody has it, and write nothing; -1 is given
        Raises Busy, naming who has it; Failed where the lock cannot be had at all.
        """
        if look:
            if self.live():
                raise self._busy()
            yield -1
            return
        descriptor = -1
        try:
            descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            free = wait_for_flock(descriptor, MOMENT_SECONDS)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            why = f"the lock of the run cannot be taken ({error.strerror})"
            todo = f"see to it that {self.path} can be written"
            raise Failed(self.lock_path, why, todo=todo, state="Nothing was changed.") from error
        try:
            if not free:
                raise self._busy()
            self.name_holder(descriptor, str(os.getpid()))
            yield descriptor
        finally:
            os.close(descriptor)

    def _busy(self) -> Busy:
        """The error for a run that somebody carries on."""
        holder = ""
        with contextlib.suppress(OSError), open(self.lock_path, encoding="ascii", errors="replace") as file:
            holder = file.read(64).strip()
        todo = f"wait for it: {follow_up('fleet', 'status', self.run.id)}"
        return Busy(f"run {self.run.id}", f"pid {holder or 'unknown'} carries it on", todo=todo)

    def name_holder(self, descriptor: int, pids: str) -> None:
        """Say in the lock who has it; a full disk is no reason to stop."""
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{pids}\n".encode(), 0)


def create_run(state_dir: str, run: FleetRun, plan: FleetPlan) -> RunFolder:
    """The folder of a new run, on the disk before anything begins. Raises Failed or Missing.

    plan: what it carries out, kept for a report of it
    """
    base = fleet_dir(state_dir)
    path = os.path.join(base, run.id)
    check_kept(state_dir)
    try:
        make_state_dir(base)
        os.mkdir(path, 0o700)
        write_atomic(os.path.join(path, "plan.json"), json.dumps(to_json(plan)).encode())
        write_atomic(os.path.join(path, "run.json"), json.dumps(to_json(run)).encode())
        sync_directory(base)
    except OSError as error:
        raise _not_kept(path, error.errno or 0) from error
    return RunFolder(path, run)


def check_kept(state_dir: str) -> None:
    """Raise Failed or Missing where the state of a run cannot be kept, as far as that is seen without writing."""
    base = fleet_dir(state_dir)
    try:
        check_state_dir(base)
    except OSError as error:  # below what this user may not look into
        raise _not_kept(base, error.errno or errno.EACCES) from error
    place = existing_part(base)
    if not os.path.isdir(place):
        raise _not_kept(base, errno.ENOTDIR)
    if not os.access(place, os.W_OK | os.X_OK):
        read_only = os.statvfs(place).f_flag & os.ST_RDONLY
        raise _not_kept(base, errno.EROFS if read_only else errno.EACCES)


def _not_kept(path: str, number: int) -> Failed:
    room = "make room, or " if number in {errno.ENOSPC, errno.EDQUOT} else ""
    why = f"the state of the run cannot be kept ({os.strerror(number)})"
    return Failed(path, why, todo=f"{room}name another place: --state-dir DIR", state="Nothing was changed.")


def run_names(state_dir: str) -> list[str]:
    """The runs that are there, the oldest first."""
    try:
        return sorted(name for name in os.listdir(fleet_dir(state_dir)) if not name.startswith("."))
    except OSError:
        return []


def open_run(state_dir: str, name: str) -> RunFolder:
    """The run of this id, the only one that begins so, or the `last`. Raises UsageFault."""
    names = run_names(state_dir)
    base = fleet_dir(state_dir)
    listed = ", ".join(names[-5:]) or "there is none"
    found = names[-1:] if name == "last" else [each for each in names if each.startswith(name)]
    if name in found:
        found = [name]
    if len(found) != 1 or not name:
        why = f"{len(found)} runs begin so" if found else f"no such run in {base}"
        raise UsageFault(name or "''", why, todo=f"the newest runs: {listed}")
    path = os.path.join(base, found[0])
    try:
        with open(os.path.join(path, "run.json"), encoding="utf-8", errors="surrogateescape") as file:
            return RunFolder(path, from_json(FleetRun, json.load(file)))
    except OSError as error:
        raise UsageFault(name, f"{error.filename}: {error.strerror}", todo=f"the newest runs: {listed}") from error
    except (ValueError, ShapeError) as error:
        raise UsageFault(
            name, f"{path}/run.json: it cannot be read ({error})", todo="the opskit that began it"
        ) from error
