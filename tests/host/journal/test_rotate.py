"""`opskit journal vacuum --rotate` beside a real journald that has limits of its own, without a virtual machine.

In a mount namespace with a /run, a /var/log and an /etc/systemd of its own: the journal of this machine is not in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from checkout import ROOT, TESTS
from journals import missing

JOURNALD = next((path for path in ("/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald")
                 if os.path.exists(path)), "")  # fmt: skip
INSIDE = """
import json, shutil, subprocess, sys, time
from pathlib import Path

sys.path[:0] = {tests!r}
from journals import DAY, archived, export, write_journal

for place in ("/run", "/var/log", "/etc/systemd"):
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
lines = ["[Journal]", "Storage=persistent", "ReadKMsg=no", "Audit=no", "ForwardToSyslog=no", "SystemMaxUse=64M"]
Path("/etc/systemd/journald.conf").write_text("\\n".join([*lines, ""]))
journals = Path("/var/log/journal", Path("/etc/machine-id").read_text().strip())
for path in (Path("/run/systemd/journal"), journals):
    path.mkdir(parents=True)

def opskit(*words):
    argv = [{python!r}, "-m", "opskit", *words, "--json", "--yes", "--state-dir", "/run/state"]
    done = subprocess.run(argv, capture_output=True, text=True)
    return [done.returncode, json.loads(done.stdout), sorted(path.name for path in journals.iterdir())]

journald = subprocess.Popen([{journald!r}], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while not Path("/run/systemd/journal/io.systemd.journal").exists():
        assert journald.poll() is None
        time.sleep(0.05)
    subprocess.run(["journalctl", "--flush"], check=True)
    now = time.time_ns() // 1000
    write_journal(Path("/run/one.journal"), export([now - 20 * DAY]))
    made = []
    for number in range(8):
        days = 20 - number if number < 4 else 8 - number
        made.append(archived("system", "ab" * 16, number + 1, now - days * DAY))
        shutil.copy("/run/one.journal", journals / made[-1])
    subprocess.run(["systemd-cat", "echo", "an entry"], check=True)
    subprocess.run(["journalctl", "--sync"], check=True)
    vacuumed = opskit("journal", "vacuum", "10d", "--rotate", "--keep-copy", "/run/copy")
    undone = opskit("undo", "last")
    print(json.dumps([made, vacuumed, undone, Path("/run/copy").exists()]))
finally:
    journald.terminate()
    journald.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0 or not JOURNALD or bool(missing()), reason="needs root, and journald")
def test_what_journald_deletes_when_it_rotates_was_copied_before() -> None:
    """The journal is at its limit: with the rotation journald itself deletes the oldest of what is to go."""
    code = INSIDE.format(tests=[str(TESTS), str(ROOT)], python=sys.executable, journald=JOURNALD)
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    made, (status, answer, left), (undone, _, after), copies = json.loads(done.stdout)
    assert status == 0, answer
    assert (len(answer["result"]["gone"]), answer["result"]["as_predicted"]) == (4, True)
    assert [name for name in made if name in left] == made[4:]
    assert (undone, copies) == (0, False)
    assert [name for name in made if name in after] == made
