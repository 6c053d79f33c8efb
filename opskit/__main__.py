"""`python -m opskit`, and the `opskit` program itself."""

from __future__ import annotations

import gc
import sys


def run() -> None:
    """Answer --version without importing anything; leave the rest to cli.py."""
    if sys.argv[1:] == ["--version"]:
        from opskit import __version__  # noqa: PLC0415

        print(f"opskit {__version__}")
        return
    # Collections while modules are imported find nothing, and take a tenth of the start.
    gc.disable()
    try:
        from opskit.cli import main  # noqa: PLC0415

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:  # before main could take it, or after
        print("opskit: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    run()
