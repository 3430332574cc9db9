"""Who gets whom: by hand, held against the best choice there is, and blind to the arm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from valuation.arbitration import NOTHING, best_contacts

SEEDS = st.integers(0, 2**32 - 1)


def everybody(profit):
    return np.ones(profit.shape, dtype=bool)


def brought(profit, chosen):
    taken = np.flatnonzero(chosen != NOTHING)
    return profit[taken, chosen[taken]].sum()


def best_there_is(profit, places):
    """Return the most that any choice brings: each place a column, doing nothing as many more."""
    columns = np.repeat(np.arange(profit.shape[1]), places)
    worth = np.hstack([np.maximum(profit[:, columns], 0), np.zeros((len(profit), len(profit)))])
    rows, taken = linear_sum_assignment(worth, maximize=True)
    return worth[rows, taken].sum()


def drawn(seed, n_campaigns):
    rng = np.random.default_rng(seed)
    profit = rng.normal(1.0, 4.0, (rng.integers(1, 9), n_campaigns))
    return profit, rng.integers(0, 5, n_campaigns)


def test_the_campaign_of_the_highest_profit_gets_the_customer():
    profit = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -2.0]])
    assert list(best_contacts(profit, np.array([9, 9]), everybody(profit))) == [1, 0, NOTHING]


def test_places_go_to_those_who_bring_most():
    profit = np.array([[1.0], [3.0], [2.0]])
    assert list(best_contacts(profit, np.array([2]), everybody(profit))) == [NOTHING, 0, 0]


def test_whoever_finds_no_place_may_go_to_the_next_best_campaign():
    profit = np.array([[5.0, 1.0], [4.0, 3.0]])
    assert list(best_contacts(profit, np.array([1, 1]), everybody(profit))) == [0, 1]


def test_doing_nothing_wins_a_draw():
    profit = np.array([[0.0, np.nan]])
    assert list(best_contacts(profit, np.array([9, 9]), everybody(profit))) == [NOTHING]


@given(SEEDS)
def test_one_campaign_alone_gets_the_best_choice_there_is(seed):
    profit, places = drawn(seed, 1)
    chosen = best_contacts(profit, places, everybody(profit))
    assert brought(profit, chosen) == pytest.approx(best_there_is(profit, places))


@given(SEEDS)
def test_several_campaigns_get_at_least_half_of_it_and_all_where_there_is_room(seed):
    profit, places = drawn(seed, 3)
    chosen = best_contacts(profit, places, everybody(profit))
    assert brought(profit, chosen) >= best_there_is(profit, places) / 2 - 1e-9
    roomy = np.full(3, len(profit))
    chosen = best_contacts(profit, roomy, everybody(profit))
    assert brought(profit, chosen) == pytest.approx(best_there_is(profit, roomy))


@given(SEEDS)
def test_no_campaign_pays_for_more_than_its_places(seed):
    profit, places = drawn(seed, 3)
    pays = np.random.default_rng(seed).random(profit.shape) < 0.5
    chosen = best_contacts(profit, places, pays)
    for campaign, most in enumerate(places):
        assert pays[chosen == campaign, campaign].sum() <= most


@given(SEEDS)
def test_being_chosen_does_not_depend_on_the_own_arm(seed):
    profit, places = drawn(seed, 2)
    pays = np.random.default_rng(seed).random(profit.shape) < 0.5
    chosen = best_contacts(profit, places, pays)
    for customer in range(len(profit)):
        other = pays.copy()
        other[customer] = ~other[customer]
        assert best_contacts(profit, places, other)[customer] == chosen[customer]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"places \(1,\).*give \(2, 2\), \(2,\)"):
        best_contacts(np.ones((2, 2)), np.ones(1, dtype=np.int64), np.ones((2, 2), dtype=bool))
