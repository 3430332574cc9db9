"""Erasing customers from the log: the files that hold a row of theirs are written anew without it.

New files lie beside the old ones until a new manifest names them; only then the old ones go. So
whenever the process may die, the log is the one of before or the one of after.
"""

import csv
import hashlib
import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from features.contract import EVENT_COLUMNS
from features.erasure import ERASED
from features.ingest.batch import commit_manifest, copy_to_parquet, remove_leftovers, sealed
from features.ingest.connection import sandbox
from features.ingest.quoting import literal, literals
from features.instants import instant_of
from features.log import EVENT_ORDER, Batch, Log, LogFile
from features.whole_files import sync, whole_file

_MEMORY_LIMIT = "600MB"


@dataclass(frozen=True)
class ErasedFromLog:
    """Say what of some customers was in the log, and is no longer.

    `events` and `profiles` are rows of theirs in all batches, `mentions` rows of others that named
    them, `quarantined` rows of the quarantine. `first_recorded`, in microseconds, is since when
    the log knew of them by their events, None if it never did; `event_ids` are those of the events.
    """

    events: int
    profiles: int
    mentions: int
    quarantined: int
    first_recorded: int | None
    event_ids: tuple[str, ...]


def erase_from_log(
    state: Path,
    customer_ids: Sequence[str],
    note: Callable[[ErasedFromLog], None] = lambda _: None,
) -> ErasedFromLog:
    """Erase customers, and keep them out from now on; the caller holds the workspace.

    Repeat it, and nothing is found: `note` gets what is about to go from the log, before it does.
    Where rows of others name them, as newcomer or referrer, the name goes and the row stays.
    """
    log = Log.open(state)
    log.folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(log)
    with sandbox(state, [], _MEMORY_LIMIT) as connection:
        connection.execute("CREATE TABLE gone (customer_id VARCHAR)")
        connection.executemany("INSERT INTO gone VALUES (?)", [[each] for each in customer_ids])
        event_ids, first = _events_of(connection, log)
        run = _Run(connection, log)
        batches = tuple(run.rewritten(batch) for batch in log.batches)
    found = ErasedFromLog(run.events, run.profiles, run.mentions, 0, first, event_ids)
    note(found)
    erased = log.erased.with_customers(customer_ids)
    commit_manifest(replace(log, batches=batches, erased=erased))
    remove_leftovers(Log.open(state))
    quarantined = sum(
        _erase_from_csv(path, set(customer_ids)) for path in (state / "quarantine").glob("*.csv")
    )
    return replace(found, quarantined=quarantined)


def _events_of(
    connection: duckdb.DuckDBPyConnection, log: Log
) -> tuple[tuple[str, ...], int | None]:
    files = log.files("events")
    if not files:
        return (), None
    rows = connection.execute(
        "SELECT event_id, greatest(occurred_at, recorded_at) "
        f"FROM read_parquet([{literals(map(str, files))}]) SEMI JOIN gone USING (customer_id)"
    ).fetchall()
    first = min((instant_of(since) for _, since in rows), default=None)
    return tuple(str(event_id) for event_id, _ in rows), first


class _Run:
    """Count what is erased while file after file is written anew."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, log: Log) -> None:
        self.connection, self.log = connection, log
        self.events = self.profiles = self.mentions = 0

    def rewritten(self, batch: Batch) -> Batch:
        """Return a batch whose files hold none of the customers."""
        files = tuple(self._file(batch.batch_id, file) for file in batch.files)
        if files != batch.files:
            sync(self.log.folder / batch.batch_id)
        return replace(batch, files=files)

    def _file(self, batch_id: str, file: LogFile) -> LogFile:
        if file.table == "plans":
            return file
        path = self.log.folder / file.path
        own, naming = self._found(path, file.table)
        if not own and not naming:
            return file
        self.mentions += naming
        if file.table == "events":
            self.events += own
        else:
            self.profiles += own
        old = Path(file.path)
        stem = old.stem.partition("~")[0]
        name = old.with_name(f"{stem}~{secrets.token_hex(4)}{old.suffix}")
        query = _KEPT[file.table].format(file=literal(str(path)))
        copy_to_parquet(self.connection, query, self.log.folder / name, batch_id)
        written = replace(file, path=str(name), rows=file.rows - own)
        return sealed((self.log.folder / name).parent, written)

    def _found(self, path: Path, table: str) -> tuple[int, int]:
        """Return how many rows are of the customers, and how many of others name them."""
        named = _NAMING[table]
        row = self.connection.execute(
            "SELECT count(*) FILTER (is_own), count(*) FILTER (NOT is_own AND is_named) FROM ("
            f"SELECT customer_id IN (FROM gone) AS is_own, coalesce({named}, false) AS is_named "
            f"FROM read_parquet({literal(str(path))}))"
        ).fetchall()[0]
        return int(row[0]), int(row[1])


_NAMING = {
    "events": "kind = 'referral_joined' AND label IN (FROM gone)",
    "customers": "referred_by IN (FROM gone)",
}
_LABEL = f"CASE WHEN {_NAMING['events']} THEN {literal(ERASED)} ELSE label END AS label"
_REFERRER = f"CASE WHEN {_NAMING['customers']} THEN NULL ELSE referred_by END AS referred_by"
_KEPT = {
    "events": (
        f"SELECT {', '.join(EVENT_COLUMNS)} FROM (SELECT * REPLACE ({_LABEL}) "
        "FROM read_parquet({file})) ANTI JOIN gone USING (customer_id) "
        f"ORDER BY {EVENT_ORDER}"
    ),
    "customers": (
        f"SELECT * REPLACE ({_REFERRER}) FROM read_parquet({{file}}) "
        "ANTI JOIN gone USING (customer_id) ORDER BY customer_id"
    ),
}


def _erase_from_csv(path: Path, gone: set[str]) -> int:
    """Write a quarantine file anew without rows that name the customers; return how many went.

    Of a line that could not be read, which names nobody, every word counts.
    """
    words = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for each in gone))
    with path.open(newline="", encoding="utf-8") as source:
        rows = list(csv.reader(source))
    head, body = rows[0], rows[1:]
    kept = [row for row in body if not _names(dict(zip(head, row, strict=True)), gone, words)]
    if len(kept) == len(body):
        return 0
    if kept:
        with whole_file(path) as draft, draft.open("w", newline="", encoding="utf-8") as target:
            csv.writer(target, lineterminator="\n").writerows([head, *kept])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        path.rename(path.with_name(f"{digest[:16]}.csv"))
    else:
        path.unlink()
    return len(body) - len(kept)


def _names(row: dict[str, str], gone: set[str], words: re.Pattern[str]) -> bool:
    said = _said(row["values"])
    if said is None:
        return words.search(row["values"]) is not None
    named = (row["customer_id"], said.get("customer_id"), said.get("referred_by"))
    newcomer = said.get("label") if row["kind"] == "referral_joined" else None
    return any(name in gone for name in (*named, newcomer))


def _said(values: str) -> dict[str, Any] | None:
    try:
        said = json.loads(values)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
