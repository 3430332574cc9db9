"""Tables of the log as files that a process maps instead of reading: a customer in microseconds.

They are copies, one for each Parquet file of the log, named by its digest: a copy never changes,
workers share it, and it may be removed at any time. They take about 100 bytes an event.
"""

import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.log import Log, LogFile
from features.whole_files import sync

Write = Callable[[Path], object]


class MappedTable:
    """Find the rows of a customer in a table that is sorted by `customer_id`."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._ids = table.column("customer_id").combine_chunks()

    def of_customer(self, customer_id: str) -> pa.Table:
        """Return the customer's rows, none if there are none, without copying them."""
        first = bisect_left(self._ids, customer_id, key=_text)
        last = bisect_right(self._ids, customer_id, lo=first, key=_text)
        return self.table.slice(first, last - first)


class MappedTables:
    """Keep the mapped copies of one workspace; made when first asked for, or by `prepare`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "histories"
        self._tables: dict[str, MappedTable] = {}
        self._ids: dict[str, NDArray[np.uint64]] = {}
        self._making = Lock()

    def of_file(self, log: Log, file: LogFile) -> MappedTable:
        """Return the copy of a file that is sorted by customer."""
        found = self._tables.get(file.sha256)
        if found is None:
            found = MappedTable(self._mapped(log, file))
            self._tables[file.sha256] = found
        return found

    def id_numbers(self, log: Log, files: Collection[LogFile], name: str) -> NDArray[np.uint64]:
        """Return the sorted numbers of the ids of all events in these files.

        `name` names the batch; the number of an id is `id_number` of it.
        """
        found = self._ids.get(name)
        if found is None:
            path = self._folder / f"{name}.ids.npy"
            self._made(path, lambda draft: _write_id_numbers(log, files, draft))
            found = np.load(path, mmap_mode="r")
            self._ids[name] = found
        return found

    def prepare(self, log: Log, is_wanted: Callable[[], bool]) -> None:
        """Make the copies of all events that are not there yet, as long as they are wanted."""
        for batch in log.batches:
            for file in batch.files:
                if file.table == "events" and is_wanted():
                    self.of_file(log, file)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove the copies of files, and ids of batches, that the log no longer names."""
        for kept in (self._tables, self._ids):
            for name in kept.keys() - set(names):
                del kept[name]
        for path in self._folder.glob("*"):
            if path.name.partition(".")[0] not in names:
                path.unlink(missing_ok=True)

    def _mapped(self, log: Log, file: LogFile) -> pa.Table:
        path = self._folder / f"{file.sha256}.arrow"
        self._made(path, lambda draft: _write_copy(log.folder / file.path, draft))
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()

    def _made(self, path: Path, write: Write) -> None:
        """Make a file unless it is there; of several who make it at once the last one's stays."""
        with self._making:
            if path.exists():
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.draft.npy")
            try:
                write(draft)
                sync(draft)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)


def _text(value: Any) -> str:
    return value.as_py()


def _write_copy(parquet: Path, draft: Path) -> None:
    table = pq.read_table(parquet, use_threads=False).combine_chunks()
    # Files differ in what they declare as never null.
    schema = pa.schema([pa.field(field.name, field.type) for field in table.schema])
    with pa.ipc.new_file(str(draft), schema) as writer:
        writer.write_table(table.cast(schema))


def _write_id_numbers(log: Log, files: Collection[LogFile], draft: Path) -> None:
    paths = [str(log.folder / file.path) for file in files]
    query = "SELECT md5_number_lower(event_id) AS number FROM read_parquet($files)"
    numbers = log.query(query, {"files": paths}).column("number").to_numpy() if paths else []
    np.save(draft, np.sort(np.asarray(numbers, dtype=np.uint64)))
