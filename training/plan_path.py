"""The path of MRR ahead, given that the customer stays: a Markov expectation over plans.

Let G have entry (i, j): expected MRR a month later on plan j, over MRR now, for customers on plan
i who stay. Expected growth over k months of a customer on plan i is row i of G^k, summed: no
random paths are needed. G is estimated from consecutive months, each row drawn towards standing
still by a few pseudo-customers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_OTHER = ""
_MOST_PLANS = 30
_PSEUDO_MONTHS = 30.0


@dataclass(frozen=True)
class PlanPath:
    """Hold plans and monthly growth G, shape (n_plans, n_plans); the last plan is any other."""

    plans: tuple[str, ...]
    growth: NDArray[np.float64]

    def growth_ahead(self, plan: NDArray[np.object_], n_months: int) -> NDArray[np.float64]:
        """Return expected MRR over MRR as booked, at mid-month, shape (n_customers, n_months)."""
        levels = [np.ones(len(self.plans))]
        for _ in range(n_months):
            levels.append(self.growth @ levels[-1])
        edges = np.column_stack(levels)
        middle = (edges[:, 1:] + edges[:, :-1]) / 2
        return middle[plan_numbers(plan, self.plans)]


def fit_plan_path(
    plan: NDArray[np.object_],
    plan_after: NDArray[np.object_],
    booked_mrr: NDArray[np.float64],
    mrr_after: NDArray[np.float64],
) -> PlanPath:
    """Fit growth from pairs of consecutive months of customers who stayed, shape (n,) each.

    `booked_mrr` is what the coming month's MRR was known to be at the earlier month.
    """
    plans = _common_plans(plan)
    here, there = plan_numbers(plan, plans), plan_numbers(plan_after, plans)
    size = len(plans)
    now = np.bincount(here, booked_mrr, size)
    after = np.bincount(here * size + there, mrr_after, size * size).reshape(size, size)
    count = np.bincount(here, minlength=size)
    mean_mrr = booked_mrr.mean() if len(booked_mrr) and booked_mrr.mean() > 0 else 1.0
    typical = np.where((count > 0) & (now > 0), now / np.maximum(count, 1), mean_mrr)
    standing_still = np.diag(_PSEUDO_MONTHS * typical)
    return PlanPath(plans, (after + standing_still) / (now + _PSEUDO_MONTHS * typical)[:, None])


def plan_numbers(plan: NDArray[np.object_], plans: tuple[str, ...]) -> NDArray[np.int64]:
    """Return each plan's number among `plans`; the last one for any other."""
    number = {name: index for index, name in enumerate(plans)}
    return np.array([number.get(name, len(plans) - 1) for name in plan], dtype=np.int64)


def _common_plans(plan: NDArray[np.object_]) -> tuple[str, ...]:
    names, counts = np.unique(plan.astype(str), return_counts=True)
    order = np.lexsort((names, -counts))[:_MOST_PLANS]
    return (*(str(name) for name in names[order] if name != _OTHER), _OTHER)
