"""The monthly hazard: when signals are trusted, what they add, and how it goes on."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from training.anchor import TenureAnchor
from training.booked_ends import BookedEnds
from training.boosting import Rows, RowSample, fit_trees, predict_margin
from training.calibration import logit
from training.churn_rows import ChurnRows, ChurnSample, ChurnSampler
from training.hazard import FEWEST_EXITS, HazardModel, fit_hazard
from valuation.survival import survival_from_hazard

FLAT = TenureAnchor(a=1e3, b=1.9e4, c=1.0, last_month=60)
"""A hazard of about .05 whatever the tenure."""
LONGEST = 12


def _sample(n_customers: int, *, rate: float, seed: int = 2) -> ChurnSample:
    """Return landmarks -12..-1 of customers of whom half leave three times as often."""
    rng = np.random.default_rng(seed)
    number = np.tile(np.arange(-LONGEST, 0), n_customers)
    restless = np.repeat(rng.random(n_customers) < 0.5, LONGEST)
    left_in = rng.geometric(np.where(restless, 1.5 * rate, 0.5 * rate))
    tenure = rng.integers(0, 40, len(number)).astype(np.float64)
    clocks = np.column_stack([tenure, *np.full((3, len(number)), np.nan)])
    rows = ChurnRows(
        signals=restless[:, None].astype(np.float32),
        clocks=clocks,
        landmark=number,
        exit_month=np.where(left_in <= -number, left_in, 0),
        months_observed=-number,
        customer=np.repeat(np.arange(n_customers, dtype=np.uint64), LONGEST),
        exit_kind=np.zeros(len(number), np.int64),
    )
    sampler = ChurnSampler(LONGEST, RowSample(), beside=range(-LONGEST, 0, 2))
    sampler.add(rows)
    return sampler.sample()


@pytest.fixture(scope="module")
def fitted() -> HazardModel:
    model, check = fit_hazard(_sample(3000, rate=0.05), FLAT, -3, LONGEST, seed=0)
    assert check is not None
    assert check.metrics()["predicted_actual"] == pytest.approx(1.0, abs=0.05)
    return model


def _hazard(model: HazardModel, restless: float, tenure: float, n_months: int) -> list[float]:
    clocks = np.array([[tenure, np.nan, np.nan, np.nan]])
    signals = np.array([[restless]], dtype=np.float32)
    return [float(hazard) for hazard in model.hazard(signals, clocks, n_months)[0]]


def test_with_few_exits_the_anchor_answers_alone() -> None:
    sample = _sample(40, rate=0.05)
    assert sample.n_exits < FEWEST_EXITS

    model, check = fit_hazard(sample, FLAT, -3, LONGEST, seed=0)

    assert model.booster is None
    assert check is None
    expected = FLAT.hazard(7 + np.arange(1.0, 25.0))
    np.testing.assert_allclose(_hazard(model, 1.0, 7.0, 24), expected)


@pytest.mark.parametrize(("later_from", "ends"), [(0, -1), (-12, -11)])
def test_a_later_window_without_exits_in_it_or_before_it_is_moved(
    later_from: int, ends: int
) -> None:
    sample = _sample(800, rate=0.05)
    last_or_first = fit_hazard(sample, FLAT, ends, LONGEST, seed=0)[0]

    model, check = fit_hazard(sample, FLAT, later_from, LONGEST, seed=0)

    assert check is not None
    assert _hazard(model, 1.0, 10.0, 6) == _hazard(last_or_first, 1.0, 10.0, 6)


def test_exits_that_all_fall_into_one_month_leave_the_anchor_alone() -> None:
    sample = _sample(3000, rate=0.05)
    periods = sample.periods
    in_one = sample.rows.landmark[periods.landmark_row] + periods.month == -4
    together = replace(sample, periods=replace(periods, left=periods.left & in_one))

    model, check = fit_hazard(together, FLAT, -3, LONGEST, seed=0)

    assert (model.booster, check) == (None, None)


def test_signals_tell_the_restless_from_the_settled(fitted: HazardModel) -> None:
    restless, settled = (_hazard(fitted, kind, 10.0, 6) for kind in (1.0, 0.0))

    assert np.mean(restless) == pytest.approx(0.075, rel=0.15)
    assert np.mean(settled) == pytest.approx(0.025, rel=0.2)


def test_beyond_the_longest_month_only_the_anchor_goes_on(fitted: HazardModel) -> None:
    # Tenure beyond all trained on, so that no tree splits on it either.
    with_trees = replace(fitted, signal_weight=1.0, linear=None)
    hazard = np.array(_hazard(with_trees, 1.0, 100.0, 36))

    raised = logit(hazard) - fitted.calibration.slope * logit(FLAT.hazard(100 + np.arange(1.0, 37)))
    np.testing.assert_allclose(raised[LONGEST - 1 :], raised[LONGEST - 1], atol=1e-5)


def test_one_customer_is_answered_as_among_many(fitted: HazardModel) -> None:
    rows = _sample(20, rate=0.05).rows

    together = fitted.hazard(rows.signals, rows.clocks, 18)
    alone = fitted.hazard(rows.signals[7:8], rows.clocks[7:8], 18)

    assert alone.tolist() == together[7:8].tolist()
    assert ((together > 0) & (together < 1)).all()


def test_the_same_rows_and_seed_give_the_same_model() -> None:
    first, again = (
        fit_hazard(_sample(800, rate=0.05), FLAT, -3, LONGEST, seed=0)[0] for _ in range(2)
    )

    assert first.calibration == again.calibration
    assert first.booster is not None
    assert again.booster is not None
    assert first.booster.save_raw("ubj") == again.booster.save_raw("ubj")


def _survival(model: HazardModel, weight: float, restless: float = 1.0) -> NDArray[np.float64]:
    hazard = _hazard(replace(model, signal_weight=weight), restless, 3.0, LONGEST)
    return survival_from_hazard(np.array([hazard]))


@pytest.mark.parametrize("has_aft", [True, False])
def test_the_curve_with_trees_and_the_one_beside_are_averaged_by_weight(
    fitted: HazardModel, *, has_aft: bool
) -> None:
    model = replace(fitted, linear=None)
    model = model if has_aft else replace(model, aft=None)

    beside, with_trees, between = (_survival(model, weight) for weight in (0.0, 1.0, 0.25))

    np.testing.assert_allclose(between, 0.75 * beside + 0.25 * with_trees)


def test_beside_the_trees_stands_the_curve_of_accelerated_failure_time(
    fitted: HazardModel,
) -> None:
    model = replace(fitted, linear=None)
    assert model.aft is not None
    signals = np.array([[1.0]], dtype=np.float32)

    np.testing.assert_allclose(_survival(model, 0.0), model.aft.survival(signals, LONGEST))
    assert _survival(model, 0.0, restless=0.0)[0, -1] > _survival(model, 0.0)[0, -1] + 0.1


def test_where_it_cannot_be_fitted_the_anchor_stands_beside_the_trees(
    fitted: HazardModel,
) -> None:
    beside = _survival(replace(fitted, aft=None, linear=None), 0.0)

    assert beside[0, 0] == pytest.approx(1 - float(FLAT.hazard(np.array([4.0]))[0]))


def test_beyond_the_longest_month_no_curve_invents_deceleration(fitted: HazardModel) -> None:
    model = replace(fitted, signal_weight=0.0, linear=None)

    hazard = _hazard(model, 1.0, 3.0, 3 * LONGEST)

    assert hazard[LONGEST:] == pytest.approx([hazard[LONGEST - 1]] * (2 * LONGEST))


def test_the_linear_hazard_is_a_third_of_the_curve(fitted: HazardModel) -> None:
    assert fitted.linear is not None
    month = np.arange(1, LONGEST + 1)
    signals, clocks = np.ones((1, 1), np.float32), np.array([[3.0, np.nan, np.nan, np.nan]])
    added = fitted.linear.logit(signals, clocks, np.zeros(LONGEST, int), month, LONGEST)
    linear = survival_from_hazard(expit(logit(FLAT.hazard(3.0 + month)) + added)[None, :])[0]

    both = _survival(replace(fitted, linear=None), fitted.signal_weight)[0]

    np.testing.assert_allclose(
        _survival(fitted, fitted.signal_weight)[0], 2 / 3 * both + linear / 3
    )


def test_a_booked_end_is_kept_to_by_the_linear_hazard_too(fitted: HazardModel) -> None:
    model = replace(fitted, signal_weight=0.0, booked_ends=BookedEnds(kept=0.9, early=0.01))
    clocks = np.array([[3.0, np.nan, np.nan, 4.0]])

    hazard = model.hazard(np.array([[1.0]], dtype=np.float32), clocks, 4)[0]

    np.testing.assert_allclose(hazard, [0.01, 0.01, 0.01, 0.9])


def test_a_booked_end_is_kept_to_by_the_curve_beside_the_trees(fitted: HazardModel) -> None:
    ends = BookedEnds(kept=0.9, early=0.01)
    model = replace(fitted, signal_weight=0.0, booked_ends=ends)
    clocks = np.array([[3.0, np.nan, np.nan, 4.0]])

    hazard = model.hazard(np.array([[1.0]], dtype=np.float32), clocks, 6)[0]

    np.testing.assert_allclose(hazard[:4], [0.01, 0.01, 0.01, 0.9])
    assert 0 < hazard[4] < 0.9


def test_trees_weigh_as_much_as_the_curve_beside_at_150_exits_and_more_with_more() -> None:
    sample = _sample(800, rate=0.05)
    model, _ = fit_hazard(sample, FLAT, -3, LONGEST, seed=0)

    assert model.signal_weight == sample.n_exits / (sample.n_exits + 150)
    assert 0.5 < model.signal_weight < 1


def test_trees_add_to_the_anchor_they_were_fitted_on() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4000, 1)).astype(np.float32)
    anchor = rng.normal(size=4000)
    outcome = rng.poisson(np.exp(anchor + np.where(inputs[:, 0] > 0, 0.7, -0.7))).astype(np.float64)
    rows = Rows(inputs, anchor, outcome, np.ones(4000))

    margin = predict_margin(fit_trees(rows, 60, "count:poisson", seed=0), inputs, anchor)

    added = margin - anchor
    assert added[inputs[:, 0] > 0.1].mean() == pytest.approx(0.7, abs=0.1)
    assert added[inputs[:, 0] < -0.1].mean() == pytest.approx(-0.7, abs=0.1)
    assert predict_margin(None, inputs, anchor) is anchor
