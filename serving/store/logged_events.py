"""One manifest's log as the service reads it: by customer, and by the ids of its events."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import EVENT_COLUMNS
from features.erasure import Erased
from features.log import EVENT_SCHEMA, Batch, Log, LogFile, bucket_of
from serving.store.copies import MappedEvents
from serving.store.live_events import LiveEvent
from serving.store.mapped_tables import MappedTables

Answer = TypeVar("Answer")
DRAIN = "drain"
"""The source of batches that a drain wrote; the live store itself keeps their ids."""


class LoggedEvents:
    """Read customers, and look for ids, in the log as one manifest named it."""

    def __init__(self, log: Log, mapped: MappedTables) -> None:
        self.log = log
        self._mapped = mapped

    @property
    def erased(self) -> Erased:
        """Who was erased."""
        return self.log.erased

    def events_of(self, customer_ids: Sequence[str]) -> pa.Table:
        """Return the events of these customers, in the columns of the log, in no set order."""
        parts = [
            source.of_customer(customer_id)
            for customer_id in customer_ids
            for source in self.sources_of(customer_id)
        ]
        return pa.concat_tables([EVENT_SCHEMA.empty_table(), *parts])

    def sources_of(self, customer_id: str) -> list[MappedEvents]:
        """Return the copies of the files in which a customer's events are, if there are any."""
        files = self._events_by_bucket.get(self._bucket_of(customer_id), [])
        return [self._mapped.of_events(self.log, file) for file in files]

    def profiles_of(self, customer_ids: Sequence[str]) -> pa.Table:
        """Return the rows of the customers table of these customers; its columns at least."""
        parts = [self._profile_of(customer_id) for customer_id in customer_ids]
        found = [part for part in parts if part is not None and part.num_rows]
        return pa.concat_tables(found) if found else self._no_profiles

    def lists(self, customer_id: str) -> bool:
        """Return whether the customers table has a customer, with events or without."""
        profile = self._profile_of(customer_id)
        return profile is not None and profile.num_rows > 0

    def known(self, event_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that ingested events bear.

        Notes
        -----
        Compares 64 bits of md5: among 30 million events one new id in 6e11 is taken for known.
        """
        numbers = np.array([id_number(event_id) for event_id in event_ids], dtype=np.uint64)
        is_known = np.zeros(len(numbers), dtype=bool)
        for batch in self.log.batches:
            files = _event_files(batch)
            if files and batch.source != DRAIN:
                name = ids_name(batch)
                is_known |= _are_among(numbers, self._mapped.id_numbers(self.log, files, name))
        return {one for one, known in zip(event_ids, is_known, strict=True) if known}

    def find(self, customer_id: str, event_id: str) -> LiveEvent | None:
        """Return a customer's event by its id, None if no event of this customer bears it."""
        events = self.events_of([customer_id])
        found = events.filter(pc.equal(events.column("event_id"), event_id))
        return _event_of(found) if found.num_rows else None

    def names(self) -> set[str]:
        """Return the names of all copies that stand for this log."""
        files = {file.sha256 for batch in self.log.batches for file in batch.files}
        return files | {ids_name(batch) for batch in self.log.batches}

    @cached_property
    def span(self) -> tuple[datetime, datetime]:
        """When the first and the last event occurred; the log must have some."""
        return self.log.span()

    @cached_property
    def _events_by_bucket(self) -> dict[int | None, list[LogFile]]:
        return _by_bucket(file for batch in self.log.batches for file in _event_files(batch))

    @cached_property
    def _customers_by_bucket(self) -> dict[int | None, list[LogFile]]:
        """The files of the newest customers table; a single one, of no bucket, in older logs."""
        tables = [
            [file for file in batch.files if file.table == "customers"]
            for batch in self.log.batches
        ]
        return _by_bucket(next((table for table in reversed(tables) if table), []))

    @cached_property
    def _no_profiles(self) -> pa.Table:
        return self.log.read_customers([])

    def _profile_of(self, customer_id: str) -> pa.Table | None:
        by_bucket = self._customers_by_bucket
        files = by_bucket.get(self._bucket_of(customer_id)) or by_bucket.get(None)
        return self._mapped.of_file(self.log, files[0]).of_customer(customer_id) if files else None

    def _bucket_of(self, customer_id: str) -> int | None:
        return bucket_of(customer_id, self.log.n_buckets) if self.log.n_buckets else None


def _by_bucket(files: Iterable[LogFile]) -> dict[int | None, list[LogFile]]:
    found: dict[int | None, list[LogFile]] = {}
    for file in files:
        found.setdefault(file.bucket, []).append(file)
    return found


class CurrentLog:
    """Follow the log: every writing renames a new manifest into place."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._mapped = MappedTables(state)
        self._changing = Lock()
        self._signature = self._found()
        self._log = LoggedEvents(Log.open(state), self._mapped)

    def now(self) -> LoggedEvents:
        """Return the log as its manifest stands now; any thread may ask."""
        with self._changing:
            signature = self._found()
            if signature != self._signature:
                self._log = LoggedEvents(Log.open(self._state), self._mapped)
                self._signature = signature
                self._mapped.keep_only(self._log.names())
            return self._log

    @property
    def erased(self) -> Erased:
        """Who was erased by now."""
        return self.now().erased

    def known(self, event_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that ingested events bear by now."""
        return self.now().known(event_ids)

    def find(self, customer_id: str, event_id: str) -> LiveEvent | None:
        """Return a customer's event by its id, as the log has it now."""
        return self.now().find(customer_id, event_id)

    def prepare(self, is_wanted: Callable[[], bool]) -> None:
        """Make the copies that the log of now lacks, so that no call has to wait for them.

        It stops between two of them once they are no longer wanted.
        """
        log = self.now()
        # Copies of what was erased while nobody looked.
        self._mapped.keep_only(log.names())
        self._mapped.prepare(log.log, is_wanted)
        if is_wanted():
            log.known([""])

    def _found(self) -> tuple[int, int, int] | None:
        try:
            found = (self._state / "log" / "manifest.json").stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def despite_rewriting(ask: Callable[[], Answer]) -> Answer:
    """Return what a look at the log of now gives; another where a file went from under the first.

    An erasure removes the files that it wrote anew at once: who read them is not to keep them.
    """
    try:
        return ask()
    except (FileNotFoundError, duckdb.IOException):
        return ask()


def id_number(event_id: str) -> int:
    """Return the number of an event's id: the last 64 bits of its md5, as DuckDB reads them."""
    digest = hashlib.md5(event_id.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little")


def ids_name(batch: Batch) -> str:
    """Return the name of the copy that holds the ids of a batch: its content decides."""
    digests = "".join(file.sha256 for file in batch.files)
    return hashlib.sha256(digests.encode()).hexdigest()


def _event_files(batch: Batch) -> list[LogFile]:
    return [file for file in batch.files if file.table == "events"]


def _are_among(numbers: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(known):
        return np.zeros(len(numbers), dtype=bool)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.asarray(known[places] == numbers)


def _event_of(rows: pa.Table) -> LiveEvent:
    first = rows.slice(0, 1).select(list(EVENT_COLUMNS))
    times = [name for name, sql_type in EVENT_COLUMNS.items() if sql_type == "TIMESTAMPTZ"]
    for name in times:
        place = first.column_names.index(name)
        first = first.set_column(place, name, first.column(name).cast(pa.int64()))
    return LiveEvent(**first.to_pylist()[0])
