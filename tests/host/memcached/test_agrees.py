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
from opskit.memcached.line.table import SUBOPTIONS
from opskit.memcached.model import Host, Program
from opskit.memcached.see.host import see_host
from tiers import Agree, more, slow

APART = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
HERE = Path(__file__).parent
LINES = ROOT / "tests" / "golden" / "memcached" / "lines.txt"
# What depends on more than the line: names, SASL's own files, a link-local address, what the network card can do.
# And so few connections that its files do not do either: 1 or 71, by chance.
LEFT_OUT = ("cache.example.com", "fe80::1", "-S -U", "localhost", "-c 39 -t 8")
# Values at and around every bound, and what is no number, for each option behind -o and some before it.
VALUES = ("", "-1", "0", "1", "2", "79", "80", "abc", "12k", "1.5", " 5", "99999999999", "inf", "nan", "0x10")
BASE = "-l 127.0.0.1 -u memcached"
PROXY = {"proxy_config", "proxy_arg", "proxy_uring"}
USERS = ("memcached", "memcache")


def the_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in USERS if name in names), "nobody")


def golden_lines() -> list[str]:
    lines = LINES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith((" ", "#")) and not any(word in line for word in LEFT_OUT)]


def installed() -> Program:
    if os.geteuid() != 0:
        pytest.skip("needs root: a network namespace is made")
    if not shutil.which("memcached"):
        pytest.skip("there is no memcached on this host")
    output = subprocess.run(["memcached", "-h"], capture_output=True, text=True, check=True).stdout
    features = [name for name, sign in (("sasl", "-S,"), ("tls", "-Z,"), ("extstore", "ext_path:")) if sign in output]
    return Program("memcached", read_release(output), tuple(features))


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
    translated = [names.get(word, word) if before == "-u" else word for before, word in zip(["", *words], words)]
    translated = [word.replace("ext_path=/dev/shm/m:", f"ext_path={place}/m.ext:") for word in translated]
    return [str(place / paths[word]) if word in paths else word for word in translated]


def claim(words: list[str], program: Program, *, host: bool = False) -> Effect:
    line = parse(words, program.release)
    if host:
        return effect_of(line, see_host(effect_of(line), program=program))
    known = line.text("u") in {entry.pw_name for entry in pwd.getpwall()}
    return effect_of(line, Host(user_known=known, program=program))


def sockets(claimed: Effect) -> set[str]:
    """The listening sockets that a claim stands for: one on every address is one of each family."""
    wanted = {listener.text.replace("0.0.0.0", "*") for listener in claimed.listeners}
    return wanted | {
        f"{listener.protocol} [::]:{listener.port}" for listener in claimed.listeners if listener.address == "*"
    }


def differences(claimed: Effect, seen: dict[str, Any]) -> list[str]:
    """What of the claim is not so."""
    status = claimed.exit_status
    if seen["status"] != status:
        return [f"status: {status} claimed, {seen['status']} seen"]
    if status is not None:
        return []
    listed = []
    wanted = sockets(claimed)
    got = set(seen["listeners"])
    if any(":any" in text for text in wanted):
        wanted, got = {text.rpartition(":")[0] for text in wanted}, {text.rpartition(":")[0] for text in got}
    if wanted != got:
        listed.append(f"listeners: {sorted(wanted)} claimed, {sorted(got)} seen")
    if claimed.fragile != ("ended" in seen):
        return [*listed, f"ended by a question: {claimed.fragile} claimed"]
    if claimed.tls:
        return listed  # it was asked without
    if "silent" in seen or claimed.silent:
        return listed if claimed.silent == ("silent" in seen) else [*listed, f"silent: {claimed.silent} claimed"]
    pairs = {
        "maxbytes": claimed.max_bytes,
        "maxconns": claimed.connections,
        "num_threads": claimed.threads,
        "item_size_max": claimed.item_size,
    }
    return listed + [f"{k}: {v} claimed, {seen[k]} seen" for k, v in pairs.items() if k in seen and seen[k] != v]


def generated_lines() -> list[str]:
    """A line for every option behind -o and each of these values, for numbers before it, for chunks and for files."""
    lines = []
    for row in SUBOPTIONS.values():
        if row.name not in PROXY:
            bounds = [str(int(bound) + n) for bound in (row.low, row.high) if bound for n in (-1, 0, 1)]
            texts = [f"={value}" for value in (*VALUES, *bounds)] if row.value else ["=1"]
            lines += [shlex.join(["-o", row.name + text]) for text in ["", *texts]]
    lines += [
        f"-{letter} {value}" for letter in "ctRbfnN" for value in ("-1", "0", "1", "2", "abc", "inf", "nan", "0x9")
    ]
    # Below the number from which on it starts there are some with which it ends with 1 or with 71, by chance.
    lines += [f"-t {threads} -c {4 * threads + more}" for threads in (1, 3, 8, 32) for more in (1, 2, 60, 61)]
    for chunk in (256, 100000, 262144, 524288, 1048576, 2097152):
        lines += [f"-I {size} -o slab_chunk_max={chunk}" for size in ("512k", "700k", "768k", "1m", "2m")]
    lines += [
        f"-o ext_path=/dev/shm/m:{size}"
        for size in ("1", "0g", "10m", "63m", "64m", "256m", "257M", "1g", "1g:compact", "1g:x")
    ]
    for pages in ("ext_page_size=1", "ext_page_size=8", "ext_page_size=8,ext_wbuf_size=3", "ext_wbuf_size=0"):
        lines += [f"-I {size} -o {pages},ext_path=/dev/shm/m:1g" for size in ("1m", "4m", "5m")]
    # The last with which it ends, and the first with which it runs.
    lines += [f"-t {threads} -c {5 * threads + more}" for threads in (8, 32) for more in (2, 3)]
    return [f"{BASE} {line}" for line in lines]


@pytest.mark.parametrize("part", [0, more(1)])
def test_the_claims_agree_with_the_real_one(part: int, place: Path, agree: Agree) -> None:
    """Half of them, all of them with --more; the records of five releases (tests/golden/memcached) have all."""
    compare(golden_lines()[part::2], place, agree)


def test_what_only_the_host_knows_agrees_with_the_real_one(place: Path, agree: Agree) -> None:
    """Addresses of interfaces, directories, files of passwords, certificates."""
    chain, key, other = (str(place / name) for name in ("chain.pem", "key.pem", "other.pem"))
    ask = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=m",
    ]
    for words in ([*ask, "-keyout", key, "-out", chain], [*ask, "-keyout", other, "-out", str(place / "unused")]):
        subprocess.run(words, check=True, capture_output=True)
    root = place / "root"
    root.mkdir(mode=0o755)
    (root / "pw").write_text("a:b\n")
    (root / "pw").chmod(0o600)
    lines = [
        f"-s {root}/m.sock", "-s /nonexistent/m.sock", f"-s {place}/m.sock", "-l 10.9.8.7", "-l 127.0.0.9",
        *(f"{BASE} -Y {path}" for path in (f"{root}/pw", "/nonexistent", place / "m.pw")),
        *(
            f"{BASE} -Z -o ssl_chain_cert={first},ssl_key={second}"
            for first, second in ((chain, key), (chain, other), (key, key), ("/nonexistent", key), (chain, root))
        ),
        f"{BASE} -Z -o ssl_chain_cert={chain},ssl_key={key},ssl_ca_cert=/nonexistent",
        f"-s {root}/pw", f"{BASE} -e {root}/items", f"{BASE} -e {root}", f"{BASE} -e /nonexistent/items",
        *(f"{BASE} -L -m {m} -f {f} -n {n}" for m, f, n in (
            ("38", "1.25", "48"), ("39", "1.25", "48"), ("12", "2", "48"), ("13", "2", "48"), ("62", "1.05", "1"),
            ("63", "1.05", "1"), ("2", "1.1", "5000"), ("8", "3.5", "1"), ("7", "3.5", "1"),
        )),
    ]  # fmt: skip
    compare([line if "-u " in line else f"-u memcached {line}" for line in lines], place, agree, host=True)


@pytest.mark.parametrize("part", [slow(0), *map(more, range(1, 9))])
def test_generated_values_agree_with_the_real_one(part: int, place: Path, agree: Agree) -> None:
    """Every ninth of them in --full, all of them with --more."""
    compare(generated_lines()[part::9], place, agree)


def compare(lines: list[str], place: Path, agree: Agree, *, host: bool = False) -> None:
    """Run the lines, and hold what was claimed of each to what came of it. host: with what this host has to say."""
    program = installed()
    given = [words_of(line, place) for line in lines]
    claimed = [claim(words, program, host=host) for words in given]
    requests = [
        {"words": words, "expected": len(sockets(judgement)) if judgement.runs else 0}
        for words, judgement in zip(given, claimed)
    ]
    done = subprocess.run(
        [*APART, sys.executable, str(HERE / "agree.py")],
        input="".join(json.dumps(request) + "\n" for request in requests),
        capture_output=True, text=True, check=True, timeout=600, cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    seen = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(seen) == len(lines)
    differing = {line: differences(judgement, measured) for line, judgement, measured in zip(lines, claimed, seen)}
    wrong = {line: what for line, what in differing.items() if what}
    print(wrong)
    agree(f"lines of memcached {'.'.join(map(str, program.release))}", len(lines) - len(wrong), len(lines))
