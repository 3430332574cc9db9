"""Compare the snapshots of two folders, value by value, and print what agrees.

python -m benchmarks.features.snapshots_compared FOLDER FOLDER
"""

import json
import sys

import duckdb
import numpy as np

from benchmarks.features.agreement import compared


def signals_of(folder: str) -> tuple[list[str], np.ndarray]:
    """Return the customers of all snapshots in a folder, sorted, and their signals."""
    with duckdb.connect() as connection:
        query = f"SELECT * FROM read_parquet('{folder}/*/*.parquet') ORDER BY as_of, customer_id"
        table = connection.sql(query).to_arrow_table()
    ids = table.column("customer_id").to_pylist()
    names = [name for name in table.column_names if name not in ("customer_id", "as_of")]
    columns = [table.column(name).to_numpy(zero_copy_only=False) for name in sorted(names)]
    return ids, np.column_stack([np.asarray(column, np.float64) for column in columns])


if __name__ == "__main__":
    (first_ids, first), (other_ids, other) = (signals_of(folder) for folder in sys.argv[1:])
    if first_ids != other_ids:
        raise SystemExit(f"{len(first_ids)} customers in one folder, {len(other_ids)} in the other")
    print(json.dumps(compared(first, other)))
