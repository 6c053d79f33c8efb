"""What the golden screens show of commands that change a host: the dry runs of plans for hosts that are made up.

With few rows a plan is as it is asked for; with many with its commands, as with -v, and with what there may be many of.
"""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, TextIO

from golden.disk.test_decisions import HERE, IDS, RUN, changed, decide, read
from golden.screens.made import HOSTS, NOON, runs
from golden.yum.test_locks import CASES, facts_of
from opskit.act import Chore, Decided, _show
from opskit.completion.install import FOR_ALL, InstallFacts, decide_install
from opskit.core.ledger import Run
from opskit.core.plan import NO_RUN, Change, Decision, Plan, PlanToken
from opskit.core.units import DAY, GIB, MIB
from opskit.disk.model import FileFact, HostFacts, PathFact
from opskit.disk.swap.model import SwapFacts, SwapFile, SwapRequest
from opskit.disk.swap.plan import decide_file
from opskit.history.model import StepLeft, UndoFacts
from opskit.history.plan import decide as decide_undo
from opskit.history.prune import decide_prune, outline
from opskit.journal.files.model import ARCHIVED, Header, JournalDirectory, JournalFile, ParsedName
from opskit.journal.releases import Version
from opskit.journal.retain.conf import Setting
from opskit.journal.retain.model import RetainFacts, RetainRequest
from opskit.journal.retain.plan import decide_retain
from opskit.journal.vacuum.show import draw_deletes
from opskit.memcached.instance.plan import decide_start
from opskit.memcached.instance.request import StartFacts, StartRequest
from opskit.memcached.model import Host, PidFile, Program
from opskit.service.ensure import decide_ensure
from opskit.service.model import ServiceFacts, Unit
from opskit.service.steps import StartService
from opskit.status.timer import TimerFacts, TimerRequest, decide_timer
from opskit.ui.screen import Screen
from opskit.yum.unlock.plan import decide_unlock


def dry_run(screen: Screen, rows: int, decision: Decision, draw: Any = None, *, lasting: bool = True) -> None:
    """What a dry run of it shows."""
    assert isinstance(decision, Plan), decision
    chore: Chore[None] = Chore(lambda _: None, lambda *_: decision, lasting=lasting)
    chore.draw = draw or chore.draw
    session: Any = SimpleNamespace(screen=screen, format="text", verbose=int(rows > 3))
    _show(session, Decided(decision, decision, PlanToken(RUN, decision.fingerprint)), chore)


def grow(screen: Screen, rows: int) -> None:
    case = read(HERE / "grow/lvm-add.json")
    facts = changed(read(HOSTS / case["host"]), case["change"])
    dry_run(screen, rows, decide("grow", facts, case["request"]))


def swap(screen: Screen, rows: int) -> None:
    file = FileFact("/etc/fstab", "/etc/fstab", exists=True, text="", directory_free=GIB)
    tools = {"mkswap": "1", "swapon": "1", "chattr": "1"}
    paths = (PathFact("/swapfile", "absent", "/swapfile"),)
    host = HostFacts(1, "", "h", True, (), file, replace(file, path="/etc/crypttab"), paths=paths, tools=tools)
    made = SwapFile("/swapfile", fstype="xfs", mount_point="/", room=10 * GIB)
    facts = SwapFacts(host, file=made, available=GIB, kernel=(5, 14))
    dry_run(screen, rows, decide_file(facts, SwapRequest("/swapfile", 2 * GIB, GIB), RUN, IDS.filesystem))


def retain(screen: Screen, rows: int) -> None:
    def file(number: int) -> JournalFile:
        end = int(NOON.timestamp() * 1e6) - (rows - number + 29) * DAY
        name = f"system@0123456789abcdef0123456789abcdef-{number:016x}-{end:016x}.journal"
        parsed = ParsedName(ARCHIVED, "0123456789abcdef0123456789abcdef", number, end)
        header = Header(head=end - DAY, tail=end, entries=12345)
        return JournalFile(name, parsed, 8 * MIB, 8 * MIB, header=header)

    settings = (Setting("MaxRetentionSec", "1year", "/etc/systemd/journald.conf", 12),)
    path = "/etc/systemd/journald.conf.d/90-opskit-retain.conf"
    directory = JournalDirectory(
        "/var/log/journal/0123456789abcdef0123456789abcdef", files=tuple(map(file, range(rows)))
    )
    facts = RetainFacts(path, None, settings, directory, 40 * GIB, persistent=True, journald=True)
    request = RetainRequest(30 * DAY, 500 * MIB, "30d", "", "", Version(252), int(NOON.timestamp() * 1e6))

    def draw(plan: Plan, stream: TextIO) -> None:
        draw_deletes(screen, plan, stream)

    dry_run(screen, rows, decide_retain(facts, request), draw)


def ensure(screen: Screen, rows: int) -> None:
    unit = Unit("celeryd.service", "failed", "failed", type="simple")
    dry_run(screen, rows, decide_ensure(ServiceFacts("celeryd", unit=unit, release=252), 10.0, policy=True))


def undo(screen: Screen, rows: int) -> None:
    """One step that can be taken back for each row, and one that cannot."""
    (run,) = runs(1)
    steps = [replace(run.steps[0], number=number) for number in range(1, rows + 2)]
    back = Change(
        "remove-entry", "/etc/fstab", f"UUID={IDS.filesystem} /data ext4 defaults,nofail 0 2", "without that line",
        ("sed -i '7d' /etc/fstab",), True,
    )  # fmt: skip
    any_step = StartService("celeryd", "unit", "celeryd.service", "", "", "failed", 10.0)
    left = {step.number: StepLeft(any_step, back) for step in steps[1:]}
    left[1] = StepLeft(
        any_step,
        None,
        keeps_earlier=True,
        kept="the filesystem that it made may hold data",
        todo="opskit disk show /dev/vdb",
    )
    whole: Run = replace(run, steps=tuple(steps))
    dry_run(screen, rows, decide_undo(run.id, UndoFacts((whole,), {run.id: left})))


def prune(screen: Screen, rows: int) -> None:
    decision = decide_prune(
        [outline(run) for run in runs(rows)], "/var/lib/opskit", "1y", "2026-01-01T00:00:00Z", everything=True
    )
    dry_run(screen, rows, decision)


def completion(screen: Screen, rows: int) -> None:
    facts = InstallFacts(texts={FOR_ALL["zsh"]: "older"})
    scripts = dict.fromkeys(("bash", "zsh", "fish"), "script")
    dry_run(screen, rows, decide_install(facts, "", scripts, RUN), lasting=False)


def timer(screen: Screen, rows: int) -> None:
    words = ("check", "--format", "prometheus", "--output", "/var/lib/node_exporter/opskit.prom")
    dry_run(screen, rows, decide_timer(TimerFacts(), TimerRequest(words, 600), NO_RUN), lasting=False)


def memcached(screen: Screen, rows: int) -> None:
    program = Program("/usr/bin/memcached", (1, 6, 18), ("sasl", "tls"))
    pid_file = PidFile("/run/memcached/memcached-12000.pid")
    host = Host(memory=4 * GIB, users=("memcached",), pid_file=pid_file, program=program)
    request = StartRequest((("p", "12000"), ("m", "64"), ("c", "1024")), ())
    dry_run(screen, rows, decide_start(StartFacts(program, host), request))


def unlock(screen: Screen, rows: int) -> None:
    case = json.loads((CASES[0].parent / "dnf-idle.json").read_text(encoding="utf-8"))
    dry_run(screen, rows, decide_unlock(facts_of(case), RUN))


PLANS = {
    "disk-grow-plan": grow,
    "disk-swap-plan": swap,
    "journal-retain-plan": retain,
    "service-ensure-plan": ensure,
    "undo-plan": undo,
    "history-prune-plan": prune,
    "completion-install-plan": completion,
    "check-timer-plan": timer,
    "memcached-start-plan": memcached,
    "yum-unlock-plan": unlock,
}
