"""Person-period rows by hand: censoring, thinning, and what is known of a month ahead."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.person_periods import clock_columns, expand, inputs_of


def test_a_customer_has_a_row_for_every_month_at_risk() -> None:
    periods = expand(np.array([2, 0, 0]), np.array([5, 3, 0]), longest=4)

    assert periods.landmark_row.tolist() == [0, 0, 1, 1, 1]
    assert periods.month.tolist() == [1, 2, 1, 2, 3]
    assert periods.left.tolist() == [False, True, False, False, False]
    assert periods.weight.tolist() == [1.0] * 5


def test_an_exit_beyond_the_longest_month_is_not_seen() -> None:
    periods = expand(np.array([6]), np.array([9]), longest=4)

    assert periods.month.tolist() == [1, 2, 3, 4]
    assert not periods.left.any()


@given(
    seen=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30),
    longest=st.integers(1, 12),
)
def test_rows_count_months_at_risk_and_exits(seen: list[tuple[int, int]], longest: int) -> None:
    exits = np.array([min(exit_, months) for exit_, months in seen], dtype=np.int64)
    months = np.array([months for _, months in seen], dtype=np.int64)

    periods = expand(exits, months, longest)

    assert periods.left.sum() == ((exits > 0) & (exits <= longest)).sum()
    at_risk = np.minimum(np.where(exits > 0, exits, months), longest)
    assert np.bincount(periods.landmark_row, minlength=len(seen)).tolist() == at_risk.tolist()


def _known_ahead(*, tenure: float, term: float, renewal: float, booked: float) -> list[list[float]]:
    clocks = np.array([[tenure, term, renewal, booked]])
    row, month = np.zeros(5, dtype=np.int64), np.arange(1, 6)
    return inputs_of(np.array([[7.0]], dtype=np.float32), clocks, row, month).tolist()


def test_a_month_ahead_knows_its_tenure_renewals_and_booked_end() -> None:
    rows = _known_ahead(tenure=10, term=2, renewal=2, booked=4)

    assert [row[0] for row in rows] == [7.0] * 5
    assert [row[1] for row in rows] == [1, 2, 3, 4, 5]
    assert [row[2] for row in rows] == [11, 12, 13, 14, 15]
    assert [row[3] for row in rows] == [0, 1, 0, 1, 0]
    assert [row[4] for row in rows] == [-3, -2, -1, 0, 1]


def test_without_a_term_nothing_is_due_and_without_a_booked_end_it_is_missing() -> None:
    rows = _known_ahead(tenure=0, term=0, renewal=np.nan, booked=np.nan)

    assert [row[3] for row in rows] == [0] * 5
    assert np.isnan([row[4] for row in rows]).all()


def test_clocks_are_found_among_signals_by_name() -> None:
    names = ["mrr", "months_to_renewal", "tenure_months", "months_to_booked_end", "term_months"]

    assert clock_columns(names) == [2, 4, 1, 3]
