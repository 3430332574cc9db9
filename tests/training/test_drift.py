"""Drift: alarms at the nominal rate where nothing moved, and power where something did."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from training.drift import (
    FEWEST_IN_A_BIN,
    discoveries,
    drift_of,
    reference_of,
    two_sample_p_value,
)


def test_the_p_value_is_that_of_the_contingency_table() -> None:
    one, other = np.array([50, 30, 20, 40]), np.array([80, 45, 70, 65])
    expected = chi2_contingency(np.array([one, other]), correction=False).pvalue
    assert two_sample_p_value(one, other) == pytest.approx(expected)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    # The example of Benjamini and Hochberg (1995), section 4.1: 4 of 15 at 0.05.
    p_values = [
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
        *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    ]
    assert discoveries(p_values, 0.05) == 4
    assert discoveries([0.2, 0.4], 0.05) == 0
    assert discoveries([], 0.05) == 0


@pytest.mark.parametrize("n", [100, 2000])
def test_identical_data_alarms_no_more_often_than_the_nominal_rate(n: int) -> None:
    rng = np.random.default_rng(n)
    names = [f"s{number}" for number in range(20)]
    rate, runs = 0.1, 200
    alarms = 0
    for _ in range(runs):
        before, now = world(rng, n), world(rng, n)
        reference = reference_of(names, before)
        alarms += bool(drift_of(reference, names, now, np.ones(n), rate).alarms)
    # 200 runs at 10%: 20 expected, 4 standard errors are 17.
    assert alarms <= 37


def world(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return twenty independent signals: smooth, counts, flags, and some with gaps."""
    smooth = rng.gamma(2, 3, (n, 8))
    counts = rng.poisson(1.5, (n, 6)).astype(float)
    flags = (rng.random((n, 4)) < 0.05).astype(float)
    gaps = np.where(rng.random((n, 2)) < 0.4, np.nan, rng.normal(size=(n, 2)))
    return np.concatenate([smooth, counts, flags, gaps], axis=1)


@pytest.mark.parametrize("place", [0, 8, 14, 18])
def test_a_shift_of_one_signal_is_found_and_is_the_first_one_named(place: int) -> None:
    rng = np.random.default_rng(place)
    names = [f"s{number}" for number in range(20)]
    before, now = world(rng, 4000), world(rng, 4000)
    moved = rng.random(4000) < 0.2
    now[moved, place] = np.where(np.isnan(now[moved, place]), 3.0, now[moved, place] + 3.0)
    found = drift_of(reference_of(names, before), names, now, np.ones(4000), 0.01)
    assert [each.name for each in found.alarms] == [names[place]]


def test_values_that_went_missing_are_drift() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=(1000, 1))
    now = np.where(rng.random((1000, 1)) < 0.1, np.nan, rng.normal(size=(1000, 1)))
    assert drift_of(reference_of(["s"], before), ["s"], now, np.ones(1000), 0.01).alarms


def test_the_money_is_what_equity_loses_with_customers_weighted_back() -> None:
    # Half had the plan before, a quarter has it now; who has it is worth 30, who has not 10.
    before = np.repeat([0.0, 1.0], 200)[:, None]
    now = np.repeat([0.0, 1.0], [300, 100])[:, None]
    clv = np.where(now[:, 0] == 1, 30.0, 10.0)
    [found] = drift_of(reference_of(["s"], before), ["s"], now, clv, 0.01).signals
    # 15 each now; 20 each were the plan as common as it was: a third of today's equity is gone.
    assert found.equity_share == pytest.approx((15 - 20) / 15)
    assert found.is_alarm


def test_a_reference_names_no_value_that_few_customers_have() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(size=500), [999.0]])[:, None]
    rare = np.concatenate([np.zeros(480), np.ones(21)])[:, None]
    rarer = np.concatenate([np.zeros(490), np.ones(11)])[:, None]
    binned = reference_of(["s", "rare", "rarer"], np.concatenate([values, rare, rarer], axis=1))
    assert max(binned["s"].edges) < 3
    assert min(count for count in binned["s"].counts if count) >= FEWEST_IN_A_BIN
    assert binned["rare"].edges == (1.0,)
    assert binned["rarer"].edges == ()


def test_the_noise_of_the_reference_counts() -> None:
    rng = np.random.default_rng(3)
    small = drift_of(
        reference_of(["s"], rng.normal(size=(100, 1))), ["s"], np.zeros((10_000, 1)),
        np.ones(10_000), 0.01,
    )  # fmt: skip
    assert small.noise == pytest.approx(0.5 * np.sqrt(1 / 100 + 1 / 10_000))


def test_where_nobody_is_left_nothing_is_moved_and_nothing_fails() -> None:
    reference = reference_of(["s"], np.arange(100.0)[:, None])
    [signal] = drift_of(reference, ["s"], np.empty((0, 1)), np.empty(0), 0.01).signals
    assert (signal.p_value, signal.equity_share, signal.is_alarm) == (1.0, 0.0, False)
    assert np.isfinite(signal.psi)
