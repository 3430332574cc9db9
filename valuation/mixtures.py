"""Predictive distributions of value: a few ways things may go, and noise around each.

With probability p(j) value is v(j) + s(j) e: way j comes true, and e is a draw from a noise
distribution, given as equally likely points.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from valuation.arrays import (
    FloatArray,
    finite_matrix,
    finite_vector,
    require_equal_rows,
    require_equal_shapes,
)

_ROUNDING = 1e-12
_CUSTOMERS_AT_ONCE = 2048


@dataclass(frozen=True)
class Mixtures:
    """Hold one distribution a customer.

    `values` v(j) and `spreads` s(j), in major units, and `probabilities` p(j), which sum to 1,
    have shape (n_customers, n_ways); `spreads` are not negative. `noise` rises; its shape is
    (n_customers, n_points), or (n_points,) where all customers share it.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, a spread is negative, probabilities do not sum
        to 1, or noise does not rise.
    """

    values: FloatArray
    probabilities: FloatArray
    spreads: FloatArray
    noise: FloatArray

    def __post_init__(self) -> None:
        require_equal_shapes(
            values=finite_matrix("values", self.values),
            probabilities=finite_matrix("probabilities", self.probabilities),
            spreads=finite_matrix("spreads", self.spreads),
        )
        if not self.noise.shape[-1] or np.any(np.diff(self.noise, axis=-1) < 0):
            raise ValueError(f"noise has {self.noise.shape[-1]} points; give at least one, rising.")
        noise = finite_matrix("noise", np.atleast_2d(self.noise))
        if self.noise.ndim > 1:
            require_equal_rows(values=self.values, noise=noise)
        if np.any(self.spreads < 0):
            raise ValueError(f"spreads holds {self.spreads.min()}; give values of 0 or more.")
        sums = self.probabilities.sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1) > 1e-6)
        if len(wrong):
            raise ValueError(
                f"probabilities of row {wrong[0]} sum to {sums[wrong[0]]}; expected 1."
            )

    def quantiles(self, levels: FloatArray) -> FloatArray:
        """Return lower quantiles inf {v: F(v) >= level}, shape (n_customers, n_levels).

        `levels` has shape (n_customers, n_levels), each in [0, 1]; level 0 gives the smallest
        value there is.
        """
        found = np.empty(levels.shape)
        for rows in self._portions():
            found[rows] = self._quantiles(rows, levels[rows])
        return found

    def _quantiles(self, rows: slice, levels: FloatArray) -> FloatArray:
        points = self._points(rows)
        weights = np.broadcast_to(self.probabilities[rows, :, None], points.shape)
        points = points.reshape(len(levels), -1)
        order = np.argsort(points, axis=1, kind="stable")
        ascending = np.take_along_axis(points, order, axis=1)
        weights = np.take_along_axis(weights.reshape(points.shape), order, axis=1)
        reached = np.cumsum(weights, axis=1)
        reached /= reached[:, -1:]
        found = np.empty(levels.shape)
        for column in range(levels.shape[1]):
            level = np.maximum(levels[:, column : column + 1], _ROUNDING)
            place = (reached >= level - _ROUNDING).argmax(axis=1)
            found[:, column] = np.take_along_axis(ascending, place[:, None], axis=1)[:, 0]
        return found

    def tail_depth(self, realised: FloatArray) -> FloatArray:
        """Return how deep each realised value lies, shape (n_customers,), in [0, 1].

        It is min(F(y), 1 - F(y-)): the largest a for which y lies between the quantiles at a and
        at 1 - a, ends included. With the right F a share of at most 2 a of customers lies less
        deep than a.
        """
        at = finite_vector("realised", realised)
        require_equal_rows(values=self.values, realised=at)
        depth = np.empty(len(at))
        for rows in self._portions():
            points = self._points(rows)
            y = at[rows, None, None]
            up_to = (self.probabilities[rows] * (points <= y).mean(axis=2)).sum(axis=1)
            from_there = (self.probabilities[rows] * (points >= y).mean(axis=2)).sum(axis=1)
            depth[rows] = np.minimum(up_to, from_there)
        return np.clip(depth, 0.0, 1.0)

    def _portions(self) -> Iterator[slice]:
        for first in range(0, len(self.values), _CUSTOMERS_AT_ONCE):
            yield slice(first, first + _CUSTOMERS_AT_ONCE)

    def _points(self, rows: slice) -> FloatArray:
        """Return all values that may come, shape (n_customers, n_ways, n_points)."""
        noise = self.noise[rows, None] if self.noise.ndim > 1 else self.noise
        return self.values[rows, :, None] + self.spreads[rows, :, None] * noise

    def variance(self) -> FloatArray:
        """Return the variance of each distribution, shape (n_customers,)."""
        mean_noise = self.noise.mean(axis=-1, keepdims=True)
        spread_noise = self.noise.var(axis=-1, keepdims=True)
        means = self.values + self.spreads * mean_noise
        mean = (self.probabilities * means).sum(axis=1, keepdims=True)
        within = np.square(self.spreads) * spread_noise
        return (self.probabilities * (np.square(means - mean) + within)).sum(axis=1)
