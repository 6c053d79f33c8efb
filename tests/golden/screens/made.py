"""What the golden screens show: hosts that are made up, with so many rows. Nothing of the host of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from golden.disk.test_decisions import IDS, RUN
from golden.screens.made_fleet import FLEET
from golden.status.test_screens import wrong
from opskit.areas import load_findings
from opskit.core.errors import Refused
from opskit.core.finding import Finding
from opskit.core.jsonable import from_json
from opskit.core.ledger import Run, StepRecord
from opskit.core.plan import Plan, Refusal
from opskit.disk.fstab.check import check
from opskit.disk.model import BlockDevice, HostFacts
from opskit.disk.mount.plan import decide_mount
from opskit.disk.mount.request import MountRequest
from opskit.disk.mount.umount_plan import UmountRequest, decide_umount
from opskit.disk.show import draw_device, draw_list, show_json
from opskit.doctor.model import ConfigFile, Examination, Host, Installation, Setting, State, Tool, User
from opskit.doctor.show import draw as draw_doctor
from opskit.findings.cli import _draw as draw_kinds
from opskit.history.cli import _draw_run, _draw_runs
from opskit.journal.errors.findings import findings_of
from opskit.journal.errors.groups import Tally
from opskit.journal.errors.model import ErrorFacts
from opskit.journal.errors.show import ErrorListing, draw_errors
from opskit.journal.files.model import ACTIVE, ARCHIVED, JournalDirectory, JournalFile, ParsedName
from opskit.journal.retain.bounds import Bound, Bounds
from opskit.journal.usage.findings import Usage
from opskit.journal.usage.show import draw_usage
from opskit.journal.vacuum.show import draw_deletes
from opskit.memcached.line.listen import Listener
from opskit.memcached.model import StatsAnswer
from opskit.memcached.status.findings import find as find_memcached
from opskit.memcached.status.model import Instance, UnitState
from opskit.memcached.status.show import draw_status as draw_memcached
from opskit.service.model import FAILED, RUNNING, UNIT, Around, Claim, Process, ServiceFacts, Verdict
from opskit.service.show import draw_status as draw_services
from opskit.service.show import draw_why as draw_service_why
from opskit.status.show import draw_check
from opskit.ui.errors import draw_error, draw_findings
from opskit.ui.plan import draw_plan
from opskit.ui.screen import Screen
from opskit.usage.df.deleted import DeletedFile, DeletedFiles, Holder
from opskit.usage.df.findings import find as find_full
from opskit.usage.df.model import Filesystem, FilesystemFigures
from opskit.usage.df.show.deleted import draw_deleted
from opskit.usage.df.show.filesystems import draw_filesystems
from opskit.usage.df.show.why import draw_why as draw_df_why
from opskit.usage.df.why import HiddenFiles, Reclaimable, WhyFacts, explain
from opskit.usage.du.changes import compare
from opskit.usage.du.model import Scan, ScanRequest, TreeEntry
from opskit.usage.du.saved import SavedScan
from opskit.usage.du.show import ScanListing, draw_changes, draw_scan
from opskit.yum.findings import find as find_locks
from opskit.yum.model import Facts, LockFile, LockPlace, ProcessFacts
from opskit.yum.show import draw_locks
from opskit.yum.state import judge
from opskit.yum.why.model import Autorun, Autoruns
from opskit.yum.why.show import draw_why as draw_autoruns

Draw = Callable[[Screen, int], None]
HOSTS = Path(__file__).parents[1] / "disk/hosts"
NOW = 1_764_072_000.0
NOON = datetime(2025, 11, 25, 12, tzinfo=timezone.utc)
GIB, MIB = 2**30, 2**20
PLACES = ("/", "/data", "/srv/archive/backup/customers/2026/documents", "/var/lib/数据库", "/mnt/a b", "/opt")


def place(number: int) -> str:
    """A mount point or directory; many are long, one is in Chinese, one has a space."""
    return PLACES[number] if number < len(PLACES) else f"/srv/volumes/tenant-{number:03}/uploads"


def host(rows: int, name: str = "el9-data") -> HostFacts:
    """The host of a golden file, with further disks for so many rows."""
    facts = from_json(HostFacts, json.loads((HOSTS / f"{name}.json").read_text(encoding="utf-8")))
    more = [
        BlockDevice(
            name=f"nvme{number}n1", path=f"/dev/nvme{number}n1", number=f"259:{number}", kind="disk", size=1 << 40,
            serial=f"vol0123456789abcde{number:02}", model="Amazon Elastic Block Store",
        )
        for number in range(3, rows)
    ]  # fmt: skip
    return replace(facts, devices=(*facts.devices, *more))


def filesystems(rows: int) -> list[Filesystem]:
    return [
        Filesystem(
            f"/dev/mapper/vg0-lv{number}" if number % 3 else "10.20.30.40:/exports/archive/customers",
            "xfs" if number % 3 else "nfs4", place(number), f"253:{number}", readonly=False, remote=not number % 3,
            figures=FilesystemFigures(4096, 26_214_400, (use := 26_214_400 * (100 - min(99, 97 - number)) // 100), use,
                                      1_000_000, 990_000 - number) if number != 2 else None,
            answered=number != 2, why="" if number != 2 else "no answer within 5s",
            disk=f"253:{number}",
        )
        for number in range(rows)
    ]  # fmt: skip


def df(screen: Screen, rows: int) -> None:
    draw_filesystems(screen, filesystems(rows), 85, exact=False)
    draw_findings(screen, find_full(filesystems(rows), 85))


def df_deleted(screen: Screen, rows: int) -> None:
    def file(number: int) -> DeletedFile:
        holder = Holder(4000 + number, "java", "app", (7, 9), number % 2 == 0, f"/system.slice/app{number}.service")
        path = f"{place(number).rstrip('/')}/log/application-{number}.log"
        return DeletedFile("253:0", number, path, (rows - number) * GIB, GIB, place(number), (holder,))

    draw_deleted(screen, DeletedFiles(tuple(map(file, range(rows))), unseen=2), exact=False)


def df_why(screen: Screen, rows: int) -> None:
    entries = tuple(TreeEntry(place(number) if number else "/var", (60 - number) * GIB, 1000) for number in range(rows))
    facts = WhyFacts(
        filesystems(1)[0], "/", 70 * GIB, ("/root/secret",), 9 * GIB, 3, 0,
        (HiddenFiles("/data", 4 * GIB),), "", 2 * GIB, "the log and the tables of xfs",
        (Reclaimable("journal", "journal", ("/var/log/journal",), 3 * GIB, 2 * GIB,
                     "opskit journal vacuum 2d --dry-run"),
         Reclaimable("dnf", "packages that dnf keeps", ("/var/cache/dnf",), GIB, None, "dnf clean all")),
        directories=entries,
    )  # fmt: skip
    draw_df_why(screen, explain(facts), exact=False)


def scan(rows: int, factor: int = 1) -> Scan:
    entries = tuple(
        TreeEntry(place(number) if number else "/var", factor * (60 - number) * GIB, 900 - number)
        for number in range(rows)
    )
    return Scan(entries, sum(entry.bytes for entry in entries), 900)


def du(screen: Screen, rows: int) -> None:
    draw_scan(screen, scan(rows), ScanListing())


def du_diff(screen: Screen, rows: int) -> None:
    request = ScanRequest((b"/var",))
    before = SavedScan(NOON - timedelta(days=3), "web1", request, scan(max(2, rows - 1)))
    draw_changes(screen, compare(before, SavedScan(NOON, "web1", request, scan(rows, 2))), before, ScanListing())


def mount_plan(screen: Screen, rows: int) -> None:
    plan = decide_mount(host(0, "el9"), MountRequest(device="/dev/vdb", target="/data", fstype="xfs"), IDS)
    assert isinstance(plan, Plan), plan
    draw_plan(screen, plan, screen_out(), commands=rows > 3)


def umount_plan(screen: Screen, rows: int) -> None:
    plan = decide_umount(host(0, "el9-served"), UmountRequest("/data"), RUN)
    assert isinstance(plan, Plan), plan
    draw_plan(screen, plan, screen_out(), commands=rows > 3)


def refused(screen: Screen, rows: int) -> None:  # noqa: ARG001 - one disk
    decision = decide_mount(host(0), MountRequest(device="/dev/vda", target="/data", fstype="xfs"), IDS)
    assert isinstance(decision, Refusal), decision
    draw_error(screen, Refused(decision.title, list(decision.reasons)))


def screen_out() -> Any:
    import sys  # noqa: PLC0415 - the test puts its terminal there

    return sys.stdout


def fstab_check(screen: Screen, rows: int) -> None:
    facts = host(0, "el9-data")
    lines = [
        f"UUID=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e{number:03x} {place(number + 2).replace(' ', chr(92) + '040')} ext4"
        " defaults 0 2\n"
        for number in range(rows)
    ]
    text = facts.fstab.text + "".join(lines)
    draw_findings(screen, check(replace(facts, fstab=replace(facts.fstab, text=text))))


def journal_usage(screen: Screen, rows: int) -> None:
    bound = Bound("SystemMaxUse", 4 * GIB, "/etc/systemd/journald.conf.d/90-opskit-retain.conf:2")
    none = Bound("SystemKeepFree", 0, "a tenth of the filesystem, at most 4G")
    bounds = Bounds(bound, none, replace(bound, name="SystemMaxFileSize"), Bound("SystemMaxFiles", 100, "default"),
                    Bound("MaxRetentionSec", 0, "default"),
                    Bound("MaxFileSec", 2_592_000_000_000, "default"))  # fmt: skip

    def usage(number: int) -> Usage:
        files = tuple(
            JournalFile(f"system{each}.journal", ParsedName(ARCHIVED if each else ACTIVE), 8 * MIB, 8 * MIB)
            for each in range(3)
        )
        path = f"/var/log/journal/0123456789abcdef0123456789abcd{number:02x}"
        return Usage(JournalDirectory(path, files=files), None if number else bounds)

    draw_usage(screen, [usage(number) for number in range(rows)])


def journal_vacuum(screen: Screen, rows: int) -> None:
    def entry(number: int) -> dict[str, Any]:
        begin = (NOON - timedelta(days=90 - number)).isoformat()
        name = f"system@0123456789abcdef0123456789abcdef-{number:016x}-0005e1c2b3a49{number:03x}.journal"
        path = f"/var/log/journal/0123456789abcdef0123456789abcdef/{name}"
        return {"oldest": begin, "newest": begin, "entries": 12345, "bytes": 8 * MIB, "path": path,
                "reason": "it is active: journald writes to it"}  # fmt: skip

    entries = [entry(number) for number in range(rows)]
    result = {"deletes": entries, "survives": entries[:2], "freed_bytes": rows * 8 * MIB}
    draw_deletes(screen, Plan("vacuum the journal", (), result=result), screen_out())


def journal_errors(screen: Screen, rows: int) -> None:
    tally = Tally(3)

    def entry(number: int) -> Any:
        unit = (f"worker-{chr(97 + number % 26)}{number // 26}.service", "数据库.service")[number == 1]
        before = f"_SYSTEMD_UNIT={unit}\nPRIORITY=3\nSYSLOG_IDENTIFIER=app\n_TRANSPORT=journal\n".encode()
        message = "连接失败" if number == 1 else f"could not open /srv/app/{chr(97 + number % 26) * 30}/config.yaml"
        return (f"c{number}".encode(), str(int((NOW - number) * 1e6)).encode(), before, message.encode(), b"")

    tally.add([entry(number) for number in range(rows) for _ in range(rows - number)])
    killed = [(b"k", str(int(NOW * 1e6)).encode(), b"_TRANSPORT=kernel\nPRIORITY=3\n",
               b"Out of memory: Killed process 4711 (java) total-vm:9000000kB, anon-rss:8000000kB", b"")]  # fmt: skip
    tally.add(killed)
    facts = ErrorFacts(tally)
    draw_errors(screen, facts, findings_of(facts), ErrorListing(top=10))


def instances(rows: int) -> list[Instance]:
    stats = {"limit_maxbytes": str(64 * MIB), "bytes": str(63 * MIB), "curr_items": "120384", "cmd_get": "900000",
             "get_hits": "639000", "evictions": "1204", "uptime": "86400", "curr_connections": "870",
             "max_connections": "1024", "threads": "4", "rejected_connections": "3"}  # fmt: skip
    return [
        Instance(
            800 + number, "memcached", f"memcached@{11211 + number}.service", ("memcached",),
            (Listener("tcp", "127.0.0.1", 11211 + number),), "", 70 * MIB, NOW,
            answer=None if number == 2 else StatsAnswer("1.6.38", stats),
            why="no answer in time" if number == 2 else "",
        )
        for number in range(rows)
    ]  # fmt: skip


def memcached_status(screen: Screen, rows: int) -> None:
    units = (UnitState("memcached.service", "failed", "exit-code"),)
    found = find_memcached(instances(rows), units)
    draw_memcached(screen, instances(rows), units, found, slabs=False)


def memcached_slabs(screen: Screen, rows: int) -> None:
    slabs = {f"{number}:{name}": value for number in range(1, rows + 1)
             for name, value in (("chunk_size", str(96 * number)), ("total_pages", "4"), ("total_chunks", "40000"),
                                 ("free_chunks", "12"), ("used_chunks", "39988"),
                                 ("mem_requested", "3000000"))}  # fmt: skip
    answer = StatsAnswer("1.6.38", {"limit_maxbytes": str(64 * MIB)}, slabs=slabs)
    draw_memcached(screen, [replace(instances(1)[0], answer=answer)], (), (), slabs=True)


def process(pid: int, name: str, command: str) -> ProcessFacts:
    return ProcessFacts(pid, 5, NOW - 700, name, command, "S", user="root", tty="pts/0", rss=90 * MIB, manager=True)


def locks(rows: int) -> tuple[Facts, Any]:
    holder = process(
        4711, "dnf", "/usr/bin/python3 /usr/bin/dnf -y update --exclude=kernel* --setopt=install_weak_deps=0"
    )
    files = [
        LockFile(LockPlace(f"/var/cache/dnf/place-{number}/metadata_lock.pid", "dnf", "pid", "metadata"), "regular",
                 str(4711 if number < 2 else 9), NOW - 600, pid=4711 if number < 2 else 9)
        for number in range(rows)
    ]  # fmt: skip
    facts = Facts("", ("dnf", "rpm"), tuple(files), (holder,), whole=True)
    return facts, judge(facts)


def yum_lock(screen: Screen, rows: int) -> None:
    facts, verdicts = locks(rows)
    draw_locks(screen, verdicts, find_locks(facts, verdicts))


def yum_why(screen: Screen, rows: int) -> None:
    entries = tuple(
        Autorun(f"dnf-automatic-{number}.timer", "timer", "/usr/bin/dnf-automatic /etc/dnf/automatic.conf --timer",
                "active", NOW + 3600 * number, in_etc=number == 1)
        for number in range(rows)
    )  # fmt: skip
    draw_autoruns(screen, Autoruns(systemd=True, entries=entries, unread=("/etc/cron.d",)))


def services(rows: int) -> list[tuple[ServiceFacts, Verdict]]:
    main = Process(4711, 0, 1, 5, NOW, "java", "S")
    dead = Verdict("数据库", UNIT, FAILED, "its process was killed by SIGKILL", since=NOW, ended="killed by SIGKILL",
                   claims=(Claim("systemd", "failed (signal)"),
                           Claim("/proc", "no process is in its control group")))  # fmt: skip
    return [
        (ServiceFacts(f"app{number}", log=("java.lang.OutOfMemoryError: Java heap space",) if number == 1 else ()),
         dead if number == 1 else
         Verdict(f"app{number}", UNIT, RUNNING, "pid 4711 is in its control group", (main,), (main,) * number,
                 since=NOW, restarts=number, memory=70 * MIB))
        for number in range(rows)
    ]  # fmt: skip


def service_status(screen: Screen, rows: int) -> None:
    found = [Finding("not-running", "error", "数据库: failed", "", "opskit service why 数据库")]
    draw_services(screen, services(rows), found)


def service_why(screen: Screen, rows: int) -> None:
    facts, verdict = services(2)[1]
    found = [Finding("out-of-memory", "error", "memory ran out, and the kernel killed java (pid 4711)",
                     "Out of memory: Killed process 4711 (java)",
                     "MemoryMax=, or -Xmx in its own settings")]  # fmt: skip
    lines = tuple(f"2025-11-25T11:59:{number:02}Z request {number} failed: 连接失败" for number in range(rows))
    draw_service_why(screen, facts, verdict, Around(lines=lines), found)


def runs(rows: int) -> list[Run]:
    change = {"action": "add-entry", "target": "/etc/fstab", "before": "", "after": "x", "commands": [],
              "reversible": True}  # fmt: skip
    ran = {"argv": ["mount", "--", "/data"], "status": 0, "seconds": 0.12, "stderr": "mount: 注意\n"}
    when = "2025-11-25T12:00:01Z"
    step = StepRecord(1, "disk.add-entry", {}, change, {}, "done", when, when, "", (ran,))
    return [
        Run(f"20251125T1200{number:02}Z-0a1b{number:02}", "2025-11-25T12:00:00Z", "2025-11-25T12:00:04Z", "root", 1,
            f"mount /dev/nvme{number}n1 on {place(number)}", ("opskit", "disk", "mount"), "",
            "done" if number != 1 else "unfinished", steps=(step,))
        for number in range(rows)
    ]  # fmt: skip


def history(screen: Screen, rows: int) -> None:
    _draw_runs(SimpleNamespace(screen=screen, state_dir="/var/lib/opskit"), runs(rows))  # type: ignore[arg-type]


def history_show(screen: Screen, rows: int) -> None:  # noqa: ARG001 - one run
    _draw_run(SimpleNamespace(screen=screen, state_dir="/var/lib/opskit"), runs(1)[0])  # type: ignore[arg-type]


def kinds(screen: Screen, rows: int) -> None:
    draw_kinds(SimpleNamespace(screen=screen), load_findings()[:rows])  # type: ignore[arg-type]


def doctor(screen: Screen, rows: int) -> None:
    tools = tuple(
        Tool(f"tool{number}", "" if number % 2 else f"/usr/sbin/tool{number}", "2.37.4", ("disk mount", "disk grow"),
             "for --fstype xfs", f"dnf install tool{number}")
        for number in range(rows)
    )  # fmt: skip
    own = Installation("0.2.0", "wheel", "0123456789abcdef", "/opt/opskit/lib/python3.9/site-packages/opskit", "3.9.18",
                       "/opt/opskit/bin/python3", {"typer": "0.12.5", "rich": "13.9.4", "psutil": ""})  # fmt: skip
    seen = Examination(
        own, Host("CentOS Stream 9", "5.14.0-508.el9", "x86_64", "glibc 2.34", 252, booted=True, container="",
                  selinux="enforcing", package_manager="dnf"),
        User("root", 0, ()), State("/var/lib/opskit", exists=True, free=12 * GIB, runs=3, problem="", todo=""),
        (ConfigFile("/etc/opskit/config.toml", exists=True, problem=""),),
        (Setting("disk.mount.fstype", "xfs", "/etc/opskit/config.toml"),), (), tools,
    )  # fmt: skip
    draw_doctor(
        screen, seen, [Finding("library-missing", "error", "psutil is missing", "", "dnf install python3-psutil")]
    )


SCREENS: dict[str, Draw] = {
    "disk-list": lambda screen, rows: draw_list(screen, host(rows)),
    "disk-show": lambda screen, rows: draw_device(screen, show_json(host(rows), "/dev/vda")),
    "disk-mount-plan": mount_plan,
    "disk-umount-plan": umount_plan,
    "disk-mount-refused": refused,
    "disk-fstab-check": fstab_check,
    "du": du,
    "du-diff": du_diff,
    "df": df,
    "df-deleted": df_deleted,
    "df-why": df_why,
    "journal-usage": journal_usage,
    "journal-vacuum": journal_vacuum,
    "journal-errors": journal_errors,
    "memcached-status": memcached_status,
    "memcached-slabs": memcached_slabs,
    "yum-lock": yum_lock,
    "yum-why": yum_why,
    "service-status": service_status,
    "service-why": service_why,
    "check": lambda screen, rows: draw_check(screen, wrong()),  # noqa: ARG005
    "history": history,
    "history-show": history_show,
    "findings": kinds,
    "doctor": doctor,
    **FLEET,
}
