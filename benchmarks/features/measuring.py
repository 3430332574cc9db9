"""Measuring: CPU seconds, wall seconds and peak memory of a part of the work or of a process."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]
_BYTES_IN_GB = 1e9


class Stopwatch:
    """Add up CPU and wall seconds by part, all threads of the process included."""

    def __init__(self) -> None:
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add what passes inside to a part."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.cpu[part] = self.cpu.get(part, 0.0) + time.process_time() - cpu
        self.wall[part] = self.wall.get(part, 0.0) + time.perf_counter() - wall

    def readings(self) -> Json:
        """Return CPU and wall seconds by part."""
        return {"cpu": self.cpu, "wall": self.wall}


def run_keepworth(command: str, workspace: Path, *arguments: str) -> tuple[Json, Json]:
    """Run a command of the product; return its JSON answer and what it used."""
    program = str(Path(sys.executable).with_name("keepworth"))
    return run_process([program, command, "-C", str(workspace), *arguments, "--json"])


def run_module(module: str, *arguments: str, limit_seconds: float | None = None) -> Json:
    """Run a module of this package in a fresh process; return what it printed and used."""
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.features.{module}", *arguments]
    printed, used = run_process(command, limit_seconds)
    return printed | {"process": used}


def run_process(command: Sequence[str], limit_seconds: float | None = None) -> tuple[Json, Json]:
    """Run a process that prints JSON; return that, and CPU s, wall s and the peak RSS in GB.

    CPU counts all processes that it waited for; the peak is that of the largest of them.

    Raises
    ------
    RuntimeError
        If it fails or takes longer than the limit, with the end of what it wrote.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(  # noqa: S603 -- our own commands
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=told, text=True
        )
        stop = threading.Timer(limit_seconds or threading.TIMEOUT_MAX, process.kill)
        stop.start()
        printed = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        stop.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        if process.returncode:
            end = f"{printed[-1000:]}{told.read()[-2000:]}"
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {end}")
    used = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - began,
        "peak_gb": usage.ru_maxrss * 1024 / _BYTES_IN_GB,
    }
    return json.loads(printed), used


def peak_gb() -> float:
    """Return the peak resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _BYTES_IN_GB
