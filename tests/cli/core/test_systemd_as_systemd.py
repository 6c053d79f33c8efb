"""The files that make up a configuration, against the systemd-analyze of this machine."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from opskit.core.unit_files import conf_files
from tiers import more, slow

PLACES = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
NAMES = ("10-a.conf", "20-b.conf", "5.conf", "a.conf", "B.conf", "\u00e4.conf", ".c.conf", "d.conf~", "e.txt", "conf")


def make(root: Path, seed: int) -> None:
    """A tree of main files and drop-ins, some of them masked, some empty."""
    rnd = random.Random(seed)
    for place in PLACES:
        folder = root / place / "journald.conf.d"
        files = [root / place / "journald.conf"] if rnd.random() < 0.4 else []
        if rnd.random() < 0.8:
            files += [folder / name for name in NAMES if rnd.random() < 0.4]
        for path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent == folder and rnd.random() < 0.2:
                path.symlink_to("/dev/null")
            else:
                path.write_text(rnd.choice(("", "[Journal]\nSystemMaxUse=1G\n")))


@pytest.mark.parametrize("count", [30, slow(150), more(600)])
def test_the_files_and_their_order(count: int, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze on this machine")
    differ, files = [], 0
    for seed in range(count):
        root = tmp_path / str(seed)
        root.mkdir()
        make(root, seed)
        argv = ["systemd-analyze", f"--root={root}", "cat-config", "systemd/journald.conf"]
        stdout = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        # A masked one it names, too; what is in it is nothing.
        theirs = [path for path in re.findall(r"^# (/.*\.conf)$", stdout, re.MULTILINE) if not Path(path).is_symlink()]
        ours = conf_files("journald.conf", str(root))
        files += len(ours)
        if ours != theirs:
            differ.append((seed, ours, theirs))
    print(f"{count - len(differ)} of {count} trees with {files} files as systemd-analyze has them")
    assert not differ
    assert files > count
