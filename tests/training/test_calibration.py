"""Calibration and the check of the later window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.calibration import LogitCalibration, fit_calibration, logit, probability
from training.check import Check


def _outcomes(planted: LogitCalibration, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(12)
    raw = rng.normal(-2.0, 1.0, n_rows)
    happened = rng.random(n_rows) < probability(planted.logit(raw))
    return raw, happened.astype(np.float64)


def test_a_planted_level_and_slope_are_recovered() -> None:
    raw, outcome = _outcomes(LogitCalibration(-0.2, 0.8), 200_000)

    fitted = fit_calibration(raw, outcome, np.ones(len(raw)))

    assert (fitted.level, fitted.slope) == pytest.approx((-0.2, 0.8), abs=0.03)


def test_with_few_outcomes_only_the_level_moves_and_not_far() -> None:
    raw, outcome = _outcomes(LogitCalibration(-1.0, 0.2), 300)
    assert outcome.sum() < 100

    fitted = fit_calibration(raw, outcome, np.ones(300))

    assert fitted.slope == pytest.approx(1.0, abs=1e-4)
    # The prior deviation of the level is 0.15.
    assert abs(fitted.level) < 0.6


def test_weights_stand_for_repeated_rows() -> None:
    raw, outcome = _outcomes(LogitCalibration(0.1, 0.9), 3000)

    weighted = fit_calibration(raw, outcome, np.full(3000, 2.0))
    repeated = fit_calibration(np.tile(raw, 2), np.tile(outcome, 2), np.ones(6000))

    assert (weighted.level, weighted.slope) == pytest.approx(
        (repeated.level, repeated.slope), abs=1e-4
    )


@given(st.floats(1e-6, 1 - 1e-6))
def test_logit_and_probability_undo_each_other(share: float) -> None:
    assert probability(logit(np.array([share])))[0] == pytest.approx(share)


CHECK = Check(
    "hazard",
    probability=np.array([0.2, 0.8, 0.5, 0.5]),
    outcome=np.array([0.0, 1.0, 1.0, 0.0]),
    weight=np.array([1.0, 1.0, 1.0, 3.0]),
)


def test_metrics_of_a_check_weigh_their_rows() -> None:
    metrics = CHECK.metrics()

    assert metrics["brier"] == pytest.approx((0.04 + 0.04 + 0.25 + 3 * 0.25) / 6)
    assert metrics["log_loss"] == pytest.approx(-(2 * np.log(0.8) + 4 * np.log(0.5)) / 6)
    assert metrics["predicted_actual"] == pytest.approx((0.2 + 0.8 + 0.5 + 1.5) / 2)


def test_a_gain_curve_takes_the_likeliest_first() -> None:
    taken, found = CHECK.gain_curve()

    assert taken.tolist() == pytest.approx([1 / 6, 2 / 6, 5 / 6, 1.0])
    assert found.tolist() == [0.5, 1.0, 1.0, 1.0]


@given(arrays(np.float64, st.integers(10, 60), elements=st.floats(0.01, 0.99)))
def test_bins_of_a_calibration_curve_rise_and_hold_all_rows(share: np.ndarray) -> None:
    check = Check("any", share, (share > 0.5).astype(np.float64), np.ones(len(share)))

    predicted, actual = check.calibration_curve(n_bins=5)

    assert (np.diff(predicted) >= -1e-12).all()
    assert ((actual >= 0) & (actual <= 1)).all()
    assert predicted.mean() == pytest.approx(share.mean(), abs=0.25)
