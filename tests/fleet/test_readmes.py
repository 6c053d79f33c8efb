"""The lines of the READMEs about many hosts, as they stand there, from a folder with the inventory that they name."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from fleet.conftest import NewLab
from fleet.control import Control
from readmes import FLEET
from screens import ScreenTerminal
from tiers import Agree

ASKED = ("opskit fleet apply", "opskit fleet undo")


def test_the_lines_about_many_hosts(new_lab: NewLab, agree: Agree) -> None:
    lab = new_lab(2)
    control = Control(lab)
    shared = {
        "ansible_host": "127.0.0.1",
        "ansible_ssh_private_key_file": lab.folder / "key",
        "ansible_ssh_common_args": shlex.quote(shlex.join(lab.ssh_options)),
    }
    words = " ".join(f"{name}={value}" for name, value in shared.items())
    hosts = [f"{name} ansible_port={host.port} {words}" for name, host in lab.hosts.items()]
    (control.folder / "hosts.ini").write_text("\n".join(["[web]", *hosts, ""]))
    path = f"{Path(sys.executable).parent}:{control.environment['PATH']}"
    wrong, right = [], 0
    for line, codes in FLEET.items():
        environment = {**control.environment, "PATH": path, "TERM": "xterm"}
        terminal = ScreenTerminal(["sh", "-c", line], environment, 200, 100, cwd=str(control.folder))
        if line.startswith(ASKED):
            terminal.wait_for("[y/N]")
            terminal.type("y\n")
        ended = terminal.end()
        right += ended in codes
        wrong += [] if ended in codes else [f"{line}: exit {ended}\n" + "\n".join(filter(None, terminal.screen))]
        terminal.close()
    assert not wrong, "\n".join(wrong)
    agree("command lines of the READMEs about many hosts, as they stand there", right, len(FLEET))
    assert (control.folder / "run.html").stat().st_size
