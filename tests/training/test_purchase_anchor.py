"""BG/NBD: published answers, simulation, and what must hold between their parts."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from training.purchase_anchor import PurchaseAnchor, Rhythm, fit_purchase_anchor

CDNOW = PurchaseAnchor(r=0.243, alpha=4.414, a=0.793, b=2.426)
"""Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, CDNOW sample."""
WEEKS = np.array([1.0, 4.0, 13.0, 39.0])


def _rhythm(*customers: tuple[float, float, float]) -> Rhythm:
    x, t_x, age = np.array(customers, dtype=np.float64).T
    return Rhythm(x, t_x, age)


def _simulated(
    true: PurchaseAnchor, n_customers: int, weeks: float, rng: np.random.Generator
) -> list[list[float]]:
    """Return the times of repeat purchases by customer, lived as the model says."""
    rates = rng.gamma(true.r, 1 / true.alpha, n_customers)
    drop = rng.beta(true.a, true.b, n_customers)
    return [_purchases_of(rate, p, weeks, rng) for rate, p in zip(rates, drop, strict=True)]


def _purchases_of(rate: float, drop: float, weeks: float, rng: np.random.Generator) -> list[float]:
    times: list[float] = []
    at = rng.exponential(1 / max(rate, 1e-12))
    while at < weeks:
        times.append(at)
        if rng.random() < drop:
            break
        at += rng.exponential(1 / max(rate, 1e-12))
    return times


def _seen_until(purchases: list[list[float]], age: float) -> Rhythm:
    early = [[time for time in times if time < age] for times in purchases]
    return _rhythm(*[(len(times), max(times, default=0.0), age) for times in early])


def test_the_published_forecast_for_a_cdnow_customer_is_met() -> None:
    """Fader, Hardie and Lee (2005), "Implementing the BG/NBD Model ... in Excel": 1.226."""
    expected = CDNOW.expected_purchases(_rhythm((2, 30.43, 38.86)), np.array([39.0]))

    assert expected[0, 0] == pytest.approx(1.226, abs=0.0005)


def test_without_repeat_purchases_bg_nbd_cannot_tell_that_anyone_left() -> None:
    assert CDNOW.alive(_rhythm((0, 0, 5), (0, 0, 500))).tolist() == [1.0, 1.0]


def test_a_fit_recovers_the_process_that_made_the_data() -> None:
    true = PurchaseAnchor(0.8, 6.0, 0.8, 2.5)
    purchases = _simulated(true, 5000, 60.0, np.random.default_rng(8))
    seen = _seen_until(purchases, 60.0)

    fitted = fit_purchase_anchor(seen)

    assert fitted.r / fitted.alpha == pytest.approx(0.8 / 6.0, rel=0.15)
    assert fitted.a / (fitted.a + fitted.b) == pytest.approx(0.8 / 3.3, rel=0.15)
    of_true, of_fitted = (
        anchor.expected_purchases(seen, WEEKS).sum(axis=0) for anchor in (true, fitted)
    )
    np.testing.assert_allclose(of_fitted, of_true, rtol=0.08)


def test_forecasts_are_what_simulated_customers_do_next() -> None:
    true = PurchaseAnchor(0.9, 5.0, 0.7, 2.5)
    purchases = _simulated(true, 20_000, 69.0, np.random.default_rng(9))
    seen = _seen_until(purchases, 30.0)

    to_come = np.array([sum(time >= 30.0 for time in times) for times in purchases])
    expected = true.expected_purchases(seen, np.array([39.0]))[:, 0]
    silent = true.no_purchase(seen, np.array([39.0]))[:, 0]

    for group in (seen.x == 0, (seen.x > 0) & (seen.t_x < 15), seen.t_x >= 15):
        spread = 4 * to_come[group].std() / np.sqrt(group.sum())
        assert abs(expected[group].mean() - to_come[group].mean()) < spread
        assert abs(silent[group].mean() - (to_come[group] == 0).mean()) < 2 / np.sqrt(group.sum())


@given(
    r=st.floats(0.1, 5),
    alpha=st.floats(0.5, 30),
    a=st.floats(0.1, 5),
    b=st.floats(0.5, 10),
    x=st.integers(0, 20),
    age=st.floats(1, 200),
    share=st.floats(0.05, 1),
)
@example(r=1.0, alpha=1.0, a=0.5, b=0.5, x=0, age=1.0, share=1.0)
@settings(max_examples=80)
def test_the_parts_of_a_forecast_agree(
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    x: int,
    age: float,
    share: float,
) -> None:
    anchor = PurchaseAnchor(r, alpha, a, b)
    rhythm = _rhythm((x, share * age if x else 0.0, age))

    expected = anchor.expected_purchases(rhythm, WEEKS)[0]
    silent = anchor.no_purchase(rhythm, WEEKS)[0]
    alive = anchor.alive(rhythm)[0]

    assert 0 <= alive <= 1
    assert (np.diff(expected) >= -1e-9).all()
    assert (np.diff(silent) <= 1e-12).all()
    assert (silent >= 1 - alive - 1e-12).all()
    # At least one purchase is never likelier than purchases are expected (Markov).
    assert (1 - silent <= expected * (1 + 1e-6) + 1e-9).all()


def test_a_of_one_where_the_formula_divides_by_zero_is_filled_in_smoothly() -> None:
    rhythm = _rhythm((3, 20.0, 25.0))
    near, at_one = (
        PurchaseAnchor(0.5, 6.0, a, 2.5).expected_purchases(rhythm, WEEKS) for a in (1.001, 1.0)
    )

    np.testing.assert_allclose(at_one, near, rtol=0.002)
