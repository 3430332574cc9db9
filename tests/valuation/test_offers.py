"""The break-even cost of an offer leaves a profit of exactly nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.offers import OfferResponse, most_an_offer_may_cost

SHARE = st.floats(0.01, 1.0)


def cost_for_one(churn, clv_if_saved, contact_cost, response):
    return most_an_offer_may_cost(
        np.array([churn]), np.array([clv_if_saved]), np.array([contact_cost]), response
    )[0]


def test_break_even_by_hand():
    # Saved .5 x .5 = .25, worth 40; less 1 for the contact; .25 + .5 x .25 = .375 accept.
    assert cost_for_one(0.5, 160.0, 1.0, OfferResponse(0.5, 0.25)) == 104.0


def test_a_sure_leaver_who_is_always_saved_may_cost_all_they_bring():
    assert cost_for_one(1.0, 80.0, 5.0, OfferResponse(1.0, 0.0)) == 75.0


def test_a_loyal_customer_is_not_worth_contacting():
    assert cost_for_one(0.0, 160.0, 1.0, OfferResponse(0.5, 0.25)) == -4.0


def test_a_loss_maker_is_not_worth_saving():
    assert cost_for_one(1.0, -20.0, 1.0, OfferResponse(0.5, 0.0)) == -22.0


def test_an_offer_nobody_accepts_has_no_break_even():
    assert np.isnan(cost_for_one(0.0, 160.0, 1.0, OfferResponse(0.5, 0.0)))


@given(SHARE, st.floats(-500, 500), st.floats(0, 10), SHARE, SHARE)
def test_the_profit_at_break_even_is_nothing(churn, value, contact, save_rate, acceptance):
    cost = cost_for_one(churn, value, contact, OfferResponse(save_rate, acceptance))
    accepting = churn * save_rate + (1 - churn) * acceptance
    assert churn * save_rate * value - contact - accepting * cost == pytest.approx(0, abs=1e-9)


@given(SHARE, SHARE, SHARE)
def test_more_stayers_who_accept_leave_less_for_each(churn, one, other):
    few = cost_for_one(churn, 100.0, 0.0, OfferResponse(0.5, min(one, other)))
    many = cost_for_one(churn, 100.0, 0.0, OfferResponse(0.5, max(one, other)))
    assert many <= few


def test_a_response_that_is_not_a_share_is_refused():
    with pytest.raises(ValueError, match=r"save_rate is 1.5; give values from 0 to 1"):
        OfferResponse(save_rate=1.5, stayer_acceptance=0.1)


def test_a_negative_contact_cost_is_refused():
    with pytest.raises(ValueError, match=r"contact_cost is -1.0 in row 0; give zero or more"):
        cost_for_one(0.5, 10.0, -1.0, OfferResponse(0.5, 0.1))
