"""Kaplan-Meier by day, by hand."""

import numpy as np
import pytest

from training.anchor import TenureCounts
from training.fit_errors import CannotBeFittedError
from training.peers.kaplan_meier import FEWEST_AT_RISK, KaplanMeier, fit_kaplan_meier


def test_hazard_is_exits_over_customers_at_risk() -> None:
    fitted = fit_kaplan_meier(TenureCounts(np.array([100.0, 90, 80]), np.array([10.0, 0, 20])))

    np.testing.assert_allclose(fitted.hazard, [0.1, 0.0, 0.25])
    assert fitted.later_hazard == pytest.approx(30 / 270)


def test_days_with_few_at_risk_share_one_rate_and_the_end_is_cut() -> None:
    at_risk, exits = np.array([100.0, 10, 20, 50, 5]), np.array([0.0, 6, 0, 5, 5])

    fitted = fit_kaplan_meier(TenureCounts(at_risk, exits))

    np.testing.assert_allclose(fitted.hazard, [0.0, 0.2, 0.2, 0.1])
    assert fitted.later_hazard == pytest.approx(11 / 180)


def test_survival_is_conditional_on_the_days_already_stayed() -> None:
    curve = KaplanMeier(np.array([0.5, 0.2, 0.1]), later_hazard=0.4)

    found = curve.survival(np.array([0, 1, 2, 7]), np.array([1, 2, 4]))

    np.testing.assert_allclose(found[0], [0.5, 0.5 * 0.8, 0.5 * 0.8 * 0.9 * 0.6])
    np.testing.assert_allclose(found[1], [0.8, 0.8 * 0.9, 0.8 * 0.9 * 0.6**2])
    np.testing.assert_allclose(found[2], [0.9, 0.9 * 0.6, 0.9 * 0.6**3])
    np.testing.assert_allclose(found[3], [0.6, 0.6**2, 0.6**4])


def test_too_few_customers_are_refused() -> None:
    few = np.array([FEWEST_AT_RISK - 1.0])
    with pytest.raises(CannotBeFittedError, match="no day of tenure had 30"):
        fit_kaplan_meier(TenureCounts(few, np.zeros(1)))
