"""The median of a shop's customer: who is rather silent is worth what no purchases leave."""

import numpy as np

from training.forecast import Forecast
from training.intervals import Intervals, Values, ways
from valuation.mixtures import Mixtures

_HALF = 0.5


def shop_median(
    intervals: Intervals, forecast: Forecast, annual_discount_rate: float, horizon: int
) -> Values:
    """Return the median of the discounted margin of months 1..horizon, shape (n_customers,).

    The distribution is that of the intervals: silent or buying, and around buying the errors of
    the past. What silence leaves has no spread here, so that it stays the median of whoever is
    silent more often than not. Held between the ends of the interval; 0 for who never bought.
    """
    values, probabilities = ways(forecast, annual_discount_rate, horizon)
    spreads = np.abs(values) + intervals.floor
    spreads[:, 0] = 0.0
    mixtures = Mixtures(values, probabilities, spreads, intervals.noise_of(forecast, horizon))
    median = mixtures.quantiles(np.full((len(values), 1), _HALF))[:, 0]
    low, high, _ = intervals.of_customers(forecast, annual_discount_rate, horizon)
    return np.where(forecast.is_customer, np.clip(median, low, high), 0.0)
