"""opskit yum: reading locks and /proc, cron and systemd's words, the steps' own last look."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from opskit.act import accepted
from opskit.core import procfs
from opskit.core.errors import Busy, CannotUndo, Failed
from opskit.core.plan import Plan, Refusal
from opskit.ui.screen import Screen
from opskit.yum.cli import lock
from opskit.yum.model import Facts, LockFile, LockPlace, ProcessFacts
from opskit.yum.report import report_of
from opskit.yum.see import facts as yum_facts
from opskit.yum.see import locks, processes
from opskit.yum.see import places as yum_places
from opskit.yum.see.config import Setting, dnf_options, read_settings
from opskit.yum.see.locks import read_lock
from opskit.yum.see.places import lock_places, places_in
from opskit.yum.see.processes import Stat, is_manager
from opskit.yum.state import FREE, LockVerdict
from opskit.yum.unlock import steps
from opskit.yum.unlock.steps import Clear, Continue, Interrupt
from opskit.yum.why.cron import mentions, next_run, parse
from opskit.yum.why.model import TIMER, Autorun, Autoruns
from opskit.yum.why.plan import decide_hold
from opskit.yum.why.see import see_autoruns
from opskit.yum.why.show import draw_why, not_read, why_json
from opskit.yum.why.steps import Hold
from opskit.yum.why.units import _seconds, held_until, parse_units

STAT = "812 (a) S 1 (b) c) S 700 812 700 34816 812 4194560 10 0 0 0 250 50 0 0 20 0 3 0 100000 1000 25 0"


def test_stat_is_read_after_the_last_parenthesis() -> None:
    stat_read = Stat(STAT)
    assert (stat_read.name, stat_read.state, stat_read.parent, stat_read.tty) == ("a) S 1 (b) c", "S", 700, 34816)
    assert (stat_read.cpu, stat_read.threads, stat_read.start) == (300, 3, 100000)
    assert stat_read.rss == 25 * procfs.PAGE


@pytest.mark.parametrize("text", ["", "812 (dnf", "812 (dnf) S", "no stat at all", "1 (x) S a b c"])
def test_a_stat_that_is_torn_is_none(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "812").mkdir()
    (tmp_path / "812" / "stat").write_text(text)
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    assert processes.read_stat(812) is None


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, ""), (34816, "pts/0"), (34817, "pts/1"), (0x401, "tty1"), (0x440, "ttyS0"), (0x8900, "pts/256")],
)
def test_tty(number: int, name: str) -> None:
    assert processes._tty(number) == name


@pytest.mark.parametrize(
    ("name", "line", "manager"),
    [
        ("dnf", "/usr/bin/python3 /usr/bin/dnf update", True),
        ("yum", "/usr/bin/python /usr/bin/yum update", True),
        ("python3", "/usr/bin/python3 -s /usr/bin/dnf-3 update", True),
        ("platform-python", "/usr/libexec/platform-python /usr/bin/dnf update", True),
        ("packagekitd", "/usr/libexec/packagekitd", True),
        ("rpm", "rpm -U x.rpm", True),
        ("vim", "vim /etc/yum.conf", False),
        ("python3", "/usr/bin/python3 app.py dnf", False),
        ("grep", "grep dnf", False),
        ("kworker", "", False),
    ],
)
def test_who_is_a_package_manager(name: str, line: str, manager: bool) -> None:
    assert is_manager(name, line.split()) is manager


def place(path: Path, tool: str = "dnf", mechanism: str = "pid") -> LockPlace:
    return LockPlace(str(path), tool, mechanism)


@pytest.mark.parametrize(
    ("tool", "content", "pid"),
    [
        ("dnf", b"812", 812),
        ("dnf", b"812\n", 812),
        ("dnf", b" 812 ", 812),
        ("dnf", b"-1", -1),
        ("dnf", b"+5", 5),
        ("dnf", b"", None),
        ("dnf", b"abc", None),
        ("dnf", b"81 2", None),
        ("dnf", b"812\nmore", None),
        ("yum", b"812\nmore", 812),
        ("packagekit", b"812abc", 812),
        ("packagekit", b"abc", None),
        ("packagekit", b"", None),
        ("dnf", b"8\x002", None),
        ("dnf", b"\xff\xfe", None),
        ("dnf", b"12345678901234567890123", 12345678901234567890),
    ],
)
def test_a_pid_is_read_as_its_tool_reads_it(tool: str, content: bytes, pid: int) -> None:
    assert locks.parse_pid(LockPlace("/x", tool, "pid"), content) == pid


def test_a_file_that_vanishes_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    path.write_text("812")
    real = os.open

    def vanish(*arguments: Any, **more: Any) -> int:
        path.unlink()
        return real(*arguments, **more)

    monkeypatch.setattr(os, "open", vanish)
    assert locks.read_lock(place(path)) == LockFile(place(path))


def test_a_fifo_that_takes_the_place_of_the_file_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fifo = tmp_path / "lock", tmp_path / "fifo"
    path.write_text("812")
    os.mkfifo(fifo)
    real = os.open
    monkeypatch.setattr(os, "open", lambda _path, *more, **words: real(fifo, *more, **words))
    assert locks.read_lock(place(path)).kind != "regular"


def test_no_lock_is_ever_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all calls of fcntl only F_GETLK, and the answer of the kernel is read as struct flock has it."""
    calls = []

    def answer(_descriptor: int, command: int, question: bytes) -> bytes:
        calls.append(command)
        assert struct.unpack(locks._FLOCK, question)[0] == fcntl.F_WRLCK
        return struct.pack(locks._FLOCK, fcntl.F_WRLCK, 0, 0, 0, 812)

    monkeypatch.setattr(fcntl, "fcntl", answer)
    for name in ("flock", "lockf"):
        monkeypatch.setattr(fcntl, name, lambda *_: pytest.fail("a lock was taken"))
    (tmp_path / ".rpm.lock").touch()
    lock = locks.read_lock(place(tmp_path / ".rpm.lock", "rpm", "fcntl"))
    assert (lock.locked, lock.pid) == ("write", 812)
    assert calls == [fcntl.F_GETLK]


def test_the_places_of_an_installroot_with_a_name_that_is_a_pattern(tmp_path: Path) -> None:
    root = tmp_path / "a[b]*"
    (root / "var/lib/rpm").mkdir(parents=True)
    (root / "var/tmp/dnf-ops-x1/locks").mkdir(parents=True)
    (root / "var/tmp/dnf-ops-x1/locks/download_lock.pid").touch()
    (root / "usr/lib/sysimage").mkdir(parents=True)
    (root / "usr/lib/sysimage/rpm").symlink_to("../../../var/lib/rpm")
    places = lock_places(str(root), ("/opskit-home/.rpmdb",))
    assert [place.path for place in places if place.tool == "rpm"] == [f"{root}/var/lib/rpm/.rpm.lock"]
    (user,) = [place for place in places if "dnf-ops" in place.path]
    assert (user.phase, user.inner) == ("download", "/var/tmp/dnf-ops-x1/locks/download_lock.pid")
    assert user.owner == os.geteuid()


@pytest.mark.parametrize(
    ("line", "folders"),
    [
        ("%_dbpath\t\t%{_var}/lib/rpm\n%_dbpath_rebuild\t%{_dbpath}\n", ("/var/lib/rpm",)),
        ("%_dbpath %{_usr}/lib/sysimage/rpm", ("/usr/lib/sysimage/rpm",)),
        ("%_dbpath\t\t%(bash -c 'echo ~/.rpmdb')\n", ("/opskit-home/.rpmdb",)),
        ("%_dbpath %{mine}/rpm", ("/asked/of/rpm",)),
        ("nothing", ("/asked/of/rpm",)),
    ],
)
def test_where_rpm_has_its_database(
    line: str, folders: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked:
        def run(self, _command: Any) -> Any:
            return type("Result", (), {"stdout": "/asked/of/rpm\n"})

    (tmp_path / "macros").write_text(line)
    monkeypatch.setattr(yum_places, "_macro_files", lambda: [str(tmp_path / "macros"), str(tmp_path / "none")])
    assert yum_places.databases(Asked(), ("rpm",)) == folders  # type: ignore[arg-type]
    assert yum_places.databases(Asked(), ("dnf",)) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("when", "now", "expected"),
    [
        ("0 4 * * *", "2026-11-21T03:00", "2026-11-21T04:00"),
        ("0 4 * * *", "2026-11-21T04:00", "2026-11-22T04:00"),
        ("*/15 * * * *", "2026-11-21T03:46", "2026-11-21T04:00"),
        ("30 2 * * sun", "2026-11-21T03:00", "2026-11-22T02:30"),
        ("30 2 * * 7", "2026-11-21T03:00", "2026-11-22T02:30"),
        ("0 0 1 jan *", "2026-11-21T03:00", "2027-01-01T00:00"),
        ("0 0 13 * 5", "2026-11-21T03:00", "2026-11-27T00:00"),
        ("0 0 */2 * 5", "2026-11-21T03:00", "2026-11-27T00:00"),
        ("@daily", "2026-11-21T03:00", "2026-11-22T00:00"),
        ("5-10/5 1,2 * * *", "2026-11-21T01:06", "2026-11-21T01:10"),
        ("@reboot", "2026-11-21T03:00", None),
        ("61 * * * *", "2026-11-21T03:00", None),
        ("a b c d e", "2026-11-21T03:00", None),
        ("*/0 * * * *", "2026-11-21T03:00", None),
        ("0 0 30 2 *", "2026-11-21T03:00", None),
    ],
)
def test_when_cron_runs_next(when: str, now: str, expected: str) -> None:
    next_time = next_run(when, datetime.fromisoformat(now).replace(tzinfo=timezone.utc))
    assert (next_time and next_time.strftime("%Y-%m-%dT%H:%M")) == expected


def test_the_lines_of_a_crontab_that_count() -> None:
    text = "MAILTO=root\n# 0 1 * * * root dnf -y update\n0 4 * * * root /usr/bin/dnf -y update\n@daily root yum-cron\n"
    text += "5 5 * * * root cat /etc/yum.conf\n0 6 * * * root /opt/my-rpm-thing\nbroken dnf\n"
    assert [(line.when, line.command) for line in parse(text, with_user=True)] == [
        ("0 4 * * *", "/usr/bin/dnf -y update"),
        ("@daily", "yum-cron"),
    ]
    assert [line.command for line in parse("1 2 * * * dnf check-update", with_user=False)] == ["dnf check-update"]
    assert mentions("#!/bin/sh\nexec /usr/sbin/yum-cron\n")
    assert not mentions("#!/bin/sh\n# dnf is not run here\n")


UNITS = """\
Id=dnf-makecache.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NextElapseUSecRealtime=
NextElapseUSecMonotonic=1h 2min 3s

Id=dnf-automatic.timer
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NextElapseUSecRealtime=Sun 2026-11-22 06:00:00 UTC
NextElapseUSecMonotonic=infinity

Id=packagekit.service
LoadState=loaded
ActiveState=inactive
UnitFileState=static

Id=puppet.service
LoadState=not-found
ActiveState=inactive
UnitFileState=
"""


def test_what_systemctl_says_of_the_units() -> None:
    cache, automatic, packagekit = parse_units(UNITS, 1000.0)
    assert (cache.name, cache.state, cache.next) == ("dnf-makecache.timer", "active", 1000.0 + 3723)
    assert automatic.next == datetime(2026, 11, 22, 6, tzinfo=timezone.utc).timestamp()
    assert (packagekit.kind, packagekit.when) == ("service", "on demand")
    assert _seconds("1d 500ms") == 86400.5
    assert _seconds("infinity") == _seconds("") == 0


OWN_TIMERS = """\
Id=patch.timer
LoadState=loaded
ActiveState=active
FragmentPath=/etc/systemd/system/patch.timer
NextElapseUSecRealtime=Sun 2026-11-22 06:00:00 UTC
Unit=patch-all.service

Id=logrotate.timer
LoadState=loaded
ActiveState=active
FragmentPath=/usr/lib/systemd/system/logrotate.timer
Unit=logrotate.service

Id=patch-all.service
LoadState=loaded
ExecStart={ path=/bin/sync ; argv[]=/bin/sync ; ignore_errors=no ; start_time=[n/a] ; pid=0 ; status=0/0 }
ExecStart={ path=/usr/bin/dnf ; argv[]=/usr/bin/dnf -y update ; ignore_errors=no ; start_time=[n/a] ; pid=0 }

Id=logrotate.service
LoadState=loaded
ExecStart={ path=/usr/sbin/logrotate ; argv[]=/usr/sbin/logrotate /etc/logrotate.conf ; ignore_errors=no ; pid=0 }

Id=patch.timer
LoadState=loaded
ActiveState=active
"""


def test_a_timer_of_the_hosts_own_is_found_by_what_its_service_runs() -> None:
    (patch,) = parse_units(OWN_TIMERS, 0.0)
    assert (patch.name, patch.kind, patch.command) == ("patch.timer", "timer", "/bin/sync; /usr/bin/dnf -y update")
    assert (patch.next, patch.in_etc) == (datetime(2026, 11, 22, 6, tzinfo=timezone.utc).timestamp(), True)
    by_script = parse_units(OWN_TIMERS, 0.0, lambda command: "logrotate" in command)
    assert [autorun.name for autorun in by_script] == ["logrotate.timer"]


def test_a_timer_in_etc_cannot_be_masked_and_is_stopped() -> None:
    plan = decide_hold(Autoruns(True, (*parse_units(UNITS, 0.0)[:1], *parse_units(OWN_TIMERS, 0.0))), 60, "R")
    assert isinstance(plan, Plan)
    assert plan.title == "keep the package manager from running by itself for 1min"
    (change,) = plan.changes
    assert change.commands[1:] == (
        "systemctl stop dnf-makecache.timer patch.timer",
        "systemctl mask --runtime dnf-makecache.timer",
    )
    assert "start dnf-makecache.timer patch.timer" in change.commands[0]
    (alone,) = accepted(decide_hold(Autoruns(True, parse_units(OWN_TIMERS, 0.0)), 60, "R")).changes
    assert [line.split()[1] for line in alone.commands[1:]] == ["stop"]
    assert alone.target == "patch.timer"


def test_a_service_in_etc_is_left_and_named() -> None:
    (packagekit,) = parse_units(UNITS.replace("UnitFileState=static", "FragmentPath=/etc/systemd/system/p"), 0.0)[2:]
    plan = accepted(decide_hold(Autoruns(True, (packagekit,)), 60, "R"))
    assert (plan.steps, [note.remedy for note in plan.notes]) == ((), ["systemctl disable packagekit.service"])


def test_without_systemd_the_links_and_crontabs_are_what_is_known(tmp_path: Path) -> None:
    wants = tmp_path / "etc/systemd/system/timers.target.wants"
    wants.mkdir(parents=True)
    (wants / "dnf-makecache.timer").symlink_to("/nowhere")
    (tmp_path / "etc/crontab").write_text("0 4 * * * root dnf -y update\n")
    daily = tmp_path / "etc/cron.daily"
    daily.mkdir()
    (daily / "0yum.cron").write_text("#!/bin/sh\nexec yum-cron\n")
    (daily / "0yum.cron").chmod(0o755)
    autoruns = see_autoruns(None, str(tmp_path))  # type: ignore[arg-type]
    assert not autoruns.systemd
    assert [entry.name.rpartition("/")[2] for entry in autoruns.entries] == [
        "dnf-makecache.timer",
        "crontab",
        "0yum.cron",
    ]


def test_a_script_that_cron_runs_is_looked_into(tmp_path: Path) -> None:
    for name, text in (
        ("usr/local/sbin/patch", "#!/bin/sh\ndnf -y update\n"),
        ("usr/local/sbin/backup", "#!/bin/sh\n# not dnf\ntar cf /b /etc\n"),
        ("mnt/nfs/patch", "#!/bin/sh\ndnf -y update\n"),
        ("etc/cron.hourly/0yum.cron", "#!/bin/sh\nexec yum-cron\n"),
        ("etc/cron.daily/0yum.cron", "#!/bin/sh\nexec yum-cron\n"),
        ("etc/crontab", "25 6 * * * root test -x /usr/sbin/anacron || run-parts /etc/cron.daily\n"),
        ("etc/cron.d/0hourly", "1 * * * * root run-parts /etc/cron.hourly\n"),
        ("etc/cron.d/own", "0 4 * * * root flock -n /run/p /usr/local/sbin/patch\n0 5 * * * root /mnt/nfs/patch\n"),
        ("var/spool/cron/root", "0 5 * * * /usr/local/sbin/backup\n0 6 * * * yum-complete-transaction\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    autoruns = [
        (autorun.name[len(str(tmp_path)) :], autorun.next > 0) for autorun in see_autoruns(None, str(tmp_path)).entries
    ]  # type: ignore[arg-type]
    assert autoruns == [
        ("/etc/cron.d/own", True),
        ("/var/spool/cron/root", True),
        ("/etc/cron.hourly/0yum.cron", True),
        ("/etc/cron.daily/0yum.cron", False),
    ]


def test_a_crontab_that_is_closed_to_this_user_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("etc/cron.d/patches", "var/spool/cron/root"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("0 4 * * * root dnf -y update\n")
    (tmp_path / "etc/cron.deny").touch()
    closed = {str(tmp_path / name) for name in ("etc/cron.d/patches", "etc/cron.deny", "var/spool/cron")}
    monkeypatch.setattr(os, "access", lambda path, _mode: path not in closed)
    autoruns = see_autoruns(None, str(tmp_path))  # type: ignore[arg-type]
    assert sorted(path[len(str(tmp_path)) :] for path in autoruns.unread) == ["/etc/cron.d/patches", "/var/spool/cron"]
    assert [finding.severity for finding in not_read(autoruns)] == ["warning", "warning"]


def test_a_hold_brings_back_what_it_masks_before_it_masks() -> None:
    units = (*parse_units(UNITS, 0.0), Autorun("/etc/crontab", "cron", "dnf -y update", when="0 4 * * *"))
    plan = decide_hold(Autoruns(True, units), 7200, "20261121T100000Z-abc123")
    assert isinstance(plan, Plan)
    (change,) = plan.changes
    names = "dnf-makecache.timer dnf-automatic.timer packagekit.service"
    timers = "dnf-makecache.timer dnf-automatic.timer"
    run = "systemd-run --unit=opskit-yum-hold-20261121t100000z-abc123 --on-active=7200s"
    assert change.commands == (
        f"{run} /bin/sh -c 'systemctl unmask --runtime {names} && systemctl start {timers}'",
        f"systemctl stop {timers}",
        f"systemctl mask --runtime {names}",
    )
    assert change.reversible
    assert [(note.id, note.remedy) for note in plan.notes] == [("not-held", "put a # before the line in /etc/crontab")]


def test_until_when_a_hold_is_in_force() -> None:
    timer = "Id=opskit-yum-hold-20261121t100000z-abc123.timer\nLoadState=loaded\nActiveState={}\n"
    span = "NextElapseUSecMonotonic=2h 3min\n"
    assert held_until(UNITS, 1000.0) == 0.0
    assert held_until(f"{UNITS}\n{timer.format('active')}{span}", 1000.0) == 1000.0 + 2 * 3600 + 3 * 60
    assert held_until(f"{UNITS}\n{timer.format('inactive')}{span}", 1000.0) == 0.0


def test_a_hold_in_force_is_told_and_not_advised_again(capsys: pytest.CaptureFixture[str]) -> None:
    units = parse_units(UNITS, 1000.0)
    draw_why(Screen("opskit"), Autoruns(True, units, held_until=1_795_253_400.0))
    errors = capsys.readouterr().err
    assert "held until 2026-11-21T09:30:00Z" in errors
    assert "--hold" not in errors
    draw_why(Screen("opskit"), Autoruns(True, units))
    assert "--hold 2h" in capsys.readouterr().err


def test_a_person_is_shown_the_time_of_the_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = 1_795_253_400.0
    autoruns = Autoruns(True, (Autorun("dnf-makecache.timer", TIMER, "dnf", next=seconds),), held_until=seconds)
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    try:
        draw_why(Screen("opskit"), autoruns)
        answer = why_json(autoruns)
    finally:
        monkeypatch.undo()
        time.tzset()
    shown = capsys.readouterr()
    assert "held until 2026-11-21T15:00:00+05:30" in shown.err
    assert "2026-11-21T15:00:00+05:30" in shown.out
    assert answer["held_until"] == answer["autoruns"][0]["next"] == "2026-11-21T09:30:00Z"


def test_a_hold_of_nothing_and_without_systemd() -> None:
    nothing = decide_hold(Autoruns(True, ()), 60, "r")
    assert isinstance(nothing, Plan)
    assert nothing.steps == ()
    refused = decide_hold(Autoruns(False, ()), 60, "r")
    assert isinstance(refused, Refusal)
    assert refused.exit_code == 6


def test_a_systemd_that_does_not_answer_is_not_one_that_runs_nothing(tmp_path: Path) -> None:
    class Fails:
        def run(self, _command: Any) -> Any:
            raise Failed("systemctl show", "no end after 20 s; it was ended")

    (tmp_path / "run/systemd/system").mkdir(parents=True)
    autoruns = see_autoruns(Fails(), str(tmp_path))  # type: ignore[arg-type]
    assert [finding.id for finding in not_read(autoruns)] == ["systemd-silent"]
    refused = decide_hold(autoruns, 7200, "r")
    assert isinstance(refused, Refusal)
    assert "no end after 20 s" in refused.reasons[0].title


def test_a_hold_that_did_not_take_is_said() -> None:
    class Says:
        def run(self, _command: Any) -> Any:
            return type("Result", (), {"stdout": "LoadState=loaded\n"})

    with pytest.raises(Failed, match="not masked"):
        Hold(("dnf-makecache.timer",), (), 60, "x").verify(Says(), {})  # type: ignore[arg-type]


HOLD = Hold(("dnf-makecache.timer",), ("dnf-makecache.timer", "own.timer"), 7200, "opskit-yum-hold-r")


@pytest.mark.parametrize(
    ("timer", "masked", "left"),
    [
        ("LoadState=loaded\nActiveState=active", "masked", True),
        ("LoadState=loaded\nActiveState=active", "loaded", True),
        ("LoadState=not-found\nActiveState=inactive", "masked", True),  # its end did not bring it back
        ("LoadState=not-found\nActiveState=inactive", "loaded", False),  # it did, or a boot
    ],
)
def test_a_hold_that_is_over_has_nothing_to_take_back(timer: str, masked: str, *, left: bool) -> None:
    class Says:
        def run(self, command: Any) -> Any:
            assert not command.mutates
            unit = f"Id=dnf-makecache.timer\nLoadState={masked}\nActiveState=inactive\n"
            return type("Result", (), {"stdout": f"Id=opskit-yum-hold-r.timer\n{timer}\n\n{unit}"})

    assert bool(HOLD.left(Says(), {})) is left  # type: ignore[arg-type]


class Sent:
    """Stands in for the kernel: nothing is signalled, and what would be is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, state: str = "S", start: int = 100000) -> None:
        self.signals: list[int] = []
        self.state, self.start = state, start
        monkeypatch.setattr(os, "pidfd_open", lambda _pid: os.open(os.devnull, os.O_RDONLY), raising=False)
        monkeypatch.setattr(signal, "pidfd_send_signal", lambda _fd, number: self.signals.append(number), raising=False)
        monkeypatch.setattr(steps, "read_stat", lambda _pid: self.stat())

    def stat(self) -> Stat:
        text = STAT.replace(") S 700", f") {self.state} 700").replace("100000", str(self.start))
        return Stat(text)


def seen(monkeypatch: pytest.MonkeyPatch, facts: Facts) -> None:
    monkeypatch.setattr(steps, "see", lambda _runner, _root: facts)


INTERRUPT = Interrupt("", 812, 100000, "dnf", ("/x",))


def facts_with(monkeypatch: pytest.MonkeyPatch, phase: str) -> None:
    where = LockPlace("/x", "dnf", "pid", phase)
    process = ProcessFacts(812, 100000, 1000.0, "dnf", "dnf update", "S", manager=True)
    seen(monkeypatch, Facts("", ("dnf",), (LockFile(where, "regular", "812", 1001.0, pid=812),), (process,)))


def test_a_pid_that_is_another_process_by_now_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch, start=200000)
    facts_with(monkeypatch, "download")
    with pytest.raises(Busy, match="another process"):
        INTERRUPT.apply(None, {})  # type: ignore[arg-type]
    assert sent.signals == []


def test_who_came_into_a_transaction_meanwhile_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    facts_with(monkeypatch, "transaction")
    with pytest.raises(Busy, match="transaction by now"):
        INTERRUPT.apply(None, {})  # type: ignore[arg-type]
    assert sent.signals == []


def test_who_let_go_meanwhile_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    seen(monkeypatch, Facts("", ("dnf",)))
    with pytest.raises(Busy, match="no longer"):
        INTERRUPT.apply(None, {})  # type: ignore[arg-type]
    assert sent.signals == []


def test_who_is_not_stopped_any_more_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sent(monkeypatch)
    with pytest.raises(Busy, match="not stopped"):
        Continue("", 812, 100000, "dnf", ("/x",)).apply(None, {})  # type: ignore[arg-type]
    assert sent.signals == []


def test_who_goes_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    Sent(monkeypatch)

    def gone(_pid: int) -> int:
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr(os, "pidfd_open", gone, raising=False)
    with pytest.raises(Busy, match="has ended"):
        INTERRUPT.apply(None, {})  # type: ignore[arg-type]


def clear_step(path: Path) -> Clear:
    status = path.stat()
    return Clear("", str(path), status.st_dev, status.st_ino, path.read_text(), "malformed", f"{path}.opskit-r")


def broken(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(
        steps,
        "see",
        lambda _r, _root: Facts("", ("dnf",), (locks.read_lock(LockPlace(str(path), "dnf", "pid", "metadata")),)),
    )


def test_a_broken_file_is_put_aside_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metadata_lock.pid"
    path.write_text("abc")
    broken(monkeypatch, path)
    step = clear_step(path)
    record = step.apply(None, {})  # type: ignore[arg-type]
    step.verify(None, record)  # type: ignore[arg-type]
    assert not path.exists()
    assert Path(step.backup).read_text() == "abc"
    step.undo(None, record)  # type: ignore[arg-type]
    step.undo(None, record)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == "abc"


def test_a_file_that_is_another_one_by_now_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metadata_lock.pid"
    path.write_text("abc")
    step = clear_step(path)
    path.write_text("abd")
    broken(monkeypatch, path)
    with pytest.raises(Busy, match="another file"):
        step.apply(None, {})  # type: ignore[arg-type]
    path.write_text(str(os.getpid()))
    with pytest.raises(Busy, match="no longer"):
        step.apply(None, {})  # type: ignore[arg-type]
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="is reading it"):
            step.apply(None, {})  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == [path.name]


def test_a_new_lock_is_not_taken_away_by_an_undo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metadata_lock.pid"
    path.write_text("abc")
    broken(monkeypatch, path)
    step = clear_step(path)
    step.apply(None, {})  # type: ignore[arg-type]
    path.write_text("812")
    with pytest.raises(CannotUndo):
        step.undo(None, {})  # type: ignore[arg-type]
    assert path.read_text() == "812"


def test_the_shell_lines_signal_only_this_very_process() -> None:
    look, kill = INTERRUPT.change.commands
    assert "= 100000 ]" in look
    assert kill == "kill -INT 812"


def test_without_pidfd_nothing_is_taken_for_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", missing, raising=False)
    assert not yum_facts.has_pidfd()


def test_a_sample_without_pidfd_is_as_long_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that was built on EL7 has no os.pidfd_open."""
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    began = time.monotonic()
    yum_facts._pause([os.getpid()], 0.02)
    assert time.monotonic() - began >= 0.02


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("dnf update", ("", "", ())),
        ("dnf --setopt=cachedir=/c update", ("", "", (("cachedir", "/c"),))),
        ("dnf --setopt persistdir=/p --setopt=timeout=3", ("", "", (("persistdir", "/p"),))),
        ("dnf -c /x.conf", ("", "/x.conf", ())),
        ("dnf --config=x.conf --installroot /r/", ("/r", "x.conf", ())),
        ("dnf --setopt=cachedir=relative", ("", "", ())),
        ("dnf --setopt", ("", "", ())),
    ],
)
def test_what_a_command_line_says_of_the_locks(
    words: str, options: tuple[str, str, tuple[tuple[str, str], ...]]
) -> None:
    assert dnf_options(words.split()) == options


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("[main]\ngpgcheck=1\n", []),
        ("[main]\ncachedir=/c\nlogdir: /l\n", [("cachedir", "/c"), ("logdir", "/l")]),
        ("[other]\ncachedir=/c\n", []),
        ("cachedir=/c\n", []),
        ("[main]\n# cachedir=/c\npersistdir = /p\npersistdir = /q\n", [("persistdir", "/q")]),
        ("[main]\ncachedir=relative\n", []),
        ("\0", []),
    ],
)
def test_what_dnf_conf_says_of_the_locks(text: str, settings: list[tuple[str, str]], tmp_path: Path) -> None:
    (tmp_path / "dnf.conf").write_text(text)
    assert list(read_settings(str(tmp_path / "dnf.conf"))) == settings


@pytest.mark.parametrize("kind", ["absent", "fifo", "directory"])
def test_what_is_no_configuration_file_says_nothing_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "dnf.conf"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    assert list(read_settings(str(path))) == []


def test_a_variable_in_a_folder_stands_for_whatever_is_there(tmp_path: Path) -> None:
    for name in ("x86_64", "aarch64"):
        (tmp_path / "cache" / name).mkdir(parents=True)
    places = places_in(str(tmp_path), [Setting("cachedir", "/cache/$basearch")])
    paths = [place.path for place in places if place.path.endswith("metadata_lock.pid")]
    assert paths == [f"{tmp_path}/cache/{name}/metadata_lock.pid" for name in ("aarch64", "x86_64")]


def test_a_negative_pid_is_that_of_a_group(tmp_path: Path) -> None:
    path = tmp_path / "yum.pid"
    for content, group in ((str(-os.getpgid(0)), True), ("-2147483646", False)):
        path.write_text(content)
        lock = read_lock(LockPlace(str(path), "yum", "pid"))
        assert (lock.pid, lock.group) == (int(content), group)


def test_no_place_begins_with_two_slashes() -> None:
    assert [place.path for place in lock_places("", ()) if place.path.startswith("//")] == []


def test_what_people_search_for_is_in_the_readme_the_manual_page_and_the_help() -> None:
    words = "Another app is currently holding the yum lock"
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "completions/man/opskit-yum.1")]
    assert all(words in text for text in (*texts, lock.__doc__ or ""))


def test_one_place_is_no_plural_in_its_report() -> None:
    lock = LockVerdict(LockFile(LockPlace("/run/x", "dnf", "flock")), FREE)
    report = report_of(Facts("", ()), (lock,), 0.0)
    assert report.lines == ("free: no package manager is locked (1 place looked at)",)
