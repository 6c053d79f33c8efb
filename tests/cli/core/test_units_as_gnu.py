"""ceiling_text writes every size as GNU does: numfmt is asked for thousands of them at once."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from opskit.core.units import ceiling_text


def test_ceiling_text_is_what_numfmt_says() -> None:
    if not shutil.which("numfmt"):
        pytest.skip("numfmt is not on this host")
    chance = random.Random(4)
    edges = [factor * 1024**power + off for power in range(6) for factor in (1, 9, 10, 99, 1023) for off in (-1, 0, 1)]
    tenths = [1024**power * n // 10 + off for power in range(1, 6) for n in range(10, 101) for off in (-1, 0, 1)]
    # numfmt counts in long double: beyond 2**63 it is no judge.
    sizes = [size for size in edges + tenths if size >= 0] + [chance.getrandbits(n % 62 + 1) for n in range(20000)]
    numbers = "\n".join(map(str, sizes))
    argv = ["numfmt", "--to=iec", "--round=up"]
    output = subprocess.run(argv, input=numbers, capture_output=True, text=True, check=True, timeout=300).stdout.split()
    assert [ceiling_text(size) for size in sizes] == output
