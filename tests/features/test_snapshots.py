"""Snapshots are the same whoever works on them, whenever they are interrupted."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.asked import Inputs, asked_at
from features.blocks import block_of
from features.log import Log, bucket_of
from features.rules import CustomerRules
from features.slices import slices
from features.snapshots import signal_table, workers_for, write_snapshots
from features.workers import WorkerLostError, available_cores
from tests.features.synthetic_log import write_synthetic_log
from tests.features.worker_processes import until, workers_of

ROOT = Path(__file__).parents[2]
RULES = CustomerRules(contract="subscription", currency="EUR")
EARLY, LATE = datetime(2023, 4, 1, tzinfo=UTC), datetime(2023, 11, 1, tzinfo=UTC)
CHILD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from features.asked import Inputs
from features.log import Log, bucket_of
from features.rules import CustomerRules
from features.snapshots import write_snapshots
rules = CustomerRules(contract="subscription", currency="EUR")
inputs = Inputs(Log.open(Path(sys.argv[1])), rules, ("country",))
instants = [datetime(2023, month, 1, tzinfo=UTC) for month in (4, 11)]
folders = {as_of: Path(sys.argv[2]) / str(as_of.month) for as_of in instants}
write_snapshots(inputs, folders, workers=1)
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Log:
    """Hold one bucket of two slices, and one smaller bucket more."""
    return write_synthetic_log(tmp_path_factory.mktemp("log") / "state", 60_000, 48_000, 1)


@pytest.fixture(scope="module")
def inputs(log) -> Inputs:
    return Inputs(log, RULES, ("country",))


@pytest.fixture(scope="module")
def undisturbed(inputs, tmp_path_factory) -> Path:
    below = tmp_path_factory.mktemp("undisturbed")
    write_snapshots(inputs, places(below), workers=1)
    return below


def places(below: Path, *instants: datetime) -> dict[datetime, Path]:
    return {as_of: below / str(as_of.month) for as_of in instants or (EARLY, LATE)}


def contents(below: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones too."""
    files = (path for path in below.rglob("*") if path.is_file())
    return {str(path.relative_to(below)): path.read_bytes() for path in files}


def test_two_workers_write_the_files_that_one_does(inputs, undisturbed, tmp_path):
    run = write_snapshots(inputs, places(tmp_path), workers=2)
    assert run.workers == 2
    assert contents(tmp_path) == contents(undisturbed)


def test_instants_of_one_run_have_the_files_that_each_has_alone(inputs, undisturbed, tmp_path):
    for as_of in (EARLY, LATE):
        write_snapshots(inputs, places(tmp_path, as_of), workers=1)
    assert contents(tmp_path) == contents(undisturbed)


def test_slices_hold_what_a_block_of_everybody_does(inputs, log, undisturbed):
    assert len(list(slices(log))) == 2
    whole = block_of(log.read_events(0), log.read_customers(), RULES, ["country"])
    at_once = signal_table(whole, RULES, *asked_at(inputs, [LATE]))
    parts = [pq.read_table(path) for path in sorted((undisturbed / "11").glob("*.parquet"))]
    assert [part.num_rows > 0 for part in parts] == [True, True]
    assert pa.concat_tables(parts).combine_chunks().equals(at_once)


def test_only_customers_who_had_been_seen_have_a_row(log, undisturbed):
    seen = set(log.read_events(0, EARLY).column("customer_id").to_pylist())
    rows = pq.read_table(undisturbed / "4").column("customer_id").to_pylist()
    assert 0 < len(seen) < 48_000
    assert len(rows) == len(seen)
    assert set(rows) == seen


def test_what_is_up_to_date_is_left_as_it_is(inputs, undisturbed, tmp_path):
    below = shutil.copytree(undisturbed, tmp_path / "below")
    before = {path: path.stat().st_mtime_ns for path in below.rglob("*")}
    run = write_snapshots(inputs, places(below))
    assert [snapshot.is_new for snapshot in run.snapshots] == [False, False]
    assert run.events == 0
    assert run.snapshots[1].customers == pq.read_table(below / "11").num_rows
    assert {path: path.stat().st_mtime_ns for path in below.rglob("*")} == before


def test_a_month_more_costs_one_pass_and_leaves_the_others(inputs, undisturbed, tmp_path):
    shutil.copytree(undisturbed / "4", tmp_path / "4")
    run = write_snapshots(inputs, places(tmp_path))
    assert [snapshot.is_new for snapshot in run.snapshots] == [False, True]
    assert contents(tmp_path) == contents(undisturbed)


def test_parts_that_were_finished_are_kept_and_only_the_others_made(inputs, undisturbed, tmp_path):
    site = shutil.copytree(undisturbed / "11", tmp_path / ".11.building")
    (site / "features-00001.parquet").rename(site / ".features-00001.parquet.draft")
    kept = (site / "features-00000.parquet").stat()
    run = write_snapshots(inputs, places(tmp_path, LATE))
    part = list(slices(inputs.log))[1]
    assert run.events == part.events
    assert (tmp_path / "11" / "features-00000.parquet").stat().st_ino == kept.st_ino
    assert contents(tmp_path / "11") == contents(undisturbed / "11")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def altered_in_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def of_fewer_columns(path: Path) -> None:
    pq.write_table(pq.read_table(path).drop_columns(["tenure_months"]), path)


def of_fewer_rows(path: Path) -> None:
    pq.write_table(pq.read_table(path).slice(1), path)


def of_another_slice(path: Path) -> None:
    shutil.copy(path.with_name("features-00000.parquet"), path)


@pytest.mark.parametrize(
    "damage", [cut_short, altered_in_the_middle, of_fewer_columns, of_fewer_rows, of_another_slice]
)
def test_a_part_that_is_not_what_was_written_is_made_anew(inputs, undisturbed, tmp_path, damage):
    site = shutil.copytree(undisturbed / "11", tmp_path / ".11.building")
    damage(site / "features-00001.parquet")
    run = write_snapshots(inputs, places(tmp_path, LATE), workers=1)
    assert run.events == list(slices(inputs.log))[1].events
    assert contents(tmp_path / "11") == contents(undisturbed / "11")


def test_what_is_no_part_is_not_published(inputs, undisturbed, tmp_path):
    site = shutil.copytree(undisturbed / "11", tmp_path / ".11.building")
    shutil.copy(site / "features-00001.parquet", site / "features-00002.parquet")
    (site / "notes.parquet").write_bytes(b"of somebody else")
    (site / "folder").mkdir()
    write_snapshots(inputs, places(tmp_path, LATE), workers=1)
    assert contents(tmp_path) == {
        f"11/{name}": content for name, content in contents(undisturbed / "11").items()
    }
    assert not (tmp_path / "11" / "folder").exists()


@pytest.mark.parametrize("change", ["attributes", "rules", "log"])
def test_parts_of_another_key_are_not_gone_on_from(inputs, undisturbed, tmp_path, change):
    site = shutil.copytree(undisturbed / "11", tmp_path / ".11.building")
    (site / "features-00001.parquet").unlink()
    other = {
        "attributes": replace(inputs, attributes=("country", "points")),
        "rules": replace(inputs, rules=RULES.model_copy(update={"rejoin_grace_days": 60})),
        "log": replace(inputs, log=replace(inputs.log, batches=grown(inputs.log))),
    }[change]
    run = write_snapshots(other, places(tmp_path, LATE))
    assert run.events == other.log.n_events


def grown(log: Log) -> tuple:
    """Return the batches of a log with one file sealed anew, as after another ingest."""
    (batch,) = log.batches
    return (replace(batch, files=tuple(replace(file, sha256="x") for file in batch.files)),)


def test_a_snapshot_of_another_key_is_replaced_as_a_whole(inputs, undisturbed, tmp_path):
    shutil.copytree(undisturbed / "11", tmp_path / "11")
    (tmp_path / "11" / "features-99999.parquet").write_bytes(b"of a larger log")
    wider = replace(inputs, attributes=("country", "points"))
    (snapshot,) = write_snapshots(wider, places(tmp_path, LATE)).snapshots
    assert snapshot.is_new
    assert [path.name for path in tmp_path.iterdir()] == ["11"]
    assert len(list((tmp_path / "11").glob("*.parquet"))) == 2
    assert "points" in pq.read_table(tmp_path / "11").column_names


def test_killed_at_any_moment_it_is_completed_by_the_next_run(inputs, log, undisturbed, tmp_path):
    statuses = [killed_when(log, tmp_path, n_files) for n_files in (1, 4, 6)]
    write_snapshots(inputs, places(tmp_path), workers=1)
    assert contents(tmp_path) == contents(undisturbed)
    assert statuses.count(-signal.SIGKILL) > 1


def killed_when(log: Log, below: Path, n_files: int) -> int:
    """Start a run in a process of its own, kill it once so many files are there."""
    arguments = [sys.executable, "-c", CHILD, str(log.state), str(below)]
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, cwd=ROOT) as child:
        while child.poll() is None:
            if sum(path.is_file() for path in below.rglob("*")) >= n_files:
                child.kill()
            time.sleep(0.005)
        return child.returncode


def test_a_worker_that_dies_leaves_nothing_half_written(inputs, undisturbed, tmp_path):
    site = tmp_path / ".11.building"
    murder = threading.Thread(target=kill_a_worker_at, args=(site,))
    murder.start()
    with pytest.raises(WorkerLostError, match="One of 2 worker processes was killed"):
        write_snapshots(inputs, places(tmp_path, LATE), workers=2)
    murder.join()
    assert list(tmp_path.iterdir()) == [site]
    write_snapshots(inputs, places(tmp_path, LATE), workers=1)
    assert contents(tmp_path / "11") == contents(undisturbed / "11")


def kill_a_worker_at(site: Path) -> None:
    found = until(lambda: workers_of(os.getpid()) if site.exists() else set(), 1)
    os.kill(min(found), signal.SIGKILL)


def test_little_work_is_done_in_this_process():
    assert workers_for(1_000) == 1
    assert workers_for(10_000_000) == available_cores()


@pytest.mark.long
def test_ten_million_events_and_a_large_customer_take_less_than_a_gigabyte(tmp_path):
    log = write_synthetic_log(tmp_path / "state", 10_000_000, 100_000, 2)
    largest = log.read_events(bucket_of("c00000000", 2), customer_ids=["c00000000"])
    run = write_snapshots(
        Inputs(log, RULES, ("country",)), places(tmp_path / "below", LATE), workers=2
    )
    assert largest.num_rows > 100_000
    assert run.events == 10_000_000
    assert run.peak_memory_bytes < 1e9
