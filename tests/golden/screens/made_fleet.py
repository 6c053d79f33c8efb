"""What the golden screens of the fleet show: hosts that fare in every way, some of them hostile."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from opskit.fleet.model import FleetPlan, FleetRun, HostPlan, HostState, sealed
from opskit.fleet.show import draw_answers, draw_check, draw_plan, draw_run, progress_lines
from opskit.ui.screen import Screen

Draw = Callable[[Screen, int], None]
RUN = "20261129T190000Z-0a1b2c"
ARGV = ("disk", "mount", "/dev/vdb", "/data")
WAY = ("--user=ops", "--become", f"--private-key=/home/ops/{'数据' * 20}")
NASTY = "web\x1b[31m\nred"
FOREIGN = "数据库-01.example.net"
SURROGATE = "caf\udce9"
TITLE = "put /dev/vdb into service on /data"


def name(number: int) -> str:
    """A host; three have names that nobody would give."""
    return {3: NASTY, 4: FOREIGN, 5: SURROGATE}.get(number, f"web{number + 1}.example.net")


def there(number: int) -> str:
    """The id of a run on a host."""
    return f"20261129T19{number // 60:02}{number % 60:02}Z-{number:06x}"


def uuid(number: int) -> str:
    return f"f30ab76a-ec00-5735-be97-{number:012x}"


def changes(number: int, size: str = "20G") -> tuple[dict[str, Any], ...]:
    """Those of a host, with UUIDs and a backup of its own."""
    backup = f"/etc/fstab.opskit-{there(number)}"
    rows = [
        ("create-partition", "/dev/vdb", "blank", f"gpt table, one partition of {size}", True),
        ("make-filesystem", "partition 1 of /dev/vdb", "no filesystem", f"ext4, UUID {uuid(number)}", False),
        ("backup-fstab", "/etc/fstab", "no backup of it", backup, True),
        ("add-fstab-entry", "/etc/fstab", "no entry", f"UUID={uuid(number)} /data ext4 defaults,nofail 0 2", True),
        ("make-mount-point", "/data", "absent", "an empty directory", True),
        ("mount", "/data", "not mounted", "ext4 of partition 1 of /dev/vdb", True),
    ]
    return tuple(
        {"action": action, "target": target, "before": before, "after": after, "reversible": back,
         "commands": [f"# {action}"]}
        for action, target, before, after, back in rows
    )  # fmt: skip


def finding(ident: str, severity: str, title: str, evidence: str = "", remedy: str = "") -> dict[str, Any]:
    return {"id": ident, "severity": severity, "title": title, "evidence": evidence, "remedy": remedy}


SYSTEM = finding("system-disk", "critical", "/dev/vdb is a system disk: / is on it", "",
                 "name the data disk; opskit disk list shows the verdict on each")  # fmt: skip
SSH = "Task failed: Failed to connect to the host via ssh: ssh: connect to host 10.0.0.9 port 22: Connection refused"


def host_plan(number: int) -> HostPlan:
    """What would happen on a host: a tenth is refused, one is dead, one lies."""
    if number == 1:
        return HostPlan("refused", 5, title=TITLE, why=SYSTEM["title"], findings=(SYSTEM,))
    if number == 2:
        return HostPlan("unreachable", why=SSH)
    if number == 7:
        return HostPlan("nothing", 0, title=TITLE)
    if number == 8:
        return HostPlan("failed", 1, why="no answer came: \x1b]0;title\x07" + "x" * 2**20)
    if number == 9:
        rows: Any = ("no change", {"action": 7, "commands": 3}, {"target": "/data\n\x1b[2J", "reversible": False})
        return HostPlan("changes", 0, title=TITLE, token="t", changes=rows)
    token = f"{there(number)}:0123456789abcdef-012"
    return HostPlan("changes", 0, token, TITLE, changes(number, "20G" if number < 20 else f"{number}G"))


def plan(rows: int) -> FleetPlan:
    hosts = {name(number): host_plan(number) for number in range(rows)}
    made = "2026-11-29T19:00:00Z"
    return sealed(FleetPlan("opskit-fleet-plan", made, "0.2.0", ARGV, ("/srv/hosts.ini",), "web", hosts, ansible=WAY))


def run(kind: str, rows: int, argv: tuple[str, ...] = ARGV) -> FleetRun:
    hosts = {name(number): "" for number in range(rows)}
    out = {"old1.example.net": SYSTEM["title"]} if kind == "apply" else {}
    return FleetRun(
        RUN, kind, "2026-11-29T19:00:00Z", "0.2.0", argv, ("/srv/hosts.ini",), hosts=hosts, serial=("1", "10%", "100%"),
        of="20261129T180000Z-ffffff" if kind == "undo" else "", max_fail=2, left_out=out,
    )  # fmt: skip


CHANGED = finding("changed-since-plan", "critical", "the host is no longer as it was when the plan was made: what it "
                  "acts on is not the same: it is now /dev/vdb, 20G, serial BAD", "plan a, now b",
                  "run the same command again, without --only-plan, and read the new plan")  # fmt: skip
FULL = finding("nearly-full", "error", "/data: 97 % full", "97G of 100G used", "opskit df --why /data")
FARED: dict[int, HostState] = {
    1: HostState("refused", 5, why=CHANGED["title"], left="Nothing was changed.", todo=CHANGED["remedy"],
                 findings=(CHANGED,)),
    2: HostState("unreachable", 10, why=SSH),
    6: HostState("unknown", why="it had begun, and no answer came"),
    8: HostState("taken_back", 8, run=there(8), why="mkfs.ext4: exit status 1: \x1b[31mno room",
                 left="All that was done was taken back.", todo="opskit df /"),
    9: HostState("take_back_failed", 9, run=there(9), why="mount: exit status 32: " + "y" * 2**20,
                 left="the entry of /data is still in /etc/fstab", todo="opskit history show last"),
    10: HostState("busy", 7, why="another opskit is at work", left="Nothing was changed.", todo="--lock-timeout 60s"),
    11: HostState("missing", 6, why="this opskit is older than 0.2.0", todo="upgrade opskit"),
    12: HostState("done", 0, run=there(12), new=(FULL,)),
    13: HostState("waiting"),
    14: HostState("waiting"),
    15: HostState("failed", 1, why="no space is left in /var/lib/opskit", left="Nothing was changed."),
    16: HostState("nothing", 0),
}  # fmt: skip


def states(rows: int) -> dict[str, HostState]:
    return {name(number): FARED.get(number, HostState("done", 0, run=there(number))) for number in range(rows)}


def checked(rows: int) -> dict[str, HostState]:
    """A check: disks that are more or less full, a host that is in order, one that lies, one that is dead."""

    def check(number: int) -> HostState:
        if number == 2:
            return HostState("unreachable", 10, why=SSH)
        if number % 5 == 4:
            return HostState("done", 0, answer={"result": {"looks": []}})
        full = finding("nearly-full", "error", f"/data: {90 + number % 9} % full", f"{90 + number % 9}G of 100G used",
                       "opskit df --why /data")  # fmt: skip
        unit = finding("unit-failed", "error", "backup.service has failed: timeout", "", "journalctl -u backup.service")
        lies: Any = ("text", finding("\x1b[1m", "loud", "[bold]\n数据库" + "z" * 2**20), {"id": 4})
        found = {0: (full, unit), 1: (full,), 6: lies}.get(number, (full,) if number % 2 else (unit,))
        looks = [{"area": "disk", "finding_ids": ["nearly-full"]}, {"area": "journal", "finding_ids": ["unit-failed"]}]
        return HostState("done", 4, findings=found, answer={"result": {"looks": looks}})

    return {name(number): check(number) for number in range(rows)}


def answered(rows: int) -> dict[str, HostState]:
    """What `disk list` says: the same on most hosts."""

    def answer(number: int) -> HostState:
        if number == 2:
            return HostState("unreachable", 10, why=SSH)
        size = 21474836480 if number != 1 else 1099511627776
        rows = [
            {"path": "/dev/vda", "size": 42949672960, "verdict": "system", "serial": None},
            {"path": "/dev/vdb\x1b[2J" if number == 6 else "/dev/vdb", "size": size, "verdict": "ready", "serial": ""},
        ]
        result = {"devices": rows, "groups": [], "host": {"name": "数据库", "booted": True}}
        return HostState("done", 0, answer={"result": result, "findings": []})

    return {name(number): answer(number) for number in range(rows)}


def out() -> Any:
    import sys  # noqa: PLC0415 - the test puts its terminal there

    return sys.stdout


def piped(draw: Draw) -> Draw:
    """The same where stdout is a pipe; what is said beside it goes to the terminal."""

    def drawn(screen: Screen, rows: int) -> None:
        terminal, pipe = out(), io.StringIO()
        with contextlib.redirect_stdout(pipe):
            draw(screen, rows)
        terminal.write(pipe.getvalue())

    return drawn


def _show(screen: Screen, rows: int) -> None:
    draw_plan(screen, plan(rows), out(), file="plan of web.json")


def _apply(screen: Screen, rows: int) -> None:
    draw_run(screen, run("apply", rows), states(rows))


def _check(screen: Screen, rows: int) -> None:
    draw_check(screen, run("check", rows, ("check",)), checked(rows))


def _run(screen: Screen, rows: int) -> None:
    draw_answers(screen, run("run", rows, ("disk", "list")), answered(rows))


def _progress(screen: Screen, rows: int) -> None:
    """Half of the hosts have had their turn."""
    at = {host: state if number < rows // 2 else HostState("begun" if number < rows // 2 + 12 else "waiting")
          for number, (host, state) in enumerate(states(rows).items())}  # fmt: skip
    import shutil  # noqa: PLC0415

    for line in progress_lines(run("apply", rows), at, 0, shutil.get_terminal_size().columns - 1):
        screen.line(line)


FLEET: dict[str, Draw] = {
    "fleet-show": _show,
    "fleet-show-diff": lambda screen, rows: draw_plan(screen, plan(rows), out(), diff=True, verbose=rows > 3),
    "fleet-show-pipe": piped(_show),
    "fleet-apply": _apply,
    "fleet-apply-done": lambda screen, rows: draw_run(
        screen, run("undo", rows), {name(number): HostState("done", 0, run=RUN) for number in range(rows)}
    ),
    "fleet-apply-verbose": lambda screen, rows: draw_run(
        screen, run("apply", rows), states(rows), live=True, verbose=1
    ),
    "fleet-apply-pipe": piped(_apply),
    "fleet-check": _check,
    "fleet-check-pipe": piped(_check),
    "fleet-run": _run,
    "fleet-run-pipe": piped(_run),
    "fleet-progress": _progress,
}


def readme_plan() -> FleetPlan:
    """The plan that README.md shows."""
    title = "/dev/vdb is not blank: it holds data without a known signature"
    data = finding("unknown-data", "critical", title, "", "if it may be destroyed: --wipe /dev/vdb")
    hosts = {f"web{number:02}": HostPlan("changes", 0, "t", TITLE, changes(number)) for number in range(1, 21)}
    hosts["web07"] = HostPlan("nothing", 0, title=TITLE)
    hosts["web12"] = HostPlan("unreachable", why="ssh: connect to host web12 port 22: Connection refused")
    for host in ("web15", "web16"):
        hosts[host] = HostPlan("refused", 5, title=TITLE, why=data["title"], findings=(data,))
    return sealed(
        FleetPlan("opskit-fleet-plan", "2026-11-29T19:00:00Z", "0.2.0", ARGV, ("/srv/hosts.ini",), "web", hosts)
    )


def readme_run() -> tuple[FleetRun, dict[str, HostState]]:
    """The run of that plan that README.md shows: one host had another disk by then, and one died."""
    made = readme_plan()
    states = {host: HostState("done", 0, run=there(1)) for host in made.changing}
    why = f"{CHANGED['title'].partition(': ')[0]}: what it acts on is not the same: it is now /dev/vdb, 20G"
    changed = finding("changed-since-plan", "critical", why)
    states["web03"] = HostState("refused", 5, why=why, left="Nothing was changed.", findings=(changed,))
    states["web18"] = HostState("unreachable", 10, why="client_loop: send disconnect: Broken pipe")
    left = {host: plan.why for host, plan in made.hosts.items() if plan.outcome in {"refused", "unreachable"}}
    return replace(run("apply", 0), hosts=dict.fromkeys(made.changing, ""), left_out=left), states
