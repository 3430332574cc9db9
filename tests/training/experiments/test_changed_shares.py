"""A control share that changed: nobody's period is taken for an effect."""

import numpy as np
import pytest

from tests.training.worlds import at, operator_business
from training.experiments.assignments import Assignments, Spending
from training.experiments.effects import measured
from training.experiments.outcomes import Measure, Outcomes
from training.experiments.warnings import warnings_of

MEASURE = Measure(3, at("2024-09-01T00:00"), operator_business())


def customers(periods):
    """Return a campaign of (control share, treated, control, share that stays) without effect."""
    arm, share, stayed = [], [], []
    for control_share, n_treated, n_control, stays in periods:
        for name, n in (("treated", n_treated), ("control", n_control)):
            arm += [name] * n
            share += [control_share] * n
            stayed += [1.0] * round(n * stays) + [0.0] * (n - round(n * stays))
    n = len(arm)
    row, zero = np.arange(n), np.zeros(n)
    stays = np.array(stayed)
    margin = np.column_stack([30.0 * stays] * 3)
    outcomes = Outcomes(row, stays, margin.sum(axis=1), margin / 30, margin, zero, zero, zero)
    ids = np.array([f"C{number}" for number in row], dtype=object)
    arms, days = np.array(arm, dtype=object), np.full(n, at("2024-01-01T10:00"))
    shares = np.array(share, dtype=np.float64)
    # An euro on the day of assignment, and two after the window.
    rows, when = np.tile(row, 2), np.repeat([at("2024-01-01T08:00"), at("2024-04-02")], n)
    spending = Spending(rows, when, np.repeat([1.0, 2.0], n), np.ones(2 * n, dtype=bool))
    return Assignments("w", ids, arms, days, spending, shares), outcomes


def test_a_share_that_grew_is_no_effect():
    found = measured(*customers([(0.5, 500, 500, 0.9), (0.1, 900, 100, 0.6)]), MEASURE)
    (effects,) = found.effects

    for effect in (effects.stayed.plain, effects.margin.plain, effects.saved):
        assert effect.effect == pytest.approx(0.0, abs=1e-9)
        assert not effect.is_clear
    assert found.ratio is not None
    assert found.ratio.promised == pytest.approx((1400, 600))
    assert any("(10%, 50%)" in said for said in warnings_of(found))


def test_who_was_assigned_when_there_was_no_control_group_is_left_out():
    found = measured(*customers([(0.5, 100, 100, 0.9), (0.0, 400, 0, 0.3)]), MEASURE)
    (effects,) = found.effects

    assert effects.stayed.plain.effect == pytest.approx(0.0, abs=1e-9)
    assert effects.stayed.plain.n_treated == 100
    assert effects.account.cost == 100.0
    assert found.n_alone == 400
    assert any(said.startswith("400 customers") for said in warnings_of(found))


def test_those_of_unknown_share_are_compared_with_each_other_and_count_for_no_ratio():
    found = measured(*customers([(0.2, 160, 40, 0.9), (np.nan, 50, 50, 0.5)]), MEASURE)
    (effects,) = found.effects

    assert effects.stayed.plain.effect == pytest.approx(0.0, abs=1e-9)
    assert found.ratio is not None
    assert found.ratio.counted == (160, 40)
    assert found.ratio.p_value == 1.0


def test_costs_are_those_of_the_window_as_the_gain_is():
    found = measured(*customers([(0.5, 100, 100, 0.9)]), MEASURE)
    (effects,) = found.effects

    assert (effects.account.cost, effects.cost_outside) == (100.0, 200.0)
    assert effects.contacted == 1.0
    assert any(said.startswith("200.00 EUR more were spent") for said in warnings_of(found))
