"""Every step of the area by its kind: the ledger finds the class here again, for an undo."""

from __future__ import annotations

from opskit.core.plan import Step
from opskit.disk.fstab.steps import STEPS as FSTAB
from opskit.disk.grow.steps import STEPS as GROW
from opskit.disk.lvm.steps import STEPS as LVM
from opskit.disk.mount.steps.make import STEPS as MAKE
from opskit.disk.mount.steps.mount import STEPS as MOUNT
from opskit.disk.mount.steps.trial import STEPS as TRIAL
from opskit.disk.network.steps import STEPS as NETWORK
from opskit.disk.swap.steps import STEPS as SWAP

KINDS: dict[str, type[Step]] = {
    step.kind: step for step in (*MAKE, *TRIAL, *MOUNT, *GROW, *LVM, *NETWORK, *FSTAB, *SWAP)
}
