"""Landmark rows by hand: what was known earlier, and what a curve is worth."""

import numpy as np
import pytest

from training.landmark_rows import LandmarkRows
from training.squashing import fit_squashing

ROWS = LandmarkRows(
    signals=np.arange(4, dtype=np.float32)[:, None],
    exit_month=np.array([0, 2, 5, 1]),
    months_observed=np.array([6, 6, 6, 2]),
)


def test_months_at_risk_end_with_the_exit_or_the_observation() -> None:
    assert ROWS.last_month.tolist() == [6, 2, 5, 1]


def test_earlier_an_exit_to_come_was_not_known() -> None:
    earlier = ROWS.as_of_months_ago(2)

    assert earlier.signals[:, 0].tolist() == [0, 1, 2]
    assert earlier.months_observed.tolist() == [4, 4, 4]
    assert earlier.exit_month.tolist() == [0, 2, 0]


def test_what_is_judged_begins_where_what_is_fitted_ends() -> None:
    earlier, later = ROWS.earlier_and_later()

    assert earlier.months_observed.tolist() == [4, 4, 4]
    assert later.signals[:, 0].tolist() == [3]
    assert later.exit_month.tolist() == [1]


def test_log_loss_is_that_of_the_month_of_leaving_or_of_having_stayed() -> None:
    curve = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])

    # Stayed 6 months: .4. Left in month 2: .9 - .8; in month 5: .6 - .5; in month 1: 1 - .9.
    expected = -np.log([0.4, 0.1, 0.1, 0.1]).mean()
    assert ROWS.log_loss(curve) == pytest.approx(expected)
    assert ROWS.log_loss(np.tile(curve, (4, 1))) == pytest.approx(expected)


def test_squashed_signals_are_centred_bounded_and_gaps_are_marked() -> None:
    column = np.array([0.0, 1.0, 2.0, 3.0, 1e6], dtype=np.float32)
    with_gap = np.array([np.nan, 1.0, 1.0, 1.0, 1.0], dtype=np.float32)
    signals = np.column_stack([column, with_gap, np.full(5, np.nan, np.float32)])

    inputs = fit_squashing(signals).inputs(signals)

    assert inputs.shape == (5, 4)
    # The median is 2, half the distance of the quartiles 1: z is -2 to 1 and very large.
    np.testing.assert_allclose(inputs[:3, 0], [-2 / np.sqrt(13 / 9), -1 / np.sqrt(10 / 9), 0])
    assert 2.99 < inputs[4, 0] <= 3
    assert inputs[:, 1].tolist() == [0.0] * 5
    assert inputs[:, 2].tolist() == [0.0] * 5
    assert inputs[:, 3].tolist() == [1, 0, 0, 0, 0]
