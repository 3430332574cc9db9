"""Erasing customers from everything that keepworth holds of them, with a receipt.

The log comes first, and keeps them out from then on; what is derived from it follows. What the log
held is noted before it goes. Each step may be repeated: whatever an erasure was killed at, the next
one, of whomever, ends it.
"""

import html
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from features.erasure import ERASED
from features.ingest.erasing import ErasedFromLog, erase_from_log
from features.log import Log
from features.whole_files import whole_file
from serving.store.audit import record_act
from serving.store.database import LiveStore
from serving.store.live_events import parts
from serving.store.logged_events import LoggedEvents
from serving.store.mapped_tables import MappedTables
from serving.store.serving_version import known_versions
from serving.store.tables import (
    campaign_assignment,
    campaign_decision,
    campaign_trigger,
    drained_event,
    live_event,
    outbox,
    unfinished_erasure,
)
from training.bundle_files import cutoff_of

ELSEWHERE = (
    "Not touched, and left to you: the sources that `keepworth ingest` reads, what Spark wrote "
    "outside the workspace, copies and backups."
)
_TABLES = ("scores/*/*.parquet", "backtests/*/*.parquet")
_PAGES = "reports/*/*.html"


class Removal(Struct, frozen=True, kw_only=True):
    """Say what was removed, in rows, and what saw it before.

    `events` are of the log, `posted_events` of the live store, `profiles` of the customers table,
    `mentions` of others who named the customers, `quarantined_rows` of the quarantine,
    `output_rows` of scores and backtests. `removed_files` named them; relative to the workspace,
    they can be made again by the command that wrote them. `models` saw them in training; they
    hold no row of anybody. `is_store_swept` is false where a reader kept the live store's files
    from being overwritten: what was deleted may stand in them until the next erasure or drain.
    """

    erased_at: str
    events: int
    posted_events: int
    decisions: int
    profiles: int
    mentions: int
    quarantined_rows: int
    output_rows: int
    removed_files: tuple[str, ...]
    models: tuple[str, ...]
    is_store_swept: bool


class Receipt(Removal, frozen=True, kw_only=True):
    """Say of whom: by salted digests of their ids, as the log and the record of acts keep them."""

    subjects: tuple[str, ...]


def erase_customers(
    folder: Path, store: LiveStore, customer_ids: Sequence[str], now: datetime, actor: str
) -> Receipt:
    """Erase customers from a workspace; the caller holds it for writing.

    Whoever is not known is kept out from now on all the same. Files outside the workspace, such
    as the sources of ingest and what Spark wrote elsewhere, are not touched.
    """
    for key, begun_by in _unfinished(store).items():
        if key != _key_of(customer_ids):
            _erase(folder, store, msgspec.json.decode(key, type=list[str]), now, begun_by)
    return _erase(folder, store, customer_ids, now, actor)


def _erase(
    folder: Path, store: LiveStore, customer_ids: Sequence[str], now: datetime, actor: str
) -> Receipt:
    logged = _erase_logged(store, customer_ids, actor)
    log = Log.open(store.state)
    subjects = tuple(sorted(map(log.erased.digest_of, customer_ids)))
    posted = _erase_posted(store, customer_ids, logged.event_ids)
    decisions = _erase_decisions(store, customer_ids)
    mapped = MappedTables(store.state)
    mapped.keep_only(LoggedEvents(log, mapped).names())
    rows, removed = _erase_outputs(folder, customer_ids)
    with store.writing() as connection:
        for subject in subjects:
            record_act(connection, now, "erase customer", subject, actor)
        is_it = unfinished_erasure.c.customer_ids == _key_of(customer_ids)
        connection.execute(delete(unfinished_erasure).where(is_it))
    return Receipt(
        subjects=subjects,
        erased_at=now.isoformat(),
        events=logged.events,
        posted_events=posted,
        decisions=decisions,
        profiles=logged.profiles,
        mentions=logged.mentions,
        quarantined_rows=logged.quarantined,
        output_rows=rows,
        removed_files=tuple(removed),
        models=_trained_on(store, logged),
        is_store_swept=store.vacuum(),
    )


def _erase_logged(store: LiveStore, customer_ids: Sequence[str], actor: str) -> ErasedFromLog:
    """Erase customers from the log; return what it held, also where a killed erasure took it."""
    key = _key_of(customer_ids)
    is_it = unfinished_erasure.c.customer_ids == key

    def note(found: ErasedFromLog) -> None:
        row = {"customer_ids": key, "actor": actor, "found": msgspec.json.encode(found).decode()}
        with store.writing() as connection:
            connection.execute(delete(unfinished_erasure).where(is_it))
            connection.execute(insert(unfinished_erasure).values(row))

    with store.reading() as connection:
        noted = connection.execute(select(unfinished_erasure.c.found).where(is_it)).scalar()
    is_gone = all(customer_id in Log.open(store.state).erased for customer_id in customer_ids)
    if noted is None or not is_gone:
        return erase_from_log(store.state, customer_ids, note)
    before = msgspec.json.decode(noted, type=ErasedFromLog)
    rest = erase_from_log(store.state, customer_ids)
    return replace(before, quarantined=rest.quarantined)


def _unfinished(store: LiveStore) -> dict[str, str]:
    """Return who asked for each erasure that was killed, by its key."""
    columns = (unfinished_erasure.c.customer_ids, unfinished_erasure.c.actor)
    with store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(select(*columns))}


def _key_of(customer_ids: Sequence[str]) -> str:
    return msgspec.json.encode(sorted(set(customer_ids))).decode()


def _erase_posted(store: LiveStore, customer_ids: Sequence[str], event_ids: Sequence[str]) -> int:
    """Remove what was posted of customers, that it was drained, and what others were to be told."""
    of_newcomer = (live_event.c.kind == "referral_joined") & live_event.c.label.in_(customer_ids)
    with store.writing() as connection:
        gone = connection.execute(
            delete(live_event).where(live_event.c.customer_id.in_(customer_ids))
        ).rowcount
        connection.execute(update(live_event).where(of_newcomer).values(label=ERASED))
        connection.execute(delete(outbox).where(outbox.c.customer_id.in_(customer_ids)))
        for some in parts(event_ids):
            connection.execute(delete(drained_event).where(drained_event.c.event_id.in_(some)))
    return int(gone)


def _erase_decisions(store: LiveStore, customer_ids: Sequence[str]) -> int:
    """Remove what campaigns decided of the customers; return how many decisions.

    What budgets hold reserved stays: it may be spent.
    """
    with store.writing() as connection:
        for table in (campaign_trigger, campaign_assignment):
            connection.execute(delete(table).where(table.c.customer_id.in_(customer_ids)))
        of_them = campaign_decision.c.customer_id.in_(customer_ids)
        return int(connection.execute(delete(campaign_decision).where(of_them)).rowcount)


def _erase_outputs(folder: Path, customer_ids: Sequence[str]) -> tuple[int, list[str]]:
    """Erase rows of tables, and remove pages and snapshots that name a customer."""
    tables = [path for pattern in _TABLES for path in folder.glob(pattern)]
    rows = sum(_erase_rows(path, customer_ids) for path in tables)
    words = re.compile("|".join(rf"(?<![\w-]){re.escape(each)}(?![\w-])" for each in customer_ids))
    pages = folder.glob(_PAGES)
    removed = [page for page in pages if words.search(html.unescape(page.read_text("utf-8")))]
    removed += [
        snapshot
        for snapshot in (folder / "state" / "snapshots").glob("*")
        if any(_rows_of(part, customer_ids) for part in snapshot.glob("*.parquet"))
    ]
    for path in removed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return rows, sorted(str(path.relative_to(folder)) for path in removed)


def _rows_of(path: Path, customer_ids: Sequence[str]) -> int:
    """Count the rows of some customers in a table."""
    wanted = pa.array(customer_ids, pa.string())
    ids = pq.read_table(path, columns=["customer_id"]).column(0)
    return int(pc.sum(pc.is_in(ids, wanted)).as_py() or 0)


def _erase_rows(path: Path, customer_ids: Sequence[str]) -> int:
    """Write a table, and before it the CSV beside it, anew; return how many rows went."""
    gone = _rows_of(path, customer_ids)
    if not gone:
        return 0
    for text in path.parent.glob("*.csv"):
        _erase_lines(text, customer_ids)
    wanted = pa.array(customer_ids, pa.string())
    with (
        pq.ParquetFile(path) as table,
        whole_file(path) as draft,
        pq.ParquetWriter(draft, table.schema_arrow, compression="zstd") as writer,
    ):
        for batch in table.iter_batches():
            is_gone = pc.is_in(batch.column("customer_id"), wanted)
            writer.write_batch(batch.filter(pc.invert(is_gone)))
    return gone


def _erase_lines(path: Path, customer_ids: Sequence[str]) -> None:
    """Write a CSV whose first column is the customer anew, its other records as they are."""
    begins = tuple('"' + each.replace('"', '""') + '",' for each in customer_ids)
    with (
        path.open(encoding="utf-8", newline="") as source,
        whole_file(path) as draft,
        draft.open("w", encoding="utf-8", newline="") as target,
    ):
        target.writelines(each for each in _records(source) if not each.startswith(begins))


def _records(lines: Iterable[str]) -> Iterator[str]:
    """Yield the records of a CSV as they are: a line break within quotes ends none."""
    record = ""
    for line in lines:
        record += line
        if record.count('"') % 2 == 0:
            yield record
            record = ""
    yield record


def _trained_on(store: LiveStore, logged: ErasedFromLog) -> tuple[str, ...]:
    """Return the versions whose training saw events of the customers, as far as models are here."""
    if logged.first_recorded is None:
        return ()
    folder = store.state / "models"
    versions = sorted(name for name in known_versions(store) if (folder / name).exists())
    return tuple(name for name in versions if cutoff_of(folder / name) > logged.first_recorded)
