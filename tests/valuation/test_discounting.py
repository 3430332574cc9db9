"""Discount numbers by hand, in the middle of the month."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.discounting import discount_factors, monthly_discount_rate

RATES = st.floats(-0.5, 10.0)


def test_the_monthly_rate_of_twelve_percent_a_year():
    assert monthly_discount_rate(0.12) == pytest.approx(0.009488792934583, rel=1e-12)


def test_a_rate_of_4095_doubles_every_month():
    # 2^12 = 4096 = 1 + 4095.
    assert monthly_discount_rate(4095.0) == pytest.approx(1.0, rel=1e-12)


def test_months_are_paid_in_their_middle():
    # (1 + r) = 2^24, so half a month halves: 2^-1, 2^-3, 2^-5.
    factors = discount_factors(3, 2.0**24 - 1)
    np.testing.assert_allclose(factors, [0.5, 0.125, 0.03125], rtol=1e-14)


def test_the_first_factor_at_ten_percent():
    # ln 1.1 / 24 = 0.003971257; exp(-0.003971257) = 0.996036618.
    assert discount_factors(1, 0.10)[0] == pytest.approx(0.996036618, abs=1e-9)


def test_without_a_rate_nothing_is_discounted():
    assert discount_factors(4, 0.0).tolist() == [1.0, 1.0, 1.0, 1.0]


def test_a_negative_rate_makes_later_money_worth_more():
    # 0.25 = 2^-2, so a month is 2^(1/6) and half of one 2^(1/12).
    np.testing.assert_allclose(discount_factors(2, -0.75), [2 ** (1 / 12), 2 ** (3 / 12)])


@given(RATES)
def test_twelve_months_compound_to_the_year(rate):
    assert (1 + monthly_discount_rate(rate)) ** 12 == pytest.approx(1 + rate, rel=1e-12)


@given(RATES)
def test_neighbouring_factors_differ_by_the_monthly_rate(rate):
    factors = discount_factors(24, rate)
    np.testing.assert_allclose(factors[:-1] / factors[1:], 1 + monthly_discount_rate(rate))


@pytest.mark.parametrize("rate", [-1.0, -2.0, np.nan, np.inf])
def test_rates_of_minus_one_or_less_or_not_finite_are_refused(rate):
    with pytest.raises(ValueError, match=r"annual_discount_rate is .*; give a finite rate above"):
        discount_factors(3, rate)
    with pytest.raises(ValueError, match="annual_discount_rate"):
        monthly_discount_rate(rate)


def test_no_months_are_refused():
    with pytest.raises(ValueError, match="n_months is 0; give at least 1"):
        discount_factors(0, 0.1)
