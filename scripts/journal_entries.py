"""Entries as hosts of the RHEL family have them, in journalctl's export format: for the tests and for scripts/bench."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Union

REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT = "b" * 32
MACHINE = "a" * 32
START = 1_790_000_000_000_000
SECOND = 1_000_000

# identifier, unit ("" for the kernel), priority, text: {n} a number, {x} eight hexadecimal digits, {i} an address,
# {u} a UUID, {p} a path, {d} a disk
WRONG = (
    (
        "sshd",
        "sshd.service",
        3,
        "error: maximum authentication attempts exceeded for invalid user u{n} from {i} port {n} ssh2 [preauth]",
    ),
    ("sshd", "sshd.service", 2, "fatal: Timeout before authentication for {i} port {n}"),
    ("sshd", "sshd.service", 3, "error: kex_exchange_identification: Connection closed by remote host {i}"),
    ("kernel", "", 3, "blk_update_request: I/O error, dev {d}, sector {n} op 0x0:(READ) flags 0x{x} phys_seg 1"),
    ("kernel", "", 3, "Out of memory: Killed process {n} (java) total-vm:{n}kB, anon-rss:{n}kB, file-rss:0kB"),
    (
        "nginx",
        "nginx.service",
        3,
        (
            "{n}#{n}: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: {i}, "
            'server: example.com, request: "GET /api/v1/items/{n}?token={x}{x} HTTP/1.1"'
        ),
    ),
    ("memcached", "memcached.service", 3, "SERVER_ERROR out of memory storing object {x} size {n}"),
    ("app", "app@1.service", 3, "request {u} failed after {n} ms: timeout reading {p}"),
    ("NetworkManager", "NetworkManager.service", 3, "<error> [{n}.{n}] dhcp4 (eth0): request timed out"),
    ("crond", "crond.service", 3, "(root) ERROR (failed to open PAM security session): pid {n}"),
    (
        "dnf",
        "dnf-makecache.service",
        3,
        (
            "Errors during downloading metadata for repository 'appstream': Status code: 404 for "
            "http://mirror.example.com/{x}/repomd.xml (IP: {i})"
        ),
    ),
)
RIGHT = (
    *(("systemd", "init.scope", 6, "Started Session {n} of user root."),) * 10,
    *(("crond", "crond.service", 6, "(root) CMD (run-parts /etc/cron.hourly {n})"),) * 5,
    *(("sshd", "sshd.service", 6, "Accepted publickey for root from {i} port {n} ssh2: RSA SHA256:{x}{x}"),) * 5,
    ("kernel", "", 4, "IN=eth0 OUT= SRC={i} DST={i} LEN={n} PROTO=TCP SPT={n} DPT=22"),
)


def entry(message: Union[str, bytes], at: int, **fields: object) -> bytes:
    """One entry; a message in bytes goes the way of what is no printable text."""
    lines = [f"__REALTIME_TIMESTAMP={at}", f"__MONOTONIC_TIMESTAMP={max(at - START, 0) + SECOND}", f"_BOOT_ID={BOOT}"]
    lines += [f"{name}={value}" for name, value in fields.items()]
    head = "\n".join(lines).encode() + b"\n"
    if isinstance(message, bytes):
        return head + b"MESSAGE\n" + struct.pack("<Q", len(message)) + message + b"\n\n"
    return head + f"MESSAGE={message}\n\n".encode()


def entries(count: int, *, seed: int = 1, wrong: float = 0.28) -> Iterator[bytes]:
    """So many, of which this share is errors."""
    rnd = random.Random(seed)
    at = START
    for _ in range(count):
        at += rnd.randrange(1000, 400_000)
        identifier, unit, priority, text = rnd.choice(WRONG if rnd.random() < wrong else RIGHT)
        while "{" in text:
            text = _fill(text, rnd)
        sender: dict[str, object] = {"_TRANSPORT": "kernel"}
        if unit:
            pid = rnd.randrange(1, 65000)
            sender = {
                "_TRANSPORT": "syslog",
                "_SYSTEMD_UNIT": unit,
                "_PID": pid,
                "SYSLOG_PID": pid,
                "_UID": 0,
                "_GID": 0,
            }
            sender |= {"_COMM": identifier, "_EXE": f"/usr/sbin/{identifier}", "_CAP_EFFECTIVE": "1ffffffffff"}
            sender |= {"_SYSTEMD_CGROUP": f"/system.slice/{unit}", "_SYSTEMD_SLICE": "system.slice"}
        sender |= {"SYSLOG_IDENTIFIER": identifier, "PRIORITY": priority, "SYSLOG_FACILITY": 3}
        yield entry(text, at, _MACHINE_ID=MACHINE, _HOSTNAME="web01.example.com", **sender)


def _fill(text: str, rnd: random.Random) -> str:
    before, _, rest = text.partition("{")
    kind, after = rest[0], rest[2:]
    value = {
        "n": lambda: str(rnd.randrange(10 ** rnd.randrange(1, 7))),
        "x": lambda: f"{rnd.getrandbits(32):08x}",
        "i": lambda: ".".join(str(rnd.randrange(1, 255)) for _ in range(4)),
        "u": lambda: f"{rnd.getrandbits(32):08x}-{rnd.getrandbits(16):04x}-4000-8000-{rnd.getrandbits(48):012x}",
        "p": lambda: f"/srv/data/{rnd.getrandbits(24):x}/{rnd.randrange(1000)}.bin",
        "d": lambda: rnd.choice(("sda", "sdb", "vdb", "dm-3", "nvme0n1")),
    }[kind]()
    return before + value + after


def write_journal(path: Path, data: Iterator[bytes]) -> None:
    """A real journal (or several: it rotates) in the directory of path. Raises CalledProcessError."""
    argv = [REMOTE, "-o", str(path), "-"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        for one in data:
            process.stdin.write(one)
        process.stdin.close()
        said = process.stderr.read()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, argv, stderr=said)
