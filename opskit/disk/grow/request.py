"""What was asked of `opskit disk grow`."""

from __future__ import annotations

from opskit.core.record import dataclass
from opskit.core.units import parse_size


@dataclass(frozen=True)
class GrowRequest:
    """A request to grow.

    what: a device or a mount point.
    size: of a logical volume: `50G`, `+20G`, `100%` for all free extents, "" for the room that the disks have got.
    add: the device that comes into its volume group first, "" for none.
    """

    what: str
    size: str = ""
    add: str = ""

    @property
    def relative(self) -> bool:
        """Whether the size is one to add."""
        return self.size.startswith("+")

    @property
    def bytes(self) -> int:
        """The size in bytes. Not for `100%` or none."""
        return parse_size("--size", self.size.removeprefix("+"))


def volume_size(text: str) -> str:
    """The parser of --size. Raises UsageFault."""
    if text not in {"", "100%"}:
        parse_size("--size", text.removeprefix("+"))
    return text
