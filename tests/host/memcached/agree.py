"""Runs lines on the memcached of this host, in namespaces of their own, and says what came of each.

    unshare --net --pid --fork --kill-child --mount-proc python memcached_agree.py < lines

Each line of stdin is JSON: the words, and how many listeners are expected, so that a slow machine is waited for.
Each line of stdout is JSON: how it ended, where it listens, what it answers.
All it starts ends with it: it is the first process of its PID namespace.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

from opskit.core.procfs import pids
from opskit.memcached.see.proc import process, sockets_of

# Only a limit: on a busy machine it takes longer until one listens.
SECONDS = 300.0
SETTINGS = ("maxbytes", "maxconns", "num_threads", "item_size_max")


def here() -> set[int]:
    """The memcached processes: in this PID namespace there are no others."""
    processes = {pid: process(pid) for pid in pids()}
    return {pid for pid, process in processes.items() if process and process.name == "memcached"}


def settled(pid: int) -> bool:
    """Whether its threads are there: they come after the checks and before the sockets."""
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 4
    except OSError:
        return False


def ask(listeners: list[str]) -> dict[str, Any]:
    """stats settings, over the first TCP port on IPv4."""
    for text in listeners:
        protocol, _, place = text.partition(" ")
        address, _, port = place.rpartition(":")
        if protocol != "tcp" or address.startswith("["):
            continue
        try:
            with socket.create_connection(("127.0.0.1" if address == "*" else address, int(port)), 10) as connection:
                connection.sendall(b"stats settings\r\n")
                output = b""
                while not output.endswith((b"END\r\n", b"ERROR\r\n")) and not output.startswith(b"CLIENT_ERROR"):
                    answer = connection.recv(65536)
                    if not answer:
                        return {"silent": "it closed the connection"}
                    output += answer
        except OSError as error:
            return {"silent": str(error)}
        words = (line.split(" ", 2) for line in output.decode().splitlines() if line.startswith("STAT "))
        pairs = (each[1:] for each in words if len(each) == 3)
        return {key: int(value) for key, value in pairs if key in SETTINGS}
    return {}


def reap() -> None:
    """Wait for what is ours by now: a daemon has nobody else."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        return


def run(words: list[str], expected: int) -> dict[str, Any]:
    started = subprocess.Popen(
        ["memcached", *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/"
    )
    end = time.monotonic() + SECONDS
    same = gone = 0
    listeners: list[str] = []
    try:
        # What listens runs; what does not may still end when it opens a file (ext_path): it is watched for longer.
        while time.monotonic() < end and same < (3 if listeners else 50):
            ended = started.poll() is not None
            alive = here()
            # A daemon is there before the process ends that was started.
            gone = gone + 1 if ended and not alive else 0
            if gone > 3:
                break
            seen = sorted(listener.text for pid in alive for listener in sockets_of(pid))
            enough = len(seen) >= expected and all(settled(pid) for pid in alive)
            same = same + 1 if alive and enough and seen == listeners else 0
            listeners = seen
            time.sleep(0.02)
        if here():
            answer = ask(listeners)
            # What is ended by a question has no process any more, in a moment.
            while "silent" in answer and here() and time.monotonic() < end and same < 20:
                same += 1
                time.sleep(0.02)
            return {"status": None, "listeners": listeners, **(answer if here() else {"ended": True})}
        return {"status": started.wait(SECONDS)}
    finally:
        for pid in here():
            os.kill(pid, signal.SIGKILL)
        started.kill()
        started.communicate()
        reap()


def main() -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", "10.0.0.5/32", "dev", "lo"], check=True)
    for line in sys.stdin:
        print(json.dumps(run(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
