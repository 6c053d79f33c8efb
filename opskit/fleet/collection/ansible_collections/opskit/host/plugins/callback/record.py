"""opskit.host.record: what happens, an event a line, for `opskit fleet`."""

from __future__ import annotations

DOCUMENTATION = r"""
name: record
type: stdout
short_description: Records what happens on each host, for opskit fleet
version_added: "0.2.0"
description:
  - Appends one line of JSON for each event to the file that the variable C(OPSKIT_FLEET_EVENTS) names, and prints
    nothing. C(opskit fleet) sets it, and reads that file.
  - Once more hosts have failed than C(OPSKIT_FLEET_MAX_FAIL) says, or C(opskit fleet) is gone, it makes the file
    C(OPSKIT_FLEET_STOP); the actions of this collection leave a host alone then that has not begun.
author:
  - The opskit authors (@opskit)
requirements:
  - set as the callback for stdout
"""

import datetime as dt
import json
import os
import re
import signal
from contextlib import suppress
from typing import Any

from ansible.plugins.callback import CallbackBase
from ansible.release import __version__

# With 2.12 each action fails, and does not say why.
OLDEST = (2, 13)
# The exit codes of opskit that are no failure: done, changes pending, findings.
SOUND = (0, 3, 4)
SEVERE = ("error", "critical")
# As opskit has it (opskit.fleet.model), which compares the same findings afterwards.
NUMBER = r"(?<![^\s(])\d+(?:,\d{3})*(?:\.\d+)?(?=(?:[KMGTPE]|%|s|m|h|d)?[)\],;:.]*(?:\s|$))"
MAIN = ("plan", "apply", "undo", "run", "check")
# Whose failure counts: what is asked for, and the check after the turn of the first batch. A host that does not answer
# that one is worse off than one that has a finding.
COUNTED = (*MAIN, "after")


class CallbackModule(CallbackBase):
    """Writes events."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "opskit.host.record"

    def __init__(self) -> None:
        super().__init__()
        environ = os.environ
        self._path = environ.get("OPSKIT_FLEET_EVENTS", "")
        self._stop_path = environ.get("OPSKIT_FLEET_STOP", "")
        self._wake = int(environ.get("OPSKIT_FLEET_WAKE") or -1)
        limit = environ.get("OPSKIT_FLEET_MAX_FAIL", "")
        self._max_fail = int(limit) if limit else None
        self._exact = bool(environ.get("OPSKIT_FLEET_EXACT"))
        self._hosts: list[str] = []
        self._failed: set[str] = set()
        self._before: dict[str, set[tuple[str, str]]] = {}
        if self._path:
            self._check_release()
            # They are for opskit, which has the hosts that have begun finished. Ansible has set handlers of its own,
            # and ssh hears the terminal whatever it inherits: passwords are asked by now, it is not needed any more.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with suppress(OSError):
                os.setsid()

    def _check_release(self) -> None:
        """End it, before any host is asked, where no action of this collection would work."""
        if tuple(map(int, __version__.split(".")[:2])) < OLDEST:
            needed = ".".join(map(str, OLDEST))
            self._display.error(f"ansible-core {__version__} is too old: opskit fleet needs {needed} or newer")
            raise SystemExit(1)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """A batch of hosts begins."""
        inventory = play.get_variable_manager()._inventory  # noqa: SLF001 - there is no other way to it
        if not self._hosts:
            named = play.get_vars().get("opskit_fleet_hosts") or play.hosts  # those of all plays
            self._hosts = self._named(inventory, named)
            self._write("hosts", hosts=self._hosts)
        elif self._exact:
            self._named(inventory, play.hosts)
        names = [host.get_name() for host in inventory.get_hosts(play.hosts)]
        self._write("batch", hosts=names)

    def _named(self, inventory: Any, names: list[str]) -> list[str]:
        """The hosts of these names. Where one means another host, or none, no host is begun."""
        hosts = [host.get_name() for host in inventory.get_hosts(names, ignore_restrictions=True)]
        if self._exact and set(hosts) != set(map(str, names)):
            self._stop()
        return hosts

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task begins on a host."""
        self._write("begun", host=host.get_name(), task=task.get_name())

    def v2_runner_on_ok(self, result: Any) -> None:
        """It has an answer."""
        self._ended(result)

    def v2_runner_on_failed(self, result: Any, **_options: Any) -> None:
        """It has failed."""
        self._ended(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """It was left alone: for the stop file, or because it is not of the first batch."""
        values = _values(result)
        if values.get("not_begun"):
            self._ended(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """There was no way to it, or the way was lost."""
        host, task = _names(result)
        if task in COUNTED:
            self._fail(host)
        self._write("unreachable", host=host, task=task, why=str(_values(result).get("msg", "")).strip())

    def v2_playbook_on_stats(self, _stats: Any) -> None:
        """All is over."""
        self._write("end")

    def _ended(self, result: Any) -> None:
        host, task = _names(result)
        values = _values(result)
        code, answer = values.get("rc"), values.get("answer")
        answer = answer if isinstance(answer, dict) else None
        left_alone = bool(values.get("not_begun"))
        sound = code in SOUND and answer is not None and not answer.get("error")
        if task in COUNTED and not left_alone and not sound:
            self._fail(host)
        if task == "before":
            self._before[host] = {_named(finding) for finding in _findings(answer)}
        if task == "after" and not left_alone:
            known = self._before.get(host, set())
            severe = [each for each in _findings(answer) if each.get("severity") in SEVERE]
            if any(_named(each) not in known for each in severe):
                self._fail(host)
        why = "" if answer is not None or left_alone else _reason(values)
        self._write(
            "ended",
            host=host,
            task=task,
            rc=code if isinstance(code, int) else None,
            not_begun=left_alone,
            tool=values.get("tool") if isinstance(values.get("tool"), dict) else {},
            answer=answer,
            why=why,
        )

    def _fail(self, host: str) -> None:
        self._failed.add(host)
        if self._max_fail is not None and len(self._failed) > self._max_fail:
            self._stop()

    def _stop(self) -> None:
        # What is forked from here on inherits it: the file cannot be made where the disk is full or read-only.
        os.environ["OPSKIT_FLEET_STOPPED"] = "yes"
        if self._stop_path:
            with suppress(OSError):
                os.close(os.open(self._stop_path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def _write(self, event: str, **values: Any) -> None:
        """One line, on the disk before anything else is done; what cannot be recorded is not begun."""
        if not self._path:
            return
        now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **values}).encode() + b"\n"
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                if size and os.pread(descriptor, 1, size - 1) != b"\n":  # half a line, of a crash
                    line = b"\n" + line
                while line:
                    line = line[os.write(descriptor, line) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._display.error(f"{self._path}: the events cannot be kept: {error.strerror}")
            self._stop()
        self._tell()

    def _tell(self) -> None:
        """Wake opskit up. Once nobody listens, opskit is gone: what has begun is finished, and nothing else begins."""
        if self._wake < 0:
            return
        try:
            os.write(self._wake, b".")
        except BlockingIOError:
            pass  # it has enough to read
        except OSError:
            self._wake = -1
            self._stop()


def _names(result: Any) -> tuple[str, str]:
    """The host and the task, in any release of Ansible."""
    host = getattr(result, "host", None) or result._host  # noqa: SLF001
    task = getattr(result, "task", None) or result._task  # noqa: SLF001
    return host.get_name(), task.get_name()


def _values(result: Any) -> dict[str, Any]:
    values = getattr(result, "result", None)
    return values if isinstance(values, dict) else dict(result._result)  # noqa: SLF001


def _reason(values: dict[str, Any]) -> str:
    """Why there is no answer."""
    texts = (values.get("msg"), values.get("stderr"), values.get("exception"))
    return next((str(text).strip() for text in texts if text), "no answer came")


def _findings(answer: dict[str, Any] | None) -> list[dict[str, Any]]:
    findings = (answer or {}).get("findings")
    return [each for each in findings if isinstance(each, dict)] if isinstance(findings, list) else []


def _named(finding: dict[str, Any]) -> tuple[str, str]:
    """What makes two findings the same: a number that stands alone in the title does not."""
    return str(finding.get("id")), re.sub(NUMBER, "0", str(finding.get("title")), flags=re.ASCII)
