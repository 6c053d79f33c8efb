"""What is to be deleted, what it holds, and what stands against it. Paths are text as os.fsdecode gives it."""

from __future__ import annotations

from typing import NamedTuple

from opskit.core.record import dataclass


class LinkedFile(NamedTuple):
    """A file with several names.

    links: how many names it has at all
    names: how many of them are in what is to be deleted
    size: bytes allocated
    """

    device: int
    inode: int
    links: int
    names: int
    size: int


class OpenedFile(NamedTuple):
    """A file that a process has open for reading: its space is free only when that closes it.

    by: the process, in words
    """

    path: str
    device: int
    inode: int
    size: int
    by: str


class Hindrance(NamedTuple):
    """Why a target may not be deleted.

    kind: the id of the finding
    path: what it is about: the target, or something in it
    by: who or what needs it, in words
    remedy: what to do about it, "" for what is said of its kind
    """

    kind: str
    path: str
    by: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class DeleteTarget:
    """Something to delete: a directory with all that is in it, or anything else.

    path: from / on, without links above its name
    device, inode: which one it is
    entries: itself and all in it
    size: bytes allocated to all in it that has one name
    fstype: the type of the filesystem that it is on
    """

    path: str
    directory: bool
    device: int
    inode: int
    entries: int
    size: int
    linked: tuple[LinkedFile, ...] = ()
    opened: tuple[OpenedFile, ...] = ()
    fstype: str = ""


@dataclass(frozen=True)
class DeleteFacts:
    """All targets, and all that stands against them. unseen: processes that this user may not look at."""

    targets: tuple[DeleteTarget, ...]
    hindrances: tuple[Hindrance, ...] = ()
    unseen: int = 0
