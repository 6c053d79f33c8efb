"""What lint claims of the installed memcached, against what that memcached does: every golden line that can be run."""

from __future__ import annotations

import json
import os
import pwd
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkout import ROOT
from opskit.memcached.line.effect import Effect, effect_of
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import read_release
from opskit.memcached.model import Host, Program
from tiers import Agree

APART = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
HERE = Path(__file__).parent
LINES = ROOT / "tests" / "golden" / "memcached" / "lines.txt"
# What depends on more than the line: names, SASL's own files, a link-local address, what the network card can do.
LEFT_OUT = ("cache.example.com", "fe80::1", "-N 2", "-S -U", "localhost")
USERS = ("memcached", "memcache")


def the_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in USERS if name in names), "nobody")


def golden_lines() -> list[str]:
    lines = LINES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith((" ", "#")) and not any(one in line for one in LEFT_OUT)]


def installed() -> Program:
    if os.geteuid() != 0:
        pytest.skip("needs root: a network namespace is made")
    if not shutil.which("memcached"):
        pytest.skip("there is no memcached on this host")
    said = subprocess.run(["memcached", "-h"], capture_output=True, text=True, check=True).stdout
    features = [name for name, sign in (("sasl", "-S,"), ("tls", "-Z,"), ("extstore", "ext_path:")) if sign in said]
    return Program("memcached", read_release(said), tuple(features))


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the user of memcached can write, with a file of passwords."""
    entry = pwd.getpwnam(the_user())
    folder = Path(tempfile.mkdtemp(prefix="opskit-memcached-"))
    folder.chmod(0o755)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    (folder / "m.pw").write_text("a:b\n")
    (folder / "m.pw").chmod(0o644)
    yield folder
    shutil.rmtree(folder)


def words_of(line: str, place: Path) -> list[str]:
    words = shlex.split(line)
    names = {"m": the_user(), "memcached": the_user()}
    paths = {"/run/m.sock": "m.sock", "/run/m.pid": "m.pid", "/etc/m.pw": "m.pw", "/dev/shm/m": "m.mem"}
    found = [names.get(word, word) if before == "-u" else word for before, word in zip(["", *words], words)]
    return [str(place / paths[word]) if word in paths else word for word in found]


def claim(words: list[str], program: Program) -> Effect:
    line = parse(words, program.release)
    known = line.text("u") in {entry.pw_name for entry in pwd.getpwall()}
    return effect_of(line, Host(user_known=known, program=program))


def sockets(claimed: Effect) -> set[str]:
    """The listening sockets that a claim stands for: one on every address is one of each family."""
    wanted = {one.text.replace("0.0.0.0", "*") for one in claimed.listeners}
    return wanted | {f"{one.protocol} [::]:{one.port}" for one in claimed.listeners if one.address == "*"}


def differences(claimed: Effect, seen: dict[str, Any]) -> list[str]:
    """What of the claim is not so."""
    status = claimed.exit_status
    if seen["status"] != status:
        return [f"status: {status} claimed, {seen['status']} seen"]
    if status is not None:
        return []
    found = []
    wanted = sockets(claimed)
    got = set(seen["listeners"])
    if any(":any" in text for text in wanted):
        wanted, got = {text.rpartition(":")[0] for text in wanted}, {text.rpartition(":")[0] for text in got}
    if wanted != got:
        found.append(f"listeners: {sorted(wanted)} claimed, {sorted(got)} seen")
    if "silent" in seen or claimed.silent:
        return found if claimed.silent == ("silent" in seen) else [*found, f"silent: {claimed.silent} claimed"]
    pairs = {
        "maxbytes": claimed.max_bytes,
        "maxconns": claimed.connections,
        "num_threads": claimed.threads,
        "item_size_max": claimed.item_size,
    }
    return found + [f"{k}: {v} claimed, {seen[k]} seen" for k, v in pairs.items() if k in seen and seen[k] != v]


def test_the_claims_agree_with_the_real_one(place: Path, agree: Agree) -> None:
    program = installed()
    lines = golden_lines()
    given = [words_of(line, place) for line in lines]
    claimed = [claim(words, program) for words in given]
    asked = [{"words": words, "expected": len(sockets(one)) if one.runs else 0} for words, one in zip(given, claimed)]
    done = subprocess.run(
        [*APART, sys.executable, str(HERE / "agree.py")],
        input="".join(json.dumps(one) + "\n" for one in asked),
        capture_output=True, text=True, check=True, timeout=110, cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    seen = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(seen) == len(lines)
    found = {line: differences(one, said) for line, one, said in zip(lines, claimed, seen)}
    wrong = {line: what for line, what in found.items() if what}
    print(wrong)
    agree(f"lines of memcached {'.'.join(map(str, program.release))}", len(lines) - len(wrong), len(lines))
