"""Killed at any moment, an erasure leaves the log of before or of after, and the next ends it."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from features.ingest.erasing import erase_from_log
from features.ingest.run import ingest
from features.log import Log
from features.rules import CustomerRules
from features.sources import IngestRules, Source

ROOT = Path(__file__).parents[3]
KILLS = 8
GONE = [f"c{number}" for number in range(0, 400, 7)]
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from features.ingest.erasing import erase_from_log
print("ready", flush=True)
erase_from_log(Path(sys.argv[2]), sys.argv[3:])
"""


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> Path:
    """Return a log of two batches that both name all of the customers."""
    folder = tmp_path_factory.mktemp("erased")
    duckdb.execute(
        "COPY (SELECT 'c' || (i % 400) AS customer_id, 'usage' AS kind, "
        "DATE '2024-01-01' + CAST(i % 300 AS INTEGER) AS occurred_at, i AS amount, "
        f"FROM range(200000) AS r(i)) TO '{folder}/raw.parquet'"
    )
    for part in (0, 1):
        source = Source(
            name="usage",
            into="events",
            files={"raw": "raw.parquet"},
            select=f"SELECT * FROM raw WHERE amount % 2 = {part}",
        )
        rules = CustomerRules(contract="subscription", currency="EUR")
        ingest(folder, folder / "state", [source], rules, IngestRules())
    return folder / "state"


def killed_after(state: Path, seconds: float) -> None:
    arguments = [sys.executable, "-c", CHILD, str(ROOT), str(state), *GONE]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.kill()


def customers_below(folder: Path) -> set[str]:
    files = (folder / "log").rglob("*.parquet")
    return {name for path in files for name in pq.read_table(path)["customer_id"].to_pylist()}


def test_a_killed_erasure_is_ended_by_the_next(state, tmp_path):
    everybody = customers_below(state)
    shutil.copytree(state, tmp_path / "undisturbed")
    begun = time.monotonic()
    found = erase_from_log(tmp_path / "undisturbed", GONE)
    whole = time.monotonic() - begun
    assert found.events > 0
    assert customers_below(tmp_path / "undisturbed") == everybody - set(GONE)

    for kill in range(KILLS):
        copy = shutil.copytree(state, tmp_path / f"{kill}")
        killed_after(copy, whole * (kill + 0.5) / KILLS)
        left = Log.open(copy)
        assert left.n_events in (200_000, 200_000 - found.events)
        assert (
            sum(pq.read_metadata(path).num_rows for path in left.files("events")) == left.n_events
        )
        erase_from_log(copy, GONE)
        assert customers_below(copy) == everybody - set(GONE)
        assert Log.open(copy).n_events == 200_000 - found.events
