"""Whether KVM can be used: only a trial tells. A /dev/kvm can be there and leave the guest hanging, or end QEMU."""

from __future__ import annotations

import functools
import os
import subprocess

from vmlab.image import Image, environment

TCG = "tcg,thread=multi"
# Eight seconds under emulation, a second with KVM.
TRIAL_SECONDS = 10


@functools.cache
def accelerator(image: Image) -> str:
    """What -accel gets: kvm where a kernel boots with it in time, else software emulation."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return TCG
    argv = ["qemu-system-x86_64", "-machine", "pc", "-nodefaults", "-display", "none", "-accel", "kvm", "-cpu", "max"]
    argv += ["-m", "512", "-kernel", str(image.kernel), "-initrd", str(image.initrd)]
    # The first program ends, so the kernel panics, reboots at once, and QEMU ends with exit status 0.
    argv += ["-no-reboot", "-append", "panic=-1 rdinit=/bin/true"]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        done = subprocess.run(argv, check=False, timeout=TRIAL_SECONDS, env=environment(), **streams)
    except subprocess.TimeoutExpired:
        return TCG
    return "kvm" if done.returncode == 0 else TCG
