"""Plan paths by hand: growth by plan and tenure band, and unseen bands."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.plan_path import FREE, PlanMonths, PlanPath, fit_plan_path, tenure_bands


def _months(*moves: tuple[str, str, float, float, float], times: int = 1) -> PlanMonths:
    """Return months of customers as (plan, plan after, tenure, MRR booked, MRR after)."""
    plan, after, tenure, booked, mrr = zip(*(moves * times), strict=True)
    plans, plans_after = np.array(plan, dtype=object), np.array(after, dtype=object)
    paused = np.zeros(len(plans), dtype=bool)
    amounts = np.array(booked), np.array(mrr)
    return PlanMonths(plans, plans_after, np.array(tenure), *amounts, paused, paused)


def _ahead(path: PlanPath, plan: str, tenure: float, n_months: int) -> list[float]:
    growth = path.growth_ahead(np.array([plan], dtype=object), np.array([tenure]), n_months)
    return [float(value) for value in growth[0]]


def test_growth_is_mrr_a_month_later_over_mrr_as_booked_with_thirty_months_of_standing() -> None:
    path = fit_plan_path(
        _months(("Max", "Max", 20, 50.0, 50.0), ("Max", "Basic", 20, 50.0, 20.0), times=15)
    )

    # 30 months of Max at 50 beside 30 pseudo-months that stand still.
    assert path.plans == ("Max", "")
    assert path.growth[-1].tolist() == [
        pytest.approx([(750 + 1500) / 3000, 300 / 3000]),
        pytest.approx([0.0, 1.0]),
    ]


def test_growth_ahead_is_taken_in_the_middle_of_months() -> None:
    halving = np.array([[0.5, 0.0], [0.0, 1.0]])
    path = PlanPath(("Max", ""), np.stack([halving] * 4))

    assert _ahead(path, "Max", 0, 3) == [0.75, 0.375, 0.1875]
    assert _ahead(path, "never seen", 0, 3) == [1.0, 1.0, 1.0]


def test_money_moves_between_plans_along_the_path() -> None:
    down = np.array([[0.5, 0.2, 0.0], [0.0, 1.1, 0.0], [0.0, 0.0, 1.0]])
    path = PlanPath(("Max", "Basic", ""), np.stack([down] * 4))

    # After one month .5 + .2; after two .5 (.5 + .2) + .2 x 1.1.
    assert _ahead(path, "Max", 0, 2) == pytest.approx([(1 + 0.7) / 2, (0.7 + 0.57) / 2])


def test_a_path_walks_through_the_bands_as_the_customer_grows_older() -> None:
    by_band = [np.diag([growth, 1.0]) for growth in (0.5, 1.0, 1.0, 2.0)]
    path = PlanPath(("Max", ""), np.stack(by_band))

    # Tenure 2: one month more in the first band, then it stands still.
    assert _ahead(path, "Max", 2, 3) == [0.75, 0.5, 0.5]
    assert _ahead(path, "Max", 11, 2) == [1.0, 1.5]
    assert _ahead(path, "Max", 500, 1) == [1.5]


def test_bands_begin_at_their_first_month() -> None:
    assert tenure_bands(np.array([0.0, 2.9, 3.0, 6.0, 11.0, 12.0])).tolist() == [0, 0, 1, 2, 2, 3]


def test_a_band_nobody_reached_goes_on_as_the_one_before() -> None:
    path = fit_plan_path(_months(("Max", "Max", 1, 50.0, 40.0), times=60))

    assert path.growth[0, 0, 0] == pytest.approx((60 * 40 + 30 * 50) / (90 * 50))
    for band in (1, 2, 3):
        np.testing.assert_allclose(path.growth[band], path.growth[0])


def test_a_band_with_months_is_drawn_to_the_one_before() -> None:
    path = fit_plan_path(
        _months(*[("Max", "Max", 1, 50.0, 40.0)] * 30, *[("Max", "Max", 4, 50.0, 50.0)] * 30)
    )

    assert path.growth[0, 0, 0] == pytest.approx(0.9)
    assert path.growth[1, 0, 0] == pytest.approx(0.95)


def test_a_plan_without_a_label_is_any_other_plan() -> None:
    path = fit_plan_path(_months(("", "", 1, 50.0, 50.0), ("Max", "", 1, 50.0, 50.0)))

    assert path.plans == ("Max", "")


@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["A", "B", "C"]),
            st.sampled_from(["A", "B", "C"]),
            st.integers(0, 40),
            st.floats(0, 100),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_money_that_only_changes_plan_neither_grows_nor_shrinks(
    moves: list[tuple[str, str, int, float]],
) -> None:
    path = fit_plan_path(_months(*[(*move, move[-1]) for move in moves]))

    growth = path.growth_ahead(np.array(["A", "B"], dtype=object), np.array([0.0, 7.0]), 24)

    np.testing.assert_allclose(growth, 1.0, rtol=1e-9)


def test_a_plan_at_no_price_is_worth_what_those_who_leave_it_for_a_price_pay() -> None:
    path = fit_plan_path(
        _months(
            *[("Free", "Free", 20, 0.0, 0.0)] * 54,
            *[("Free", "Max", 20, 0.0, 50.0)] * 6,
            *[("Max", "Max", 20, 50.0, 50.0)] * 30,
        )
    )

    # Six of 60, beside 30 pseudo-months that stay: a 15th a month, at 50.
    ahead = _ahead(path, FREE, 20, 2)
    assert path.names == ("Max",)
    assert ahead[0] == pytest.approx((0 + 50 / 15) / 2)
    assert ahead[1] == pytest.approx((50 / 15 + 50 / 15 + 14 / 15 * 50 / 15) / 2)


def test_who_moves_to_a_plan_at_no_price_brings_nothing_until_they_leave_it() -> None:
    path = fit_plan_path(_months(*[("Max", "Free", 20, 50.0, 0.0)] * 30))

    assert _ahead(path, "Max", 20, 1) == [pytest.approx((1 + 0.5) / 2)]
