"""Population references: what a customer's price and plan are compared with at an instant.

Taken as of each landmark and stored with the model, so that one customer alone can be scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class References:
    """Hold the price ladder, the allowances and what each cohort pays, as known at an instant.

    `ladder` maps a plan to its list price in minor units a month, `allowances` a plan to the
    usage it includes a month. `cohort_prices` maps a calendar month, such as `"2023-04"`, to the
    median MRR before discount, in minor units, of the customers there who began in it;
    `typical_price` is that median of everybody there, None where nobody is.
    """

    ladder: Mapping[str, int] = field(default_factory=dict)
    allowances: Mapping[str, float] = field(default_factory=dict)
    cohort_prices: Mapping[str, int] = field(default_factory=dict)
    typical_price: int | None = None

    @cached_property
    def ladder_prices(self) -> NDArray[np.int64]:
        """List prices on the ladder, rising, one a plan."""
        return np.sort(np.fromiter(self.ladder.values(), np.int64, len(self.ladder)))

    @cached_property
    def cohort_months(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cohorts as months since 1970-01, rising, and the price of each."""
        named = sorted(self.cohort_prices)
        months = np.array(named, dtype="datetime64[M]").astype(np.int64)
        return months, np.array([self.cohort_prices[month] for month in named], dtype=np.int64)

    @property
    def floor(self) -> int | None:
        """List price of the cheapest plan on the ladder, None without a ladder."""
        return min(self.ladder.values(), default=None)


NO_REFERENCES = References()
"""References of a business about whose population nothing is known."""
