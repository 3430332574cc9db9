"""Workers answer in order, are told when they die, and do not outlive their parent."""

import os
import subprocess
import sys

import pytest

from features.workers import WorkerLostError, peak_memory_bytes, worked
from tests.features.worker_processes import is_running, until, workers_of

PARENT = """
import time
from features.workers import worked
list(worked(time.sleep, [60, 60], 2))
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_come_in_the_order_of_the_items(workers):
    assert list(worked(str, range(20), workers)) == [str(number) for number in range(20)]


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    answers = worked(abs, items(), 2)
    assert next(answers) == 0
    assert len(taken) < 10
    answers.close()


def test_a_worker_uses_one_core_and_this_process_keeps_its_settings(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert list(worked(os.getenv, ["OMP_NUM_THREADS"], 2)) == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_a_fault_in_a_worker_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        list(worked(int, ["1", "x", "3"], 2))


def test_a_worker_that_dies_is_told():
    with pytest.raises(WorkerLostError, match="One of 2 worker processes was killed"):
        list(worked(os._exit, [9, 9, 9], 2))


def test_workers_end_with_a_parent_that_is_killed():
    arguments = [sys.executable, "-c", PARENT]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as parent:
        workers = until(lambda: workers_of(parent.pid), 2)
        parent.kill()
    assert until(lambda: {pid for pid in workers if not is_running(pid)}, 2) == workers


def test_peak_memory_is_that_of_this_process():
    assert 10e6 < peak_memory_bytes() < 100e9
