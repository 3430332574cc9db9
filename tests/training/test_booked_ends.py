import numpy as np
import pytest

from training.booked_ends import BookedEnds, EndCounts, fit_booked_ends

ANCHOR = np.full((1, 6), 0.05)
ORDER = np.random.default_rng(1).permutation(550)


def clocks(*, term, booked):
    return np.array([[7.0, term, np.nan, booked]])


def test_without_a_booked_end_the_anchor_stands():
    ends = BookedEnds(kept=0.9, early=0.01, terms_lapse=True)

    assert ends.hazard(ANCHOR, clocks(term=2.0, booked=np.nan)).tolist() == ANCHOR.tolist()


def test_a_notice_is_kept_or_withdrawn_and_then_the_anchor_goes_on():
    ends = BookedEnds(kept=0.9, early=0.01)

    hazard = ends.hazard(ANCHOR, clocks(term=2.0, booked=3.0))

    assert hazard.tolist() == [[0.01, 0.01, 0.9, 0.05, 0.05, 0.05]]


def test_where_terms_lapse_every_later_term_may_end_and_hardly_anybody_leaves_between():
    ends = BookedEnds(kept=0.3, early=0.01, terms_lapse=True)

    hazard = ends.hazard(ANCHOR, clocks(term=3.0, booked=2.0))

    assert hazard.tolist() == [[0.01, 0.3, 0.01, 0.01, 0.3, 0.01]]


def test_shares_are_counted_and_drawn_to_what_is_usual():
    booked = np.array([1.0] * 40 + [5.0] * 500 + [np.nan] * 10)
    exit_month = np.array([1] * 16 + [0] * 24 + [1] * 4 + [0] * 496 + [1] * 10)

    halves = (EndCounts.of(booked[part], exit_month[part]) for part in np.split(ORDER, 2))
    ends = fit_booked_ends(sum(halves, EndCounts()), terms_lapse=True)

    assert ends.kept == pytest.approx((16 + 9) / 50)
    assert ends.early == pytest.approx((4 + 1) / 1000)
    assert ends.terms_lapse
