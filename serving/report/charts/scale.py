"""From values to pixels, and where an axis is labelled."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """Map values from `low` to `high` onto pixels from `start` to `end`, in a straight line.

    Where `low` equals `high` every value lies in the middle.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, also of one outside."""
        return float(self.pixels(np.float64(value)))

    def pixels(self, values: Values | np.float64) -> Values:
        """Return the pixels of values, of the same shape."""
        span = self.high - self.low
        share = (values - self.low) / span if span else np.full_like(values, 0.5)
        return np.asarray(self.start + share * (self.end - self.start))

    def ticks(self, most: int) -> list[float]:
        """Return at most `most` + 1 round values inside, evenly apart."""
        step = round_step(self.high - self.low, most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


def bulk_of(values: Values) -> tuple[float, float]:
    """Return the values that hold all but the lowest 0.5% and the highest 1% of (n,), n > 0.

    Both are values that occur, so that nothing is cut off a hundred customers or fewer.
    """
    low = np.quantile(values, 0.005, method="lower")
    return float(low), float(np.quantile(values, 0.99, method="higher"))


def round_step(span: float, most: int) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that fits `most` times into a span.

    A span of nothing, or of less than a billionth, has a step of 1.

    Examples
    --------
    >>> round_step(970.0, 5), round_step(0.0, 5)
    (200.0, 1.0)
    """
    if span < 1e-9:
        return 1.0
    least = span / most
    power = 10.0 ** math.floor(math.log10(least))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10, 20) if m * power >= least * (1 - 1e-9)))
