"""What opskit-VERSION.pyz starts. Read by Python 2.7 and every Python 3 first: nothing that they do not know."""

import os
import sys

OLDEST, NEWEST = 9, 13


def another():
    """A newer Python of this host: EL8 may have python3.11 beside its python3, which is 3.6."""
    for minor in range(NEWEST, OLDEST - 1, -1):
        for directory in ("/usr/bin", "/usr/local/bin"):
            path = "{}/python3.{}".format(directory, minor)
            if os.access(path, os.X_OK):
                return path
    return None


here = os.path.abspath(os.path.dirname(__file__))
if sys.version_info < (3, OLDEST):
    python = another()
    if python is None:
        text = "opskit: {} is {}.{}, and opskit needs Python 3.{} or newer: the RPM and the standalone build bring one"
        sys.exit(text.format(sys.executable, sys.version_info[0], sys.version_info[1], OLDEST))
    os.execv(python, [python, "-I", here] + sys.argv[1:])

# An absolute path: opskit keeps only its own place, and a relative one would be another after a change of directory.
sys.path[0] = here
from opskit.__main__ import run  # noqa: E402

run()
