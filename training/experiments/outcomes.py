"""What became of the customers of a campaign: who stayed, margin, value since their assignment.

A customer's clock starts at 00:00 UTC of the day of assignment: nothing of that day is known to
what was predicted before, and what was earned of it before the assignment is the same in all arms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block, blocks
from features.contract import CAMPAIGN_KINDS, KIND_CODES
from features.instants import datetime_of
from features.kernel import Moment
from features.log import Log
from features.months import DAY, NEVER, Instants, month_edges, shift_months
from features.timeline import timeline_of
from training.actual import actual_after
from training.bundle import Bundle
from training.business import Business
from training.experiments.assignments import Assignments
from training.forecast import Forecast
from training.outcomes import purchases_by_month
from valuation.lifetime_value import clv

Values = NDArray[np.float64]
_CODES = np.array([KIND_CODES[kind] for kind in CAMPAIGN_KINDS])


@dataclass(frozen=True)
class Measure:
    """Say how outcomes are measured: for how many months, until when the log is complete, by whom.

    `bundle` is the frozen model that values what lies beyond the window; it sees histories without
    contacts, offers and assignments, so that arms differ to it by behaviour alone.
    """

    months: int
    observed_until: int
    business: Business
    bundle: Bundle | None = None

    @property
    def n_months(self) -> int:
        """Months that outcomes cover: up to the horizon, without a model those of the window."""
        horizon = self.business.horizon_months
        return self.months if self.bundle is None else max(self.months, horizon)

    @property
    def attributes(self) -> list[str]:
        """The attributes of customers that the model asks for."""
        return [] if self.bundle is None else list(self.bundle.vocabulary.levels)

    def ends(self, at: Instants) -> Instants:
        """Return when windows end that begin with the day of these instants."""
        return shift_months(day_of(at), self.months, self.business.month)

    def is_over(self, at: Instants) -> NDArray[np.bool_]:
        """Return whether they have ended."""
        return self.ends(at) <= self.observed_until


@dataclass(frozen=True)
class Outcomes:
    """Hold what came of customers whose window is over, one row each.

    `row` (n,) numbers the assignments they are of; the log may know nothing of some. `stayed` (n,)
    is 1 for a customer at the end of the window, in a shop for one who bought in it; `margin` (n,)
    is undiscounted, of the window, campaign costs left out. `activity` and `monthly_margin`
    (n, n_months) are realised in the window, and beyond it, up to the horizon, what the frozen
    model expects at the window's end. The same model expected `stayed_before` (n,),
    `margin_before` (n,) and `value_before` (n,), CLV, at the start; NaN without a model.
    """

    row: NDArray[np.int64]
    stayed: Values
    margin: Values
    activity: Values
    monthly_margin: Values
    stayed_before: Values
    margin_before: Values
    value_before: Values

    def value(self, annual_discount_rate: float) -> Values:
        """Return CLV since assignment as it has come and is expected, (n,): discounted margin."""
        return clv(self.monthly_margin, annual_discount_rate)

    def only(self, kept: NDArray[np.bool_]) -> "Outcomes":
        """Return the rows that are kept."""
        return Outcomes(*(getattr(self, each.name)[kept] for each in fields(self)))


def day_of(at: Instants) -> Instants:
    """Return 00:00 UTC of the day of each instant."""
    return np.asarray(at // DAY * DAY)


def outcomes_of(log: Log, assignments: Assignments, measure: Measure) -> Outcomes:
    """Return outcomes of all whose window is over, in no set order."""
    parts = [
        replace(outcomes_since(part.block, part.day, measure), row=part.rows)
        for part in followed(log, assignments, measure)
    ]
    return stacked(parts, measure.n_months)


class Followed(NamedTuple):
    """Hold customers assigned on one day, as if no campaign had touched them, all they ever did.

    `rows` (n,) numbers the assignments they are of.
    """

    block: Block
    day: int
    rows: NDArray[np.int64]


def followed(log: Log, assignments: Assignments, measure: Measure) -> Iterator[Followed]:
    """Yield the customers whose window is over, block by block and day by day."""
    days = np.where(measure.is_over(assignments.at), day_of(assignments.at), NEVER)
    wanted = assignments.customer_ids.astype(str)
    until = datetime_of(measure.observed_until)
    for block in blocks(log, measure.business, measure.attributes, until):
        ids = block.history.customer_ids.astype(str)
        _, here, rows = np.intersect1d(ids, wanted, return_indices=True)
        for day in np.unique(days[rows][days[rows] != NEVER]):
            at_day = days[rows] == day
            part = without_campaigns(customers_of(block, here[at_day]))
            yield Followed(part, int(day), rows[at_day])


def customers_of(block: Block, kept: NDArray[np.int64]) -> Block:
    """Return some customers of a block, given as increasing numbers."""
    return Block(block.history.customers(kept), block.profiles.customers(kept))


def without_campaigns(block: Block) -> Block:
    """Return a block as if no campaign had ever touched its customers."""
    history = block.history
    kept = np.flatnonzero(~np.isin(history.kind, _CODES))
    return Block(history.rows(kept), block.profiles)


def outcomes_since(block: Block, day: int, measure: Measure) -> Outcomes:
    """Return what came of every customer of a block from a day on; rows are numbered from 0.

    The block holds no campaign's own events.
    """
    business, months = measure.business, measure.months
    edges = month_edges(day, months, business.month)
    actual = actual_after(block, day, months, business)
    activity, margin = _realised_activity(block, edges, business), actual.margin
    unknown = np.full(block.history.n_customers, np.nan)
    before = _Expected(unknown, unknown, unknown)
    if measure.bundle is not None:
        before = _expected_before(block, day, measure, measure.bundle)
        ahead = measure.n_months - months
        tail = _forecast(block, int(edges[-1]), max(ahead, 1), measure.bundle)
        activity = np.hstack([activity, tail.activity[:, :ahead]])
        margin = np.hstack([margin, tail.expected_margin[:, :ahead]])
    return Outcomes(
        np.arange(block.history.n_customers),
        (~actual.churned(months, business)).astype(np.float64),
        actual.margin.sum(axis=1),
        activity,
        margin,
        *before,
    )


class _Expected(NamedTuple):
    """Hold what was expected at the start of staying, margin of the window, and value."""

    stayed: Values
    margin: Values
    value: Values


def _expected_before(block: Block, day: int, measure: Measure, bundle: Bundle) -> _Expected:
    forecast = _forecast(block, day, measure.n_months, bundle)
    return _Expected(
        1 - forecast.churn[:, measure.months - 1],
        forecast.expected_margin[:, : measure.months].sum(axis=1),
        clv(forecast.expected_margin, bundle.business.annual_discount_rate),
    )


def _forecast(block: Block, as_of: int, n_months: int, bundle: Bundle) -> Forecast:
    moment = Moment(block.history, block.profiles, as_of, bundle.business, bundle.references)
    return bundle.model.forecast(moment, bundle.business, n_months)


def stacked(parts: Sequence[Outcomes], n_months: int) -> Outcomes:
    """Return the rows of all parts."""
    nobody, nothing = np.zeros(0), np.zeros((0, n_months))
    empty = Outcomes(
        np.zeros(0, dtype=np.int64), nobody, nobody, nothing, nothing, nobody, nobody, nobody
    )
    every = [empty, *parts]
    return Outcomes(
        *(np.concatenate([getattr(part, each.name) for part in every]) for each in fields(Outcomes))
    )


def _realised_activity(block: Block, edges: Instants, business: Business) -> Values:
    """Return the share of each month as a customer, in a shop whether there was a purchase."""
    if business.contract == "transactional":
        return (purchases_by_month(block.history, edges) > 0).astype(np.float64)
    timeline = timeline_of(block.history, business)
    begin, end = timeline.spell_at(int(edges[0]))
    return timeline.open_share(edges, np.where(begin == NEVER, edges[0], end))
