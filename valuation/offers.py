"""Offers: what contacting a customer is expected to bring, and the most an offer may cost."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import betainc, betaincinv

from valuation.arrays import (
    FloatArray,
    finite_vector,
    require_at_least_zero,
    require_equal_shapes,
    require_within,
)

INTERVAL = 0.8
"""Profit has an interval of so much probability."""


@dataclass(frozen=True)
class OfferResponse:
    """State how customers answer an offer; each one number, or one a customer, shape (n,).

    `save_rate` is the share of would-be leavers who take the offer and stay for it;
    `stayer_acceptance` the share of those who would have stayed anyway and take it too;
    `disturbed_share` the share of those who would have stayed and leave because of being contacted.
    `weight` says how well the save rate is known: as from so many would-be leavers contacted.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1], or the weight is not above 0.
    """

    save_rate: FloatArray | float
    stayer_acceptance: FloatArray | float
    disturbed_share: FloatArray | float = 0.0
    weight: FloatArray | float = 20.0

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1], and a weight of nothing."""
        for name in ("save_rate", "stayer_acceptance", "disturbed_share"):
            require_within(name, np.asarray(getattr(self, name), dtype=np.float64), 0.0, 1.0)
        if not np.all(np.asarray(self.weight) > 0):
            raise ValueError(f"weight is {self.weight}; give numbers above 0.")


@dataclass(frozen=True)
class Stakes:
    """Hold what is at stake by contacting customers, shape (n,) each.

    Parameters
    ----------
    voluntary_churn_probability
        p within the window, in [0, 1]; an involuntary exit is not stopped by an offer.
    clv_if_saved
        V, what a saved leaver brings from then on; signed, major units, as the other amounts.
    clv_if_staying
        W, what a stayer whom the contact drives away would have brought.
    contact_cost
        c, paid for everybody contacted, zero or more.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, p lies outside [0, 1], or c is negative.
    """

    voluntary_churn_probability: FloatArray
    clv_if_saved: FloatArray
    clv_if_staying: FloatArray
    contact_cost: FloatArray

    def __post_init__(self) -> None:
        """Refuse what is no probability, no amount, or not of one length."""
        checked = {name: finite_vector(name, values) for name, values in vars(self).items()}
        require_equal_shapes(**checked)
        require_within("voluntary_churn_probability", self.voluntary_churn_probability, 0.0, 1.0)
        require_at_least_zero("contact_cost", self.contact_cost)


class ExpectedProfit(NamedTuple):
    """Hold the expected profit of a contact, its interval, and P(profit above 0), shape (n,)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray
    is_positive: FloatArray


def acceptance(churn: FloatArray, response: OfferResponse) -> FloatArray:
    """Return P(accept) = p s + (1 - p) a: leavers who are not saved do not accept."""
    return np.asarray(churn * response.save_rate + (1.0 - churn) * response.stayer_acceptance)


def change_of_retention(churn: FloatArray, response: OfferResponse) -> FloatArray:
    """Return P(stays | contacted) - P(stays | not) = p s - (1 - p) b; negative: left alone."""
    return np.asarray(churn * response.save_rate - (1.0 - churn) * response.disturbed_share)


def expected_profit(
    stakes: Stakes, offer_cost: FloatArray | float, response: OfferResponse
) -> ExpectedProfit:
    """Return what contacting each customer brings more than doing nothing, shape (n,) each.

    With p, V, W, c as in `Stakes`, s the save rate, a the acceptance of stayers, b the share of
    stayers driven away and o the offer's cost::

        profit = p s V - (1 - p) b W - c - P(accept) o,    P(accept) = p s + (1 - p) a

    s is not known but believed: Beta(w s, w (1 - s)), w the weight. Profit is linear in it, so that
    its mean, the ends of its 80% interval and P(profit > 0) are exact; nothing else is uncertain
    in them.

    Raises
    ------
    ValueError
        If an offer's cost is negative.

    Notes
    -----
    Neslin, Gupta, Kamakura, Lu and Mason (2006), "Defection detection"; those driven away after
    Ascarza, Iyengar and Schleicher (2016), "The perils of proactive churn prevention".

    Examples
    --------
    One leaver in two, half of them saved, a quarter of the stayers accept (P(accept) = 0.375):

    >>> one = np.array([0.5]), np.array([160.0]), np.array([0.0]), np.array([1.0])
    >>> expected_profit(Stakes(*one), 40.0, OfferResponse(0.5, 0.25)).mean
    array([24.])
    """
    slope, rest = _line(stakes, np.asarray(offer_cost, dtype=np.float64), response)
    believed = np.broadcast_to(np.asarray(response.save_rate, dtype=np.float64), slope.shape)
    weight = np.broadcast_to(np.asarray(response.weight, dtype=np.float64), slope.shape)
    ends = [_save_rate_at(q, believed, weight) for q in ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)]
    at_ends = np.stack([slope * end + rest for end in ends])
    return ExpectedProfit(
        slope * believed + rest,
        at_ends.min(axis=0),
        at_ends.max(axis=0),
        _chance_of_profit(slope, rest, believed, weight),
    )


def most_an_offer_may_cost(stakes: Stakes, response: OfferResponse) -> FloatArray:
    """Return the cost of an accepted offer at which contacting the customer just breaks even.

    The offer cost o for which `expected_profit` has the mean 0.

    Returns
    -------
    (n,)
        o in major units. Negative: the contact would lose money even with a free offer. NaN:
        nobody would accept, so that no offer cost decides anything.

    Notes
    -----
    Neslin et al. (2006), the profit of a churn campaign per customer, solved for the incentive.

    Examples
    --------
    >>> one = np.array([0.5]), np.array([160.0]), np.array([0.0]), np.array([1.0])
    >>> most_an_offer_may_cost(Stakes(*one), OfferResponse(0.5, 0.25))
    array([104.])
    """
    slope, rest = _line(stakes, np.zeros(1), response)
    gain = slope * response.save_rate + rest
    accepting = acceptance(stakes.voluntary_churn_probability, response)
    return np.divide(gain, accepting, out=np.full_like(gain, np.nan), where=accepting > 0)


def _line(
    stakes: Stakes, offer_cost: FloatArray, response: OfferResponse
) -> tuple[FloatArray, FloatArray]:
    """Return what profit gains with the save rate, and what it is at a save rate of nothing."""
    if (offer_cost < 0).any():
        raise ValueError(f"offer_cost is {offer_cost.min()}; give zero or more.")
    churn = stakes.voluntary_churn_probability
    staying = 1.0 - churn
    driven_away = staying * response.disturbed_share * stakes.clv_if_staying
    given_away = staying * response.stayer_acceptance * offer_cost
    slope = churn * (stakes.clv_if_saved - offer_cost)
    return slope, np.asarray(-stakes.contact_cost - driven_away - given_away)


def _save_rate_at(quantile: float, believed: FloatArray, weight: FloatArray) -> FloatArray:
    """Return a quantile of the save rate; a rate of 0 or 1 is certain."""
    alpha, beta = weight * believed, weight * (1.0 - believed)
    is_open = (alpha > 0) & (beta > 0)
    found = believed.astype(np.float64)
    found[is_open] = betaincinv(alpha[is_open], beta[is_open], quantile)
    return found


def _chance_of_profit(
    slope: FloatArray, rest: FloatArray, believed: FloatArray, weight: FloatArray
) -> FloatArray:
    """Return P(slope s + rest > 0); 1 or 0 where no save rate, or a certain one, decides."""
    alpha, beta = weight * believed, weight * (1.0 - believed)
    chance = (slope * believed + rest > 0).astype(np.float64)
    is_open = ((rest > 0) != (slope + rest > 0)) & (alpha > 0) & (beta > 0)
    even = -rest[is_open] / slope[is_open]
    below = betainc(alpha[is_open], beta[is_open], even)
    chance[is_open] = np.where(slope[is_open] > 0, 1.0 - below, below)
    return chance
