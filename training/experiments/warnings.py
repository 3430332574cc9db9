"""What a reader of a campaign's effects must know, in sentences."""

from collections.abc import Iterator

import numpy as np

from features.instants import datetime_of
from training.experiments.assignments import CONTROL
from training.experiments.effects import FEWEST_IN_AN_ARM, Measurement
from valuation.sample_ratio import MISMATCH_BELOW

_LEAST_OFTEN = 0.01
"""Fewer of the control who were contacted all the same are not worth a word."""

_LEAST_COST = 0.005


def warnings_of(found: Measurement) -> Iterator[str]:
    """Yield what holds of this measurement; the gravest first."""
    yield from _of_assignment(found)
    yield from _of_time(found)
    yield from _of_cost(found)
    yield from _of_the_model(found)


def _of_assignment(found: Measurement) -> Iterator[str]:
    if found.ratio is not None and found.ratio.is_mismatch:
        treated, control = found.ratio.counted
        yield (
            f"sample ratio mismatch: {control:,} of {treated + control:,} are control, where "
            f"{found.ratio.promised[1]:,.0f} were to be (p = {found.ratio.p_value:.1g}, below "
            f"{MISMATCH_BELOW:g}); assignment or its recording is broken, and no effect below can "
            "be trusted"
        )
    shares = np.unique(found.assignments.control_share)
    if len(shares) > 1:
        said = ", ".join("unknown" if np.isnan(each) else f"{each:.0%}" for each in shares)
        yield (
            f"the control share was not the same for all ({said}): customers are compared with "
            "those who were assigned at the same share"
        )
    if found.n_alone:
        yield (
            f"{found.n_alone:,} customers whose window is over are left out: at the control share "
            "at which they were assigned there is nobody in the other arm to compare them with"
        )
    if found.assignments.n_moved:
        yield (
            f"{found.assignments.n_moved:,} customers were assigned to another arm later; they "
            "count by their first"
        )
    for effects in found.effects:
        if not effects.has_costs:
            yield (
                f"nobody of {effects.arm} has a `contact` event: what contacting cost is not "
                "counted, and gain looks like profit; post `contact` and `offer` events as "
                "customers are contacted and accept"
            )
    for effects in found.effects:
        if effects.control_contacted > _LEAST_OFTEN:
            yield (
                f"{effects.control_contacted:.1%} of the control group were contacted all the "
                "same: the effect of being assigned is measured, that of a contact is larger"
            )
            return


def _of_time(found: Measurement) -> Iterator[str]:
    n_assigned, n_over = sum(found.n_assigned.values()), sum(found.n_over.values())
    last = datetime_of(found.all_over_at)
    if found.status == "too_early":
        yield (
            f"too early: no window of {found.measure.months} months is over; the first ends "
            f"{datetime_of(found.first_over_at):%Y-%m-%d}, the last {last:%Y-%m-%d}"
        )
    elif n_over < n_assigned:
        yield (
            f"the window of {n_assigned - n_over:,} of {n_assigned:,} customers is not over until "
            f"{last:%Y-%m-%d}: they are left out, of all arms alike"
        )
    small = [
        f"{arm} ({found.n_over.get(arm, 0):,})"
        for arm in (CONTROL, *found.assignments.arms)
        if found.n_over.get(arm, 0) < FEWEST_IN_AN_ARM
    ]
    if small and found.status != "too_early":
        yield (
            f"too few: an arm needs {FEWEST_IN_AN_ARM} customers whose window is over; "
            f"{', '.join(small)} has fewer"
        )


def _of_cost(found: Measurement) -> Iterator[str]:
    currency = found.measure.business.currency
    for effects in found.effects:
        if effects.cost_outside >= _LEAST_COST:
            yield (
                f"{effects.cost_outside:,.2f} {currency} more were spent on {effects.arm} before "
                "their assignment or after their window; what that brought is not measured here, "
                "and it is not in the cost"
            )


def _of_the_model(found: Measurement) -> Iterator[str]:
    began = datetime_of(int(found.assignments.at.min()))
    if found.measure.bundle is None:
        yield (
            f"no effect on CLV: no model version was trained on what came before {began:%Y-%m-%d} "
            f"alone; train one with `keepworth train --as-of {began:%Y-%m-%d}`"
        )
    elif found.effects:
        yield (
            "CLV counts margin as it came in the window and, beyond it, what model version "
            f"{found.measure.bundle.version} expects of customers as they behave at its end; that "
            "holds as far as the campaign works on through behaviour"
        )
