"""What is true of customers at a moment, by Monte Carlo over the world's own step.

The future of a customer has no closed form: the hazard follows latent states that move at random.
So every customer is lived forward many times from the true state, booked changes included.
"""

from dataclasses import dataclass

import numpy as np

from serving.demo.blocks import Floats, Ints
from serving.demo.parameters import OperatorParameters
from serving.demo.population import Subscribers
from serving.demo.transition import advance

PATHS_AT_ONCE = 30_000
"""Paths that are lived together: small enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Truth:
    """Hold true expectations; arrays are `(n_customers, horizon_months)` or `(n_customers,)`.

    `survival` is S(k) at the end of month k; `expected_margin` is EUR in month k, the chance of
    having left counted; `margin_given_active` is per month of activity, NaN where no path was
    active; `clv` discounts `expected_margin` and has `clv_standard_error` from the draws.
    """

    survival: Floats
    expected_margin: Floats
    margin_given_active: Floats
    clv: Floats
    clv_standard_error: Floats


def true_values(
    state: Subscribers, draws: int, rng: np.random.Generator, params: OperatorParameters
) -> Truth:
    """Return the truth of every customer in `state`, from `draws` futures each.

    CLV = sum over k of E[margin k] (1 + r)^(-(k - 1/2) / 12), r the annual effective rate.
    Survival multiplies (1 - h(k)), where h(k) is the mean over paths of the stated chance of
    leaving in month k over the share of paths still there: less noisy than counting leavers.

    Raises
    ------
    ValueError
        If `draws` is below 2, from which no standard error follows.
    """
    if draws < 2:
        raise ValueError(f"draws is {draws}; give at least 2.")
    size = max(1, PATHS_AT_ONCE // draws)
    chunks = [
        np.arange(at, min(at + size, len(state))) for at in range(0, max(len(state), 1), size)
    ]
    parts = [_lived_forward(state.take(chunk), draws, rng, params) for chunk in chunks]
    return Truth(
        survival=np.concatenate([part.survival for part in parts]),
        expected_margin=np.concatenate([part.expected_margin for part in parts]),
        margin_given_active=np.concatenate([part.margin_given_active for part in parts]),
        clv=np.concatenate([part.clv for part in parts]),
        clv_standard_error=np.concatenate([part.clv_standard_error for part in parts]),
    )


def _lived_forward(
    start: Subscribers, draws: int, rng: np.random.Generator, params: OperatorParameters
) -> Truth:
    n, horizon = len(start), params.horizon_months
    state, path = start.repeated(draws), np.arange(len(start) * draws)
    hazard, margin, active = np.zeros((3, n, horizon))
    margins_by_path, weights = np.zeros(n * draws), discount_factors(params)
    firm = 1.0 - params.leaving.withdrawn_share
    announced = firm * draws * start.under_notice
    for k in range(horizon):
        owner = path // draws
        after, happened = advance(state, rng, params)
        leaving = announced + _summed(owner, n, happened.exits.disconnection_probability)
        hazard[:, k] = _share_of_those_there(leaving, np.bincount(owner, minlength=n))
        announced = firm * _summed(owner, n, happened.exits.ask_probability)
        margin[:, k] = _summed(owner, n, happened.margin) / draws
        active[:, k] = _summed(owner, n, happened.charges.active_share) / draws
        margins_by_path[path] += weights[k] * happened.margin
        state, path = after, path[~happened.exits.left]
    spread = margins_by_path.reshape(n, draws).std(axis=1, ddof=1)
    return Truth(
        survival=np.cumprod(1.0 - hazard, axis=1, dtype=np.float64),
        expected_margin=margin,
        margin_given_active=_ratio_or_nan(margin, active),
        clv=margin @ weights,
        clv_standard_error=spread / np.sqrt(draws),
    )


def discount_factors(params: OperatorParameters) -> Floats:
    """Return (1 + r)^(-(k - 1/2) / 12) for k = 1..horizon_months, r the annual effective rate."""
    months = np.arange(1, params.horizon_months + 1)
    return np.power(1.0 + params.annual_discount_rate, -(months - 0.5) / 12.0, dtype=np.float64)


def _summed(owner: Ints, n: int, values: Floats) -> Floats:
    return np.bincount(owner, weights=values, minlength=n).astype(np.float64)


def _share_of_those_there(leaving: Floats, there: Ints) -> Floats:
    """Return expected leavers over paths present: 0 where nobody is.

    Leavers who asked a month ago are an expectation while paths present are counted, so with very
    few paths the quotient may pass 1 by chance; it is then 1.
    """
    return np.minimum(leaving / np.maximum(there, 1), 1.0) * (there > 0)


def _ratio_or_nan(numerator: Floats, denominator: Floats) -> Floats:
    ratio = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=ratio, where=denominator > 0)
