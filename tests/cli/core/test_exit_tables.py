"""What programs exit with, by core/exit_tables.py: each that is on this machine is made to fail."""

from __future__ import annotations

import glob
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opskit.core.exit_status import usual_meaning
from tiers import Agree

PATH = ":".join(["/usr/sbin:/usr/bin:/sbin:/bin", *glob.glob("/usr/lib/postgresql/*/bin")])
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
# Its configuration is the file `bad`, PORT one that is taken. A part of what the table says of the exit status.
CASES: tuple[tuple[str, str, int, str], ...] = (
    ("nginx", "nginx -c BAD", 1, "configuration"),
    ("apache2", "apache2 -f BAD -DFOREGROUND", 1, "configuration"),
    ("sshd", "/usr/sbin/sshd -D -f BAD", 255, "configuration"),
    ("dnsmasq", "dnsmasq -k -C BAD", 1, "configuration"),
    ("dnsmasq", "dnsmasq -k -C /dev/null -p PORT -a 127.0.0.1 --bind-interfaces -u root", 2, "an address is taken"),
    ("dnsmasq", "dnsmasq -k -C /dev/null -p 0 -u root --pid-file=/nonexistent/x", 3, "missing"),
    ("chronyd", "chronyd -d -f BAD", 1, "configuration"),
    ("php-fpm8.2", "php-fpm8.2 -F -y BAD", 78, "configuration"),
    ("php-fpm8.2", "php-fpm8.2 --nonsense", 64, "option"),
    ("mariadbd", "mariadbd --no-defaults --nonsense", 1, "option"),
    ("haproxy", "haproxy -f BAD", 1, "configuration"),
    ("rsyslogd", "rsyslogd -n -f BAD -i PID", 1, "configuration"),
    ("vsftpd", "vsftpd BAD", 2, "configuration"),
    ("rsync", "rsync --nonsense", 1, "option"),
    ("rsync", "rsync /nonexistent OUT", 23, "not all"),
    ("rsync", "rsync rsync://127.0.0.1:1/x OUT", 10, "network"),
    ("redis-server", "redis-server BAD", 1, "configuration"),
    ("redis-server", "redis-server --port PORT --bind 127.0.0.1", 1, "listen"),
    ("supervisord", "supervisord -n -c BAD", 2, "configuration"),
    ("supervisord", "supervisord -n -c SUPERVISOR", 2, "port is taken"),
    ("postgres", "NOBODY postgres -D /nonexistent", 2, "not there"),
    ("postgres", "NOBODY postgres --nonsense=1", 1, "parameter"),
    ("memcached", "memcached -p PORT -l 127.0.0.1 -u nobody", 71, "listen"),
    ("podman", "podman --nonsense", 125, "engine"),
    ("python3", "python3 -c 1/0", 1, "exception"),
    ("python3", "python3 /nonexistent", 2, "cannot be opened"),
    ("python3", "python3 --nonsense", 2, "option"),
    ("python3", "FULL python3 -c print()", 120, "could not be written"),
    ("node", "node -e throw(1)", 1, "exception"),
    ("node", "node --nonsense", 9, "option"),
    ("gunicorn", "gunicorn -b 127.0.0.1:0 nonexistent:app", 3, "imported"),
)
SUPERVISOR = """\
[supervisord]
logfile={folder}/s.log
pidfile={folder}/s.pid
[inet_http_server]
port=127.0.0.1:{port}
"""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield int(taken.getsockname()[1])


def status_of(line: str, folder: Path, port: int) -> int:
    """The exit status of a program, in the folder."""
    given = {"BAD": folder / "bad", "PORT": port, "PID": folder / "pid", "OUT": folder / "out",
             "SUPERVISOR": folder / "supervisor"}  # fmt: skip
    words = []
    for word in line.split():
        words += NOBODY if word == "NOBODY" else [str(given.get(word, word))]
    full = words[0] == "FULL"
    with open("/dev/full" if full else os.devnull, "w", encoding="utf-8") as out:
        done = subprocess.run(
            words[full:], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, cwd="/", check=False,
            timeout=300, env={"PATH": PATH, "HOME": str(folder)},
        )  # fmt: skip
    return done.returncode


@pytest.mark.skipif(os.geteuid() != 0, reason="as root, who starts them")
def test_each_program_exits_as_its_table_says(tmp_path: Path, port: int, agree: Agree) -> None:
    (tmp_path / "bad").write_text("nonsense {\n")
    (tmp_path / "supervisor").write_text(SUPERVISOR.format(folder=tmp_path, port=port))
    cases = [each for each in CASES if shutil.which(each[0], path=PATH)]
    wrong = []
    for program, line, status, words in cases:
        ended = status_of(line, tmp_path, port)
        if ended != status or words not in usual_meaning(ended, [program]):
            wrong.append((line, ended))
    assert not wrong
    assert len(cases) > 4  # Python, at least, is there
    agree("exit statuses of real programs", len(cases) - len(wrong), len(cases))
