"""The background of explanations: typical customers, each standing for at least 20.

A customer's contributions say what sets them apart from the typical customer of a group: of the
main plan, or of the band of purchase frequency. The background is fixed with the model.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.kernel import Moment
from training.explained import Explained, Money, Readings, Values

FEWEST_BEHIND_A_MEAN = 20
"""A mean of fewer would point at people."""
MOST_BEHIND_A_MEAN = 5_000
"""More would cost memory and change no mean that matters; buckets hold customers at random."""


@dataclass(frozen=True)
class Typical:
    """Hold one typical customer: inputs (n_inputs,), margin path (n_months,), money by player."""

    inputs: Values
    path: Values
    money: Values

    def path_of(self, n_months: int) -> Values:
        """Return the margin path of so many months; beyond the last one known it stays level."""
        if not len(self.path):
            return self.path
        return self.path[np.minimum(np.arange(n_months), len(self.path) - 1)]


@dataclass(frozen=True)
class Background:
    """Hold the typical customer of all, and of each group with enough of them, by its number.

    `money_means` (n_players,) is what the portfolio brings a month, by money player.
    """

    of_all: Typical
    of_groups: Mapping[int, Typical]
    money_means: Values

    def of(self, group: int) -> Typical:
        """Return the typical customer of a group; of all where the group is too small."""
        return self.of_groups.get(group, self.of_all)


def fit_background(
    explained: Explained, moments: Iterable[Moment], n_months: int
) -> Background | None:
    """Return the background of the customers there; None where they are fewer than 20.

    Parameters
    ----------
    moments : iterable of Moment
        The whole portfolio at the cutoff, block by block.
    n_months : int
        Months ahead of the margin path.
    """
    everybody = explained.n_groups
    samples: dict[int, list[Readings]] = defaultdict(list)
    money: list[Money] = []
    for moment in moments:
        money.append(explained.everybodys_money(moment))
        readings = explained.read(moment, n_months)
        for group in (*np.unique(readings.group).tolist(), everybody):
            rows = np.flatnonzero((readings.group == group) | (group == everybody))
            room = MOST_BEHIND_A_MEAN - sum(len(part.group) for part in samples[group])
            samples[group].append(readings.of(rows[:room]))
    means = _money_means(explained, _all_money(money))
    typical = {
        group: _typical(explained, parts, means)
        for group, parts in samples.items()
        if sum(len(part.group) for part in parts) >= FEWEST_BEHIND_A_MEAN
    }
    of_all = typical.pop(everybody, None)
    return None if of_all is None else Background(of_all, typical, means)


def background_as_json(background: Background | None) -> dict[str, Any] | None:
    """Return a background as numbers; null stands for what is not known."""
    if background is None:
        return None
    return {
        "of_all": _typical_as_json(background.of_all),
        "of_groups": {
            str(group): _typical_as_json(typical) for group, typical in background.of_groups.items()
        },
        "money_means": background.money_means.tolist(),
    }


def background_from_json(parts: dict[str, Any] | None) -> Background | None:
    """Return the background that `background_as_json` gave."""
    if parts is None:
        return None
    of_groups = {
        int(group): _typical_from_json(typical) for group, typical in parts["of_groups"].items()
    }
    return Background(
        _typical_from_json(parts["of_all"]), of_groups, np.array(parts["money_means"])
    )


def _typical_as_json(typical: Typical) -> dict[str, list[float | None]]:
    return {
        "inputs": [None if math.isnan(value) else value for value in typical.inputs.tolist()],
        "path": typical.path.tolist(),
        "money": typical.money.tolist(),
    }


def _typical_from_json(parts: dict[str, list[float | None]]) -> Typical:
    return Typical(*(np.array(parts[name], dtype=float) for name in ("inputs", "path", "money")))


def _typical(explained: Explained, parts: list[Readings], means: Values) -> Typical:
    inputs = np.concatenate([part.inputs for part in parts])
    money = _all_money([part.money for part in parts]).expected(means, explained.credibility)
    return Typical(
        explained.typical(inputs, FEWEST_BEHIND_A_MEAN),
        np.concatenate([part.path for part in parts]).mean(axis=0),
        money.mean(axis=0),
    )


def _money_means(explained: Explained, money: Money) -> Values:
    """Share out the portfolio's mean among players by what each brought a month."""
    known = money.exposure > 0
    months = max(float(money.exposure[known].sum()), 1e-9)
    means: Values = money.total[known].sum(axis=0) / months
    means[0] += explained.credibility.mean - means.sum()
    return means


def _all_money(parts: list[Money]) -> Money:
    return Money(
        np.concatenate([part.total for part in parts]),
        np.concatenate([part.exposure for part in parts]),
    )
