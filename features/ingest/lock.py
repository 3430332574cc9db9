"""One writer at a time: a lock on `state/lock` that dies with its holder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class WorkspaceBusyError(RuntimeError):
    """Say that another process is writing in the workspace."""


@contextmanager
def writing(state: Path) -> Iterator[None]:
    """Hold the workspace for writing, without waiting.

    Raises
    ------
    WorkspaceBusyError
        If another process holds it; the message names its process id.
    """
    state.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(descriptor, state / "lock")
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = path.read_text().strip() or "unknown"
        raise WorkspaceBusyError(
            f"Process {holder} is writing in {path.parent}; try again when it has ended."
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
