"""The worker processes of a process, as the system sees them."""

import time
from collections.abc import Callable
from pathlib import Path


def until(found: Callable[[], set[int]], count: int) -> set[int]:
    """Ask again for a while, until so many are found."""
    for _ in range(2_000):
        if len(pids := found()) >= count:
            return pids
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {count}, found {pids}")


def workers_of(parent: int) -> set[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    command = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return {pid for pid, line in command.items() if b"spawn_main" in line}


def is_running(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
