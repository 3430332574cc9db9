"""Killed at any moment, an ingest leaves a log that the next run completes identically."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from features.ingest.run import ingest
from features.log import Log
from features.rules import CustomerRules
from features.sources import IngestRules, Source

ROOT = Path(__file__).parents[3]
KILLS = (4, pytest.param(100, marks=pytest.mark.long))

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from features.ingest.run import ingest
from features.rules import CustomerRules
from features.sources import IngestRules, Source
source = Source.model_validate_json(sys.argv[3])
rules = CustomerRules(contract="subscription", currency="EUR")
folder = Path(sys.argv[2])
print("ready", flush=True)
ingest(folder, folder / "state", [source], rules, IngestRules())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Hold 200,000 events, some of them bad, so that every step takes a while."""
    folder = tmp_path_factory.mktemp("killed")
    duckdb.execute(
        "COPY (SELECT 'c' || (i % 5000) AS customer_id, 'usage' AS kind, "
        "DATE '2024-01-01' + CAST(i % 300 AS INTEGER) AS occurred_at, "
        "CASE WHEN i % 1000 = 0 THEN -1 ELSE i END AS amount FROM range(200000) AS r(i)) "
        f"TO '{folder}/raw.parquet'"
    )
    return folder


SOURCE = Source(
    name="usage", into="events", files={"raw": "raw.parquet"}, select="SELECT * FROM raw"
)


def complete(folder: Path, state: Path) -> str:
    rules = CustomerRules(contract="subscription", currency="EUR")
    return ingest(folder, state, [SOURCE], rules, IngestRules()).fingerprint


def killed_after(folder: Path, seconds: float) -> int:
    """Start an ingest in a process of its own, kill it, return its exit status."""
    arguments = [sys.executable, "-c", CHILD, str(ROOT), str(folder), SOURCE.model_dump_json()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        child.kill()
        return child.wait()


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_ingest_is_completed_by_the_next_as_if_it_had_never_been(folder, kills):
    shutil.rmtree(folder / "undisturbed", ignore_errors=True)
    begun = time.monotonic()
    undisturbed = complete(folder, folder / "undisturbed")
    whole = time.monotonic() - begun
    statuses = []
    for kill in range(kills):
        state = folder / "state"
        statuses.append(killed_after(folder, whole * (kill + 0.5) / kills))
        assert complete(folder, state) == undisturbed
        assert Log.open(state).manifest() == Log.open(folder / "undisturbed").manifest()
        named = {"manifest.json", *(batch.batch_id for batch in Log.open(state).batches)}
        assert {path.name for path in (state / "log").iterdir()} == named
        shutil.rmtree(state)
    assert statuses.count(-9) > kills / 2
