"""Pareto/NBD: numeric integration, limits, and what must hold between its parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, roots_genlaguerre

from training.fit_errors import CannotBeFittedError
from training.pareto_nbd import ParetoNBD, fit_pareto_nbd
from training.purchase_anchor import Rhythm

CDNOW = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
MODELS = (CDNOW, ParetoNBD(r=2.0, alpha=3.0, s=1.5, beta=20.0), ParetoNBD(1.2, 30.0, 0.8, 2.0))
WEEKS = np.array([1.0, 4.0, 13.0, 39.0])

parameters = {
    "r": st.floats(0.05, 20),
    "alpha": st.floats(0.05, 50),
    "s": st.floats(0.05, 20),
    "beta": st.floats(0.05, 50),
}


def _rhythm(*customers: tuple[float, float, float]) -> Rhythm:
    return Rhythm(*np.array(customers, dtype=np.float64).T)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("customer", [(0, 0, 30), (2, 30.43, 38.86), (7, 12.0, 45.0)])
def test_the_likelihood_is_that_of_the_story(
    model: ParetoNBD, customer: tuple[float, float, float]
) -> None:
    """Integrate over the time of dropping out u: rates are integrated out by hand.

    Buying x times, then silence until u: Gamma(r+x) / Gamma(r) alpha^r / (alpha+u)^(r+x).
    """
    x, t_x, age = customer

    def purchases(until: float) -> float:
        log = gammaln(model.r + x) - gammaln(model.r) + model.r * np.log(model.alpha)
        return float(np.exp(log - (model.r + x) * np.log(model.alpha + until)))

    def stays(until: float) -> float:
        return float((model.beta / (model.beta + until)) ** model.s)

    def drops(at: float) -> float:
        return model.s / (model.beta + at) * stays(at)

    gone = quad(lambda u: purchases(u) * drops(u), t_x, age, epsabs=0, epsrel=1e-10)[0]

    expected = np.log(purchases(age) * stays(age) + gone)
    found = model.log_likelihood(_rhythm(customer))[0]
    assert found == pytest.approx(expected, rel=1e-9)
    alive = model.alive(_rhythm(customer))[0]
    assert alive == pytest.approx(purchases(age) * stays(age) / np.exp(expected), rel=1e-9)


def _gamma_nodes(shape: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rates, and weights that give the mean over a gamma distribution (Gauss-Laguerre)."""
    nodes, weights = roots_genlaguerre(100, shape - 1)
    return nodes / scale, weights / weights.sum()


@pytest.mark.parametrize("model", MODELS)
def test_forecasts_are_means_over_the_rates_of_active_customers(model: ParetoNBD) -> None:
    """Of one rate pair: purchases l (1 - e^-mt) / m, silence (m + l e^-(l+m)t) / (l + m)."""
    x, t_x, age, weeks = 2.0, 30.43, 38.86, 26.0
    customer = _rhythm((x, t_x, age))
    rate, share = _gamma_nodes(model.r + x, model.alpha + age)
    drop, of_drop = _gamma_nodes(model.s, model.beta + age)
    p, q = rate[:, None], drop[None, :]

    alive = model.alive(customer)[0]
    bought = share @ (-p * np.expm1(-q * weeks) / q) @ of_drop
    silent = share @ ((q + p * np.exp(-(p + q) * weeks)) / (p + q)) @ of_drop

    expected = model.expected_purchases(customer, np.array([weeks]))[0, 0]
    assert expected == pytest.approx(alive * bought, rel=1e-4)
    none = model.no_purchase(customer, np.array([weeks]))[0, 0]
    assert none == pytest.approx(1 - alive * (1 - silent), rel=1e-4)


@given(**parameters, x=st.integers(0, 300), age=st.floats(1, 500), share=st.floats(0.01, 1))
@settings(max_examples=150)
def test_the_parts_of_a_forecast_agree(
    *, r: float, alpha: float, s: float, beta: float, x: int, age: float, share: float
) -> None:
    model = ParetoNBD(r, alpha, s, beta)
    rhythm = _rhythm((x, share * age if x else 0.0, age))

    alive = model.alive(rhythm)[0]
    expected = model.expected_purchases(rhythm, WEEKS)[0]
    silent = model.no_purchase(rhythm, WEEKS)[0]

    assert np.isfinite(model.log_likelihood(rhythm)).all()
    assert 0 <= alive <= 1
    assert (np.diff(expected) >= -1e-12).all()
    assert (np.diff(silent) <= 1e-9).all()
    assert (silent >= 1 - alive - 1e-9).all()
    # At least one purchase is never likelier than purchases are expected (Markov).
    assert (1 - silent <= expected * (1 + 1e-6) + 1e-9).all()


@pytest.mark.parametrize("model", MODELS)
def test_expected_purchases_begin_at_the_rate_of_those_still_active(model: ParetoNBD) -> None:
    rhythm = _rhythm((3, 20.0, 25.0), (0, 0.0, 25.0))
    soon = np.array([1e-6])

    slope = model.expected_purchases(rhythm, soon)[:, 0] / soon
    rate = model.alive(rhythm) * (model.r + rhythm.x) / (model.alpha + rhythm.age)
    np.testing.assert_allclose(slope, rate, rtol=1e-5)
    chance = (1 - model.no_purchase(rhythm, np.array([1e-4]))[:, 0]) / 1e-4
    np.testing.assert_allclose(chance, rate, rtol=1e-3)


def test_whoever_bought_just_now_is_active() -> None:
    assert CDNOW.alive(_rhythm((5, 30.0, 30.0)))[0] == pytest.approx(1.0)


def test_silence_after_many_purchases_leaves_no_doubt_and_no_overflow() -> None:
    frequent = _rhythm((1000, 50.0, 100.0), (1000, 1e-3, 500.0))

    assert CDNOW.alive(frequent).max() < 1e-100
    assert np.isfinite(CDNOW.log_likelihood(frequent)).all()


@pytest.mark.parametrize("x", [98, 102, 300])
def test_whole_numbers_on_which_scipy_overflows_are_passed_smoothly(x: int) -> None:
    rhythm = _rhythm((x, 0.9, 1.0))
    near, there = ParetoNBD(1.001, 1.0, 1.001, 20.0), ParetoNBD(1.0, 1.0, 1.0, 20.0)

    np.testing.assert_allclose(there.alive(rhythm), near.alive(rhythm), rtol=1e-2)
    found = there.log_likelihood(rhythm)
    np.testing.assert_allclose(found, near.log_likelihood(rhythm), rtol=1e-3)


def test_equal_scales_and_s_of_one_are_filled_in_smoothly() -> None:
    """With alpha = beta the hypergeometric terms vanish; with s = 1 a formula divides by zero."""
    rhythm = _rhythm((3, 20.0, 25.0), (0, 0.0, 25.0))
    near, there = ParetoNBD(0.5, 6.0, 1.0001, 6.001), ParetoNBD(0.5, 6.0, 1.0, 6.0)

    for of_near, of_there in (
        (near.log_likelihood(rhythm), there.log_likelihood(rhythm)),
        (near.expected_purchases(rhythm, WEEKS), there.expected_purchases(rhythm, WEEKS)),
        (near.no_purchase(rhythm, WEEKS), there.no_purchase(rhythm, WEEKS)),
    ):
        np.testing.assert_allclose(of_there, of_near, rtol=1e-3)


def test_without_repeat_purchases_there_is_nothing_to_fit() -> None:
    with pytest.raises(CannotBeFittedError, match="twice"):
        fit_pareto_nbd(_rhythm((0, 0.0, 20.0), (0, 0.0, 30.0)))
