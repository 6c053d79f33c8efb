"""The browser on a terminal, by curses: keys in, lines out."""

from __future__ import annotations

import contextlib
import curses
import locale
import os
import select
import sys
from collections.abc import Iterator
from typing import Any

from opskit.core.errors import Failed, UsageFault
from opskit.ui.browse.browser import Browser

# So often in a row a read may give nothing: a terminal that is gone gives nothing for ever.
EMPTY_READS = 100
# Milliseconds that a lone ESC is waited on for the rest of a key's sequence; a slow line may take some tens.
ESCAPE_MS = 100
_NAMES = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_LEFT: "left",
    curses.KEY_RIGHT: "right",
    curses.KEY_PPAGE: "pageup",
    curses.KEY_NPAGE: "pagedown",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    curses.KEY_BACKSPACE: "backspace",
    curses.KEY_RESIZE: "resize",
}
LOOK_MILLISECONDS = 200
_CHARACTERS = {"\n": "enter", "\r": "enter", "\x7f": "backspace", "\b": "backspace", "\x1b": "escape"}


def check_terminal() -> None:
    """Raise UsageFault where there is no terminal that a screen can be drawn on, with what does without."""
    todo = "without one: opskit du --all; or opskit du --save FILE.ncdu here, and opskit du --browse FILE.ncdu there"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageFault("opskit du --browse", "there is no terminal to draw on", todo=todo)
    name = os.environ.get("TERM", "")
    try:
        curses.setupterm(fd=sys.stdout.fileno())  # initscr() would end the whole program
    except curses.error:
        why = f"this host does not know the terminal TERM={name!r}"
        raise UsageFault("opskit du --browse", why, todo="TERM=xterm, or TERM=vt100, before the command") from None
    if not curses.tigetstr("cup"):
        why = f"the terminal TERM={name!r} cannot move its cursor"
        raise UsageFault("opskit du --browse", why, todo=todo)


def run_browser(browser: Browser) -> str:
    """Show it until it wishes for something, and give the terminal back. The wish: QUIT, DELETE or RESCAN."""
    browser.wish = ""
    with _window() as window:
        empty = 0
        # A change of the size that comes just before the wait for a key is seen by the next one.
        window.timeout(LOOK_MILLISECONDS)
        while not browser.wish:
            _draw(window, browser)
            try:
                key = window.get_wch()
            except curses.error:  # a signal, or nothing to read: at the end of a terminal there would be
                empty += bool(select.select([sys.stdin], [], [], 0)[0])
                if empty > EMPTY_READS:
                    raise Failed("opskit du --browse", "the terminal is gone") from None
                continue
            empty = 0
            name = _NAMES.get(key, "") if isinstance(key, int) else _CHARACTERS.get(key, key)
            if name == "resize":
                with contextlib.suppress(curses.error):
                    curses.update_lines_cols()
                window.clear()
            elif name:
                browser.press(name, max(1, window.getmaxyx()[0] - 3))
    return browser.wish


@contextlib.contextmanager
def _window() -> Iterator[Any]:
    """A screen of curses; the terminal is as it was when this ends, whatever ended it."""
    with contextlib.suppress(locale.Error):  # LANG names one that is not here: then it is C
        locale.setlocale(locale.LC_CTYPE, "")
    window = curses.initscr()
    try:
        curses.noecho()
        curses.cbreak()
        window.keypad(True)
        if hasattr(curses, "set_escdelay"):
            curses.set_escdelay(ESCAPE_MS)
        with contextlib.suppress(curses.error):  # not every terminal can hide it
            curses.curs_set(0)
        yield window
    finally:
        window.keypad(False)
        with contextlib.suppress(curses.error):
            curses.endwin()


def _draw(window: Any, browser: Browser) -> None:
    height, width = window.getmaxyx()
    styles = {"title": curses.A_BOLD, "cursor": curses.A_REVERSE, "dim": curses.A_DIM}
    encoding = window.encoding
    window.erase()
    # The last column stays free: to write the last cell of a screen moves its cursor out of it, which is an error.
    for at, line in enumerate(browser.lines(height, width - 1)):
        text = line.text.encode(encoding, "backslashreplace").decode(encoding)
        with contextlib.suppress(curses.error):  # resized in this moment
            window.addstr(at, 0, text, styles.get(line.style, curses.A_NORMAL))
    window.refresh()
