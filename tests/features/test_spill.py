"""What a reading spills lies in a folder of its process, which does not outlive it."""

import signal
import subprocess
import sys
from pathlib import Path

from features.log import Log
from features.spill import spill_folder
from tests.features.test_log import event, write_log

ROOT = Path(__file__).parents[2]
READER = """
import sys
from pathlib import Path
from features.log import Log
Log.open(Path(sys.argv[1])).read_events(0)
print("has read", flush=True)
sys.stdin.read()
"""


def reader(state: Path) -> subprocess.Popen:
    """Start a process that has read the log and waits."""
    child = subprocess.Popen(
        [sys.executable, "-c", READER, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    assert child.stdout.readline() == b"has read\n"
    return child


def folders(state: Path) -> set[Path]:
    return set((state / "tmp").iterdir())


def test_the_folder_of_a_process_is_the_same_at_every_call(tmp_path):
    assert spill_folder(tmp_path) == spill_folder(tmp_path)
    assert folders(tmp_path) == {spill_folder(tmp_path)}


def test_a_process_that_ends_takes_its_folder_along(tmp_path):
    write_log(tmp_path, {"first": [event("a", "ann", 1)]})
    with reader(tmp_path) as child:
        assert len(folders(tmp_path)) == 1
        child.communicate()
    assert folders(tmp_path) == set()


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_uses_is_not(tmp_path):
    log: Log = write_log(tmp_path, {"first": [event("a", "ann", 1)]})
    with reader(tmp_path) as killed, reader(tmp_path) as living:
        killed.kill()
        assert killed.wait() == -signal.SIGKILL
        assert len(folders(tmp_path)) == 2
        log.read_events(0)
        own = spill_folder(tmp_path)
        (theirs,) = folders(tmp_path) - {own}
        (theirs / "spilled.tmp").write_bytes(b"still in use")
        living.communicate()
    assert folders(tmp_path) == {own}
