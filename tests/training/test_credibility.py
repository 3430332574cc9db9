"""Credibility by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from training.credibility import Credibility, fit_credibility


def test_half_of_the_weight_is_ones_own_at_the_half_months() -> None:
    credibility = Credibility(mean=2.0, half_months=6.0)

    expected = credibility.expected(np.array([60.0, 60.0, 0.0]), np.array([6.0, 12.0, 0.0]))

    assert expected.tolist() == [(10 + 2) / 2, (60 + 12) / 18, 2.0]


def test_variances_are_those_of_buehlmann_and_straub() -> None:
    flows = np.array([[1.0, 3.0], [7.0, 9.0]])

    fitted = fit_credibility(flows, np.ones((2, 2)))

    # Within: (1 + 1 + 1 + 1) / 2 = 2. Between: (2 x 9 + 2 x 9 - 2) / (4 - 8 / 4) = 17.
    assert fitted.mean == 5.0
    assert fitted.half_months == pytest.approx(2 / 17)


def test_where_customers_do_not_differ_everyone_gets_the_mean() -> None:
    fitted = fit_credibility(np.array([[1.0, 3.0], [3.0, 1.0]]), np.ones((2, 2)))

    assert np.isinf(fitted.half_months)
    assert fitted.expected(np.array([100.0]), np.array([12.0])).tolist() == [2.0]


def test_customers_who_never_were_do_not_count() -> None:
    flows, exposure = np.array([[1.0, 3.0], [7.0, 9.0]]), np.ones((2, 2))

    with_absent = fit_credibility(np.vstack([flows, [0, 0]]), np.vstack([exposure, [0, 0]]))

    assert with_absent == fit_credibility(flows, exposure)
    assert fit_credibility(np.zeros((1, 2)), np.zeros((1, 2))).mean == 0.0


@given(arrays(np.float64, (6, 12), elements=st.floats(-100, 100)))
def test_an_estimate_lies_between_own_mean_and_portfolio(flows: np.ndarray) -> None:
    fitted = fit_credibility(flows, np.ones((6, 12)))

    own = flows.mean(axis=1)
    expected = fitted.expected(flows.sum(axis=1), np.full(6, 12.0))

    assert (expected >= np.minimum(own, fitted.mean) - 1e-6).all()
    assert (expected <= np.maximum(own, fitted.mean) + 1e-6).all()
