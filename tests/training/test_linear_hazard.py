"""The linear hazard: effects where they are, none where there are none, renewals, and its rows."""

import json
from dataclasses import fields, replace
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from training.calibration import logit
from training.churn_rows import ChurnRows
from training.linear_hazard import (
    MOST_ROWS,
    LinearHazard,
    few_rows,
    fit_linear_hazard,
    linear_as_json,
    linear_from_json,
)
from training.person_periods import expand

LONGEST = 12
MONTHLY = 0.03
NOISE = 20


def _rows(n_rows: int, effect: float, seed: int = 5, n_far: int | None = None) -> ChurnRows:
    """Return rows whose first signal raises the log-odds in months 1 to 3 alone; others are noise.

    A term of six months ends in month 4, where the log-odds are 2 higher. With `n_far` so many
    rows are of the landmark that looks LONGEST months ahead, and the others see 6 at most.
    """
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(n_rows, 1 + NOISE))
    left = np.zeros(n_rows, np.int64)
    for month in range(1, LONGEST + 1):
        raised = effect * signals[:, 0] * (month <= 3) + 2.0 * (month in {4, 10})
        leaves = rng.random(n_rows) < expit(logit(np.array(MONTHLY)) + raised)
        left[(left == 0) & leaves] = month
    clocks = np.column_stack(np.broadcast_arrays(rng.integers(0, 40, n_rows), 6.0, 4.0, np.nan))
    observed = rng.integers(1, LONGEST + 1, n_rows)
    if n_far is not None:
        observed = np.where(np.arange(n_rows) < n_far, LONGEST, np.minimum(observed, 6))
    return ChurnRows(
        signals.astype(np.float32),
        clocks,
        -observed,
        np.where(left <= observed, left, 0),
        observed,
        np.arange(n_rows, dtype=np.uint64),
        np.zeros(n_rows, np.int64),
    )


def _fitted(rows: ChurnRows) -> LinearHazard:
    periods = expand(rows.exit_month, rows.months_observed, LONGEST)
    anchor = np.full(len(periods.month), logit(np.array(MONTHLY)))
    return fit_linear_hazard(rows, periods, anchor, later_from=-2)


@pytest.fixture(scope="module")
def found() -> LinearHazard:
    return _fitted(_rows(12_000, effect=0.8))


def _added(model: LinearHazard, first: float, months: NDArray[np.int64]) -> NDArray[np.float64]:
    signals = np.zeros((1, 1 + NOISE), np.float32)
    signals[0, 0] = first
    no_term = np.array([[10.0, np.nan, np.nan, np.nan]])
    return model.logit(signals, no_term, np.zeros(len(months), int), months, LONGEST)


def test_a_signal_counts_in_the_months_in_which_it_does(found: LinearHazard) -> None:
    months = np.array([1, 2, 3, 8, 12])

    apart = _added(found, 1.0, months) - _added(found, -1.0, months)

    assert apart[:3] == pytest.approx([1.6] * 3, rel=0.25)
    assert np.abs(apart[3:]).max() < 0.4


def test_where_signals_tell_nothing_coefficients_stay_near_nothing() -> None:
    model = _fitted(_rows(4_000, effect=0.0))

    assert np.abs(model.effects[:, 1:]).max() < 0.06


def test_months_that_one_landmark_alone_saw_take_little_of_what_holds_early() -> None:
    rows = _rows(4_000, effect=0.8, n_far=400)
    assert (rows.exit_month >= 7).sum() > 20

    early, _, _, late, _ = _fitted(rows).effects[:, 1]

    assert early > 0.3
    assert abs(late) < early / 3


def test_a_month_seen_from_many_landmarks_counts_once() -> None:
    once = _rows(1_500, effect=0.8)
    again = replace(once, signals=once.signals.copy())
    thrice = ChurnRows(
        *(
            np.concatenate([getattr(rows, field.name) for rows in (once, again, again)])
            for field in fields(ChurnRows)
        )
    )

    months = np.array([1, 5, 12])

    assert _added(_fitted(thrice), 1.0, months) == pytest.approx(
        _added(_fitted(once), 1.0, months), abs=0.02
    )


def test_a_renewal_raises_the_month_it_falls_into(found: LinearHazard) -> None:
    signals = np.zeros((1, 1 + NOISE), np.float32)
    clocks = np.array([[10.0, 6.0, 4.0, np.nan]])

    added = found.logit(signals, clocks, np.zeros(20, int), np.arange(1, 21), LONGEST)

    assert found.renewal == pytest.approx(2.0, abs=0.3)
    due = {int(month) for month in 1 + np.flatnonzero(added > 1.0)}
    assert due == {4, 10, 16}


def test_beyond_the_longest_month_effects_stay_as_they_are_there(found: LinearHazard) -> None:
    added = _added(found, 1.0, np.array([LONGEST, 13, 40]))

    np.testing.assert_array_equal(added, added[0])


@pytest.mark.parametrize("order", ["C", "F"])
def test_one_customer_is_answered_as_among_many_to_the_bit(
    found: LinearHazard, order: Literal["C", "F"]
) -> None:
    marked = np.arange(1 + NOISE) < 2
    model = replace(
        found,
        squashing=replace(found.squashing, has_gaps=marked),
        effects=np.hstack([found.effects, found.effects[:, 1:3]]),
    )
    rows = _rows(300, effect=0.8, seed=9)
    signals, month = np.asarray(rows.signals, order=order), np.full(300, 2)

    many = model.logit(signals, rows.clocks, np.arange(300), month, LONGEST)

    alone = [
        model.logit(signals[n : n + 1], rows.clocks[n : n + 1], np.array([0]), month[:1], 12)
        for n in range(300)
    ]
    np.testing.assert_array_equal(np.concatenate(alone), many)


def test_what_follows_a_booked_end_is_not_learned_from() -> None:
    rows = _rows(2_000, effect=0.0)
    rows.clocks[:, 3] = 4.0

    model = _fitted(rows)

    assert not model.effects.any()
    assert model.renewal == 0.0


def test_of_many_rows_as_many_as_are_wanted_are_kept_however_the_log_was_cut() -> None:
    rows = _rows(4 * MOST_ROWS, effect=0.0)
    order = np.random.default_rng(0).permutation(4 * MOST_ROWS)

    kept, of_another_order = few_rows(rows), few_rows(rows.only(order))

    assert len(kept.customer) == pytest.approx(MOST_ROWS, rel=0.02)
    assert set(kept.customer) == set(of_another_order.customer)


def test_it_comes_back_from_json_to_the_bit(found: LinearHazard) -> None:
    back = linear_from_json(json.loads(json.dumps(linear_as_json(found))))

    months = np.arange(1, LONGEST + 1)
    assert back is not None
    np.testing.assert_array_equal(_added(back, 0.3, months), _added(found, 0.3, months))
    assert linear_from_json(linear_as_json(None)) is None
