"""Cox: a published answer, and curves by hand."""

import numpy as np
import pytest

from training.fit_errors import CannotBeFittedError
from training.landmark_rows import LandmarkRows
from training.peers.cox import FEWEST_EXITS, Cox, cox_coefficients, fit_cox
from training.squashing import Squashing

CONTROL = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks of 42 patients with leukaemia, by arm (Freireich and others 1963, Blood 21)."""


def _drawn(n: int, seed: int) -> LandmarkRows:
    """Return rows whose hazard a month is 3% times e^signal, seen for 4 or 8 months."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    observed = np.where(np.arange(n) % 2, 4, 8)
    left = rng.geometric(np.minimum(0.03 * np.exp(signal), 0.9))
    noise = rng.normal(size=(n, 3))
    noise[::5, 0] = np.nan
    signals = np.column_stack([signal, noise]).astype(np.float32)
    return LandmarkRows(signals, np.where(left <= observed, left, 0), observed)


def test_the_trial_of_mercaptopurine_is_estimated_as_published() -> None:
    """With Breslow's ties the log hazard ratio is 1.509 (Kalbfleisch and Prentice 2002)."""
    weeks = np.array(CONTROL + TREATED + STILL_IN_REMISSION)
    is_exit = np.arange(42) < 30
    is_control = (np.arange(42) < 21).astype(np.float64)[:, None]

    found = cox_coefficients(is_control, weeks, is_exit, deviation=1e6)

    assert found[0] == pytest.approx(1.509, abs=0.001)


def test_a_narrow_prior_holds_coefficients_near_nothing() -> None:
    weeks = np.array(CONTROL + TREATED + STILL_IN_REMISSION)
    is_control = (np.arange(42) < 21).astype(np.float64)[:, None]

    assert abs(cox_coefficients(is_control, weeks, np.arange(42) < 30, 1e-3)[0]) < 1e-4


def test_survival_is_the_baseline_to_the_power_of_the_risk_and_goes_on_at_the_end() -> None:
    plain = Squashing(np.zeros(1), np.full(1, 1e9), np.zeros(1, dtype=bool))
    cox = Cox(plain, np.array([1e9 * np.log(2)]), np.array([0.1, 0.3]))

    curve = cox.survival(np.array([[0.0], [1.0]], dtype=np.float32), 3)

    np.testing.assert_allclose(curve[0], np.exp([-0.1, -0.4, -0.7]))
    np.testing.assert_allclose(curve[1], np.exp([-0.2, -0.8, -1.4]), rtol=1e-6)


def test_a_fit_tells_customers_apart_and_keeps_the_level() -> None:
    rows = _drawn(4000, seed=1)

    curve = fit_cox(rows).survival(rows.signals, 8)

    seen_long = rows.months_observed == 8
    stayed = ~rows.is_exit[seen_long]
    assert curve[seen_long, -1].mean() == pytest.approx(stayed.mean(), abs=0.02)
    low = rows.signals[:, 0] < -1
    high = rows.signals[:, 0] > 1
    assert curve[low, -1].mean() > curve[high, -1].mean() + 0.2


def test_too_few_exits_are_refused() -> None:
    rows = _drawn(100, seed=2)
    none = LandmarkRows(rows.signals, np.zeros(100, dtype=np.int64), rows.months_observed)

    with pytest.raises(CannotBeFittedError, match=f"0 exits .* at least {FEWEST_EXITS}"):
        fit_cox(none)
