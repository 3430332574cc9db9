"""Folders that readings of the log spill into: one a process, gone when that process is.

A process holds a lock on its folder for life. Whoever begins to read next removes the folders
that nobody holds, so that a killed process leaves nothing for good.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "reading-"
_making = threading.Lock()
_made: dict[tuple[Path, int], Path] = {}
"""Folders by `state` and process id, as a forked process needs one of its own."""


def spill_folder(state: Path) -> Path:
    """Return this process's folder below `state/tmp`, made and held at the first call."""
    owner = state, os.getpid()
    with _making:
        if owner not in _made:
            _made[owner] = _held_folder(state / "tmp")
            atexit.register(_remove, _made[owner], os.getpid())
        return _made[owner]


def _held_folder(below: Path) -> Path:
    below.mkdir(parents=True, exist_ok=True)
    # One at a time: a folder that is made and not held yet looks like one that was left.
    with _opened(below) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for folder in below.glob(f"{_PREFIX}*"):
            if not _is_held(folder):
                shutil.rmtree(folder, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=below))
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
    return folder


def _is_held(folder: Path) -> bool:
    try:
        with _opened(folder) as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False  # its process has just ended
    return False


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
