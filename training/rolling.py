"""Earlier cutoffs: what models fitted then would have said, beside what has come since."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from features.kernel import Moment
from features.mistakes import InputRefusedError
from features.months import months_that_fit, shift_months
from training.actual import actual_after
from training.boosting import RowSample
from training.forecast import Forecast
from training.intervals import Origin
from training.known import Known, known_at
from training.shop import ShopModel
from training.subscription import SubscriptionModel
from valuation.lifetime_value import clv

MOST_ORIGINS = 3
LONGEST_WINDOW_MONTHS = 12
ROWS_OF_REFITS = 80_000
"""A refit is judged, not used: fewer rows cost little of its quality and much less time."""
_FEWEST_CUSTOMERS = 100
_FEWEST_MONTHS_BEFORE = 3
Model = SubscriptionModel | ShopModel


def window_months(known: Known) -> int:
    """Return how many months ahead earlier forecasts are judged: a third of history, 1 to 12."""
    available = months_that_fit(known.observed_from, known.cutoff, known.business.month)
    return int(np.clip(available // 3, 1, LONGEST_WINDOW_MONTHS))


def earlier_origins(known: Known, fit: Callable[[Known], Model]) -> Iterator[Origin]:
    """Refit at up to three earlier cutoffs and yield forecasts with what came, latest first.

    Windows overlap by half. A cutoff with too little before it to learn from is left out, and
    so is one with fewer than 100 customers.
    """
    months = window_months(known)
    back = months + np.arange(MOST_ORIGINS) * max(1, months // 2)
    for cutoff in shift_months(known.cutoff, -back, known.business.month):
        before = months_that_fit(known.observed_from, int(cutoff), known.business.month)
        if before < _FEWEST_MONTHS_BEFORE:
            continue
        try:
            then = known_at(known.log, known.business, list(known.vocabulary.levels), int(cutoff))
            then = replace(then, sample=RowSample(ROWS_OF_REFITS))
            origin = _origin(known, then, fit(then), months)
        except InputRefusedError:
            continue
        if len(origin.realised) >= _FEWEST_CUSTOMERS:
            yield origin


def _origin(known: Known, then: Known, model: Model, months: int) -> Origin:
    """Return what a model of then says of its customers, and what is known of them now."""
    business = known.business
    forecasts, realised, event_months = [], [], []
    for block in known.blocks():
        moment = Moment(block.history, block.profiles, then.cutoff, business, then.references)
        forecast = model.forecast(moment, business, months)
        actual = actual_after(block, then.cutoff, months, business)
        there = np.flatnonzero(forecast.is_customer)
        forecasts.append(forecast.rows(there))
        realised.append(clv(actual.margin[there], business.annual_discount_rate))
        event_months.append(actual.event_month[there])
    return Origin(_stacked(forecasts), np.concatenate(realised), np.concatenate(event_months))


def _stacked(forecasts: Sequence[Forecast]) -> Forecast:
    names = [field.name for field in fields(Forecast)]
    given = [name for name in names if getattr(forecasts[0], name) is not None]
    curves = {name: np.concatenate([getattr(f, name) for f in forecasts]) for name in given}
    return replace(forecasts[0], **curves)
