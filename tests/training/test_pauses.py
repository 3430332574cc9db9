"""Pauses: the chain by hand, rates from months seen, and what a paused customer brings."""

import numpy as np
import pytest

from features.kernel import Moment
from features.profiles import unknown_profiles
from features.references import NO_REFERENCES
from tests.features.histories import at, history_of
from training.booked_margin import booked_margin
from training.business import Business
from training.pauses import Pauses, fit_pauses

BUSINESS = Business(
    contract="subscription", currency="EUR", annual_discount_rate=0.1, gross_margin=0.5
)
START = ("ann", "subscribe", "2024-01-01", {"amount": 20.0, "label": "Max"})
PAUSE = ("ann", "plan_change", "2024-02-01", {"amount": 0.0, "label": "Max"})


def margin(pauses, *events, n_months=4):
    moment = Moment(
        history_of(*events), unknown_profiles(1), at("2024-03-01"), BUSINESS, NO_REFERENCES
    )
    return booked_margin(moment, BUSINESS, n_months, pauses)[0]


def test_a_chain_of_two_states_settles_where_its_rates_balance():
    pauses = Pauses(pausing=0.1, resuming=0.3)
    state = np.array([False, True])

    assert pauses.charged(state, np.array([0.0, 0.0])).tolist() == [1, 0]
    assert pauses.charged(state, np.array([1.0, 1.0])) == pytest.approx([0.9, 0.3])
    assert pauses.charged(state, np.array([99.0, 99.0])) == pytest.approx([0.75, 0.75])


def test_without_rates_everything_stays_as_it_is():
    assert Pauses().charged(np.array([False, True]), np.array([7.0])).tolist() == [1, 0]


def test_rates_are_shares_of_months_with_three_months_of_no_change_beside():
    is_paused = np.array([True] * 7 + [False] * 97)
    after = np.array([True] * 2 + [False] * 5 + [True] * 10 + [False] * 87)

    assert fit_pauses(is_paused, after) == Pauses(pausing=10 / 100, resuming=5 / 10)


def test_whoever_is_paused_is_expected_back_at_the_price_before():
    back = margin(Pauses(resuming=0.5), START, PAUSE)

    middles = (np.arange(4) + 0.5) * 1.0
    assert back == pytest.approx(10 * (1 - 0.5**middles), rel=0.03)
    assert margin(Pauses(), START, PAUSE).tolist() == [0] * 4


def test_a_pause_whose_end_is_booked_lasts_until_then():
    end = (
        "ann",
        "plan_change",
        "2024-02-01",
        {"amount": 20.0, "label": "Max", "effective_at": "2024-05-01"},
    )

    assert margin(Pauses(resuming=0.5), START, PAUSE, end).tolist() == [0, 0, 10, 10]


def test_a_pause_that_is_booked_ends_as_others_do():
    booked = (*PAUSE[:3], {**PAUSE[3], "effective_at": "2024-05-01"})

    ahead = margin(Pauses(resuming=0.5), START, booked)

    assert ahead[:2].tolist() == [10, 10]
    assert ahead[2:] == pytest.approx(10 * (1 - 0.5 ** np.array([0.5, 1.5])), rel=0.03)


def test_who_pays_may_pause():
    assert margin(Pauses(pausing=0.2), START) == pytest.approx(
        10 * 0.8 ** np.array([0.5, 1.5, 2.5, 3.5]), rel=0.02
    )
