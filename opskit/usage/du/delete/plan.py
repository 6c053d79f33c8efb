"""Decides on a deletion: what it frees, and why it is refused. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from opskit.core.finding import Finding
from opskit.core.plan import Decision, Plan, Reason, Refusal
from opskit.core.text import counted
from opskit.core.units import ceiling_text
from opskit.usage.du.delete.model import DeleteFacts, DeleteTarget, Hindrance
from opskit.usage.du.delete.steps import DeleteTree

# So many reasons of one kind are named.
NAMED = 3
# Where blocks are shared by more than the names of one file.
SHARING = frozenset({"btrfs", "bcachefs", "zfs"})
# The title of each refusal, and what to do: path and by are filled in.
REASONS = {
    "delete-gone": ("{path}: {by}", "press r, and mark it again if it is still there"),
    "delete-system": ("{path} {by}", "leave it, or mark what is in it"),
    "delete-mount-point": ("{path} {by}", "umount it first, or leave it out"),
    "delete-other-filesystem": ("{path} is on another filesystem, or is a subvolume", "delete it by itself"),
    "delete-immutable": ("{path} {by}", "chattr -i -a {quoted}"),
    "delete-in-use": ("{path} is needed by {by}", "end that process first; a log is made empty by: : > FILE"),
    "delete-packaged": ("{path} belongs to {by}", "leave it, or remove the package first"),
    "delete-unit": ("{path} is named by {by}", "leave it, or disable that unit first"),
    "delete-fstab": ("{path} is named by {by}", "leave it, or take the entry out of fstab first"),
    "delete-unreadable": ("{path}: {by}", "sudo opskit du --browse"),
}


def decide(facts: DeleteFacts, _run: str) -> Decision:
    """The plan, or every reason against it."""
    targets = facts.targets
    first = targets[0].path if targets else next((hindrance.path for hindrance in facts.hindrances), "nothing")
    title = f"delete {first}" if len(targets) < 2 else f"delete {first} and {len(targets) - 1} more"
    if facts.hindrances:
        return Refusal(title, tuple(_reasons(facts.hindrances)))
    freed = [freed_by([target], open_too=False) for target in targets]
    steps = tuple(
        DeleteTree(target.path, target.directory, target.device, target.inode, target.entries, size)
        for target, size in zip(targets, freed)
    )
    total = freed_by(targets, open_too=False)
    result = {"entries": sum(target.entries for target in targets), "frees_bytes": total}
    return Plan(title, steps, notes=tuple(_notes(facts, total)), result=result)


def freed_by(targets: Sequence[DeleteTarget], *, open_too: bool) -> int:
    """The bytes that are free once all of these are gone: a file with several names only when none is left.

    open_too: also those that processes keep until they close them
    """
    total = sum(target.size for target in targets)
    names = _names(targets)
    gone = {identity: size for identity, (links, here, size) in names.items() if here >= links}
    total += sum(gone.values())
    if not open_too:
        opened = {(each.device, each.inode): each.size for target in targets for each in target.opened}
        total -= sum(size for identity, size in opened.items() if identity not in names or identity in gone)
    return total


def _names(targets: Sequence[DeleteTarget]) -> dict[tuple[int, int], list[int]]:
    """Of each file with several names, by device and inode: how many it has, how many of them go, and its bytes."""
    names: dict[tuple[int, int], list[int]] = {}
    for linked in (linked for target in targets for linked in target.linked):
        names.setdefault((linked.device, linked.inode), [linked.links, 0, linked.size])[1] += linked.names
    return names


def _reasons(hindrances: Sequence[Hindrance]) -> Iterator[Reason]:
    """A reason for each, of many of one kind the first ones."""
    kinds = dict.fromkeys(hindrance.kind for hindrance in hindrances)
    for kind in kinds:
        like = [hindrance for hindrance in hindrances if hindrance.kind == kind]
        title, remedy = REASONS[kind]
        for number, hindrance in enumerate(like[:NAMED], 1):
            words = title.format(path=hindrance.path, by=hindrance.by)
            more = f" (and {len(like) - NAMED} more)" if number == NAMED < len(like) else ""
            yield Reason(kind, words + more, hindrance.remedy or remedy.format(quoted=quote(hindrance.path)))


def _notes(facts: DeleteFacts, total: int) -> Iterator[Finding]:
    """What a person should know: what is freed at once, what is not, and why."""
    targets = facts.targets
    entries = sum(target.entries for target in targets)
    if len(targets) > 1:
        yield Finding(
            "delete-frees", "info", f"{counted(entries, 'entry', 'entries')} in all; this frees {ceiling_text(total)}"
        )
    opened = [each for target in targets for each in target.opened]
    later = freed_by(targets, open_too=True) - total
    if opened:
        who = ", ".join(dict.fromkeys(each.by for each in opened[:NAMED]))
        title = f"{ceiling_text(later)} more is free only when {who} closes what it reads"
        yield Finding("delete-opened", "warning", title, remedy="afterwards: opskit df --deleted")
    kept = [size for links, here, size in _names(targets).values() if here < links]
    if kept:
        files = counted(len(kept), "file has", "files have")
        title = f"{files} other names elsewhere: {ceiling_text(sum(kept))} in them is not freed"
        yield Finding("delete-linked", "warning", title)
    sharing = sorted({target.fstype for target in targets if target.fstype in SHARING})
    if sharing:
        title = f"on {', '.join(sharing)} what a snapshot or a reflink shares is not freed"
        yield Finding("delete-shared", "warning", title)
    if facts.unseen:
        title = f"{counted(facts.unseen, 'process', 'processes')} could not be looked at, and may need it"
        yield Finding("delete-unseen", "warning", title, remedy="sudo opskit du --browse")
