"""Predictive distributions on cases worked out by hand, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuation.mixtures import Mixtures

ONE_POINT = np.array([0.0])


def one(values, probabilities, spreads=None, noise=ONE_POINT):
    values = np.array([values], dtype=float)
    spreads = np.zeros(values.shape) if spreads is None else np.array([spreads], dtype=float)
    return Mixtures(values, np.array([probabilities], dtype=float), spreads, np.array(noise))


def test_without_noise_quantiles_are_the_ways_in_order():
    mixture = one([100, 0], [0.7, 0.3])

    found = mixture.quantiles(np.array([[0.0, 0.3, 0.31, 1.0]]))

    assert found.tolist() == [[0, 0, 100, 100]]


def test_noise_moves_each_way_by_its_own_spread():
    mixture = one([100, 0], [0.5, 0.5], spreads=[10, 0], noise=[-1.0, 1.0])

    found = mixture.quantiles(np.array([[0.5, 0.75, 1.0]]))

    assert found.tolist() == [[0, 90, 110]]


def test_customers_may_have_noise_of_their_own():
    same = np.full((2, 1), 100.0)
    noise = np.array([[-1.0, 1.0], [0.0, 2.0]])
    mixtures = Mixtures(same, np.ones((2, 1)), np.full((2, 1), 10.0), noise)

    assert mixtures.quantiles(np.full((2, 2), [0.5, 1.0])).tolist() == [[90, 110], [100, 120]]
    assert mixtures.tail_depth(np.array([90.0, 90.0])).tolist() == [0.5, 0.0]
    assert mixtures.variance().tolist() == [100, 100]


def test_the_depth_of_a_value_is_the_smaller_of_its_tails_itself_included():
    mixture = one([100, 0], [0.7, 0.3])

    assert mixture.tail_depth(np.array([0.0])).tolist() == pytest.approx([0.3])
    assert mixture.tail_depth(np.array([100.0])).tolist() == pytest.approx([0.7])
    assert mixture.tail_depth(np.array([50.0])).tolist() == pytest.approx([0.3])
    assert mixture.tail_depth(np.array([101.0])).tolist() == [0.0]
    assert mixture.tail_depth(np.array([-1.0])).tolist() == pytest.approx([0.0])


def test_the_variance_is_between_and_within_the_ways():
    mixture = one([100, 0], [0.5, 0.5], spreads=[10, 0], noise=[-1.0, 1.0])

    assert mixture.variance().tolist() == pytest.approx([50**2 + 0.5 * 100])


ways = st.lists(
    st.tuples(st.floats(-1e4, 1e4), st.floats(0.01, 1), st.floats(0, 100)), min_size=1, max_size=6
)


@given(ways, st.lists(st.floats(-2, 2), min_size=1, max_size=9), st.floats(0.0, 0.5))
def test_a_value_lies_between_the_quantiles_at_a_exactly_where_its_depth_reaches_a(
    drawn, noise, level
):
    values, weights, spreads = (np.array(column) for column in zip(*drawn, strict=True))
    mixture = one(values, weights / weights.sum(), spreads, sorted(noise))
    points = (values[:, None] + spreads[:, None] * mixture.noise).ravel()
    low, high = mixture.quantiles(np.array([[level, 1 - level]]))[0]

    for realised in (*points, points.min() - 1, points.max() + 1):
        depth = mixture.tail_depth(np.array([realised]))[0]
        if depth > level + 1e-6:
            assert low - 1e-6 <= realised <= high + 1e-6
        if low + 1e-6 < realised < high - 1e-6:
            assert depth >= level - 1e-6


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"probabilities": [0.5, 0.4]}, "sum to 0.9"),
        ({"spreads": [-1.0, 0.0]}, "-1.0"),
        ({"noise": [1.0, 0.0]}, "rising"),
        ({"noise": []}, "0 points"),
    ],
)
def test_what_is_no_distribution_is_refused_with_its_value(parts, said):
    whole = {"values": [1.0, 2.0], "probabilities": [0.5, 0.5], "spreads": [0.0, 0.0]}

    with pytest.raises(ValueError, match=said):
        one(**(whole | parts))
