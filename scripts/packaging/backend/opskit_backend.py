"""hatchling, behind a word for who has a Python that is too old: pip would answer with a page of errors.

Read by such a Python, too: nothing newer than Python 3.6 is used here.
"""

import sys

if sys.version_info < (3, 9):
    sys.exit("opskit needs Python 3.9 or newer; {} is {}.{}".format(sys.executable, *sys.version_info[:2]))

from hatchling.build import *  # noqa: F403 - the hooks of the build backend, under their own names
