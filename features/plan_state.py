"""Properties of a customer's subscriptions as they stand at `as_of`, booked changes included."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from features import plan_prices, plan_terms
from features.plan_standing import PlanStanding

Values = NDArray[np.float64]


class PlanStates(PlanStanding):
    """Compute plan properties for every customer; NaN for those without an open subscription."""

    def value(self, name: str) -> Values:
        """Return a property by its name, shape (n_customers,)."""
        return self._of_the_open(STATES[name](self))

    def allowance(self, metric: str) -> Values:
        """Return what the plans held include of a metric, shape (n_customers,)."""
        return self._of_the_open(plan_prices.allowance(self, metric))

    def _of_the_open(self, values: Values) -> Values:
        return values if self.all_open else np.where(self.is_open, values, np.nan)


STATES: dict[str, Callable[[PlanStanding], Values]] = {
    function.__name__: function
    for function in (
        plan_prices.mrr,
        plan_prices.list_mrr,
        plan_prices.discount_share,
        plan_prices.is_paused,
        plan_prices.ladder_place,
        plan_prices.price_to_plan_price,
        plan_prices.price_to_cohort,
        plan_prices.mrr_change_90d,
        plan_prices.mrr_change_365d,
        plan_prices.booked_mrr_change,
        plan_terms.open_subscriptions,
        plan_terms.contractions_365d,
        plan_terms.tenure_months,
        plan_terms.months_on_plan,
        plan_terms.term_months,
        plan_terms.months_to_renewal,
        plan_terms.months_to_booked_end,
        plan_terms.days_since_notice,
        plan_terms.months_to_discount_end,
    )
}
"""Every property by its name, as `features.expressions.PlanState` names it."""
