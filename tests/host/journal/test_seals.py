"""Files that a real journald has sealed (FSS): checked with their key, with another one, and after a change.

In a mount namespace with a /run and a /var/log of its own, in which that journald writes.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from host.hosts import Namespace
from host.journal.journald import Journald, missing
from host.tools import run, until
from opskit.journal.files.see.objects import ObjectReader
from tiers import Agree

TAGS, CHANGED = 3, 6
REALTIME = 24  # in an entry


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sealed system.journal, its key, and the key that was made before that."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a mount namespace is made")
    if why := missing():
        pytest.skip(why)
    place = tmp_path_factory.mktemp("sealed")
    inside = Namespace("")
    journald = Journald(inside)
    for name in ("old", "key"):
        made = run(*inside.prefix, "journalctl", "--setup-keys", "--interval=1s", "--force").stdout
        (place / name).write_text(made)
    journald.start()
    try:
        numbers = itertools.count()

        def is_sealed() -> bool:
            journald.sends(f"MESSAGE=entry {next(numbers)}", "PRIORITY=3")
            found = re.search(r"Tag objects: (\d+)", journald.journalctl("--header"))
            return found is not None and int(found[1]) >= TAGS

        until(is_sealed)
    finally:
        journald.close()
    run(*inside.prefix, "cp", f"{journald.directory}/system.journal", str(place))
    inside.close()
    return place


def verified(folder: Path, key: Path | None = None) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
    """The exit status of `journal verify`, its result and its findings."""
    argv = [sys.executable, "-m", "opskit", "journal", "verify", "-D", str(folder), "--json"]
    argv += ["--verify-key", str(key)] if key else []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)
    answer = json.loads(done.stdout)
    assert not key or key.read_text().strip() not in done.stdout + done.stderr
    return done.returncode, answer["result"], answer["findings"]


def copied(sealed: Path, path: Path, change: Callable[[bytearray], None] = lambda _data: None) -> Path:
    path.parent.mkdir(exist_ok=True)
    data = bytearray((sealed / "system.journal").read_bytes())
    change(data)
    path.write_bytes(data)
    return path


def test_sealed_newer_never_closed_and_changed_files_are_told_apart(sealed: Path, tmp_path: Path) -> None:
    with_key, with_old = sealed / "key", sealed / "old"
    sound = copied(sealed, tmp_path / "a" / "system.journal")
    status, result, (finding,) = verified(sound.parent)
    assert (status, result["sealed"], result["sound"], finding["id"]) == (0, [str(sound)], 0, "sealed")
    status, result, findings = verified(sound.parent, with_key)
    assert (status, result["sound"], findings) == (0, 1, [])
    status, result, (finding,) = verified(sound.parent, with_old)
    assert (status, result["seal_broken"], result["damaged"]) == (4, [str(sound)], [])
    assert (finding["id"], "rm " in finding["remedy"]) == ("seal-broken", False)

    def at(place: int, value: int) -> Callable[[bytearray], None]:
        return lambda data: data.__setitem__(place, data[place] ^ value)

    reader = ObjectReader(str(sound))
    second = sorted(reader.walk_entries())[1]
    reader.close()
    newer = copied(sealed, tmp_path / "b" / "newer.journal", at(12, 0x20))
    online = copied(sealed, tmp_path / "b" / "online.journal", at(16, 1))
    later = copied(sealed, tmp_path / "b" / "later.journal", at(second + REALTIME, 1))
    text = copied(
        sealed, tmp_path / "b" / "text.journal", lambda data: at(data.index(b"MESSAGE=entry 1") + 14, 1)(data)
    )
    status, result, findings = verified(tmp_path / "b", with_key)
    assert status == 4
    assert (result["newer"], result["never_closed"]) == ([str(newer)], [str(online)])
    assert (result["seal_broken"], [each["path"] for each in result["damaged"]]) == ([str(later)], [str(text)])
    assert {finding["id"] for finding in findings} == {"newer-file", "never-closed", "seal-broken", "damaged"}


def test_what_journalctl_finds_in_a_changed_file_is_found(sealed: Path, tmp_path: Path, agree: Agree) -> None:
    rnd = random.Random(17)
    data = (sealed / "system.journal").read_bytes()
    used = [place for place in range(272, len(data.rstrip(b"\0"))) if data[place]]
    paths = []
    for number in range(CHANGED):
        place, value = rnd.choice(used), rnd.randrange(1, 256)

        def change(data: bytearray, place: int = place, value: int = value) -> None:
            data[place] ^= value

        paths.append(copied(sealed, tmp_path / "c" / f"changed-{number}.journal", change))
    key = (sealed / "key").read_text().strip()
    argv = ["journalctl", "--verify", f"--verify-key={key}"]
    bad = {
        str(path)
        for path in paths
        if subprocess.run([*argv, f"--file={path}"], capture_output=True, check=False).returncode
    }
    _, result, _ = verified(tmp_path / "c", sealed / "key")
    told = {*result["seal_broken"], *(each["path"] for each in result["damaged"])}
    agree("sealed files with a changed byte", sum((str(path) in bad) == (str(path) in told) for path in paths), CHANGED)
    assert bad
    assert told == bad
