"""For a pip older than 20, which comes with such an old Python and knows nothing of pyproject.toml's backend."""

import sys

if sys.version_info < (3, 9):
    sys.exit("opskit needs Python 3.9 or newer; {} is {}.{}".format(sys.executable, *sys.version_info[:2]))
sys.exit("opskit is built by pip 20 or newer: python3 -m pip install --upgrade pip")
