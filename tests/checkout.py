"""Where things are in this checkout: a test may move to another folder without counting its parents anew."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
# Complete facts of hosts, as `opskit disk facts` saves them.
HOSTS = sorted((TESTS / "golden/disk/hosts").glob("*.json"))
