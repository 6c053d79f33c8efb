"""QEMU's monitor: commands and events (the QEMU Machine Protocol), over the project's own client qemu.qmp."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from qemu.qmp import ConnectError
from qemu.qmp.legacy import QEMUMonitorProtocol

from vmlab.image import LabError

COMMAND_SECONDS = 600.0
CONNECT_SECONDS = 60.0
Fits = Callable[[dict[str, Any]], bool]  # whether an event with this data is the one waited for


class Qmp:
    """A connection to the monitor's socket. Raises LabError when nobody listens there."""

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            self._client = QEMUMonitorProtocol(str(path))
            self._client.settimeout(COMMAND_SECONDS)
            try:
                self._client.connect()
            except ConnectError as error:
                # The socket is there from bind(2) on, and nobody listens until listen(2): nothing tells of that.
                self.close()
                if not isinstance(error.exc, ConnectionRefusedError) or time.monotonic() > deadline:
                    raise LabError(f"QMP {path}: {error}") from error
                time.sleep(0.02)
            else:
                return

    def execute(self, command: str, arguments: Optional[dict[str, Any]] = None) -> Any:
        """What a command returns. Raises LabError with QEMU's own words."""
        try:
            return self._client.cmd(command, **(arguments or {}))
        except Exception as error:
            raise LabError(f"QMP {command}: {error}") from error

    def wait(self, event: str, fits: Fits, seconds: float = COMMAND_SECONDS) -> dict[str, Any]:
        """Wait for an event and return its data; others are dropped. Raises LabError after so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self._client.pull_event(wait=max(0.001, deadline - time.monotonic()))
            except Exception as error:
                raise LabError(f"no event {event} in {seconds:.0f} s: {type(error).__name__} {error}") from error
            if message is not None and message["event"] == event and fits(message.get("data", {})):
                return dict(message.get("data", {}))

    def clear(self) -> None:
        """Forget the events so far."""
        self._client.get_events()

    def close(self) -> None:
        """End the connection; QEMU may have ended it first."""
        with contextlib.suppress(Exception):
            self._client.close()
