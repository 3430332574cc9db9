"""Made-up shops whose every buyer's rate of buying is known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.kernel import Moment
from tests.training.worlds import at, ingested_log, shop_business
from training.known import known_at
from training.shop import fit_shop, weeks_ahead
from training.shop_rows import buyers_at

DAYS = 730
_BEGIN, _END = np.datetime64("2022-01-01T00:00:00"), "2024-01-01"
_OBSERVED = {"observed_from": "2022-01-01T00:00:00Z", "observed_until": "2024-01-01T00:00:00Z"}
_MEAN_PURCHASES = 8
_WEEKS = weeks_ahead(6, "calendar")
Values = NDArray[np.float64]
Event = tuple[int, str, float, float]
"""Buyer, kind, day and amount."""


@dataclass(frozen=True)
class MadeUp:
    """Hold the events of two years, and each buyer's rate a day at their end."""

    events: list[Event]
    rates: Values


Draw = Callable[[int, np.random.Generator], MadeUp]


@dataclass(frozen=True)
class Answered:
    """Hold expected purchases of month k and P(none) in months 1..k, shape (n_buyers, 6) each.

    `rates` (n_buyers,) are the true ones, a day.
    """

    purchases: Values
    silence: Values
    rates: Values

    def log_loss(self, months: int) -> float:
        """Return the expected log-loss of P(none), outcomes being drawn at the true rates."""
        truth, said = np.exp(-self.rates * _days(months)), self.silence[:, months - 1]
        return -float((truth * np.log(said) + (1 - truth) * np.log1p(-said)).mean())

    def rmse(self, months: int) -> float:
        """Return the root of the mean squared error of expected purchases."""
        errors = self.purchases[:, :months].sum(axis=1) - self.rates * _days(months)
        return float(np.sqrt(np.square(errors).mean()))


def by_lot(n_buyers: int, rng: np.random.Generator) -> MadeUp:
    """Draw purchases at random instants; rates are gamma distributed, and nobody stops."""
    rates = rng.gamma(2, _MEAN_PURCHASES / 2 / DAYS, n_buyers)
    events = []
    for buyer, rate in enumerate(rates):
        day, level = rng.uniform(0, 1), rng.gamma(6, 5)
        while day < DAYS:
            events.append((buyer, "payment", day, _basket(level, rng)))
            day += rng.exponential(1 / rate)
    return MadeUp(events, rates)


def spoilt_by_refunds(n_buyers: int, rng: np.random.Generator) -> MadeUp:
    """Draw purchases of buyers who come a tenth as often once a purchase was refunded."""
    rates = rng.gamma(2, _MEAN_PURCHASES / 2 / DAYS, n_buyers)
    events = []
    for buyer in range(n_buyers):
        day, level, is_content = rng.uniform(0, 0.8 * DAYS), rng.gamma(6, 5), True
        while day < DAYS:
            amount = _basket(level, rng)
            events.append((buyer, "payment", day, amount))
            if is_content and rng.random() < 0.1 and day + 1 < DAYS:
                events.append((buyer, "refund", day + 1, amount))
                rates[buyer], is_content = rates[buyer] / 10, False
            day += rng.exponential(1 / rates[buyer])
    return MadeUp(events, rates)


def answers(folder: Path, draw: Draw, n_buyers: int, seed: int) -> tuple[Answered, Answered]:
    """Return what the shop model says after the two years, and what its anchor says alone."""
    made_up = draw(n_buyers, np.random.default_rng(seed))
    business = shop_business(horizon_months=6, **_OBSERVED)
    log = ingested_log(folder, _table(made_up.events), business)
    known = known_at(log, business, [], at(_END))
    model, _ = fit_shop(known)
    parts = []
    for block in known.blocks():
        moment = Moment(block.history, block.profiles, known.cutoff, business, known.references)
        buyers = buyers_at(moment)
        values = signal_matrix(moment, model.signals)[buyers.customer].astype(np.float32)
        rates = made_up.rates[block.history.customer_ids[buyers.customer].astype(np.int64)]
        parts.append(
            (
                model.expected_purchases(values, buyers.rhythm, _WEEKS),
                model.no_purchase(values, buyers.rhythm, _WEEKS),
                model.counts.level(buyers.rhythm, _WEEKS),
                model.counts.no_purchase(buyers.rhythm, _WEEKS),
                rates,
            )
        )
    expected, silence, alone, silence_alone, rates = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    return Answered(expected, silence, rates), Answered(alone, silence_alone, rates)


def _days(months: int) -> float:
    return float(7 * _WEEKS[months - 1])


def _basket(level: float, rng: np.random.Generator) -> float:
    return round(float(rng.gamma(6, level / 6)) + 0.5, 2)


def _table(events: list[Event]) -> pa.Table:
    buyers, kinds, days, amounts = zip(*events, strict=True)
    times = _BEGIN + (np.array(days) * 86_400_000_000).astype("timedelta64[us]")
    return pa.table(
        {
            "customer_id": [f"{buyer:05d}" for buyer in buyers],
            "kind": list(kinds),
            "occurred_at": pa.array(times, pa.timestamp("us", tz="UTC")),
            "amount": list(amounts),
        }
    )
