"""Businesses, instants and logs that the tests of training stand on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.blocks import Block, blocks
from features.history import History
from features.ingest.run import ingest
from features.instants import instant_of
from features.log import Log
from features.profiles import unknown_profiles
from features.sources import IngestRules, Source
from training.bundle import Bundle
from training.business import Business
from training.check import Check
from training.known import Known

PLAIN: dict[str, Any] = {"currency": "EUR", "annual_discount_rate": 0.1}


@dataclass(frozen=True)
class Trained:
    """Hold a log, and what was fitted on all of it."""

    log: Log
    known: Known
    bundle: Bundle
    checks: list[Check]

    @property
    def business(self) -> Business:
        """The business that the bundle was fitted for."""
        return self.bundle.business

    @property
    def blocks(self) -> list[Block]:
        """Every block of the log, whenever its events became known."""
        return list(blocks(self.log, self.business, list(self.bundle.vocabulary.levels)))


def at(text: str) -> int:
    """Return an ISO date or time in UTC as an instant in microseconds."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def operator_business(**settings: Any) -> Business:
    """Return a subscription business in euros."""
    return Business(contract="subscription", **(PLAIN | settings))


def shop_business(**settings: Any) -> Business:
    """Return a transactional business in euros."""
    return Business(contract="transactional", **(PLAIN | settings))


def block_about(history: History) -> Block:
    """Return a history as a block of customers of whom only events are known."""
    return Block(history, unknown_profiles(history.n_customers))


def ingested_log(folder: Path, events: pa.Table, business: Business) -> Log:
    """Write contract events as a Parquet file, ingest it, and return the log."""
    pq.write_table(events, folder / "events.parquet")
    source = Source(
        name="events",
        into="events",
        files={"raw": "events.parquet"},
        time_zone="UTC",
        select="SELECT * FROM raw",
    )
    ingest(folder, folder / "state", [source], business, IngestRules())
    return Log.open(folder / "state")


def sales(n_buyers: int, months: int, seed: int) -> pa.Table:
    """Return purchases from 2022 on of buyers who differ in rhythm, basket and end of interest."""
    rng = np.random.default_rng(seed)
    last_day = months * 30
    rows: list[tuple[str, np.datetime64, float]] = []
    for number in range(n_buyers):
        begin = rng.integers(0, last_day * 2 // 3)
        end = min(begin + rng.exponential(300), last_day)
        days = [float(begin), *_rhythm(rng, float(begin), float(end))]
        level = rng.gamma(4, 8)
        rows.extend((f"b{number:03d}", _day(day), _basket(rng, level)) for day in days)
    return _payments(rows)


def _rhythm(rng: np.random.Generator, begin: float, end: float) -> Iterable[float]:
    gap = 8 + rng.gamma(2, 15)
    day = begin + rng.exponential(gap)
    while day < end:
        yield day
        day += rng.exponential(gap)


def _basket(rng: np.random.Generator, level: float) -> float:
    return round(float(rng.gamma(6, level / 6)) + 0.5, 2)


def _day(day: float) -> np.datetime64:
    return np.datetime64("2022-01-01T00:00:00") + np.timedelta64(int(day * 86_400), "s")


def _payments(rows: list[tuple[str, np.datetime64, float]]) -> pa.Table:
    ids, times, amounts = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": list(ids),
            "kind": ["payment"] * len(rows),
            "occurred_at": pa.array(np.array(times), pa.timestamp("us", tz="UTC")),
            "amount": list(amounts),
        }
    )
