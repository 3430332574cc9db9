"""Earlier cutoffs: what models fitted then would have said, beside what has come since."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from features.blocks import Block
from features.kernel import Moment
from features.mistakes import InputRefusedError
from features.months import months_that_fit, shift_months
from training.actual import actual_after
from training.boosting import RowSample
from training.forecast import Forecast
from training.intervals import Origin
from training.known import Known, known_at
from training.landmarks import MOST_LANDMARKS, MOST_LANDMARKS_OF_CURVES
from training.shop import ShopModel
from training.subscription import SubscriptionModel
from valuation.lifetime_value import clv

MOST_ORIGINS = 3
LONGEST_WINDOW_MONTHS = 12
ROWS_OF_REFITS = 80_000
"""A refit is judged, not used: fewer rows cost little of its quality and much less time."""
LANDMARK_ROWS_OF_REFITS = 800_000
"""From so many landmark rows, about, a refit samples its rows, and from no fewer landmarks than
the curves have."""
_FEWEST_CUSTOMERS = 100
_FEWEST_MONTHS_BEFORE = 3
Model = SubscriptionModel | ShopModel


def window_months(known: Known) -> int:
    """Return how many months ahead earlier forecasts are judged: a third of history, 1 to 12."""
    available = months_that_fit(known.observed_from, known.cutoff, known.business.month)
    return int(np.clip(available // 3, 1, LONGEST_WINDOW_MONTHS))


def earlier_origins(known: Known, fit: Callable[[Known], Model], n_customers: int) -> list[Origin]:
    """Refit at up to three earlier cutoffs and return forecasts with what came, latest first.

    Windows overlap by half. A cutoff with too little before it to learn from is left out, and
    so is one with fewer than 100 customers. The more customers there are at the cutoff, the
    fewer landmarks a refit needs.
    """
    months = window_months(known)
    back = months + np.arange(MOST_ORIGINS) * max(1, months // 2)
    judged = []
    for cutoff in shift_months(known.cutoff, -back, known.business.month):
        before = months_that_fit(known.observed_from, int(cutoff), known.business.month)
        if before < _FEWEST_MONTHS_BEFORE:
            continue
        try:
            then = _known_then(known, int(cutoff), landmarks_of_refits(n_customers))
            judged.append(_Judged(known, then, fit(then), months))
        except InputRefusedError:
            continue
    for block in known.blocks():
        for each in judged:
            each.add(block)
    origins = [each.origin() for each in judged]
    return [origin for origin in origins if len(origin.realised) >= _FEWEST_CUSTOMERS]


def landmarks_of_refits(n_customers: int) -> int:
    """Return from how many landmarks to sample, of which each has about so many rows."""
    enough = LANDMARK_ROWS_OF_REFITS // max(1, n_customers)
    return int(np.clip(enough, MOST_LANDMARKS_OF_CURVES, MOST_LANDMARKS))


def _known_then(known: Known, cutoff: int, most_landmarks: int) -> Known:
    attributes = list(known.vocabulary.levels)
    then = known_at(known.log, known.business, attributes, cutoff, most_landmarks)
    return replace(then, sample=RowSample(ROWS_OF_REFITS), left_out=known.left_out)


class _Judged:
    """Gather what a model of then says of its customers, and what is known of them now."""

    def __init__(self, known: Known, then: Known, model: Model, months: int) -> None:
        self._business = known.business
        self._then = then
        self._model = model
        self._months = months
        self._forecasts: list[Forecast] = []
        self._realised: list[NDArray[np.float64]] = []
        self._event_months: list[NDArray[np.int64]] = []

    def add(self, block: Block) -> None:
        business, cutoff = self._business, self._then.cutoff
        moment = Moment(block.history, block.profiles, cutoff, business, self._then.references)
        forecast = self._model.forecast(moment, business, self._months)
        actual = actual_after(block, cutoff, self._months, business)
        there = np.flatnonzero(forecast.is_customer)
        self._forecasts.append(forecast.rows(there))
        self._realised.append(clv(actual.margin[there], business.annual_discount_rate))
        self._event_months.append(actual.event_month[there])

    def origin(self) -> Origin:
        return Origin(
            _stacked(self._forecasts),
            np.concatenate(self._realised),
            np.concatenate(self._event_months),
        )


def _stacked(forecasts: Sequence[Forecast]) -> Forecast:
    names = [field.name for field in fields(Forecast)]
    given = [name for name in names if getattr(forecasts[0], name) is not None]
    curves = {name: np.concatenate([getattr(f, name) for f in forecasts]) for name in given}
    return replace(forecasts[0], **curves)
