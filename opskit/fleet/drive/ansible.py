"""ansible-playbook: found, started with the terminal of who called opskit, heard, and stopped."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from opskit.core.caller import own_program
from opskit.core.command import Command
from opskit.core.errors import Failed, Interrupted, Missing, Refused, UsageFault
from opskit.core.execute import Interrupts
from opskit.core.files import write_atomic
from opskit.core.packages import ANSIBLE
from opskit.core.runner import Attached, at_terminal, attached
from opskit.fleet.drive.store import RunFolder
from opskit.fleet.findings import inventory_findings
from opskit.fleet.model import Event, FleetRun, Settling, Tell
from opskit.fleet.playbook import Asked, Config, config_places, environment, host_seconds, last_words, playbook, words

COLLECTION = os.path.join(os.path.dirname(os.path.dirname(__file__)), "collection")
log = logging.getLogger("opskit.fleet")
INSTALL = f"{ANSIBLE}; or the package ansible-core of this host"
# What opskit hears from ansible-playbook's end and from its own stop beyond the limit of the hosts.
MARGIN_SECONDS = 600.0
# What Ansible says of a pattern that names nothing, before any host is asked.
NO_HOST = ("Could not match supplied host pattern", "leaves us with no hosts to target")
# What it says where it cannot have the folders that it works in.
NO_FOLDER = ("Unable to create local directories", "DEFAULT_LOCAL_TMP")
# What the callback says.
TOO_OLD = "is too old: opskit fleet needs"
OUTPUT_KEPT = 64 * 1024


def program() -> str:
    """The path of ansible-playbook: beside this Python, else on the caller's PATH. Raises Missing."""
    found = own_program("ansible-playbook")
    if not found:
        raise Missing("ansible-playbook", "opskit fleet goes by Ansible, which is not here", todo=INSTALL)
    if not os.path.isdir(COLLECTION):  # in a zipapp it is no folder
        why = "this build of opskit has no collection that Ansible could read"
        raise Missing("opskit.host", why, todo="pip install FILE, with the wheel of this release, and ansible-core")
    return found


def ansible_config() -> Config:
    """The ansible.cfg that is in force."""
    for named in config_places(os.environ):
        place = os.path.abspath(os.path.expanduser(named))
        with contextlib.suppress(OSError), open(place, encoding="utf-8", errors="replace") as file:
            return Config(place, file.read())
    return Config()


@contextlib.contextmanager
def looking(run: FleetRun) -> Iterator[RunFolder]:
    """A folder for a run that only looks, gone afterwards."""
    try:
        temporary = tempfile.TemporaryDirectory(prefix="opskit-fleet-")
    except OSError as error:
        raise Failed("a temporary folder", f"it cannot be made ({error.strerror})", todo="TMPDIR=DIR") from error
    with temporary as path:
        yield RunFolder(path, run)


class Driven(NamedTuple):
    """What came of asking the hosts.

    events: all of the folder
    signal: which one ended it early; 0 for none
    trouble: why ansible-playbook did not come to its end; "" where it did
    """

    events: list[Event]
    signal: int = 0
    trouble: str = ""


def drive(folder: RunFolder, run: FleetRun, asked: Asked, tell: Tell, lock: int = -1) -> Driven:
    """Ask the hosts of the run, and hear them until all have ended.

    Ctrl-C and SIGTERM leave the hosts alone that have not begun, and wait for those that have; a second one does not
    wait. What only looks is ended by the first.

    run: what is asked now: the folder's run, or the hosts of it that are not done
    tell: told whenever something has happened
    lock: the descriptor of the folder's lock, which ansible-playbook holds, too: it can outlive opskit
    Raises Missing; Failed when no host was asked, Refused where the inventory has not the hosts of the run.
    """
    path = program()
    _write_playbook(folder, run, asked)
    line = Command(words(run, path, folder.playbook_path), mutates=not asked.check, timeout=_silence(run))
    before = len(folder.events())
    output = os.open(folder.output_path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    heard, tells = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(tells, False)  # who does not listen holds nobody up
    try:
        begins = os.fstat(output).st_size
        interrupts = Interrupts()
        keep = (tells, *((lock,) if lock >= 0 else ()))
        with (
            interrupts.held_back(),
            attached(line, _environment(folder, run, tells), output=output, keep=keep) as ansible,
        ):
            os.close(tells)
            tells = -1
            if lock >= 0:
                folder.name_holder(lock, f"{os.getpid()} (ansible-playbook: {ansible.pid})")
            number = _Talk(folder, asked, interrupts, tell, before).listen(ansible, heard)
            status = ansible.status
        said = last_words(os.pread(output, OUTPUT_KEPT, begins).decode("utf-8", "replace"))
    finally:
        for descriptor in (heard, output, *((tells,) if tells >= 0 else ())):
            os.close(descriptor)
    log.debug("ansible-playbook: exit status %s\n%s", status, said)
    events = folder.events()
    _check_hosts(run, events[before:], number, f"exit status {status}: {said}" if said else f"exit status {status}")
    ended = any(event.event == "end" for event in events[before:])
    return Driven(events, number, "" if ended or number else f"exit status {status}: {said}")


def _write_playbook(folder: RunFolder, run: FleetRun, asked: Asked) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder.stop_path)
        write_atomic(folder.playbook_path, playbook(run, asked).encode())
    except OSError as error:
        why = f"the playbook cannot be written ({error.strerror})"
        raise Failed(folder.playbook_path, why, todo="make room", state="Nothing was changed.") from error


def _check_hosts(run: FleetRun, events: list[Event], number: int, why: str) -> None:
    """Raise for a run in which no host was asked."""
    found = next((event for event in events if event.event == "hosts"), None)
    nothing = "Nothing was changed."
    listing = shlex.join(("ansible-inventory", *(word for place in run.inventory for word in ("-i", place)), "--list"))
    if found is None:
        if number:
            raise Interrupted(number, state=nothing)
        if run.limit and not run.hosts and any(words in why for words in NO_HOST):
            raise UsageFault(run.limit, why, todo=listing)
        if TOO_OLD in why:
            raise Missing("ansible-playbook", why, todo=INSTALL, state=nothing)
        if any(words in why for words in NO_FOLDER):
            todo = "name folders of your own: ANSIBLE_HOME=DIR, ANSIBLE_LOCAL_TEMP=DIR"
            raise Failed("ansible-playbook", why, todo=todo, state=nothing)
        raise Failed("ansible-playbook", why, todo=listing, state=nothing)
    if run.hosts:
        strange = inventory_findings(run, found.hosts)
        if strange:
            raise Refused("the hosts of the plan", strange)
    elif not found.hosts:
        where = " ".join(run.inventory) or "Ansible's own inventory"
        raise UsageFault(run.limit or "all", f"no host of {where} matches ({why})", todo=listing)


def _silence(run: FleetRun) -> float:
    return host_seconds(run) + MARGIN_SECONDS


def _environment(folder: RunFolder, run: FleetRun, tells: int) -> dict[str, str]:
    ours = {
        "OPSKIT_FLEET_EVENTS": folder.events_path,
        "OPSKIT_FLEET_STOP": folder.stop_path,
        "OPSKIT_FLEET_STOPPED": "",
        "OPSKIT_FLEET_WAKE": str(tells),
        "OPSKIT_FLEET_MAX_FAIL": str(run.max_fail) if run.kind in {"apply", "undo"} else "",
        "OPSKIT_FLEET_EXACT": "yes" if run.hosts else "",
    }
    return {**environment(os.environ, ansible_config(), COLLECTION, named=bool(run.hosts)), **ours}


class _Talk:
    """What is heard of the hosts while ansible-playbook runs, and what it is told.

    before: how many events there were
    """

    def __init__(self, folder: RunFolder, asked: Asked, interrupts: Interrupts, tell: Tell, before: int) -> None:
        self.folder, self.interrupts, self.tell, self.before = folder, interrupts, tell, before
        self.acts = folder.run.kind in {"apply", "undo"} and not asked.check
        self.begun = self.stopping = False
        self.person = at_terminal()
        self.settling = Settling(folder.run)
        self.heard = 0

    def listen(self, ansible: Attached, heard: int) -> int:
        """Until ansible-playbook has ended. Returns the signal that came meanwhile, 0 for none."""
        first = 0
        while ansible.status is None:
            # Until hosts are asked a person may be typing a password. Without one an inventory that hangs has a limit.
            came = ansible.wait(heard, patient=not self.begun and self.person)
            if self.interrupts.number:
                again, first, self.interrupts.number = first, first or self.interrupts.number, 0
                stopped = stop(self.folder.stop_path)
                self.hear()  # that hosts have begun may have come in the same moment
                if again or not (stopped and self.acts and self.begun):
                    ansible.end()
                    break
                self.stopping = True
                self._tell()
            if came and not os.read(heard, 65536):
                heard = -1  # it ends
            elif came:
                self.hear()
        self.hear()
        return first

    def hear(self) -> None:
        """Read what has come, and tell of it."""
        events = self.folder.events()
        came, self.heard = events[self.heard :], len(events)
        self.settling.add(came)
        self.begun = self.begun or any(event.event == "batch" for event in events[self.before :])
        if came and len(events) > self.before:
            self._tell()

    def _tell(self) -> None:
        try:
            self.tell(self.settling.states, self.stopping)
        except OSError:  # the terminal is gone, and the hosts at work are not
            self.tell = lambda _states, _stopping: None


def stop(path: str) -> bool:
    """Have no further host begin. False where the disk does not take the file that says so."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError:
        return False
    return True
