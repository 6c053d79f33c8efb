"""Messages of EL7 to EL10, and what of them is alike."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opskit.journal.errors import mask
from opskit.journal.errors.mask import PATTERN_LENGTH, alike, kept_spans, masked, pattern_of, same_hex
from opskit.journal.errors.traces import is_frame

# As they are written on these hosts → their pattern. Of several in a tuple: all have it.
MESSAGES = [
    (
        (
            "error: maximum authentication attempts exceeded for invalid user admin from 10.0.0.7 port 4022 ssh2",
            "error: maximum authentication attempts exceeded for invalid user bob from 2001:db8::1f port 65 ssh2",
        ),
        "error: maximum authentication attempts exceeded for invalid user <user> from <ip> port <n> ssh<n>",
    ),
    (
        (
            "pam_unix(sshd:auth): authentication failure; uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=root",
            "pam_unix(sshd:auth): authentication failure; uid=1000 euid=0 tty=ssh ruser= rhost=a.b.org  user=x",
        ),
        "pam_unix(sshd:auth): authentication failure; uid=<n> euid=<n> tty=ssh ruser= rhost=<host> user=<user>",
    ),
    (
        ("Received disconnect from 192.168.1.1 port 3333:11: Bye Bye [preauth]",),
        "Received disconnect from <ip> port <n>:<n>: Bye Bye [preauth]",
    ),
    (
        (
            "Out of memory: Kill process 1234 (java) score 900 or sacrifice child",
            "Out of memory: Kill process 5 (java) score 1 or sacrifice child",
        ),
        "Out of memory: Kill process <n> (java) score <n> or sacrifice child",
    ),
    (
        (
            "blk_update_request: I/O error, dev sda, sector 123456 op 0x0:(READ) flags 0x80700 phys_seg 1 prio class 0",
            "blk_update_request: I/O error, dev sda, sector 7 op 0x1:(READ) flags 0xa00 phys_seg 12 prio class 2",
        ),
        "blk_update_request: I/O error, dev sda, sector <n> op <n>:(READ) flags <n> phys_seg <n> prio class <n>",
    ),
    (("end_request: I/O error, dev sdb, sector 0",), "end_request: I/O error, dev sdb, sector <n>"),
    (
        ("EXT4-fs error (device vdb1): ext4_find_entry:1455: inode #131073: comm nginx: reading directory lblock 0",),
        "EXT<n>-fs error (device vdb<n>): ext<n>_find_entry:<n>: inode #<n>: comm nginx: reading directory lblock <n>",
    ),
    (
        ('XFS (dm-0): metadata I/O error in "xfs_trans_read_buf_map" at daddr 0x3c3b9a0 len 32 error 5',),
        'XFS (dm-<n>): metadata I/O error in "xfs_trans_read_buf_map" at daddr <n> len <n> error <n>',
    ),
    (
        (
            "BUG: unable to handle kernel NULL pointer dereference at 0000000000000008",
            "BUG: unable to handle kernel NULL pointer dereference at ffffffffa0c3be10",
        ),
        "BUG: unable to handle kernel NULL pointer dereference at <n>",
    ),
    (
        ("INFO: task jbd2/vda1-8:314 blocked for more than 120 seconds.",),
        "INFO: task jbd<n>/vda<n>-<n>:<n> blocked for more than <n> seconds.",
    ),
    (("Unit httpd.service entered failed state.",), "Unit httpd.service entered failed state."),
    (
        ("session-123.scope: Failed with result 'oom-kill'.", "session-4.scope: Failed with result 'oom-kill'."),
        "session-<n>.scope: Failed with result 'oom-kill'.",
    ),
    (
        ("httpd.service: main process exited, code=exited, status=1/FAILURE",),
        "httpd.service: main process exited, code=exited, status=<n>/FAILURE",
    ),
    (
        (
            "sshd@12-10.0.0.1:22-1.2.3.4:5555.service: Main process exited, code=killed, status=9/KILL",
            "sshd@3-10.0.0.9:22-200.2.3.4:51234.service: Main process exited, code=killed, status=9/KILL",
        ),
        "sshd@<n>-<ip>:<n>-<ip>:<n>.service: Main process exited, code=killed, status=<n>/KILL",
    ),
    (("<error> [1542201.1234] dhcp4 (eth0): timed out",), "<error> [<n>] dhcp<n> (eth<n>): timed out"),
    (("(root) ERROR (failed to open PAM security session)",), "(root) ERROR (failed to open PAM security session)"),
    (("(CRON) INFO (RANDOM_DELAY will be scaled with factor 54% if used.)",),
     "(CRON) INFO (RANDOM_DELAY will be scaled with factor <n>% if used.)"),
    (
        (
            ('avc:  denied  { read } for  pid=1234 comm="httpd" name="index.html" dev="dm-0" ino=1234 '
            "scontext=system_u:system_r:httpd_t:s0 tclass=file permissive=0"),
        ),
        ('avc: denied { read } for pid=<n> comm="httpd" name="index.html" dev="dm-<n>" ino=<n> '
        "scontext=system_u:system_r:httpd_t:s<n> tclass=file permissive=<n>"),
    ),
    (
        (
            ("USER_AUTH pid=123 uid=0 auid=4294967295 ses=429 msg='op=PAM:authentication grantors=? acct=\"root\" "
            'exe="/usr/sbin/sshd" hostname=1.2.3.4 addr=1.2.3.4 terminal=ssh res=failed\''),
        ),
        ("USER_AUTH pid=<n> uid=<n> auid=<n> ses=<n> msg='op=PAM:authentication grantors=? acct=<user> "
        "exe=\"<path>\" hostname=<host> addr=<host> terminal=ssh res=failed'"),
    ),
    (
        (
            ("Errors during downloading metadata for repository 'appstream': - Status code: 404 for "
            "http://mirror.centos.org/x/repomd.xml (IP: 1.2.3.4)"),
        ),
        "Errors during downloading metadata for repository 'appstream': - Status code: <n> for <url> (IP: <ip>)",
    ),
    (
        ("SERVER_ERROR out of memory storing object", "SERVER_ERROR out of memory storing object"),
        "SERVER_ERROR out of memory storing object",
    ),
    (("<28 SERVER_ERROR object too large for cache",), "<<n> SERVER_ERROR object too large for cache"),
    (("Failed to open file /run/systemd/units/foo: No such file or directory",),
     "Failed to open file <path>: No such file or directory"),
    (
        (
            "2026-11-21T10:00:00.123456Z ERROR request 3f2504e0-4f89-41d3-9a0c-0305e82c3301 took 12.5 ms",
            "2026-11-21T10:00:01+01:00 ERROR request 3F2504E0-4F89-41D3-9A0C-0305E82C3302 took 7 ms",
        ),
        "<time> ERROR request <uuid> took <n> ms",
    ),
    (
        ("Nov 21 10:00:00 00:1a:2b:3c:4d:5e -> [fe80::1%eth0]:8080 commit 9f8b7c6d", ),
        "Nov <n> <time> <mac> -> [<ip>]:<n> commit <n>",
    ),
    (("id deadbeef of 0123456789abcdef0123456789abcdef",), "id <n> of <n>"),
    (("std::bad_alloc in Foo::bar, read/write, I/O n/a a::b",), "std::bad_alloc in Foo::bar, read/write, I/O n/a a::b"),
    (("\x1b[31mred\x1b[0m \x1b]0;title\x07error 42",), "red error <n>"),
    (("Suppressed 120 messages from foo.service",), "Suppressed <n> messages from foo.service"),
    (("two\nlines\t and   blanks",), "two lines and blanks"),
    (("",), ""),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "pattern"), MESSAGES)
def test_real_messages(messages: tuple[str, ...], pattern: str) -> None:
    assert {pattern_of(message.encode()).decode() for message in messages} == {pattern}


@given(st.text(alphabet="ab0 1.:/-f@x[](=\"'\x1b\n", max_size=80), st.integers())
def test_which_digits_does_not_matter(text: str, seed: int) -> None:
    rnd = random.Random(seed)
    other = re.sub(r"\d", lambda _: str(rnd.randrange(10)), text)
    assert alike(text.encode()) == alike(other.encode())
    assert pattern_of(text.encode()) == pattern_of(other.encode())


@given(st.binary(max_size=2000))
def test_any_bytes_have_a_pattern_of_bounded_length_without_control_characters(data: bytes) -> None:
    pattern = pattern_of(data)
    assert len(pattern) <= PATTERN_LENGTH
    assert b"\n" not in pattern
    assert pattern == pattern_of(data)


def test_it_is_the_text_alone_that_counts_not_what_was_masked_before(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [message.encode() for messages, _ in MESSAGES for message in messages]
    before = [pattern_of(text) for text in texts]
    monkeypatch.setattr(mask, "WORDS_KEPT", 3)
    assert [pattern_of(text) for text in reversed(texts)] == before[::-1]


HEX_PIECES = [
    "ab12cd", "00aa00bb", "a0b0c0d0", "deadbeef", "0x00ab12", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "12.3.4.5",
    ":00:", "12", "5", "a", "x", "-", ":", "::", "/", "://", ".", " ", "=", "_", "[", "]", "@", "%", "+", "T",
    "\x1b[31m", "error ", "status=", "bind to ", "user ", "rhost=", 'File "x", line ', "at /a:", ".go:",
]  # fmt: skip


@settings(max_examples=300)
@example(["ab12cd", "\x1b[31m", "x12"])
@example(["12:30:01", "deadbeef", "1210.0.0.7"])
@example(["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "a0b0c0d0"])
@given(st.lists(st.sampled_from(HEX_PIECES), min_size=1, max_size=9))
def test_a_message_whose_long_hexadecimal_numbers_are_others_is_alike_in_all(pieces: list[str]) -> None:
    text = alike("".join(pieces).encode())
    same = same_hex(text)
    assert len(same) == len(text)
    assert (masked(same), kept_spans(same)) == (masked(text), kept_spans(text))
    assert is_frame(same, b"") == is_frame(text, b"")


def test_long_hexadecimal_numbers_are_all_the_same() -> None:
    messages = ["object 0b12cd34 (0x7f3a) of 3f2504e0-4f89-41d3-9a0c-0305e82c3301 at 0xffff8c0012ab: failed"]
    messages += ["object 98fe76dc (0x7f3a) of 01234567-89ab-cdef-0123-456789abcdef at 0x12ab34cd56ef: failed"]
    first, second = (same_hex(alike(message.encode())) for message in messages)
    assert first == second
    assert b"(0x0f0a)" in first
