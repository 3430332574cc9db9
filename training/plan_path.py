"""The path of MRR ahead, given that the customer stays: a Markov expectation over plans.

Let G have entry (i, j): expected MRR a month later on plan j, over MRR as it was booked, for
customers on plan i who stay. Expected growth over k months of a customer on plan i is row i of
G^k, summed: no random paths are needed. Newcomers move more than settled customers, so there is
one G for each band of tenure, and a path walks through the bands as the customer grows older.

Nothing grows from nothing: whoever is on a plan that costs nothing counts as one unit of money on a
plan of its own, which is left out of what is added up.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FREE = "\0free"
"""Stands for every plan at no price; no label of a plan has a NUL in it."""
UNIT = 1.0
"""MRR that a customer on a plan at no price counts as, in major units."""
_OTHER = ""
_MOST_PLANS = 30
_PSEUDO_MONTHS = 30.0
TENURE_BANDS = (0, 3, 6, 12)
"""First month of tenure of each band."""


@dataclass(frozen=True, eq=False)
class PlanPath:
    """Hold plans and monthly growth by tenure band, shape (n_bands, n_plans, n_plans).

    The last plan stands for any other.
    """

    plans: tuple[str, ...]
    growth: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the plans that have a name, the most frequent first."""
        return tuple(plan for plan in self.plans if plan not in (FREE, _OTHER))

    def growth_ahead(
        self, plan: NDArray[np.object_], tenure_months: NDArray[np.float64], n_months: int
    ) -> NDArray[np.float64]:
        """Return expected MRR over MRR as booked, at mid-month, shape (n_customers, n_months).

        On the plan `FREE` it is expected MRR over `UNIT`.
        """
        settled = np.minimum(tenure_months, TENURE_BANDS[-1]).astype(np.int64)
        number = plan_numbers(plan, self.plans)
        paths = np.ones((len(plan), n_months))
        for tenure in np.unique(settled):
            there = settled == tenure
            paths[there] = _middle_of_months(self, int(tenure), n_months)[number[there]]
        return paths


@lru_cache(maxsize=256)  # a path never changes, and every block asks for the same few tenures
def _middle_of_months(path: PlanPath, tenure: int, n_months: int) -> NDArray[np.float64]:
    """Return growth at mid-month by plan for one tenure now, shape (n_plans, n_months)."""
    product = np.eye(len(path.plans))
    is_charged = np.array([plan != FREE for plan in path.plans], dtype=np.float64)
    levels = [product @ is_charged]
    for band in tenure_bands(tenure + np.arange(n_months)):
        product = product @ path.growth[band]
        levels.append(product @ is_charged)
    edges = np.column_stack(levels)
    return (edges[:, 1:] + edges[:, :-1]) / 2


@dataclass(frozen=True)
class PlanMonths:
    """Hold one month of customers who stayed, shape (n,) each: plans and MRR at both ends.

    `booked_mrr` is what the later MRR was known to be at the earlier end, in major units. MRR is
    that of the plan, paused or not; `is_paused` says whether a pause was known for the later end.
    """

    plan: NDArray[np.object_]
    plan_after: NDArray[np.object_]
    tenure_months: NDArray[np.float64]
    booked_mrr: NDArray[np.float64]
    mrr_after: NDArray[np.float64]
    is_paused: NDArray[np.bool_]
    is_paused_after: NDArray[np.bool_]


def fit_plan_path(months: PlanMonths) -> PlanPath:
    """Fit growth, each band drawn by pseudo-customers to the band before, the first to standing.

    So a band that nobody has reached yet goes on as the one before it.
    """
    plan, booked = _with_free(months.plan, months.booked_mrr)
    plan_after, after = _with_free(months.plan_after, months.mrr_after)
    plans = _common_plans(plan, plan_after)
    here, there = plan_numbers(plan, plans), plan_numbers(plan_after, plans)
    band = tenure_bands(months.tenure_months)
    prior = np.eye(len(plans))
    bands = []
    for number in range(len(TENURE_BANDS)):
        rows = band == number
        pair = here[rows], there[rows]
        prior = _drawn_to(prior, *pair, booked[rows], after[rows])
        bands.append(prior)
    return PlanPath(plans, np.stack(bands))


def tenure_bands(tenure_months: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the band of each tenure."""
    return np.searchsorted(TENURE_BANDS, tenure_months, side="right") - 1


def plan_numbers(plan: NDArray[np.object_], plans: tuple[str, ...]) -> NDArray[np.int64]:
    """Return each plan's number among `plans`; the last one for any other."""
    number = {name: index for index, name in enumerate(plans)}
    return np.array([number.get(name, len(plans) - 1) for name in plan], dtype=np.int64)


def _drawn_to(
    prior: NDArray[np.float64],
    here: NDArray[np.int64],
    there: NDArray[np.int64],
    booked: NDArray[np.float64],
    after: NDArray[np.float64],
) -> NDArray[np.float64]:
    size = len(prior)
    now = np.bincount(here, booked, size)
    moved = np.bincount(here * size + there, after, size * size).reshape(size, size)
    mean = booked.mean() if len(booked) and booked.mean() > 0 else 1.0
    count = np.bincount(here, minlength=size)
    typical = np.where(now > 0, now / np.maximum(count, 1), mean)
    pseudo = (_PSEUDO_MONTHS * typical)[:, None]
    return (moved + pseudo * prior) / (now[:, None] + pseudo)


def _with_free(
    plan: NDArray[np.object_], mrr: NDArray[np.float64]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    is_free = mrr == 0
    return np.where(is_free, FREE, plan), np.where(is_free, UNIT, mrr)


def _common_plans(plan: NDArray[np.object_], after: NDArray[np.object_]) -> tuple[str, ...]:
    names, counts = np.unique(plan.astype(str), return_counts=True)
    common = [str(name) for name in names[np.lexsort((names, -counts))][:_MOST_PLANS]]
    named = [name for name in common if name not in (FREE, _OTHER)]
    has_free = (plan == FREE).any() or (after == FREE).any()
    return (*named, *([FREE] if has_free else []), _OTHER)
