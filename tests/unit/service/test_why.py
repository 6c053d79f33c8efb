"""What `service why` decides: each cause by the facts that show it, and none where they are in order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opskit.core.exit_status import usual_meaning, wait_text
from opskit.core.finding import Finding
from opskit.core.systemd import parse_show
from opskit.service.causes import causes
from opskit.service.findings import FINDINGS
from opskit.service.judge import judge
from opskit.service.keeping import advice
from opskit.service.lines import missing_paths, taken_ports, written_paths
from opskit.service.model import (
    RUNNING,
    Around,
    BadProgram,
    Container,
    Denial,
    FullPlace,
    Kill,
    NeededUnit,
    PidFile,
    PortHolder,
    Process,
    Script,
    ServiceFacts,
    Unit,
    UnitCommand,
    UnitDetails,
)
from opskit.service.script import logs_in
from opskit.service.see import around as looks
from opskit.service.see import kernel
from opskit.service.see.kernel import denials_of, kills_of
from opskit.service.see.unit import details_of
from tiers import Agree

KINDS = {kind.id: kind.severities for kind in FINDINGS}


def unit(active: str = "failed", **more: Any) -> ServiceFacts:
    return ServiceFacts("w", unit=Unit("w.service", active, **{"sub": "dead", "type": "simple", **more}))


def why(facts: ServiceFacts, around: Around = Around()) -> list[Finding]:  # noqa: B008 - frozen
    verdict = judge(facts)
    assert verdict
    found = [*causes(facts, verdict, around), *advice(facts, verdict)]
    assert all(each.severity in KINDS[each.id] for each in found), found
    return found


def ids(facts: ServiceFacts, around: Around = Around()) -> list[str]:  # noqa: B008
    return [each.id for each in why(facts, around) if each.severity != "info"]


FAILED_NEED = (NeededUnit("d.service", "loaded", "failed", "exit-code"),)
DENIED = (Denial("w", "name_bind", "port 8090", "w_t", "any_port_t", "tcp_socket"),)
SKIPPED = ("w was skipped because of an unmet condition check (ConditionPathExists=/x).",)
EXIT = {"result": "exit-code", "code": "exited"}
AGAIN = {**EXIT, "status": 7, "restart": "on-failure"}
LIMIT = ("w.service: Start request repeated too quickly.",)
PLAIN = UnitDetails(commands=(UnitCommand("ExecStart", "/usr/sbin/w"),))
OWNER = Process(9, 0, 1, 9, 0.0, "nginx", "S")
TAKEN = ("bind() to 0.0.0.0:80 failed (98: Address already in use)",)
FULL = ("write /var/lib/w/x: No space left on device",)


@pytest.mark.parametrize(
    ("facts", "around", "wanted", "words"),
    [
        (unit(**EXIT, status=3), Around(PLAIN), ["ended"], "ended with exit status 3"),
        (unit(**EXIT, status=78), Around(PLAIN), ["ended"], "exit status 78: as a rule its configuration is wrong"),
        (unit(**EXIT, status=99), Around(PLAIN), ["ended"], "exit status 99"),
        (unit(result="signal", code="killed", status=9), Around(PLAIN), ["ended"], "killed by SIGKILL"),
        (unit(result="core-dump", code="dumped", status=11), Around(PLAIN), ["ended"], "crashed with SIGSEGV"),
        (unit(**EXIT, status=203), Around(PLAIN, programs=(BadProgram("/usr/sbin/w", "there is no such file"),)),
         ["cannot-execute"], "there is no such file"),
        (unit(**EXIT, status=203), Around(PLAIN), ["cannot-execute"], "203/EXEC"),
        (unit(**EXIT, status=217), Around(PLAIN), ["ended"], "217/USER"),
        # A file that nobody can execute and that was not to be executed explains nothing.
        (unit(**EXIT, status=1), Around(PLAIN, programs=(BadProgram("/usr/sbin/w", "x"),)), ["ended"], "status 1"),
        (unit(result="exit-code"), Around(UnitDetails((UnitCommand("ExecStartPre", "/bin/sh", "exited", 4),
         UnitCommand("ExecStart", "/usr/sbin/w")))), ["ended"], "its ExecStartPre=/bin/sh ended with exit status 4"),
        (unit(result="oom-kill", code="killed", status=9), Around(PLAIN), ["out-of-memory"], "memory ran out"),
        # systemd 219 has no such result, and the kernel's own word.
        (unit(result="signal", code="killed", status=9), Around(PLAIN, kills=(Kill(7, "w", "/w.service"),)),
         ["out-of-memory", "ended"], "memory ran out"),
        (unit("active", sub="running", main_pid=9), Around(PLAIN), ["cause-unknown"], "nothing that is left"),
        (unit(result="timeout", type="notify"), Around(PLAIN), ["time-limit"], "Type=notify"),
        (unit(result="timeout"), Around(PLAIN), ["time-limit"], "time limit"),
        (unit(result="watchdog", code="killed", status=6), Around(PLAIN), ["time-limit"], "watchdog"),
        (unit(result="start-limit-hit", code="exited", status=7), Around(PLAIN), ["ended", "start-limit"], "7"),
        (unit(**AGAIN, restarts=1), Around(PLAIN, manager=LIMIT), ["ended", "start-limit"], "7"),
        (unit(**AGAIN, restarts=5), Around(replace(PLAIN, burst=5)), ["ended", "start-limit"], "7"),
        # RestartPreventExitStatus= ended it, or it was started again by itself on other days.
        (unit(**AGAIN, restarts=5), Around(replace(PLAIN, burst=5), manager=SKIPPED), ["ended"], "7"),
        (unit(**AGAIN, restarts=4), Around(replace(PLAIN, burst=5)), ["ended"], "7"),
        (unit("activating", **EXIT, status=7, restart="always", restarts=5), Around(PLAIN), ["ended"], "7"),
        (unit("inactive"), Around(replace(PLAIN, started=False, enabled="disabled")), ["never-started"], "known since"),
        # It was started, and systemd has forgotten it.
        (unit("inactive"), Around(replace(PLAIN, started=False), manager=("Stopped w.",)), [], ""),
        (unit("inactive"), Around(replace(PLAIN, started=False), manager=SKIPPED),
         ["condition-unmet"], "a condition of w.service does not hold"),
        (unit("inactive", load="masked"), Around(replace(PLAIN, started=False)), ["masked"], "masked"),
        (unit("inactive"), Around(replace(PLAIN, unmet=True)), ["condition-unmet"], "condition"),
        (unit("inactive", load="bad-setting"), Around(replace(PLAIN, error="no ExecStart=")), ["unit-invalid"], "no"),
        (unit("inactive"), Around(replace(PLAIN, started=False, needs=FAILED_NEED)),
         ["dependency-failed"], "d.service, and that has failed"),
        (unit("inactive"), Around(replace(PLAIN, needs=(NeededUnit("d.service", "not-found", "inactive"),))),
         ["dependency-failed"], "there is no such unit"),
        # What it requires is inactive because it was stopped, too: that is no cause.
        (unit("inactive"), Around(replace(PLAIN, needs=(NeededUnit("d.service", "loaded", "inactive"),))), [], ""),
        (unit("inactive", result="success", code="killed", status=15), Around(PLAIN), [], ""),
        (unit(**EXIT, status=1), Around(PLAIN, lines=TAKEN, taken=(PortHolder("tcp", 80, OWNER),)),
         ["port-taken", "ended"], "port 80 (tcp) is taken: pid 9 (nginx) listens on it"),
        (unit(**EXIT, status=1), Around(PLAIN, lines=TAKEN), ["port-taken", "ended"], "not seen now"),
        (unit(**EXIT, status=1), Around(PLAIN, lines=("open /etc/w: No such file or directory",), missing=("/etc/w",)),
         ["file-missing", "ended"], "/etc/w is not there"),
        (unit(**EXIT, status=1), Around(PLAIN, lines=("/etc/w: No such file or directory",)), ["ended"], "status 1"),
        (unit(**EXIT, status=1), Around(PLAIN, lines=FULL, full=(FullPlace("/var", "no room is left"),)),
         ["disk-full", "ended"], "/var: no room is left"),
        (unit(**EXIT, status=1), Around(PLAIN, lines=FULL), ["disk-full", "ended"], "none is now"),
        (unit(**EXIT, status=1), Around(PLAIN, denials=DENIED),
         ["selinux-denied", "ended"], "SELinux denied w name_bind on port 8090"),
        (unit(result="timeout", type="forking"), Around(replace(PLAIN, pid_file=PidFile("/run/w.pid", 7))),
         ["pid-file", "time-limit"], "pid 7 is gone"),
        (unit(result="protocol", type="forking"), Around(replace(PLAIN, pid_file=PidFile("/run/w.pid", 9, 1.0, OWNER))),
         ["pid-file"], "names pid 9 (nginx), which is no process of this service"),
        (unit(result="timeout", type="forking"), Around(replace(PLAIN, pid_file=PidFile("/run/w.pid")),
         manager=("New main PID 7 does not exist or is a zombie.",)), ["pid-file", "time-limit"], "pid 7 is gone"),
        (unit(result="timeout", type="forking"), Around(replace(PLAIN, pid_file=PidFile("/run/w.pid"))),
         ["pid-file", "time-limit"], "did not write its pid"),
    ],
)  # fmt: skip
def test_each_cause_of_a_unit(facts: ServiceFacts, around: Around, wanted: list[str], words: str) -> None:
    assert ids(facts, around) == wanted
    assert words in "\n".join(each.title for each in why(facts, around))


def container(status: str, **more: Any) -> ServiceFacts:
    return ServiceFacts("c", container=Container("podman", "c", "1", status, **more), itself=True)


# Of the engines' inspect; OOMKilled and a kill in a container's own cgroup take cgroups: read, not run here.
@pytest.mark.parametrize(
    ("facts", "wanted", "words"),
    [
        (container("exited", exit_code=1), ["ended"], "exit status 1"),
        (container("exited", exit_code=64), ["ended"], "as a rule it was used wrongly"),
        (container("exited", exit_code=137, oom_killed=True), ["out-of-memory", "ended"], "memory ran out"),
        (container("exited", exit_code=139), ["ended"], "SIGSEGV"),
        (container("exited", exit_code=127), ["cannot-execute"], "not in the image"),
        # What a shell in it exits with, which has run.
        (container("exited", exit_code=127, started="2026-11-29T08:00:00Z"), ["ended"], "a command was not found"),
        (container("created", exit_code=127, started="0001-01-01T00:00:00Z"), ["cannot-execute"], "image"),
        (container("created", exit_code=127, error="crun: executable file not found"), ["cannot-execute"], "image"),
        (container("exited", exit_code=143), [], ""),
        (container("created"), ["never-started"], "has never run"),
        (container("exited", exit_code=0), [], ""),
        (container("paused", pid=7), ["ended"], "paused"),
        (container("running", pid=7, health="unhealthy", health_says="no answer"), ["health-check"], "fails"),
    ],
)  # fmt: skip
def test_each_cause_of_a_container(facts: ServiceFacts, wanted: list[str], words: str) -> None:
    assert ids(facts) == wanted
    assert words in "\n".join(each.title for each in why(facts))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("d.service", "opskit service why d.service"), (r"srv-a\x2db.mount", r"systemctl status 'srv-a\x2db.mount'")],
)
def test_what_it_requires_is_asked_for_by_what_knows_it(name: str, remedy: str) -> None:
    around = Around(replace(PLAIN, needs=(NeededUnit(name, "loaded", "failed", "exit-code"),)))
    assert why(unit("inactive"), around)[0].remedy == remedy


def test_how_a_zombie_ended_is_told() -> None:
    first = Process(10, 1, 2, 1, 0.0, "sleep", "S", ("sleep", "9"))
    dead = Process(11, 4, 10, 2, 0.0, "workerd", "Z", ended=9)
    each = Container("podman", "c", "1", "running", 10)
    script = Script("/etc/init.d/w", 0, programs=("workerd",), pid_files=(PidFile("/run/w.pid", 4, 1.0, dead),))
    facts = ServiceFacts("w", script=script, container=each, after=each, processes=(first, dead))
    titles = [finding.title for finding in why(facts)]
    assert titles[0] == "pid 11 (workerd, 4 in the container) was killed by SIGKILL"
    assert any("--init" in finding.remedy for finding in why(facts) if finding.id == "no-reaper")
    own = replace(facts, container=replace(each, init=True))
    assert "no-reaper" not in [finding.id for finding in why(own)]


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (unit(), ["nobody-restarts"]),
        (unit("inactive"), []),
        (unit(restart="on-failure"), []),
        (unit(type="oneshot"), []),
        (unit(load="masked"), []),
        (container("exited"), ["nobody-restarts", "no-health-check"]),
        (container("exited", policy="always", checked=True), []),
        (ServiceFacts("w", script=Script("/etc/init.d/w", 3)), ["nobody-restarts"]),
    ],
)
def test_what_would_keep_it_running(facts: ServiceFacts, wanted: list[str]) -> None:
    verdict = judge(facts)
    assert verdict
    assert [each.id for each in advice(facts, verdict)] == wanted


def test_every_state_has_an_answer_and_what_runs_has_none(agree: Agree) -> None:
    """Whatever the properties are: a cause, of a kind that the registry has, without a text of several lines."""
    axes = (
        ("active", "failed", "inactive", "activating", "odd"),
        ("odd", "success", "exit-code", "signal", "core-dump", "timeout", "watchdog", "oom-kill", "start-limit-hit"),
        (("", 0), ("exited", 0), ("exited", 1), ("exited", 203), ("killed", 9)),
        ("simple", "forking"),
        ("no", "always"),
        (Around(), Around(replace(PLAIN, pid_file=PidFile("/run/w", 7), unmet=True, started=False)),
         Around(PLAIN, lines=(*TAKEN, *FULL), missing=("/x",), kills=(Kill(1, ""),))),
    )  # fmt: skip
    right, cases = 0, list(itertools.product(*axes))
    for active, result, (code, status), kind, restart, around in cases:
        facts = unit(active, result=result, code=code, status=status, type=kind, restart=restart)
        verdict = judge(facts)
        assert verdict
        found = causes(facts, verdict, around)
        fits = all(each.severity in KINDS[each.id] and each.title and "\n" not in each.title for each in found)
        right += fits and bool(found) == (verdict.state != RUNNING)
    agree("states of a unit with a cause", right, len(cases))


@pytest.mark.parametrize(
    ("line", "ports"),
    [
        ("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)", [80]),
        ("bind [::]:8080: Address already in use", [8080]),
        ("OSError: [Errno 98] Address already in use: ('127.0.0.1', 5555)", [5555]),
        ("listen tcp :9090: bind: address already in use", [9090]),
        ("Error: listen EADDRINUSE: address already in use :::3000", [3000]),
        ("Could not create server TCP listening socket *:6379: bind: Address already in use", [6379]),
        ("failed to listen on TCP port 11211: Address already in use", [11211]),
        ("2026-11-22T12:00:01 (98)Address already in use: AH00072: could not bind to address [::]:80", [80]),
        ("Nov 22 12:00:22 x[22]: bind 127.0.0.1:99999: Address already in use", []),
        ("12:00:22 connect to 10.0.0.1:80: Connection refused", []),
    ],
)
def test_the_port_that_a_line_names(line: str, ports: list[int]) -> None:
    assert taken_ports([line]) == ports


def test_what_a_line_or_a_folder_names_is_pasted_as_one_word() -> None:
    named = "/tmp/x&reboot&"
    line = f"write failed: No space left on device: {named}"
    assert written_paths([line]) == [named]
    full = why(unit(**EXIT, status=1), Around(PLAIN, lines=(line,), full=(FullPlace(named, "no room is left"),)))[0]
    assert full.remedy == f"opskit df --why '{named}'"
    script = Script("/etc/init.d/w", 3, logs=("/var/log/w/x;reboot;.log",))
    remedies = [each.remedy for each in why(ServiceFacts("w", script=script))]
    assert "tail -n 50 '/var/log/w/x;reboot;.log'" in remedies


def test_no_path_has_a_nul_in_it() -> None:
    assert missing_paths(["open /etc/w\0x: No such file or directory"]) == ["/etc/w"]


def test_the_files_that_lines_name() -> None:
    lines = (
        "FileNotFoundError: [Errno 2] No such file or directory: '/etc/app/x.conf'",
        'nginx: [emerg] open() "/etc/nginx/y.conf" failed (2: No such file or directory)',
        "GET http://host/no/path/of/this: no such file or directory",
        "read /etc/there: Permission denied",
    )
    assert missing_paths(lines) == ["/etc/app/x.conf", "/etc/nginx/y.conf"]
    assert written_paths(("tee: /var/log/w.log: No space left on device", "open /r/o: Read-only file system")) == [
        "/var/log/w.log", "/r/o",
    ]  # fmt: skip


# As systemd 252 prints it; 219 has the same form of a command (src/systemctl/systemctl.c).
SHOWN = """ExecStartPre={ path=/bin/sh ; argv[]=/bin/sh -c { ; } ; ignore_errors=no ; start_time=[x] ; stop_time=[y] ; pid=7 ; code=exited ; status=4 }
ExecStart={ path=/usr/sbin/w ; argv[]=/usr/sbin/w -f ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
ExecStart={ path=/bin/x ; argv[]=/bin/x ; ignore_errors=no ; start_time=[x] ; stop_time=[y] ; pid=8 ; code=killed ; status=9/KILL }
PIDFile=/run/w.pid
ConditionResult=no
ConditionTimestampMonotonic=5
ExecMainStartTimestampMonotonic=0
UnitFileState=disabled
StartLimitBurst=5
MemoryMax=31457280
InvocationID=abc
LoadError=org.freedesktop.systemd1.BadUnitSetting "Unit w.service has a bad unit file setting."
"""  # noqa: E501


def test_what_systemctl_tells_of_a_unit() -> None:
    (properties,) = parse_show(SHOWN)
    details = details_of(properties, SHOWN.splitlines())
    assert [(each.setting, each.path, each.code, each.status) for each in details.commands] == [
        ("ExecStartPre", "/bin/sh", "exited", 4), ("ExecStart", "/usr/sbin/w", "", 0),
        ("ExecStart", "/bin/x", "killed", 9),
    ]  # fmt: skip
    assert details.pid_file == PidFile("/run/w.pid")
    assert (details.unmet, details.started, details.enabled, details.burst) == (True, False, "disabled", 5)
    assert (details.memory_limit, details.invocation) == (31457280, "abc")
    assert details.error == "Unit w.service has a bad unit file setting."
    unlimited = {**properties, "MemoryMax": "infinity", "LoadError": "", "ConditionTimestampMonotonic": "0"}
    calm = details_of(unlimited, ())
    assert (calm.memory_limit, calm.error, calm.unmet) == (None, "", False)


# Linux 6.1 and 5.14, and 3.10 of EL7 (mm/oom_kill.c).
KERNEL = """
oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=w.service,task_memcg=/system.slice/w.service,task=python3,pid=412,uid=0
Memory cgroup out of memory: Killed process 412 (python3) total-vm:120kB, anon-rss:30kB, UID:0 pgtables:1kB
Out of memory: Kill process 99 (a b) score 900 or sacrifice child
Killed process 99 (a b) total-vm:1kB, anon-rss:1kB, file-rss:0kB
usb 1-1: new device
"""


def test_whom_the_kernel_killed() -> None:
    assert kills_of(iter(KERNEL.splitlines())) == (Kill(412, "python3", "/system.slice/w.service"), Kill(99, "a b"))


# RHEL 9's documentation, "Troubleshooting problems related to SELinux": read, not run.
AVC = """
type=AVC msg=audit(1395177286.929:1638): avc:  denied  { read } for  pid=6591 comm="httpd" name="webpages" dev="0:37" ino=2112 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:nfs_t:s0 tclass=dir
type=AVC msg=audit(1395177287.000:1639): avc:  denied  { name_bind } for  pid=6592 comm="httpd" src=8090 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:unreserved_port_t:s0 tclass=tcp_socket
type=SYSCALL msg=audit(1395177287.000:1639): arch=c000003e syscall=49 comm="httpd"
""".splitlines()  # noqa: E501


def test_what_selinux_denied() -> None:
    read = Denial("httpd", "read", "webpages", "httpd_t", "nfs_t", "dir")
    bind = Denial("httpd", "name_bind", "port 8090", "httpd_t", "unreserved_port_t", "tcp_socket")
    assert denials_of((*AVC, *AVC), 0.0, ["httpd"]) == (read, bind)
    assert denials_of(AVC, 1395177287.0, ["httpd"]) == (bind,)
    assert denials_of(AVC, 0.0, ["nginx"]) == ()


def test_a_denial_of_before_the_boot_or_of_anybodys_python_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[float, list[str]]] = []
    monkeypatch.setattr(looks, "denials_since", lambda moment, names: asked.append((moment, list(names))))
    monkeypatch.setattr("opskit.core.procfs.boot_time", lambda: 500.0)
    looks._denials_of(["python3.9", "w"], 0.0)
    looks._denials_of(["python3.9", "w"], 700.0)
    assert asked == [(500.0, ["w"]), (700.0, ["python3.9", "w"])]


def test_what_an_exit_status_means() -> None:
    assert wait_text(9) == "killed by SIGKILL"
    assert wait_text(0x8B) == "killed by SIGSEGV, and dumped core"
    assert wait_text(0x300) == "exit status 3"
    assert "pid file" in usual_meaning(73, ["celery"])
    assert "pid file" in usual_meaning(73)
    assert usual_meaning(42) == ""
    # A version is no other program.
    assert "boot" in usual_meaning(3, ["x", "gunicorn"])
    assert usual_meaning(120, ["python3.11"]) == usual_meaning(120, ["python"]) != ""
    assert "php-fpm -t" in usual_meaning(78, ["php-fpm8.2"])
    assert usual_meaning(78, ["x"]) == "its configuration is wrong"


def test_the_logs_of_a_script() -> None:
    assert logs_in("w", 'LOGFILE="/var/log/$NAME.log"\nNAME=w\nX="/var/log/c/%n%I.log"\n') == (
        "/var/log/w.log", "/var/log/c/**.log",
    )  # fmt: skip


def test_the_kills_of_a_control_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "CGROUPS", str(tmp_path))
    unified, legacy = tmp_path / "a/w.service", tmp_path / "memory/b/w.service"
    for folder in (unified, legacy):
        folder.mkdir(parents=True)
    (unified / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (legacy / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
    (tmp_path / "memory" / "memory.oom_control").write_text("oom_kill 9\n")
    groups = ("/a/w.service", "/b/w.service", "/absent", "", "/")
    assert [kernel.group_kills(group) for group in groups] == [2, 4, 0, 0, 0]
