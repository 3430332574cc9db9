"""A campaign's effects on retention, margin and CLV against its control group."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from training.experiments.assignments import CONTROL, Assignments
from training.experiments.outcomes import Measure, Outcomes, day_of
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
from valuation.strata import Strata, comparable

FEWEST_IN_AN_ARM = 30
"""An interval of the mean of fewer is not to be relied on: margins are skewed."""
Status = Literal["measured", "mismatch", "too_early", "too_few"]
Values = NDArray[np.float64]
Rows = NDArray[np.int64]


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
    cost_outside: float
    contacted: float
    control_contacted: float
    value: OutcomeEffect | None = None
    levers: tuple[LeverEffect, LeverEffect] | None = None

    @property
    def has_costs(self) -> bool:
        """Whether anything is on record of what contacting the arm took."""
        return self.contacted > 0 or self.account.cost > 0 or self.cost_outside > 0


@dataclass(frozen=True)
class Measurement:
    """Hold what can be said of a campaign at an instant.

    Counts are customers by arm; `all_over_at` is when the last window ends (microseconds),
    `first_over_at` the first. `ratio` is None where no control share was promised. `n_alone` are
    left out of effects: at the control share at which they were assigned an arm has nobody.
    """

    assignments: Assignments
    measure: Measure
    n_assigned: Mapping[str, int]
    n_over: Mapping[str, int]
    first_over_at: int
    all_over_at: int
    ratio: SampleRatio | None
    effects: tuple[ArmEffects, ...]
    n_alone: int = 0

    @property
    def status(self) -> Status:
        """Whether there are effects to trust, and if not, why."""
        if self.effects:
            is_mismatch = self.ratio is not None and self.ratio.is_mismatch
            return "mismatch" if is_mismatch else "measured"
        return "too_few" if sum(self.n_over.values()) else "too_early"


def measured(assignments: Assignments, outcomes: Outcomes, measure: Measure) -> Measurement:
    """Return the effects of every arm that has enough customers whose window is over.

    Customers are compared with those who were assigned at the same control share; their counts are
    held against it where it is known.

    Parameters
    ----------
    outcomes : Outcomes
        Of those whose window is over, in any order.
    """
    n_assigned = dict(Counter(assignments.arm.tolist()))
    arm = assignments.arm[outcomes.row]
    n_over = {name: int((arm == name).sum()) for name in n_assigned}
    ends = measure.ends(assignments.at)
    pairs = {
        name: outcomes.only(paired(assignments, outcomes.row, name)) for name in assignments.arms
    }
    compared = np.concatenate([np.zeros(0, np.int64), *(each.row for each in pairs.values())])
    return Measurement(
        assignments,
        measure,
        n_assigned,
        n_over,
        int(ends.min()),
        int(ends.max()),
        _ratio(assignments),
        tuple(
            _of_arm(name, assignments, rows, measure)
            for name, rows in pairs.items()
            if _smaller(assignments.arm[rows.row], name) >= FEWEST_IN_AN_ARM
        ),
        len(outcomes.row) - len(np.unique(compared)),
    )


def paired(assignments: Assignments, row: Rows, name: str) -> NDArray[np.bool_]:
    """Return which of some rows are of an arm or the control, with both at their control share."""
    arm, share = assignments.arm[row], assignments.control_share[row]
    of_both = np.isin(arm, (name, CONTROL))
    found = np.zeros(len(row), dtype=bool)
    found[of_both] = comparable(arm[of_both] == name, share[of_both])
    return found


def _smaller(arm: NDArray[np.object_], name: str) -> int:
    return int(min((arm == name).sum(), (arm == CONTROL).sum()))


def _ratio(assignments: Assignments) -> SampleRatio | None:
    """Hold the control group against the shares at which its customers and others were assigned."""
    known = assignments.only(np.isfinite(assignments.control_share))
    share = float(known.control_share.mean()) if len(known.arm) else 0.0
    if not 0 < share < 1:
        return None
    n_control = int((known.arm == CONTROL).sum())
    return sample_ratio((len(known.arm) - n_control, n_control), (1 - share, share))


def _of_arm(
    name: str, assignments: Assignments, outcomes: Outcomes, measure: Measure
) -> ArmEffects:
    """Measure an arm; `outcomes` are those of it and the control that have their like."""
    arm, share = assignments.arm[outcomes.row], assignments.control_share[outcomes.row]
    groups = _Groups.of(arm == name, share, has_before=measure.bundle is not None)
    within = assignments.spent(day_of(assignments.at), measure.ends(assignments.at))
    contacted = groups.arms((within.n_contacts[outcomes.row] > 0).astype(np.float64))
    adjusted = groups.effect(outcomes.stayed, outcomes.stayed_before).adjusted
    margin = groups.effect(outcomes.margin, outcomes.margin_before)
    value, levers = None, None
    if measure.bundle is not None:
        rate = measure.business.annual_discount_rate
        value = groups.effect(outcomes.value(rate), outcomes.value_before)
        levers = _levers(groups, outcomes, rate)
    treated = outcomes.row[groups.treated]
    cost = float(within.cost[treated].sum())
    of_them = np.isin(assignments.spending.row, treated)
    cost_ever = float(assignments.spending.amount[of_them].sum())
    return ArmEffects(
        name,
        OutcomeEffect(difference_of_shares(groups.arms(outcomes.stayed), groups.strata), adjusted),
        margin,
        saved_share(groups.arms(1 - outcomes.stayed), groups.strata),
        campaign_return((value or margin).best, cost),
        cost_ever - cost,
        float(contacted.treated.mean()),
        float(contacted.control.mean()),
        value,
        levers,
    )


class _Groups(NamedTuple):
    """Tell treated from control among rows, by stratum, and whether a model expected something."""

    treated: NDArray[np.bool_]
    strata: Strata
    has_before: bool

    @classmethod
    def of(cls, treated: NDArray[np.bool_], share: Values, *, has_before: bool) -> Self:
        return cls(treated, Strata.of(share[treated], share[~treated]), has_before)

    def arms(self, values: Values) -> Arms:
        return Arms(values[self.treated], values[~self.treated])

    def levelled(self, values: Values) -> Arms:
        """Part values that are to be compared by their means, within strata."""
        return Arms(*self.strata.levelled(*self.arms(values)))

    def effect(self, values: Values, before: Values) -> OutcomeEffect:
        arms = self.levelled(values)
        if not self.has_before:
            return OutcomeEffect(difference_of_means(arms))
        adjusted = difference_with_covariates(arms, self.levelled(before))
        return OutcomeEffect(difference_of_means(arms), adjusted)


def _levers(
    groups: _Groups, outcomes: Outcomes, annual_discount_rate: float
) -> tuple[LeverEffect, LeverEffect]:
    activity, margin = groups.levelled(outcomes.activity), groups.levelled(outcomes.monthly_margin)
    treated, control = (GroupCurves(*each) for each in zip(activity, margin, strict=True))
    factors = discount_factors(outcomes.activity.shape[1], annual_discount_rate)
    return levers_between_groups(treated, control, factors, groups.levelled(outcomes.value_before))
