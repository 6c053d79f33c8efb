"""What is seen of a service, and what it comes to."""

from __future__ import annotations

from typing import Optional

from opskit.core.record import dataclass

# The one answer. Only RUNNING is in order.
RUNNING, STARTING, STOPPED, FAILED = "running", "starting", "stopped", "failed"
DEAD_PID_FILE, DEAD_LOCK_FILE = "dead-pid-file", "dead-lock-file"
SILENT, UNKNOWN = "not-answering", "unknown"
STATES = {
    RUNNING: "running",
    STARTING: "starting",
    STOPPED: "stopped",
    FAILED: "failed",
    DEAD_PID_FILE: "dead, but its pid file is there",
    DEAD_LOCK_FILE: "dead, but its lock file is there",
    SILENT: "running, but not answering",
    UNKNOWN: "not known",
}
UNIT, SCRIPT, CONTAINER, PROCESS, PROGRAM = "unit", "script", "container", "process", "program"


@dataclass(frozen=True)
class Process:
    """A process, as /proc has it.

    inner: its pid in the container that it is in; 0 on the host
    parent: the pid of its parent, as the host numbers it
    start_ticks: when it started, in clock ticks since the boot
    started: the same in seconds since 1970
    state: R, S, D, T, t, Z, X or I (proc(5))
    words: its command line; () for a zombie
    exe: its program, "" where that may not be read
    group: its control group
    rss: its memory in bytes
    ended: of a zombie: how it ended, as wait(2) has it; 0 also where that may not be read
    """

    pid: int
    inner: int
    parent: int
    start_ticks: int
    started: float
    name: str
    state: str
    words: tuple[str, ...] = ()
    exe: str = ""
    group: str = ""
    rss: int = 0
    ended: int = 0

    @property
    def zombie(self) -> bool:
        """Whether it has ended, and only waits for its parent to take its exit status."""
        return self.state in {"Z", "X"}

    @property
    def text(self) -> str:
        """As a message names it: by the pid of the host, and by that of the container."""
        inner = f", {self.inner} in the container" if self.inner else ""
        return f"pid {self.pid} ({self.name}{inner})"


@dataclass(frozen=True)
class PidFile:
    """A pid file that an init script names.

    pid: what it holds; 0 for no pid
    written: when, in seconds since 1970
    process: the process with that pid, a zombie too
    hidden: there is a file or a process, and it may not be looked at
    """

    path: str
    pid: int = 0
    written: float = 0.0
    process: Optional[Process] = None
    hidden: bool = False


@dataclass(frozen=True)
class Script:
    """An init script, and what it answered to `status`.

    status: its exit status; None where it has none that counts
    why: why there is none
    says: the last line that it wrote
    programs: the names of the program that it starts, as its text has them; () where it has none
    lock: the lock file that is there, "" without one
    logs: the log files that its text names
    asked: whether it was run at all
    """

    path: str
    status: Optional[int] = None
    why: str = ""
    says: str = ""
    programs: tuple[str, ...] = ()
    pid_files: tuple[PidFile, ...] = ()
    lock: str = ""
    logs: tuple[str, ...] = ()
    asked: bool = True


@dataclass(frozen=True)
class Unit:
    """A unit of systemd, by `systemctl show`.

    result: why it failed, as systemd names it
    code: how its main process ended: exited, killed or dumped; "" where none has
    status: the exit status, or the number of the signal
    restarts: how often systemd has started it again by itself; None before systemd 235
    restart: its Restart=
    since: when it came into its state, in seconds since 1970; 0 for not known
    memory: bytes; None where it is not counted
    source: the file that it was generated from: an init script; "" for others
    once: whether it does not count as active once its work is done: Type=oneshot without RemainAfterExit=
    """

    name: str
    active: str
    sub: str
    load: str = "loaded"
    type: str = ""
    result: str = ""
    code: str = ""
    status: int = 0
    main_pid: int = 0
    restarts: Optional[int] = None
    restart: str = ""
    since: float = 0.0
    memory: Optional[int] = None
    group: str = ""
    source: str = ""
    frozen: bool = False
    once: bool = False


@dataclass(frozen=True)
class Container:
    """A container, by the `inspect` of its engine.

    status: created, running, paused, restarting, exited, dead … in the words of the engine
    pid: of its first process, as the host numbers it; 0 where none runs
    health: healthy, unhealthy or starting; "" where nothing checks it
    restarts: how often the engine has started it again
    policy: its restart policy: no, always, on-failure, unless-stopped; "" for none
    init: whether the engine has given it a first process that reaps (--init)
    checked: whether it has a health check
    health_says: the last lines of a health check that failed
    started, finished: in the words of the engine
    """

    engine: str
    name: str
    id: str
    status: str
    pid: int = 0
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    health: str = ""
    restarts: int = 0
    policy: str = ""
    init: bool = False
    checked: bool = False
    health_says: str = ""
    started: str = ""
    finished: str = ""

    @property
    def same_run(self) -> tuple[str, int, str, str]:
        """What stays the same as long as it runs on."""
        return self.id, self.pid, self.status, self.started


@dataclass(frozen=True)
class Program:
    """A process that supervisord looks after, by its XML-RPC and its configuration.

    state: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN; "" where supervisord does not say
    pid: as supervisord numbers it; 0 for none
    exit_status: of its last end; -1 for a signal
    error: why it could not be started, in the words of supervisord
    ended: how it ended last, by supervisord's log: "exit status 3", "terminated by SIGKILL"; "" for not known
    command: the words of its command=
    restarts: its autorestart=: true, false or unexpected; where: the file and line of that, or of its section
    retries: its startretries=; where_retries: likewise
    expected: the exit statuses that are no failure
    logs: the files that its output goes to
    marked: the pids of the host that have its names in their environment, as supervisord gives them; looked for where
        it does not answer
    """

    group: str
    name: str
    state: str = ""
    pid: int = 0
    exit_status: int = 0
    error: str = ""
    ended: str = ""
    started: float = 0.0
    command: tuple[str, ...] = ()
    restarts: str = "unexpected"
    where: str = ""
    retries: int = 3
    where_retries: str = ""
    expected: tuple[int, ...] = (0,)
    logs: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()

    @property
    def full(self) -> str:
        """Its name as supervisorctl takes it."""
        return self.name if self.group == self.name else f"{self.group}:{self.name}"


@dataclass(frozen=True)
class Supervisor:
    """supervisord, as far as it knows programs of a name.

    config: its configuration file
    pid: of supervisord; 0 where it does not run
    why: why it does not answer, "" where it does
    weak: what lets others than root decide what is in its configuration
    control: its supervisorctl
    user: who runs it, where that is not root and weak is not ""
    """

    config: str
    programs: tuple[Program, ...]
    pid: int = 0
    why: str = ""
    weak: str = ""
    control: str = "supervisorctl"
    user: str = ""


@dataclass(frozen=True)
class CeleryWorker:
    """A worker of Celery that runs. name: as Celery has it; answers: whether it has answered a ping."""

    process: Process
    name: str
    answers: bool


@dataclass(frozen=True)
class CeleryPing:
    """What the workers of an app answered to a ping.

    nodes: those of the service
    others: the names of workers elsewhere that answered, too
    why: why nobody did, or could be asked; "" where somebody answered
    asked: whether they were asked
    """

    app: str
    nodes: tuple[CeleryWorker, ...] = ()
    others: tuple[str, ...] = ()
    why: str = ""
    asked: bool = True


@dataclass(frozen=True)
class ServiceFacts:
    """All that is known of one name.

    unit, script, supervisor: what has the name there, None without one
    container: the container that it was looked for in, or that has the name itself (itself)
    after: the same container, after the last look at what is in it
    processes: all of the host, or of the container, zombies too
    log: the last lines that it logged
    drop_in: the text of opskit's drop-in for Restart=, None without one; looked at when one is asked for
    release: of systemd, 0 for not known; likewise
    celery: what its workers answered; where they are to be asked
    not_executable: an init script of the name that may not be executed, where no other has it; "" without one
    """

    name: str
    unit: Optional[Unit] = None
    script: Optional[Script] = None
    container: Optional[Container] = None
    after: Optional[Container] = None
    itself: bool = False
    processes: tuple[Process, ...] = ()
    log: tuple[str, ...] = ()
    drop_in: Optional[str] = None
    release: int = 0
    supervisor: Optional[Supervisor] = None
    celery: Optional[CeleryPing] = None
    not_executable: str = ""


@dataclass(frozen=True)
class UnitCommand:
    """A command of a unit: its ExecStartPre=, ExecStart=, ExecStartPost= …, and how it ended last.

    path: the program
    code, status: as those of a Unit; code is "" for one that has not ended
    """

    setting: str
    path: str
    code: str = ""
    status: int = 0


@dataclass(frozen=True)
class NeededUnit:
    """A unit that another one requires. result: why it failed, as systemd names it."""

    name: str
    load: str
    active: str
    result: str = ""


@dataclass(frozen=True)
class UnitDetails:
    """What of a unit only `why` asks for.

    unmet: whether one of its conditions did not hold when it was to be started
    started: whether it was ever started since the boot
    enabled: its UnitFileState
    burst: how often it may be started in the time of its start limit; 0 for not known
    invocation: the id of its last run; "" before systemd 232
    error: why its file cannot be loaded
    memory_limit: bytes; None without one
    """

    commands: tuple[UnitCommand, ...] = ()
    needs: tuple[NeededUnit, ...] = ()
    pid_file: Optional[PidFile] = None
    unmet: bool = False
    started: bool = True
    enabled: str = ""
    burst: int = 0
    invocation: str = ""
    error: str = ""
    memory_limit: Optional[int] = None


@dataclass(frozen=True)
class BadProgram:
    """A file that cannot be executed. why: a sentence."""

    path: str
    why: str


@dataclass(frozen=True)
class PortHolder:
    """A port, and who listens on it. owner: None where that may not be seen."""

    protocol: str
    port: int
    owner: Optional[Process] = None


@dataclass(frozen=True)
class FullPlace:
    """A place where nothing can be written. why: no room, no inode, or read-only."""

    path: str
    why: str


@dataclass(frozen=True)
class Kill:
    """A process that the kernel's OOM killer has ended. group: its control group, "" where the kernel does not say."""

    pid: int
    name: str
    group: str = ""


@dataclass(frozen=True)
class Denial:
    """An access that SELinux has denied, as the audit of the kernel has it."""

    program: str
    access: str
    target: str
    source_type: str
    target_type: str
    target_class: str


@dataclass(frozen=True)
class Around:
    """What is looked at beside a service to say why it does not run.

    lines: the last lines of its last run
    manager: what systemd said of it then
    missing: paths that its lines name, and that are not there
    taken: the ports that its lines name, and who has them
    kills: of the OOM killer, those in its control group and those of its name
    group_kills: how many the kernel counts in its control group
    """

    details: Optional[UnitDetails] = None
    lines: tuple[str, ...] = ()
    manager: tuple[str, ...] = ()
    programs: tuple[BadProgram, ...] = ()
    missing: tuple[str, ...] = ()
    taken: tuple[PortHolder, ...] = ()
    full: tuple[FullPlace, ...] = ()
    kills: tuple[Kill, ...] = ()
    group_kills: int = 0
    denials: tuple[Denial, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A piece of evidence: who says what."""

    source: str
    says: str


@dataclass(frozen=True)
class Verdict:
    """The answer.

    kind: what the service is: a unit, a script, a program of supervisord, a container, a process
    state: one of STATES
    why: a sentence
    main: its main processes; workers: the others that live; zombies: those that have ended and are not reaped
    since: seconds since 1970, 0 for not known
    restarts, memory: None where nobody counts them
    ended: how its process ended, in words
    claims: the evidence
    lies: whether the init script says something else than /proc
    """

    name: str
    kind: str
    state: str
    why: str
    main: tuple[Process, ...] = ()
    workers: tuple[Process, ...] = ()
    zombies: tuple[Process, ...] = ()
    since: float = 0.0
    restarts: Optional[int] = None
    memory: Optional[int] = None
    ended: str = ""
    claims: tuple[Claim, ...] = ()
    lies: bool = False
