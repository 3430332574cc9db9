"""Peers of a subscription: a survival curve each, and the margin as it is booked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.blocks import Block, block_of_slice
from features.catalogue import signal_matrix
from features.instants import datetime_of
from features.kernel import Moment
from features.months import DAY, month_edges
from features.plan_standing import relationship_starts
from features.signal import Signal
from features.slices import slices
from features.timeline import timeline_of
from training.aft import AcceleratedFailureTime, fit_aft
from training.anchor import TenureCounts, tenure_counts
from training.booked_margin import booked_margin
from training.business import Business
from training.forecast import Curves, Forecast
from training.known import Known
from training.landmark_rows import LandmarkRows, stacked_rows
from training.peers.cox import Cox, fit_cox
from training.peers.kaplan_meier import ONE_DAY, KaplanMeier, fit_kaplan_meier
from training.peers.landmark_rows import landmark_rows
from training.peers.peer import Answers, PeerAnswer
from training.peers.sbg import ShiftedBetaGeometric, fit_sbg
from training.scoring import median_value
from valuation.survival import activity_in_month

MOST_CUSTOMERS = 15_000
"""About so many customers are looked at from landmarks."""


@dataclass(frozen=True)
class SubscriptionPast:
    """Hold what peers are fitted on: tenures by month and by day, and landmark rows.

    `rows` is None where no peer looks at signals.
    """

    by_month: TenureCounts
    by_day: TenureCounts
    signals: tuple[Signal, ...]
    rows: LandmarkRows | None
    seed: int


@dataclass(frozen=True)
class KaplanMeierPeer:
    """Answer by tenure in days."""

    curve: KaplanMeier

    def answers(self, moment: Moment, business: Business, months: Sequence[int]) -> Answers:
        """Return an answer for each number of months ahead."""
        began = np.where(moment.plan.is_open, moment.plan.began, moment.as_of)
        edges = month_edges(moment.as_of, max(months), business.month)
        days_ahead = (edges[1:] - moment.as_of) // DAY
        survival = self.curve.survival((moment.as_of - began) // DAY, days_ahead)
        return _answers(moment, business, months, survival)


@dataclass(frozen=True)
class ShiftedBetaGeometricPeer:
    """Answer by tenure in months."""

    curve: ShiftedBetaGeometric

    def answers(self, moment: Moment, business: Business, months: Sequence[int]) -> Answers:
        """Return an answer for each number of months ahead."""
        tenure = np.nan_to_num(moment.plan.value("tenure_months"))
        return _answers(moment, business, months, self.curve.survival(tenure, max(months)))


@dataclass(frozen=True)
class SignalPeer:
    """Answer by signals at the moment."""

    curve: Cox | AcceleratedFailureTime
    signals: tuple[Signal, ...]

    def answers(self, moment: Moment, business: Business, months: Sequence[int]) -> Answers:
        """Return an answer for each number of months ahead."""
        values = signal_matrix(moment, self.signals).astype(np.float32)
        return _answers(moment, business, months, self.curve.survival(values, max(months)))


SubscriptionPeer = KaplanMeierPeer | ShiftedBetaGeometricPeer | SignalPeer
ON_SIGNALS = ("cox", "aft")
FITS: Mapping[str, Callable[[SubscriptionPast], SubscriptionPeer]] = {
    "kaplan_meier": lambda past: KaplanMeierPeer(fit_kaplan_meier(past.by_day)),
    "sbg": lambda past: ShiftedBetaGeometricPeer(fit_sbg(past.by_month)),
    "cox": lambda past: SignalPeer(fit_cox(_rows(past)), past.signals),
    "aft": lambda past: SignalPeer(fit_aft(_rows(past), past.seed), past.signals),
}


def subscription_past(known: Known, *, with_signals: bool) -> SubscriptionPast:
    """Return what was known at the cutoff of tenures, and with signals of some customers."""
    business = known.business
    by_month = by_day = TenureCounts(np.zeros(1), np.zeros(1))
    parts: list[LandmarkRows] = []
    for block, is_looked_at in _blocks(known):
        timeline = timeline_of(block.history, business)
        spells = relationship_starts(block.history, timeline, block.profiles), timeline.spells[2]
        observed = known.observed_from, known.cutoff
        by_month += tenure_counts(*spells, *observed, business.month)
        by_day += tenure_counts(*spells, *observed, ONE_DAY)
        if with_signals and is_looked_at:
            parts.extend(landmark_rows(block, timeline, known))
    rows = stacked_rows(parts) if parts else None
    return SubscriptionPast(by_month, by_day, known.signals, rows, known.sample.seed)


def _blocks(known: Known) -> Iterator[tuple[Block, bool]]:
    """Yield blocks as known at the cutoff, and whether to look at this one from landmarks."""
    parts = list(slices(known.log))
    stride = max(1, sum(part.customers for part in parts) // MOST_CUSTOMERS)
    attributes = list(known.vocabulary.levels)
    until = datetime_of(known.cutoff)
    for part in parts:
        block = block_of_slice(known.log, part, known.business, attributes, until)
        if block.history.n_customers:
            yield block, part.number % stride == 0


def _rows(past: SubscriptionPast) -> LandmarkRows:
    if past.rows is None:
        raise TypeError("the past holds no landmark rows; collect it with_signals=True.")
    return past.rows


def _answers(
    moment: Moment, business: Business, months: Sequence[int], survival: Curves
) -> Answers:
    """Return answers of a curve: booked margin less idle cost, as long as the customer stays."""
    priced = business.model_copy(update={"revenue": "mrr"})
    margin = booked_margin(moment, priced, survival.shape[1])
    margin = margin - business.cost_to_serve.get("per_month", 0.0)
    is_customer = moment.plan.is_open
    survival = survival * is_customer[:, None]
    activity = activity_in_month(survival) * is_customer[:, None]
    expected = margin * activity
    forecast = Forecast(is_customer, 1 - survival, activity, expected, margin, survival, margin)
    return {
        month: PeerAnswer(
            forecast.churn[:, month - 1],
            expected[:, :month].sum(axis=1),
            median_value(forecast, 0.0, month),
        )
        for month in months
    }
