"""A workspace to ingest into, without a command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from features.ingest.report import IngestReport
from features.ingest.run import ingest
from features.log import Log
from features.rules import CustomerRules
from features.sources import IngestRules, Source


@dataclass(frozen=True)
class Desk:
    """Hold a folder with raw files and the state that ingest writes."""

    folder: Path

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def put(self, name: str, *lines: str) -> str:
        """Write a text file; return its name."""
        (self.folder / name).write_text("\n".join(lines) + "\n")
        return name

    def source(self, *lines: str, into: str = "events", **settings: Any) -> Source:
        """Make a source of one CSV file with these lines, taken as it is."""
        name = settings.pop("name", into)
        files = settings.pop("files", None) or {"raw": self.put(f"{name}.csv", *lines)}
        select = settings.pop("select", "SELECT * FROM raw")
        return Source(name=name, into=into, files=files, select=select, **settings)

    def ingest(
        self,
        *sources: Source,
        tolerated: float = 0.0,
        attributes: Sequence[str] = (),
        **rules: Any,
    ) -> IngestReport:
        customer_rules = CustomerRules(contract="subscription", currency="EUR", **rules)
        limits = IngestRules(max_quarantined_share=tolerated)
        return ingest(
            self.folder, self.state, sources, customer_rules, limits, attributes=attributes
        )

    @property
    def log(self) -> Log:
        return Log.open(self.state)

    def events(self) -> list[dict]:
        """Return all events of the log, bucket by bucket."""
        tables = [self.log.read_events(bucket) for bucket in range(self.log.n_buckets)]
        return pa.concat_tables(tables).to_pylist() if tables else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
