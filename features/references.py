"""Population references: what a customer's price and plan are compared with at an instant.

Taken as of each landmark and stored with the model, so that one customer alone can be scored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


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

    @property
    def floor(self) -> int | None:
        """List price of the cheapest plan on the ladder, None without a ladder."""
        return min(self.ladder.values(), default=None)


NO_REFERENCES = References()
"""References of a business about whose population nothing is known."""
