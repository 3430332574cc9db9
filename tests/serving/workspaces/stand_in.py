"""An example set up on a few raw rows of the real shape, and ingested."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.ingest.report import IngestReport
from features.ingest.run import ingest
from features.log import Log
from serving.configuration import FILE_NAME, Configuration, read_configuration
from serving.workspaces.examples import set_up_example


class StandIn:
    """Hold the folders of raw files and workspace, and read what ingest made of them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.raw, self.workspace = name, folder / "raw", folder / "workspace"
        self.raw.mkdir()

    def put(self, name: str, *lines: str) -> None:
        content = ("\n".join(lines) + "\n").encode()
        (self.raw / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def put_table(self, name: str, **columns: Any) -> None:
        pq.write_table(pa.table(columns), self.raw / name)

    def set_up(self) -> list[Path]:
        return set_up_example(self.name, self.workspace, self.raw)

    @property
    def configuration(self) -> Configuration:
        return read_configuration(self.workspace / FILE_NAME)

    def ingest(self) -> IngestReport:
        chosen = self.configuration
        state = self.workspace / "state"
        return ingest(self.workspace, state, chosen.sources, chosen.business, chosen.ingest)

    def events(self) -> list[dict[str, Any]]:
        log = Log.open(self.workspace / "state")
        tables = [log.read_events(bucket) for bucket in range(log.n_buckets)]
        rows = pa.concat_tables(tables).to_pylist()
        return sorted(rows, key=lambda row: (row["customer_id"], row["occurred_at"], row["kind"]))

    def customers(self) -> list[dict[str, Any]]:
        return Log.open(self.workspace / "state").read_customers().to_pylist()
