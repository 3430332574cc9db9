"""Effects of a campaign: outcomes of the treated less those of the control group, with intervals.

Everybody counts in the group they were assigned to, contacted or not (intention to treat); what is
compared was decided by chance alone.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from valuation.arrays import FloatArray, finite_matrix, finite_vector, require_within
from valuation.strata import Strata

LEVEL = 0.95
"""How often intervals shall hold the truth, unless another share is asked for."""


@dataclass(frozen=True)
class Effect:
    """Hold a difference between two groups with its interval, in the outcome's unit.

    `treated` and `control` are what the groups came to; `effect` is the first less the second.
    Ends and standard error are NaN where a group is too small to have any.
    """

    effect: float
    low: float
    high: float
    standard_error: float
    treated: float
    control: float
    n_treated: int
    n_control: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


class Arms(NamedTuple):
    """Hold one value a customer, of the treated (n_treated,) and of the control (n_control,)."""

    treated: FloatArray
    control: FloatArray


def difference_of_means(outcome: Arms, level: float = LEVEL) -> Effect:
    """Return the difference of two groups' means, whatever their variances (Welch).

    With m mean, s^2 variance (n - 1) and n size of a group::

        effect = m1 - m0,   SE^2 = s1^2 / n1 + s0^2 / n0
        interval = effect -+ t SE,   t of SE^4 / (sum of (s^2 / n)^2 / (n - 1)) degrees of freedom

    Parameters
    ----------
    outcome : Arms
        Any unit; finite.
    level : float
        How often the interval shall hold the truth, in (0, 1).

    Raises
    ------
    ValueError
        If a group is empty, or a value is not finite.

    Notes
    -----
    Welch (1947), "The generalization of Student's problem when several different population
    variances are involved"; equal to regression on the arm with robust errors (HC2).

    Examples
    --------
    >>> found = difference_of_means(Arms(np.array([3.0, 5.0, 7.0]), np.array([1.0, 2.0, 3.0])))
    >>> found.effect, round(found.standard_error, 6)
    (3.0, 1.290994)
    """
    treated, control = _checked(outcome)
    parts = _variance_of_mean(treated), _variance_of_mean(control)
    return _with_t_interval(treated, control, parts, level)


def difference_with_covariates(outcome: Arms, covariates: Arms, level: float = LEVEL) -> Effect:
    """Return the same difference less what was known before assignment (CUPED).

    With X the covariates, X' their mean over both groups, and outcomes adjusted to
    Y - (X - X') theta::

        theta = (C1 / n1 + C0 / n0)^-1 (c1 / n1 + c0 / n0)

    where C is the covariance of X and c that of X and Y within a group. That theta makes the
    standard error as small as any does, so that it never exceeds the one without covariates.

    Parameters
    ----------
    outcome : Arms
    covariates : Arms
        (n_treated, n_covariates) and (n_control, n_covariates), or one covariate as vectors; known
        before assignment, or the difference is biased.

    Raises
    ------
    ValueError
        If rows do not match, a group is empty, or a value is not finite.

    Notes
    -----
    Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled
    experiments by utilizing pre-experiment data", section 3, for groups of unequal size and spread.

    Examples
    --------
    A covariate that says it all leaves the effect alone, here 1:

    >>> before = Arms(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 5.0]))
    >>> found = difference_with_covariates(Arms(before.treated + 1, before.control), before)
    >>> round(found.effect, 9), round(found.standard_error, 9)
    (1.0, 0.0)
    """
    treated, control = _checked(outcome)
    known1 = _as_columns("covariates.treated", covariates.treated, len(treated))
    known0 = _as_columns("covariates.control", covariates.control, len(control))
    if min(len(treated), len(control)) < 2:
        return difference_of_means(Arms(treated, control), level)
    theta = _least_variance_slopes(known1, treated, known0, control)
    centre = np.concatenate([known1, known0]).mean(axis=0)
    adjusted = Arms(treated - (known1 - centre) @ theta, control - (known0 - centre) @ theta)
    return difference_of_means(adjusted, level)


def difference_of_shares(
    outcome: Arms, strata: Strata | None = None, level: float = LEVEL
) -> Effect:
    """Return the difference of two groups' shares of ones, with an interval good near 0 and 1.

    With p the shares and [l, u] Wilson's interval of each::

        low  = p1 - p0 - sqrt((p1 - l1)^2 + (u0 - p0)^2)
        high = p1 - p0 + sqrt((u1 - p1)^2 + (p0 - l0)^2)

    By stratum p is the weighted sum of the shares in each, and every (p - l)^2 the sum of those of
    the strata times their weights squared.

    Parameters
    ----------
    outcome : Arms
        Ones and zeros.
    strata : Strata, optional
        Of the same customers; by default all are of one.

    Raises
    ------
    ValueError
        If a group is empty, or a value is neither 0 nor 1.

    Notes
    -----
    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    method 10; his first example, 56 of 70 less 48 of 80, has 0.0524 to 0.3339. Yan and Su (2010),
    "Stratified Wilson and Newcombe confidence intervals for multiple binomial proportions".
    """
    treated, control = _checked_ones(outcome)
    one, other = _shares_of(treated, control, strata, level)
    difference = one.share - other.share
    return Effect(
        difference,
        difference - math.hypot(one.below, other.above),
        difference + math.hypot(one.above, other.below),
        math.sqrt(one.variance + other.variance),
        one.share,
        other.share,
        len(treated),
        len(control),
    )


def saved_share(left: Arms, strata: Strata | None = None, level: float = LEVEL) -> Effect:
    """Return the share of would-be leavers who stayed because of the campaign: 1 - p1 / p0.

    With p the share of a group that left, a the number of them and n the group's size, the
    interval is that of the ratio of risks on the log scale::

        ratio = p1 / p0,   SE^2 of its log = 1/a1 - 1/n1 + 1/a0 - 1/n0

    where 1/a - 1/n is the variance of p over p^2, also by stratum: there p is the weighted sum of
    the shares in each. Negative where the campaign made people leave. `standard_error` is that of
    the share, by the delta method: ratio times SE. NaN where nobody of a group left.

    Parameters
    ----------
    left : Arms
        In [0, 1]: 1 for a customer who left, 0 for one who stayed; between them the chance that
        somebody who left is one of those that count. The variance is then that of these values.

    Notes
    -----
    Katz, Baptista, Azen and Pike (1978), "Obtaining confidence intervals for the risk ratio in
    cohort studies".

    Examples
    --------
    >>> left = Arms(np.array([1.0, 0, 0, 0]), np.array([1.0, 1, 0, 0]))
    >>> saved_share(left).effect
    0.5
    """
    treated, control = _checked(left)
    for name, values in (("treated", treated), ("control", control)):
        require_within(name, values, 0.0, 1.0)
    one, other = _shares_of(treated, control, strata, level)
    share1, share0 = one.share, other.share
    ratio = share1 / share0 if share0 else math.nan
    spread = reach = math.nan
    if share1 and share0:
        spread = math.sqrt(one.variance / share1**2 + other.variance / share0**2)
        reach = float(ndtri((1 + level) / 2)) * spread
    return Effect(
        1 - ratio,
        1 - ratio * math.exp(reach),
        1 - ratio * math.exp(-reach),
        ratio * spread,
        share1,
        share0,
        len(treated),
        len(control),
    )


def wilson_interval(share: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the interval of a share of ones among n: those p with |share - p| <= z sd(p).

    Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n) / (1 + z2 / n)
    return max(0.0, centre - reach), min(1.0, centre + reach)


class _Share(NamedTuple):
    """Hold a group's share of ones, how far its interval reaches each way, and its variance."""

    share: float
    below: float
    above: float
    variance: float


def _shares_of(
    treated: FloatArray, control: FloatArray, strata: Strata | None, level: float
) -> tuple[_Share, _Share]:
    if strata is None:
        strata = Strata.of(np.zeros(len(treated)), np.zeros(len(control)))
    return (
        _share_of(treated, strata.treated, strata.weights, level),
        _share_of(control, strata.control, strata.weights, level),
    )


def _share_of(
    ones: FloatArray, stratum: NDArray[np.int64], weights: FloatArray, level: float
) -> _Share:
    n = np.bincount(stratum)
    shares = np.bincount(stratum, weights=ones) / n
    scatter = np.bincount(stratum, weights=np.square(ones)) / n - np.square(shares)
    ends = [wilson_interval(*each, level) for each in zip(shares.tolist(), n.tolist(), strict=True)]
    low, high = np.array(ends).T
    return _Share(
        float(weights @ shares),
        math.hypot(*weights * (shares - low)),
        math.hypot(*weights * (high - shares)),
        float(np.square(weights) @ (scatter / n)),
    )


def _checked(outcome: Arms) -> Arms:
    treated = finite_vector("treated", outcome.treated)
    control = finite_vector("control", outcome.control)
    for name, values in (("treated", treated), ("control", control)):
        if not len(values):
            raise ValueError(f"{name} has no customers; an effect needs both groups.")
    return Arms(treated, control)


def _checked_ones(outcome: Arms) -> Arms:
    checked = _checked(outcome)
    for name, values in checked._asdict().items():
        require_within(name, values, 0.0, 1.0)
        if not np.isin(values, (0.0, 1.0)).all():
            raise ValueError(f"{name} has values between 0 and 1; give ones and zeros.")
    return checked


def _as_columns(name: str, values: FloatArray, n_rows: int) -> FloatArray:
    columns = finite_matrix(name, values.reshape(len(values), -1))
    if len(columns) != n_rows:
        raise ValueError(f"{name} has {len(columns)} rows and the outcome {n_rows}; give as many.")
    return columns


def _variance_of_mean(values: FloatArray) -> float:
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else math.nan


def _with_t_interval(
    treated: FloatArray, control: FloatArray, parts: tuple[float, float], level: float
) -> Effect:
    means = float(treated.mean()), float(control.mean())
    variance = sum(parts)
    error, reach = math.sqrt(variance), 0.0
    if variance != 0:
        freedom = _degrees_of_freedom(parts, (len(treated), len(control)))
        reach = float(stdtrit(freedom, (1 + level) / 2)) * error
    difference = means[0] - means[1]
    ends = difference - reach, difference + reach
    return Effect(difference, *ends, error, *means, len(treated), len(control))


def _degrees_of_freedom(parts: tuple[float, float], sizes: tuple[int, int]) -> float:
    """Return Welch's, from the variances of both means; NaN where one is not known."""
    if not math.isfinite(sum(parts)):
        return math.nan
    share = parts[0] / sum(parts)
    return 1 / (share**2 / (sizes[0] - 1) + (1 - share) ** 2 / (sizes[1] - 1))


def _least_variance_slopes(
    known1: FloatArray, treated: FloatArray, known0: FloatArray, control: FloatArray
) -> FloatArray:
    spread, shared = 0.0, 0.0
    for known, values in ((known1, treated), (known0, control)):
        centred = known - known.mean(axis=0)
        weight = 1 / (len(values) * (len(values) - 1))
        spread = spread + weight * (centred.T @ centred)
        shared = shared + weight * (centred.T @ (values - values.mean()))
    # Covariates that never vary, or repeat each other, have no slope of their own.
    return np.asarray(np.linalg.lstsq(np.atleast_2d(spread), np.atleast_1d(shared))[0])
