"""Intervals on customers whose distribution of value is known."""

import numpy as np
import pytest

from training.forecast import Forecast
from training.intervals import COVERAGE, Intervals, Origin, fit_intervals, ways
from valuation.survival import survival_from_hazard

MONTHS = 12
N_CUSTOMERS = 4000


def subscribers(rng, n_customers=N_CUSTOMERS, hazard=None):
    """Return a true forecast: a price each, and hazards between 1% and 12% a month."""
    price = rng.uniform(5.0, 80.0, n_customers)
    hazard = rng.uniform(0.01, 0.12, n_customers) if hazard is None else hazard
    survival = survival_from_hazard(np.repeat(hazard[:, None], MONTHS, axis=1))
    before = np.hstack([np.ones((n_customers, 1)), survival[:, :-1]])
    margin = np.repeat(price[:, None], MONTHS, axis=1)
    activity = (survival + before) / 2
    there = np.ones(n_customers, dtype=bool)
    return Forecast(there, 1 - survival, activity, activity * margin, margin, survival, margin)


def lived(forecast, rng, level=0.0):
    """Return an origin of customers who leave as forecast, and spend by `level` more or less."""
    draw = rng.random((len(forecast.churn), 1))
    leaves = (draw < forecast.churn).any(axis=1)
    month = np.where(leaves, (draw < forecast.churn).argmax(axis=1) + 1, 0)
    months_paid = np.where(leaves, month - 0.5, MONTHS)
    wobble = np.exp(rng.normal(level, 0.1, len(month)))
    return Origin(forecast, forecast.margin_if_active[:, 0] * months_paid * wobble, month)


def movers(rng, months, n_customers=N_CUSTOMERS, moving=0.03, leaving=0.02):
    """Return an origin of customers who stay on their plan, move to half or twice of it, or leave.

    Whoever pays 10 may go up and whoever pays 40 down; the forecast knows the mean of it.
    """
    price = rng.choice([10.0, 40.0], n_customers)
    factor = np.where(price == 10, 2.0, 0.5)
    month = np.arange(1, months + 1)
    moved_by = 1 - (1 - moving) ** (month - 0.5)
    unchanged = np.repeat(price[:, None], months, axis=1)
    if_active = unchanged * (1 + (factor[:, None] - 1) * moved_by)
    survival = survival_from_hazard(np.full((n_customers, months), leaving))
    activity = (survival + np.hstack([np.ones((n_customers, 1)), survival[:, :-1]])) / 2
    there = np.ones(n_customers, dtype=bool)
    forecast = Forecast(
        there, 1 - survival, activity, activity * if_active, if_active, survival, unchanged
    )
    moves_in, leaves_in = rng.geometric(moving, n_customers), rng.geometric(leaving, n_customers)
    level = np.where(month > moves_in[:, None], factor[:, None], 1.0)
    level[month == moves_in[:, None]] = (1 + factor[moves_in <= months]) / 2
    paid = (month < leaves_in[:, None]) + 0.5 * (month == leaves_in[:, None])
    realised = (price[:, None] * level * paid).sum(axis=1)
    return Origin(forecast, realised, np.where(leaves_in <= months, leaves_in, 0))


def covered(intervals, origin, months=MONTHS):
    low, high, _ = intervals.of_customers(origin.forecast, 0.0, months)
    return (low <= origin.realised) & (origin.realised <= high)


def test_intervals_of_a_true_forecast_hold_as_many_as_they_say():
    rng = np.random.default_rng(7)
    origins = [lived(subscribers(rng), rng) for _ in range(3)]

    intervals = fit_intervals(origins, 0.0, MONTHS)
    later = lived(subscribers(rng), rng)
    is_held = covered(intervals, later)
    decile = np.argsort(np.argsort(later.forecast.expected_margin.sum(axis=1))) * 10 // N_CUSTOMERS

    assert COVERAGE - 0.02 <= is_held.mean() <= COVERAGE + 0.08
    assert min(is_held[decile == number].mean() for number in range(10)) >= COVERAGE - 0.07


@pytest.mark.parametrize("months", [6, 12, 24])
def test_beyond_the_window_intervals_hold_those_who_stay_on_their_plan_and_some_who_move(months):
    rng = np.random.default_rng(11)
    intervals = fit_intervals([movers(rng, 6) for _ in range(3)], 0.0, 6)

    later = movers(rng, months)
    is_held = covered(intervals, later, months)
    dear = later.forecast.margin_if_active[:, 0] > 20

    assert COVERAGE - 0.05 <= is_held[~dear].mean() <= COVERAGE + 0.05
    # Nobody there is worth more than who stays: all but the lowest tenth are held.
    assert 0.9 - 0.05 <= is_held[dear].mean() <= 0.9 + 0.05


@pytest.mark.parametrize("months", [1, 6, 12, 36])
def test_intervals_hold_whoever_stays_on_the_plan_for_all_months(months):
    rng = np.random.default_rng(12)
    intervals = fit_intervals([movers(rng, 6)], 0.0, 6)
    forecast = movers(rng, months, leaving=0.002).forecast

    low, high, _ = intervals.of_customers(forecast, 0.0, months)

    stays = forecast.margin_if_unchanged.sum(axis=1)
    assert (low <= stays).all()
    assert (stays <= high).all()


def test_no_interval_is_narrower_than_the_distribution_has_it():
    rng = np.random.default_rng(13)
    timid = subscribers(rng, hazard=np.full(N_CUSTOMERS, 0.05))
    nobody_left = Origin(timid, timid.margin_if_active.sum(axis=1), np.zeros(N_CUSTOMERS, int))

    intervals = fit_intervals([nobody_left], 0.0, MONTHS)
    low, high, _ = intervals.of_customers(timid, 0.0, MONTHS)

    # 5% a month: one in ten is gone after two months and a half.
    np.testing.assert_allclose(low / timid.margin_if_active[:, 0], 2.5)
    np.testing.assert_allclose(high / timid.margin_if_active[:, 0], MONTHS)


def test_twice_the_window_gives_twice_the_chance_to_move():
    one_in_four = ((-0.5, 0.0, 0.0, 0.0),)
    intervals = Intervals(6, 0.0, one_in_four, (), (0.1,), ())
    forecast = movers(np.random.default_rng(14), 12, n_customers=1).forecast

    within, beyond = (intervals.noise_of(forecast, months)[0] for months in (6, 12))

    # Of two draws the largest is a move with 1 - .75^2 = .44: two of four points.
    assert within.tolist() == [-0.5, 0.0, 0.0, 0.0]
    assert beyond.tolist() == [-0.5, -0.5, 0.0, 0.0]


def test_the_worst_cutoff_decides_how_far_intervals_reach():
    rng = np.random.default_rng(8)
    calm = [lived(subscribers(rng), rng) for _ in range(2)]
    off = lived(subscribers(rng), rng, level=0.5)

    usual, wider = fit_intervals(calm, 0.0, MONTHS), fit_intervals([*calm, off], 0.0, MONTHS)

    assert covered(usual, off).mean() < COVERAGE - 0.1
    assert covered(wider, off).mean() >= COVERAGE - 0.02


def test_who_is_lost_is_worth_nothing_for_certain():
    rng = np.random.default_rng(9)
    intervals = fit_intervals([lived(subscribers(rng), rng)], 0.0, MONTHS)
    forecast = subscribers(rng, n_customers=2)
    forecast.is_customer[1] = False

    low, high, variance = intervals.of_customers(forecast, 0.0, MONTHS)

    assert low[0] < high[0]
    assert (low[1], high[1], variance[1]) == (0, 0, 0)


def test_a_total_errs_by_chance_and_by_what_all_customers_share():
    intervals = Intervals(12, 1.0, ((0.0,),), (), (0.1,), (0.1, -0.1))

    low, high = intervals.of_total(1000.0, 0.0, horizon=12)
    _, with_chance = intervals.of_total(1000.0, 90.0**2, horizon=12)
    _, later = intervals.of_total(1000.0, 0.0, horizon=48)

    # Student's t with two degrees of freedom has its 90% quantile at 1.886.
    assert (low, high) == pytest.approx((1000 - 188.6, 1000 + 188.6), abs=0.1)
    assert with_chance == pytest.approx(1000 + 1.886 * np.hypot(100, 90), abs=0.1)
    assert later == pytest.approx(1000 + 4 * 188.6, abs=0.4)


@pytest.mark.parametrize(
    ("errors", "are_reliable"), [((0.1, -0.1), True), ((0.3, 0.0), False), ((0.0,), False)]
)
def test_totals_are_reliable_where_two_cutoffs_agree(errors, are_reliable):
    assert Intervals(12, 1.0, ((0.0,),), (), (0.1,), errors).are_reliable is are_reliable


def test_ways_of_a_long_horizon_keep_probability_and_mean():
    rng = np.random.default_rng(10)
    hazard = np.full(3, 0.05)
    survival = survival_from_hazard(np.repeat(hazard[:, None], 36, axis=1))
    margin = rng.uniform(1.0, 9.0, (3, 36))
    activity = (survival + np.hstack([np.ones((3, 1)), survival[:, :-1]])) / 2
    there = np.ones(3, dtype=bool)
    forecast = Forecast(there, 1 - survival, activity, activity * margin, margin, survival, margin)

    values, probabilities = ways(forecast, 0.0, 36)

    assert values.shape == (3, 12 + 8 + 1)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    means = (values * probabilities).sum(axis=1)
    np.testing.assert_allclose(means, (activity * margin).sum(axis=1))


def test_a_shops_customers_are_silent_or_buy_for_what_that_leaves():
    there, month = np.ones(1, dtype=bool), np.ones((1, 2))
    forecast = Forecast(
        there, 0.75 * month, 0.25 * month, 4.0 * month, 16.0 * month, idle_margin=-1.0 * month
    )

    values, probabilities = ways(forecast, 0.0, 2)

    assert probabilities.tolist() == [[0.75, 0.25]]
    assert values.tolist() == [[-2.0, -2.0 + (8.0 + 2.0) / 0.25]]
