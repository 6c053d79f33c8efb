"""From when on what the journal tells is a finding of `opskit check`: `[check.journal]` of a config file.

What is critical is told the first time: a disk that fails, memory that fails, a fault of the kernel.
"""

from __future__ import annotations

from opskit.core.report import COUNT, Threshold, defaults, percent

# By the id of a finding: so many times in the hour.
_TIMES = {
    "oom-kill": ("oom_kills", "a program was killed so often for want of memory"),
    "core-dump": ("core_dumps", "a program dumped core so often"),
    "unit-failed": ("unit_failures", "a unit that is not failed now failed so often"),
    "messages-lost": ("lost_notices", "that messages were dropped was noticed so often"),
    "memory-corrected": ("memory_corrected", "the hardware corrected its memory so often"),
    "cpu-hot": ("cpu_hot", "a processor was too hot so often"),
    "task-hung": ("tasks_hung", "a process hung in the kernel so often"),
    "table-full": ("table_full", "a table of the kernel was full so often"),
    "access-denied": ("access_denied", "SELinux denied a program something so often"),
    "network-trouble": ("network_trouble", "a network device had trouble so often"),
}
# The name of the threshold, by the id.
BY_FINDING = {finding: name for finding, (name, _) in _TIMES.items()}
THRESHOLDS = {
    "limit_percent": percent(100, "the journal takes more than so much of its limit", "over-limit", most=1000),
    "errors_an_hour": Threshold(COUNT, 1000, "there were so many errors in the last hour", "many-errors"),
    **{
        name: Threshold(COUNT, 1, f"{meaning} in the last hour", finding) for finding, (name, meaning) in _TIMES.items()
    },
}
DEFAULTS = defaults(THRESHOLDS)
