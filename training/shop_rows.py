"""Landmark rows of a shop: what was known of buyers, and what they bought after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.catalogue import signal_matrix
from features.expressions import Constant, Count, DaysSince, Total
from features.happenings import purchases
from features.kernel import Moment
from features.months import month_edges
from features.references import References
from features.signal import Signal
from training.business import Business
from training.landmarks import Landmark
from training.person_periods import Matrix
from training.purchase_anchor import Rhythm

UNSEEN = -1
"""Stands for the purchases of a month that is not over."""
_FIRST, _LATEST = DaysSince("purchase", "first"), DaysSince("purchase")
_BASKET = (Count("purchase"), Total("purchase") / Count("purchase"))


@dataclass(frozen=True)
class Buyers:
    """Hold customers with a purchase: their numbers, rhythm in weeks, and baskets so far."""

    customer: NDArray[np.int64]
    rhythm: Rhythm
    purchases: NDArray[np.float64]
    mean_basket: NDArray[np.float64]


@dataclass(frozen=True)
class ShopRows:
    """Hold landmark rows; `counts` (n, longest) has the purchases by month ahead, or UNSEEN.

    `buyer` (n,) numbers the customers of one block. `basket` (n,) is the mean basket after the
    landmark, NaN without a purchase.
    """

    signals: Matrix
    buyer: NDArray[np.int64]
    landmark: NDArray[np.int64]
    rhythm: Rhythm
    purchases: NDArray[np.float64]
    mean_basket: NDArray[np.float64]
    counts: NDArray[np.int64]
    basket: NDArray[np.float64]


def buyers_at(moment: Moment) -> Buyers:
    """Return the customers who have bought, with what the purchase models need of them."""
    bought = np.flatnonzero(moment.value(Count("purchase")) > 0)
    repeats, first, latest = (
        moment.value(expression)[bought]
        for expression in (Count("purchase") - Constant(1.0), _FIRST, _LATEST)
    )
    purchases_so_far, mean_basket = (moment.value(part)[bought] for part in _BASKET)
    rhythm = Rhythm(repeats, (first - latest) / 7, first / 7)
    return Buyers(bought, rhythm, purchases_so_far, mean_basket)


def shop_rows(
    block: Block,
    landmarks: Mapping[Landmark, References],
    longest: int,
    business: Business,
    signals: Sequence[Signal],
) -> Iterator[ShopRows]:
    """Yield, a landmark at a time, what was known of buyers and what came after."""
    rows, values = purchases(block.history)
    for landmark, references in landmarks.items():
        moment = Moment(block.history, block.profiles, landmark.as_of, business, references)
        buyers = buyers_at(moment)
        if not len(buyers.customer):
            continue
        n_months = min(landmark.months_observed, longest)
        edges = month_edges(landmark.as_of, n_months, business.month)
        month = np.searchsorted(edges, block.history.occurred[rows], side="right") - 1
        inside = (month >= 0) & (month < n_months)
        customer = block.history.customer[rows[inside]]
        counted = np.full((block.history.n_customers, longest), UNSEEN)
        cell = customer * n_months + month[inside]
        size = block.history.n_customers * n_months
        counted[:, :n_months] = np.bincount(cell, minlength=size).reshape(-1, n_months)
        spent = np.bincount(customer, values[inside], block.history.n_customers)
        bought = np.bincount(customer, minlength=block.history.n_customers)
        basket = np.full(len(bought), np.nan)
        np.divide(spent / block.history.minor_units, bought, out=basket, where=bought > 0)
        yield ShopRows(
            signal_matrix(moment, signals)[buyers.customer].astype(np.float32),
            buyers.customer,
            np.full(len(buyers.customer), landmark.number),
            buyers.rhythm,
            buyers.purchases,
            buyers.mean_basket,
            counted[buyers.customer],
            basket[buyers.customer],
        )


def stacked(parts: Sequence[ShopRows]) -> ShopRows:
    """Return all parts as one; `counts` end with the last month that any row saw."""
    counts = np.concatenate([part.counts for part in parts])
    return ShopRows(
        np.concatenate([part.signals for part in parts]),
        np.concatenate([part.buyer for part in parts]),
        np.concatenate([part.landmark for part in parts]),
        stacked_rhythm([part.rhythm for part in parts]),
        np.concatenate([part.purchases for part in parts]),
        np.concatenate([part.mean_basket for part in parts]),
        counts[:, (counts != UNSEEN).any(axis=0)],
        np.concatenate([part.basket for part in parts]),
    )


def stacked_rhythm(parts: Sequence[Rhythm]) -> Rhythm:
    """Return all rhythms as one."""
    return Rhythm(
        np.concatenate([part.x for part in parts]),
        np.concatenate([part.t_x for part in parts]),
        np.concatenate([part.age for part in parts]),
    )
