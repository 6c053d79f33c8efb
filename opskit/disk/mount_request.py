"""What `opskit disk mount` was asked for, and what of it cannot be. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from opskit.core.errors import ExitCode
from opskit.core.plan import Reason
from opskit.disk.fstab import DEVICE_TIMEOUT
from opskit.disk.mkfs import DEFAULT_FILESYSTEM, MkfsOptions, option_reasons

TABLES = ("gpt", "dos")


@dataclass(frozen=True)
class NewIds:
    """What is chosen before, so that the plan can show it: UUIDs in lower case, and the run's id."""

    run: str
    filesystem: str
    partition: str
    table: str


@dataclass(frozen=True)
class MountRequest:
    """What `opskit disk mount` was asked for. "" and None: not asked for, the default holds."""

    device: str
    target: str = "/mnt"
    fstype: str = ""
    label: str = ""
    table: str = "gpt"
    whole_disk: bool = False
    mount_options: str = ""
    use_fstab: bool = True
    reserved: Optional[int] = None
    discard: bool = True
    lazy_init: Optional[bool] = None
    wipe: str = ""

    @property
    def mkfs(self) -> MkfsOptions:
        """What is asked of mkfs."""
        return MkfsOptions(self.fstype or DEFAULT_FILESYSTEM, self.label, self.reserved, self.discard, self.lazy_init)


def request_reasons(request: MountRequest) -> Iterator[Reason]:
    """What was asked for that cannot be."""
    usage = ExitCode.USAGE
    yield from option_reasons(request.mkfs)
    if request.table not in TABLES:
        yield Reason("unknown-table", f"--table {request.table}: opskit writes gpt and dos", "gpt", exit_code=usage)
    if request.wipe and request.wipe != request.device:
        title = f"--wipe names {request.wipe}, but the device is {request.device}"
        remedy = f"to destroy what is on it, repeat its name: --wipe {shlex.quote(request.device)}"
        yield Reason("wipe-names-another", title, remedy, exit_code=usage)
    if any(char in request.mount_options for char in " \t\n"):
        title = f"--mount-options {request.mount_options!r}: options are joined by commas, without blanks"
        yield Reason("bad-mount-options", title, "noatime,nodev", exit_code=usage)


def fstab_options(asked: str) -> str:
    """The options of the fstab entry: a data disk that is missing must not stop the boot."""
    options = asked.split(",") if asked else ["defaults"]
    if "nofail" not in options:
        options.append("nofail")
    if not any(option.startswith("x-systemd.device-timeout=") for option in options):
        options.append(DEVICE_TIMEOUT)
    return ",".join(options)


def mount_options(asked: str) -> str:
    """The options for mount(8) itself, without those that only fstab's readers know."""
    mine = [
        o
        for o in asked.split(",")
        if o and not o.startswith("x-") and o not in {"nofail", "auto", "noauto", "defaults"}
    ]
    return ",".join(mine)
