"""Make a workspace of synthetic events of a given size, once, and keep it in a cache.

    python -m benchmarks.features.workspace FOLDER SEED EVENTS

writes the source files; generated in a process of its own, as a child's peak memory counts what
its parent held.
"""

import json
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.features.measuring import Json, run_keepworth, run_module
from benchmarks.features.synthetic_histories import slabs
from benchmarks.features.synthetic_tables import EXTRA_REVENUE, customers_of, plans_table

CONFIGURATION = f"""\
[business]
contract = "subscription"
currency = "EUR"
annual_discount_rate = 0.10
extra_revenue = ["{EXTRA_REVENUE}"]
observed_from = 2023-01-01
observed_until = 2025-01-01

[spark]
master = "local[2]"

[features]
attributes = ["country", "age"]

[[sources]]
name = "events"
into = "events"
files = {{ events = "data/events-*.parquet" }}
select = "SELECT * FROM events"

[[sources]]
name = "customers"
into = "customers"
files = {{ customers = "data/customers.parquet" }}
select = "SELECT * FROM customers"

[[sources]]
name = "plans"
into = "plans"
files = {{ plans = "data/plans.parquet" }}
select = "SELECT * FROM plans"
"""
MADE = "made.json"


def workspace_of(cache: Path, seed: int, n_events: int) -> Path:
    """Return the workspace of this many events, generated and ingested if it is not there yet."""
    folder = cache / f"events-{n_events}-seed-{seed}"
    if not (folder / MADE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        made = run_module("workspace", str(folder), str(seed), str(n_events))
        answer, used = run_keepworth("ingest", folder)
        shutil.rmtree(folder / "data")
        rows = {"events": answer["new"], "quarantined": answer["quarantined"]}
        (folder / MADE).write_text(json.dumps(rows | {"generate": made["process"], "ingest": used}))
    return folder


def making_of(workspace: Path) -> Json:
    """Return how many rows there are, and what generating and ingesting them took."""
    made: Json = json.loads((workspace / MADE).read_text())
    return made


def write_sources(folder: Path, seed: int, n_events: int) -> None:
    """Write the configuration and the Parquet files it reads."""
    data = folder / "data"
    data.mkdir(parents=True)
    for number, events in enumerate(slabs(seed, n_events)):
        pq.write_table(events, data / f"events-{number:03d}.parquet", compression="zstd")
    pq.write_table(customers_of(seed, n_events), data / "customers.parquet")
    pq.write_table(plans_table(), data / "plans.parquet")
    (folder / "keepworth.toml").write_text(CONFIGURATION)


if __name__ == "__main__":
    write_sources(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print("{}")
