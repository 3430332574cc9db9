"""Referral value by hand."""

import numpy as np
import pytest

from valuation.referrals import referral_value


def test_each_further_conversion_brings_a_newcomer_less_the_reward():
    value = referral_value(np.array([0.0, 0.5, 2.0]), newcomer_value=120.0, reward=20.0)
    assert value.tolist() == [0.0, 50.0, 200.0]


def test_a_reward_above_the_newcomers_value_loses_money():
    assert referral_value(np.array([2.0]), newcomer_value=10.0, reward=15.0).tolist() == [-10.0]


def test_newcomers_who_lose_money_make_referrals_a_loss():
    assert referral_value(np.array([1.0]), newcomer_value=-30.0, reward=5.0).tolist() == [-35.0]


def test_negative_conversions_are_refused():
    with pytest.raises(ValueError, match=r"further_conversions is -0.5 in row 0; give zero"):
        referral_value(np.array([-0.5]), newcomer_value=10.0, reward=0.0)


def test_an_unknown_newcomer_value_is_refused():
    with pytest.raises(ValueError, match="newcomer_value is nan; give a finite amount"):
        referral_value(np.array([1.0]), newcomer_value=np.nan, reward=0.0)


def test_a_negative_reward_is_refused():
    with pytest.raises(ValueError, match=r"reward is -1.0; give zero or more"):
        referral_value(np.array([1.0]), newcomer_value=10.0, reward=-1.0)
