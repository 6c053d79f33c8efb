"""What `opskit memcached status` asks of whom."""

from __future__ import annotations

from typing import Any

import pytest

from opskit.memcached.status import see
from opskit.memcached.status.model import Instance


@pytest.mark.parametrize("word", ["-s", "-Y"])
def test_an_instance_whose_files_are_on_a_mount_that_does_not_answer_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    line = ("memcached", word, "/mnt/file")
    instance = Instance(7, "nobody", "", line, (), "/mnt/file" if word == "-s" else "", 1, 0.0)
    calls: list[Any] = []
    monkeypatch.setattr(see, "_instances", lambda: [instance])
    monkeypatch.setattr(see.proc, "units_that_run", lambda _runner, units: units)
    monkeypatch.setattr(see, "silence_at", lambda path: "it did not answer" if path == "/mnt/file" else "")
    monkeypatch.setattr(see, "_ask", lambda *words: calls.append(words))
    (silent,) = see.see_instances(None, 1.0)  # type: ignore[arg-type]
    assert (silent.answer, silent.why, calls) == (None, "/mnt/file: it did not answer", [])
