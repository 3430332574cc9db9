"""Arbitration: which campaign gets which customer, where places are few."""

import numpy as np
from numpy.typing import NDArray

from valuation.arrays import FloatArray, matrix_with_gaps

NOTHING = -1


def best_contacts(
    profit: FloatArray, places: NDArray[np.int64], takes_place: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Choose at most one campaign for each customer, none twice as a campaign has places.

    Pairs of customer and campaign are taken up by expected profit, the highest first, if the
    customer is free and the campaign has a place left. Doing nothing, at a profit of 0, competes:
    pairs that bring nothing or less are never taken. Whoever is chosen without taking a place (the
    control group) must find one all the same, so that the choice does not depend on it.

    Parameters
    ----------
    profit : (n_customers, n_campaigns)
        Expected profit in major units; NaN where the campaign may not have the customer.
    places : (n_campaigns,)
        How many contacts each campaign can still pay for.
    takes_place : (n_customers, n_campaigns)
        Whether a contact of this pair would be paid for.

    Returns
    -------
    (n_customers,)
        The campaign's number from 0, or NOTHING. Equal profits go by the order of customers.

    Raises
    ------
    ValueError
        If a profit is infinite or the shapes do not fit.

    Notes
    -----
    The greedy algorithm on the intersection of two matroids, the customer's one contact and the
    campaign's places (Jenkyns 1976): at least half of what the best choice would bring, and all of
    it for one campaign alone, or where places are enough.

    Examples
    --------
    >>> profit = np.array([[5.0, 4.0], [3.0, np.nan], [-1.0, 2.0]])
    >>> best_contacts(profit, np.array([1, 1]), np.ones((3, 2), dtype=bool))
    array([ 0, -1,  1])
    """
    checked = matrix_with_gaps("profit", profit)
    n_customers, n_campaigns = checked.shape
    if takes_place.shape != checked.shape or places.shape != (n_campaigns,):
        raise ValueError(
            f"profit has shape {checked.shape}, places {places.shape} and takes_place "
            f"{takes_place.shape}; give ({n_customers}, {n_campaigns}), ({n_campaigns},) and "
            f"({n_customers}, {n_campaigns})."
        )
    chosen = np.full(n_customers, NOTHING)
    left = places.tolist()
    for customer, campaign in _by_profit(checked):
        if chosen[customer] == NOTHING and left[campaign] > 0:
            chosen[customer] = campaign
            left[campaign] -= int(takes_place[customer, campaign])
    return chosen


def _by_profit(profit: FloatArray) -> list[tuple[int, int]]:
    """Return the pairs that bring something, the highest profit first."""
    customers, campaigns = np.nonzero(profit > 0)
    order = np.argsort(-profit[customers, campaigns], kind="stable")
    return list(zip(customers[order].tolist(), campaigns[order].tolist(), strict=True))
