"""What start, stop and start --unit decide, from facts alone."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

import pytest

from opskit.areas import load_step
from opskit.core.command import Command, Result
from opskit.core.errors import CannotUndo, CommandFailed, Failed, UsageFault
from opskit.core.jsonable import to_json
from opskit.core.ledger import StepRecord
from opskit.core.plan import Plan, Refusal
from opskit.core.systemd import service_name
from opskit.core.unit_files import unit_files
from opskit.memcached.instance import steps
from opskit.memcached.instance.plan import decide_start, decide_stop
from opskit.memcached.instance.request import StartFacts, StartRequest, StopFacts, Wanted, build, run_directory
from opskit.memcached.line.listen import Listener, missing_listeners
from opskit.memcached.line.release import Release
from opskit.memcached.line.see import from_unit
from opskit.memcached.line.sources import EL_LINE, expand, from_sysconfig, parse_environment
from opskit.memcached.model import Host, HostProcess, PidFile, Program, StatsAnswer, TakenPort
from opskit.memcached.unit.design import sysconfig, unit_quoted
from opskit.memcached.unit.model import ActiveUnit, UnitFacts
from opskit.memcached.unit.plan import decide_stop_unit, decide_unit
from opskit.memcached.unit.see import is_active, see_unit

NEW: Release = (1, 6, 18)
PROGRAM = Program("/usr/bin/memcached", NEW, ("sasl", "tls"))
EL7 = Program("/usr/bin/memcached", (1, 4, 15))
FILE = "/run/memcached/memcached-12000.pid"
HOST = Host(memory=4 << 30, users=("memcached",), pid_file=PidFile(FILE), program=PROGRAM)
LINE = f"-p 12000 -U 0 -l 127.0.0.1 -d -u memcached -m 64 -c 1024 -P {FILE}"
LOOPBACK = Listener("tcp", "127.0.0.1", 12000)


def request(words: str, *expose: str, unit: str = "") -> StartRequest:
    pairs = words.split()
    return StartRequest(tuple((pairs[n][1:], pairs[n + 1]) for n in range(0, len(pairs), 2)), expose, unit=unit)


def decide(words: str, *expose: str, program: Program = PROGRAM, **change: Any) -> Any:
    host = HOST._replace(**{"program": program, **change})
    return decide_start(StartFacts(program, host), request(words, *expose))


def test_safe_defaults_around_what_was_asked_for() -> None:
    decision = decide("-p 12000 -m 64 -c 1024")
    assert [step.kind for step in decision.steps] == ["memcached.start"]
    assert " ".join(decision.steps[0].line) == f"/usr/bin/memcached {LINE}"
    assert f"/usr/bin/memcached {LINE}" in decision.changes[0].after
    assert decision.changes[0].commands == (f"/usr/bin/memcached {LINE}",)


@pytest.mark.parametrize(
    ("words", "expose", "program", "wanted"),
    [
        ("-p 1", (), PROGRAM, ["127.0.0.1"]),
        ("-l 127.0.0.1,::1", (), PROGRAM, ["127.0.0.1,::1"]),
        ("-l 127.0.0.1,::1", (), EL7, ["127.0.0.1", "::1"]),
        ("-p 1", ("10.0.0.5",), PROGRAM, ["127.0.0.1,10.0.0.5"]),
        ("-p 1", ("10.0.0.5",), EL7, ["127.0.0.1", "10.0.0.5"]),
        ("-p 1", ("0.0.0.0",), PROGRAM, ["0.0.0.0"]),
        ("-l 10.0.0.5", ("10.0.0.5",), PROGRAM, ["10.0.0.5"]),
    ],
)
def test_where_it_listens(words: str, expose: tuple[str, ...], program: Program, wanted: list[str]) -> None:
    line = build(request(words, *expose), program.release, root=True, users=("m",))
    assert [line[n + 1] for n, word in enumerate(line) if word == "-l"] == wanted


def test_what_1_4_15_tells_of_its_memory() -> None:
    for program, expected in ((EL7, str(1 << 31)), (PROGRAM, str(6 << 30))):
        start = decide("-p 12000 -m 6144", program=program, memory=16 << 30).steps[0]
        assert dict(start.wanted.settings)["maxbytes"] == expected


def test_what_else_it_has_to_tell_of_itself() -> None:
    decision = decide("-p 12000 -M -C -n 64 -R 10 -b 512").steps[0].wanted.settings
    assert dict(decision).items() >= {
        "evictions": "off", "cas_enabled": "no", "chunk_size": "64",
        "reqs_per_event": "10", "tcp_backlog": "512",
    }.items()  # fmt: skip


def refused(decision: Any) -> tuple[list[str], int]:
    assert isinstance(decision, Refusal), decision
    return [reason.id for reason in decision.reasons], decision.exit_code


@pytest.mark.parametrize(
    ("words", "expose", "change", "ids", "code"),
    [
        ("-l 0.0.0.0", (), {}, ["exposed"], 5),
        ("-l 10.0.0.5", ("10.0.0.6",), {}, ["exposed"], 5),
        ("-l cache.example.com", (), {}, ["exposed"], 5),
        ("-m 2g", (), {}, ["reinterpreted"], 2),
        ("-p 70000", (), {}, ["out-of-range"], 2),
        ("-t 0", (), {}, ["out-of-range"], 2),
        ("-m 9000", (), {}, ["memory-over-host"], 5),
        ("-p 12000", (), {"taken": (TakenPort(LOOPBACK, HostProcess(7, "x")),)}, ["port-taken"], 7),
        ("-p 12000", (), {"pid_file": PidFile(FILE, True, 7, HostProcess(7, "sshd"))}, ["pid-file-foreign"], 5),
        ("-p 12000", (), {"user_known": False, "users": ()}, ["user-missing"], 2),
    ],
)
def test_what_is_refused(
    words: str, expose: tuple[str, ...], change: dict[str, Any], ids: list[str], code: int
) -> None:
    assert refused(decide(words, *expose, **change)) == (ids, code)


def test_exposed_by_name_is_a_warning() -> None:
    decision = decide("-p 12000 -U 12000", "10.0.0.5")
    assert isinstance(decision, Plan)
    assert [(finding.id, finding.severity) for finding in decision.notes][:1] == [("exposed", "warning")]
    assert "UDP" in decision.notes[0].title


def test_a_second_run_has_nothing_to_do() -> None:
    running = (HostProcess(9, "memcached", line=("/usr/bin/memcached", *LINE.split())),)
    decision = decide_start(StartFacts(PROGRAM, HOST, running), request("-p 12000 -m 64 -c 1024"))
    assert (decision.steps, decision.result["pid"]) == ((), 9)


def test_the_default_pid_file_is_one_that_the_chosen_user_can_write() -> None:
    """/run/memcached is that of the usual user."""
    for user, folder in (("", "/run/memcached"), ("memcache", "/run/memcached"), ("nobody", "/run/memcached-nobody")):
        options = (("p", "12312"), *((("u", user),) if user else ()))
        wanted = StartRequest(options, directory=run_directory(options))
        absent = PidFile(f"{folder}/memcached-12312.pid", directory=False, writable=False)
        decision = decide_start(StartFacts(PROGRAM, HOST._replace(pid_file=absent)), wanted)
        assert isinstance(decision, Plan)
        assert decision.changes[0].commands == (f"install -d -o {user or 'memcached'} -m 755 {folder}",)
        assert decision.steps[1].pid_file == absent.path  # type: ignore[attr-defined]
        assert decision.title == "start memcached 1.6.18 on port 12312"


def test_the_directory_of_the_pid_file_is_made() -> None:
    decision = decide("-p 12000", pid_file=PidFile(FILE, directory=False, writable=False))
    assert [step.kind for step in decision.steps] == ["memcached.make-directory", "memcached.start"]
    assert decision.changes[0].commands == ("install -d -o memcached -m 755 /run/memcached",)


def test_the_state_directory_of_an_ordinary_user_is_made_before_any_step() -> None:
    """So the plan is the same before and after: the lock makes it, between the two looks at the host."""
    for there in (False, True):
        decision = decide("-p 12000", root=False, pid_file=PidFile(FILE, directory=there, writable=there))
        assert [step.kind for step in decision.steps] == ["memcached.start"]


def test_every_step_is_found_again_from_the_ledger() -> None:
    process = HostProcess(9, "memcached", "m", 5, ("memcached", "-d", "-u", "m"))
    stop = decide_stop(StopFacts("port 1", process))
    steps = [*decide("-p 12000", pid_file=PidFile(FILE, directory=False)).steps, *stop.steps]
    steps += instance_plan().steps
    assert len({step.kind for step in steps}) == 7
    for step in steps:
        record = StepRecord(1, step.kind, to_json(step), to_json(step.change), {}, "done")
        assert load_step(record) == step


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (StopFacts("port 1", HostProcess(9, "memcached", line=("memcached", "-d"))), ["memcached.stop"]),
        (StopFacts("port 1"), []),
        (StopFacts("/p", pid_file="/p", pid=9), ["memcached.remove-pid-file"]),
        (StopFacts("port 1", other=HostProcess(9, "sshd")), "not-memcached"),
        (StopFacts("port 1", unseen=True), "unseen"),
        (StopFacts("port 1", several=(HostProcess(8, "memcached"), HostProcess(9, "memcached"))), "several-instances"),
        (StopFacts("port 1", HostProcess(9, "memcached", unit="memcached.service")), "belongs-to-unit"),
    ],
)
def test_what_stop_decides(facts: StopFacts, wanted: Any) -> None:
    decision = decide_stop(facts)
    if isinstance(decision, Refusal):
        assert decision.reasons[0].id == wanted
    else:
        assert [step.kind for step in decision.steps] == wanted


def test_the_socket_of_an_instance_goes_with_it() -> None:
    process = HostProcess(9, "memcached", "m", 5, ("memcached", "-d", "-s", "m.sock", "-u", "m"))
    decision = decide_stop(StopFacts("/run/m.sock", process, socket="/run/m.sock"))
    assert isinstance(decision, Plan)
    (change,) = decision.changes
    assert change.after == "not running; what it held and its socket are gone"
    wait = "timeout 60 tail --pid=9 -f /dev/null"
    assert change.commands == ("kill -TERM 9", wait, "[ ! -S /run/m.sock ] || rm -- /run/m.sock")


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path: that of a UNIX socket has 107 bytes."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def test_only_its_own_socket_is_removed_and_only_once_nobody_listens(place: Path) -> None:
    path = place / "m.sock"
    with listening(path):
        inode = steps.proc.socket_of(str(path), os.getpid())
        assert inode is not None
        assert steps.proc.socket_of(str(path), os.getppid()) is None  # another process has it
        steps.remove_socket(str(path), inode)
        assert path.exists()  # somebody listens
    steps.remove_socket(str(path), None)
    steps.remove_socket(str(path), (inode[0], inode[1] + 1))
    assert path.exists()
    assert steps.proc.socket_of(str(path), os.getpid()) is None
    steps.remove_socket(str(path), inode)
    assert not path.exists()
    steps.remove_socket(str(path), inode)


def test_what_has_taken_the_place_of_a_socket_stays(place: Path) -> None:
    path = place / "m.sock"
    with listening(path):
        inode = steps.proc.socket_of(str(path), os.getpid())
    path.rename(place / "other.sock")
    for make in (path.touch, lambda: path.symlink_to("other.sock")):
        make()
        steps.remove_socket(str(path), inode)
        assert os.path.lexists(path)
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        status = path.stat()
        assert steps.proc.socket_of(str(path), os.getpid()) is None
        steps.remove_socket(str(path), (status.st_dev, status.st_ino))
        assert path.exists()


@pytest.mark.parametrize(
    ("line", "user", "exe", "stays"),
    [
        ("memcached -d -u m", "m", "/bin/sh", False),
        ("memcached -u m", "m", "/bin/sh", True),  # no daemon
        ("memcached -d", "bob", "/bin/sh", True),  # not started by root
        ("memcached -d -u root", "bob", "/bin/sh", True),  # its line is not its own
        ("memcached -d -u m", "m", "", True),  # not root's program
    ],
)
def test_who_is_started_again_by_an_undo(line: str, user: str, exe: str, stays: bool) -> None:
    process = HostProcess(9, "memcached", user, 5, tuple(line.split()))
    decision = decide_stop(StopFacts("port 1", process, exe=exe))
    assert decision.changes[0].reversible is not stays


@pytest.mark.parametrize(
    ("wanted", "listening", "missing"),
    [
        ("127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.2", True),
        ("localhost", "::1", False),
        ("0.0.0.0", "*", False),
        ("*", "::", False),
        ("127.0.0.1", "*", True),
    ],
)
def test_whether_it_listens_where_it_was_asked_to(wanted: str, listening: str, *, missing: bool) -> None:
    listeners = [Listener("tcp", wanted, 12000)]
    assert bool(missing_listeners(listeners, [Listener("tcp", listening, 12000)])) is missing
    assert missing_listeners(listeners, [Listener("udp", listening, 12000)])
    assert missing_listeners(listeners, [Listener("tcp", listening, 12001)])


@pytest.mark.parametrize(
    ("sockets", "settings", "says"),
    [
        ([LOOPBACK], {"maxconns": "60"}, ""),
        ([LOOPBACK], {"maxconns": "1024"}, "maxconns is 1024, not 60"),
        ([LOOPBACK], {}, "maxconns is missing"),
        ([], {"maxconns": "60"}, "it does not listen on tcp 127.0.0.1:12000"),
    ],
)
def test_what_runs_has_to_agree_with_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, sockets: list[Listener], settings: dict[str, str], says: str
) -> None:
    monkeypatch.setattr(steps.proc, "sockets_of", lambda _pid: sockets)
    monkeypatch.setattr(steps, "ask", lambda *_args, **_more: StatsAnswer("1.6.18", {}, settings))
    wanted = Wanted((LOOPBACK,), settings=(("maxconns", "60"),))
    if not says:
        steps.check(wanted, 1)
        return
    with pytest.raises(Failed, match=says):
        steps.check(wanted, 1)


OLD = '# kept\nPORT="11211"\nUSER="memcached"\nMAXCONN="1024"\nCACHESIZE="64"\nOPTIONS=""\nOTHER=1\n'
SYSCONFIG = "/etc/sysconfig/memcached"
UNIT_FILE = "/usr/lib/systemd/system/memcached.service"
DROP_IN = "/etc/systemd/system/memcached.service.d/opskit.conf"
WRAPPER = "/usr/share/memcached/scripts/systemd-memcached-wrapper"
HARDENING = "PrivateTmp=true\nCapabilityBoundingSet=CAP_SETGID CAP_SETUID CAP_SYS_RESOURCE\nLimitNOFILE=2000\n"
EL_UNIT = f"""[Unit]
Description=memcached daemon
After=network.target
[Service]
EnvironmentFile={SYSCONFIG}
ExecStart=/usr/bin/memcached {EL_LINE}
{HARDENING}# a comment that goes on: \\
[Install]
WantedBy=multi-user.target
"""
DEBIAN_UNIT = f"[Service]\nExecStart={WRAPPER} /etc/memcached.conf\nPIDFile=/run/memcached/memcached.pid\n"


def unit_plan(
    unit: str = EL_UNIT, words: str = "-p 12000 -m 128", *, enable: bool = True, name: str = "", **change: Any
) -> Any:
    texts = {SYSCONFIG: OLD} if unit is EL_UNIT else {}
    files = {UNIT_FILE: unit} if unit else {}
    more = {"files": files, "texts": texts, "enabled": "disabled", **change}
    facts = UnitFacts(PROGRAM, HOST._replace(pid_file=None), **more)
    wanted = replace(request(words, unit=name or "memcached.service"), enable=enable)
    return decide_unit(facts, wanted, "R")


def kinds(decision: Any) -> list[str]:
    assert isinstance(decision, Plan), decision
    return [step.kind.partition(".")[2] for step in decision.steps]


def noted(decision: Any) -> list[str]:
    return [note.id for note in decision.notes]


def test_the_sysconfig_file_of_the_el_family() -> None:
    write, start, enable = unit_plan().steps
    assert (write.path, write.backup) == ("/etc/sysconfig/memcached", "/etc/sysconfig/memcached.opskit-R")
    text = OLD.replace("11211", "12000").replace("64", "128").replace('=""', '="-U 0 -l 127.0.0.1"')
    assert write.text == text
    words = expand(EL_LINE.split(), parse_environment(text))
    assert " ".join(words) == "-p 12000 -u memcached -m 128 -c 1024 -U 0 -l 127.0.0.1"
    assert start.change.commands == ("systemctl start memcached.service",)
    assert enable.change.commands == ("systemctl enable memcached.service",)


def test_a_drop_in_where_the_unit_goes_by_something_else() -> None:
    decision = unit_plan(DEBIAN_UNIT, active=True, enabled="enabled")
    write, start = decision.steps
    assert write.path == DROP_IN
    assert noted(decision) == ["settings-replaced", "cache-lost"]
    assert decision.notes[0].title == "/etc/memcached.conf does not count any more: the drop-in has the whole line"
    assert "ExecStart=\nExecStart=/usr/bin/memcached -p 12000 -U 0 -l 127.0.0.1 -u memcached -m 128\n" in write.text
    assert (write.reload, start.change.commands) == (True, ("systemctl restart memcached.service",))


class SaysItsRelease:
    def run(self, command: Command) -> Result:
        return Result(command, 0, "memcached 1.6.18\n", "", 0.0)


def seen(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, name: str = "memcached.service") -> UnitFacts:
    """What is seen of a unit with this text."""
    (folder / "memcached.service").write_text(text)
    monkeypatch.setattr("opskit.memcached.unit.see.unit_files", lambda unit: unit_files(unit, [str(folder)]))
    monkeypatch.setattr("opskit.memcached.unit.see.is_booted", lambda: False)
    return see_unit(SaysItsRelease(), request("-p 12000", unit=name))


def test_settings_are_seen_byte_by_byte(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The step compares the file with them before it writes: a file of Windows lines is not one that was changed."""
    path = tmp_path / "settings"
    path.write_bytes(b"PORT=1\r\n")
    facts = seen(monkeypatch, tmp_path, f"[Service]\nEnvironmentFile=-{path}\nExecStart=/usr/bin/memcached $OPTIONS\n")
    assert facts.texts == {str(path): "PORT=1\r\n"}


LIMITED = "[Service]\nExecStart=/usr/bin/memcached\nLimitNOFILE=2000\nMemoryMax=1M\nCapabilityBoundingSet=CAP_SETUID\n"


def test_a_unit_is_started_under_its_own_limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An instance that is to be made under those of memcached.service."""
    for name in ("memcached.service", "memcached@12000.service"):
        host = seen(monkeypatch, tmp_path, f"{LIMITED}Type=forking\n", name).host
        assert (host.hard_files, host.cgroup_memory, host.raises, host.unit_type) == (2000, 1 << 20, False, "")


@pytest.mark.parametrize(
    ("place", "name", "path"),
    [
        ("/etc/sysconfig/memcached-%i", r"memcached@a\x2db-c", r"/etc/sysconfig/memcached-a\x2db-c"),
        ("/etc/sysconfig/memcached-%I", r"memcached@a\x2db", "/etc/sysconfig/memcached-a-b"),
        ("/etc/sysconfig/%I", "memcached@a-b", "/etc/sysconfig/a/b"),
        ("-%E/%P-%j", r"my-cache\x40x@1", "/etc/my/cache@x-cache\\x40x"),
        ("%t/%p.%%", "memcached", DROP_IN),
        ("/etc/sysconfig/memcached.%H", "memcached", DROP_IN),
        ("/etc/memcached/*.conf", "memcached", DROP_IN),
    ],
)
def test_the_settings_file_of_a_unit_by_its_specifiers(place: str, name: str, path: str) -> None:
    """As systemd.unit(5) has them; what is no name of one file is not written: the line goes into a drop-in."""
    unit = EL_UNIT.replace("/etc/sysconfig/memcached", place)
    write = unit_plan(f"{unit}\n", name=f"{name}.service").steps[0]
    assert write.path == path.replace("memcached.service", f"{name}.service")


def test_a_unit_that_waits_for_a_daemon() -> None:
    """Also the second time, when Type= is that of the drop-in."""
    unit = "[Service]\nType=forking\nExecStart=/usr/bin/memcached -d\n"
    text = unit_plan(unit).steps[0].text
    assert "[Service]\nType=simple\nExecStart=\nExecStart=/usr/bin/memcached" in text
    again = unit_plan(files={UNIT_FILE: unit, DROP_IN: text}, active=True, enabled="enabled")
    assert kinds(again) == []


def test_a_unit_that_has_its_settings_already() -> None:
    text = unit_plan().steps[0].text
    assert kinds(unit_plan(texts={SYSCONFIG: text}, enabled="enabled")) == ["start-unit"]
    assert kinds(unit_plan(texts={SYSCONFIG: text}, active=True)) == ["enable-unit"]
    assert kinds(unit_plan(texts={SYSCONFIG: text}, active=True, enabled="enabled")) == []


@pytest.mark.parametrize(
    ("state", "enable", "steps", "notes"),
    [
        ("disabled", True, ["write-settings", "start-unit", "enable-unit"], []),
        ("disabled", False, ["write-settings", "start-unit"], ["gone-after-reboot"]),
        ("enabled", True, ["write-settings", "start-unit"], []),
        ("static", True, ["write-settings", "start-unit"], ["gone-after-reboot"]),
    ],
)
def test_it_is_there_after_a_reboot(state: str, *, enable: bool, steps: list[str], notes: list[str]) -> None:
    decision = unit_plan(enabled=state, enable=enable)
    assert (kinds(decision), noted(decision)) == (steps, notes)


def test_no_unit_and_no_systemd() -> None:
    assert refused(unit_plan("")) == (["no-unit"], 6)
    assert refused(unit_plan("", name="memcached@1.service")) == (["no-unit"], 6)
    assert refused(unit_plan(systemd=False)) == (["no-unit"], 6)


def test_a_unit_that_cannot_be_memcacheds() -> None:
    assert refused(unit_plan(enabled="masked")) == (["unit-masked"], 5)
    assert refused(unit_plan("[Service]\nExecStart=/usr/sbin/sshd -D\n")) == (["not-memcached"], 5)


def test_a_drop_in_that_comes_after_that_of_opskit() -> None:
    """Its line would count: what listened on the loopback would listen on all addresses."""
    later = "/etc/systemd/system/memcached.service.d/zz.conf"
    line = "[Service]\nExecStart=\nExecStart=/usr/bin/memcached -u memcached\n"
    decision = unit_plan(files={UNIT_FILE: EL_UNIT, later: line})
    assert refused(decision) == (["unit-overridden"], 5)
    assert later in decision.reasons[0].title
    # One that comes before it, or sets something else, stands in nobody's way.
    for path, text in ((later.replace("zz", "aa"), line), (later, "[Service]\nMemoryMax=1G\n")):
        assert isinstance(unit_plan(files={UNIT_FILE: EL_UNIT, path: text}), Plan)
    # The same settings in a second file that counts more.
    more = "[Service]\nEnvironment=A=1\nEnvironmentFile=-/etc/memcached.more\n"
    decision = unit_plan(files={UNIT_FILE: EL_UNIT, later: more}, texts={SYSCONFIG: OLD})
    assert decision.steps[0].path == "/etc/memcached.more"


def instance_plan(number: str = "12000", **change: Any) -> Any:
    change = {"distribution": (UNIT_FILE, EL_UNIT), "enabled": "", **change}
    return unit_plan("", f"-p {number}", name=f"memcached@{number}.service", **change)


def test_an_instance_is_made_with_the_hardening_of_the_distribution() -> None:
    template, settings, start, enable = instance_plan().steps
    assert template.path == "/etc/systemd/system/memcached@.service"
    assert template.text == (
        f"# Written by opskit memcached start --unit, from {UNIT_FILE}\n"
        "[Unit]\nDescription=memcached daemon, instance %i\nAfter=network.target\n\n"
        f"[Service]\nEnvironmentFile=/etc/sysconfig/memcached.%i\nExecStart=/usr/bin/memcached {EL_LINE}\n{HARDENING}\n"
        "[Install]\nWantedBy=multi-user.target\n"
    )
    assert settings.path == "/etc/sysconfig/memcached.12000"
    assert 'PORT="12000"' in settings.text
    assert (start.unit, enable.unit) == ("memcached@12000.service",) * 2
    # The next one has the template, and settings of its own.
    files = {template.path: template.text}
    again = instance_plan("12001", files=files, distribution=(), enabled="disabled")
    assert kinds(again) == ["write-settings", "start-unit", "enable-unit"]
    assert again.steps[0].path == "/etc/sysconfig/memcached.12001"


def test_a_template_of_the_host_that_has_the_port_from_its_name() -> None:
    line = "/usr/bin/memcached -p %i -u ${USER} -m ${CACHESIZE} -c ${MAXCONN} $OPTIONS"
    text = f"[Service]\nEnvironmentFile=/etc/sysconfig/memcached.%i\nExecStart={line}\n"
    files = {"/usr/lib/systemd/system/memcached@.service": text}
    assert instance_plan(files=files).steps[0].path == "/etc/sysconfig/memcached.12000"
    # Another port than that takes a drop-in.
    decision = unit_plan(files=files, texts={}, words="-p 12001", name="memcached@12000.service")
    assert decision.steps[0].path == "/etc/systemd/system/memcached@12000.service.d/opskit.conf"


def test_an_undo_says_that_a_unit_which_runs_starts_anew(tmp_path: Path) -> None:
    """cases: an undo that puts settings back restarted the unit, and its plan named no restart."""
    path = tmp_path / "opskit.conf"
    for active, after in (
        (True, "absent; memcached.service starts anew: what it holds now is gone"),
        (False, "absent"),
    ):
        write = unit_plan(DEBIAN_UNIT, active=active, enabled="enabled").steps[0]
        step = replace(write, path=str(path), backup=f"{path}.opskit-R", reload=False)
        path.write_text(step.text)
        change = step.left(SaysItsRelease(), {})
        assert change is not None
        assert change.after == after


def test_an_undo_does_not_plan_to_stop_what_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """cases: "stop memcached: runs as pid 1590" after a reboot."""
    step = decide("-p 12000").steps[-1]
    monkeypatch.setattr(steps.proc, "process", lambda _pid: None)
    monkeypatch.setattr(steps.proc, "with_line", lambda _line: None)
    assert step.left(SaysItsRelease(), {"pid": 1590, "started": 7}) is None
    runs = HostProcess(1590, "memcached", line=step.line, started=7)
    monkeypatch.setattr(steps.proc, "process", lambda _pid: runs)
    change = step.left(SaysItsRelease(), {"pid": 1590, "started": 7})
    assert (change.action, change.before) == ("stop", "runs as pid 1590")


def test_a_template_is_kept_while_another_instance_needs_it(tmp_path: Path) -> None:
    own, path = tmp_path / "memcached.12000", tmp_path / "memcached@.service"
    step = replace(instance_plan().steps[0], path=str(path), settings=str(own), backup=f"{path}.opskit-R", reload=False)
    step.apply(SaysItsRelease(), {})
    own.write_text("")
    (tmp_path / "memcached.12000.opskit-R").write_text("")
    assert step.left(SaysItsRelease(), {}) is not None
    other = tmp_path / "memcached.12001"
    other.write_text("")
    for ask in (step.left, step.undo):
        with pytest.raises(CannotUndo, match=r"memcached\.12001 needs it"):
            ask(SaysItsRelease(), {})
    other.unlink()
    step.undo(SaysItsRelease(), {})
    assert not path.exists()
    step.undo(SaysItsRelease(), {})


def test_what_start_without_a_unit_says_of_a_reboot() -> None:
    facts = StartFacts(PROGRAM, HOST, booted=True)
    decision = decide_start(facts, request("-p 12000 -m 64"))
    assert noted(decision) == ["gone-after-reboot"]
    assert decision.notes[0].remedy == "opskit memcached start -p 12000 -m 64 --unit memcached@12000"
    assert decision.steps[0].commands[0].argv[:4] == ("systemd-run", "--scope", "--", "/usr/bin/memcached")
    assert decide_start(replace(facts, booted=False), request("-p 12000")).notes[0].remedy == ""


def test_a_unit_of_another_program_is_not_stopped() -> None:
    assert isinstance(decide_stop_unit("sshd.service", ActiveUnit(True, memcached=False)), Refusal)
    for active in (True, False):
        decision = decide_stop_unit("memcached.service", ActiveUnit(active))
        assert isinstance(decision, Plan)
        assert len(decision.steps) == active
    assert decide_stop_unit("gone.service", ActiveUnit(False, memcached=False)).result == {"unit": "gone.service"}


def test_a_unit_that_is_stopped_is_back_at_boot() -> None:
    for enabled, ids in (("enabled", ["back-at-boot"]), ("disabled", []), ("enabled-runtime", []), ("static", [])):
        decision = decide_stop_unit("memcached.service", ActiveUnit(True, enabled=enabled))
        assert noted(decision) == ids
    (note,) = decide_stop_unit("memcached@1.service", ActiveUnit(False, enabled="enabled")).notes
    assert note.remedy == "systemctl disable memcached@1.service"


def test_a_unit_that_has_failed_is_started_in_spite_of_its_start_limit() -> None:
    start = unit_plan(failed=True, enabled="enabled").steps[-1]
    assert (start.change.before, start.change.commands) == (
        "has failed", ("systemctl reset-failed memcached.service", "systemctl start memcached.service")
    )  # fmt: skip
    assert start.undo_commands({})[0].argv == ("systemctl", "stop", "memcached.service")


def test_whether_a_unit_runs_when_systemd_does_not_answer() -> None:
    """That it cannot be asked (exit status 1) is not that it does not run."""

    class Says:
        def __init__(self, status: int) -> None:
            self.status = status

        def run(self, command: Command) -> Result:
            result = Result(command, self.status, "", "Failed to connect to bus\n", 0.0)
            if self.status not in command.accept:
                raise CommandFailed(result)
            return result

    assert [is_active(Says(status), "memcached.service") for status in (0, 3, 4)] == [True, False, False]
    with pytest.raises(CommandFailed):
        is_active(Says(1), "memcached.service")


def test_words_in_a_unit() -> None:
    assert [unit_quoted(word) for word in ("a", "50%", "$x", "a b", "")] == ["a", "50%%", "$$x", '"a b"', '""']


@pytest.mark.parametrize("word", ["/etc/a%b", "/run/$x", "/a b", "/it's", '/say "a"', "/back\\slash", "/50% $HOME"])
def test_what_is_written_is_what_the_unit_runs(tmp_path: Path, word: str) -> None:
    """By the sysconfig file, where % and $ are letters like others, and by a drop-in, where they are doubled."""
    line = ["-p", "12000", "-u", "m", "-m", "64", "-c", "1024", "-Y", word]
    text = sysconfig(OLD, line, PROGRAM)
    assert list(from_sysconfig(text, "file").words) == line
    unit = " ".join(unit_quoted(word) for word in ("/usr/bin/memcached", *line))
    (tmp_path / "memcached.service").write_text(f"[Service]\nExecStart={unit}\n")
    assert list(from_unit("memcached", [str(tmp_path)]).words) == line


@pytest.mark.parametrize("text", ["--yes", "-q", "memcached@", "a/b", "a b", "", "memcached.socket@", ".service"])
def test_what_is_no_name_of_a_service(text: str) -> None:
    """What begins with a dash would be an option of systemctl."""
    with pytest.raises(UsageFault, match="no name of a service"):
        service_name("--unit", text)


@pytest.mark.parametrize("text", ["memcached", "memcached.service", "memcached@12000", "a@b\\x2dc.service"])
def test_what_is_a_name_of_a_service(text: str) -> None:
    assert service_name("--unit", text) == f"{text.removesuffix('.service')}.service"


@pytest.mark.parametrize(
    ("main", "booted", "unit"),
    [
        (7, True, "memcached.service"),
        (9, True, ""),  # a daemon that was started in its control group
        (0, True, ""),
        (7, False, ""),
        (None, True, "memcached.service"),  # systemd does not answer
    ],
)
def test_the_unit_that_runs_a_process(
    monkeypatch: pytest.MonkeyPatch, main: Optional[int], *, booted: bool, unit: str
) -> None:
    class Systemctl:
        def run(self, command: Command) -> Result:
            if main is None:
                raise CommandFailed(Result(command, 1, "", "no bus\n", 0.0))
            return Result(command, 0, f"MainPID={main}\nId=memcached.service\n\nMainPID=1\nId=other.service\n", "", 0.0)

    monkeypatch.setattr(steps.proc.systemd, "is_booted", lambda: booted)
    within = {7: "memcached.service", 8: ""}
    assert steps.proc.units_that_run(Systemctl(), within) == {7: unit, 8: ""}
