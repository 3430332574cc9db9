"""Effects of what nobody randomised: members of a programme against customers like them.

Right if either what makes people join, or what they would have brought anyway, is modelled right;
and if nothing else that bears on both joining and outcomes was left out. No figure can show that.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from valuation.arrays import (
    FloatArray,
    finite_vector,
    matrix_with_gaps,
    require_equal_shapes,
    require_within,
)
from valuation.effects import LEVEL

BALANCED_BELOW = 0.1
"""Standardised differences below it are called balance (Austin 2009)."""


class Compared(NamedTuple):
    """Hold members and customers compared with them, (n_rows,) each.

    `propensity` is P(joins), inside (0, 1), and `expected` the outcome of comparison customers
    with the same covariates, both from models fitted without the row's customer; `customer` says
    whose row it is.
    """

    outcome: FloatArray
    is_member: NDArray[np.bool_]
    propensity: FloatArray
    expected: FloatArray
    customer: NDArray[np.int64]


class MembersEffect(NamedTuple):
    """Hold the effect on members with its interval, beside the naive difference of means."""

    effect: float
    low: float
    high: float
    standard_error: float
    naive: float


class Balance(NamedTuple):
    """Hold standardised mean differences of covariates, (n_covariates,) each."""

    before: FloatArray
    after: FloatArray


class Overlap(NamedTuple):
    """Hold whether there are comparison customers like the members.

    `beyond` is the share of members who are likelier to join than 0.95, `effective` how many
    comparison customers the weights leave, out of `n_comparisons`.
    """

    beyond: float
    effective: float
    n_comparisons: int


def effect_on_members(rows: Compared, level: float = LEVEL) -> MembersEffect:
    """Return what a programme changed for those who joined, doubly robust.

    With A joining, Y outcome, e propensity, m the outcome expected of comparison customers with
    the same covariates, and n1 members::

        effect = 1 / n1 sum of A (Y - m) - (1 - A) e / (1 - e) (Y - m) / W
        W      = 1 / n1 sum of (1 - A) e / (1 - e)

    so that weights of comparison customers add up to those of members. The standard error is that
    of both weighted means, added up by customer, as one may be compared several times.

    Raises
    ------
    ValueError
        If shapes differ, a value is not finite, e is not inside (0, 1), or a group is empty.

    Notes
    -----
    Robins, Rotnitzky and Zhao (1994), augmented inverse probability weighting, for the effect on
    the treated (Sant'Anna and Zhao 2020, equation 2.5, with normalised weights); cross-fitting
    after Chernozhukov et al. (2018), "Double/debiased machine learning".

    Examples
    --------
    >>> found = effect_on_members(Compared(
    ...     np.array([5.0, 7.0, 3.0, 3.0]), np.array([True, True, False, False]),
    ...     np.full(4, 0.5), np.full(4, 3.0), np.arange(4)))
    >>> found.effect, found.naive
    (3.0, 3.0)
    """
    values = finite_vector("outcome", rows.outcome)
    share = finite_vector("propensity", rows.propensity)
    beyond = values - finite_vector("expected", rows.expected)
    require_equal_shapes(outcome=values, propensity=share, is_member=rows.is_member)
    require_within("propensity", share, 1e-9, 1 - 1e-9)
    members = rows.is_member
    if members.all() or not members.any():
        raise ValueError("an effect needs members and comparison customers; one group is empty.")
    weight = weights_of(members, share)
    of_members = float(beyond[members].mean())
    of_others = float(np.average(beyond[~members], weights=weight[~members]))
    parts = np.where(members, beyond - of_members, -weight * (beyond - of_others))
    by_customer = np.bincount(np.unique(rows.customer, return_inverse=True)[1], parts)
    error = float(np.sqrt(np.square(by_customer).sum())) / float(members.sum())
    reach = float(ndtri((1 + level) / 2)) * error
    effect = of_members - of_others
    naive = float(values[members].mean() - values[~members].mean())
    return MembersEffect(effect, effect - reach, effect + reach, error, naive)


def weights_of(is_member: NDArray[np.bool_], propensity: FloatArray) -> FloatArray:
    """Return weights that make comparison customers look like members, adding up to their number.

    Members count 1, others e / (1 - e), normalised.
    """
    odds = propensity / (1 - propensity)
    scale = is_member.sum() / odds[~is_member].sum()
    return np.where(is_member, 1.0, odds * scale)


def balance_of(covariates: FloatArray, is_member: NDArray[np.bool_], weight: FloatArray) -> Balance:
    """Return standardised mean differences, members less others, before and after weighting.

    (m1 - m0) / sqrt((s1^2 + s0^2) / 2), both variances before weighting; gaps count as the mean of
    what is known. 0 for a covariate that never varies.

    Parameters
    ----------
    covariates : (n_rows, n_covariates)
        NaN where not known.

    Notes
    -----
    Austin (2009), "Balance diagnostics for comparing the distribution of baseline covariates".
    """
    known = matrix_with_gaps("covariates", covariates)
    gaps = np.isnan(known)
    counts = np.maximum((~gaps).sum(axis=0), 1)
    filled = np.where(gaps, np.nansum(known, axis=0) / counts, known)
    members, others = filled[is_member], filled[~is_member]
    spread = np.sqrt((members.var(axis=0) + others.var(axis=0)) / 2)
    weighted = np.average(others, axis=0, weights=weight[~is_member])
    mean = members.mean(axis=0)
    return Balance(*(_over(mean - each, spread) for each in (others.mean(axis=0), weighted)))


def overlap_of(is_member: NDArray[np.bool_], propensity: FloatArray) -> Overlap:
    """Return how far comparison customers cover the members.

    The effective number is (sum of w)^2 / sum of w^2 (Kish 1965, "Survey Sampling").
    """
    weight = weights_of(is_member, propensity)[~is_member]
    effective = float(weight.sum() ** 2 / np.square(weight).sum())
    return Overlap(float((propensity[is_member] > 0.95).mean()), effective, len(weight))


def _over(differences: FloatArray, spread: FloatArray) -> FloatArray:
    return np.divide(differences, spread, out=np.zeros_like(spread), where=spread > 1e-12)
