"""The shell that a plan shows does to fstab what the step itself does, to the byte; and mount reads lines as we do.

Needs no root and no loop device, but starts sh and findmnt.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from opskit.core.command import Command, Result
from opskit.core.plan import Plan
from opskit.disk.fstab.plan import add_entry_steps, decide_backup, decide_restore, remove_entry_steps
from opskit.disk.fstab.text import entries, entry_line, parse
from opskit.disk.model import FileFact, HostFacts
from opskit.disk.see.files import read_file_fact

pytestmark = pytest.mark.host

LINE = entry_line("UUID=0a1b", '/it\'s "my" $data\\ `x`', "ext4", "defaults,nofail", 0, 2)
RUN = "20261120T190500Z-ab12cd"
TEXTS = {
    "empty": b"",
    "plain": b"UUID=1 / xfs defaults 0 0\n# c\nUUID=2 /b xfs defaults 0 0\n",
    "no last newline": b"UUID=1 / xfs defaults 0 0\n#\nUUID=2 /b xfs defaults 0 0",
    "lines that hold ours": f"# {LINE}\n{LINE} \n".encode(),
    "one line": b"UUID=2 /b xfs defaults 0 0",
    "odd": b"# c\r\n\r\n\tUUID=2\t/b xfs defaults 0 0\r\n# \xff\xfe %s %% \\n\nUUID=2 /it's xfs\n",
}


@pytest.fixture(params=list(TEXTS))
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of one fstab, in directories whose names need quoting: for the step, and for the shell."""
    paths = []
    for name in ("the step's", "the shell's"):
        path = tmp_path / name / "fstab"
        path.parent.mkdir()
        path.write_bytes(TEXTS[request.param])
        path.chmod(0o666)  # what no usual umask leaves to a new file
        paths.append(path)
    return paths[0], paths[1]


def facts(path: Path) -> HostFacts:
    absent = FileFact("/etc/crypttab", "/etc/crypttab", exists=False)
    return HostFacts(1, "", "test", root=True, devices=(), fstab=read_file_fact(str(path)), crypttab=absent)


def shell(commands: Sequence[str]) -> None:
    script = "\n".join(["set -eu", *commands, ""]).encode("utf-8", "surrogateescape")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["sh"], input=script, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, (done, script)


def tree(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {p.name: (p.read_bytes(), p.stat().st_mode) for p in directory.iterdir()}


class EveryDiskIsHere:
    """findfs says that each source is on this host."""

    def run(self, command: Command) -> Result:
        assert command.argv[0] == "findfs"
        return Result(command, 0, "", "", 0.0)


RUNNER = EveryDiskIsHere()


def same(pair: tuple[Path, Path], ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Carry out and take back, one by step and one by shell, and compare after each."""
    before = tree(pair[0].parent)
    for mine, other in zip(ours, theirs):
        mine.apply(RUNNER, {})
        mine.verify(RUNNER, {})
        shell(other.change.commands)
        assert tree(pair[0].parent) == tree(pair[1].parent)
    for mine, other in zip(reversed(ours), reversed(theirs)):
        mine.undo(RUNNER, {})
        shell(other.undo_change({}).commands)
        assert tree(pair[0].parent) == tree(pair[1].parent)
    assert tree(pair[0].parent) == before


def test_adding_an_entry(pair: tuple[Path, Path]) -> None:
    shell(line for step in add_entry_steps(facts(pair[1]), LINE, RUN) for line in step.checks)
    same(pair, *(add_entry_steps(facts(path), LINE, RUN) for path in pair))


@pytest.mark.parametrize("which", [slice(None), slice(1), slice(-1, None)], ids=["all", "first", "last"])
def test_removing_entries(pair: tuple[Path, Path], which: slice) -> None:
    chosen = [entries(facts(path).fstab.text)[which] for path in pair]
    if chosen[0]:
        same(pair, *(remove_entry_steps(facts(path), some, RUN) for path, some in zip(pair, chosen)))


def test_removing_every_line(pair: tuple[Path, Path]) -> None:
    seen = [parse(facts(path).fstab.text) for path in pair]
    if seen[0]:
        same(pair, *(remove_entry_steps(facts(path), some, RUN) for path, some in zip(pair, seen)))


def test_restoring(pair: tuple[Path, Path]) -> None:
    plans = []
    for path in pair:
        saved = path.parent / "saved"
        saved.write_bytes(b"UUID=1 / xfs\nx y z")
        saved.chmod(0o600)
        plans.append(decide_restore(facts(path), read_file_fact(str(saved)), RUN))
    same(pair, *(plan.steps for plan in plans if isinstance(plan, Plan)))


def test_restoring_an_absent_fstab(pair: tuple[Path, Path]) -> None:
    plans = []
    for path in pair:
        path.rename(path.parent / "saved")
        plans.append(decide_restore(facts(path), read_file_fact(str(path.parent / "saved")), RUN))
    same(pair, *(plan.steps for plan in plans if isinstance(plan, Plan)))


def test_the_whole_script(pair: tuple[Path, Path]) -> None:
    plan = decide_backup(facts(pair[1]), (), RUN)
    assert isinstance(plan, Plan)
    shell(plan.as_shell().split("\n"))
    assert (pair[1].parent / f"fstab.opskit-{RUN}").read_bytes() == pair[1].read_bytes()


def test_a_script_stops_when_fstab_has_changed(pair: tuple[Path, Path]) -> None:
    checks = add_entry_steps(facts(pair[1]), LINE, RUN)[1].checks
    pair[1].write_bytes(pair[1].read_bytes() + b"# more\n")
    with pytest.raises(AssertionError, match="was changed since this script was made"):
        shell([*checks, "exit 0"])


FOR_MOUNT = (
    "/dev/a /1 ext4\n/dev/b /2\n/dev/c /3 ext4 defaults x 0\n/dev/d /4 ext4 defaults 0 0# c\n"
    "/dev/e /5 ext4 defaults # c\n/dev/f /6 ext4 defaults 0 0 # c\n\t /dev/g  /7\text4 defaults +1 -2\n #\n\n"
    "/dev/h /8\\043\\141\\134 ext4 a b\n/dev/i /9\\040x\\011y/ ext4 ro,noatime 3\n"
    "/dev/j /10\\134\\043\\04 ext4 defaults 1 2\r\n\r\n/dev/k /11 ext4 defaults 0 0\r"
)


def test_mount_reads_lines_as_we_do(tmp_path: Path) -> None:
    if not shutil.which("findmnt"):
        pytest.skip("findmnt is not here")
    path = tmp_path / "fstab"
    path.write_bytes(FOR_MOUNT.encode())
    argv = ["findmnt", "-F", str(path), "-P", "-o", "SOURCE,TARGET,FSTYPE,OPTIONS,FREQ,PASSNO"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    shown = [
        f'SOURCE="{e.source}" TARGET="{_hex(e.target)}" FSTYPE="{e.fstype}" OPTIONS="{e.options}" '
        f'FREQ="{e.dump}" PASSNO="{e.pass_}"'
        for e in entries(FOR_MOUNT)
        if not e.ignored
    ]
    assert done.splitlines() == shown


def _hex(text: str) -> str:
    r"""As findmnt shows it: a control character as `\x09`."""
    return "".join(c if c.isprintable() and c != "\\" else f"\\x{ord(c):02x}" for c in text)
