"""What `opskit disk mount` says of a share whose server does not answer, or is none: real sockets and a real resolver.

The shares themselves are mounted on the virtual machine (tests/vm/disk/test_shares.py).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from host.hosts import Host, Terminal
from host.tools import ENVIRONMENT, FSTAB, OPSKIT, Answer

REFUSED, USAGE, MISSING = 5, 2, 6
PASSWORD = "hunter2"


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """A port of loopback that is ours; nothing listens on it yet."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        yield made


def mount(host: Host, share: str, *words: str) -> Answer:
    answer = host.on_disk("mount", share, host.target, *words, "--json")
    assert host.fstab.read_text() == FSTAB
    assert not os.path.ismount(host.target)
    return answer


def finding(answer: Answer, ident: str) -> str:
    """The title and the remedy of the finding with this id; a client that is missing here is told of beside it."""
    assert answer.json["ok"] is False
    assert set(answer.ids) <= {ident, "missing-tool"}, answer.err
    return next(f"{f['title']}; {f['remedy']}" for f in answer.json["findings"] if f["id"] == ident)


def test_nothing_listens(host: Host, port: socket.socket) -> None:
    number = port.getsockname()[1]
    for words in ((), ("-n",)):
        refusal = finding(mount(host, "127.0.0.1:/x", "--mount-options", f"port={number}", *words), "server-refuses")
        assert f"127.0.0.1 refuses connections to port {number}: no NFS server runs there" in refusal


def test_what_listens_says_nothing(host: Host, port: socket.socket) -> None:
    port.listen()
    options = ("--mount-options", f"port={port.getsockname()[1]}")
    assert "did not answer" in finding(mount(host, "127.0.0.1:/x", *options, "-n"), "server-silent")


def test_a_name_without_an_address(host: Host) -> None:
    refusal = finding(mount(host, "no-such-host.invalid:/x", "-n"), "server-unresolved")
    assert "getent ahosts no-such-host.invalid" in refusal


def test_a_password_that_is_typed_is_not_shown(host: Host, port: socket.socket) -> None:
    words = ("//127.0.0.1/data", host.target, "--user", "ann", "--mount-options", f"port={port.getsockname()[1]}")
    # With a controlling terminal of its own: the one of whoever runs the tests is not asked.
    argv = ["setsid", "--ctty", "--wait", *OPSKIT, "disk", "mount", *words, *host.own]
    terminal = Terminal(argv, dict(ENVIRONMENT))
    host.after.append(terminal.close)
    terminal.read_until("Password of ann for //127.0.0.1/data: ")
    terminal.type(f"{PASSWORD}\n")
    answer = terminal.end()
    assert answer.code in {REFUSED, MISSING}, answer.out
    assert "Nothing was changed." in answer.out
    assert PASSWORD not in answer.out


@pytest.mark.parametrize(
    ("words", "ident"),
    [
        (("nfs://nas/x",), "bad-share"),
        (("-oro:/x",), ""),
        (("nas:/x", "--label", "data"), "not-for-shares"),
        (("nas:/x", "--user", "ann"), "not-for-nfs"),
        (("//nas/x",), "no-user"),
        (("//nas/x", "--mount-options", f"username=ann,password={PASSWORD}"), "password-in-options"),
        (("/dev/null", "--user", "ann"), "usage"),
    ],
)
def test_what_cannot_be_asked_for_asks_no_server(host: Host, words: tuple[str, ...], ident: str) -> None:
    answer = host.on_disk("mount", *words[:1], host.target, *words[1:], "-n", "--json")
    assert answer.code == USAGE, answer.err
    assert PASSWORD not in answer.out + answer.err
    if ident not in {"", "usage"}:
        assert answer.ids[:1] == [ident]
