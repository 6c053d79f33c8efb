"""Stack traces as one message, numbers that tell kinds apart, containers by name, and what comes first."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from opskit.journal.errors import show
from opskit.journal.errors.groups import APART_MOST
from opskit.journal.errors.show import ErrorListing
from opskit.ui.screen import Screen
from unit.journal.test_errors_groups import SECOND, entry, tally

JAVA = """\
java.lang.IllegalStateException: Failed to load ApplicationContext
\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:316)
\tat com.example.Main.main(Main.java:12)
Caused by: java.net.ConnectException: Connection refused (Connection refused)
\tat java.base/sun.nio.ch.Net.pollConnect(Native Method)
\tat com.example.Main$Inner.<init>(Main.java:90)
\t... 12 more
"""
PYTHON = """\
Traceback (most recent call last):
  File "/srv/app/main.py", line 12, in <module>
    main()
    ^^^^^^
  File "/srv/app/main.py", line 8, in main
    return {}["a"]
KeyError: 'a'
"""
GO = """\
panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f1a5]
goroutine 1 [running]:
main.(*Server).serve(0xc000010000, {0x4c2f20, 0x5})
\t/srv/app/main.go:17 +0x1d
main.main()
\t/srv/app/main.go:9 +0x5a
"""
NODE = """\
TypeError: Cannot read properties of undefined (reading 'id')
    at Object.<anonymous> (/srv/app/index.js:3:19)
    at Module._compile (node:internal/modules/cjs/loader:1105:14)
    at node:internal/main/run_main_module:17:47
"""
PHP = """\
PHP Fatal error:  Uncaught Exception: no database in /srv/www/index.php:7
Stack trace:
#0 /srv/www/index.php(12): connect()
#1 {main}
  thrown in /srv/www/index.php on line 7
"""
KERNEL = """\
------------[ cut here ]------------
WARNING: at fs/xfs/xfs_inode.c:1 xfs_iunlink+0x1/0x10
CPU: 1 PID: 4711 Comm: rm Not tainted 5.14.0-362.el9.x86_64 #1
RIP: 0010:xfs_iunlink+0x1/0x10
Call Trace:
 <TASK>
 ? xfs_inactive+0xa/0x100
 do_syscall_64+0x5c/0x90
 </TASK>
---[ end trace 0000000000000000 ]---
"""
MAIN = "app.service: Main process exited, code=exited,"
TRACES = [
    (JAVA, "java.lang.IllegalStateException", "\t... 12 more"),
    (PYTHON, "KeyError", "KeyError: 'a'"),
    (GO, "panic: runtime error", "\t/srv/app/main.go:9 +0x5a"),
    (NODE, "TypeError", "    at node:internal/main/run_main_module:17:47"),
    (PHP, "PHP Fatal error", "  thrown in /srv/www/index.php on line 7"),
    (KERNEL, "WARNING: at", "---[ end trace 0000000000000000 ]---"),
]


def of_trace(text: str, *, strip: bool = False) -> list[tuple[bytes, ...]]:
    lines = text.splitlines()
    fields: dict[str, Any] = {"_SYSTEMD_UNIT": "app.service"}
    return [entry(line.strip() if strip else line, (n + 1) * SECOND, **fields) for n, line in enumerate(lines)]


@pytest.mark.parametrize("strip", [False, True])
@pytest.mark.parametrize(("text", "begin", "last"), TRACES)
def test_a_stack_trace_is_one_message(text: str, begin: str, last: str, strip: bool) -> None:
    """strip: journald until 234 took the white space away on both sides of a line."""
    made = of_trace(text, strip=strip)
    if strip and text == PYTHON:
        pytest.skip("without its indentation a line of source is a line as any other")
    tallied = tally(*made, *made)
    (group,) = tallied.groups()
    assert group.pattern.startswith(begin)
    assert (group.count, tallied.chosen) == (2, 2 * len(made))
    example = group.example.decode()
    assert example == "\n".join(line.strip() if strip else line for line in text.splitlines())
    brief = ErrorListing(0).brief(group)
    assert brief.startswith(text.partition("\n")[0])
    assert brief.endswith(last.strip() if strip else last)


def test_a_line_that_belongs_to_nothing_is_a_message() -> None:
    tallied = tally(entry("\tat com.example.Main.main(Main.java:12)"), entry("main.main()"), entry("at noon (or so)"))
    assert len(tallied.groups()) >= 2
    assert tallied.chosen == 3


@pytest.mark.parametrize(
    ("text", "other", "patterns"),
    [
        (f"{MAIN} status=1/FAILURE", f"{MAIN} status=203/EXEC", 2),
        ("process 17 exited with code 137", "process 4 exited with code 143", 2),
        ("process 17 exited with code 137", "process 4 exited with code 137", 1),
        ('"GET / HTTP/1.1" 500 17', '"GET / HTTP/1.1" 404 9', 2),
        ('"GET / HTTP/1.1" 500 17', '"GET / HTTP/1.1" 500 4711', 1),
        ("killed by signal 9 after 3 s", "killed by signal 11 after 5 s", 2),
        ("read failed, errno 5", "read failed, errno 28", 2),
        ("bind() to 0.0.0.0:80 failed (98: In use)", "bind() to 0.0.0.0:443 failed (98: In use)", 2),
        ("connect() failed (111: Refused) to 10.0.0.1:8080", "connect() failed (111: Refused) to 10.0.0.2:8081", 1),
        ("Failed password from 10.0.0.7 port 4022 ssh2", "Failed password from 10.0.0.8 port 1 ssh2", 1),
    ],
)
def test_numbers_that_count_stay_apart(text: str, other: str, patterns: int) -> None:
    tallied = tally(entry(text), entry(other))
    assert len(tallied.groups()) == patterns
    assert tallied.chosen == 2


def test_numbers_apart_have_a_bound() -> None:
    tallied = tally(*(entry(f"exit status {number}") for number in range(200)))
    assert len(tallied.groups()) == 10 + 2 * APART_MOST + 1  # of one, two and three digits
    assert tallied.chosen == 200


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("web", "container web"),
        ("k8s_app_web-5d9c_shop_0f1e2d3c-0000-4000-8000-000000000000_3", "container shop/web-5d9c/app"),
        # As OpenShift 3 of EL7 wrote it to the journal, from the manual of fluentd's filter for it.
        ("k8s_registry.a49f5318_docker-registry-1-hhoj0_default_ae3a9bdc-1f66-11e6-80a2-fa163e2fff3a_799e4035",
         "container default/docker-registry-1-hhoj0/registry"),
        ("shop-web-1", "container shop-web-1"), ("shop_web_1", "container shop_web_1"),
        ("shop_db.1.k5w0m8n1z2q3r4s5t6u7v8w9x", "container shop_db.1.*"),
        ("agent.0a1b2c3d4e5f6g7h8i9j0k1l2.k5w0m8n1z2q3r4s5t6u7v8w9x", "container agent.*.*"),
        ("shop_web_run_0123456789ab", "container shop_web_run_*"), ("eager_hopper", "container eager_hopper"),
        ("systemd-web", "container systemd-web"), ("pod1-infra", "container pod1-infra"),
    ],
)  # fmt: skip
def test_a_container_has_its_name(name: str, unit: str) -> None:
    made = [
        entry("x", CONTAINER_NAME=name, _SYSTEMD_UNIT="docker.service"),
        entry("x", CONTAINER_NAME="db", _SYSTEMD_UNIT="docker.service"),
        entry("x", _SYSTEMD_UNIT="docker.service"),
    ]
    assert {group.unit for group in tally(*made).groups()} == {unit, "container db", "docker.service"}


def test_a_container_without_a_name_has_its_id() -> None:
    scope = f"libpod-conmon-{'ab' * 32}.scope"
    fields = {"CONTAINER_ID": "b6cbb6e73c0a", "_SYSTEMD_UNIT": scope, "SYSLOG_IDENTIFIER": "conmon"}
    assert [group.unit for group in tally(entry("x", **fields)).groups()] == ["container b6cbb6e73c0a"]


def test_what_is_severe_comes_first_then_the_host_then_what_began_lately() -> None:
    many = [entry(f"{'abcdefghij'[n]} failed", SECOND, _SYSTEMD_UNIT="routine.service") for n in range(10)] * 5
    contained = [entry(f"{'abcdefghij'[n]} lost", SECOND, CONTAINER_NAME="web") for n in range(10)] * 9
    tallied = tally(
        *many,
        *contained,
        entry("soft lockup", 2 * SECOND, 0, _TRANSPORT="kernel"),
        entry("new", 100 * SECOND, _SYSTEMD_UNIT="new.service"),
        entry("other", SECOND, _SYSTEMD_UNIT="other.service"),
    )
    units = [group.unit for group in tallied.groups()]
    assert units[:2] == ["kernel", "new.service"]
    # Three of a sender, then the others have their turn.
    assert units.index("other.service") == 5
    assert units.index("container web") == 6
    assert len(units) == 23


def test_what_opened_a_trace_belongs_to_no_message_but_the_next() -> None:
    fields = {"_SYSTEMD_UNIT": "a.service"}
    lines = ["KeyError: 'a'", "Traceback (most recent call last)", "KeyError: 'a'", "no route to host"]
    groups = tally(*(entry(line, (n + 1) * SECOND, **fields) for n, line in enumerate(lines))).groups()
    assert {group.example for group in groups} == {b"KeyError: 'a'", b"no route to host"}


def test_numbers_that_count_are_told_apart_where_others_are_masked_around_them() -> None:
    lines = [f"request {n:032x} failed with status {n % 2 + 500}, {n}" for n in range(2 * APART_MOST)]
    lines += ["(error=5,error=deadbeef)", "(error=deadbeef,error=5)"]
    lines += ["error 5 error deadbeef", "error deadbeef error 5"]
    groups = tally(*(entry(line) for line in lines)).groups()
    counts = {group.pattern: group.count for group in groups}
    assert counts == {
        "request <n> failed with status 500, <n>": APART_MOST,
        "request <n> failed with status 501, <n>": APART_MOST,
        "(error=5,error=<n>)": 1,
        "(error=<n>,error=5)": 1,
        "error 5 error <n>": 1,
        "error <n> error 5": 1,
    }


@pytest.mark.parametrize("length", [60, 71, 74, 75, 200])
def test_a_long_word_behind_the_heading_is_folded_below_it(
    length: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show._block(Screen("", color="never"), "like: ", f"{'y' * length} and so on")
    lines = capsys.readouterr().out.splitlines()
    # A word that no line has room for stays whole, where it is named.
    assert [len(line) for line in lines if len(line) > 80] == ([10 + length] if length > 74 else [])
    assert " ".join(" ".join(lines).split()) == f"like: {'y' * length} and so on"
