"""Explanations in money: what sets a customer's CLV apart, shared out among groups of signals.

A coalition of players takes what is known of the customer, the other players what is known of a
typical one; the model values both together. CLV less the value of the typical customer is shared
out by Shapley values over all coalitions, so that baseline and contributions add up to CLV.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training.background import Typical
from training.explained import Explained, Readings, Values
from training.players import Input, money_players
from valuation.lifetime_value import clv
from valuation.shapley import coalitions, shapley_values


@dataclass(frozen=True)
class Shares:
    """Hold the value of the one held against, and what each player adds to it, in major units."""

    baseline: float
    contributions: dict[str, float]


@dataclass(frozen=True)
class Lens:
    """See customers as points: everything that a model reads, in one row of numbers.

    `money_means` are those of the background. Points have shape (n, n_numbers): inputs, the
    margin path by month, money by player.
    """

    explained: Explained
    money_means: Values
    n_months: int
    annual_discount_rate: float

    @cached_property
    def numbers(self) -> tuple[Input, ...]:
        """Every number of a point, with its player."""
        money = (Input(f"money_{name}", name) for name in money_players(self.explained.business))
        return (*self.explained.inputs, *self._path, *money)

    @cached_property
    def players(self) -> tuple[str, ...]:
        """Everybody whom CLV is shared out among, in a fixed order."""
        return tuple(dict.fromkeys(number.player for number in self.numbers))

    def points(self, readings: Readings) -> Values:
        """Return customers as points."""
        money = readings.money.expected(self.money_means, self.explained.credibility)
        return np.hstack([readings.inputs, readings.path, money])

    def point_of(self, typical: Typical) -> Values:
        """Return a typical customer as a point, shape (n_numbers,)."""
        path = typical.path_of(len(self._path))
        return np.concatenate([typical.inputs, path, typical.money])

    def value(self, points: Values) -> Values:
        """Return the CLV of points, shape (n,)."""
        n_inputs = len(self.explained.inputs)
        inputs, path, money = np.split(points, [n_inputs, n_inputs + len(self._path)], axis=1)
        margin = self.explained.expected_margin(inputs, path, money.sum(axis=1), self.n_months)
        return clv(margin, self.annual_discount_rate)

    def shares(self, point: Values, other: Values) -> Shares:
        """Share out the value of a point, held against another, among the players."""
        differing = self.differing(point, other)
        active = sorted(set(self._owner[differing].tolist()))
        takes_own = np.ones((2 ** len(active), len(self.players)), dtype=bool)
        takes_own[:, active] = coalitions(len(active))
        values = self.value(np.where(takes_own[:, self._owner], point, other))
        shared = shapley_values(values[None])[0]
        contributions = dict.fromkeys(self.players, 0.0)
        contributions |= {
            self.players[player]: float(share) for player, share in zip(active, shared, strict=True)
        }
        return Shares(float(values[0]), contributions)

    def differing(self, point: Values, other: Values) -> NDArray[np.bool_]:
        """Return which numbers tell two points apart for the model, shape (n_numbers,)."""
        is_equal = (point == other) | (np.isnan(point) & np.isnan(other))
        return ~is_equal & self._is_read

    def effects(self, point: Values, other: Values, parts: Sequence[NDArray[np.bool_]]) -> Values:
        """Return what parts of a point do to its value, shape (n_parts,).

        The mean of what the part adds to the other point alone, and to all the rest of this one.
        """
        if not parts:
            return np.zeros(0)
        chosen = np.stack(parts)
        alone, last = np.where(chosen, point, other), np.where(chosen, other, point)
        values = self.value(np.vstack([alone, last, other, point]))
        first, rest = np.split(values[:-2], 2)
        effects: Values = ((first - values[-2]) + (values[-1] - rest)) / 2
        return effects

    @cached_property
    def _path(self) -> tuple[Input, ...]:
        return self.explained.path_inputs(self.n_months)

    @cached_property
    def _owner(self) -> NDArray[np.int64]:
        place = {player: number for number, player in enumerate(self.players)}
        return np.array([place[number.player] for number in self.numbers])

    @cached_property
    def _is_read(self) -> NDArray[np.bool_]:
        beside = np.ones(len(self.numbers) - len(self.explained.inputs), dtype=bool)
        return np.concatenate([self.explained.is_read, beside])
