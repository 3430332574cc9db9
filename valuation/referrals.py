"""Referral value: what the newcomers a customer still brings are worth.

It stands beside CLV and outside customer equity: a newcomer has a CLV of their own, and would
otherwise be counted twice.
"""

import numpy as np

from valuation.arrays import FloatArray, finite_vector, require_at_least_zero


def referral_value(
    further_conversions: FloatArray, newcomer_value: float, reward: float
) -> FloatArray:
    """Return expected further conversions x (value of a newcomer - reward).

    Parameters
    ----------
    further_conversions : (n_customers,)
        Newcomers this customer is still expected to bring, zero or more.
    newcomer_value : float
        Mean discounted value of a referred newcomer, in major units; may be negative.
    reward : float
        What one conversion costs in rewards, to both sides together, in major units, zero or
        more.

    Returns
    -------
    (n_customers,)
        Major units; negative where the reward exceeds what a newcomer brings.

    Raises
    ------
    ValueError
        If a value is not finite, or conversions or the reward are negative.

    Notes
    -----
    Kumar, Petersen and Leone (2010), "Driving profitability by encouraging customer referrals:
    who, when, and how", without the saved acquisition cost of those who would have come anyway.

    Examples
    --------
    >>> referral_value(np.array([0.0, 0.5]), newcomer_value=120.0, reward=20.0)
    array([ 0., 50.])
    """
    conversions = finite_vector("further_conversions", further_conversions)
    require_at_least_zero("further_conversions", conversions)
    if not np.isfinite(newcomer_value):
        raise ValueError(f"newcomer_value is {newcomer_value}; give a finite amount.")
    if not 0 <= reward < np.inf:
        raise ValueError(f"reward is {reward}; give zero or more.")
    return conversions * (newcomer_value - reward)
