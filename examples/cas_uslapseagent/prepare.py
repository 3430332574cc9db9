"""Number the policies, which have no identifier, and leave out what was known only at exit."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_KNOWN_ONLY_AT_EXIT = ("DJIA",)


def prepare(source: Path, target: Path) -> None:
    """Read `uslapseagent.parquet` of `source`; write `policies.parquet` to `target`.

    `policy_id` counts from 1 in the order of the file; dots in names become underscores.
    """
    raw = pq.read_table(source / "uslapseagent.parquet")
    kept = [name for name in raw.column_names if name not in _KNOWN_ONLY_AT_EXIT]
    policies = raw.select(kept).rename_columns([name.replace(".", "_") for name in kept])
    policy_id = pa.array(np.arange(1, len(policies) + 1))
    numbered = policies.add_column(0, "policy_id", policy_id)
    pq.write_table(numbered, target / "policies.parquet", compression="zstd")
