"""Container engines that answer what they are told to."""

from __future__ import annotations

from collections.abc import Mapping

from opskit.core.command import Command, Result
from opskit.core.errors import CommandFailed, Missing


class Engines:
    """A runner: by engine and subcommand, the exit status and the output. An engine that is left out is missing."""

    def __init__(self, **engines: Mapping[str, tuple[int, str]]) -> None:
        self.engines = engines

    def run(self, command: Command) -> Result:
        engine = self.engines.get(command.argv[0])
        if engine is None:
            raise Missing(command.argv[0], "this program is not on the host")
        word = next(word for word in command.argv[1:] if word != "container")
        status, stdout = engine[word]
        result = Result(command, status, stdout, "", 0.0)
        if status not in command.accept:
            raise CommandFailed(result)
        return result
