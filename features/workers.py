"""Work on many items in processes of their own, a core each, answers in the items' order."""

import ctypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 2
"""Items that wait for each worker, so that none is idle and few answers wait to be taken."""
_DIE_WITH_PARENT = 1
"""Linux calls it PR_SET_PDEATHSIG: the signal that a process gets when its parent ends."""
_ONE_CORE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
_work: Callable[[Any], Any] | None = None
"""What this process does with an item, if it is a worker: sent once, not with every item."""


class WorkerLostError(RuntimeError):
    """Say that a worker process ended without an answer."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def peak_memory_bytes() -> int:
    """Return the most memory this process has held; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text("ascii", "replace")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def worked(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield what `work` makes of every item, in their order; one worker works in this process.

    Parameters
    ----------
    work
        A function or value that can be pickled; a worker is given it once.
    items
        Taken as they are needed, so that they may be found while workers are busy.

    Raises
    ------
    WorkerLostError
        If a worker died, as it does where memory runs out.
    """
    if workers <= 1:
        yield from map(work, items)
        return
    with _environment(_ONE_CORE), _pool(work, workers) as pool:
        try:
            yield from _in_order(pool, items, workers * _AHEAD)
        except BrokenProcessPool as error:
            raise WorkerLostError(
                f"One of {workers} worker processes was killed, most often because memory ran "
                "out. What was finished is kept: run it again, with --workers 1 if need be."
            ) from error


@contextmanager
def _pool(work: Callable[[Any], Any], workers: int) -> Iterator[ProcessPoolExecutor]:
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(work,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, items: Iterable[Any], ahead: int) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    for item in items:
        waiting.append(pool.submit(_answer, item))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    """Set variables that libraries read when a worker loads them."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin(work: Callable[[Any], Any]) -> None:
    global _work  # noqa: PLW0603 -- a worker has one purpose for life
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted and ends its workers
    # A worker whose parent was killed would wait for items forever.
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid != os.getppid():
        os._exit(1)


def _answer(item: Any) -> Any:
    if _work is None:
        raise RuntimeError("this process was not begun as a worker.")
    return _work(item)
