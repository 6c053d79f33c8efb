"""`opskit journal retain` beside a real journald whose file has gone on for longer than the limit.

In a mount namespace with a /run, a /var/log, an /etc/systemd and a systemctl of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from checkout import ROOT, TESTS
from host.journal.journald import PROGRAM
from journals import missing

INSIDE = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

sys.path[:0] = {tests!r}
from journals import DAY, export, write_journal

for place in ("/run", "/var/log", "/etc/systemd"):
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
lines = ["[Journal]", "Storage=persistent", "ReadKMsg=no", "Audit=no", "ForwardToSyslog=no"]
Path("/etc/systemd/journald.conf").write_text("\\n".join([*lines, ""]))
journals = Path("/var/log/journal", Path("/etc/machine-id").read_text().strip())
for path in (Path("/run/systemd/journal"), journals):
    path.mkdir(parents=True)
Path("/run/systemd/journal/flushed").touch()
# Restart: end what runs, start another, and be back when it has taken a message.
systemctl = Path("/run/systemctl")
systemctl.write_text('''#!/bin/sh
[ "$1" = restart ] || exit 0
kill "$(cat /run/pid)"
until ! kill -0 "$(cat /run/pid)" 2>/dev/null; do sleep 0.05; done
{journald} >/dev/null 2>&1 </dev/null &
echo $! > /run/pid
until journalctl -q --sync 2>/dev/null && journalctl -qn1 -D ''' + str(journals) + ''' _PID=$! | grep -q .
do sleep 0.05; done
''')
systemctl.chmod(0o755)
subprocess.run(["mount", "--bind", systemctl, os.path.realpath("/usr/bin/systemctl")], check=True)
now = time.time_ns() // 1000
write_journal(journals / "system.journal", export([now - hours * DAY // 24 for hours in range(240, 0, -6)]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # what systemctl ends is nobody's zombie
journald = subprocess.Popen([{journald!r}], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
Path("/run/pid").write_text(str(journald.pid))
try:
    while not Path("/run/systemd/journal/io.systemd.journal").exists():
        time.sleep(0.05)
    subprocess.run(["journalctl", "--flush"])
    argv = [{python!r}, "-m", "opskit", "journal", "retain", {span!r}, "--json", "--yes", "--state-dir", "/run/state"]
    before = (journals / "system.journal").stat().st_ino
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    print(json.dumps([json.loads(done.stdout), before in [path.stat().st_ino for path in journals.iterdir()]]))
finally:
    os.kill(int(Path("/run/pid").read_text()), signal.SIGTERM)
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists(PROGRAM) or bool(missing()), reason="needs root, and journald"
)
@pytest.mark.parametrize(("span", "stays"), [("20d", True), ("5d", False)])
def test_a_file_that_began_before_the_limit_goes_with_the_restart_and_that_is_said(span: str, stays: bool) -> None:
    """journald archives it with its first message, by the MaxFileSec of the drop-in, and then it can be too old."""
    code = INSIDE.format(tests=[str(TESTS), str(ROOT)], python=sys.executable, journald=PROGRAM, span=span)
    argv = ["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "--mount-proc"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*argv, sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    answer, there = json.loads(done.stdout)
    assert (answer["result"]["as_predicted"], there) == (True, stays), answer
    assert [os.path.basename(path) for path in answer["result"]["gone"]] == ([] if stays else ["system.journal"])
    told = [finding["title"] for finding in answer["findings"] if finding["id"] == "restart-deletes"]
    assert [", with all entries until " in text for text in told] == ([] if stays else [True])
