"""Offers: the most a retention offer may cost before it loses money."""

from dataclasses import dataclass

import numpy as np

from valuation.arrays import (
    FloatArray,
    finite_vector,
    require_at_least_zero,
    require_equal_shapes,
    require_within,
)


@dataclass(frozen=True)
class OfferResponse:
    """State how customers answer an offer; shares in [0, 1].

    `save_rate` is the share of would-be leavers who take the offer and stay for it;
    `stayer_acceptance` the share of those who would have stayed anyway and take it too.

    Raises
    ------
    ValueError
        If a share lies outside [0, 1].
    """

    save_rate: float
    stayer_acceptance: float

    def __post_init__(self) -> None:
        """Refuse shares outside [0, 1]."""
        require_within("save_rate", np.asarray(self.save_rate), 0.0, 1.0)
        require_within("stayer_acceptance", np.asarray(self.stayer_acceptance), 0.0, 1.0)


def most_an_offer_may_cost(
    voluntary_churn_probability: FloatArray,
    clv_if_saved: FloatArray,
    contact_cost: FloatArray,
    response: OfferResponse,
) -> FloatArray:
    """Return the cost of an accepted offer at which contacting the customer just breaks even.

    With p the churn probability, s the save rate, a the acceptance of stayers, V the CLV if
    saved and c the contact cost, the offer cost o that solves::

        p s V - c - P(accept) o = 0,    P(accept) = p s + (1 - p) a

    Leavers who are not saved do not accept, and cost only the contact.

    Parameters
    ----------
    voluntary_churn_probability : (n_customers,)
        p, in [0, 1]; an involuntary exit is not stopped by an offer.
    clv_if_saved : (n_customers,)
        V, CLV after a saved leaver stays, before the offer's cost, in major units; signed.
    contact_cost : (n_customers,)
        c, paid for everybody contacted, in major units, zero or more.
    response : OfferResponse
        s and a, the same for all: stated assumptions, or measured by a campaign.

    Returns
    -------
    (n_customers,)
        o in major units. Negative: the contact would lose money even with a free offer. NaN:
        nobody would accept, so that no offer cost decides anything.

    Raises
    ------
    ValueError
        If the shapes differ, a value is not finite, p lies outside [0, 1], or c is negative.

    Notes
    -----
    Neslin, Gupta, Kamakura, Lu and Mason (2006), "Defection detection", the profit of a churn
    campaign per customer, solved for the cost of the incentive.

    Examples
    --------
    One leaver in two, half of them saved, a quarter of the stayers accept (P(accept) = 0.375):

    >>> most_an_offer_may_cost(np.array([0.5]), np.array([160.0]), np.array([1.0]),
    ...                        OfferResponse(save_rate=0.5, stayer_acceptance=0.25))
    array([104.])
    """
    churn = finite_vector("voluntary_churn_probability", voluntary_churn_probability)
    value = finite_vector("clv_if_saved", clv_if_saved)
    contact = finite_vector("contact_cost", contact_cost)
    require_equal_shapes(
        voluntary_churn_probability=churn, clv_if_saved=value, contact_cost=contact
    )
    require_within("voluntary_churn_probability", churn, 0.0, 1.0)
    require_at_least_zero("contact_cost", contact)
    saved = churn * response.save_rate
    accepting = saved + (1.0 - churn) * response.stayer_acceptance
    gain = saved * value - contact
    return np.divide(gain, accepting, out=np.full_like(gain, np.nan), where=accepting > 0)
