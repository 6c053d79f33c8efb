"""A look at a path that may lie on a server that is gone, or below an automount point: it holds nothing up.

Where a path leads is found by its names and links alone, against the mounts of mountinfo, so that what is on a disk of
this host is looked at directly, as always; what a server or a process answers for is looked at in a child with a time
limit. A mount that did not answer once is not asked again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from opskit.core.errors import Failed, Missing
from opskit.core.mountinfo import MountLine, is_answered_elsewhere, read_mountinfo

if TYPE_CHECKING:
    from opskit.core.child import Answer

# How long mounts that do not answer are waited for, all of them together.
SECONDS = 4.0
# So many symbolic links does the kernel follow in a path (path_resolution(7)).
_LINKS = 40
AUTOMOUNT = "autofs"


class Look(NamedTuple):
    """What is asked about a path: a function without arguments, which returns what JSON can hold or raises OSError."""

    path: str
    question: Callable[[], Any]


class _Silent:
    """The numbers of the mounts that did not answer this process."""

    numbers: set[int] = set()  # noqa: RUF012 - of the process


def look_at(looks: Sequence[Look], mounts: Sequence[MountLine] = (), seconds: float = SECONDS) -> list[Answer]:
    """What comes of each look. An answer that did not come says in `why` which mount did not answer.

    A path below an automount point has no answer: to look there would mount it.

    mounts: those of this process; () to read them
    seconds: how long to wait for mounts that do not answer, all of them together
    """
    from opskit.core.child import Answer, ask  # noqa: PLC0415 - every command imports this module

    doubtful = _doubtful(mounts or read_mountinfo())
    leads_to = [_first_on_the_way(look.path, doubtful) for look in looks]
    wanted: dict[int, list[int]] = {}
    for place, line in enumerate(leads_to):
        if line and line.fstype != AUTOMOUNT and line.number not in _Silent.numbers:
            wanted.setdefault(line.number, []).append(place)
    answer_of: dict[int, Answer] = {}
    questions = [partial(_answer_each, [looks[place].question for place in places]) for places in wanted.values()]
    for (number, places), answer in zip(wanted.items(), ask(questions, seconds) if questions else ()):
        if answer.value is None:
            _Silent.numbers.add(number)
            continue
        answer_of.update((place, Answer(*values)) for place, values in zip(places, answer.value))
    return [
        answer_of.get(place) or (_silence(line, seconds) if line else answer_here(look.question))
        for place, (look, line) in enumerate(zip(looks, leads_to))
    ]


def doubtful_mount(path: str, mounts: Sequence[MountLine] = ()) -> Optional[MountLine]:
    """The first mount on the way along a path, links followed, that a look can wait for or would mount; None: no such.

    mounts: those of this process; () to read them
    """
    return _first_on_the_way(path, _doubtful(mounts or read_mountinfo()))


def _doubtful(mounts: Sequence[MountLine]) -> dict[str, MountLine]:
    """By mount point, where the uppermost mount is an automount point or is answered for elsewhere.

    The root is none: where that does not answer nothing does.
    """
    uppermost = {line.target: line for line in mounts if line.target != "/"}
    return {
        target: line for target, line in uppermost.items() if line.fstype == AUTOMOUNT or is_answered_elsewhere(line)
    }


def _first_on_the_way(path: str, doubtful: dict[str, MountLine]) -> Optional[MountLine]:
    if not doubtful:
        return None
    # abspath would take `..` off by name; it is what is above the directory that a link leads to.
    at, rest, links = "/", path.split("/") if path.startswith("/") else os.path.abspath(path).split("/"), 0
    while rest:
        part = rest.pop(0)
        if part in {"", "."}:
            continue
        at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        if at in doubtful:
            return doubtful[at]
        try:
            target = os.readlink(at)
        except OSError as error:
            if error.errno == errno.EINVAL:  # no link
                continue
            return None
        links += 1
        if links > _LINKS:
            return None
        rest = target.split("/") + rest
        at = "/" if target.startswith("/") else os.path.dirname(at)
    return None


def answer_here(question: Callable[[], Any]) -> Answer:
    """The answer to a question that cannot wait for ever."""
    from opskit.core.child import Answer  # noqa: PLC0415

    try:
        return Answer(question())
    except OSError as error:
        return Answer(error=error.errno or 0, why=error.strerror or str(error))


def check_answers(paths: Iterable[str]) -> None:
    """Raise Failed for the first of these paths whose server does not answer. An automount point is not asked."""
    for path, why in _silences(paths):
        raise Failed(path, why, todo="see to its server, or name another place", state="Nothing was changed.")


def silence_at(path: str, mounts: Sequence[MountLine] = ()) -> str:
    """Which mount that a path leads to does not answer; "" if it does, or is none whose server can be gone.

    mounts: those of this process; () to read them
    """
    try:
        return next((why for _, why in _silences([path], mounts)), "")
    except Missing:  # no /proc
        return ""


def matching(pattern: str) -> list[str]:
    """The paths that a pattern of glob(7) matches, sorted, without what is on mounts that do not answer.

    glob.glob() looks at each name in a directory whose name is a pattern, and follows links: anybody's in /var/tmp.
    """
    import fnmatch  # noqa: PLC0415
    import glob  # noqa: PLC0415

    mounts = read_mountinfo()
    paths = ["/" if pattern.startswith("/") else ""]
    for part in pattern.strip("/").split("/"):
        if not glob.has_magic(part):
            paths = [os.path.join(path, part) for path in paths]
            continue
        paths = [
            os.path.join(path, name)
            for path in paths
            if not silence_at(path, mounts)
            for name in fnmatch.filter(_names(path), part)
            if name[0] != "." or part[0] == "."
        ]
    return sorted(path for path in paths if not silence_at(path, mounts) and os.path.lexists(path))


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path or ".")
    except OSError:
        return []


def _silences(paths: Iterable[str], mounts: Sequence[MountLine] = ()) -> Iterator[tuple[str, str]]:
    mounts = mounts or read_mountinfo()
    doubtful = _doubtful(mounts)
    on = [(path, _first_on_the_way(path, doubtful)) for path in paths]
    looks = [Look(path, partial(_ask_filesystem, path)) for path, line in on if line and line.fstype != AUTOMOUNT]
    for look, answer in zip(looks, look_at(looks, mounts) if looks else ()):
        if not answer.came:
            yield look.path, answer.why


def _ask_filesystem(path: str) -> None:
    """Ask the filesystem at a path, past what the kernel has in its cache. Raises OSError."""
    os.stat(path)
    os.statvfs(path)


def _answer_each(questions: Sequence[Callable[[], Any]]) -> list[list[Any]]:
    answers = [answer_here(question) for question in questions]
    return [[answer.value, True, answer.error, answer.why] for answer in answers]


def _silence(line: MountLine, seconds: float) -> Answer:
    from opskit.core.child import Answer  # noqa: PLC0415

    if line.fstype == AUTOMOUNT:
        return Answer(came=False, why=f"{line.target} is an automount point: a look would mount it")
    source = f", {line.source}" if line.source not in {"", line.fstype} else ""
    return Answer(came=False, why=f"{line.target} ({line.fstype}{source}) did not answer within {seconds:g} s")
