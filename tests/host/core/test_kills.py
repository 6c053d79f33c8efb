"""A signal at a random moment: fstab is the old one or the new one, and a second run finishes or says why not."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from host.core.killing import Moment, killed
from host.hosts import Host
from host.memcached.test_memcached import Place, answers, free_port, place  # noqa: F401 - a fixture
from host.tools import FSTAB, GIB, Answer
from tiers import Agree, more, slow

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP)
# About so many events (killing.py) a run of each has from its first line in the ledger on, and altogether.
EVENTS = {
    "mount": (280, 3300),
    "umount": (65, 3800),
    "grow": (65, 3300),
    "undo": (90, 200),
    "retain": (20, 110),
    "memcached": (60, 300),
}


def cases(*commands: str) -> list[object]:
    """One of each command in the quick suite, 40 of all together with --full, 200 more with --more; those of these."""
    listed: list[object] = []
    for number in range(240):
        what = list(EVENTS)[number % len(EVENTS)]
        if what in commands:
            listed.append((pytest.param if number < len(EVENTS) else slow if number < 40 else more)(what, number))
    return listed


def moment(what: str, number: int) -> Moment:
    chance = random.Random(number)
    steps = chance.random() < 0.8
    count = chance.randrange(EVENTS[what][not steps])
    delay = chance.choice([0.0, 0.0, chance.random() * 0.05])
    return Moment(SIGNALS[number // len(EVENTS) % len(SIGNALS)], count, delay, steps)


def told(answer: Answer) -> bool:
    """Whether it finished, or said why not, and nothing of it is a fault."""
    text = answer.out + answer.err
    assert "Traceback" not in text, text
    assert "a fault in opskit" not in text, text
    assert "Exception ignored" not in text, text
    return answer.code == 0 or (answer.code > 0 and bool(answer.err.strip()))


def ended_well(answer: Answer, when: Moment) -> None:
    """SIGKILL ends it, STOP does not change it; of the others it says that it was interrupted, unless it was ready."""
    if when.number == signal.SIGKILL:
        assert answer.code in {0, -signal.SIGKILL}, answer
        return
    assert told(answer), answer
    wanted = {0} if when.number == signal.SIGSTOP else {0, 128 + when.number}
    assert answer.code in wanted, (when, answer)


def set_up(host: Host, what: str) -> tuple[list[str], Callable[[], object]]:
    """The words of what is killed, on a host that is ready for it; and what tells whether its work is done."""
    if what == "mount":
        disk = host.new_disk()
        return ["disk", "mount", disk.path, host.target, "--yes", *host.own], lambda: host.mounted() and host.added()
    if what == "grow":
        disk = host.new_disk(GIB)
        host.mount(disk, "--fstype", "xfs").well()
        disk.resize(2 * GIB)
        return ["disk", "grow", host.target, "--yes", *host.own], lambda: size(host) > 1.9 * GIB
    if what == "retain":
        (host.folder / "root/etc/systemd").mkdir(parents=True)
        (host.folder / "root/var/log/journal").mkdir(parents=True)
        words = ["journal", "retain", "30d", "--size", "500M", "--root", str(host.folder / "root"), "--yes"]
        return words, lambda: list((host.folder / "root/etc/systemd/journald.conf.d").glob("*.conf"))
    host.mount(host.new_disk()).well()
    Path(host.target, "file").write_text("kept")
    gone = lambda: host.mounted() is None and host.fstab.read_text() == FSTAB  # noqa: E731
    if what == "umount":
        return ["disk", "umount", host.target, "--yes", *host.own], gone
    return ["undo", host.ledger()[0]["run"], "--yes"], gone


def size(host: Host) -> int:
    return shutil.disk_usage(host.target).total


@pytest.mark.parametrize(("what", "number"), cases(*list(EVENTS)[:-1]))
def test_a_signal_at_a_random_moment(host: Host, what: str, number: int, agree: Agree) -> None:
    if what == "retain" and not shutil.which("journalctl"):
        pytest.skip("journalctl is not on this host")
    words, done = set_up(host, what)
    when = moment(what, number)
    before = host.fstab.read_text()
    first = killed(when, words, str(host.state))
    ended_well(first, when)
    now = host.fstab.read_text()
    whole = now in {before, FSTAB} or (now.startswith(FSTAB) and host.added().startswith("UUID=") and now[-1] == "\n")
    agree("fstab is the old or the new one after a signal", int(whole and now.count("\n") <= FSTAB.count("\n") + 1), 1)
    host.assert_fstab_parses()
    second = host.run(*words)
    agree("the second run finished or said why not", int(told(second)), 1)
    assert second.code != 0 or done(), (when, first, second)
    assert [name for name in host.backups() if name.startswith(".")] == [] or second.code or what == "retain"
    if what in {"umount", "undo"} and second.code == 0:
        disk = host.disks[0]
        host.mount(disk).well()
        assert Path(host.target, "file").read_text() == "kept"


@pytest.mark.parametrize(("what", "number"), cases("memcached"))
@pytest.mark.xdist_group("memcached")
def test_memcached_start_and_a_signal(place: Place, what: str, number: int, agree: Agree) -> None:  # noqa: F811
    port = free_port()
    words = ["memcached", "start", "-p", str(port), "-P", place.path(f"{port}.pid"), "-m", "8", "--yes"]
    when = moment(what, number)
    ended_well(killed(when, words, str(place.folder / "state")), when)
    second = place.run(*words)
    agree("the second run finished or said why not", int(told(second)), 1)
    if second.code == 0:
        place.pids.append(int(Path(place.path(f"{port}.pid")).read_text()))
        assert answers(port)
