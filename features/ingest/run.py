"""Ingest: from the sources of a configuration to the log, in one step that can be repeated."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.contract import CUSTOMER_COLUMNS
from features.ingest.batch import remove_leftovers, write_batch
from features.ingest.checks import event_checks
from features.ingest.connection import sandbox
from features.ingest.defects import Check
from features.ingest.files import views_of_all
from features.ingest.lock import writing
from features.ingest.oddities import oddities_of
from features.ingest.quarantine import (
    quarantined_events,
    reasons_of,
    refuse_too_many,
    write_quarantine,
)
from features.ingest.repeats import settle_repeats
from features.ingest.report import IngestReport, QuarantinedRows
from features.ingest.selection import Selection, selections_of_all
from features.ingest.staging import count_rows, create_staging, stage_events
from features.ingest.tables import CUSTOMERS, PLANS, is_changed, stage_table
from features.log import Log
from features.mistakes import InputRefusedError, Mistake
from features.rules import CustomerRules
from features.sources import IngestRules, Source
from features.vocabulary import require_columns

MEMORY_LIMIT = "600MB"
"""What DuckDB may hold; the rest spills. The process holds some 300 MB beside it."""
Progress = Callable[[str, float], None]
"""Called with what is being done and the share of all work that is behind, from 0 to 1."""


def ingest(  # noqa: PLR0913 (the last three are keyword-only options)
    folder: Path,
    state: Path,
    sources: Sequence[Source],
    rules: CustomerRules,
    limits: IngestRules,
    *,
    attributes: Sequence[str] = (),
    progress: Progress | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> IngestReport:
    """Read, check and add to the log what it lacks; repeat it, and nothing is added.

    Parameters
    ----------
    folder
        Where the configuration lies; paths of files are relative to it.
    state
        The workspace's `state` folder, made if need be.
    attributes
        Columns of the customers that features need; that they are selected is checked first.

    Raises
    ------
    ConfigurationError
        If sources, files, SELECTs, columns or attributes are wrong; nothing was read then.
    InputRefusedError
        If there are no rows, a source breaks off, or too many rows are quarantined; the log
        stays as it was.
    WorkspaceBusyError
        If another process is writing in the workspace.
    """
    begun = time.monotonic()
    tell = progress or _tell_nobody
    views = views_of_all(sources, folder)
    readable = [path for found in views for view in found for path in view.paths]
    with writing(state.resolve()), sandbox(state.resolve(), readable, memory_limit) as connection:
        log = Log.open(state.resolve())
        remove_leftovers(log)
        selections = selections_of_all(connection, sources, views)
        require_columns(attributes, _customer_columns(selections, log))
        run = _Run(connection, log, selections, tell)
        return run.report(rules, limits, begun)


@dataclass(frozen=True)
class _Settled:
    """Hold what became of the rows that do not enter the log."""

    repeated: int
    quarantined: int
    reasons: tuple[QuarantinedRows, ...]
    quarantine_file: Path | None


class _Run:
    """Hold what the steps of one ingest share."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        log: Log,
        selections: Sequence[Selection],
        tell: Progress,
    ) -> None:
        self.connection, self.log, self.tell = connection, log, tell
        self.by_table = {
            table: [chosen for chosen in selections if chosen.source.into == table]
            for table in ("events", "customers", "plans")
        }

    def report(self, rules: CustomerRules, limits: IngestRules, begun: float) -> IngestReport:
        """Stage, settle, write; then describe what the log holds now."""
        rows_read = self._stage(event_checks(rules.usage_scale))
        n_events = sum(rows_read[chosen.source.name] for chosen in self.by_table["events"])
        settled = self._settle(n_events, limits)
        grown, replaced = self._write()
        rows_by_kind, customers = _described(self.connection, grown)
        oddities = oddities_of(self.connection, grown, rules)
        self.tell("done", 1.0)
        return IngestReport(
            rows_read=n_events,
            new=grown.n_events - self.log.n_events,
            repeated=settled.repeated,
            quarantined=settled.quarantined,
            erased=count_rows(self.connection, "(FROM typed_events WHERE is_erased)"),
            rows_read_by_source=rows_read,
            reasons=settled.reasons,
            quarantine_file=settled.quarantine_file,
            rows_by_kind=rows_by_kind,
            span=grown.span() if grown.n_events else None,
            customers=customers,
            oddities=tuple(oddities),
            replaced_tables=replaced,
            fingerprint=grown.fingerprint,
            seconds=time.monotonic() - begun,
        )

    def _stage(self, checks: Sequence[Check]) -> dict[str, int]:
        create_staging(self.connection)
        rows_read: dict[str, int] = {}
        for number, selection in enumerate(self.by_table["events"]):
            name = selection.source.name
            self.tell(f"reading {name}", 0.5 * number / len(self.by_table["events"]))
            rows_read[name] = stage_events(self.connection, selection, checks, self.log.erased)
        for table in (CUSTOMERS, PLANS):
            rows_read |= stage_table(
                self.connection, table, self.by_table[table.table], self.log.erased
            )
        if not any(rows_read[chosen.source.name] for chosen in self.by_table["events"]):
            raise _without_rows(self.by_table["events"])
        return rows_read

    def _settle(self, n_events: int, limits: IngestRules) -> _Settled:
        self.tell("comparing with the log", 0.5)
        repeated = settle_repeats(self.connection, self.log)
        path = write_quarantine(self.connection, self.log.state)
        quarantined, reasons = quarantined_events(self.connection), reasons_of(self.connection)
        refuse_too_many(quarantined, n_events, limits, reasons, path)
        return _Settled(repeated, quarantined, reasons, path)

    def _write(self) -> tuple[Log, tuple[str, ...]]:
        changed = [t for t in (CUSTOMERS, PLANS) if is_changed(self.connection, t, self.log)]
        grown = write_batch(self.connection, self.log, changed, self._tell_writing)
        self.tell("looking for odd histories", 0.95)
        return grown, tuple(rules.table for rules in changed)

    def _tell_writing(self, share: float) -> None:
        self.tell("writing the log", 0.6 + 0.35 * share)


def _customer_columns(selections: Sequence[Selection], log: Log) -> list[str]:
    """Return the columns that the customers table will have after this ingest."""
    own = [chosen for chosen in selections if chosen.source.into == "customers"]
    if not own:
        return log.read_customers([]).column_names if log.files("customers") else []
    return [*CUSTOMER_COLUMNS, *(name for chosen in own for name in chosen.attributes)]


def _tell_nobody(doing: str, share: float) -> None:
    del doing, share


def _without_rows(selections: Sequence[Selection]) -> InputRefusedError:
    mistakes = [
        Mistake(f"sources[{chosen.source.name}]", "without rows", "expected at least one event")
        for chosen in selections
    ]
    return InputRefusedError("There is no event to ingest.", mistakes)


def _described(connection: duckdb.DuckDBPyConnection, log: Log) -> tuple[dict[str, int], int]:
    if not log.n_events:
        return {}, 0
    events = connection.read_parquet([str(path) for path in log.files("events")])
    kinds = events.aggregate("kind, count(*) AS rows", "kind").order("rows DESC, kind").fetchall()
    customers = events.aggregate("count(DISTINCT customer_id)").fetchall()[0][0]
    return {str(kind): int(rows) for kind, rows in kinds}, int(customers)
