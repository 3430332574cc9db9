"""What one ingest did, in numbers that can be reconciled with the sources."""

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from features.ingest.oddities import Oddity


@dataclass(frozen=True)
class QuarantinedRows:
    """Count the rows of a source and kind that broke one rule, with the sentence of one."""

    source: str
    kind: str | None
    rule: str
    rows: int
    example: str


@dataclass(frozen=True)
class IngestReport:
    """Account for every row of events: `rows_read` = `new` + `repeated` + `quarantined` + `erased`.

    `erased` are rows of customers who were erased; nothing of them is kept.
    `rows_by_kind`, `span`, `customers` and `oddities` describe the whole log as it now stands;
    `quarantine_file` is None when nothing was quarantined. A row that breaks two rules counts
    once in `quarantined` and under both in `reasons`, which covers all tables.
    """

    rows_read: int
    new: int
    repeated: int
    quarantined: int
    erased: int
    rows_read_by_source: dict[str, int]
    reasons: tuple[QuarantinedRows, ...]
    quarantine_file: Path | None
    rows_by_kind: dict[str, int]
    span: tuple[datetime, datetime] | None
    customers: int
    oddities: tuple[Oddity, ...]
    replaced_tables: tuple[str, ...]
    fingerprint: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; times in ISO 8601."""
        span = [instant.isoformat() for instant in self.span] if self.span else None
        path = str(self.quarantine_file) if self.quarantine_file else None
        return {**asdict(self), "span": span, "quarantine_file": path}

    def summary(self) -> str:
        """Return the one line that a person reads first."""
        erased = f", {self.erased:,} of erased customers left out" if self.erased else ""
        return (
            f"{self.new:,} new rows, {self.repeated:,} already in the log, "
            f"{self.quarantined:,} quarantined{erased}, of {self.rows_read:,} read"
        )
