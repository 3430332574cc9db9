"""Landmark rows stream in: what is kept, what it weighs, and that it does not hang on the cut."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.boosting import RowSample
from training.churn_rows import ChurnRows, ChurnSample, ChurnSampler, customer_keys, draws

LANDMARKS = 8
LONGEST = 4
BESIDE = (-8, -4)


def _rows(n_customers: int, rate: float = 0.03, seed: int = 1) -> ChurnRows:
    """Return landmarks -8..-1 of customers, in the order of customers; signals name the row."""
    rng = np.random.default_rng(seed)
    number = np.tile(np.arange(-LANDMARKS, 0), n_customers)
    left_in = rng.geometric(rate, len(number))
    return ChurnRows(
        signals=np.arange(len(number), dtype=np.float32)[:, None],
        clocks=np.full((len(number), 4), np.nan),
        landmark=number,
        exit_month=np.where(left_in <= -number, left_in, 0),
        months_observed=-number,
        customer=np.repeat(np.arange(n_customers, dtype=np.uint64), LANDMARKS),
        exit_kind=np.zeros(len(number), np.int64),
    )


def _sampled(rows: ChurnRows, most_rows: int, n_parts: int = 1, seed: int = 0) -> ChurnSample:
    sampler = ChurnSampler(LONGEST, RowSample(most_rows, seed), BESIDE)
    for part in np.array_split(np.arange(len(rows.landmark)), n_parts):
        sampler.add(rows.only(np.isin(np.arange(len(rows.landmark)), part)))
    return sampler.sample()


def _months(sample: ChurnSample) -> list[tuple[float, int, bool, float]]:
    periods = sample.periods
    names = sample.rows.signals[periods.landmark_row, 0]
    return list(zip(names, periods.month, periods.left, periods.weight, strict=True))


def test_few_rows_are_kept_as_they_came() -> None:
    rows = _rows(20)

    sample = _sampled(rows, most_rows=10_000, n_parts=3)

    assert sample.rows.signals.tolist() == rows.signals.tolist()
    at_risk = np.where(rows.exit_month > 0, rows.exit_month, rows.months_observed)
    counts = np.bincount(sample.periods.landmark_row)
    assert counts.tolist() == np.minimum(at_risk, LONGEST).tolist()
    assert (sample.periods.weight == 1).all()
    assert sample.beside.tolist() == np.isin(rows.landmark, BESIDE).tolist()


def test_exits_are_kept_and_the_rest_weighed_up_again() -> None:
    whole, thinned = (_sampled(_rows(800), most) for most in (10**6, 4_000))

    for left in (True, False):
        chosen = thinned.periods.left == left
        weight = thinned.periods.weight[chosen].sum()
        assert weight == pytest.approx((whole.periods.left == left).sum(), rel=0.03)
    assert thinned.periods.left.sum() == whole.periods.left.sum()
    assert (thinned.periods.weight[thinned.periods.left] == 1).all()
    assert len(thinned.periods.month) == pytest.approx(4_000, rel=0.05)


def test_exits_take_half_of_the_room_at_most() -> None:
    whole, thinned = (_sampled(_rows(4_000, rate=0.2), most) for most in (10**6, 8_000))

    assert whole.periods.left.sum() > 8_000
    assert thinned.periods.left.sum() == pytest.approx(4_000, rel=0.05)
    assert (~thinned.periods.left).sum() == pytest.approx(4_000, rel=0.05)
    assert thinned.periods.weight.sum() == pytest.approx(len(whole.periods.month), rel=0.02)


def test_what_is_counted_counts_everybody() -> None:
    rows = _rows(800, rate=0.2)
    rows.clocks[:, 3] = np.where(np.arange(len(rows.landmark)) % 3 == 0, 1.0, np.nan)

    sample = _sampled(rows, most_rows=500, n_parts=7)

    assert sample.n_exits == (rows.exit_month == 1).sum()
    assert sample.ends.due == len(rows.landmark[::3])
    assert sample.ends.kept == (rows.exit_month[::3] == 1).sum()


@pytest.mark.parametrize("n_parts", [2, 5, 40])
def test_the_sample_does_not_hang_on_how_rows_were_cut(n_parts: int) -> None:
    rows = _rows(600)

    whole, in_parts = (_sampled(rows, 2_000, parts) for parts in (1, n_parts))

    assert _months(in_parts) == _months(whole)
    assert in_parts.beside.tolist() == whole.beside.tolist()


def test_another_seed_draws_others() -> None:
    first, again, other = (set(_months(_sampled(_rows(600), 2_000, seed=s))) for s in (0, 0, 1))

    assert first == again
    assert len(first & other) < 0.8 * len(first)


def test_rows_that_nothing_points_at_are_not_kept() -> None:
    sample = _sampled(_rows(2_000), most_rows=1_500, n_parts=30)

    pointed_at = np.zeros(len(sample.rows.landmark), dtype=bool)
    pointed_at[sample.periods.landmark_row] = True
    assert (pointed_at | sample.beside).all()
    assert sample.beside.sum() == pytest.approx(1_500, rel=0.1)


def _draws(n: int, landmark: int, month: int, seed: int = 0) -> NDArray[np.float64]:
    customer = np.arange(n, dtype=np.uint64)
    return draws(customer, np.full(n, landmark), np.full(n, month), seed)


@pytest.mark.parametrize("other", [(-3, 2, 0), (-4, 1, 0), (-3, 1, 1)])
def test_draws_are_even_and_tell_nothing_of_each_other(other: tuple[int, int, int]) -> None:
    first, second = _draws(20_000, -3, 1), _draws(20_000, *other)

    counts = np.histogram(first, bins=10, range=(0, 1))[0]
    assert np.abs(counts - 2_000).max() < 4 * np.sqrt(2_000)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(20_000)


def test_a_key_is_settled_by_the_customer_alone() -> None:
    keys = customer_keys(np.array(["ann", "bob", "ann"], dtype=object))

    assert keys[0] == keys[2] != keys[1]
    assert keys[1] == customer_keys(np.array(["bob"], dtype=object))[0]
