"""Customer equity adds up, whatever the order and the grouping."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.equity import GroupEquity, customer_equity, equity_by_group, share_of_top

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_loss_makers_count_against_the_others():
    assert customer_equity(np.array([100.0, -30.0, 5.0])) == 75.0


def test_equity_of_nobody_is_zero():
    assert customer_equity(np.array([])) == 0.0


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert customer_equity(np.array(values)) == customer_equity(np.array(shuffled))


def test_groups_come_sorted_with_their_sums_and_means():
    rows = equity_by_group(np.array([3.0, -1.0, 4.0]), ["web", "shop", "web"])
    assert rows == (GroupEquity("shop", 1, -1.0, -1.0), GroupEquity("web", 2, 7.0, 3.5))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from("abc")), min_size=1, max_size=30))
def test_groups_add_up_to_the_portfolio(customers):
    clv = np.array([value for value, _ in customers])
    rows = equity_by_group(clv, [group for _, group in customers])
    assert sum(row.n_customers for row in rows) == len(clv)
    total = math.fsum(row.customer_equity for row in rows)
    assert total == pytest.approx(customer_equity(clv), rel=1e-12, abs=1e-6)


def test_groups_held_as_an_array_are_accepted():
    groups = np.array(["b", "a"], dtype=object)
    assert [row.group for row in equity_by_group(np.ones(2), groups)] == ["a", "b"]


def test_a_missing_group_is_refused_with_its_row():
    with pytest.raises(TypeError, match="groups is None in row 1; give text, such as 'unknown'"):
        equity_by_group(np.ones(2), ["a", None])


def test_too_few_groups_are_refused():
    with pytest.raises(ValueError, match="clv has 2 customers and groups 1; give one group"):
        equity_by_group(np.ones(2), ["a"])


def test_the_top_quarter_of_four_is_the_first():
    assert share_of_top(np.array([10.0, 60.0, -50.0, 30.0]), share=0.25) == 0.6


def test_seven_percent_of_a_hundred_is_seven():
    assert share_of_top(np.ones(100), share=0.07) == 0.07


def test_all_customers_hold_everything():
    assert share_of_top(np.array([1.0, 2.0, -5.0]), share=1.0) == 1.0


def test_without_positive_value_there_is_no_share():
    assert math.isnan(share_of_top(np.array([-1.0, 0.0]), share=0.1))


@given(VALUES, st.floats(0.01, 1.0))
def test_the_share_of_the_top_is_a_share(values, share):
    held = share_of_top(np.array([*values, 1.0]), share)
    assert 0.0 <= held <= 1.0


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_outside_the_unit_interval_is_refused(share):
    with pytest.raises(ValueError, match=f"share is {share}; give a share above 0"):
        share_of_top(np.ones(2), share)
