"""Effects of events of late: found where they are, none where there are none, the level kept."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from features.catalogue import Vocabulary, catalogue
from training.anchor import TenureAnchor
from training.bands import BANDS
from training.boosting import RowSample
from training.calibration import logit
from training.churn_rows import ChurnRows, ChurnSampler
from training.hazard import fit_hazard
from training.person_periods import PersonPeriods, expand
from training.recent_events import RecentEvents, event_columns, fit_recent_events

LONGEST = 12
MONTHLY = 0.02
FLAT = TenureAnchor(a=20e3, b=980e3, c=1.0, last_month=60)
"""A hazard of .02 whatever the tenure."""
EFFECT = 1.5


def _exit_months(
    days: NDArray[np.float64], effect: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the month of leaving: a fresh event raises the log-odds in months 2 and 3 alone."""
    left = np.zeros(len(days), dtype=np.int64)
    fresh = np.nan_to_num(np.exp(-days / 90))
    for month in range(1, LONGEST + 1):
        raised = effect * fresh if month in {2, 3} else np.zeros(len(days))
        leaves = rng.random(len(days)) < expit(logit(np.array(MONTHLY)) + raised)
        left[(left == 0) & leaves] = month
    return left


def _days(n_rows: int, share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.where(rng.random(n_rows) < share, rng.uniform(0, 60, n_rows), np.nan)


def _fitted(effect: float) -> tuple[RecentEvents, NDArray[np.float32], PersonPeriods]:
    rng = np.random.default_rng(7)
    days = _days(30_000, 0.2, rng)
    exits = _exit_months(days, effect, rng)
    periods = expand(exits, np.full(len(days), LONGEST), LONGEST)
    signals = days[:, None].astype(np.float32)
    anchor = np.full(len(periods.month), logit(np.array(MONTHLY)))
    nothing = np.full(len(days), np.nan)
    return fit_recent_events((0,), signals, nothing, periods, anchor), signals, periods


def test_an_effect_is_found_in_the_months_that_have_it() -> None:
    found, _, _ = _fitted(EFFECT)

    effects = dict(zip(BANDS, found.effects[:, 1], strict=True))
    assert effects[2] == pytest.approx(EFFECT, abs=0.2)
    assert max(effect for first, effect in effects.items() if first != 2) < 0.2


def test_an_event_without_effect_gets_hardly_any() -> None:
    found, _, _ = _fitted(0.0)

    assert found.effects[:, 1].max() < 0.15


def test_the_odds_of_all_stay_on_the_mean_where_the_anchor_has_them() -> None:
    found, signals, periods = _fitted(EFFECT)

    nothing = np.full(len(signals), np.nan)
    added = found.logit(signals, nothing, periods.landmark_row, periods.month)

    for first, last in ((1, 1), (2, 3), (4, 6), (7, LONGEST)):
        there = (periods.month >= first) & (periods.month <= last)
        assert np.exp(added[there]).mean() == pytest.approx(1.0)


def test_an_event_fades_and_one_that_never_was_is_endlessly_long_ago() -> None:
    found, _, _ = _fitted(EFFECT)
    days = np.array([[0.0], [90.0], [1e6], [np.nan]], dtype=np.float32)
    row, month = np.arange(4), np.full(4, 2)

    added = found.logit(days, np.full(4, np.nan), row, month)

    now, later, long_ago, never = added - added[3]
    assert later == pytest.approx(now / np.e)
    assert long_ago == pytest.approx(never)


def test_where_an_end_is_booked_events_add_nothing() -> None:
    found, _, _ = _fitted(EFFECT)
    fresh = np.zeros((1, 1), dtype=np.float32)

    added = found.logit(fresh, np.array([3.0]), np.zeros(5, int), np.arange(1, 6))

    assert not added.any()


def test_events_are_those_declared_to_raise_the_risk_while_fresh() -> None:
    signals = catalogue("subscription", Vocabulary())

    names = {signals[column].name for column in event_columns(signals)}

    assert {"days_since_downgrade", "days_since_failed_payment"} <= names
    assert not names & {"days_since_upgrade", "days_since_usage", "tenure_months"}


def test_a_rare_event_moves_the_forecast_that_trees_alone_leave_as_it_is() -> None:
    rng = np.random.default_rng(3)
    n_rows = 24_000
    days = _days(n_rows, 0.01, rng)
    noise = rng.normal(size=(n_rows, 60))
    months = rng.integers(1, LONGEST + 1, n_rows)
    exits = _exit_months(days, EFFECT, rng)
    clocks = np.column_stack([rng.integers(0, 40, n_rows), np.full((n_rows, 3), np.nan)])
    rows = ChurnRows(
        np.column_stack([days, noise]).astype(np.float32),
        clocks.astype(np.float64),
        -months,
        np.where(exits <= months, exits, 0),
        months,
        np.arange(n_rows, dtype=np.uint64),
        np.zeros(n_rows, np.int64),
    )
    sampler = ChurnSampler(LONGEST, RowSample(), ())
    sampler.add(rows)
    sample = sampler.sample()
    after = np.zeros((1, 61), dtype=np.float32)
    before = after.copy()
    before[0, 0] = np.nan

    def moved(event_columns: tuple[int, ...]) -> float:
        fitted_on = replace(sample, event_columns=event_columns)
        model, _ = fit_hazard(fitted_on, FLAT, -3, LONGEST, seed=0)
        clock = np.array([[12.0, np.nan, np.nan, np.nan]])
        ratio = model.hazard(after, clock, 3) / model.hazard(before, clock, 3)
        return float(np.log(ratio[0, 1]))

    with_events, with_trees_alone = moved((0,)), moved(())
    assert 0.4 * EFFECT < with_events < 1.2 * EFFECT
    assert with_trees_alone < 0.25 * EFFECT
