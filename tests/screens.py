"""A terminal of a test that has a screen: what a program draws on it with the capabilities of a vt100 can be read."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import unicodedata
from collections.abc import Callable, Mapping, Sequence

# A control sequence, another escape, a control character, or a character.
TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b(?!\[)([^\[()])|([\s\S])")
# Only a limit: on a busy machine a program takes long to start.
SECONDS = 300


class ScreenTerminal:
    """A program on a terminal of so many lines and columns: what ncurses sends to a vt100 and to an xterm is known."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], lines: int = 24, columns: int = 80, cwd: str = "/"
    ) -> None:
        self.master, slave = pty.openpty()
        self.resize(lines, columns, tell=False)
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=cwd, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )  # fmt: skip
        os.close(slave)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = self.raw = self.last = ""

    def resize(self, lines: int, columns: int, *, tell: bool = True) -> None:
        """Have another size; the program is told, as by a terminal."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.height, self.width = lines, columns
        self.cells = [[" "] * columns for _ in range(lines)]
        self.y = self.x = 0
        if tell:
            os.killpg(self.process.pid, signal.SIGWINCH)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    @property
    def screen(self) -> list[str]:
        return ["".join(cell for cell in line).rstrip() for line in self.cells]

    def wait_for(self, what: str | Callable[[list[str]], bool]) -> list[str]:
        """Read until the screen has this text, or is as a function wants it. The screen."""
        wanted = what if callable(what) else lambda screen: any(what in line for line in screen)
        while not wanted(self.screen):
            assert self._read(), "it ended:\n" + "\n".join(self.screen)
        return self.screen

    def end(self) -> int:
        """Read on to the end. The exit status."""
        while self._read():
            pass
        return self.process.wait(timeout=SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)

    def _read(self) -> bool:
        ready, _, _ = select.select([self.master], [], [], SECONDS)
        assert ready, "nothing more comes:\n" + "\n".join(self.screen)
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: the other end was closed
            return False
        text = self.decoder.decode(data)
        self.raw += text
        text = self.rest + text
        # A sequence may be cut in two.
        cut = re.search(r"\x1b(?:\[[?\d;]*|[()])?\Z", text)
        text, self.rest = (text[: cut.start()], cut[0]) if cut else (text, "")
        self.draw(text)
        return bool(data)

    def draw(self, text: str) -> None:
        """What the terminal makes of this."""
        for parameters, final, escape, char in TOKEN.findall(text):
            if final:
                self._sequence(parameters, final)
            elif escape == "M":
                self.y = max(0, self.y - 1)
            elif char:
                self._char(char)

    def _sequence(self, parameters: str, final: str) -> None:  # noqa: C901 - one sequence after the other
        numbers = [int(word) for word in parameters.split(";") if word.isdigit()]
        first = numbers[0] if numbers else 0
        if final == "H":
            self.y, self.x = (number - 1 for number in (*numbers, 1, 1)[:2]) if numbers else (0, 0)
        elif final in "ABCD":
            by = {"A": (-1, 0), "B": (1, 0), "C": (0, 1), "D": (0, -1)}[final]
            self.y, self.x = self.y + by[0] * max(1, first), self.x + by[1] * max(1, first)
        elif final in "dG":
            self.y, self.x = (first - 1, self.x) if final == "d" else (self.y, first - 1)
        elif final == "X":
            self.cells[self.y][self.x : self.x + first] = [" "] * min(first, self.width - self.x)
        elif final == "b":
            for _ in range(first):
                self._char(self.last)
        elif final == "K":
            here = {0: range(self.x, self.width), 1: range(self.x + 1), 2: range(self.width)}[first]
            for at in here:
                self.cells[self.y][at] = " "
        elif final == "J":
            for line in self.cells[self.y + 1 if first == 0 else 0 :]:
                line[:] = [" "] * self.width
            if first == 0:
                self.cells[self.y][self.x :] = [" "] * (self.width - self.x)
        self.y, self.x = min(max(self.y, 0), self.height - 1), min(max(self.x, 0), self.width - 1)

    def _char(self, char: str) -> None:
        if char == "\n":
            self.y += 1
        elif char == "\r":
            self.x = 0
        elif char == "\b":
            self.x = max(0, self.x - 1)
        elif char == "\t":
            self.x = min(self.width - 1, self.x // 8 * 8 + 8)
        elif char >= " ":
            wide = unicodedata.east_asian_width(char) in {"W", "F"}
            if self.x + wide >= self.width:
                self.y, self.x = self.y + 1, 0
            self._scroll()
            self.cells[self.y][self.x] = self.last = char
            if wide:
                self.cells[self.y][self.x + 1] = ""
            self.x += 1 + wide
        self._scroll()

    def _scroll(self) -> None:
        while self.y >= self.height:
            self.cells = [*self.cells[1:], [" "] * self.width]
            self.y -= 1


def left_of(text: str) -> list[str]:
    """What a terminal shows in the end of what was written to it."""
    terminal = ScreenTerminal.__new__(ScreenTerminal)
    terminal.height, terminal.width, terminal.y, terminal.x, terminal.last = 200, 400, 0, 0, ""
    terminal.cells = [[" "] * terminal.width for _ in range(terminal.height)]
    terminal.draw(text)
    return terminal.screen
