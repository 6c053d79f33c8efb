"""The options of `opskit df`, in the order of its help."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from opskit.options import span_of

MountPoints = Annotated[
    Optional[list[str]],
    typer.Argument(metavar="[MOUNTPOINT]...", help="Only these; any path stands for the filesystem it is on."),
]
Everything = Annotated[bool, typer.Option("--all", "-a", help="Pseudo filesystems and further mounts too.")]
Only = Annotated[
    Optional[list[str]], typer.Option("--type", "-t", metavar="TYPE", help="Only filesystems of this type.")
]
Without = Annotated[
    Optional[list[str]], typer.Option("--exclude-type", "-x", metavar="TYPE", help="None of this type.")
]
Inodes = Annotated[bool, typer.Option("--inodes", "-i", help="Inodes instead of bytes.")]
Total = Annotated[bool, typer.Option("--total", help="A line with the sums.")]
Output = Annotated[
    str, typer.Option("--output", metavar="FIELDS", help="These columns: source, fstype, size, used, avail, …")
]
PrintType = Annotated[bool, typer.Option("--print-type", "-T", help="As GNU df; opskit always shows the type.")]
Exact = Annotated[bool, typer.Option("--bytes", help="Sizes in bytes.")]
Warn = Annotated[
    int, typer.Option("--warn", metavar="PERCENT", min=1, max=100, help="A finding from so many percent used on.")
]
Deleted = Annotated[bool, typer.Option("--deleted", help="Files that are deleted but still open, and what frees them.")]
Why = Annotated[
    bool, typer.Option("--why", help="What the used space of one filesystem is made of, and what could go.")
]
Check = Annotated[bool, typer.Option("--check", help="Exit 4 when there are findings.")]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        metavar="SPAN",
        parser=span_of("--timeout", least=0.1, most=86400),
        show_default="5s",
        help="How long to wait for mounts that do not answer.",
    ),
]
