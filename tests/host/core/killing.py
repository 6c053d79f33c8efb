"""opskit that gets a signal at a moment that is counted in what it does: in what Python tells an audit hook of.

The moment may be a little later than that, so that it falls into a program that opskit has started, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from host.tools import ENVIRONMENT, Answer

# argv: how many events, the signal, seconds after that, whether to count from the first line in the ledger on; then the
# words of opskit.
PROGRAM = """
import os, sys, time
count, number, delay, steps = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "steps"
KINDS = {"open", "os", "subprocess", "fcntl", "shutil", "tempfile", "socket", "ctypes"}
state = {"left": count, "counting": not steps, "over": False}

def hook(event, arguments):
    if state["over"] or event.partition(".")[0] not in KINDS:
        return
    if event == "open" and str(arguments[0]).endswith("ledger.jsonl") and arguments[2] & os.O_APPEND:
        state["counting"] = True
    state["left"] -= state["counting"]
    if state["left"] < 0:
        state["over"] = True
        opskit = os.getpid()
        if not delay:
            os.kill(opskit, number)
        elif os.fork() == 0:
            os.closerange(3, 64)  # no lock of opskit's is ours
            time.sleep(delay)
            if os.getppid() == opskit:  # it may have ended: whose child we are then gets no signal
                os.kill(opskit, number)
            os._exit(0)

import opskit.__main__, opskit.cli
sys.argv = ["opskit", *sys.argv[5:]]
sys.addaudithook(hook)
opskit.__main__.run()
"""


@dataclass(frozen=True)
class Moment:
    """When which signal comes.

    count: of audit events
    delay: seconds after that
    steps: count from the first line in the ledger on
    """

    number: signal.Signals
    count: int
    delay: float
    steps: bool


def killed(moment: Moment, words: Sequence[str], state: str, prefix: Sequence[str] = ()) -> Answer:
    """opskit with these words, and how it ended. One that was stopped goes on once another opskit has had its turn."""
    numbers = [str(moment.count), str(int(moment.number)), str(moment.delay), "steps" if moment.steps else "all"]
    process = subprocess.Popen(
        [*prefix, sys.executable, "-I", "-c", PROGRAM, *numbers, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        env={**ENVIRONMENT, "OPSKIT_STATE_DIR": state},
        cwd="/",
    )
    if moment.number == signal.SIGSTOP:
        stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if stopped and stopped.si_code == os.CLD_STOPPED:
            process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=300)
    return Answer(process.returncode, out, err)
