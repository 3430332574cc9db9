"""Tables of the log as files that a process maps instead of reading: a customer in microseconds.

They are copies, one for each Parquet file of the log, named by its digest: a copy never changes,
workers share it, and it may be removed at any time. They take about 190 bytes an event.
"""

import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.log import Log, LogFile
from features.whole_files import sync
from serving.store.copies import MappedEvents, MappedTable, write_events, write_table

Write = Callable[[Path], object]


class MappedTables:
    """Keep the mapped copies of one workspace; made when first asked for, or by `prepare`."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "histories"
        self._tables: dict[str, MappedTable] = {}
        self._events: dict[str, MappedEvents] = {}
        self._ids: dict[str, NDArray[np.uint64]] = {}
        self._making = Lock()

    def of_file(self, log: Log, file: LogFile) -> MappedTable:
        """Return the copy of a file of customers, which is sorted by them."""
        found = self._tables.get(file.sha256)
        if found is None:
            path = self._folder / f"{file.sha256}.arrow"
            self._made(path, lambda draft: write_table(log.folder / file.path, draft))
            found = self._tables[file.sha256] = MappedTable(_mapped(path))
        return found

    def of_events(self, log: Log, file: LogFile) -> MappedEvents:
        """Return the copy of a file of events."""
        found = self._events.get(file.sha256)
        if found is None:
            path = self._folder / f"{file.sha256}.events.arrow"
            self._made(path, lambda draft: write_events(log, log.folder / file.path, draft))
            found = self._events[file.sha256] = MappedEvents(_mapped(path))
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
                    self.of_events(log, file)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove the copies of files, and ids of batches, that the log no longer names."""
        for kept in (self._tables, self._events, self._ids):
            for name in kept.keys() - set(names):
                del kept[name]
        for path in self._folder.glob("*"):
            if path.name.partition(".")[0] not in names:
                path.unlink(missing_ok=True)

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


def _mapped(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _write_id_numbers(log: Log, files: Collection[LogFile], draft: Path) -> None:
    paths = [str(log.folder / file.path) for file in files]
    query = "SELECT md5_number_lower(event_id) AS number FROM read_parquet($files)"
    numbers = log.query(query, {"files": paths}).column("number").to_numpy() if paths else []
    np.save(draft, np.sort(np.asarray(numbers, dtype=np.uint64)))
