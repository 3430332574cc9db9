"""The full catalogue as the SQL that is generated from it, in DuckDB: the kernel's oracle, timed.

    python -m benchmarks.features.catalogue_sql_run WORKSPACE [--save FILE]

Bucket by bucket, all cutoffs in one query, under a memory limit.
"""

import argparse
import json
from pathlib import Path

import duckdb
import pyarrow.compute as pc

from benchmarks.features.agreement import keep_matrix
from benchmarks.features.measuring import Stopwatch, peak_gb
from benchmarks.features.signals_compared import REFERENCES, RULES, full_catalogue, instants
from features.log import Log
from tests.features.sql_form.form import SqlForm
from tests.features.sql_form.parity import matrix_of

MEMORY_LIMIT = "1GB"


def main() -> None:
    """Run once and print the readings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--save", type=Path)
    arguments, watch = parser.parse_args(), Stopwatch()
    log, signals = Log.open(arguments.workspace / "state"), full_catalogue()
    names = [signal.name for signal in signals]
    with duckdb.connect() as connection:
        for setting in (f"memory_limit = '{MEMORY_LIMIT}'", "TimeZone = 'UTC'"):
            connection.execute(f"SET {setting}")
        form = SqlForm(connection, signals, RULES, log.read_customers())
        for bucket in range(log.n_buckets):
            with watch.timed("staging"):
                form.stage(f"read_parquet({[str(path) for path in log.files('events', bucket)]})")
            with watch.timed("signals"):
                table = form.signals(dict.fromkeys(instants(), REFERENCES))
            for as_of in instants() if arguments.save else ():
                rows = table.filter(pc.equal(table.column("as_of"), as_of))
                ids = rows.column("customer_id").to_pylist()
                keep_matrix(arguments.save, as_of, ids, matrix_of(rows, names))
    readings = {"events": log.n_events, "signals": len(signals), "peak_gb": peak_gb()}
    print(json.dumps(readings | watch.readings()))


if __name__ == "__main__":
    main()
