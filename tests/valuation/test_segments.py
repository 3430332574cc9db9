"""Every customer is in exactly one segment, and no tier takes more than its share."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.segments import SegmentCuts, segment_cuts, segments

CUTS = SegmentCuts(top=100.0, high=50.0, low_risk=0.1, high_risk=0.3)
CUSTOMERS = st.lists(
    st.tuples(st.floats(-1e4, 1e4), st.floats(0.0, 1.0)), min_size=1, max_size=60
).map(lambda rows: np.array(rows).T)


def test_ten_customers_give_one_top_two_high_and_seven_middle():
    clv, churn = np.arange(1.0, 11.0), np.full(10, 0.2)
    named = segments(clv, churn, segment_cuts(clv, churn)).tolist()
    assert named == ["middle/medium"] * 7 + ["high/medium"] * 2 + ["top/medium"]


def test_nine_customers_are_parted_into_thirds_of_risk():
    clv, churn = np.zeros(9), np.arange(9) / 10
    named = segments(clv, churn, segment_cuts(clv, churn)).tolist()
    assert named == ["middle/low"] * 3 + ["middle/medium"] * 3 + ["middle/high"] * 3


def test_below_zero_is_a_loss_even_above_the_cuts():
    cuts = SegmentCuts(top=-10.0, high=-20.0, low_risk=0.1, high_risk=0.3)
    assert segments(np.array([-5.0]), np.array([0.2]), cuts).tolist() == ["loss/medium"]


def test_what_equals_a_cut_falls_towards_the_middle():
    named = segments(np.array([100.0, 50.0, 0.0]), np.array([0.1, 0.3, 0.2]), CUTS).tolist()
    assert named == ["high/medium", "middle/medium", "middle/medium"]


def test_equal_customers_are_never_parted():
    clv, churn = np.full(20, 7.0), np.full(20, 0.4)
    assert set(segments(clv, churn, segment_cuts(clv, churn))) == {"middle/medium"}


@given(CUSTOMERS)
def test_segments_part_the_portfolio(customers):
    clv, churn = customers
    named = segments(clv, churn, segment_cuts(clv, churn))
    tiers, bands = zip(*(name.split("/") for name in named), strict=True)
    assert len(named) == len(clv)
    assert set(tiers) <= {"loss", "top", "high", "middle"}
    assert set(bands) <= {"low", "medium", "high"}
    assert [tier == "loss" for tier in tiers] == (clv < 0).tolist()


@given(CUSTOMERS)
def test_no_tier_or_band_takes_more_than_its_share(customers):
    clv, churn = customers
    named = segments(clv, churn, segment_cuts(clv, churn))
    tiers, bands = zip(*(name.split("/") for name in named), strict=True)
    assert tiers.count("top") <= len(clv) / 10
    assert tiers.count("top") + tiers.count("high") <= 3 * len(clv) / 10
    assert bands.count("low") <= len(clv) / 3
    assert bands.count("high") <= len(clv) / 3


def test_cuts_survive_json():
    assert SegmentCuts.from_dict(json.loads(json.dumps(CUTS.as_dict()))) == CUTS


def test_cuts_with_a_missing_name_are_refused():
    with pytest.raises(ValueError, match=r"cuts has \['top'\]; give exactly \['high', 'high_risk'"):
        SegmentCuts.from_dict({"top": 1.0})


def test_cuts_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match=r"high is 2.0 and top 1.0; give high up to top"):
        SegmentCuts(top=1.0, high=2.0, low_risk=0.1, high_risk=0.2)
    with pytest.raises(ValueError, match=r"low_risk is 0.3 and high_risk 0.2"):
        SegmentCuts(top=2.0, high=1.0, low_risk=0.3, high_risk=0.2)


def test_a_cut_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="top is nan; give a finite cut"):
        SegmentCuts(top=np.nan, high=1.0, low_risk=0.1, high_risk=0.2)


def test_cuts_of_nobody_are_refused():
    with pytest.raises(ValueError, match="clv has no customers; give at least one"):
        segment_cuts(np.array([]), np.array([]))


def test_churn_that_is_not_a_probability_is_refused():
    with pytest.raises(ValueError, match=r"churn is 1.2 in row 0; give values from 0 to 1"):
        segments(np.array([1.0]), np.array([1.2]), CUTS)
