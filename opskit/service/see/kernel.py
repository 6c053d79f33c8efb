"""What the kernel tells of a service: whom its OOM killer chose, and what SELinux denied."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence

from opskit.core import procfs
from opskit.service.model import Denial, Kill

CGROUPS = "/sys/fs/cgroup"
AUDIT_LOG = "/var/log/audit/audit.log"
AUDIT_BYTES = 512 * 1024
MESSAGES = 100_000
# `oom-kill:constraint=…,task_memcg=/a/b,task=NAME,pid=1,uid=0` (Linux 4.19 on; mm/oom_kill.c), and what all have.
_CHOSEN = re.compile(r"oom-kill:constraint=\w+,.*task_memcg=(.*?),task=(.*),pid=(\d+),uid=\d+$")
_KILLED = re.compile(r"Kill(?:ed)? process (\d+) \((.*?)\)")
_AVC = re.compile(r"avc:\s+denied\s+\{ (.*?) \}")
_AUDIT_TIME = re.compile(r"audit\((\d+)(?:\.\d+)?:\d+\)")
_AUDIT_FIELD = re.compile(r'\b(comm|path|name|src|dest|scontext|tcontext|tclass)=("[^"]*"|\S+)')


def kernel_messages(since: float, path: str = "/dev/kmsg") -> Iterator[str]:
    """The messages that the kernel still has (Documentation/ABI/testing/dev-kmsg), for who may read them.

    since: seconds since the boot
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        for _ in range(MESSAGES):
            try:
                data = os.read(descriptor, 8192)
            except BrokenPipeError:  # overwritten before it was read: the next one follows
                continue
            except OSError:
                return
            head, _, text = data.decode("utf-8", "replace").partition(";")
            fields = head.split(",")
            if not data or len(fields) < 3:
                return
            if int(fields[2]) / 1e6 >= since:
                yield text.partition("\n")[0]
    finally:
        os.close(descriptor)


def kills_of(messages: Iterator[str]) -> tuple[Kill, ...]:
    """The processes that the OOM killer chose; of some releases of Linux there is the second message only."""
    kills: dict[int, Kill] = {}
    for message in messages:
        if match := _CHOSEN.search(message):
            kills[int(match[3])] = Kill(int(match[3]), match[2], match[1])
        elif match := _KILLED.search(message):
            kills.setdefault(int(match[1]), Kill(int(match[1]), match[2]))
    return tuple(kills.values())


def group_kills(group: str) -> int:
    """How many processes of a control group, and of those below it, the OOM killer has ended; 0 for not known.

    Those of the whole host (/) are not the service's.
    """
    for path in (f"{CGROUPS}{group}/memory.events", f"{CGROUPS}/memory{group}/memory.oom_control"):
        for line in procfs.text(path).splitlines() if group not in {"", "/"} else ():
            name, _, number = line.partition(" ")
            if name == "oom_kill" and number.isdigit():
                return int(number)
    return 0


def denials_since(moment: float, programs: Sequence[str], path: str = AUDIT_LOG) -> tuple[Denial, ...]:
    """What SELinux has denied to programs by these names, by the end of the audit log; none where it is off.

    moment: seconds since 1970
    """
    if not os.path.exists("/sys/fs/selinux/enforce") and path == AUDIT_LOG:
        return ()
    data = b""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - AUDIT_BYTES))
        data = file.read(AUDIT_BYTES)
    return denials_of(os.fsdecode(data).splitlines(), moment, programs)


def denials_of(lines: Sequence[str], moment: float, programs: Sequence[str]) -> tuple[Denial, ...]:
    """The denials in lines of the audit log, each once; see denials_since."""
    names = {name[:15] for name in programs}
    denials = []
    for line in lines:
        access, at = _AVC.search(line), _AUDIT_TIME.search(line)
        if not access or not at or int(at[1]) < moment:
            continue
        fields = {key: value.strip('"') for key, value in _AUDIT_FIELD.findall(line)}
        if fields.get("comm") not in names:
            continue
        port = fields.get("src") or fields.get("dest")
        target = fields.get("path") or fields.get("name") or (f"port {port}" if port else "")
        types = [_type_of(fields.get(key, "")) for key in ("scontext", "tcontext")]
        denials.append(Denial(fields["comm"], access[1], target, types[0], types[1], fields.get("tclass", "")))
    return tuple(dict.fromkeys(denials))


def _type_of(context: str) -> str:
    """httpd_t of system_u:system_r:httpd_t:s0."""
    return ":".join(context.split(":")[2:3])
