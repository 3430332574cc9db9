"""What a fair share of a value is, by hand and by the properties that define it."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from valuation.shapley import coalitions, shapley_values

Floats = NDArray[np.float64]
money = st.floats(-1e6, 1e6, allow_nan=False)


def _values_of(value: Callable[[Floats], float], n_players: int) -> Floats:
    """Return the value of every coalition, (1, 2 ** n_players)."""
    return np.array([[value(members) for members in coalitions(n_players).astype(float)]])


def test_three_partners_share_as_worked_out_by_hand() -> None:
    # In six orders the first partner joins nobody (twice), 1, 2, and both others (twice).
    values = np.array([[0.0, 10.0, 0.0, 50.0, 20.0, 50.0, 60.0, 90.0]])

    shared = shapley_values(values)

    assert shared[0, 0] == pytest.approx((2 * 10 + 50 + 30 + 2 * 30) / 6)
    assert shared.sum() == pytest.approx(90.0)


@given(st.lists(money, min_size=1, max_size=6))
def test_where_values_only_add_up_each_player_gets_their_own(own: list[float]) -> None:
    values = _values_of(lambda members: 7.0 + float(members @ np.array(own)), len(own))

    np.testing.assert_allclose(shapley_values(values)[0], own, atol=1e-6)


@given(st.integers(0, 5).flatmap(lambda n: st.lists(money, min_size=2**n, max_size=2**n)))
def test_nobody_and_all_shares_add_up_to_everybody(values: list[float]) -> None:
    shared = shapley_values(np.array([values]))

    assert values[0] + shared.sum() == pytest.approx(values[-1], abs=1e-6)


@given(st.lists(money, min_size=8, max_size=8), st.integers(0, 3))
def test_a_player_who_changes_nothing_gets_exactly_nothing(values: list[float], place: int) -> None:
    members = coalitions(4)
    others = np.delete(members, place, axis=1) @ (1 << np.arange(3))

    shared = shapley_values(np.array(values)[others][None])

    assert shared[0, place] == 0.0


@given(st.lists(money, min_size=6, max_size=6))
def test_players_who_change_everything_alike_get_the_same(values: list[float]) -> None:
    # What counts is how many of the first two joined, and whether the third did.
    members = coalitions(3).astype(int)
    number = members[:, :2].sum(axis=1) + 3 * members[:, 2]

    shared = shapley_values(np.array(values)[number][None])[0]

    assert shared[0] == pytest.approx(shared[1], abs=1e-6)


def test_customers_are_shared_out_each_on_their_own() -> None:
    values = np.random.default_rng(1).normal(size=(3, 16))

    together = shapley_values(values)

    assert together.tolist() == [shapley_values(row[None])[0].tolist() for row in values]


def test_a_number_of_coalitions_that_no_players_make_is_refused() -> None:
    with pytest.raises(ValueError, match="has 6 columns; give 2"):
        shapley_values(np.zeros((1, 6)))


def test_too_many_players_are_refused() -> None:
    with pytest.raises(ValueError, match="n_players is 17; give 0 to 16"):
        coalitions(17)
