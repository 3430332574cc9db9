"""What every model returns: churn, activity and margin by month ahead."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.float64]


@dataclass(frozen=True)
class Forecast:
    """Hold one row a customer, one column a month ahead, shape (n_customers, n_months) each.

    `churn` is P(gone by the end of month k), for a shop P(no purchase in months 1..k);
    `activity` is P(customer in month k), for a shop P(a purchase in month k);
    `expected_margin` is undiscounted, in major units, idle cost included, and
    `margin_if_active` that of a month in which the customer is active. For a subscription
    `survival` is P(still there at the end of month k), and `margin_if_unchanged` is the margin
    if active on the plan as it stands and as changes are booked; None for a shop, whose
    customers never say that they left. For a shop `idle_margin` is the margin of a month without
    a purchase; None for a subscription. `is_customer` has shape (n_customers,). `exit_shares` has
    shape (n_customers, n_kinds): P(kind of exit | leaves within three months), rows add up to 1;
    None where nothing is known of kinds.
    """

    is_customer: NDArray[np.bool_]
    churn: Curves
    activity: Curves
    expected_margin: Curves
    margin_if_active: Curves
    survival: Curves | None = None
    margin_if_unchanged: Curves | None = None
    idle_margin: Curves | None = None
    exit_shares: Curves | None = None

    def rows(self, kept: NDArray[np.int64]) -> "Forecast":
        """Return the forecast of some customers."""
        curves = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: c[kept] for name, c in curves.items() if c is not None})
