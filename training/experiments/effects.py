"""A campaign's effects on retention, margin and CLV against its control group."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from training.experiments.assignments import CONTROL, Assignments
from training.experiments.outcomes import Measure, Outcomes
from valuation.campaign_return import CampaignReturn, campaign_return
from valuation.discounting import discount_factors
from valuation.effects import (
    Arms,
    Effect,
    difference_of_means,
    difference_of_shares,
    difference_with_covariates,
    saved_share,
)
from valuation.group_levers import GroupCurves, LeverEffect, levers_between_groups
from valuation.sample_ratio import SampleRatio, sample_ratio

FEWEST_IN_AN_ARM = 30
"""An interval of the mean of fewer is not to be relied on: margins are skewed."""
Status = Literal["measured", "mismatch", "too_early", "too_few"]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class OutcomeEffect:
    """Hold the effect on one outcome: plain, and less what was expected before (CUPED)."""

    plain: Effect
    adjusted: Effect | None = None

    @property
    def best(self) -> Effect:
        """The adjusted one where there is one: fixed beforehand, not chosen by its result."""
        return self.adjusted or self.plain


@dataclass(frozen=True)
class ArmEffects:
    """Hold what an arm did against the control, of customers whose window is over.

    `saved` is the share of would-be leavers who stayed. `value` and the levers, which add up to
    its adjusted effect, are None without a frozen model. `account` counts value, without a model
    the margin of the window.
    """

    arm: str
    stayed: OutcomeEffect
    margin: OutcomeEffect
    saved: Effect
    account: CampaignReturn
    contacted: float
    control_contacted: float
    value: OutcomeEffect | None = None
    levers: tuple[LeverEffect, LeverEffect] | None = None


@dataclass(frozen=True)
class Measurement:
    """Hold what can be said of a campaign at an instant.

    Counts are customers by arm; `all_over_at` is when the last window ends (microseconds),
    `first_over_at` the first. `ratio` is None where no control share was promised.
    """

    assignments: Assignments
    measure: Measure
    n_assigned: Mapping[str, int]
    n_over: Mapping[str, int]
    first_over_at: int
    all_over_at: int
    ratio: SampleRatio | None
    effects: tuple[ArmEffects, ...]

    @property
    def status(self) -> Status:
        """Whether there are effects to trust, and if not, why."""
        if self.effects:
            is_mismatch = self.ratio is not None and self.ratio.is_mismatch
            return "mismatch" if is_mismatch else "measured"
        return "too_few" if sum(self.n_over.values()) else "too_early"


def measured(
    assignments: Assignments,
    outcomes: Outcomes,
    measure: Measure,
    control_share: float | None = None,
) -> Measurement:
    """Return the effects of every arm that has enough customers whose window is over.

    Parameters
    ----------
    outcomes : Outcomes
        Of those whose window is over, in any order.
    control_share : float, optional
        What the control group was to be of all assigned; their counts are held against it.
    """
    n_assigned = dict(Counter(assignments.arm.tolist()))
    arm = assignments.arm[outcomes.row]
    n_over = {name: int((arm == name).sum()) for name in n_assigned}
    ends = measure.ends(assignments.at)
    return Measurement(
        assignments,
        measure,
        n_assigned,
        n_over,
        int(ends.min()),
        int(ends.max()),
        _ratio(n_assigned, control_share),
        tuple(
            _of_arm(name, assignments, outcomes, measure)
            for name in assignments.arms
            if min(n_over[name], n_over.get(CONTROL, 0)) >= FEWEST_IN_AN_ARM
        ),
    )


def _ratio(n_assigned: Mapping[str, int], control_share: float | None) -> SampleRatio | None:
    if control_share is None or not 0 < control_share < 1 or CONTROL not in n_assigned:
        return None
    n_control = n_assigned[CONTROL]
    counted = sum(n_assigned.values()) - n_control, n_control
    return sample_ratio(counted, (1 - control_share, control_share))


def _of_arm(
    name: str, assignments: Assignments, outcomes: Outcomes, measure: Measure
) -> ArmEffects:
    groups = _Groups.of(assignments.arm[outcomes.row], name, has_before=measure.bundle is not None)
    contacted = groups.arms((assignments.n_contacts[outcomes.row] > 0).astype(np.float64))
    adjusted = groups.effect(outcomes.stayed, outcomes.stayed_before).adjusted
    margin = groups.effect(outcomes.margin, outcomes.margin_before)
    value, levers = None, None
    if measure.bundle is not None:
        rate = measure.business.annual_discount_rate
        value = groups.effect(outcomes.value(rate), outcomes.value_before)
        levers = _levers(groups, outcomes, rate)
    cost = float(assignments.cost[outcomes.row][groups.treated].sum())
    return ArmEffects(
        name,
        OutcomeEffect(difference_of_shares(groups.arms(outcomes.stayed)), adjusted),
        margin,
        saved_share(groups.arms(1 - outcomes.stayed)),
        campaign_return((value or margin).best, cost),
        float(contacted.treated.mean()),
        float(contacted.control.mean()),
        value,
        levers,
    )


class _Groups(NamedTuple):
    """Tell treated from control among rows, and whether a model expected something of them."""

    treated: NDArray[np.bool_]
    control: NDArray[np.bool_]
    has_before: bool

    @classmethod
    def of(cls, arm: NDArray[np.object_], name: str, *, has_before: bool) -> Self:
        return cls(arm == name, arm == CONTROL, has_before)

    def arms(self, values: Values) -> Arms:
        return Arms(values[self.treated], values[self.control])

    def effect(self, values: Values, before: Values) -> OutcomeEffect:
        arms = self.arms(values)
        if not self.has_before:
            return OutcomeEffect(difference_of_means(arms))
        adjusted = difference_with_covariates(arms, self.arms(before))
        return OutcomeEffect(difference_of_means(arms), adjusted)


def _levers(
    groups: _Groups, outcomes: Outcomes, annual_discount_rate: float
) -> tuple[LeverEffect, LeverEffect]:
    treated, control = (
        GroupCurves(outcomes.activity[group], outcomes.monthly_margin[group])
        for group in (groups.treated, groups.control)
    )
    factors = discount_factors(outcomes.activity.shape[1], annual_discount_rate)
    return levers_between_groups(treated, control, factors, groups.arms(outcomes.value_before))
