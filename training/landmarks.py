"""Landmarks: the instants in the past at which training pretends to stand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.blocks import Block
from features.catalogue import signal_matrix
from features.history import History
from features.kernel import Moment
from features.months import month_edges, months_that_fit, shift_months
from features.plan_standing import PlanStanding
from features.references import References
from features.signal import Signal
from features.timeline import Timeline
from training.business import Business
from training.churn_rows import ChurnRows, customer_keys
from training.outcomes import exit_kinds, exit_months
from training.person_periods import clock_columns
from training.plan_path import PlanMonths

MOST_LANDMARKS = 24
MOST_LANDMARKS_OF_CURVES = 6
"""Curves over all months ahead need not see everybody every month."""


@dataclass(frozen=True)
class Landmark:
    """Name an instant by its distance from the cutoff: `number` is minus the months between."""

    number: int
    as_of: int

    @property
    def months_observed(self) -> int:
        """Months after the landmark that are over at the cutoff."""
        return -self.number


def landmarks_before(
    cutoff: int, observed_from: int, business: Business, most: int
) -> list[Landmark]:
    """Return landmarks a whole number of months before the cutoff, evenly spread, latest first."""
    available = months_that_fit(observed_from, cutoff, business.month)
    stride = max(1, -(-available // most))
    months = np.arange(1, available + 1, stride)
    instants = shift_months(cutoff, -months, business.month)
    return [
        Landmark(-int(back), int(as_of))
        for back, as_of in zip(months, instants, strict=True)
        if as_of > observed_from
    ]


def landmarks_of_curves(landmarks: Iterable[Landmark]) -> list[Landmark]:
    """Return at most MOST_LANDMARKS_OF_CURVES, evenly spread, latest first.

    The latest one looks ahead as far as two neighbours are apart.
    """
    latest_first = sorted(landmarks, key=lambda landmark: -landmark.number)
    stride = -(-len(latest_first) // MOST_LANDMARKS_OF_CURVES)
    return latest_first[stride - 1 :: stride]


def subscription_rows(
    block: Block,
    timeline: Timeline,
    landmarks: Mapping[Landmark, References],
    business: Business,
    signals: Sequence[Signal],
) -> Iterator[tuple[ChurnRows, PlanMonths]]:
    """Yield, a landmark at a time, what was known of open customers and what came after.

    The block holds what was known at the cutoff, `timeline` is its timeline; each landmark comes
    with what was known of the population then.
    """
    clocks = clock_columns([signal.name for signal in signals])
    customers = customer_keys(block.history.customer_ids)
    for landmark, references in landmarks.items():
        moment = Moment(block.history, block.profiles, landmark.as_of, business, references)
        there = np.flatnonzero(moment.plan.is_open)
        if not len(there):
            continue
        values = signal_matrix(moment, signals)[there]
        edges = month_edges(landmark.as_of, landmark.months_observed, business.month)
        exits = exit_months(timeline, edges)[there]
        kinds = exit_kinds(block.history, timeline, landmark.as_of, lapsed=1)[there]
        yield (
            ChurnRows(
                values.astype(np.float32),
                values[:, clocks],
                np.full(len(there), landmark.number),
                exits,
                np.full(len(there), landmark.months_observed),
                customers[there],
                np.where(exits > 0, kinds, 0),
            ),
            _plan_months(block, moment, timeline, int(edges[1]), business),
        )


def _plan_months(
    block: Block, moment: Moment, timeline: Timeline, after: int, business: Business
) -> PlanMonths:
    stayed = np.flatnonzero(moment.plan.is_open & (timeline.open_at(after) > 0))
    # No label hangs on a reference: those of the landmark will do.
    then = PlanStanding(block.history, timeline, block.profiles, after, business, moment.references)
    known, real = (
        _PlanThen(moment.history, moment.timeline, after),
        _PlanThen(block.history, timeline, after),
    )
    now = _PlanThen(moment.history, moment.timeline, moment.as_of)
    goes_on = moment.timeline.open_at(after) > 0
    booked = np.where(goes_on, known.mrr, now.mrr)
    is_paused = np.where(goes_on, known.is_paused, now.is_paused)
    return PlanMonths(
        moment.plan.plan_label[stayed],
        then.plan_label[stayed],
        moment.plan.value("tenure_months")[stayed],
        booked[stayed],
        real.mrr[stayed],
        is_paused[stayed],
        real.is_paused[stayed],
    )


class _PlanThen:
    """Hold MRR of the plans at an instant, in major units and paused or not; and who is paused."""

    def __init__(self, history: History, timeline: Timeline, instant: int) -> None:
        of_plan = timeline.intervals.mrr[timeline.intervals.unpaused]
        self.mrr = timeline.sum_at(of_plan / history.minor_units, instant)
        self.is_paused = (self.mrr > 0) & (timeline.mrr_at(instant) == 0)
