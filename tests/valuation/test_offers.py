"""What a contact is expected to bring, how sure that is, and the offer that brings nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from valuation.offers import (
    OfferResponse,
    Stakes,
    acceptance,
    change_of_retention,
    expected_profit,
    most_an_offer_may_cost,
)

SHARE = st.floats(0.01, 1.0)
VALUE = st.floats(-500, 500)


def stakes_of_one(churn, saved, contact, staying=0.0):
    return Stakes(*(np.array([float(each)]) for each in (churn, saved, staying, contact)))


def cost_for_one(churn, clv_if_saved, contact_cost, response):
    return most_an_offer_may_cost(stakes_of_one(churn, clv_if_saved, contact_cost), response)[0]


def test_profit_by_hand():
    # Saved .5 x .5 = .25, worth 160 each; .375 accept an offer of 40; 1 for the contact.
    found = expected_profit(stakes_of_one(0.5, 160.0, 1.0), 40.0, OfferResponse(0.5, 0.25))
    assert found.mean == pytest.approx([0.25 * 160 - 0.375 * 40 - 1])


def test_stayers_who_accept_cost_the_offer_and_bring_nothing():
    never_leaves = stakes_of_one(0.0, 160.0, 1.0)
    found = expected_profit(never_leaves, 40.0, OfferResponse(0.5, 0.25))
    assert found.mean == pytest.approx([-1 - 0.25 * 40])


def test_whoever_is_driven_away_takes_along_what_they_would_have_brought():
    risky = OfferResponse(0.5, 0.0, disturbed_share=0.1)
    found = expected_profit(stakes_of_one(0.2, 100.0, 1.0, staying=300.0), 0.0, risky)
    assert found.mean == pytest.approx([0.2 * 0.5 * 100 - 0.8 * 0.1 * 300 - 1])


def test_a_contact_that_drives_away_more_than_it_saves_lowers_retention():
    churn = np.array([0.1, 0.5])
    change = change_of_retention(churn, OfferResponse(0.2, 0.0, disturbed_share=0.05))
    assert change == pytest.approx([0.1 * 0.2 - 0.9 * 0.05, 0.5 * 0.2 - 0.5 * 0.05])
    assert list(change < 0) == [True, False]


@pytest.mark.parametrize("offer_cost", [40.0, 400.0])
def test_the_interval_and_the_chance_of_profit_are_those_of_the_save_rate(offer_cost):
    """With an offer of 400 a saved leaver costs more than they bring, and all turns round."""
    response = OfferResponse(0.3, 0.1, weight=10.0)
    found = expected_profit(stakes_of_one(0.4, 200.0, 2.0), offer_cost, response)
    belief = stats.beta(3.0, 7.0)

    def profit(rate):
        return 0.4 * rate * (200 - offer_cost) - 2 - 0.6 * 0.1 * offer_cost

    ends = sorted([profit(belief.ppf(0.1)), profit(belief.ppf(0.9))])
    assert [found.low[0], found.high[0]] == pytest.approx(ends)
    even = (2 + 0.6 * 0.1 * offer_cost) / (0.4 * (200 - offer_cost))
    chance = belief.sf(even) if offer_cost < 200 else belief.cdf(even)
    assert found.is_positive[0] == pytest.approx(chance)


def test_a_save_rate_of_nothing_or_all_is_certain():
    for rate, mean, chance in ((0.0, -1.0, 0.0), (1.0, 99.0, 1.0)):
        found = expected_profit(stakes_of_one(1.0, 100.0, 1.0), 0.0, OfferResponse(rate, 0.0))
        assert [found.low[0], found.mean[0], found.high[0]] == [mean, mean, mean]
        assert found.is_positive[0] == chance


def test_save_rates_of_their_own_are_taken_customer_by_customer():
    both = Stakes(*(np.array([each, each]) for each in (0.5, 100.0, 0.0, 1.0)))
    found = expected_profit(both, 0.0, OfferResponse(np.array([0.0, 0.5]), 0.0))
    assert found.mean == pytest.approx([-1.0, 24.0])


@given(SHARE, VALUE, st.floats(0.05, 0.95), SHARE, st.floats(0, 100))
def test_a_save_rate_that_is_known_well_leaves_hardly_an_interval(
    churn, value, rate, stayers, cost
):
    stakes = stakes_of_one(churn, value, 1.0)
    vague, firm = (
        expected_profit(stakes, cost, OfferResponse(rate, stayers, weight=weight))
        for weight in (20.0, 2e7)
    )
    assert firm.high[0] - firm.low[0] <= (vague.high[0] - vague.low[0]) / 100 + 1e-9
    assert [firm.low[0], firm.high[0]] == pytest.approx([firm.mean[0]] * 2, abs=1.0)
    assert vague.mean[0] == firm.mean[0]
    assert 0 <= vague.is_positive[0] <= 1


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


@given(SHARE, VALUE, SHARE, st.floats(0, 0.5), st.floats(0, 100))
def test_profit_falls_by_the_acceptance_until_it_is_nothing_at_break_even(
    churn, value, save_rate, disturbed, offer_cost
):
    stakes = stakes_of_one(churn, value, 2.0, staying=50.0)
    response = OfferResponse(save_rate, 0.2, disturbed)
    left = most_an_offer_may_cost(stakes, response) - offer_cost
    paid = left * acceptance(np.array([churn]), response)
    found = expected_profit(stakes, offer_cost, response).mean
    assert found == pytest.approx(paid, abs=1e-8)


@given(SHARE, SHARE, SHARE)
def test_more_stayers_who_accept_leave_less_for_each(churn, one, other):
    few = cost_for_one(churn, 100.0, 0.0, OfferResponse(0.5, min(one, other)))
    many = cost_for_one(churn, 100.0, 0.0, OfferResponse(0.5, max(one, other)))
    assert many <= few


@pytest.mark.parametrize("name", ["save_rate", "stayer_acceptance", "disturbed_share"])
def test_a_response_that_is_not_a_share_is_refused(name):
    shares = {"save_rate": 0.1, "stayer_acceptance": 0.1} | {name: 1.5}
    with pytest.raises(ValueError, match=rf"{name} is 1.5; give values from 0 to 1"):
        OfferResponse(**shares)


def test_a_save_rate_known_from_nobody_is_refused():
    with pytest.raises(ValueError, match=r"weight is 0; give numbers above 0"):
        OfferResponse(0.1, 0.1, weight=0)


def test_a_negative_contact_cost_is_refused():
    with pytest.raises(ValueError, match=r"contact_cost is -1.0 in row 0; give zero or more"):
        cost_for_one(0.5, 10.0, -1.0, OfferResponse(0.5, 0.1))


def test_a_negative_offer_cost_is_refused():
    with pytest.raises(ValueError, match=r"offer_cost is -2.0; give zero or more"):
        expected_profit(stakes_of_one(0.5, 1.0, 1.0), -2.0, OfferResponse(0.5, 0.1))
