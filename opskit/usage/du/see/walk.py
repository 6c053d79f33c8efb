"""Walking a directory tree in several processes, exactly as du does.

A walker has a stack of directories to read. It opens each in its parent, reads its names and their attributes, has
them counted (count.py) and pushes the directories among them. In which order is of no matter: a file with several links
counts at the first that du would meet, by its positions from the root down, and when all is read (scan.py).

The protocol between the processes. The first walker begins alone: a small tree costs no fork. Then its process becomes
the coordinator and forks workers; each inherits the stack and takes its share of it. From then on they talk in
packets (pipe(2), O_DIRECT: what is written at once, up to PIPE_BUF bytes, is read at once):

  worker → coordinator, one pipe for all:   (number, None)    I have nothing left to do
                                            (number, chain)   a directory for whoever is idle: what leads to it
  coordinator → worker, a pipe for each:    chain             do this
                                            None              that was all: answer
  worker → coordinator, a pipe for each:    the answer, to the end of the pipe

Only the coordinator decides that it is the end: when every worker is idle and no directory waits. A worker says that
it is idle after it has handed over whatever it did, on the same pipe, so nothing can be on its way then. When a worker
is idle and nothing waits, the coordinator sets HUNGRY on the board, which is memory that all share, and each busy
worker hands over its shallowest directory. With STOP on the board, or without a reader, each answers what it has.
"""

from __future__ import annotations

import errno
import gc
import marshal  # between processes of one program: what is read was written by it
import os
import resource
import select
import signal
import time
from contextlib import suppress
from typing import Any, Callable, NoReturn, Optional

from opskit.core.child import ENDING, directory_of_call, end_with_parent, let_go
from opskit.core.errors import Failed
from opskit.usage.du.model import MOST_WORKERS
from opskit.usage.du.see.count import Board, Count
from opskit.usage.du.see.directory import Opener, TreeDirectory, Visited, from_chain
from opskit.usage.du.see.readers import BATCH, Reader

ALONE = 1500  # entries that one process counts before it is worth forking: some milliseconds
AS_FIT = -1  # as many workers as fit the machine and the disk: fitting()
PATIENCE = 2.0  # seconds that a worker has to answer after Ctrl-C: a mount without a server keeps it for ever
TICK = 0.2  # seconds between two calls of a Tick
# So many blocks are asked for at once where the disk is what takes the time: a fifth faster than two.
WAITING = 8
# So often one process has waited after its first 1,500 entries: not even once when nothing comes from the disk.
WAITS = 20
GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}  # no longer what it was when it was listed

WalkAnswer = dict[str, Any]
NOTHING: WalkAnswer = {"nodes": [], "links": [], "visited": [], "twice": False}
# Called while it runs: entries so far, their size (in units of the count), a directory.
Tick = Callable[[int, int, bytes], None]


class Walker:
    """Reads what is below the directories on its stack.

    reader: of the process that begins
    worker_reader: makes the reader of a worker
    visited: the directories that were read, or None where one may count twice (with a single root, as with du).
    """

    def __init__(
        self, reader: Reader, worker_reader: Callable[[], Reader], root: TreeDirectory, count: Count, board: Board
    ) -> None:
        self.reader, self.root, self.count, self.board = reader, root, count, board
        self.worker_reader = worker_reader
        self.opener = Opener(follow=reader.follow)
        self.stack = [root]
        self.failed: list[tuple[bytes, int]] = []
        self.visited: Optional[Visited] = None

    def answer(self) -> WalkAnswer:
        """All that was counted, as plain values."""
        visited = self.visited or Visited()
        return {**self.count.answer(), "failed": self.failed, "visited": list(visited.here), "twice": visited.twice}

    def begin_anew(self, number: int, stack: list[TreeDirectory]) -> None:
        """Be a worker, with a share of the stack and nothing counted: the coordinator, whose copy this is, has that."""
        self.stack, self.failed, self.reader = stack, [], self.worker_reader()
        self.visited = self.visited and self.visited.anew()
        self.count.begin_anew(number)

    def run(self, limit: int = 1 << 62, hand_over: Optional[Callable[[], None]] = None) -> None:
        """Read directories until none is left, or limit entries more are counted, or STOP is on the board."""
        board, cells, counts = self.board, self.board.cells, self.count.counts
        limit += cells[counts]
        while self.stack and cells[counts] < limit and not cells[board.STOP]:
            directory = self.stack.pop()
            if cells[board.ASK]:
                board.tell(directory.path())
            self.visit(directory)
            if cells[board.HUNGRY] and hand_over:
                hand_over()

    def visit(self, directory: TreeDirectory) -> None:
        """Read one directory. What is gone by now is passed over; what cannot be read goes to `failed`."""
        if self.visited is not None and not self.visited.first(directory.identity):
            self.count.leave(directory)
            self.opener.drop(directory)
            return
        try:
            descriptor = self.opener.open(directory)
        except OSError as error:
            self._fail(directory.path(), error)
            return
        children: list[TreeDirectory] = []
        reader, count = self.reader, self.count
        try:
            names = reader.names(descriptor)
            if count.left_out:
                names = count.wanted(directory, names)
            for start in range(0, len(names), BATCH):
                columns = reader.read(names[start : start + BATCH], descriptor)
                for name, why in reader.failed:
                    if not (reader.follow and self._leads_nowhere(directory, descriptor, name, why)):
                        self._fail(directory.path(name), why)
                if columns.names:
                    count.count(directory, start, columns, children)
        except OSError as error:
            self._fail(directory.path(), error)
        count.tell()
        self.opener.keep(directory, descriptor, len(children))
        children.reverse()
        self.stack += children

    def _leads_nowhere(self, directory: TreeDirectory, descriptor: int, name: bytes, why: OSError) -> bool:
        """Whether a name that cannot be followed is a link that is still there: then it is said, as GNU du says it."""
        try:
            os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except OSError:
            return False
        self.failed.append((directory.path(name), why.errno or 0))
        return True

    def _fail(self, path: bytes, error: OSError) -> None:
        if error.errno not in GONE:
            self.failed.append((path, error.errno or 0))


def walk(
    walker: Walker, workers: int, alone: int = ALONE, tick: Optional[Tick] = None
) -> tuple[list[WalkAnswer], bool]:
    """The answers of all processes, and whether it was interrupted (KeyboardInterrupt): then they are a part.

    workers: how many to fork once `alone` entries are counted; 0 for none, AS_FIT
    alone: entries that this process counts first
    tick: called about every TICK seconds

    Raises Failed when a worker was killed. An exception of another kind, such as that of SIGTERM, stops them first.
    """
    try:
        waited = waits()
        walker.run(limit=alone if workers else 1 << 62)
        if walker.stack:
            coordinator = _Coordinator(walker)
            if coordinator.fork(workers if workers > 0 else fitting(waits() - waited)):
                return coordinator.answers(tick)
            walker.run()
    except KeyboardInterrupt:
        return [walker.answer()], True
    finally:
        walker.opener.close()
    return [walker.answer()], False


def waits() -> int:
    """How often this process gave its processor away because it had to wait (getrusage(2), ru_nvcsw)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


def fitting(waited: int) -> int:
    """The number of workers, after one process waited so often."""
    processors = len(os.sched_getaffinity(0))
    return min(max(processors, WAITING), MOST_WORKERS) if waited >= WAITS else min(processors, WAITING)


class _Worker:
    """A forked process, from the coordinator's side. orders and results: the pipes to it and from it."""

    def __init__(
        self, number: int, walker: Walker, share: list[TreeDirectory], report: int, inherited: list[int]
    ) -> None:
        read, self.orders = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        self.results, write = os.pipe2(os.O_CLOEXEC)
        self.answered, self.pid = False, os.fork()
        if self.pid == 0:
            for descriptor in (*inherited, self.orders, self.results):
                os.close(descriptor)
            _be_worker(number, walker, share, report, read, write)
        os.close(read)
        os.close(write)

    def answer(self, until: Optional[float]) -> WalkAnswer:
        """What it counted; where it waits if it does not answer until then (time.monotonic).

        Raises Failed when it ended without an answer.
        """
        if until and not select.select([self.results], [], [], max(0.0, until - time.monotonic()))[0]:
            return {**NOTHING, "failed": [(directory_of_call(self.pid), errno.ETIMEDOUT)]}
        with open(self.results, "rb", closefd=False) as file:
            packed = file.read()
        if not packed:
            raise Failed("opskit du", f"a worker (pid {self.pid}) was killed", todo="dmesg | tail may say by what")
        answer: WalkAnswer = marshal.loads(packed)  # noqa: S302
        if "fault" in answer:
            raise RuntimeError(f"in a worker: {answer['fault']}")
        self.answered = True
        return answer

    def order(self, chain: Any) -> None:
        """Have it read a directory, or answer (None). One that was killed is noticed by its results."""
        with suppress(BrokenPipeError):
            os.write(self.orders, marshal.dumps(chain))

    def end(self) -> None:
        """Wait for its end; one that has not answered is killed: it only reads, and may wait for ever."""
        os.close(self.orders)
        let_go(self.pid, self.results, ended=self.answered)


class _Coordinator:
    def __init__(self, walker: Walker) -> None:
        self.walker, self.board = walker, walker.board
        self.waiting: list[Any] = []  # directories that were handed over: chains
        self.idle: list[_Worker] = []
        self.workers: list[_Worker] = []

    def fork(self, workers: int) -> bool:
        """Have so many workers. False when the host gives no process more: then there are none, nothing was lost."""
        self.reports, report = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
        gc.freeze()  # what is not touched is not copied
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        try:
            for number in range(workers):
                inherited = [self.reports, *(end for worker in self.workers for end in (worker.orders, worker.results))]
                share = self.walker.stack[number::workers]
                self.workers.append(_Worker(number, self.walker, share, report, inherited))
        except OSError:
            self._stop()
            _ = [worker.answer(time.monotonic() + PATIENCE) for worker in self.workers]
            self._end()
            self.board.clear()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        finally:
            os.close(report)
        return bool(self.workers)

    def answers(self, tick: Optional[Tick]) -> tuple[list[WalkAnswer], bool]:
        until, handler = None, signal.getsignal(signal.SIGINT)
        try:
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
                self._serve(tick)
            except KeyboardInterrupt:
                until = time.monotonic() + PATIENCE
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # timeout(1) sends it twice
            self._stop()
            return [self.walker.answer(), *(worker.answer(until) for worker in self.workers)], until is not None
        finally:
            self._stop()
            self._end()
            signal.signal(signal.SIGINT, handler)

    def _serve(self, tick: Optional[Tick]) -> None:
        """Pass directories on until every worker is idle and none waits."""
        poll = select.poll()
        poll.register(self.reports, select.POLLIN)
        for worker in self.workers:
            poll.register(worker.results, 0)  # an end before its time
        last_tick = time.monotonic()
        while len(self.idle) < len(self.workers):
            ready = poll.poll(TICK * 1000 if tick else None)
            if tick and time.monotonic() - last_tick >= TICK:
                last_tick = time.monotonic()
                tick(*self.board.progress())
            if any(descriptor != self.reports for descriptor, _ in ready):
                return
            if ready:
                self._take(os.read(self.reports, select.PIPE_BUF))

    def _take(self, packet: bytes) -> None:
        number, chain = marshal.loads(packet)  # noqa: S302
        if chain is None:
            self.idle.append(self.workers[number])
        else:
            self.waiting.append(chain)
        while self.idle and self.waiting:
            self.idle.pop().order(self.waiting.pop(0))
        self.board.cells[self.board.HUNGRY] = len(self.idle)

    def _stop(self) -> None:
        """Have every worker answer: the idle ones read that it was all, the others see STOP, or have no reader."""
        if not self.board.cells[self.board.STOP]:
            self.board.cells[self.board.STOP] = 1
            os.close(self.reports)  # the pipe holds only 16 packets: who writes one more would wait
            for worker in self.workers:
                worker.order(None)

    def _end(self) -> None:
        while self.workers:
            self.workers.pop().end()


def _be_worker(
    number: int, walker: Walker, share: list[TreeDirectory], report: int, orders: int, results: int
) -> NoReturn:
    """The life of a worker: read, hand over, ask for more until that was all, answer."""
    try:
        for name in ENDING:  # Ctrl-C reaches the coordinator as well, which says STOP
            signal.signal(name, signal.SIG_IGN if name == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        end_with_parent()
        gc.disable()
        walker.begin_anew(number, share)
        try:
            with suppress(BrokenPipeError):  # the coordinator has stopped
                _work(number, walker, report, orders)
            answer = walker.answer()
        except Exception as error:  # noqa: BLE001 - the coordinator raises it
            answer = {"fault": repr(error)}
        with open(results, "wb") as file:
            marshal.dump(answer, file)
    finally:  # whatever happens, this copy of the program does not go on as the first one
        os._exit(0)


def _work(number: int, walker: Walker, report: int, orders: int) -> None:
    def hand_over() -> None:
        if len(walker.stack) > 1:
            packet = marshal.dumps((number, walker.stack[0].to_chain()))
            if len(packet) <= select.PIPE_BUF:
                os.write(report, packet)
                walker.opener.drop(walker.stack.pop(0))

    while True:
        walker.run(hand_over=hand_over)
        if walker.board.cells[walker.board.STOP]:
            return
        os.write(report, marshal.dumps((number, None)))
        chain = marshal.loads(os.read(orders, select.PIPE_BUF))  # noqa: S302
        if chain is None:
            return
        walker.stack.append(from_chain(walker.root, chain, walker.count.request.depth))
        walker.count.adopt(walker.stack[-1])
