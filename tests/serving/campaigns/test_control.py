"""The control group is a stable, even draw that only grows with its share."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from serving.campaigns.control import CONTROL, TREATED, arm_of, draw_of

IDS = [f"C{number:06d}" for number in range(20_000)]
SHARE = st.floats(0.0, 1.0)


def test_a_draw_never_changes():
    """`printf 'stay\0C1' | sha256sum` begins with these digits; that never changes."""
    assert draw_of("stay", "C1") == (0xC3B646BAB22F9F23 >> 11) / 2**53


def test_draws_are_even():
    draws = np.array([draw_of("stay", each) for each in IDS])
    assert draws.min() >= 0
    assert draws.max() < 1
    assert stats.kstest(draws, "uniform").pvalue > 0.01


def test_draws_of_two_campaigns_have_nothing_to_do_with_each_other():
    one, other = ([draw_of(name, each) for each in IDS] for name in ("stay", "win-back"))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(len(IDS))


@given(st.text(min_size=1), SHARE, SHARE)
def test_whoever_is_in_control_stays_there_as_the_share_grows(customer_id, one, other):
    draw = draw_of("stay", customer_id)
    small, large = sorted([one, other])
    assert arm_of(draw, small) == TREATED or arm_of(draw, large) == CONTROL


def test_no_share_is_no_control_group():
    assert {arm_of(draw_of("stay", each), 0.0) for each in IDS} == {TREATED}
