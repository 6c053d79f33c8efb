"""`opskit du --browse`: a tree on the whole screen, in which can be marked and deleted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Optional

from opskit.act import Chore, act, tell
from opskit.core.errors import Busy, Failed, Missing, NeedsConfirmation, OpskitError, Refused
from opskit.core.runner import Runner
from opskit.core.text import shown
from opskit.core.units import time_text
from opskit.session import Session
from opskit.ui.browse.browser import DELETE, QUIT, Browser
from opskit.ui.browse.terminal import check_terminal, run_browser
from opskit.ui.browse.tree import DIRECTORY, BrowseNode, build
from opskit.ui.errors import draw_error
from opskit.ui.plan import answer_of
from opskit.ui.progress import progress_line
from opskit.usage.du.delete.model import DeleteFacts
from opskit.usage.du.delete.plan import decide
from opskit.usage.du.delete.see.trees import see_targets
from opskit.usage.du.model import Scan, ScanRequest
from opskit.usage.du.ncdu import ALL_DEPTHS
from opskit.usage.du.see import kept
from opskit.usage.du.see.scan import scan
from opskit.usage.du.show import progress


def browse(session: Session, request: ScanRequest, name: str, *, dry_run: bool) -> None:
    """Show the tree of a directory, or of a scan that was kept, until somebody quits.

    request: what counts in it; its roots and depth are not looked at
    name: the directory; or a file of --save, one of ncdu, a RUN of --keep, or "last"
    dry_run: a deletion shows its plan only

    Raises UsageFault where there is no terminal, or no such directory or scan; Failed when it cannot be read.
    """
    check_terminal()
    if not os.path.isdir(name):
        run_browser(_saved(session, name, apparent=request.apparent))
        return
    root = os.fsencode(os.path.realpath(name))
    whole = replace(request, roots=(root,), depth=ALL_DEPTHS, all=True, links=True, time=True)
    _Browsing(session, whole, dry_run=dry_run).run()


def _saved(session: Session, name: str, *, apparent: bool) -> Browser:
    """A browser that only shows a scan."""
    try:
        saved = kept.find(name, session.state_dir, (), apparent=apparent, option="--browse")
    except OSError as error:
        raise Failed(name, f"the saved scan cannot be read ({error.strerror})") from error
    roots = [os.fsdecode(root) for root in saved.request.roots]
    # Several roots hang below what they have in common.
    top = os.path.commonpath(roots) if len(roots) > 1 else roots[0]
    tree = build(top, saved.scan.entries)
    tree.bytes, tree.entries = saved.scan.total_bytes, saved.scan.total_entries
    return Browser(tree, read_only=f"scan of {time_text(saved.taken)}", apparent=apparent)


class _Browsing:
    """One command.

    linked: how many files with several links the tree has: where one of them counts a part of the tree cannot tell
    """

    def __init__(self, session: Session, request: ScanRequest, *, dry_run: bool) -> None:
        self.session, self.request, self.dry_run = session, request, dry_run
        self.linked = 0
        self.browser = Browser(self._whole(), apparent=request.apparent)

    def run(self) -> None:
        """Show it, and do what is wished for, until that is to quit."""
        while (wish := run_browser(self.browser)) != QUIT:
            if wish == DELETE:
                self._delete(self.browser.chosen)
            else:
                self._read_again([self.browser.directory])

    def _whole(self) -> BrowseNode:
        result = self._scan(self.request)
        self.linked = result.linked
        return _tree(os.fsdecode(self.request.roots[0]), result)

    def _scan(self, request: ScanRequest) -> Scan:
        with progress(self.session.screen, 1 if request.apparent else 512) as tick:
            try:
                result = scan(request, tick)
            except OSError as error:
                raise Failed("opskit du", str(error), todo="leave --engine out: the best one is taken") from error
        if result.partial:
            raise KeyboardInterrupt
        return result

    def _delete(self, nodes: Sequence[BrowseNode]) -> None:
        """Show the plan, ask, delete; then the tree is as the host is, whatever came of it."""
        paths = [node.path() for node in nodes]
        session = replace(self.session, changes=True, dry_run=self.dry_run)

        def see(runner: Runner) -> DeleteFacts:
            with progress_line(session.screen) as line:

                def tick(entries: int, path: str) -> None:
                    if line:
                        line(lambda _seconds: f"{entries:,} entries  {shown(path)}")

                return see_targets(paths, runner, session.state_dir, tick)

        try:
            outcome = act(session, Chore(see, decide, lasting=False))
            tell(session, outcome, outcome.plan.title.replace("delete ", "deleted ", 1), outcome.plan.title)
            changed = outcome.run is not None
        except OpskitError as error:
            draw_error(session.screen, error)
            changed = not isinstance(error, (Busy, Missing, NeedsConfirmation, Refused))
        answer_of("Enter: back to the browser ")
        if changed:
            self._read_again(nodes)

    def _read_again(self, nodes: Sequence[BrowseNode]) -> None:
        """Read these anew, as they are now; one that is gone leaves the tree."""
        root, place = self.browser.root, self.browser.place
        if self.linked or root in nodes:
            self.browser.follow(self._whole(), place)
            return
        for node in nodes:
            above = node.parent
            own = _own_size(above)
            other, linked = self._one(node)
            if linked:
                self.browser.follow(self._whole(), place)
                return
            node.replace(other)
            if above and not self.request.apparent:
                _add(above, _allocated(above.path(), own) - own)
        # The directory that is shown may have been in one of them: it is no part of the tree any more.
        self.browser.follow(root, place)

    def _one(self, node: BrowseNode) -> tuple[Optional[BrowseNode], int]:
        """One of the tree as it is now, None if it is gone; and how many files with several links are in it."""
        path = node.path()
        if not os.path.lexists(path):
            return None, 0
        result = self._scan(replace(self.request, roots=(os.fsencode(path),)))
        return _tree(path, result), result.linked


def _tree(path: str, result: Scan) -> BrowseNode:
    unreadable = ((each.path, each.why) for each in result.unreadable)
    tree = build(path, result.entries, unreadable)
    if not result.entries:
        tree.kind = DIRECTORY
    return tree


def _own_size(node: Optional[BrowseNode]) -> int:
    """What a directory takes itself: it has no file whose size counts elsewhere."""
    return node.bytes - sum(child.bytes for child in node.children) if node else 0


def _allocated(path: str, before: int) -> int:
    """The bytes that a directory takes itself now; what it took before where that cannot be seen."""
    try:
        return os.lstat(path).st_blocks * 512
    except OSError:
        return before


def _add(node: BrowseNode, size: int) -> None:
    for each in (node, *node.above()):
        each.bytes += size
