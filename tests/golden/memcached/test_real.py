"""What is said of a line, against what real ones of five releases did with it: memcached/real.txt."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from opskit.memcached.line.effect import effect_of
from opskit.memcached.line.explain import effect_json
from opskit.memcached.line.lint import judge
from opskit.memcached.line.parse import parse
from opskit.memcached.line.release import FIRST, Release, parse_release
from opskit.memcached.model import Host, Program
from tiers import Agree

REAL = Path(__file__).with_name("real.txt")
RELEASES = ("1.4.15", "1.5.22", "1.6.9", "1.6.23", "1.6.45")
USERS = {"m", "memcached", "root"}
SETTINGS = {"maxbytes": 64 << 20, "maxconns": 1024, "num_threads": 4, "item_size_max": 1 << 20}


def facts(name: str) -> dict[str, str]:
    """What this release did with each line."""
    measured, line = {}, ""
    for text in REAL.read_text(encoding="utf-8").splitlines():
        if not text.startswith(("#", "    ")):
            line = text
        elif text.startswith("    "):
            releases, _, what = text.strip().partition(": ")
            if name in releases.split():
                measured[line] = what
    return measured


def claimed(line: str, release: Release) -> str:
    """What opskit says of it, as real.txt has it."""
    parsed = parse(shlex.split(line), release)
    features = () if release == FIRST else ("tls", "extstore")
    host = Host(user_known=parsed.text("u") in USERS, program=Program("memcached", release, features))
    effect = effect_of(parsed, host)
    # What is told of the line itself: lint has an error for all that ends, and explain the status.
    errors = [finding for finding in judge(parsed, host).findings if finding.severity in {"error", "critical"}]
    assert effect_json(effect)["exit_status"] == effect.exit_status
    # A finding that names a status names that one; of several findings one does.
    statuses = {int(status) for item in errors for status in re.findall(r"exit status (\d+)", item.evidence)}
    assert not statuses or effect.status in statuses, line
    if effect.exit_status is not None:
        assert errors or effect.prints, line
        return str(effect.exit_status)
    assert "does-not-start" not in [finding.id for finding in errors]
    text = "runs" + " silent" * effect.silent + " ended" * effect.fragile
    listeners = {listener.text.replace("0.0.0.0", "*") for listener in effect.listeners}
    listeners |= {
        f"{listener.protocol} [::]:{listener.port}" for listener in effect.listeners if listener.address == "*"
    }
    if listeners != {"tcp 127.0.0.1:11211"}:
        text += f" [{', '.join(sorted(listeners))}]"
    if effect.silent or effect.fragile:
        return text
    values = (effect.max_bytes, effect.connections, effect.threads, effect.item_size)
    if release == FIRST:
        values = (effect.max_bytes % 2**32, *values[1:])  # it tells only these bits
    tcp_wanted = any(listener.protocol == "tcp" and ":" not in listener.address for listener in effect.listeners)
    changed = [
        f" {name}={value}" for (name, usual), value in zip(SETTINGS.items(), values) if tcp_wanted and value != usual
    ]
    return text + "".join(changed)


def same(claim: str, fact: str) -> bool:
    """Whether they are the same, where a port can be any."""
    if ":any" in claim:
        claim, fact = (re.sub(r":(any|\d+)(?=[],])", ":any", text) for text in (claim, fact))
    # With a password, or TLS, or over UDP alone nobody could ask.
    return claim == fact or (" maxbytes" not in fact and claim.partition(" max")[0].partition(" num")[0] == fact)


@pytest.mark.parametrize("name", RELEASES)
def test_what_is_said_of_lines_is_what_real_ones_did(name: str, agree: Agree) -> None:
    release = parse_release(name)
    measured = facts(name)
    claims = {line: claimed(line, release) for line in measured}
    wrong = {line: (claims[line], fact) for line, fact in measured.items() if not same(claims[line], fact)}
    print(wrong)
    agree(f"lines of memcached {name}, measured", len(measured) - len(wrong), len(measured))
