"""Random input of each kind: no fault and no hang, whatever is in fstab, in saved facts or on the command line."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from checkout import HOSTS
from host.core.adversary import Ended, commands, mutate, random_fstab, random_line, run_here
from host.hosts import Host
from host.tools import Disk
from opskit import areas
from tiers import Agree, ranges


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Every area, once, before anything forks."""
    for entry in areas.ENTRIES.values():
        areas.load_app(entry)
    commands()


@pytest.fixture
def _own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSKIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("OPSKIT_COLOR", raising=False)


def count(agree: Agree, what: str, ended: list[Ended]) -> None:
    """Every one ended as it should; what did not is shown."""
    bad = [(answer.fault, answer.words, answer.err[-600:]) for answer in ended if answer.fault]
    assert not bad, bad[:3]
    for answer in ended:
        if "--json" in answer.words and answer.out and answer.code not in {0, 2}:
            assert json.loads(answer.out)["schema"], answer
    agree(what, len(ended) - len(bad), len(ended))


@pytest.mark.parametrize("numbers", ranges(15, 60, 700, 20))
@pytest.mark.usefixtures("_own", "loop_devices")
def test_generated_fstab_files(numbers: range, agree: Agree, tmp_path: Path) -> None:
    """Each is checked, shown, and decided on: from facts that name it, for a look at the disks is always the same."""
    saved = json.loads(random.Random(numbers.start).choice(HOSTS).read_text(encoding="utf-8"))
    ended = []
    for number in numbers:
        chance = random.Random(number)
        table = tmp_path / f"fstab{number}"
        table.write_bytes(random_fstab(chance))
        own = ["--fstab", str(table)]
        if number % 10 == 0:  # on this host, with its disks
            ended.append(run_here(["disk", "fstab", chance.choice(["check", "show"]), *own], str(tmp_path)))
        facts = tmp_path / "facts.json"
        saved["fstab"]["text"] = table.read_bytes().decode("utf-8", "surrogateescape")
        facts.write_text(json.dumps(saved), encoding="utf-8")
        words = chance.choice(
            [
                ["disk", "fstab", "check"],
                ["disk", "fstab", "show"],
                ["disk", "mount", "/dev/vdb", "/data"],
                ["disk", "umount", "/data"],
                ["disk", "fstab", "backup"],
                ["disk", "mount", "/dev/vdb", "/data", "--format", "sh"],
            ]
        )
        more = [] if "--format" in words else chance.choice([[], ["--json"]])
        ended.append(run_here([*words, "--facts", str(facts), *more], str(tmp_path)))
    count(agree, "generated fstab files without a fault", ended)


@pytest.mark.parametrize("numbers", ranges(20, 100, 1600, 50))
@pytest.mark.usefixtures("_own")
def test_mutated_facts(numbers: range, agree: Agree, tmp_path: Path) -> None:
    ended = []
    for number in numbers:
        chance = random.Random(number)
        saved: Any = mutate(json.loads(chance.choice(HOSTS).read_text(encoding="utf-8")), chance)
        facts = tmp_path / "facts.json"
        facts.write_text(json.dumps(saved), encoding="utf-8")
        words = chance.choice(
            [
                ["disk", "mount", "/dev/vdb", "/data"],
                ["disk", "mount", "/dev/vdb", "/data", "--wipe", "/dev/vdb"],
                ["disk", "mount", "/dev/vdb1", "/data", "--format", "sh"],
                ["disk", "umount", "/data"],
                ["disk", "grow", "/data"],
                ["disk", "grow", "/dev/vdb1"],
                ["disk", "fstab", "check"],
                ["disk", "fstab", "show"],
                ["disk", "fstab", "backup"],
            ]
        )
        more = [] if "--format" in words else chance.choice([[], ["--json"]])
        ended.append(run_here([*words, "--facts", str(facts), *more], str(tmp_path)))
    count(agree, "mutated facts without a fault", ended)


@pytest.mark.parametrize("numbers", ranges(15, 60, 640, 20))
@pytest.mark.usefixtures("_own")
def test_random_command_lines(numbers: range, host: Host, disk: Disk, agree: Agree) -> None:
    folder = host.folder / "scratch"
    folder.mkdir()
    before = disk.digest(), host.table()
    paths = [str(folder), disk.path, host.target, str(host.fstab)]
    tree = [(words, parameters) for words, parameters in commands() if words]
    ended = []
    for number in numbers:
        line = random_line(random.Random(number), tree, paths)
        if "fstab" in line or line[:1] == ["disk"]:
            line += ["--fstab", str(host.fstab)] if random.Random(number).random() < 0.5 else []
        ended.append(run_here(line, str(folder)))
    count(agree, "random command lines without a fault", ended)
    assert (disk.digest(), host.table()) == before
    assert os.path.isdir(folder)
