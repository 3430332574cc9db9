"""Accelerated failure time: noise without signals, and what trees add."""

import numpy as np
import pytest

from training.aft import FEWEST_EXITS, Noise, fit_aft, fit_noise
from training.fit_errors import CannotBeFittedError
from training.landmark_rows import LandmarkRows


def _drawn(n: int, seed: int, effect: float) -> LandmarkRows:
    """Return Weibull times with median about 12 months, seen for 6 or 12."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    time = np.exp(2.9 + effect * signal) * rng.exponential(size=n) ** 0.8
    observed = np.where(np.arange(n) % 2, 6, 12)
    month = np.ceil(time).astype(np.int64)
    signals = np.column_stack([signal, rng.normal(size=n)]).astype(np.float32)
    return LandmarkRows(signals, np.where(month <= observed, month, 0), observed)


@pytest.mark.parametrize(
    ("distribution", "at_median"), [("normal", 0.5), ("logistic", 0.5), ("extreme", np.exp(-1))]
)
def test_survival_at_the_level_is_that_of_the_noise_at_zero(
    distribution: str, at_median: float
) -> None:
    noise = Noise(distribution, sigma=0.7, level=np.log(6.0))

    curve = noise.survival(np.array([noise.level]), np.arange(1.0, 13.0))[0]

    assert curve[5] == pytest.approx(at_median)
    assert (np.diff(curve) < 0).all()


def test_noise_without_signals_is_found_again() -> None:
    noise = fit_noise(_drawn(20_000, seed=1, effect=0.0), "extreme")

    assert noise.level == pytest.approx(2.9, abs=0.05)
    assert noise.sigma == pytest.approx(0.8, abs=0.04)


def test_a_fit_tells_customers_apart_and_keeps_the_level() -> None:
    rows = _drawn(4000, seed=2, effect=0.6)

    curve = fit_aft(rows, seed=0).survival(rows.signals, 12)

    assert (np.diff(curve, axis=1) <= 0).all()
    seen_long = rows.months_observed == 12
    stayed = ~rows.is_exit[seen_long]
    assert curve[seen_long, -1].mean() == pytest.approx(stayed.mean(), abs=0.05)
    low, high = rows.signals[:, 0] < -1, rows.signals[:, 0] > 1
    assert curve[high, -1].mean() > curve[low, -1].mean() + 0.2


def test_too_few_exits_are_refused() -> None:
    rows = _drawn(50, seed=3, effect=0.0)

    with pytest.raises(CannotBeFittedError, match=f"at least {FEWEST_EXITS}"):
        fit_aft(rows, seed=0)
