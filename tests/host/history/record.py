"""Record the sample ledgers of a release, before it is made: a run of each kind of step there is.

    OPSKIT_RECORD=tests/golden/history/ledgers-VERSION scripts/test tests/host/history/record.py

Not collected by itself. Real runs of the installed opskit; of what needs systemd, LVM or a server of shares the step
classes and the writer of the ledger, whose commands nobody answers. tests/ledgers.py reads the samples;
golden/history/test_yesterday.py says what they are good for.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host.hosts import Host
from host.memcached.test_memcached import Place, free_port, place  # noqa: F401 - a fixture
from host.service.test_ensure import Started, started  # noqa: F401 - a fixture
from host.tools import GIB, MIB, OPSKIT, run
from host.yum import berkeley
from host.yum.packages import ENV, WAIT, Root, Server, build, missing
from host.yum.test_database import INNER, made  # noqa: F401 - a fixture
from host.yum.test_yum import ended, state_of
from journals import DAY, SECOND, archived, export, write_journal
from journals import missing as no_journals
from ledgers import SAMPLE_HOST, Sample
from opskit.areas import load_step
from opskit.completion.steps import WriteCompletion
from opskit.core.caller import machine_id
from opskit.core.command import Command, Result
from opskit.core.execute import Execution
from opskit.core.ledger import Ledger, new_run_id
from opskit.core.ledger_lines import line_of
from opskit.core.plan import Plan, Step
from opskit.disk.lvm.model import VolumeGoal
from opskit.disk.lvm.steps import ExtendVolume, ExtendVolumeGroup, ResizePhysicalVolume
from opskit.disk.network.steps import MountShare, UnmountShare, WriteCredentials
from opskit.disk.swap.steps import MakeSwap
from opskit.history.steps import PruneRuns
from opskit.journal.steps import RotateJournal
from opskit.memcached.instance.request import Wanted
from opskit.memcached.line.listen import Listener
from opskit.memcached.steps import EnableUnit, StartUnit, StopUnit, WriteSettings, WriteTemplate
from opskit.service.steps import WritePolicy
from opskit.status.steps import SERVICE, TIMER, EnableTimer, WriteUnit
from opskit.usage.steps import DeleteTree
from opskit.yum.steps import Hold

WHERE = os.environ.get("OPSKIT_RECORD", "")
pytestmark = pytest.mark.skipif(not WHERE, reason="OPSKIT_RECORD names no directory")


class Silent:
    """A runner of commands that all end well and say nothing."""

    def run(self, command: Command, on_line: object = None) -> Result:  # noqa: ARG002
        return Result(command, 0, "", "", 0.0)


def carry_out(state: Path, title: str, *steps: Step, command: str) -> None:
    """A run of these steps, checked by nobody: neither before (a share is mounted) nor behind them."""
    with pytest.MonkeyPatch.context() as patch:
        for step in steps:
            patch.setattr(type(step), "verify", lambda *_: None)
        patch.setattr(UnmountShare, "remember", lambda *_: {})
        ledger = Ledger(str(state))
        Execution(Plan(title, steps), Silent(), ledger, new_run_id(), tuple(command.split())).carry_out()


def save(area: str, state: Path, folder: Path) -> None:
    """Keep a ledger as the sample of its area; folder: what /sample stands for."""
    text = (state / "ledger.jsonl").read_text(encoding="utf-8")
    text = re.sub(rf"{re.escape(str(folder))}(?=[/\" ])", "/sample", text).replace(machine_id(), SAMPLE_HOST)
    kinds = {json.loads(line)["kind"] for line in text.splitlines() if '"entry": "step"' in line}
    without = set(importlib.import_module(f"opskit.{area}.steps").KINDS) - kinds
    assert not without, f"kinds of {area} without a run here: {', '.join(sorted(without))}"
    entries = (json.loads(line) for line in text.splitlines())
    # What was put in place of names of this machine has another sum.
    lines = (line_of({key: value for key, value in entry.items() if key != "sum"}) for entry in entries)
    Path(WHERE).mkdir(exist_ok=True)
    Path(WHERE, f"{area}.jsonl").write_bytes(b"".join(lines))


def test_disk(host: Host) -> None:
    disk, other, third = host.new_disk(256 * MIB), host.new_disk(), host.new_disk(GIB)
    host.mount(disk, "--fstype", "ext4", "--label", "data").well()
    host.on_disk("umount", host.target, "--yes").well()
    host.run("undo", "last", "--yes").well()
    run("mkfs.ext4", "-q", other.path)
    host.mount(other, "--wipe", other.path, target=f"{host.target}2").well()
    saved = host.folder / "saved"
    saved.write_text(host.fstab.read_text().replace("meaningless\n", "") + "# saved\n")
    host.on_disk("fstab restore", str(saved), "--yes").well()
    host.mount(third, "--fstype", "xfs", target=f"{host.target}3").well()
    third.resize(2 * GIB)
    host.on_disk("grow", f"{host.target}3", "--yes").well()
    swap(host)
    carry_out_volumes(host.state)
    carry_out_shares(host)
    save("disk", host.state, host.folder)


def swap(host: Host) -> None:
    """Swap on a file of a filesystem that was mounted with options, off again; and on a device."""
    disk, device = host.new_disk(320 * MIB), host.new_disk()
    host.mount(disk, "--fstype", "ext4", "--mount-options", "commit=9", target=f"{host.target}4").well()
    file = f"{host.target}4/swap"
    for path in (file, device.path):
        host.after.append(lambda path=path: run("swapoff", path, check=False))  # type: ignore[misc]
    host.on_disk("swap", "16M", file, "--leave-free", "10M", "--yes").well()
    host.on_disk("swap", "--off", file, "--yes").well()
    host.on_disk("swap", device.path, "--yes").well()
    # In ledgers of before MakeSwapFile made the area itself.
    uuid = "5b1a4f0e-97a6-4a0b-9a55-6d3f0c1f3b1e"
    carry_out(host.state, "swap", MakeSwap(f"{host.folder}/swap", uuid), command="opskit disk swap 1G /swap --yes")


def carry_out_volumes(state: Path) -> None:
    """A logical volume made larger by a disk, and by a larger disk."""
    uuid, extent = "PbC4rJ-9lnk-Qh4M-0aX1-3cGe-nUCl-2uVx8K", 4 * MIB
    goal = VolumeGoal(uuid, 511)
    volume = ExtendVolume("vg0", "data", "/dev/mapper/vg0-data", 255, extent, "xfs", "/sample/mnt/data5", goal)
    group = ExtendVolumeGroup("vg0", "mWq2Lk-t6Y1-vKxN-8nG4-pTfd-y1rD-Jb7s0A", "/dev/vdc", GIB, goal)
    physical = ResizePhysicalVolume(
        "/dev/vdb", "Kf4tQe-Xr1z-5mDp-H2Lw-cY8v-gS0n-Ua3bWi", "vg0", MIB, 255, 511, extent, goal
    )
    for first in (group, physical):
        command = f"opskit disk grow /sample/mnt/data5 --yes{' --add /dev/vdc' if first is group else ''}"
        carry_out(state, "grow /sample/mnt/data5", first, volume, command=command)


def carry_out_shares(host: Host) -> None:
    """A share with user and password, mounted and unmounted."""
    share, target, file = "//nas/data", f"{host.target}6", f"{host.folder}/opskit/nas-data.cred"
    options = f"credentials={file},vers=3.0"
    Path(target).mkdir()
    steps = (WriteCredentials(file, "ann", "OFFICE"), MountShare(share, target, "cifs", options))
    command = f"opskit disk {{}} {share} {target} --user ann --domain OFFICE --yes"
    carry_out(host.state, f"mount {share}", *steps, command=command.format("mount"))
    gone = UnmountShare(share, target, "cifs", options)
    carry_out(host.state, f"take {target} out of service", gone, command=f"opskit disk umount {target} --yes")


def test_journal(tmp_path: Path) -> None:
    if no_journals():
        pytest.skip(no_journals())
    journals, root, state = tmp_path / "journals", tmp_path / "root", tmp_path / "state"
    for folder in (journals, root / "var/log/journal", root / "etc/systemd"):
        folder.mkdir(parents=True)
    start = int(journals.stat().st_mtime) * SECOND
    for number in range(3):
        path = journals / archived("system", "ab" * 16, number + 1, start - (5 - number) * DAY)
        write_journal(path, export([start - (5 - number) * DAY]))

    def opskit(*words: str) -> None:
        argv = [sys.executable, "-m", "opskit", *words, "--yes", "--state-dir", str(state)]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)

    opskit("journal", "retain", "30d", "--size", "500M", "--root", str(root))
    opskit("journal", "vacuum", "2d", "-D", str(journals), "--keep-copy", str(tmp_path / "copies"))
    opskit("undo", "last")
    opskit("journal", "vacuum", "2d", "-D", str(journals))
    makes = f"/var/log/journal/{'ab' * 16}/system@{'cd' * 16}-0000000000000001-0005f0a1b2c3d4e5.journal"
    carry_out(
        state, "vacuum the journal", RotateJournal("", 252, (makes,)), command="opskit journal vacuum 2d --rotate --yes"
    )
    save("journal", state, tmp_path)


def test_memcached(place: Place) -> None:  # noqa: F811
    port, other, state = free_port(), free_port(), place.folder / "state"
    place.start(port, "-m", "8")
    place.json("stop", "--port", str(port), "--yes")
    # The directory of its pid file is made where there is a /run without it.
    own_run = ("unshare", "-m", "--propagation", "private", "sh", "-c", 'mount -t tmpfs tmpfs /run; exec "$@"', "-")
    assert place.json("start", "-p", str(other), "-m", "8", "--yes", under=own_run)["ok"]
    stepped = json.loads(next(line for line in reversed((state / "ledger.jsonl").read_text().splitlines())
                              if '"pid": ' in line and '"entry": "stepped"' in line))  # fmt: skip
    place.pids.append(stepped["record"]["pid"])
    gone = subprocess.Popen(["true"])
    gone.wait()
    pid_file = place.folder / "run" / "gone.pid"
    pid_file.write_text(f"{gone.pid}\n")
    shutil.chown(pid_file, place.user)
    place.json("stop", "--pidfile", str(pid_file), "--yes")
    etc, unit = place.folder / "etc", "memcached.service"
    etc.mkdir()
    before = 'PORT="11211"\nUSER="memcached"\n'
    (etc / "memcached").write_text(before)
    wanted = Wanted((Listener("tcp", "127.0.0.1", 11211),), settings=(("maxbytes", "67108864"),))
    settings = WriteSettings(
        str(etc / "memcached"), before.replace("11211", "11311"), (before,), str(etc / "memcached.opskit-x"), unit
    )
    drop_in = WriteSettings(
        str(etc / f"{unit}.d/opskit.conf"), "[Service]\nUser=memcached\n", (), str(etc / "none"), unit, True, True
    )
    line = "opskit memcached start --unit --yes"
    carry_out(state, f"start {unit}", settings, StartUnit(unit, False, wanted), command=line)
    carry_out(state, f"start {unit}", drop_in, StartUnit(unit, True, wanted), command=line)
    template = etc / "memcached@.service"
    write = WriteTemplate(
        str(template), "[Service]\n", (), str(etc / "none"), str(template), True, settings=str(etc / "x")
    )
    carry_out(state, "start memcached@11411", write, EnableUnit("memcached@11411.service"), command=line)
    carry_out(state, f"stop {unit}", StopUnit(unit), command=f"opskit memcached stop --unit {unit} --yes")
    save("memcached", state, place.folder)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    if missing():
        pytest.skip(missing())
    repo = tmp_path / "packages"
    repo.mkdir()
    server = Server(build(repo))
    root = Root(tmp_path, repo, server)
    yield root
    server.go.set()
    root.close()
    server.close()


def test_yum(root: Root, made: Path, tmp_path: Path) -> None:  # noqa: F811
    state = root.folder / "state"
    root.file("metadata").write_text("abc")
    root.opskit("unlock", "--yes").well()
    process = root.in_transaction()
    process.send_signal(signal.SIGSTOP)
    state_of(process.pid, "T")
    root.opskit("unlock", "--yes").well()
    root.go()
    ended(process)
    root.server.hold = ".rpm"
    root.start(*root.argv("-y", "install", "quick"))
    assert root.server.arrived.wait(WAIT)
    root.opskit("unlock", "--yes").well()
    database = tmp_path / "el7" / INNER.lstrip("/")
    shutil.copytree(made, database)
    berkeley.start(database, "rest").communicate()
    berkeley.killed(database, "write")
    argv = [*OPSKIT, "yum", "unlock", "--yes", "--installroot", str(tmp_path / "el7")]
    run(*argv, env={**ENV, "OPSKIT_STATE_DIR": str(state)})
    timer = "dnf-makecache.timer"
    hold = Hold((timer, "packagekit.service"), (timer,), 7200, "opskit-yum-hold-20261128t143855z-1a367c")
    carry_out(state, "keep the package manager out", hold, command="opskit yum why --hold 2h --yes")
    save("yum", state, tmp_path)


def test_usage(tmp_path: Path) -> None:
    state, old = tmp_path / "state", tmp_path / "old"
    (old / "in").mkdir(parents=True)
    status = old.stat()
    step = DeleteTree(str(old), True, status.st_dev, status.st_ino, 2, 8192)
    carry_out(state, f"delete {old}", step, command=f"opskit du --browse {tmp_path}")
    save("usage", state, tmp_path)


def test_completion(tmp_path: Path) -> None:
    """The real text is long, and its undo goes by what it is compared with alone."""
    state, old, new = tmp_path / "state", tmp_path / "opskit", tmp_path / "fish/opskit.fish"
    old.write_text("# of an older opskit\n")
    steps = (
        WriteCompletion("bash", str(old), "# bash\n", (old.read_text(),), f"{old}.opskit-x"),
        WriteCompletion("fish", str(new), "# fish\n", (), f"{new}.opskit-x"),
    )
    carry_out(state, "install completion", *steps, command="opskit completion --install bash fish --yes")
    save("completion", state, tmp_path)


def test_service(started: Started, tmp_path: Path) -> None:  # noqa: F811
    assert started.run("--yes", "--for", "100ms") == 0, started.said
    path = tmp_path / "app.service.d/opskit.conf"
    policy = WritePolicy(str(path), "[Service]\nRestart=on-failure\n", (), "app.service")
    carry_out(started.host.state, "start app", policy, command="opskit service ensure app --restart-policy --yes")
    save("service", started.host.state, tmp_path)


def test_status(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = "[Timer]\nOnUnitActiveSec=3600s\n"
    (tmp_path / TIMER).write_text(before)
    steps = (
        WriteUnit(str(tmp_path / SERVICE), "[Service]\nExecStart=/usr/bin/opskit check\n", (), str(tmp_path / "none")),
        WriteUnit(str(tmp_path / TIMER), before.replace("3600", "600"), (before,), f"{tmp_path / TIMER}.opskit-x"),
        EnableTimer(TIMER),
    )
    carry_out(state, "check every 10 min", *steps, command="opskit check --install-timer 10m --yes")
    save("status", state, tmp_path)


def test_history(tmp_path: Path) -> None:
    """A run that a prune took out is gone; the prune is a run itself."""
    state = tmp_path / "state"
    carry_out(state, "rotate the journal", RotateJournal("", 252), command="opskit journal vacuum 1d --rotate")
    (old,) = Ledger(str(state)).runs()
    prune = PruneRuns(str(state), (old.id,), 2)
    carry_out(state, "prune runs older than 1y from the ledger", prune, command="opskit history prune --older-than 1y")
    save("history", state, tmp_path)


def test_what_an_undo_does_is_pinned() -> None:
    """Last: by the ledgers that the tests above have saved."""
    pins: list[dict[str, Any]] = []
    for path in sorted(Path(WHERE).glob("*.jsonl")):
        state = Path(WHERE) / "state"
        Sample(tuple(path.read_text(encoding="utf-8").splitlines())).put(state)
        steps = [(run, step) for run in Ledger(str(state)).runs() if not run.undoes for step in run.steps]
        shutil.rmtree(state)
        for run_, record in steps:
            change = load_step(record).undo_change(record.record)
            pin = {"ledger": path.stem, "run": run_.id, "number": record.number, "kind": record.kind}
            if isinstance(change, str):
                pins.append({**pin, "stays": True})
            else:
                does = {"action": change.action, "target": change.target, "commands": list(change.commands)}
                pins.append({**pin, **does})
    text = ",\n".join(json.dumps(pin) for pin in pins)
    Path(WHERE, "undo.json").write_text(f"[\n{text}\n]\n", encoding="utf-8")
