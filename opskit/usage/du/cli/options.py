"""The options of `opskit du`, in the order of its help."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from opskit.options import one_of, size_of, span_of
from opskit.usage.du.model import KEPT, MOST_WORKERS

DEPTH = 2

Paths = Annotated[
    Optional[list[str]], typer.Argument(metavar="[PATH]...", help="Where to look.  [default: .]", show_default=False)
]
Depth = Annotated[
    Optional[int],
    typer.Option(
        "--depth", "-d", "--max-depth", metavar="N", min=0, help=f"Directories this deep.  [default: {DEPTH}]"
    ),
]
Summarize = Annotated[bool, typer.Option("--summarize", "-s", help="Only each PATH: a depth of 0.")]
Top = Annotated[
    Optional[int],
    typer.Option("--top", metavar="N", min=1, help="Only the largest N.  [default: 40; all through a pipe]"),
]
MinSize = Annotated[
    int,
    typer.Option(
        "--min-size",
        "--threshold",
        "-t",
        metavar="SIZE",
        parser=size_of("--min-size"),
        help="Only from this size: 10M, 1.5G.",
    ),
]
Files = Annotated[bool, typer.Option("--files", help="The largest files too, at any depth.")]
All = Annotated[bool, typer.Option("--all", "-a", help="Every file down to the depth too.")]
Dereference = Annotated[
    bool, typer.Option("--dereference", "-L", help="Follow all symbolic links; what they lead to counts once.")
]
DereferenceArgs = Annotated[
    bool, typer.Option("--dereference-args", "-D", "-H", help="Follow a PATH that is a symbolic link.")
]
Apparent = Annotated[
    bool, typer.Option("--apparent", "--apparent-size", help="Sizes of the contents, not of the blocks.")
]
Inodes = Annotated[bool, typer.Option("--inodes", help="Count entries instead of bytes.")]
OneFileSystem = Annotated[bool, typer.Option("--one-file-system", "-x", help="Stay on the filesystem of each PATH.")]
Exclude = Annotated[
    Optional[list[str]], typer.Option("--exclude", metavar="GLOB", help="Leave out what matches, as du does.")
]
ExcludeFrom = Annotated[
    Optional[list[str]],
    typer.Option("--exclude-from", "-X", metavar="FILE", help="The same, a glob on each line; - is stdin."),
]
OlderThan = Annotated[
    Optional[float],
    typer.Option(
        metavar="SPAN",
        parser=span_of("--older-than", numbers=False),
        help="Only files not modified for so long: 30d, 12h, 1y.",
    ),
]
By = Annotated[
    str,
    typer.Option("--by", metavar="WHAT", parser=one_of("--by", "ext", "age", "user"), help="Sums by ext, age or user."),
]
CountLinks = Annotated[bool, typer.Option("--count-links", "-l", help="Count a file once for each of its links.")]
Bytes = Annotated[bool, typer.Option("--bytes", help="Exact sizes in bytes.")]
Total = Annotated[bool, typer.Option("--total", "-c", help="A line with the total.")]
Modified = Annotated[bool, typer.Option("--time", help="When something in it was last modified.")]
Null = Annotated[bool, typer.Option("--null", "-0", help="End each line with NUL, names as they are.")]
Save = Annotated[
    str,
    typer.Option("--save", metavar="FILE", help="Keep this scan in FILE, for --diff; as ncdu's export in FILE.ncdu."),
]
Keep = Annotated[bool, typer.Option("--keep", help=f"Keep it in the state directory, as one of the last {KEPT}.")]
Diff = Annotated[
    str, typer.Option("--diff", metavar="FILE", help="What changed since a FILE, a kept RUN, or the last.")
]
Browse = Annotated[
    bool,
    typer.Option(
        "--browse",
        help="Walk in it on the whole screen, and delete; also in a saved FILE, ncdu's, a kept RUN or the last.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="With --browse: d shows the plan and deletes nothing.")]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="NAME",
        parser=one_of("--engine", "lstat", "statx", "stat"),
        help="How to read: lstat, statx or stat.  [default: the fastest]",
    ),
]
Workers = Annotated[
    Optional[int],
    typer.Option("--workers", metavar="N", min=1, max=MOST_WORKERS, help="So many processes, from the start."),
]
