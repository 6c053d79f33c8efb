r"""What an fstab line means at boot: the entry that systemd-fstab-generator reads, and the unit that it makes. Pure.

It reads other fields than mount does. Up to 257 it has glibc's getmntent(3), from 258 on libmount as mount has it.
getmntent(3) (misc/mntent_r.c): a carriage return is part of the last field, two fields are enough, four escapes are
undone (`\040`, `\011`, `\012`, `\134`, and `\\`), and numbers that are none are 0; mount ignores such a line.

The unit is that of 252 (fstab-generator.c); what of 219 to 257 decides on a stopped boot is the same, read there.
"""

from __future__ import annotations

import os
import re
import string
from collections.abc import Iterable
from typing import Optional

from opskit.core.record import dataclass
from opskit.disk.fstab.text import FstabEntry, Line, number_value, plain_target

# The first release of systemd that reads fstab with libmount (its NEWS).
LIBMOUNT_SINCE = 258
LOCAL, REMOTE, SWAP = "local-fs.target", "remote-fs.target", "swap.target"
# Bytes of a line that getmntent(3) reads; the rest of it is lost.
_LINE = 4095
_ESCAPES = {b"\\040": b" ", b"\\011": b"\t", b"\\012": b"\n", b"\\134": b"\\", b"\\\\": b"\\"}
# Patterns are compiled, and kept by re, where a line is read: to compile them takes longer than all else of an import.
_ESCAPE = rb"\\(?:040|011|012|134|\\)"
# scanf's " %d %d ", with its idea of white space.
_NUMBERS = rb"[ \t\n\v\f\r]*([+-]?[0-9]+)(?:[ \t\n\v\f\r]*([+-]?[0-9]+))?"
# Options are parted by a comma without a backslash before it.
_OPTION = r"(?s)(?:[^,\\]|\\.|\\$)+"
_TAGS = {"LABEL=": "label", "UUID=": "uuid", "PARTUUID=": "partuuid", "PARTLABEL=": "partlabel"}
# What udev leaves as it is in the name of a link, beside what is not ASCII.
_NO_CODE = r"[^A-Za-z0-9#+\-.:=@_\u0080-\U0010ffff]|[\udc80-\udcff]"
_NETWORK = frozenset(
    [
        *("afs", "ceph", "cifs", "davfs", "gfs", "gfs2", "glusterfs", "lustre", "ncp", "ncpfs", "nfs", "nfs4", "ocfs2"),
        *("pvfs2", "smb3", "smbfs", "sshfs"),
    ]
)
# The kernel's own, which systemd mounts before it reads any fstab.
_API = frozenset({"/proc", "/proc/sys", "/sys", "/sys/fs/cgroup", "/dev", "/dev/shm", "/dev/pts", "/run", "/run/lock"})  # noqa: S108
_AUTOMOUNT = ("comment=systemd.automount", "x-systemd.automount")
_UNIT_NAME = 255


@dataclass(frozen=True)
class BootUnit:
    """The unit of an entry.

    links: (unit that pulls it in, requires or wants).
    automount: what is pulled in is an automount unit: the disk is looked for when somebody opens the directory.
    """

    name: str
    what: str
    where: str = ""
    fstype: str = ""
    options: str = ""
    links: tuple[tuple[str, str], ...] = ()
    automount: bool = False

    @property
    def stops_boot(self) -> bool:
        """Whether the boot ends in emergency mode when it fails: local-fs.target has OnFailure=emergency.target.

        With nofail and x-systemd.required-by=local-fs.target it may: nothing orders the two, so it is a question of
        which comes first, that target or the failure (both seen with 252).
        """
        return (LOCAL, "requires") in self.links and not self.automount


def entry_at_boot(line: FstabEntry, release: int = 0) -> Optional[FstabEntry]:
    """The entry as systemd reads it; None where it reads none.

    release: of systemd, 0 for one that is not known, which is taken for one up to 257.
    """
    if release >= LIBMOUNT_SINCE:
        return None if line.ignored else line
    return by_getmntent(line)


def by_getmntent(line: Line) -> Optional[FstabEntry]:
    """The entry as getmntent(3) reads the line; None for a comment and a blank line."""
    whole = os.fsencode(line.raw)
    data = whole[:_LINE]
    head = (data.split(b"\n")[0].rstrip(b" \t") if b"\n" in data else data).lstrip(b" \t")
    if not head or head.startswith(b"#"):
        return None
    fields = [head]
    for _ in range(4):
        field, blank, rest = _parted(fields.pop())
        fields += [field, rest] if blank else [field]
        if not blank:
            break
    rest = fields.pop() if len(fields) > 4 else b""
    texts = [os.fsdecode(re.sub(_ESCAPE, lambda match: _ESCAPES[match.group()], field)) for field in fields]
    texts += [""] * (4 - len(texts))
    match = re.match(_NUMBERS, rest)
    dump, pass_ = (number_value((n or b"0").decode()) for n in match.groups()) if match else (0, 0)
    return FstabEntry(line.number, line.raw, texts[0], texts[1], texts[2], texts[3], dump, pass_, len(fields))


def _parted(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The first field, the blank behind it ("" where the line ends), and what follows the blanks."""
    match = re.search(rb"[ \t]", data)
    if match is None:
        return data, b"", b""
    return data[: match.start()], match.group(), data[match.end() :].lstrip(b" \t")


def unit_at_boot(entry: Optional[FstabEntry]) -> Optional[BootUnit]:
    """The unit that the generator makes of an entry that it has read; None where it makes none.

    A symlink in the path of the mount point is followed by the generator, and not here.
    """
    if entry is None:
        return None
    options = split_options(entry.options)
    what = _device_node(entry.source)
    noauto = _last_of(options, "noauto", "auto")
    if entry.is_swap:
        return _swap_unit(entry, options, what, noauto=noauto)
    if entry.fstype == "autofs" or "/" not in entry.target:
        return None
    where = plain_target(f"/{entry.target}")  # what is relative begins where the generator runs: in the root
    name = unit_name(where, ".mount")
    if where in _API or ".." in where.split("/") or len(os.fsencode(name)) > _UNIT_NAME:
        return None
    automount, nofail = any(has_option(options, known) for known in _AUTOMOUNT), _last_of(options, "nofail", "fail")
    network = has_option(options, "_netdev") or entry.fstype.removeprefix("fuse.") in _NETWORK
    links = [(target, "wants") for target in _values(options, "x-systemd.wanted-by")]
    links += [(target, "requires") for target in _values(options, "x-systemd.required-by")]
    if where == "/":  # the root is not optional
        automount = nofail = noauto = False
        links = []
    if entry.fstype in {"nfs", "nfs4"} and not automount and _last_of(options, "bg", "fg"):
        options = ["x-systemd.mount-timeout=infinity", "retry=10000", "nofail", *options, "fg"]
        nofail = True
    if automount or not (noauto or links):
        links = [(REMOTE if network else LOCAL, "wants" if nofail else "requires")]
    fstype = "" if entry.fstype == "auto" else entry.fstype
    return BootUnit(name, what, where, fstype, _unit_options(options), tuple(links), automount)


def _swap_unit(entry: FstabEntry, options: list[str], what: str, *, noauto: bool) -> Optional[BootUnit]:
    name = unit_name(what, ".swap")
    if ".." in what.split("/") or len(os.fsencode(name)) > _UNIT_NAME:
        return None
    need = "wants" if _last_of(options, "nofail", "fail") else "requires"
    text = "" if entry.options == "defaults" else entry.options
    return BootUnit(name, what, options=text, links=() if noauto else ((SWAP, need),))


def split_options(text: str) -> list[str]:
    """The options one by one, without those that are empty."""
    return re.findall(_OPTION, text)


def has_option(options: Iterable[str], name: str) -> bool:
    """Whether an option is there, with a value or without."""
    return any(option == name or option.startswith(f"{name}=") for option in options)


def _last_of(options: Iterable[str], yes: str, no: str) -> bool:
    """Whether the last of the options `yes` and `no` is `yes`."""
    last = [option for option in options if has_option([option], yes) or has_option([option], no)]
    return bool(last) and has_option(last[-1:], yes)


def _values(options: Iterable[str], name: str) -> list[str]:
    return [option.partition("=")[2] for option in options if option.startswith(f"{name}=")]


def _unit_options(options: Iterable[str]) -> str:
    timeouts = ("x-systemd.device-timeout", "comment=systemd.device-timeout")
    text = ",".join(o for o in options if not any(has_option([o], name) for name in timeouts))
    return "" if text == "defaults" else text


def _device_node(source: str) -> str:
    """The link of udev that a tag stands for, which the unit waits for; anything else is as it is written."""
    for tag, kind in _TAGS.items():
        if source.startswith(tag):
            return f"/dev/disk/by-{kind}/{udev_name(_unquoted(source[len(tag) :]))}"
    return source


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def udev_name(value: str) -> str:
    r"""A label or UUID as it is in the name of a link under /dev/disk: what could not stand there is `\xNN`."""
    return re.sub(_NO_CODE, lambda match: "".join(f"\\x{byte:02x}" for byte in os.fsencode(match.group())), value)


def unit_name(path: str, suffix: str) -> str:
    """The name of systemd's unit for a path, as systemd-escape(1) makes it."""
    data = b"/".join(part for part in os.fsencode(path).split(b"/") if part not in {b"", b"."})
    return (_escaped(data) or "-") + suffix


def _escaped(data: bytes) -> str:
    kept = frozenset(string.ascii_letters.encode() + b"0123456789:_.")
    letters = (
        "-" if byte == 0x2F else chr(byte) if byte in kept and (place or byte != 0x2E) else f"\\x{byte:02x}"
        for place, byte in enumerate(data)
    )
    return "".join(letters)
