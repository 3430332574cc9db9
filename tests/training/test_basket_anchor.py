"""Gamma-Gamma: the published example, recovered parameters, and shrinkage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.basket_anchor import BasketAnchor, fit_basket_anchor

CDNOW = BasketAnchor(p=6.25, q=3.74, gamma=15.44)
"""Fader, Hardie and Lee (2005), "RFM and CLV: Using Iso-Value Curves", CDNOW."""


def test_expected_basket_is_the_published_weighted_mean() -> None:
    x, mean = 2.0, 50.0
    weight = 6.25 * x / (6.25 * x + 3.74 - 1)
    population = 6.25 * 15.44 / (3.74 - 1)

    expected = CDNOW.expected_basket(np.array([x]), np.array([mean]))

    assert expected[0] == pytest.approx(weight * mean + (1 - weight) * population)
    assert population == pytest.approx(35.22, abs=0.005)


@given(x=st.integers(1, 500), mean=st.floats(0.01, 1e4))
def test_the_estimate_lies_between_own_mean_and_portfolio(x: int, mean: float) -> None:
    population = 6.25 * 15.44 / 2.74

    expected = CDNOW.expected_basket(np.array([float(x)]), np.array([mean]))[0]

    assert min(mean, population) * (1 - 1e-9) <= expected <= max(mean, population) * (1 + 1e-9)


def test_a_fit_recovers_the_process_that_made_the_data() -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(1, 12, 20_000).astype(np.float64)
    # Baskets are gamma(p, nu), nu is gamma(q, gamma): their mean is gamma(p x, nu x).
    nu = rng.gamma(3.74, 1 / 15.44, 20_000)
    mean = rng.gamma(6.25 * x) / (nu * x)

    fitted = fit_basket_anchor(x, mean)

    assert (fitted.p, fitted.q, fitted.gamma) == pytest.approx((6.25, 3.74, 15.44), rel=0.08)


def test_the_currency_only_scales_the_answer() -> None:
    rng = np.random.default_rng(7)
    x, mean = rng.integers(1, 8, 800).astype(np.float64), rng.gamma(4, 10, 800)

    euros, cents = (fit_basket_anchor(x, mean * unit) for unit in (1.0, 100.0))

    assert (cents.p, cents.q) == pytest.approx((euros.p, euros.q), rel=1e-3)
    assert cents.gamma == pytest.approx(100 * euros.gamma, rel=1e-3)


def test_customers_without_a_positive_basket_are_left_out() -> None:
    rng = np.random.default_rng(7)
    x, mean = rng.integers(1, 8, 300).astype(np.float64), rng.gamma(4, 10, 300)

    with_free_gifts = fit_basket_anchor(np.append(x, 3.0), np.append(mean, 0.0))

    assert with_free_gifts == fit_basket_anchor(x, mean)
    with pytest.raises(ValueError, match="no customer has a basket of positive value"):
        fit_basket_anchor(x, np.zeros(300))
