"""`python -m opskit`, and the `opskit` program itself."""

# Not even __future__: what is imported before run() has seen to sys.path may be another user's.
import sys


def run() -> None:
    """Answer --version without importing much; leave the rest to cli.py."""
    _keep_own_places()
    _open_streams()
    needed = _take_needs()
    if sys.argv[1:] == ["--version"]:
        from opskit.core.build import fits, version_line  # noqa: PLC0415

        if all(fits(each) for each in needed):
            try:
                print(version_line(), flush=True)
            except OSError:  # cli.py meets the same, and tells it
                pass
            else:
                return
    _end_on_signals()
    import gc  # noqa: PLC0415

    # Collections while modules are imported find nothing, and take a tenth of the start.
    gc.disable()
    try:
        from opskit.cli import main  # noqa: PLC0415

        _end(main(sys.argv[1:], *needed))
    except KeyboardInterrupt:  # before main could take it, or after
        print("opskit: interrupted", file=sys.stderr)
        sys.exit(130)


def _keep_own_places() -> None:
    """Leave in sys.path what belongs to this Python, and the place that opskit itself came from.

    PYTHONPATH, the user's own packages and the working directory go: modules of their names would be run as root. What
    the interpreter imports by itself before that, opskit's own place among them, only `python -I` decides.
    """
    import os  # noqa: PLC0415 - the interpreter has imported it

    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    roots = {os.path.join(root, "") for root in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)}
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # a relative one is in no root
    library = os.path.dirname(os.__file__)
    # Before 3.11 there is no safe_path; -I was isolated then, too.
    begins = 0 if sys.flags.isolated or getattr(sys.flags, "safe_path", False) else 1
    sys.path[:] = [
        path
        for number, path in enumerate(sys.path)
        if path == own
        or (number >= begins and path.startswith(tuple(roots)) and (path not in named or path.startswith(library)))
    ]


def _take_needs() -> list[str]:
    """The one word that --needs has, none without it; it is taken away: no part of the command, nor of its ledger."""
    option, sign, needed = "".join(sys.argv[1:2]).partition("=")
    if option != "--needs":
        return []
    if not sign:
        needed = "".join(sys.argv[2:3])
    del sys.argv[1 : 2 if sign else 3]
    return [needed]


def _end_on_signals() -> None:
    """Until main() listens itself, a signal ends opskit with one line: nothing has begun."""
    # The module of the interpreter that signal.py stands on: it opens no file, so that no signal comes before this.
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415
    import os  # noqa: PLC0415

    def end(number: int, _frame: object) -> None:
        os.write(2, b"opskit: interrupted\n")
        os._exit(128 + number)

    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, end)


def _open_streams() -> None:
    """Put /dev/null where stdin, stdout or stderr is closed: else the next disk that is opened would be stdout."""
    import os  # noqa: PLC0415
    from io import TextIOWrapper  # noqa: PLC0415

    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # open(2): the lowest number that is free
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))
    # The script of a plan holds names to the byte; in a locale such as en_US.UTF-8 Python would refuse to write them.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")


def _end(code: int) -> None:
    """End as sys.exit does, but leave the memory to the kernel: to take all modules apart takes milliseconds.

    logging closes its handlers in what atexit runs; nothing else of opskit is left to an end. No thread is.
    """
    import atexit  # noqa: PLC0415
    import os  # noqa: PLC0415
    from contextlib import suppress  # noqa: PLC0415

    atexit._run_exitfuncs()  # noqa: SLF001 - the same in all of CPython 3
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
