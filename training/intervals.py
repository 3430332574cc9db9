"""Prediction intervals: a distribution of each customer's value, held against what came.

Models refitted at earlier cutoffs say what they would have said then. How deep in their
distributions the realised values lie decides how far the intervals of today must reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from training.forecast import Forecast
from valuation.lifetime_value import clv, value_by_month_of_leaving
from valuation.mixtures import Mixtures
from valuation.survival import leaving_probability

Values = NDArray[np.float64]
COVERAGE = 0.8
"""Share of customers whose realised value an interval is to hold."""
MOST_DISAGREEMENT = 0.25
"""Where errors of the total differ by more between cutoffs, no interval of a total is reliable."""
_FEWEST_IN_CELL = 100
_FEWEST_OF_CELL = 50
_MOST_CELLS = 10
_NOISE_POINTS = 33
_LEVELS = (np.arange(_NOISE_POINTS) + 0.5) / _NOISE_POINTS
_FLOOR_SHARE = 0.05
_MONTHS_KEPT_APART = 12


@dataclass(frozen=True)
class Origin:
    """Hold what a model fitted at an earlier cutoff said of its customers, beside what came.

    `realised` (n_customers,) is the discounted margin of the forecast's months, `event_month`
    that of leaving (of the first purchase, for a shop), 0 where none came.
    """

    forecast: Forecast
    realised: Values
    event_month: NDArray[np.int64]


@dataclass(frozen=True)
class Intervals:
    """Hold the calibration of a model version; numbers only, all from at least 50 customers.

    `months` is the window it was calibrated on and `n_cutoffs` at how many cutoffs. Customers fall
    into cells by expected margin of those months, cell i up to `edges[i]`. `noise[i]` rises: how
    the value of those who stayed (or bought) differed from that of the way they went, as a share
    of it plus `floor`. The cell's intervals run from the quantile at `depths[i]` to that at
    1 - depth; depths are at most (1 - COVERAGE) / 2, so that no interval is narrower than the
    distribution itself has it. `total_errors` is (realised - expected) / |expected| of all
    customers at each cutoff.
    """

    months: int
    floor: float
    noise: tuple[tuple[float, ...], ...]
    edges: tuple[float, ...]
    depths: tuple[float, ...]
    total_errors: tuple[float, ...]

    @property
    def n_cutoffs(self) -> int:
        """Cutoffs at which intervals were held against what came."""
        return len(self.total_errors)

    @property
    def are_reliable(self) -> bool:
        """Whether the errors of the total agree between cutoffs."""
        errors = self.total_errors
        return len(errors) > 1 and max(errors) - min(errors) <= MOST_DISAGREEMENT

    def of_customers(
        self, forecast: Forecast, annual_discount_rate: float, horizon: int
    ) -> tuple[Values, Values, Values]:
        """Return low, high and variance of each customer's discounted margin; 0 for the lost.

        Shape (n_customers,) each, over months 1..`horizon`.
        """
        n_customers = len(forecast.is_customer)
        low, high, variance = (np.zeros(n_customers) for _ in range(3))
        there = np.flatnonzero(forecast.is_customer)
        if len(there):
            kept = forecast.rows(there)
            depth = np.array(self.depths)[self.cell(kept)]
            mixtures = self.mixtures(kept, annual_discount_rate, horizon)
            ends = mixtures.quantiles(np.stack([depth, 1 - depth], axis=1))
            low[there], high[there] = ends.T
            variance[there] = mixtures.variance()
        return low, high, variance

    def of_total(self, expected: float, variance: float, horizon: int) -> tuple[float, float]:
        """Return the ends of the interval of a total of many customers, such as their equity.

        Customers err independently of each other, by `variance` in all, and together, by the
        error of the total at earlier cutoffs; that of few cutoffs is itself uncertain. A churn or a
        price that is off stays off, so what all share grows with the months.
        """
        shared = np.mean(np.square(self.total_errors)) * expected**2
        shared *= max(1.0, horizon / self.months) ** 2
        reach = student.ppf((1 + COVERAGE) / 2, self.n_cutoffs) * np.sqrt(shared + variance)
        return expected - float(reach), expected + float(reach)

    def cell(self, forecast: Forecast) -> NDArray[np.int64]:
        """Return the cell of each customer, shape (n_customers,)."""
        expected = forecast.expected_margin[:, : self.months].sum(axis=1)
        return np.searchsorted(self.edges, expected)

    def mixtures(self, forecast: Forecast, annual_discount_rate: float, horizon: int) -> Mixtures:
        """Return the distribution of each customer's discounted margin of months 1..horizon."""
        values, probabilities = ways(forecast, annual_discount_rate, horizon)
        spreads = np.abs(values) + self.floor
        return Mixtures(values, probabilities, spreads, self.noise_of(forecast, horizon))

    def noise_of(self, forecast: Forecast, horizon: int) -> Values:
        """Return equally likely points of each customer's noise, shape (n_customers, n_points).

        Beyond the calibrated window that of a subscription is the largest, in size, of as many
        draws as windows fit: whoever has not moved to another plan may still do so.
        """
        is_subscription = forecast.survival is not None
        n_draws = max(1.0, horizon / self.months) if is_subscription else 1.0
        of_customers: Values = _of_draws(self.noise, n_draws)[self.cell(forecast)]
        return of_customers


def ways(forecast: Forecast, annual_discount_rate: float, horizon: int) -> tuple[Values, Values]:
    """Return the ways a customer's months 1..horizon may go: values and probabilities.

    Shape (n_customers, n_ways) each. A subscription ends in some month (months beyond the first
    year are taken three at a time) or stays, on the plan as it stands and as changes are booked:
    most customers do not move, and those who do are noise. A shop's customer is silent, or buys.
    """
    if forecast.survival is None or forecast.margin_if_unchanged is None:
        return _silent_or_buying(forecast, annual_discount_rate, horizon)
    margin, survival = forecast.margin_if_unchanged[:, :horizon], forecast.survival[:, :horizon]
    values = value_by_month_of_leaving(margin, annual_discount_rate)
    probabilities = np.hstack([leaving_probability(survival), survival[:, -1:]])
    return _thinned(values[:, :-1], probabilities[:, :-1], values[:, -1:], probabilities[:, -1:])


def fit_intervals(origins: Sequence[Origin], annual_discount_rate: float, months: int) -> Intervals:
    """Calibrate intervals on earlier cutoffs; the latest customers decide the cells.

    Conformal prediction of quantiles of a given distribution (Chernozhukov, Wuthrich and Zhu
    2021, "Distributional conformal prediction"), within cells by expected value (Mondrian), at
    the worst of the cutoffs: what held at each of them need not hold at the next one. Within the
    window hardly anybody may move, and an interval of one value hold nearly all; beyond it that
    one value holds fewer. So calibration widens the distribution's own interval, or leaves it.
    """
    expected = np.concatenate([o.forecast.expected_margin[:, :months].sum(axis=1) for o in origins])
    floor = max(_FLOOR_SHARE * float(np.abs(expected).mean()), 1e-9)
    edges = _edges(expected, min(len(o.realised) for o in origins))
    noiseless = Intervals(months, floor, (), edges, (0.0,) * (len(edges) + 1), ())
    bare = replace(noiseless, noise=_noise(noiseless, origins, annual_discount_rate))
    depths = np.min([_depths(bare, o, annual_discount_rate) for o in origins], axis=0)
    return replace(
        bare,
        depths=tuple(np.minimum(depths, (1 - COVERAGE) / 2).tolist()),
        total_errors=tuple(_error_of_total(o, annual_discount_rate, months) for o in origins),
    )


def _silent_or_buying(
    forecast: Forecast, annual_discount_rate: float, horizon: int
) -> tuple[Values, Values]:
    silent = forecast.churn[:, horizon - 1]
    idle_margin = (
        np.zeros_like(forecast.churn) if forecast.idle_margin is None else forecast.idle_margin
    )
    idle = clv(idle_margin[:, :horizon], annual_discount_rate)
    mean = clv(forecast.expected_margin[:, :horizon], annual_discount_rate)
    buying = idle + (mean - idle) / np.maximum(1 - silent, 1e-9)
    return np.stack([idle, buying], axis=1), np.stack([silent, 1 - silent], axis=1)


def _thinned(
    values: Values, probabilities: Values, stay: Values, stays: Values
) -> tuple[Values, Values]:
    """Take months beyond the first year three at a time, at their mean value."""
    first = np.arange(values.shape[1])
    starts = np.flatnonzero((first < _MONTHS_KEPT_APART) | (first % 3 == 0))
    weight = probabilities + 1e-15
    summed = np.add.reduceat(probabilities, starts, axis=1)
    weighted = np.add.reduceat(values * weight, starts, axis=1)
    means = weighted / np.add.reduceat(weight, starts, axis=1)
    return np.hstack([means, stay]), np.hstack([summed, stays])


def _noise(
    intervals: Intervals, origins: Sequence[Origin], annual_discount_rate: float
) -> tuple[tuple[float, ...], ...]:
    """Return, by cell, equally likely points of relative errors where customers stayed, or bought.

    A cell with fewer than 50 of them has those of all customers.
    """
    errors, cells = [], []
    for origin in origins:
        values, _ = ways(origin.forecast, annual_discount_rate, intervals.months)
        is_shop = origin.forecast.survival is None
        went_on = (origin.event_month > 0) == is_shop
        usual = values[went_on, -1]
        errors.append((origin.realised[went_on] - usual) / (np.abs(usual) + intervals.floor))
        cells.append(intervals.cell(origin.forecast)[went_on])
    together, cell = np.concatenate(errors), np.concatenate(cells)
    of_cells = (together[cell == number] for number in range(len(intervals.depths)))
    return tuple(_points(own if len(own) >= _FEWEST_OF_CELL else together) for own in of_cells)


def _points(errors: Values) -> tuple[float, ...]:
    if not len(errors):
        return (0.0,) * _NOISE_POINTS
    return tuple(np.quantile(errors, _LEVELS).tolist())


@lru_cache(maxsize=64)  # the horizons that callers ask for are few, and each block wants this
def _of_draws(cells: tuple[tuple[float, ...], ...], n_draws: float) -> Values:
    """Return the noise of each cell, shape (n_cells, n_points): the largest of so many draws."""
    points = np.array(cells)
    return points if n_draws == 1 else np.stack([_largest(own, n_draws) for own in points])


def _largest(points: Values, n_draws: float) -> Values:
    """Return equally likely points of the largest in size of draws, which need not be whole.

    With F(x) the share of points no larger than x in size, it is F(x) to the power of `n_draws`.
    """
    order = np.argsort(np.abs(points), kind="stable")
    weight = np.empty(len(points))
    weight[order] = np.diff(np.linspace(0, 1, len(points) + 1) ** n_draws)
    found = np.searchsorted(np.cumsum(weight), (np.arange(len(points)) + 0.5) / len(points))
    return points[np.minimum(found, len(points) - 1)]


def _edges(expected: Values, fewest: int) -> tuple[float, ...]:
    n_cells = int(np.clip(fewest // _FEWEST_IN_CELL, 1, _MOST_CELLS))
    inner = np.quantile(expected, np.arange(1, n_cells) / n_cells)
    return tuple(np.unique(inner).tolist())


def _depths(intervals: Intervals, origin: Origin, annual_discount_rate: float) -> Values:
    """Return the depth that intervals of each cell need at one cutoff, shape (n_cells,)."""
    mixtures = intervals.mixtures(origin.forecast, annual_discount_rate, intervals.months)
    depth = mixtures.tail_depth(origin.realised)
    cell = intervals.cell(origin.forecast)
    everywhere = _needed(depth)
    return np.array(
        [
            _needed(depth[cell == number])
            if (cell == number).sum() >= _FEWEST_OF_CELL
            else everywhere
            for number in range(len(intervals.depths))
        ]
    )


def _needed(depth: Values) -> float:
    """Return the depth that a share of COVERAGE of customers reaches, one spared for safety."""
    uncovered = int(np.floor((1 - COVERAGE) * (len(depth) + 1))) - 1
    return float(np.sort(depth)[max(uncovered, 0)]) if len(depth) else 0.0


def _error_of_total(origin: Origin, annual_discount_rate: float, months: int) -> float:
    expected = clv(origin.forecast.expected_margin[:, :months], annual_discount_rate).sum()
    return float((origin.realised.sum() - expected) / max(abs(expected), 1e-9))
