"""What is wrong with what the doctor saw. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

from opskit.core.finding import Finding
from opskit.doctor.model import Examination

# What opskit needs of capabilities(7), by number, and for what.
CAPABILITIES = {
    2: ("CAP_DAC_READ_SEARCH", "du and df see all files"),
    19: ("CAP_SYS_PTRACE", "who holds a file or a lock is seen"),
    21: ("CAP_SYS_ADMIN", "disk mounts, and makes swap"),
    24: ("CAP_SYS_RESOURCE", "disk makes a mounted ext larger"),
    34: ("CAP_SYSLOG", "what the kernel says of a disk is seen"),
}


def diagnose(seen: Examination) -> Iterator[Finding]:
    """The findings."""
    for tool in seen.tools:
        if not tool.path and not tool.only:
            title = f"{tool.name} is not on this host: opskit {', opskit '.join(tool.commands)} cannot do without"
            yield Finding("program-missing", "warning", title, remedy=tool.install)
    if seen.state.problem:
        title = f"no run that changes the host can begin: {seen.state.problem}"
        yield Finding("state-unusable", "warning", title, remedy=seen.state.todo)
    for file in seen.config_files:
        if file.problem:
            yield Finding("config-passed-over", "warning", f"{file.path}: {file.problem}", remedy="mend the file")
    for text in seen.unread:
        yield Finding("config-passed-over", "warning", text, remedy="mend the file")
    if seen.user.number == 0 and seen.user.lacks:
        needed = dict(CAPABILITIES.values())
        title = f"root lacks {', '.join(seen.user.lacks)} here"
        evidence = "; ".join(f"with {name} {needed[name]}" for name in seen.user.lacks)
        yield Finding("capability-missing", "warning", title, evidence, "run it on the host itself")
