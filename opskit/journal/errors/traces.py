"""Lines of a stack trace that come as entries of their own: Java, Python, Go, Node, PHP and the kernel. Pure functions.

Which line belongs to the one before it is told by the line alone: it is indented (where journald has left the white
space: until 234 it did not), or has the form of a frame.
"""

from __future__ import annotations

import re

_FRAME = re.compile(
    rb"[ \t]+\S"
    rb"|at [\w$.<>/@ -]+ ?\(.*\)$|at (?:file|node|/)\S*:\d+:\d+$"  # Java, Node
    rb"|(?:Caused by|Suppressed): |\.\.\. \d+ (?:more|common frames omitted)"
    rb'|File "[^"]*", line \d+|[~^]+$'  # Python
    rb"|goroutine \d+ \[|created by \S+ in goroutine|\[signal SIG|/\S+\.go:\d+"  # Go
    rb"|#\d+ (?:/|\{main\}|\[internal)|PHP +\d+\. |(?:PHP )?Stack trace:$|thrown in /"  # PHP
    # The kernel: arch/x86/kernel/dumpstack.c, kernel/panic.c, lib/dump_stack.c, kernel/hung_task.c
    rb"|Call [Tt]race:|\??\s*\[<[0-9a-f]+>\]|(?:\? )?[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+|</?(?:TASK|IRQ|NMI|EOI)>"
    rb"|(?:RIP|RSP|RAX|RDX|RBP|R\d\d|CR2|FS|CS|Code|CPU|EIP|Workqueue|Hardware name|Modules linked in): "
    rb'|---\[ end |"echo 0 > /proc/sys/kernel/hung_task|task:\S+ +state:|INFO: lockdep is turned off',
)
# What comes before the line that says what is wrong.
_OPENER = re.compile(
    rb"Traceback \(most recent call last\)|-{4,}\[ cut here \]|During handling of the above exception"
    rb"|The above exception was the direct cause"
)
# A call in a trace of Go, which nothing but its neighbours tells from a sentence.
_GO_CALL = re.compile(rb"[\w./*()\[\]{}-]+\.[\w.()*\[\]-]+\(.*\)$")
_GO = re.compile(rb"goroutine \d+ \[|\t?/\S+\.go:\d+|\[signal SIG")


def is_opener(message: bytes) -> bool:
    """Whether it begins a trace whose last line, and not its first, says what is wrong."""
    return bool(_OPENER.match(message))


def is_frame(message: bytes, before: bytes) -> bool:
    """Whether a line belongs to a trace. before: the line before it, of the same sender."""
    return bool(_FRAME.match(message)) or bool(before and _GO.match(before) and _GO_CALL.match(message))
