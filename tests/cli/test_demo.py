"""scripts/demo runs to its end, and leaves nothing behind also when the main job dies half-way."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from checkout import ROOT

# It makes .venv, unless scripts/test has made it.
# Not beside tests/cli/test_fresh.py: its mount namespace would take the demo's mount with it, and umount refuses then.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.xdist_group("mounts")]


def demo(place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it, with place for its disk."""
    return subprocess.run(
        [str(ROOT / "scripts" / "demo")], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(place), **environment},
    )  # fmt: skip


def left_behind(place: Path) -> list[str]:
    """What is left of it in the end: a loop device goes when nobody looks at it any more, on a busy machine later."""
    end = time.monotonic() + 300
    while (left := there(place)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def there(place: Path) -> list[str]:
    """What is still in its place, mounted there, or a loop device: others may run the demo meanwhile."""
    left = [str(path) for path in place.iterdir()]
    left += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(place) in line]
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # it has just been let go of
            left += [str(file)] if str(place) in file.read_text() else []
    return left


def on_a_disk() -> None:
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("losetup") is None:
        pytest.skip("needs root and loop devices")


@pytest.mark.host
def test_the_demo_on_a_loop_device(tmp_path: Path) -> None:
    on_a_disk()
    done = demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("nothing to do:", "what people put there", "was taken back", "scripts/demo: done"):
        assert words in done.stdout
    assert left_behind(tmp_path) == []


@pytest.mark.host
def test_the_demo_that_dies_half_way_cleans_up(tmp_path: Path) -> None:
    on_a_disk()
    done = demo(tmp_path, OPSKIT_TEST_KILL="stepped:6")
    assert done.returncode == 137
    assert "everything was cleaned up" in done.stderr
    assert left_behind(tmp_path) == []


def test_the_demo_without_root_shows_the_plan_from_saved_facts(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    done = demo(tmp_path, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("Not root")
    assert "Dry run: nothing was changed." in done.stdout
