"""Customers whose response to a retention offer is known: what a contact does to each of them.

Everybody is one of four types, by what is going on in their life as a customer and by chance:
persuadable (the offer keeps them), sure (they stay anyway), lost (they go anyway) and disturbed
(hearing from the operator reminds them to leave). The type is never seen, only what goes with it.
"""

from dataclasses import dataclass, replace

import numpy as np

from serving.demo.blocks import Block, Bools, Floats, Ints
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers
from serving.demo.truth import discount_factors, true_values
from valuation.survival import activity_in_month

TYPES = ("persuadable", "sure", "lost", "disturbed")
CONTACT_COST = 1.5
OFFER_COST = 12.0
"""EUR; an offer costs only where it is accepted."""
_CONTACT_LOGIT = np.array([-2.5, 0.0, 0.0, 1.5])
_ACCEPTANCE = np.array([0.7, 0.4, 0.02, 0.05])


@dataclass(frozen=True)
class Response(Block):
    """Hold what a contact now would truly do, shape `(n_customers,)`; money in EUR.

    `effect` on CLV is unbiased and noisy; `smooth_effect`, off the stated chances of leaving
    instead of counted leavers, is what the oracle chooses by. So it gains nothing by noise.
    """

    kind: Ints
    survival: Floats
    survival_told: Floats
    effect: Floats
    smooth_effect: Floats
    acceptance: Floats

    @property
    def cost(self) -> Floats:
        """Expected cost of contacting: contact cost + P(accepts) x offer cost."""
        return CONTACT_COST + self.acceptance * OFFER_COST

    @property
    def profit(self) -> Floats:
        """What contacting each brings, by the noisy effect: what policies are judged by."""
        return self.effect - self.cost

    @property
    def smooth_profit(self) -> Floats:
        """What contacting each brings, by the smooth effect: what the oracle chooses by."""
        return self.smooth_effect - self.cost

    def saved_share(self, months: int) -> float:
        """Return the share of those who would leave within so many months whom contacts keep."""
        kept = np.maximum(self.survival_told - self.survival, 0.0)[:, months - 1]
        return float(kept.sum() / (1.0 - self.survival[:, months - 1]).sum())

    def disturbed_share(self, months: int) -> float:
        """Return the share of those who would stay so many months whom contacts drive away."""
        gone = np.maximum(self.survival - self.survival_told, 0.0)[:, months - 1]
        return float(gone.sum() / self.survival[:, months - 1].sum())


def types_of(state: Subscribers, luck: Floats, params: OperatorParameters) -> Ints:
    """Return everybody's type as an index into TYPES; `luck` is uniform, one for each number."""
    included = np.log(np.asarray(params.plans.allowances_gb))[state.plan]
    overpaying = np.clip(included - state.size - state.engagement, 0.0, 2.0)
    discount_ends = (state.discount_left >= 0) & (state.discount_left <= 3)
    term_ends = (state.term_left >= 0) & (state.term_left <= 3)
    settled = state.tenure_months > 24
    drifting = state.engagement - state.habit
    weights = np.exp(
        np.column_stack(
            [
                -0.6 + 0.9 * overpaying + 1.2 * discount_ends + 0.8 * term_ends,
                0.8 + 1.5 * state.engagement - state.frailty,
                -0.8 + 0.8 * state.frailty + 0.5 * state.failures - 2.0 * drifting,
                -0.8 + 1.2 * settled - 1.5 * state.engagement - 0.8 * overpaying,
            ]
        )
    )
    heaped = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    return np.minimum((luck[state.who][:, None] > heaped).sum(axis=1), len(TYPES) - 1)


def contacted(state: Subscribers, kind: Ints, chosen: Bools) -> Subscribers:
    """Return the state after some customers were contacted with the offer."""
    moved = np.where(chosen, _CONTACT_LOGIT[kind], 0.0)
    return replace(state, contact_logit=state.contact_logit + moved)


def accepts(kind: Ints, rng: np.random.Generator) -> Bools:
    """Draw who would accept the offer."""
    accepted: Bools = rng.random(len(kind)) < _ACCEPTANCE[kind]
    return accepted


def true_response(
    state: Subscribers, luck: Floats, draws: int, seed: int, params: OperatorParameters
) -> Response:
    """Return what a contact now would do, by the same futures with it and without."""
    kind = types_of(state, luck, params)
    everybody = np.ones(len(state), dtype=np.bool_)
    alone, told = (
        true_values(each, draws, np.random.default_rng([seed, arm]), params)
        for arm, each in enumerate((state, contacted(state, kind, everybody)))
    )
    is_moved = _CONTACT_LOGIT[kind] != 0.0
    stays, stays_told = (activity_in_month(each.survival) for each in (alone, told))
    worth = np.nan_to_num(alone.margin_given_active) * discount_factors(params)
    return Response(
        kind=kind,
        survival=alone.survival,
        survival_told=np.where(is_moved[:, None], told.survival, alone.survival),
        effect=np.where(is_moved, told.clv - alone.clv, 0.0),
        smooth_effect=np.where(is_moved, ((stays_told - stays) * worth).sum(axis=1), 0.0),
        acceptance=_ACCEPTANCE[kind],
    )
