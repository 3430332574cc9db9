"""The support of training: what it saw of tenure, price, activity and attributes.

A score far from anything that training saw is extrapolation; such customers get a warning.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from features.catalogue import signal_matrix
from features.expressions import Profile, Total
from features.kernel import Moment
from features.profiles import Profiles
from features.signal import Signal
from training.person_periods import Matrix

OUTSIDE = "outside training: "
"""What every warning begins with that a customer lies outside the support."""
FEWEST_AT_AN_END = 20
"""An end of a range that fewer customers reach would point at people; so would a level."""
SLACK = 0.1
"""By this share of its width a range may be left without a warning."""
_WORDS = {
    "tenure_months": "tenure",
    "mrr": "monthly price",
    "usage_events_30d": "30-day usage",
    "days_since_first_purchase": "time since the first purchase",
    "mean_basket": "mean basket",
    "purchases_365d": "365-day purchases",
}
_UNITS = {"months": "months", "days": "days"}
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Support:
    """Hold the range of each driver, and by attribute the levels of at least 20 customers.

    `ranges` are ends by driver, in the driver's unit: 20 customers of some landmark reach each.
    """

    drivers: tuple[Signal, ...] = ()
    ranges: tuple[tuple[float, float], ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def warnings(
        self, moment: Moment, is_customer: NDArray[np.bool_], currency: str
    ) -> dict[int, tuple[str, ...]]:
        """Return what to say of each customer who lies outside, by row of the moment."""
        said: dict[int, tuple[str, ...]] = {}
        for row, warning in (*self._of_drivers(moment, currency), *self._of_levels(moment)):
            if is_customer[row]:
                said[row] = (*said.get(row, ()), f"{OUTSIDE}{warning}")
        return said

    @classmethod
    def of_names(
        cls,
        signals: Sequence[Signal],
        ranges: Mapping[str, Sequence[float]],
        levels: Mapping[str, Sequence[str]],
    ) -> Self:
        """Return the support whose drivers bear these names among the signals."""
        drivers = tuple(signal for signal in signals if signal.name in ranges)
        ends = (ranges[driver.name] for driver in drivers)
        kept = {name: tuple(known) for name, known in levels.items()}
        return cls(drivers, tuple((low, high) for low, high in ends), kept)

    def _of_drivers(self, moment: Moment, currency: str) -> Iterable[tuple[int, str]]:
        if not self.drivers:
            return
        # As in training: what differs only in a float's last digits is no other price.
        values = signal_matrix(moment, self.drivers).astype(np.float32)
        for driver, (low, high), column in zip(self.drivers, self.ranges, values.T, strict=True):
            slack = SLACK * (high - low)
            for row in np.flatnonzero((column < low - slack) | (column > high + slack)):
                unit = currency if driver.unit == "money" else _UNITS.get(driver.unit, "")
                said = f"{_words(driver)} of {_number(column[row])} {unit}".rstrip()
                yield int(row), f"{said}; training saw {_number(low)} to {_number(high)}"

    def _of_levels(self, moment: Moment) -> Iterable[tuple[int, str]]:
        for attribute, levels in self.levels.items():
            known = {None, *levels}
            for row, level in enumerate(moment.profiles.attributes.get(attribute, ())):
                if level not in known:
                    few = f"fewer than {FEWEST_AT_AN_END} customers in training had it"
                    yield row, f"{attribute} '{level}'; {few}"


def drivers_of(signals: Sequence[Signal]) -> list[int]:
    """Return where the drivers stand: tenure, price, activity, attributes that are numbers."""
    return [number for number, signal in enumerate(signals) if _is_driver(signal)]


def ranges_of(
    signals: Sequence[Signal],
    first: Matrix,
    last: Matrix,
    landmark: NDArray[np.int64],
) -> dict[str, tuple[float, float]]:
    """Return the range of each driver in training, by name; one that few customers have has none.

    Parameters
    ----------
    signals : (n_drivers,)
    first, last : (n_rows, n_drivers)
        Landmark rows as they stood at the landmark, and as far as they were followed; NaN where
        missing.
    landmark : (n_rows,)
        Numbers of the landmarks; at one and the same landmark a customer has one row. Of each
        part of the customers `ends_of` is enough.
    """
    ranges: dict[str, tuple[float, float]] = {}
    for column, signal in enumerate(signals):
        ends = [
            (np.sort(begun)[FEWEST_AT_AN_END - 1], np.sort(reached)[-FEWEST_AT_AN_END])
            for number in np.unique(landmark)
            if len(begun := _known(first[landmark == number, column])) >= FEWEST_AT_AN_END
            and len(reached := _known(last[landmark == number, column])) >= FEWEST_AT_AN_END
        ]
        if ends:
            lows, highs = zip(*ends, strict=True)
            low, high = float(min(lows)), float(max(highs))
            ranges[signal.name] = min(low, high), max(low, high)
    return ranges


def ends_of(first: Matrix, last: Matrix) -> tuple[Matrix, Matrix]:
    """Return the rows of one landmark that `ranges_of` needs of some customers.

    They are the lowest of each column of `first` and the highest of `last`, shape
    (at most FEWEST_AT_AN_END, n_drivers) each, whoever's they are.
    """
    return np.sort(first, axis=0)[:FEWEST_AT_AN_END], -np.sort(-last, axis=0)[:FEWEST_AT_AN_END]


def level_counts(profiles: Profiles) -> dict[str, Counter[str]]:
    """Count the levels of every attribute that is text."""
    return {
        name: Counter(value for value in values if value is not None)
        for name, values in profiles.attributes.items()
        if values.dtype == object
    }


def levels_of(counts: Iterable[Mapping[str, Counter[str]]]) -> dict[str, tuple[str, ...]]:
    """Return by attribute the levels that at least 20 customers have, counted part by part."""
    together: dict[str, Counter[str]] = {}
    for part in counts:
        for name, levels in part.items():
            together.setdefault(name, Counter()).update(levels)
    return {
        name: tuple(sorted(level for level, n in levels.items() if n >= FEWEST_AT_AN_END))
        for name, levels in together.items()
    }


def _is_driver(signal: Signal) -> bool:
    match signal.expression:
        case Total(happening, 30):
            return happening.startswith("usage:")
        case Profile(_, None):
            return True
        case _:
            return signal.name in _WORDS


def _words(signal: Signal) -> str:
    match signal.expression:
        case Total(happening, 30):
            return f"30-day {happening.partition(':')[2]}"
        case Profile(attribute, None):
            return attribute
        case _:
            return _WORDS[signal.name]


def _known(values: Matrix) -> Matrix:
    return values[~np.isnan(values)]


def _number(value: float) -> str:
    said = f"{float(value):,.2f}"
    return said.rstrip("0").rstrip(".")
