"""What saving a leaver brings agrees with hand, with a closed form and with CLV."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.lifetime_value import clv, expected_margin, value_at_stake
from valuation.saving import value_of_saving, value_of_staying
from valuation.survival import survival_from_hazard

HAZARD = st.floats(0.0, 0.6)


def curve(*hazards):
    return survival_from_hazard(np.array([hazards]))


def test_value_of_saving_by_hand():
    # Leavers of month 1 (.5) and 2 (.25) in a window of 2; hazard .5 in month 3 after saving.
    # Month 1: 5 + (10 (1 - .25) + .5 (10 (1 - .25))) = 16.25; month 2: 5 + 7.5 = 12.5.
    found = value_of_saving(
        np.full((1, 3), 10.0), curve(0.5, 0.5, 0.5), 0.0, hazard_ratio=1.0, window_months=2
    )
    assert found == pytest.approx([(0.5 * 16.25 + 0.25 * 12.5) / 0.75])


def test_money_of_later_months_is_discounted_to_now():
    found = value_of_saving(
        np.full((1, 2), 10.0), curve(0.5, 0.0), 0.21, hazard_ratio=1.0, window_months=1
    )
    assert found == pytest.approx([5 * 1.21 ** (-0.5 / 12) + 10 * 1.21 ** (-1.5 / 12)])


@given(st.floats(0.01, 0.6), st.floats(0.0, 1.5), st.integers(1, 6))
def test_under_a_constant_hazard_the_tail_is_a_geometric_series(hazard, ratio, window):
    months, after = 24, min(1.0, ratio * hazard)
    found = value_of_saving(
        np.ones((1, months)), curve(*[hazard] * months), 0.0, ratio, window_months=window
    )
    tails = [
        0.5 + sum((1 - after) ** j * (1 - after / 2) for j in range(months - k))
        for k in range(1, window + 1)
    ]
    weights = [(1 - hazard) ** (k - 1) for k in range(1, window + 1)]
    assert found == pytest.approx([np.average(tails, weights=weights)])


@given(st.lists(HAZARD, min_size=4, max_size=12))
def test_saving_all_leavers_of_the_window_for_good_is_the_value_at_stake(hazards):
    """Nobody leaves in the window: gained is P(leaves in it) times the value of saving.

    A saved leaver keeps no hazard within the window and the own one after it, which is what the
    value at stake counts; so hazards of the window are 0 after saving, by a window of one month.
    """
    margin, survival = np.full((1, len(hazards)), 7.0), curve(*hazards)
    gained = (1 - survival[:, 0]) * value_of_saving(margin, survival, 0.1, 1.0, window_months=1)
    assert gained == pytest.approx(value_at_stake(margin, survival, 0.1, months=1))


@given(st.lists(HAZARD, min_size=3, max_size=12), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
def test_the_higher_the_hazard_after_saving_the_less_it_brings(hazards, one, other):
    margin, survival = np.full((1, len(hazards)), 7.0), curve(*hazards)
    likely, unlikely = (
        value_of_saving(margin, survival, 0.1, ratio)[0] for ratio in sorted([one, other])
    )
    assert likely >= unlikely - 1e-9


@given(st.lists(HAZARD, min_size=3, max_size=12))
def test_clv_is_what_leavers_and_stayers_bring(hazards):
    """A leaver of the window brings what comes before, a stayer all but what driving away costs."""
    margin, survival = np.full((1, len(hazards)), 7.0), curve(*hazards)
    leaves = 1 - survival[0, 2]
    staying = value_of_staying(margin, survival, 0.0)[0] + 7.0 / 2
    until = expected_margin(margin[:, :3], survival[:, :3]).sum() - 3 * 7.0 * (1 - leaves)
    assert clv(expected_margin(margin, survival), 0.0) == pytest.approx(
        [until + (1 - leaves) * staying]
    )


def test_a_customer_whose_leaving_is_not_expected_is_valued_as_a_leaver_of_month_one():
    found = value_of_saving(np.full((1, 3), 10.0), curve(0.0, 0.0, 0.0), 0.0)
    assert found == [25.0]


def test_a_loss_maker_is_worth_less_than_nothing_saved():
    assert value_of_saving(np.full((1, 3), -2.0), curve(0.1, 0.1, 0.1), 0.0)[0] < 0


@pytest.mark.parametrize(("ratio", "window", "said"), [
    (-0.1, 3, "hazard_ratio is -0.1; give a finite number, 0 or more"),
    (1.0, 0, "window_months is 0; give 1 to 3"),
    (1.0, 4, "window_months is 4; give 1 to 3"),
])  # fmt: skip
def test_what_cannot_be_is_refused(ratio, window, said):
    with pytest.raises(ValueError, match=said):
        value_of_saving(np.ones((1, 3)), curve(0.1, 0.1, 0.1), 0.0, ratio, window)
