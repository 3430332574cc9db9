"""The shifted beta-geometric: the published answer, and what its formula says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.anchor import TenureCounts
from training.fit_errors import CannotBeFittedError
from training.peers.sbg import ShiftedBetaGeometric, fit_sbg

HIGH_END = np.array([1, 0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491])


def test_the_high_end_segment_is_estimated_as_published() -> None:
    """Fader and Hardie (2007), "How to Project Customer Retention": seven years of 1,000."""
    there = 1000 * HIGH_END

    fitted = fit_sbg(TenureCounts(there[:-1], -np.diff(there)))

    assert fitted.alpha == pytest.approx(0.668, abs=0.001)
    assert fitted.beta == pytest.approx(3.806, abs=0.005)


def test_survival_is_the_product_of_the_retention_rates() -> None:
    curve = ShiftedBetaGeometric(alpha=1.0, beta=2.0).survival(np.array([0.0, 3.0]), 3)

    # Stays in period t with (beta + t - 1) / (alpha + beta + t - 1): 2/3, 3/4, 4/5, 5/6, ...
    np.testing.assert_allclose(curve[0], [2 / 3, 2 / 4, 2 / 5])
    np.testing.assert_allclose(curve[1], [5 / 6, 5 / 7, 5 / 8])


@given(alpha=st.floats(0.2, 5), beta=st.floats(0.5, 30), entry=st.integers(0, 6))
@settings(max_examples=20)
def test_a_fit_finds_the_model_whoever_was_first_seen_late(
    *, alpha: float, beta: float, entry: int
) -> None:
    """Left truncation: nobody is at risk before `entry`, and counts are what is expected."""
    before = np.arange(12.0)
    at_risk = np.where(before >= entry, 1e4 / (1 + before), 0.0)

    fitted = fit_sbg(TenureCounts(at_risk, at_risk * alpha / (alpha + beta + before)))

    tenure = np.array([float(entry)])
    expected = ShiftedBetaGeometric(alpha, beta).survival(tenure, 12)
    np.testing.assert_allclose(fitted.survival(tenure, 12), expected, rtol=0.01)


def test_without_exits_there_is_nothing_to_fit() -> None:
    with pytest.raises(CannotBeFittedError, match="no exits"):
        fit_sbg(TenureCounts(np.array([5.0]), np.array([0.0])))
