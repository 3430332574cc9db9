"""Intervals of a difference of losses."""

import numpy as np
import pytest

from training.paired_bootstrap import paired_difference


def _ids(n: int) -> np.ndarray:
    return np.array([f"c{number}" for number in range(n)], dtype=object)


def test_a_difference_that_everybody_shares_is_certain() -> None:
    loss = np.random.default_rng(1).random(50)

    found = paired_difference(loss, loss + 0.25, _ids(50), np.random.default_rng(2))

    assert (found.mean, found.low, found.high) == pytest.approx((-0.25, -0.25, -0.25))


def test_the_interval_is_that_of_a_mean_of_independent_customers() -> None:
    rng = np.random.default_rng(3)
    loss = rng.normal(0.3, 2.0, 4000)

    found = paired_difference(loss, np.zeros(4000), _ids(4000), rng)

    half_width = 1.96 * 2.0 / np.sqrt(4000)
    assert found.low == pytest.approx(loss.mean() - half_width, abs=0.008)
    assert found.high == pytest.approx(loss.mean() + half_width, abs=0.008)


def test_rows_of_one_customer_are_no_more_certain_than_the_customer() -> None:
    rng = np.random.default_rng(4)
    loss = rng.normal(0.0, 1.0, 500)
    once = paired_difference(loss, np.zeros(500), _ids(500), np.random.default_rng(5))
    fourfold = paired_difference(
        np.tile(loss, 4), np.zeros(2000), np.tile(_ids(500), 4), np.random.default_rng(5)
    )

    assert fourfold.mean == pytest.approx(once.mean)
    assert fourfold.high - fourfold.low == pytest.approx(once.high - once.low)


def test_a_seed_gives_the_same_interval_again() -> None:
    loss = np.arange(20.0)
    first, second = (
        paired_difference(loss, loss[::-1], _ids(20), np.random.default_rng(6)) for _ in range(2)
    )

    assert first == second
