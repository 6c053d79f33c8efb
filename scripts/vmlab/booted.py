"""A machine that has booted, kept as a snapshot beside the image: each test starts from it in a second."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from vmlab.accel import accelerator
from vmlab.image import CACHE, HERE, digest, image, layer, locked
from vmlab.machine import CPUS, Machine, days_ahead

# Where the guest's many.py takes commands of opskit, root's and the user's, until the guest boots again.
MANY = HERE / "many.py"
MANY_FOLDERS = {"root": "/run/many", "ops": "/run/ops/many"}
# The guest's clock counts in ticks of the processor of this host: a snapshot is for as long as this host is up.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
GUEST_PYTHON = "/opt/opskit/bin/python"


def booted(cpus: int = CPUS) -> Path:
    """The directory of the snapshot of this checkout's machine, made if it is not there. Raises LabError."""
    made_of = image()
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], check=True, capture_output=True, text=True).stdout
    more = made_of.root.parent.name + qemu + accelerator(made_of) + days_ahead() + BOOT_ID.read_text()
    key = digest(*sorted(HERE.glob("*.py")), more=more)

    def build(directory: Path) -> None:
        # Short: the path of a UNIX socket holds 107 bytes.
        work = Path(tempfile.mkdtemp(prefix="opskit-vm-"))
        machine = Machine.create(work / "m", made_of, cpus=cpus)
        try:
            machine.start()
            machine.run("systemctl", "is-system-running", "--wait")
            # What most tests would read from the disk again: programs, Python, opskit.
            machine.run("opskit", "disk", "list")
            machine.run("install", "-d", "-o", "ops", "/run/ops")
            for user, folder in MANY_FOLDERS.items():
                machine.run(GUEST_PYTHON, "-c", MANY.read_text(), "--all", folder, user=user)
            machine.snapshot(directory / "snapshot")
        finally:
            machine.stop()
            shutil.rmtree(work)

    with locked(CACHE):
        return layer("booted" if cpus == CPUS else f"{cpus}-cpus", key, build) / "snapshot"
