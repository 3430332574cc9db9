"""Batch features: one row a customer and `as_of`, slice by slice, all or nothing an `as_of`."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.asked import Asked, Inputs, asked_at
from features.blocks import Block, block_of_slice
from features.building import Building, snapshot_key
from features.canary import LeakFoundError, require_no_leak, sampled
from features.catalogue import signal_matrix
from features.instants import instant_of
from features.kernel import Moment
from features.rules import CustomerRules
from features.slices import Slice, slices
from features.workers import available_cores, peak_memory_bytes, worked

Tell = Callable[[str, float], None]
FEWEST_EVENTS_FOR_PROCESSES = 10_000_000
"""Events times instants; below, one process is done before others have begun."""
_SHARE_OF_ASKING = 0.1


@dataclass(frozen=True)
class Snapshot:
    """Name what is there for one `as_of`; `is_new` unless it was up to date already."""

    as_of: datetime
    folder: Path | str
    customers: int
    signals: int
    is_new: bool


@dataclass(frozen=True)
class SnapshotRun:
    """Hold the snapshots of a run and what it took; parts that an earlier run left cost nothing.

    The memory of workers on other machines is not known.
    """

    snapshots: tuple[Snapshot, ...]
    events: int
    seconds: float
    workers: int
    peak_memory_bytes: int | None

    @property
    def events_per_second(self) -> float:
        """Events of the log that were read and computed on, for all instants together."""
        return self.events / self.seconds


def write_snapshots(
    inputs: Inputs,
    folders: Mapping[datetime, Path],
    workers: int | None = None,
    tell: Tell = lambda _what, _share: None,
) -> SnapshotRun:
    """Write every signal of every customer visible at each instant into its folder of Parquet.

    One file a slice, sorted by customer_id: `customer_id`, `as_of`, then one float64 column a
    signal, null where it has no value. A slice is read once for all instants. What an unfinished
    run left is gone on from, and a snapshot that is up to date is left as it is.

    Parameters
    ----------
    workers : optional
        Processes that share the work; by default one a core, or one alone where little is to do.

    Raises
    ------
    LeakFoundError
        If a signal knew what was not visible yet; then nothing is published.
    WorkerLostError
        If a worker died; the next run goes on from what was finished.
    """
    began = time.monotonic()
    buildings = {
        as_of: Building(folder, snapshot_key(inputs, as_of)) for as_of, folder in folders.items()
    }
    wanted = {as_of: place for as_of, place in buildings.items() if not place.is_published}
    workers = workers or workers_for(inputs.log.n_events * len(wanted))
    done = list(_built(inputs, wanted, workers, tell)) if wanted else []
    for as_of, place in buildings.items():
        if as_of in wanted:
            place.remove_strays(len(done))
            place.publish()
        else:
            place.clear()
    return SnapshotRun(
        tuple(
            snapshot_in(place.folder, as_of, is_new=as_of in wanted)
            for as_of, place in buildings.items()
        ),
        events=sum(part.events for part in done),
        seconds=time.monotonic() - began,
        workers=workers,
        peak_memory_bytes=max((part.peak_memory_bytes for part in done), default=0),
    )


def signal_table(block: Block, rules: CustomerRules, asked: Asked) -> pa.Table:
    """Return the signals of those customers of a block who had been seen by then, NaN as null."""
    moment = Moment(block.history, block.profiles, instant_of(asked.as_of), rules, asked.references)
    seen = np.flatnonzero(np.diff(moment.history.offsets))
    values = signal_matrix(moment, asked.signals)[seen]
    as_of = pa.scalar(asked.as_of, pa.timestamp("us", tz="UTC"))
    columns: dict[str, pa.Array] = {
        "customer_id": pa.array(block.history.customer_ids[seen], pa.string()),
        "as_of": pa.repeat(as_of, len(seen)),
    }
    for number, signal in enumerate(asked.signals):
        columns[signal.name] = pa.array(values[:, number], pa.float64(), from_pandas=True)
    return pa.table(columns)


def snapshot_in(folder: Path, as_of: datetime, *, is_new: bool) -> Snapshot:
    """Describe the snapshot that lies in a folder."""
    parts = [pq.read_metadata(path) for path in folder.glob("*.parquet")]
    n_columns = max((part.num_columns for part in parts), default=2)
    customers = sum(part.num_rows for part in parts)
    return Snapshot(as_of, folder, customers, n_columns - 2, is_new)


def workers_for(events: int) -> int:
    """Return how many processes are worth starting for so many events times instants."""
    return available_cores() if events >= FEWEST_EVENTS_FOR_PROCESSES else 1


@dataclass(frozen=True)
class _Done:
    """Say what a slice took; `events` is 0 where an earlier run had made it."""

    events: int
    of_slice: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class _SliceWork:
    """Make the parts of all snapshots that a slice lacks."""

    inputs: Inputs
    asked: tuple[Asked, ...]
    buildings: tuple[Building, ...]

    def __call__(self, part: Slice) -> _Done:
        lacking = [
            (asked, building)
            for asked, building in zip(self.asked, self.buildings, strict=True)
            if not building.holds_part(part, _columns(asked))
        ]
        if lacking:
            latest = max(asked.as_of for asked, _ in lacking)
            block = block_of_slice(
                self.inputs.log, part, self.inputs.rules, self.inputs.attributes, latest
            )
            if part.number == 0:
                self._watch(part, block, [asked for asked, _ in lacking])
            for asked, building in lacking:
                building.write_part(part, signal_table(block, self.inputs.rules, asked))
        return _Done(part.events if lacking else 0, part.events, peak_memory_bytes())

    def _watch(self, part: Slice, block: Block, asked: Sequence[Asked]) -> None:
        """Hold the first slice against the canary before anything of it is kept."""
        earliest = instant_of(min(each.as_of for each in asked))
        seen = np.flatnonzero(np.diff(block.history.visible_before(earliest).offsets))
        chosen = sampled(seen if len(seen) else np.arange(block.history.n_customers))
        ids = list(block.history.customer_ids[chosen])
        events = self.inputs.log.read_events(part.bucket, None, ids, (part.first, part.last))
        profiles = block.profiles.customers(chosen)
        for each in asked:
            require_no_leak(events, profiles, self.inputs.rules, each)


def _columns(asked: Asked) -> list[str]:
    return ["customer_id", "as_of", *(signal.name for signal in asked.signals)]


def _built(
    inputs: Inputs, wanted: Mapping[datetime, Building], workers: int, tell: Tell
) -> Iterator[_Done]:
    """Yield what each slice took, with all parts of it written."""
    tell("what the business calls things, and what it asked for its plans", 0.0)
    asked = asked_at(inputs, list(wanted), workers)
    places = tuple(wanted.values())
    for place in places:
        place.begin()
    work = _SliceWork(inputs, asked, places)
    try:
        yield from _told(worked(work, slices(inputs.log), workers), inputs.log.n_events, tell)
    except LeakFoundError:
        for place in places:
            place.abandon()
        raise


def _told(parts: Iterator[_Done], n_events: int, tell: Tell) -> Iterator[_Done]:
    began, passed, computed = time.monotonic(), 0, 0
    for part in parts:
        passed, computed = passed + part.of_slice, computed + part.events
        rate = computed / (time.monotonic() - began)
        share = _SHARE_OF_ASKING + (1 - _SHARE_OF_ASKING) * passed / n_events
        tell(f"{passed:,} of {n_events:,} events, {rate:,.0f} a second", share)
        yield part
