"""Adding events that were checked elsewhere to the log, as one batch of a given name."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.contract import EVENT_COLUMNS
from features.ingest.batch import BatchName, remove_leftovers, write_batch
from features.ingest.connection import sandbox
from features.ingest.quarantine import quarantined_events, write_quarantine
from features.ingest.quoting import literal
from features.ingest.repeats import settle_repeats
from features.ingest.staging import create_staging
from features.log import Log


@dataclass(frozen=True)
class Appended:
    """Count what became of the events: new in the log, said there before, or contradicting it."""

    new: int
    repeated: int
    quarantined: int
    quarantine_file: Path | None


def append_events(
    state: Path, events: pa.Table, name: BatchName, memory_limit: str = "1GB"
) -> Appended | None:
    """Add to the log what it lacks of these events; None if it has the batch already.

    The caller holds the workspace. However often this is repeated, and wherever it was killed,
    the log holds each event once.

    Parameters
    ----------
    events : pyarrow.Table
        The columns of `EVENT_SCHEMA`, keeping to the contract, each id once.
    """
    log = Log.open(state)
    if any(batch.batch_id == name.batch_id for batch in log.batches):
        return None
    columns = ", ".join(EVENT_COLUMNS)
    with sandbox(state, [], memory_limit) as connection:
        remove_leftovers(log)
        create_staging(connection)
        connection.register("posted", events)
        connection.execute(
            f"INSERT INTO typed_events SELECT {literal(name.source)}, {columns}, true, [], "
            "false, false "
            "FROM posted"
        )
        repeated = settle_repeats(connection, log)
        path = write_quarantine(connection, state)
        grown = write_batch(connection, log, [], lambda _: None, name)
        quarantined = quarantined_events(connection)
        return Appended(grown.n_events - log.n_events, repeated, quarantined, path)
